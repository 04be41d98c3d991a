//! A client's own request, handed on to a provider as it is.

use http::Request;

use crate::{Dialect, Operation};

/// A client's own request, made ready to be handed on: its body follows as it comes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Relay {
    /// Method, absolute URL and headers, the provider's fixed credentials among them.
    pub head: Request<()>,
    /// What is asked and in whose wire format a successful answer is, where the path tells.
    pub known: Option<(Operation, Dialect)>,
    /// The model that the path names.
    pub model: Option<String>,
    /// A JSON answer may come piece by piece, so it must not be waited for.
    pub piecemeal: bool,
}

impl Relay {
    /// A request of which nothing more is known.
    #[must_use]
    pub fn new(head: Request<()>) -> Self {
        Self { head, known: None, model: None, piecemeal: false }
    }

    /// Says what is asked, if that is known.
    #[must_use]
    pub fn with_known(mut self, known: Option<(Operation, Dialect)>) -> Self {
        self.known = known;
        self
    }

    /// Names the model, if the path does.
    #[must_use]
    pub fn with_model(mut self, model: Option<String>) -> Self {
        self.model = model;
        self
    }

    /// Says whether a JSON answer may come piece by piece.
    #[must_use]
    pub fn with_piecemeal(mut self, piecemeal: bool) -> Self {
        self.piecemeal = piecemeal;
        self
    }
}
