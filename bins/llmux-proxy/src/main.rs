//! The LLMux gateway: one endpoint in front of every model provider.
//!
//! This file puts the parts together: arguments, configuration, log, snapshot, listener, signals.

mod accounts;
mod args;
mod catalogue;
mod database;
mod greeting;
mod reload;
mod setup;
mod shared;
mod signals;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use clap::Parser;
use llmux_gateway::{Gateway, server::Server};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use args::Args;
use setup::Setup;

fn main() -> ExitCode {
    let args = Args::parse();
    match start(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Nothing is left to be done when not even this can be written.
            let _ = writeln!(io::stderr(), "{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs until the process is told to stop.
fn start(args: &Args) -> Result<(), String> {
    let setup = Setup::new(args);
    let (loaded, source) = setup.load()?;
    let built = source.build().map_err(|errors| setup::mistakes(&errors))?;
    let config = &loaded.config;
    if args.validate_config {
        return writeln!(io::stdout(), "the configuration is valid").map_err(|error| error.to_string());
    }
    setup::refuse_open_door(config)?;
    let log = llmux_telemetry::init(setup::log_options(args, config)).map_err(|error| error.to_string())?;
    setup::report_warnings(&loaded, &built.warnings);
    if args.has_ignored() {
        tracing::warn!("some of LiteLLM's flags were given that mean nothing here");
    }

    let server = Server::bind((&config.server).into()).map_err(|error| error.message().to_owned())?;
    let workers = config.server.workers.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
    let runtime =
        runtime(workers.unwrap_or(1)).map_err(|error| format!("the runtime cannot be started: {error}"))?;
    let database = runtime.block_on(database::open(config))?;
    let tenancy = runtime.block_on(async { database.as_ref().map(accounts::open).transpose() })?;
    let (snapshot, source) = match &tenancy {
        None => (built.snapshot, source),
        Some(tenancy) => setup.with_accounts(tenancy)?,
    };
    let control = Arc::new(llmux_admin::Admin::new(database));
    let gateway = Arc::new(Gateway::new(snapshot).with_source(source).with_control(control));
    let shared = setup.take_shared();
    let cut = runtime.block_on(async {
        if let Some(shared) = shared {
            shared.start().await;
        }
        let shutdown = CancellationToken::new();
        let reload =
            reload::Reload::new(setup, &config.server.host, Arc::clone(&gateway), server.certificates());
        reload.watch(&loaded);
        reload.follow_catalogue();
        let checked = Arc::clone(&gateway);
        tokio::spawn(async move { checked.check_health().await });
        signals::listen(Arc::clone(&gateway), reload, config.server.drain_delay, shutdown.clone())
            .map_err(|error| format!("signals cannot be received: {error}"))?;
        // Last, so that whoever waits for it can rely on signals and changed files being noticed.
        greeting::print(&server, config, &gateway).map_err(|error| error.to_string())?;
        let cut = server.run(gateway, shutdown).await.map_err(|error| error.message().to_owned());
        accounts::settle(tenancy.as_deref()).await;
        cut
    })?;
    tracing::info!(cut, "stopped");
    drop(log);
    Ok(())
}

/// A runtime of this many threads. One thread needs no scheduler that hands work from one to another.
fn runtime(workers: usize) -> io::Result<Runtime> {
    let mut builder = if workers > 1 { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    if workers > 1 {
        builder.worker_threads(workers);
    }
    builder.enable_all().build()
}
