//! What replicas count together and tell each other.

use async_trait::async_trait;
use bytes::Bytes;

use crate::Result;

/// When a shared count starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Span {
    /// With each minute (of UTC) of the store's clock.
    Minute,
    /// So many milliseconds after the first that was counted.
    Since(u64),
}

/// What a replica has counted, and what it asks for.
///
/// A replica always says everything that it has counted itself in the window, never a difference. So it does no harm
/// when a call is repeated, or when nobody knows whether it arrived; and a store that has lost its memory learns
/// everything again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count<'a> {
    /// What is counted.
    pub name: &'a str,
    /// When it starts anew.
    pub span: Span,
    /// The window that the following figures belong to: [`Counted::window`] of the last answer, 0 for the present one.
    pub window: u64,
    /// All that this replica has counted in the window.
    pub own: u64,
    /// How much of that the store has confirmed: [`Counted::own`] of the last answer.
    pub told: u64,
    /// What all replicas had counted together: [`Counted::total`] of the last answer.
    pub known: u64,
    /// What the replica asks for.
    pub wish: Option<Wish>,
}

/// A wish to count more, within a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wish {
    /// How much more.
    pub more: u64,
    /// What all replicas may count together.
    pub limit: u64,
    /// Whether less than asked for is welcome too.
    pub partly: bool,
}

impl<'a> Count<'a> {
    /// A count of which this replica has counted nothing.
    #[must_use]
    pub fn new(name: &'a str, span: Span) -> Self {
        Self { name, span, window: 0, own: 0, told: 0, known: 0, wish: None }
    }

    /// Says what this replica has counted in a window, how much of that was confirmed, and the total known last.
    #[must_use]
    pub fn with_own(mut self, window: u64, own: u64, told: u64, known: u64) -> Self {
        (self.window, self.own, self.told, self.known) = (window, own, told, known);
        self
    }

    /// Asks for more, all or nothing.
    #[must_use]
    pub fn with_wish(mut self, more: u64, limit: u64) -> Self {
        self.wish = Some(Wish { more, limit, partly: false });
        self
    }

    /// Asks for as much as there is, at most so much.
    #[must_use]
    pub fn with_partial_wish(mut self, more: u64, limit: u64) -> Self {
        self.wish = Some(Wish { more, limit, partly: true });
        self
    }
}

/// What the store says of a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counted {
    /// How much of the wish was granted; it is counted already.
    pub granted: u64,
    /// All that the store has of this replica in the window.
    pub own: u64,
    /// The same of all replicas.
    pub total: u64,
    /// The window, as a number that grows from window to window; 0 when nothing was counted yet.
    pub window: u64,
    /// Milliseconds until the window ends.
    pub left: u64,
}

impl Counted {
    /// An answer.
    #[must_use]
    pub const fn new(granted: u64, own: u64, total: u64, window: u64, left: u64) -> Self {
        Self { granted, own, total, window, left }
    }
}

/// What a replica hears.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// Another replica told this.
    Told(Bytes),
    /// From now on nothing is missed; before, something may have been.
    Joined,
    /// The store has lost its memory.
    Emptied,
}

/// What replicas share. Each replica holds one, which knows who it is.
///
/// Behaviour that others rely on:
/// - `count` is atomic: over all replicas together, no wish is granted beyond its limit;
/// - wishes of one call are granted all or none, and granting counts; `total` is never less than the sum of what
///   replicas were granted and have said in the window;
/// - a figure that was said is never counted twice, and never lowered; figures of another window than the present one
///   change nothing;
/// - counting nothing opens no window; a window of [`Span::Since`] opens with the first that is counted, and after
///   a loss of memory goes on to the end that replicas knew;
/// - a store that has lost its memory takes `told` and `known` of the first replica that comes for what was, so that
///   nothing is granted twice, as far as the replicas know;
/// - what is told reaches every other replica that listens, in the order of the teller, or is lost while the store
///   cannot be reached: whoever tells repeats himself; nobody hears himself;
/// - no call waits longer than a bound that the implementation states. A store that is known to be out of reach makes
///   `count` fail at once; `tell` is what finds out that it is back. Each change is logged, once.
#[async_trait]
pub trait SharedState: Send + Sync {
    /// The name of this replica, different from all others, also from the one before its restart.
    fn replica(&self) -> &str;

    /// Says what this replica has counted of something, and asks for more. All counts of a call are kept together.
    ///
    /// # Errors
    /// When the store cannot be reached in time. It may have counted nevertheless; then the next answer's `own` is
    /// more than was said.
    async fn count(&self, of: &str, counts: &[Count<'_>]) -> Result<Vec<Counted>>;

    /// Tells every other replica something.
    ///
    /// # Errors
    /// When the store cannot be reached in time.
    async fn tell(&self, what: Bytes) -> Result<()>;

    /// Waits for what is heard next. One caller at a time.
    async fn hear(&self) -> Heard;
}
