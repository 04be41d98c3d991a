//! One request and its answer, measured.

use std::time::Instant;

use bytes::Bytes;
use memchr::memmem;

use super::stats::Sample;
use crate::api::{ApiError, Client, Completion, Events, Usage};

/// Sends `body` and reads the answer to its end; times count from `due`.
pub(super) async fn whole(client: &Client, body: Bytes, due: Instant) -> Result<Sample, ApiError> {
    let answer = client.post("/chat/completions", body).await?.bytes().await?;
    let total = due.elapsed();
    let completion = Completion::read(&answer)?;
    Ok(Sample { total, usage: completion.usage, ..Sample::default() })
}

/// Sends `body` and reads the streamed answer to its end; times count from `due`.
pub(super) async fn stream(client: &Client, body: Bytes, due: Instant) -> Result<Sample, ApiError> {
    let mut response = client.post("/chat/completions", body).await?;
    let mut reading = Reading::default();
    let mut last = None;
    while let Some(chunk) = response.chunk().await? {
        if reading.take(&chunk, due)? {
            let now = Instant::now();
            reading.sample.gaps.extend(last.replace(now).map(|before| now - before));
        }
    }
    if !reading.ended {
        return Err(ApiError::Unexpected("the stream ended before the answer did".to_owned()));
    }
    Ok(Sample { total: due.elapsed(), ..reading.sample })
}

/// A streamed answer as far as it has come.
#[derive(Default)]
struct Reading {
    events: Events,
    sample: Sample,
    ended: bool,
}

impl Reading {
    /// Takes some bytes; true when they brought an event.
    fn take(&mut self, chunk: &[u8], due: Instant) -> Result<bool, ApiError> {
        self.events.push(chunk)?;
        let before = self.sample.events;
        while let Some(data) = self.events.next() {
            if data.as_ref() == b"[DONE]" {
                self.ended = true;
                continue;
            }
            self.sample.events += 1;
            // Reading every event as JSON would make this the slower side of the exchange.
            if self.sample.first.is_none() || is_telling(&data) {
                self.look(&data, due)?;
            }
        }
        Ok(self.sample.events > before)
    }

    fn look(&mut self, data: &[u8], due: Instant) -> Result<(), ApiError> {
        let event = Completion::read(data)?;
        self.ended |= event.is_finished();
        if self.sample.first.is_none() && event.text().is_some() {
            self.sample.first = Some(due.elapsed());
        }
        let kept: Option<Usage> = self.sample.usage;
        self.sample.usage = event.usage.or(kept);
        Ok(())
    }
}

/// Whether an event may carry more than text: usage, an error, the end.
fn is_telling(data: &[u8]) -> bool {
    let has = |name: &str| memmem::find(data, name.as_bytes()).is_some();
    has("\"prompt_tokens\"") || has("\"error\"") || has("\"finish_reason\":\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_token_is_the_first_text() {
        let mut reading = Reading::default();
        let due = Instant::now();
        reading
            .take(b"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n", due)
            .unwrap();
        assert!(reading.sample.first.is_none());
        reading.take(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", due).unwrap();
        assert!(reading.sample.first.is_some());
    }

    #[test]
    fn usage_and_the_end_are_found_after_the_first_token() {
        let mut reading = Reading::default();
        let stream = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n\
            data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
            data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n";
        assert!(reading.take(stream, Instant::now()).unwrap());
        assert!(reading.ended);
        assert_eq!(reading.sample.events, 3);
        assert_eq!(reading.sample.usage.unwrap().completion(), 4);
    }

    #[test]
    fn an_error_event_fails_the_exchange() {
        let mut reading = Reading::default();
        let error = reading.take(b"data: {\"error\":{\"message\":\"no\"}}\n\n", Instant::now()).unwrap_err();
        assert_eq!(error.label(), "error in stream");
    }

    #[test]
    fn an_unfinished_event_is_no_arrival() {
        assert!(!Reading::default().take(b"data: {", Instant::now()).unwrap());
    }
}
