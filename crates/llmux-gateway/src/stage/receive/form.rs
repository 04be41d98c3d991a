//! Forms with files: only what stands in front of the first file is read here, the rest passes through.
//!
//! Some clients send the model behind the file. Then the form is kept until the model is known: its beginning in memory,
//! the rest in a temporary file that has no name and is gone with the request.

use std::{
    fs::File,
    io::{self, SeekFrom},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures::{TryFutureExt, TryStreamExt};
use http::{HeaderValue, header::CONTENT_TYPE, request::Parts};
use http_body::{Body as _, Frame};
use http_body_util::StreamBody;
use hyper::body::Incoming;
use llmux_core::{Error, ErrorKind, Operation, Result, TransportBody};
use llmux_router::{Source, Upload};
use llmux_wire::multipart::{Boundary, Event, Scanner};
use serde_json::{Map, Value};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;

use super::rest::Rest;
use crate::{
    server::{discard_body, next_piece, too_large},
    snapshot::Limits,
};

/// Most bytes of a form's fields; files are not counted.
const MAX_FIELDS: usize = 64 << 10;
/// Forms of up to so many bytes are kept in memory, so that they can be sent again; of others no more than this.
const KEPT: usize = 1 << 20;
/// How much of a temporary file is read at a time.
const PIECE: usize = 64 << 10;
/// Fields that the gateway itself reads, whose values are no texts.
const TYPED: &[&str] = &[
    "stream",
    "drop_params",
    "timeout",
    "stream_timeout",
    "request_timeout",
    "num_retries",
    "tags",
    "metadata",
    "litellm_metadata",
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "disable_fallbacks",
];

/// The boundary of a form, where the operation takes one.
///
/// # Errors
/// A 400 when the form names no boundary.
pub(super) fn boundary(operation: Operation, parts: &Parts) -> Result<Option<(HeaderValue, Boundary)>> {
    let takes_files = matches!(
        operation,
        Operation::Transcription | Operation::Translation | Operation::ImageEdit | Operation::ImageVariation
    );
    let Some(kind) = parts.headers.get(CONTENT_TYPE).filter(|_| takes_files) else { return Ok(None) };
    let boundary = Boundary::of(kind.to_str().unwrap_or_default())?;
    Ok(boundary.map(|boundary| (kind.clone(), boundary)))
}

/// Reads the fields in front of the first file, and on until `passes` says that the form may go on, given its `model` as
/// far as that is known. Gives them as a JSON object, and the form to hand on.
///
/// # Errors
/// All are the client's: 413, 408, or a 400 when the bytes are no form; 500 when no temporary file can be had.
pub(super) async fn read(
    limits: Limits,
    (content_type, boundary): (HeaderValue, Boundary),
    mut body: Incoming,
    passes: &(dyn Fn(Option<&str>) -> bool + Sync),
) -> Result<(Bytes, Upload)> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|length| length > limits.body_size as u64) {
        discard_body(body);
        return Err(too_large(limits.body_size));
    }
    let mut fields = Fields::new(&boundary);
    let mut kept = BytesMut::new();
    let read = gather(limits, announced, &mut body, &mut fields, &mut kept, passes).await;
    let gathered = match read {
        Ok(gathered) => gathered,
        Err(error) => {
            discard_body(body);
            return Err(error);
        }
    };
    let length = kept.len();
    let (rest, length) = match gathered {
        Gathered::All => (Source::Nothing, Some(length as u64)),
        Gathered::Start => {
            let left = limits.body_size.saturating_sub(length);
            (Source::Client(Box::pin(Rest::new(body, left, limits))), announced)
        }
        Gathered::Spooled(file, spooled) => {
            let file = Arc::new(file);
            (Source::Kept(Box::new(move || replay(&file))), Some(length as u64 + spooled))
        }
    };
    let upload = Upload::new(content_type, boundary, kept.freeze(), rest, length);
    Ok((Value::Object(fields.found).to_string().into(), upload))
}

/// How far a form has been read.
enum Gathered {
    /// To its end.
    All,
    /// Until what must be known was.
    Start,
    /// To its end, with so many bytes of it in a file.
    Spooled(File, u64),
}

