//! The transport of LLMux: the only outbound HTTP for provider traffic.
//!
//! [`HttpTransport`] is a pooled HTTP/1.1 and HTTP/2 client with the limits that long streams need, and no
//! more: it stands on the path of every request, so it neither logs nor copies what it carries.
//!
//! ```no_run
//! # async fn ask() -> llmux_core::Result<()> {
//! use bytes::Bytes;
//! use llmux_core::{Timeouts, Transport};
//! use llmux_http::HttpTransport;
//!
//! let transport = HttpTransport::builder().build()?;
//! let request = http::Request::get("https://example.com/v1/models").body(Bytes::new()).unwrap_or_default();
//! let reply = transport.send(request, Timeouts::default()).await?;
//! assert_eq!(reply.status, 200);
//! # Ok(())
//! # }
//! ```

mod body;
mod client;
mod connector;
mod deadline;
mod decode;
mod failure;
mod fetch;
#[cfg(fuzzing)]
pub mod fuzzing;
mod payload;
mod policy;
mod pool;
mod proxy;
mod resolver;
mod tls;

pub use client::{Builder, HttpTransport};
pub use fetch::{FetchLimits, MediaFetcher};
pub use policy::UrlPolicy;
pub use proxy::Proxies;
