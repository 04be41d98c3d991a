//! The classes of failure that policies are written for, under LiteLLM's names.

use llmux_core::{Error, ErrorKind};

/// A class of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Exception {
    /// `BadRequestError`: the request is wrong, or does not fit.
    BadRequest,
    /// `ContentPolicyViolationError`; policies that do not name it treat it as `BadRequestError`.
    ContentPolicyViolation,
    /// `AuthenticationError`: the provider does not know the key.
    Authentication,
    /// `Timeout`: no answer in time.
    Timeout,
    /// `RateLimitError`: too many requests.
    RateLimit,
    /// `InternalServerError`: the provider failed, or the connection to it.
    InternalServer,
    /// `ServiceUnavailableError`: the provider is overloaded.
    ServiceUnavailable,
    /// `BadGatewayError`: what came is no answer.
    BadGateway,
    /// `NotFoundError`: there is no such model.
    NotFound,
}

/// How many classes there are.
pub(crate) const CLASSES: usize = 9;

impl Exception {
    /// Every class.
    pub const ALL: [Self; CLASSES] = [
        Self::BadRequest,
        Self::ContentPolicyViolation,
        Self::Authentication,
        Self::Timeout,
        Self::RateLimit,
        Self::InternalServer,
        Self::ServiceUnavailable,
        Self::BadGateway,
        Self::NotFound,
    ];

    /// The class of an error; `None` for those that no policy names, such as a permission that is missing.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        use ErrorKind as K;
        Some(match error.kind() {
            K::InvalidRequest
            | K::UnsupportedParameter
            | K::ContextWindowExceeded
            | K::PayloadTooLarge
            | K::Unprocessable => Self::BadRequest,
            K::ContentPolicy => Self::ContentPolicyViolation,
            K::Authentication => Self::Authentication,
            K::Timeout => Self::Timeout,
            K::RateLimited | K::CoolingDown => Self::RateLimit,
            K::ProviderFault | K::Internal | K::Connection => Self::InternalServer,
            K::Unavailable => Self::ServiceUnavailable,
            K::BadReply => Self::BadGateway,
            K::NotFound => Self::NotFound,
            _ => return None,
        })
    }

    /// The beginning of its name in policies, such as `RateLimitError` in `RateLimitErrorRetries`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequestError",
            Self::ContentPolicyViolation => "ContentPolicyViolationError",
            Self::Authentication => "AuthenticationError",
            Self::Timeout => "TimeoutError",
            Self::RateLimit => "RateLimitError",
            Self::InternalServer => "InternalServerError",
            Self::ServiceUnavailable => "ServiceUnavailableError",
            Self::BadGateway => "BadGatewayError",
            Self::NotFound => "NotFoundError",
        }
    }
}

/// A number for each class of failure that has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerException {
    counts: [Option<u32>; CLASSES],
    /// The number for all others.
    pub default: Option<u32>,
}

impl PerException {
    /// The same with a number for one class.
    #[must_use]
    pub fn with(mut self, class: Exception, count: u32) -> Self {
        if let Some(place) = self.counts.get_mut(class as usize) {
            *place = Some(count);
        }
        self
    }

    /// The number that is named for this very class, or for the class that it belongs to.
    #[must_use]
    pub fn named(&self, class: Option<Exception>) -> Option<u32> {
        let of = |class: Exception| self.counts.get(class as usize).copied().flatten();
        let class = class?;
        of(class).or_else(|| match class {
            Exception::ContentPolicyViolation => of(Exception::BadRequest),
            _ => None,
        })
    }

    /// The number for this class, else the default.
    #[must_use]
    pub fn of(&self, class: Option<Exception>) -> Option<u32> {
        self.named(class).or(self.default)
    }

    /// Whether there is no number at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.default.is_none() && self.counts.iter().all(Option::is_none)
    }
}
