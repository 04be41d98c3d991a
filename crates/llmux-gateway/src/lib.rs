//! The data plane of LLMux as a library: accept loop, dispatch and the stages of a request.

pub mod cors;
pub mod server;
