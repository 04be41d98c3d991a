//! `llmux models`: what a server offers.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use crate::api::{ApiError, Client, Endpoint, Timeouts};
use crate::terminal::{Style, Terminal};

/// Arguments of `llmux models`.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    #[command(flatten)]
    endpoint: Endpoint,

    /// Print the server's answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Deserialize)]
struct Model {
    id: String,
    #[serde(default)]
    owned_by: Option<String>,
}

/// Asks for the models and prints a table, or the answer itself.
pub(crate) async fn run(args: ModelsArgs, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.endpoint, Timeouts::default())?;
    let body = client.get("/models").await?.bytes().await.map_err(ApiError::from)?;
    let answer: Value =
        serde_json::from_slice(&body).map_err(|error| ApiError::Unexpected(format!("not JSON: {error}")))?;
    if args.json {
        writeln!(terminal.out(), "{answer:#}")?;
    } else {
        print_table(&read_models(&answer)?, terminal)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read_models(answer: &Value) -> Result<Vec<Model>, ApiError> {
    // Some servers answer with the bare list.
    let list = answer.get("data").unwrap_or(answer);
    Vec::<Model>::deserialize(list)
        .map_err(|error| ApiError::Unexpected(format!("no list of models: {error}")))
}

fn print_table(models: &[Model], terminal: &mut Terminal) -> anyhow::Result<()> {
    if models.is_empty() {
        terminal.note("The server offers no models.");
        return Ok(());
    }
    let width =
        models.iter().map(|model| model.id.chars().count()).max().unwrap_or_default().max("MODEL".len());
    let head = terminal.paint(Style::Strong, format!("{:width$}  OWNER", "MODEL"));
    writeln!(terminal.out(), "{head}")?;
    for model in models {
        let owner = terminal.paint(Style::Dim, model.owned_by.as_deref().unwrap_or("-"));
        writeln!(terminal.out(), "{:width$}  {owner}", model.id)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_and_a_bare_list_are_read() {
        let wrapped = serde_json::json!({"data": [{"id": "a", "owned_by": "x"}, {"id": "b"}]});
        let bare = serde_json::json!([{"id": "a"}]);
        assert_eq!(read_models(&wrapped).unwrap().len(), 2);
        assert_eq!(read_models(&bare).unwrap().len(), 1);
    }

    #[test]
    fn anything_else_is_an_unexpected_answer() {
        let error = read_models(&serde_json::json!({"hello": 1})).unwrap_err();
        assert!(matches!(error, ApiError::Unexpected(_)), "{error}");
    }
}
