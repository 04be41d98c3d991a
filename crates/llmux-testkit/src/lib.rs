//! What LLMux's tests share: scripted providers and conformance suites.
