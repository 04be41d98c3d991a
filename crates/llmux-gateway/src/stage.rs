//! The stages of a request, in the order in which it walks them.

pub(crate) mod authenticate;
mod directions;
pub(crate) mod receive;
pub(crate) mod reply;
pub(crate) mod route;
pub(crate) mod settle;
mod unwrap;
