//! The command line. LiteLLM's flags are understood; those that mean nothing here are ignored.

use std::path::PathBuf;

use clap::Parser;

/// The LLMux gateway: one endpoint in front of every model provider.
///
/// Without a configuration it serves 127.0.0.1:4000, takes providers from the environment (OPENAI_API_KEY,
/// ANTHROPIC_API_KEY, …) and always offers the built-in model `llmux/echo`.
#[derive(Debug, Clone, Parser)]
#[command(name = "llmux-proxy", version)]
pub(crate) struct Args {
    /// Configuration file.
    #[arg(short, long, env = "CONFIG_FILE_PATH", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, env = "HOST", value_name = "ADDRESS")]
    pub(crate) host: Option<String>,
    /// Port to listen on; 0 takes a free one.
    #[arg(short, long, env = "PORT", value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Threads that serve; one per processor if not given.
    #[arg(long, visible_alias = "num_workers", env = "NUM_WORKERS", value_name = "COUNT")]
    pub(crate) workers: Option<usize>,
    /// PEM file with the certificate and its chain, for HTTPS.
    #[arg(
        long,
        alias = "ssl_certfile_path",
        env = "SSL_CERTFILE_PATH",
        value_name = "FILE",
        requires = "tls_key"
    )]
    pub(crate) tls_cert: Option<PathBuf>,
    /// PEM file with the private key.
    #[arg(
        long,
        alias = "ssl_keyfile_path",
        env = "SSL_KEYFILE_PATH",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    pub(crate) tls_key: Option<PathBuf>,
    /// Serve without a key to other machines too.
    #[arg(long, env = "LLMUX_ALLOW_UNAUTHENTICATED", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) allow_unauthenticated: Option<bool>,
    /// Log what happens to each request.
    #[arg(long, alias = "detailed_debug")]
    pub(crate) debug: bool,
    /// Log filter, such as `info` or `warn,llmux_router=debug`; beats the configuration.
    #[arg(long, env = "LLMUX_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// Check the configuration and stop.
    #[arg(long, alias = "validate_config")]
    pub(crate) validate_config: bool,

    /// Flags of LiteLLM's that switch something that does not exist here.
    #[arg(long = "run_gunicorn", aliases = ["run_hypercorn", "run_granian", "use_queue", "local", "reload"], hide = true)]
    ignored_switch: bool,
    /// Flags of LiteLLM's that tune something that does not exist here.
    #[arg(
        long = "telemetry",
        aliases = ["log_config", "keepalive_timeout", "max_requests_before_restart", "limit_concurrency",
                   "granian_threads", "timeout_worker_healthcheck"],
        hide = true
    )]
    ignored_value: Vec<String>,
}

impl Args {
    /// Whether a flag was given that is ignored.
    pub(crate) fn has_ignored(&self) -> bool {
        self.ignored_switch || !self.ignored_value.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn litellms_flags_are_understood() {
        let args = Args::parse_from([
            "llmux-proxy",
            "--config",
            "c.yaml",
            "--num_workers",
            "4",
            "--detailed_debug",
            "--telemetry",
            "False",
            "--run_gunicorn",
        ]);
        assert_eq!((args.workers, args.debug, args.has_ignored()), (Some(4), true, true));
    }
}
