//! LLMux for Rust programs: the router, the providers and the registry of every compiled-in part.
