//! Who may ask how much: requests and tokens in a minute, requests at a time, money in a period.
//!
//! A [`Gate`] is what limits one key, team, user or other [`Scope`]. [`admit`] passes a request through all the gates
//! that apply to it, or through none: what it may cost and the tokens that it may use are *reserved* at each of them,
//! so that any number of requests at once cannot pass on the last cent. The [`Pass`] that it gets is settled with
//! what it did cost; dropped without that, it gives everything back but the request's own count.
//!
//! All of it is arithmetic on atomic words and knows no clock: times are seconds since 1970 that the caller gives. The
//! counters ([`Meter`]) are of this process; what other replicas spend arrives with [`Budget::learn`].

mod budget;
mod gate;
mod meter;
mod pass;
mod refusal;
mod window;

pub use budget::Budget;
pub use gate::{Gate, Rates};
pub use meter::{Meter, Meters, Scope, ScopeKind};
pub use pass::{Ask, Pass, Room, SoftLimit, admit};
pub use refusal::{LimitKind, Refusal};
