//! The log of a program.

use std::{fmt, io, sync::Arc, time::Duration};

use llmux_core::{Error, ErrorKind, Result};
use tracing::Dispatch;
use tracing_subscriber::{EnvFilter, Layer, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    queue::{Queue, QueueWriter},
    scrub::Scrubber,
};

/// Bytes of log lines that may wait to be written.
const CAPACITY: usize = 4 << 20;
/// Time that the last lines have to be written.
const FLUSH_FOR: Duration = Duration::from_secs(2);
/// Parts that write a lot about each byte; they are shown at their own levels only when named in the filter.
const CHATTY: &[&str] = &["h2", "hyper", "hyper_util", "mio", "rustls", "tokio_util"];

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogOptions {
    /// The least important level, such as `info`, or directives such as `warn,llmux_router=debug`.
    pub filter: String,
    /// How a line is written.
    pub format: LogFormat,
    /// Whether text is coloured; for terminals.
    pub ansi: bool,
}

impl LogOptions {
    /// Plain text or JSON by `filter`, without colours.
    #[must_use]
    pub fn new(filter: impl Into<String>, format: LogFormat) -> Self {
        Self { filter: filter.into(), format, ansi: false }
    }
}

impl Default for LogOptions {
    fn default() -> Self {
        Self::new("info", LogFormat::Text)
    }
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people: time, level, part, message, then `key=value`.
    #[default]
    Text,
    /// For machines: one JSON object a line, with the fields of the event beside `message`, and those of the
    /// request under `span`.
    Json,
}

/// Keeps the log alive. Dropping it writes out the lines that wait, for at most two seconds.
#[must_use = "the last lines are lost unless the guard lives as long as the program"]
pub struct Guard {
    queue: Arc<Queue>,
}

impl Guard {
    /// Lines dropped since the start because they could not be written as fast as they came.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        self.queue.dropped()
    }

    /// Waits until all lines are written, at most for `limit`. Gives whether they are.
    pub fn flush(&self, limit: Duration) -> bool {
        self.queue.flush(limit)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.queue.flush(FLUSH_FOR);
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("dropped_lines", &self.dropped_lines()).finish()
    }
}

/// Sends the events of the whole process to standard error. Only programs call it, once.
///
/// # Errors
///
/// If the filter cannot be read, or the process has a log already.
pub fn init(options: LogOptions) -> Result<Guard> {
    let (dispatch, guard) = assemble(&options, io::stderr())?;
    dispatch.try_init().map_err(|_| internal("the process has a log already".to_owned()))?;
    Ok(guard)
}

/// The log before it is installed, with any place to write to.
pub(crate) fn assemble(
    options: &LogOptions,
    sink: impl io::Write + Send + 'static,
) -> Result<(Dispatch, Guard)> {
    let filter = filter(&options.filter)?;
    let scrubber = Scrubber::new()?;
    let queue = Queue::start(CAPACITY, scrubber, options.format, sink)
        .map_err(|error| internal(format!("the log cannot be started: {error}")))?;
    let writer = Lines(Arc::clone(&queue));
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    let layer = match options.format {
        LogFormat::Text => layer.with_ansi(options.ansi).boxed(),
        LogFormat::Json => {
            let json = layer.with_ansi(false).json();
            json.flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    };
    let subscriber = tracing_subscriber::registry().with(filter).with(layer);
    Ok((Dispatch::new(subscriber), Guard { queue }))
}

fn filter(text: &str) -> Result<EnvFilter> {
    let text = text.trim();
    let only_a_level = matches!(text, "debug" | "trace");
    let quiet: String = CHATTY.iter().filter(|_| only_a_level).map(|part| format!(",{part}=info")).collect();
    EnvFilter::try_new(format!("{text}{quiet}")).map_err(|error| {
        let message = format!("log filter `{text}`: {error}; write a level such as `info` or `debug`");
        Error::new(ErrorKind::InvalidRequest, message)
    })
}

fn internal(message: String) -> Error {
    Error::new(ErrorKind::Internal, message)
}

/// Hands out writers into the queue.
struct Lines(Arc<Queue>);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = QueueWriter<'a>;

    fn make_writer(&'a self) -> QueueWriter<'a> {
        QueueWriter::new(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use llmux_core::{Dialect, Operation, RequestContext, RequestId};
    use serde_json::Value;

    use super::*;
    use crate::request_span;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(data);
            Ok(data.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is written while `events` run.
    fn logged(options: &LogOptions, events: impl FnOnce()) -> String {
        let sink = Sink::default();
        let (dispatch, guard) = assemble(options, sink.clone()).unwrap();
        tracing::dispatcher::with_default(&dispatch, events);
        assert!(guard.flush(Duration::from_secs(30)));
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn text_shows_the_message_first_and_fields_after_it() {
        let log = logged(&LogOptions::default(), || tracing::info!(port = 4000, "listening"));
        assert!(log.ends_with("listening port=4000\n"), "{log}");
        assert!(log.contains("INFO") && !log.contains('\u{1b}'), "{log}");
    }

    #[test]
    fn a_json_line_is_an_object_with_the_request_id() {
        let context = RequestContext::new(RequestId::new(), Operation::Chat, Dialect::OpenAi);
        let log = logged(&LogOptions::new("debug", LogFormat::Json), || {
            request_span(&context).in_scope(|| tracing::info!(attempt = 2, "trying again"));
            tracing::warn!(request_id = %context.id, "gave up");
        });
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["message"], "trying again");
        assert_eq!(lines[0]["attempt"], 2);
        assert_eq!(lines[0]["span"]["request_id"], context.id.as_str());
        assert_eq!(lines[1]["request_id"], context.id.as_str());
    }

    #[test]
    fn spans_of_requests_cost_nothing_unless_debugging() {
        let context = RequestContext::new(RequestId::new(), Operation::Chat, Dialect::OpenAi);
        logged(&LogOptions::default(), || assert!(request_span(&context).is_disabled()));
    }

    #[test]
    fn secrets_in_messages_and_fields_are_masked_in_both_formats() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let log = logged(&LogOptions::new("info", format), || {
                let header = "Bearer canary-token-0123456789";
                tracing::info!(header, "calling with sk-canary0123456789");
            });
            assert!(!log.contains("canary") && log.contains("calling with"), "{log}");
            if format == LogFormat::Json {
                serde_json::from_str::<Value>(&log).unwrap();
            }
        }
    }

    #[test]
    fn debugging_leaves_out_what_libraries_say_about_each_byte() {
        let log = logged(&LogOptions::new("debug", LogFormat::Text), || {
            tracing::debug!(target: "hyper::proto", "parsed a head");
            tracing::debug!("picked a deployment");
        });
        assert_eq!(log.lines().count(), 1, "{log}");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let error = assemble(&LogOptions::new("llmux=loud", LogFormat::Text), io::sink()).unwrap_err();
        assert!(error.message().contains("llmux=loud"), "{error}");
    }
}
