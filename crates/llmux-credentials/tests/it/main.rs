//! Credentials against scripted token services.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod aws;
mod entra;
mod google;
mod ibm;
mod renewed;
mod rsa;
mod sigv4;
mod world;
