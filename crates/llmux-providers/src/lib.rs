//! Providers of LLMux: pure translations between clients and each kind of provider.
