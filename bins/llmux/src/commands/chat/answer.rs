//! Showing an answer, as it comes or at once.

use std::io::Write;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::api::{ApiError, Client, Completion, Events, Usage};
use crate::terminal::Terminal;

/// What came back, and when.
#[derive(Debug)]
pub(super) struct Answer {
    /// The text of the first choice.
    pub(super) text: String,
    usage: Option<Usage>,
    first: Option<Duration>,
    total: Duration,
}

impl Answer {
    /// Tokens and times in one line.
    pub(super) fn summary(&self) -> String {
        let tokens = match self.usage {
            Some(usage) if usage.cached() > 0 => {
                format!(
                    "{} tokens in ({} cached), {} out",
                    usage.prompt(),
                    usage.cached(),
                    usage.completion()
                )
            }
            Some(usage) => format!("{} tokens in, {} out", usage.prompt(), usage.completion()),
            None => "tokens unknown".to_owned(),
        };
        match self.first {
            Some(first) => format!("{tokens}; first token after {:.2?}, all after {:.2?}", first, self.total),
            None => format!("{tokens}; after {:.2?}", self.total),
        }
    }
}

/// Asks for the whole answer and prints it.
pub(super) async fn whole(client: &Client, body: Bytes, terminal: &mut Terminal) -> anyhow::Result<Answer> {
    let begun = Instant::now();
    let bytes = client.post("/chat/completions", body).await?.bytes().await.map_err(ApiError::from)?;
    let total = begun.elapsed();
    let completion = Completion::read(&bytes)?;
    let text = completion.text().unwrap_or_default().to_owned();
    writeln!(terminal.out(), "{text}")?;
    Ok(Answer { text, usage: completion.usage, first: None, total })
}

/// Asks for a stream and prints each piece when it is there.
pub(super) async fn stream(client: &Client, body: Bytes, terminal: &mut Terminal) -> anyhow::Result<Answer> {
    let begun = Instant::now();
    let mut response = client.post("/chat/completions", body).await?;
    let mut events = Events::default();
    let mut answer = Answer { text: String::new(), usage: None, first: None, total: Duration::ZERO };
    let mut ended = false;
    while let Some(chunk) = next_chunk(&mut response, &answer, terminal).await? {
        events.push(&chunk)?;
        while let Some(data) = events.next() {
            if data.as_ref() == b"[DONE]" {
                ended = true;
                continue;
            }
            let event = Completion::read(&data).inspect_err(|_| end_line(&answer, terminal))?;
            ended |= event.is_finished();
            answer.usage = event.usage.or(answer.usage);
            if let Some(text) = event.text() {
                answer.first.get_or_insert_with(|| begun.elapsed());
                answer.text.push_str(text);
                terminal.out().write_all(text.as_bytes())?;
            }
        }
        terminal.out().flush()?;
    }
    answer.total = begun.elapsed();
    writeln!(terminal.out())?;
    if !ended {
        return Err(ApiError::Unexpected("the stream ended before the answer did".to_owned()).into());
    }
    Ok(answer)
}

async fn next_chunk(
    response: &mut reqwest::Response,
    answer: &Answer,
    terminal: &mut Terminal,
) -> Result<Option<Bytes>, ApiError> {
    Ok(response.chunk().await.inspect_err(|_| end_line(answer, terminal))?)
}

/// An error message must not continue the line of a half-shown answer.
fn end_line(answer: &Answer, terminal: &mut Terminal) {
    if !answer.text.is_empty() {
        drop(writeln!(terminal.out()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_cached_tokens_only_when_there_are_any() {
        let usage = |json| serde_json::from_str(json).unwrap();
        let mut answer = Answer {
            text: String::new(),
            usage: Some(usage(r#"{"prompt_tokens":9,"completion_tokens":3}"#)),
            first: None,
            total: Duration::from_millis(1500),
        };
        assert_eq!(answer.summary(), "9 tokens in, 3 out; after 1.50s");
        answer.usage = Some(usage(
            r#"{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}"#,
        ));
        answer.first = Some(Duration::from_millis(250));
        assert_eq!(
            answer.summary(),
            "9 tokens in (4 cached), 3 out; first token after 250.00ms, all after 1.50s"
        );
    }
}
