//! `llmux route`: how a server chooses deployments.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{ApiError, Client, Endpoint, Timeouts};
use crate::terminal::{Style, Terminal};

/// What to do with routes.
#[derive(Debug, Subcommand)]
pub(crate) enum RouteCommand {
    /// Say which deployment would answer, and why others would not. Nobody is asked.
    Explain(ExplainArgs),
}

/// Arguments of `llmux route explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The model, as a request would name it.
    model: String,

    /// What the request would say.
    #[arg(long, short, default_value = "hi", value_name = "TEXT")]
    message: String,

    /// A tag of the request; may be given several times.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,

    #[command(flatten)]
    endpoint: Endpoint,

    /// Print the server's answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Deserialize)]
struct Explanation {
    group: String,
    chosen: Option<String>,
    deployments: Vec<Deployment>,
    error: Option<String>,
    fallbacks: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Deployment {
    id: String,
    provider: String,
    excluded: Option<String>,
    detail: Option<String>,
}

/// Asks how a deployment would be chosen, and prints it.
pub(crate) async fn run(command: RouteCommand, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    let RouteCommand::Explain(args) = command;
    let client = Client::new(&args.endpoint, Timeouts::default())?;
    let messages = [json!({"role": "user", "content": args.message})];
    let mut body = json!({"model": args.model, "messages": messages});
    if let (false, Some(body)) = (args.tag.is_empty(), body.as_object_mut()) {
        body.insert("tags".to_owned(), json!(args.tag));
    }
    let answer = client.post("/router/explain", body.to_string().into()).await?;
    let answer = answer.bytes().await.map_err(ApiError::from)?;
    let unexpected = |error| ApiError::Unexpected(format!("no explanation: {error}"));
    if args.json {
        let answer: Value = serde_json::from_slice(&answer).map_err(unexpected)?;
        writeln!(terminal.out(), "{answer:#}")?;
    } else {
        print(&serde_json::from_slice(&answer).map_err(unexpected)?, terminal)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(explanation: &Explanation, terminal: &mut Terminal) -> anyhow::Result<()> {
    let lengths = explanation.deployments.iter().map(|one| one.id.chars().count());
    let width = lengths.max().unwrap_or_default().max("DEPLOYMENT".len());
    let head = terminal.paint(Style::Strong, format!("{:width$}  PROVIDER      STATE", "DEPLOYMENT"));
    writeln!(terminal.out(), "{head}")?;
    for Deployment { id, provider, excluded, detail } in &explanation.deployments {
        let state = excluded.as_deref().unwrap_or("chosen");
        let detail = detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
        writeln!(terminal.out(), "{id:width$}  {provider:12}  {state}{detail}")?;
    }
    if explanation.chosen.is_none() {
        let error = explanation.error.as_deref().unwrap_or("no deployment is left");
        terminal.note(&format!("Nobody would answer for `{}`: {error}", explanation.group));
    }
    if !explanation.fallbacks.is_empty() {
        terminal.note(&format!("Fallbacks: {}", explanation.fallbacks.join(", ")));
    }
    Ok(())
}
