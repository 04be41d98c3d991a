//! What the program says when it is ready: where it listens, what it serves, and a line to try it with.

use std::io::{self, Write};

use llmux_config::Config;
use llmux_gateway::{Gateway, server::Server};

/// Most models that are named.
const MAX_MODELS: usize = 12;

/// Writes the greeting to standard output.
pub(crate) fn print(server: &Server, config: &Config, gateway: &Gateway) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", server.local_addr());
    writeln!(out, "llmux-proxy {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "listening on {url}")?;

    let snapshot = gateway.snapshot();
    let models = snapshot.router().models();
    let none = if models.is_empty() { " none; add some to `model_list`" } else { "" };
    writeln!(out, "models:{none}")?;
    for model in models.iter().take(MAX_MODELS) {
        writeln!(out, "  {} ({})", model.name, model.provider)?;
    }
    if models.len() > MAX_MODELS {
        writeln!(out, "  and {} more: GET {url}/v1/models", models.len().saturating_sub(MAX_MODELS))?;
    }
    writeln!(
        out,
        "{}",
        if snapshot.is_open() { "no key is asked for" } else { "callers need the master key" }
    )?;

    if let Some(model) = models.iter().find(|model| !model.name.contains('*')).or_else(|| models.first()) {
        let key = if snapshot.is_open() { "" } else { " -H 'Authorization: Bearer YOUR_MASTER_KEY'" };
        writeln!(out, "try it:")?;
        writeln!(
            out,
            "  curl -N {url}/v1/chat/completions{key} -H 'Content-Type: application/json' \\\n    -d '{{\"model\": \
             \"{}\", \"stream\": true, \"messages\": [{{\"role\": \"user\", \"content\": \"Hello from LLMux\"}}]}}'",
            model.name
        )?;
    }
    out.flush()
}
