//! Replies that are no chat: a whole answer turned into another by a function.

use bytes::Bytes;
use llmux_core::{Error, ErrorKind, Frames, Reply, ReplyReport, Result, Usage};

use crate::json::envelope;

type Convert = Box<dyn Fn(Bytes) -> Result<(Bytes, Option<Usage>)> + Send>;

/// Turns a whole answer: a token count, a batch of embeddings. There is no streamed form.
pub struct Converted {
    convert: Convert,
    report: ReplyReport,
}

impl Converted {
    /// A reply that turns answers with this function, which also tells the usage where it is known.
    #[must_use]
    pub fn new(convert: impl Fn(&[u8]) -> Result<(Bytes, Option<Usage>)> + Send + 'static) -> Self {
        Self { convert: Box::new(move |body| convert(&body)), report: ReplyReport::default() }
    }

    /// A reply that hands a JSON object on as it comes, whatever it says; `usage` is what the request alone tells.
    #[must_use]
    pub fn passing(usage: Option<Usage>) -> Self {
        let pass = move |body: Bytes| match envelope::read(&body) {
            Ok(_) => Ok((body, usage)),
            Err(error) => {
                Err(Error::upstream(ErrorKind::BadReply, "the provider's answer is no JSON object")
                    .with_source(error))
            }
        };
        Self { convert: Box::new(pass), report: ReplyReport::default() }
    }
}

impl Reply for Converted {
    fn whole(&mut self, body: Bytes) -> Result<Bytes> {
        let (answer, usage) = (self.convert)(body)?;
        self.report.usage_reported = usage.is_some();
        self.report.usage = usage.unwrap_or_default();
        Ok(answer)
    }

    fn push(&mut self, _piece: Bytes, _out: &mut Frames) -> Result<()> {
        Err(no_stream())
    }

    fn finish(&mut self, _out: &mut Frames) -> Result<()> {
        Err(no_stream())
    }

    fn fail(&mut self, error: &Error, _out: &mut Frames) {
        self.report.stream_error = Some(error.message().to_owned());
    }

    fn has_failed(&self) -> bool {
        self.report.stream_error.is_some()
    }

    fn report(&self) -> ReplyReport {
        self.report.clone()
    }
}

fn no_stream() -> Error {
    Error::upstream(ErrorKind::BadReply, "the provider streams an answer that has no streamed form")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_the_same_bytes_and_garbage_is_refused() {
        let answer = Bytes::from_static(b"{\"embedding\": {\"values\": [1.50]}, \"x\": null}");
        let passed = Converted::passing(None).whole(answer.clone()).unwrap();
        assert_eq!(passed.as_ptr(), answer.as_ptr());
        for garbage in [&b""[..], b"\n\n\x11}", b"<html>", b"{\"a\": [}"] {
            let error = Converted::passing(None).whole(Bytes::from_static(garbage)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadReply);
        }
    }
}
