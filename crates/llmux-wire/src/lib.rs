//! Wire formats of LLMux: the neutral chat model, each dialect, stream codecs and raw-JSON surgery.
