//! Identifiers as types, so that a model name is never passed where a deployment id belongs.

use std::{
    borrow::Borrow,
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// Identifies one client request through logs, headers and spend records.
///
/// Time-ordered (UUID version 7) when made by the gateway; a caller may bring its own text.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Longest identifier that is taken from a caller, in bytes.
    pub const MAX_LEN: usize = 256;

    /// A fresh, time-ordered identifier.
    #[must_use]
    pub fn new() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or_default();
        // The crate's own clock takes a lock that all threads share and a system call for each id.
        let id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &rand::random()).into_uuid();
        let mut text = [0_u8; uuid::fmt::Hyphenated::LENGTH];
        Self(Arc::from(&*id.hyphenated().encode_lower(&mut text)))
    }

    /// Takes a caller's identifier: 1 to 256 visible ASCII characters, otherwise `None`.
    #[must_use]
    pub fn from_caller(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= Self::MAX_LEN;
        (fits && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(Arc::from(text)))
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

/// Generates a cheap-to-clone text newtype.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps the text as it is.
            #[must_use]
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }
    };
}

text_id! {
    /// The public name a client asks for: a model group such as `gpt-4o`.
    ModelName
}
text_id! {
    /// Identifies one deployment: one provider account, endpoint and model behind a model group.
    DeploymentId
}

macro_rules! show_as_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    )*};
}
show_as_text!(RequestId, ModelName, DeploymentId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_request_ids_differ_and_sort_by_time() {
        let (a, b) = (RequestId::new(), RequestId::new());
        assert_ne!(a, b);
        assert_eq!(a.as_str().len(), 36);
    }

    #[test]
    fn a_callers_id_is_refused_when_it_could_break_a_header_or_a_log_line() {
        assert!(RequestId::from_caller("trace-1").is_some());
        for bad in ["", "a b", "a\nb", "é", &"x".repeat(257)] {
            assert!(RequestId::from_caller(bad).is_none(), "{bad:?}");
        }
    }
}
