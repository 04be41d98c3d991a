//! Cloud credentials of LLMux: signatures over requests, and tokens that are fetched, held and renewed.
//!
//! Everything here implements [`llmux_core::Credentials`], which the router asks to sign each request of a
//! deployment. Nothing here opens a connection, reads the environment or needs a runtime: requests to token
//! services go over the [`Transport`](llmux_core::Transport) of [`ProviderSettings`](llmux_core::ProviderSettings),
//! variables and files come from its [`Environment`](llmux_core::Environment), and the time from a [`Clock`].
//!
//! Tokens are renewed ahead of their expiry, by one fetch that concurrent callers share: see [`Renewed`].
//!
//! ```
//! use llmux_core::ProviderSettings;
//! use llmux_credentials::{Clock, aws, sigv4::Scope};
//!
//! let mut settings = ProviderSettings::default();
//! settings.options.set("aws_access_key_id", "AKIA…").set("aws_secret_access_key", "…");
//! settings.options.set("aws_region_name", "eu-central-1");
//! let region = aws::region(&settings).unwrap_or_default();
//! let credentials = aws::credentials(&settings, Scope::new("bedrock", region), &Clock::system())?;
//! # let _ = credentials;
//! # Ok::<(), llmux_core::Error>(())
//! ```

mod ask;
pub mod aws;
mod bearer;
mod clock;
mod date;
pub mod entra;
pub mod google;
pub mod ibm;
mod jwt;
mod oidc;
pub mod renewed;
pub mod sigv4;

pub use bearer::{Bearer, Token};
pub use clock::Clock;
pub use renewed::{Held, Issued, Issuer, Renewed};
