//! Structured logs of LLMux.