async fn gather(
    limits: Limits,
    announced: Option<u64>,
    body: &mut Incoming,
    fields: &mut Fields,
    kept: &mut BytesMut,
    passes: &(dyn Fn(Option<&str>) -> bool + Sync),
) -> Result<Gathered> {
    let small = announced.is_some_and(|length| length <= KEPT as u64);
    loop {
        let Some(piece) = next_piece(body, limits.body_time).await? else { return Ok(Gathered::All) };
        kept.extend_from_slice(&piece);
        if kept.len() > limits.body_size {
            return Err(too_large(limits.body_size));
        }
        fields.push(piece)?;
        if small || !fields.file_seen {
            continue;
        }
        if passes(fields.found.get("model").and_then(Value::as_str)) {
            return Ok(Gathered::Start);
        }
        if kept.len() > KEPT {
            return spool(limits, body, fields, kept.len()).await;
        }
    }
}

/// Puts what is still to come into a temporary file.
async fn spool(limits: Limits, body: &mut Incoming, fields: &mut Fields, before: usize) -> Result<Gathered> {
    let made = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(io::Error::other);
    let mut file = tokio::fs::File::from_std(made.and_then(|made| made).map_err(no_file)?);
    let mut spooled = 0_usize;
    while let Some(piece) = next_piece(body, limits.body_time).await? {
        spooled += piece.len();
        if before + spooled > limits.body_size {
            return Err(too_large(limits.body_size));
        }
        file.write_all(&piece).await.map_err(no_file)?;
        fields.push(piece)?;
    }
    file.flush().await.map_err(no_file)?;
    Ok(Gathered::Spooled(file.into_std().await, spooled as u64))
}

/// The temporary file from its start.
fn replay(file: &Arc<File>) -> TransportBody {
    let file = file.try_clone();
    let opened = async move {
        let mut file = tokio::fs::File::from_std(file?);
        file.seek(SeekFrom::Start(0)).await?;
        Ok::<_, io::Error>(ReaderStream::with_capacity(file, PIECE))
    };
    Box::pin(StreamBody::new(opened.try_flatten_stream().map_ok(Frame::data).map_err(no_file)))
}

fn no_file(error: io::Error) -> Error {
    Error::new(ErrorKind::Internal, "the form cannot be kept in a temporary file").with_source(error)
}

/// The fields of a form as they become known.
struct Fields {
    scanner: Scanner,
    found: Map<String, Value>,
    /// The field at hand.
    name: Option<String>,
    text: Vec<u8>,
    size: usize,
    file_seen: bool,
}

impl Fields {
    fn new(boundary: &Boundary) -> Self {
        Self {
            scanner: Scanner::new(boundary),
            found: Map::new(),
            name: None,
            text: Vec::new(),
            size: 0,
            file_seen: false,
        }
    }

    fn push(&mut self, piece: Bytes) -> Result<()> {
        let Self { scanner, found, name: current, text, size, file_seen } = self;
        scanner.push(piece, |event| {
            match event {
                Event::Part { name, file, .. } => {
                    *file_seen |= file;
                    *size += name.len();
                    *current = (!file).then_some(name);
                }
                Event::Data(data) if current.is_some() => {
                    *size += data.len();
                    text.extend_from_slice(&data);
                }
                Event::PartEnd => {
                    if let Some(name) = current.take() {
                        let value = value(&name, &std::mem::take(text));
                        insert(found, name, value);
                    }
                }
                Event::Data(_) | Event::End => {}
            }
            if *size > MAX_FIELDS {
                let message =
                    format!("the fields of the form hold more than {MAX_FIELDS} bytes beside its files");
                return Err(Error::client(ErrorKind::PayloadTooLarge, message));
            }
            Ok(())
        })
    }
}

/// Of a field that is a list each value is told for itself: they are joined by commas.
fn insert(found: &mut Map<String, Value>, name: String, value: Value) {
    let earlier = found.get(&name).and_then(Value::as_str).filter(|_| name.ends_with("[]"));
    let joined = earlier.zip(value.as_str()).map(|(earlier, value)| format!("{earlier},{value}").into());
    found.insert(name, joined.unwrap_or(value));
}

fn value(name: &str, text: &[u8]) -> Value {
    let typed = || match text {
        b"True" => Some(true.into()),
        b"False" => Some(false.into()),
        text => serde_json::from_slice(text).ok(),
    };
    let typed = if TYPED.contains(&name) { typed() } else { None };
    typed.unwrap_or_else(|| String::from_utf8_lossy(text).into_owned().into())
}
