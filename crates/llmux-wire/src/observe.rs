//! Looking at an answer that goes by: what it consumed, without a byte of it changed or held back.

mod abridge;

use bytes::BytesMut;
use llmux_core::{Dialect, Error, ErrorKind, ReplyReport};

use crate::{
    anthropic::AnthropicWatch, bedrock::ConverseWatch, cohere::CohereWatch, gemini::GeminiWatch,
    openai::OpenAiWatch, passthrough::Watch, responses::ResponsesWatch,
};

use abridge::Abridger;

/// Longest frame that is looked at, in bytes.
const MAX_FRAME: usize = 4 << 20;

/// How an answer is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framed {
    /// As the dialect's stream.
    Stream,
    /// As one JSON document, or an array of them.
    Json,
}

/// Reads what a successful answer says of itself, from copies of its pieces.
///
/// It never fails: what it does not understand it leaves out, and memory stays bounded however long the answer is.
pub struct Observer {
    watch: Box<dyn Watch>,
    report: ReplyReport,
    framed: Framed,
    /// The beginning of a frame that is not complete yet.
    held: BytesMut,
    documents: Abridger,
    /// Nothing more is looked at.
    blind: bool,
}

impl Observer {
    /// An observer at the start of an answer.
    #[must_use]
    pub fn new(dialect: Dialect, framed: Framed) -> Self {
        let watch: Box<dyn Watch> = match dialect {
            Dialect::Anthropic => Box::new(AnthropicWatch::new()),
            Dialect::OpenAiResponses => Box::new(ResponsesWatch::new()),
            Dialect::Gemini => Box::new(GeminiWatch::new()),
            Dialect::Cohere => Box::new(CohereWatch::new()),
            Dialect::BedrockConverse => Box::new(ConverseWatch::new("")),
            _ => Box::new(OpenAiWatch::new(false)),
        };
        Self {
            watch,
            report: ReplyReport::default(),
            framed,
            held: BytesMut::new(),
            documents: Abridger::default(),
            blind: false,
        }
    }

    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        match self.framed {
            _ if self.blind => {}
            Framed::Json => {
                let (watch, report) = (&mut self.watch, &mut self.report);
                self.documents.push(piece, |document| note(watch.whole(document, report).err(), report));
            }
            Framed::Stream if self.held.is_empty() => self.frames(piece),
            Framed::Stream => {
                self.held.extend_from_slice(piece);
                let joined = self.held.split();
                self.frames(&joined);
            }
        }
    }

    /// The answer has come to its end.
    pub fn finish(&mut self) {
        if self.framed == Framed::Json || self.blind {
            return;
        }
        let mut held = self.held.split();
        if !held.is_empty() {
            self.watch.complete(&mut held);
            self.look(&held);
        }
        self.report.cut_short = !self.watch.is_complete() && self.report.stream_error.is_none();
    }

    /// What has been learnt so far.
    #[must_use]
    pub fn report(&self) -> &ReplyReport {
        &self.report
    }

    fn frames(&mut self, bytes: &[u8]) {
        let Some((complete, rest)) = bytes.split_at_checked(self.watch.last_frame_end(bytes)) else { return };
        self.look(complete);
        self.blind |= rest.len() > MAX_FRAME;
        if !self.blind {
            self.held.extend_from_slice(rest);
        }
    }

    /// Looks at complete frames.
    fn look(&mut self, mut frames: &[u8]) {
        while !frames.is_empty() && !self.watch.is_dull(frames) {
            let end = self.watch.frame_end(frames).unwrap_or(frames.len());
            let Some((frame, rest)) = frames.split_at_checked(end) else { return };
            if !self.watch.is_dull(frame) {
                note(self.watch.frame(frame, &mut self.report).err(), &mut self.report);
            }
            frames = rest;
        }
    }
}

/// An error that the provider told is the answer's end; one about bytes that are not understood says nothing.
fn note(error: Option<Error>, report: &mut ReplyReport) {
    if let Some(error) = error.filter(|error| error.kind() != ErrorKind::BadReply) {
        report.stream_error.get_or_insert_with(|| error.message().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(dialect: Dialect, framed: Framed, answer: &str) -> ReplyReport {
        let observe = |size: usize| {
            let mut observer = Observer::new(dialect, framed);
            answer.as_bytes().chunks(size).for_each(|piece| observer.push(piece));
            observer.finish();
            observer.report().clone()
        };
        let whole = observe(answer.len());
        assert_eq!(whole, observe(1), "one byte at a time");
        whole
    }

    const CHUNKS: &str = "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n\
        data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n";

    #[test]
    fn usage_of_streams_and_documents_is_the_same_however_they_are_split() {
        let report = seen(Dialect::OpenAi, Framed::Stream, CHUNKS);
        assert_eq!((report.usage.total(), report.usage_reported, report.cut_short), (7, true, false));
        let report = seen(
            Dialect::Anthropic,
            Framed::Json,
            r#"{"type":"message","content":[{"type":"text","text":"a \"}{"}],"usage":{"input_tokens":2,"output_tokens":5}}"#,
        );
        assert_eq!(report.usage.total(), 7);
        let report = seen(
            Dialect::OpenAiResponses,
            Framed::Json,
            r#"{"status":"completed","output":[],"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}"#,
        );
        assert_eq!(report.usage.total(), 3);
    }

    #[test]
    fn the_last_item_of_googles_array_has_the_usage() {
        let item = |tokens: u32| {
            format!(
                "{{\"candidates\":[{{\"content\":{{}}}}],\"usageMetadata\":{{\"promptTokenCount\":{tokens}}}}}"
            )
        };
        let report = seen(Dialect::Gemini, Framed::Json, &format!("[{}\n,\r\n{}]", item(1), item(9)));
        assert_eq!(report.usage.prompt_total(), 9);
    }

    #[test]
    fn a_stream_without_its_end_is_cut_short_and_an_error_in_it_is_noted() {
        let report = seen(
            Dialect::OpenAi,
            Framed::Stream,
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
        );
        assert!(report.cut_short && !report.usage_reported);
        let broken = "data: {\"error\":{\"message\":\"down\",\"type\":\"server_error\"}}\n\n";
        let report = seen(Dialect::OpenAi, Framed::Stream, broken);
        assert_eq!((report.stream_error.as_deref(), report.cut_short), (Some("down"), false));
    }

    #[test]
    fn garbage_is_nothing_to_speak_of() {
        for framed in [Framed::Json, Framed::Stream] {
            let report = seen(Dialect::OpenAi, framed, "]}{\"usage\": \"error\" data: \n\n{[[[\"");
            assert!(!report.usage_reported && report.stream_error.is_none());
        }
    }

    #[test]
    fn an_answer_of_any_length_is_observed_in_bounded_memory() {
        let vector = "0.123456789,".repeat(1 << 20);
        let mut observer = Observer::new(Dialect::OpenAi, Framed::Json);
        observer.push(b"{\"object\":\"list\",\"data\":[{\"embedding\":[");
        for piece in vector.as_bytes().chunks(16 << 10) {
            observer.push(piece);
            assert!(observer.documents.held() <= abridge::MAX_DOCUMENT);
        }
        observer.push(b"0]}],\"model\":\"m\",\"usage\":{\"prompt_tokens\":8,\"total_tokens\":8}}");
        observer.finish();
        assert_eq!((observer.report().usage.input, observer.report().model.as_deref()), (8, Some("m")));
    }
}
