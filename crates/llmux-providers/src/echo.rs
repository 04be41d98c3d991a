//! The built-in provider `llmux/echo`: deterministic answers with no account and no network, so that everything
//! can be tried. It says back what it was told, calls tools by name, follows schemas, and can be slow or broken
//! on purpose.

mod answer;
mod faults;
mod media;
mod rank;
mod schema;
mod vectors;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use llmux_core::{
    Call, Component, Dialect, Error, ErrorKind, Exchange, FailedReply, Operation, Outgoing, Provider,
    ProviderSettings, Result, ScriptedReply, Usage,
};
use llmux_wire::{
    anthropic, bedrock,
    chat::{ChatAnswer, ChatRequest, Event},
    cohere,
    convert::Converted,
    gemini, ollama, openai,
    rerank::{self, Ranked, Ranking},
    responses,
    stream::StreamWriter,
};

use faults::Faults;

use crate::speak;

/// The echo, with the latency and faults of a deployment.
pub(crate) struct Echo {
    faults: Faults,
}

impl Component for Echo {
    type Output = dyn Provider;
    type Config = ProviderSettings;
    const KIND: &'static str = "llmux";

    fn build(settings: &ProviderSettings) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(Self { faults: Faults::read(&settings.options)? }))
    }
}

impl Echo {
    fn chat(&self, call: &Call<'_>) -> Result<Exchange> {
        let request = speak::read(call, call.body)?;
        let answer = answer::answer(&request, call, self.faults.text.as_deref());
        if call.stream {
            return Ok(self.stream(call, &request, answer));
        }
        let body = match (call.operation, call.dialect) {
            (Operation::Completion, Dialect::Ollama) => ollama::write_generated(&answer, call.created),
            (_, Dialect::Ollama) => ollama::write_answer(&answer, call.created),
            (Operation::Completion, _) => openai::write_completion_answer(&answer, call.created),
            (_, Dialect::Anthropic) => anthropic::write_answer(&answer),
            (_, Dialect::OpenAiResponses) => {
                let settings = responses::Settings::of(call.body, call.envelope);
                responses::write_answer(&answer, call.created, &settings)
            }
            (_, Dialect::Gemini) => gemini::write_answer(&answer),
            (_, Dialect::Cohere) => cohere::write_answer(&answer),
            (_, Dialect::BedrockConverse) => bedrock::write_answer(&answer),
            _ => openai::write_answer(&answer, call.created),
        };
        Ok(self.whole(call.dialect, body))
    }

    fn whole(&self, dialect: Dialect, body: Bytes) -> Exchange {
        let pieces = vec![(self.faults.first_byte, body)];
        let scripted = ScriptedReply::pieces(StatusCode::OK, headers("application/json"), pieces)
            .with_cut(self.faults.cut_after == Some(0));
        Exchange::new(Outgoing::Answered(scripted), speak::passthrough(dialect, false), false)
    }

    fn stream(&self, call: &Call<'_>, request: &ChatRequest, answer: ChatAnswer) -> Exchange {
        let mut writer: Box<dyn StreamWriter> = match (call.operation, call.dialect) {
            (Operation::Completion, Dialect::Ollama) => {
                Box::new(ollama::StreamWriter::generated(call.created))
            }
            (_, Dialect::Ollama) => Box::new(ollama::StreamWriter::new(call.created)),
            (Operation::Completion, _) => Box::new(openai::CompletionStreamWriter::new(call.created, true)),
            (_, Dialect::Anthropic) => Box::new(anthropic::StreamWriter::new()),
            (_, Dialect::OpenAiResponses) => {
                let settings = responses::Settings::of(call.body, call.envelope);
                Box::new(responses::StreamWriter::new(call.created, settings))
            }
            (_, Dialect::Gemini) => Box::new(gemini::StreamWriter::new()),
            (_, Dialect::Cohere) => Box::new(cohere::StreamWriter::new()),
            (_, Dialect::BedrockConverse) => Box::new(bedrock::StreamWriter::new()),
            _ => Box::new(openai::StreamWriter::new(call.created, true)),
        };
        let mut pieces = Vec::new();
        for event in answer::events(answer) {
            let ends = matches!(event, Event::End);
            let mut out = BytesMut::new();
            writer.event(event, &mut out);
            if !out.is_empty() {
                let wait = if pieces.is_empty() { self.faults.first_byte } else { self.faults.between };
                // The end comes with the last words, so that it costs no wait of its own.
                let wait = if ends { std::time::Duration::ZERO } else { wait };
                pieces.push((wait, out.freeze()));
            }
        }
        let cut = self.faults.cut_after;
        pieces.truncate(cut.unwrap_or(usize::MAX));
        let scripted = ScriptedReply::pieces(StatusCode::OK, headers("text/event-stream"), pieces)
            .with_cut(cut.is_some());
        Exchange::new(
            Outgoing::Answered(scripted),
            speak::passthrough(call.dialect, !request.stream_usage),
            true,
        )
    }

