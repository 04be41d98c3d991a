//! The transport of LLMux: the only outbound HTTP for provider traffic.
