//! Routing strategies of LLMux, one file each.
