//! The configuration file of LLMux: schema, loading, references and validation.
