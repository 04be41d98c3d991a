//! `llmux chat`: one question, or a conversation.

mod answer;

use std::io::{self, IsTerminal, Read};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use bytes::Bytes;
use clap::Args;
use serde::Serialize;

use crate::api::{Client, Endpoint, Timeouts};
use crate::terminal::Terminal;
use answer::Answer;

/// Arguments of `llmux chat`.
#[derive(Debug, Args)]
pub(crate) struct ChatArgs {
    #[command(flatten)]
    endpoint: Endpoint,

    /// The model to ask.
    #[arg(long, short, env = "LLMUX_MODEL", default_value = "llmux/echo")]
    model: String,

    /// The system prompt.
    #[arg(long, short)]
    system: Option<String>,

    /// Wait for the whole answer instead of showing it as it comes.
    #[arg(long)]
    no_stream: bool,

    /// Tell tokens and times after each answer.
    #[arg(long)]
    usage: bool,

    /// What to say. Without it standard input is read; on a terminal a conversation begins.
    prompt: Option<String>,
}

/// One turn of a conversation.
#[derive(Debug, Clone, Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

/// Asks once, or until the input ends.
pub(crate) async fn run(args: ChatArgs, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    let client = Client::new(&args.endpoint, Timeouts::default())?;
    let mut chat = Chat::new(client, &args);
    if let Some(prompt) = args.prompt {
        chat.ask(prompt, terminal).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if io::stdin().is_terminal() {
        return converse(&mut chat, terminal).await;
    }
    let mut prompt = String::new();
    io::stdin().read_to_string(&mut prompt).context("cannot read the prompt from standard input")?;
    ensure!(!prompt.trim().is_empty(), "no prompt: give one as argument or on standard input");
    chat.ask(prompt.trim_end().to_owned(), terminal).await?;
    Ok(ExitCode::SUCCESS)
}

async fn converse(chat: &mut Chat, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    terminal.note(&format!("Talking to {}. An empty line is ignored; Ctrl-D ends.", chat.model));
    let mut line = String::new();
    loop {
        terminal.prompt("> ");
        line.clear();
        if io::stdin().read_line(&mut line)? == 0 {
            terminal.note("");
            return Ok(ExitCode::SUCCESS);
        }
        let said = line.trim();
        if said.is_empty() {
            continue;
        }
        // A refused turn does not end the conversation: it is forgotten.
        if let Err(error) = chat.ask(said.to_owned(), terminal).await {
            if error.downcast_ref::<io::Error>().is_some() {
                return Err(error);
            }
            terminal.error(&format!("{error:#}"));
        }
    }
}

struct Chat {
    client: Client,
    model: String,
    stream: bool,
    usage: bool,
    messages: Vec<Message>,
}

impl Chat {
    fn new(client: Client, args: &ChatArgs) -> Self {
        let system = args.system.iter().map(|content| Message { role: "system", content: content.clone() });
        Self {
            client,
            model: args.model.clone(),
            stream: !args.no_stream,
            usage: args.usage,
            messages: system.collect(),
        }
    }

    /// Sends the conversation with one more question and shows the answer; both are remembered if all went well.
    async fn ask(&mut self, prompt: String, terminal: &mut Terminal) -> anyhow::Result<()> {
        let before = self.messages.len();
        self.messages.push(Message { role: "user", content: prompt });
        let result = self.exchange(terminal).await;
        match result {
            Ok(answer) => {
                if self.usage {
                    terminal.note(&answer.summary());
                }
                self.messages.push(Message { role: "assistant", content: answer.text });
                Ok(())
            }
            Err(error) => {
                self.messages.truncate(before);
                Err(error)
            }
        }
    }

    async fn exchange(&self, terminal: &mut Terminal) -> anyhow::Result<Answer> {
        let body = self.body()?;
        if self.stream {
            answer::stream(&self.client, body, terminal).await
        } else {
            answer::whole(&self.client, body, terminal).await
        }
    }

    fn body(&self) -> anyhow::Result<Bytes> {
        #[derive(Serialize)]
        struct Request<'a> {
            model: &'a str,
            messages: &'a [Message],
            #[serde(skip_serializing_if = "Option::is_none")]
            stream: Option<bool>,
            #[serde(skip_serializing_if = "Option::is_none")]
            stream_options: Option<StreamOptions>,
        }
        #[derive(Serialize)]
        struct StreamOptions {
            include_usage: bool,
        }
        let request = Request {
            model: &self.model,
            messages: &self.messages,
            stream: self.stream.then_some(true),
            stream_options: (self.stream && self.usage).then_some(StreamOptions { include_usage: true }),
        };
        Ok(serde_json::to_vec(&request)?.into())
    }
}