    fn embeddings(&self, call: &Call<'_>) -> Result<Exchange> {
        let request = speak::read_embeddings(call.dialect, call.body)?;
        let dimensions = request.dimensions.unwrap_or(vectors::DIMENSIONS);
        if dimensions == 0 || dimensions > vectors::MAX_DIMENSIONS {
            return Err(Error::invalid(
                "dimensions",
                format!("`dimensions` must be between 1 and {}", vectors::MAX_DIMENSIONS),
            ));
        }
        let vectors: Vec<_> = request.inputs.iter().map(|text| vectors::embed(text, dimensions)).collect();
        let mut usage = Usage::default();
        usage.input = request.inputs.iter().map(|text| answer::words(text)).sum();
        let vectors = (vectors, Some(usage));
        let body = speak::write_embeddings(call.dialect, call.model, call.created, &request, &vectors);
        let mut exchange = self.whole(call.dialect, body);
        if call.dialect == Dialect::Gemini {
            // Vectors are no answer that the dialect's watch knows.
            exchange.reply = Box::new(Converted::passing(Some(usage)));
        }
        Ok(exchange)
    }

    /// Documents that share more words with the query come first; others keep their order.
    fn rank(&self, call: &Call<'_>) -> Result<Exchange> {
        let request = rerank::read_rerank_request(call.body)?;
        let texts = request.texts();
        let mut scored: Vec<_> =
            (0_u64..).zip(texts.iter().map(|text| rank::score(&request.query, text))).collect();
        scored.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let number = |score| serde_json::Number::from_f64(score).unwrap_or_else(|| 0.into());
        let results = scored.into_iter().map(|(index, score)| Ranked::new(index, number(score)));
        let mut usage = Usage::default();
        usage.queries = 1;
        let ranking = Ranking::new(results.collect(), usage);
        Ok(self.whole(call.dialect, rerank::write_ranking(&request, &ranking, call.created)))
    }

    fn broken(&self, status: StatusCode, call: &Call<'_>) -> Exchange {
        let error =
            Error::upstream(ErrorKind::from_status(status), format!("the echo was told to answer {status}"))
                .with_status(status);
        let body = match call.dialect {
            Dialect::Anthropic => anthropic::write_error(&error),
            Dialect::Gemini => gemini::write_error(&error),
            Dialect::Cohere => cohere::write_error(&error),
            Dialect::Ollama => ollama::write_error(&error),
            Dialect::BedrockConverse => bedrock::write_error(&error),
            _ => openai::write_error(&error),
        };
        let mut headers = headers("application/json");
        if let Some(wait) = self.faults.retry_after {
            headers.insert("retry-after-ms", HeaderValue::from(wait.as_millis() as u64));
            headers.insert("retry-after", HeaderValue::from(wait.as_secs().max(1)));
        }
        let scripted = ScriptedReply::pieces(status, headers, vec![(self.faults.first_byte, body)]);
        Exchange::new(Outgoing::Answered(scripted), speak::passthrough(call.dialect, false), call.stream)
    }
}

impl Provider for Echo {
    fn name(&self) -> &str {
        Self::KIND
    }

    fn base_url(&self) -> &'static str {
        "builtin:echo"
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        if let Some(status) = self.faults.status {
            return Ok(self.broken(status, call));
        }
        match call.operation {
            Operation::Chat | Operation::Completion => self.chat(call),
            Operation::Embeddings => self.embeddings(call),
            Operation::Rerank => self.rank(call),
            Operation::CountTokens => {
                let request = speak::read_count(call)?;
                Ok(speak::counted(call.dialect, answer::prompt_words(&request)))
            }
            Operation::ImageGeneration | Operation::ImageEdit | Operation::ImageVariation => {
                media::images(self, call)
            }
            Operation::Transcription | Operation::Translation => Ok(media::transcript(self, call)),
            Operation::Speech => media::speech(self, call),
            Operation::Moderation => media::moderation(self, call),
            operation => {
                Err(Error::client(ErrorKind::InvalidRequest, format!("the built-in echo has no {operation}"))
                    .with_param("model"))
            }
        }
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        openai::read_error(failed.status, failed.headers, failed.body, "llmux")
    }
}

fn headers(content_type: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers
}

#[cfg(test)]
mod tests;
