//! Signing a provider request, for providers whose credentials are more than a fixed header.

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;

use crate::{FailedReply, Result};

/// Puts credentials on a finished request.
///
/// A provider with a fixed key needs none of this: it writes its header while preparing the request. The
/// trait is for signatures over the request (SigV4) and for tokens that must be fetched and renewed.
///
/// Behaviour that the router relies on:
/// - the body and the URL are final when `sign` is called; it only adds or replaces headers;
/// - tokens are renewed ahead of their expiry, and concurrent callers share one renewal;
/// - an error has [`Origin::Gateway`](crate::Origin::Gateway) and never contains the secret.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// Adds what the provider needs to know who calls.
    ///
    /// # Errors
    /// When no valid credential can be had.
    async fn sign(&self, request: &mut Request<Bytes>) -> Result<()>;

    /// Whether the body enters the signature, and must be whole before. Where it does not, `sign` may be given an
    /// empty one, and the body follows as it comes.
    fn covers_body(&self) -> bool {
        true
    }

    /// Takes note of an answer with which the provider refused what `sign` had put on. Gives whether signing anew
    /// may help, as it does after a token was revoked, or once a wrong clock is known; the request is then sent
    /// once more.
    fn refused(&self, failed: &FailedReply<'_>) -> bool {
        let _ = failed;
        false
    }
}
