//! The embeddable engine of LLMux: model groups, choice, attempts and retries.
