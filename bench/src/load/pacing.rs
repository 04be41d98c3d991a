//! The moments at which requests are due.

use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// Gives `rate` moments a second for `span`, each when it has come.
///
/// They come from a thread of their own: the runtime's timers are only good to a millisecond.
pub(crate) fn start(rate: f64, span: Duration) -> io::Result<UnboundedReceiver<Instant>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::Builder::new().name("pacing".to_owned()).spawn(move || pace(rate, span, &sender))?;
    Ok(receiver)
}

fn pace(rate: f64, span: Duration, due: &UnboundedSender<Instant>) {
    let begun = Instant::now();
    for order in 0_u32.. {
        let offset = Duration::from_secs_f64(f64::from(order) / rate);
        if offset >= span {
            return;
        }
        thread::sleep((begun + offset).saturating_duration_since(Instant::now()));
        if due.send(begun + offset).is_err() {
            return;
        }
    }
}
