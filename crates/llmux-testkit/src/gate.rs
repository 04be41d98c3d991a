//! A condition that a test opens when it is ready.

use std::sync::Arc;

use tokio::sync::watch;

/// Closed until opened, then open for good. Clones are the same gate.
///
/// It takes the place of sleeping: the scripted side waits at the gate, the test looks at what has happened so
/// far and then opens it.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Lets everybody pass, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until the gate is open.
    pub async fn passed(&self) {
        let mut state = self.0.subscribe();
        state.wait_for(|open| *open).await.expect("the sender is alive: self holds it");
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
