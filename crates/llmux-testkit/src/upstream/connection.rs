//! Serving one connection by the script.

use std::{future, io, sync::Arc};

use bytes::{BufMut, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time,
};

use super::request;
use crate::{
    Answer,
    answer::{Ending, Framing, Step},
    script::Script,
};

/// Serves requests one after the other until either side closes.
pub(super) async fn serve(socket: TcpStream, script: Arc<Script>) {
    // Dropped after the socket, so that a connection counts until it is closed.
    let _open = Open(Arc::clone(&script));
    let mut socket = socket;
    socket.set_nodelay(true).expect("a fresh socket");
    let mut buffer = BytesMut::new();
    while let Ok(Some(recorded)) = request::read(&mut socket, &mut buffer).await {
        let answer = script.answer(recorded);
        let (reader, mut writer) = socket.into_split();
        let mut reader = Reader { half: reader, buffer: &mut buffer };
        let ending = answer.ending;
        let sent = tokio::select! {
            biased;
            sent = send(&mut writer, answer) => sent,
            () = reader.closed() => Err(io::ErrorKind::ConnectionAborted.into()),
        };
        socket = reader.half.reunite(writer).expect("halves of one socket");
        match (sent, ending) {
            (Ok(()), Ending::Complete) => {}
            (Ok(()), Ending::Reset) => return socket.set_zero_linger().expect("an open socket"),
            (Ok(()), _) => return,
            (Err(_), _) => return script.note(|progress| progress.disconnects += 1),
        }
    }
}

/// Counts an open connection.
struct Open(Arc<Script>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.note(|progress| progress.open -= 1);
    }
}

struct Reader<'a> {
    half: OwnedReadHalf,
    buffer: &'a mut BytesMut,
}

impl Reader<'_> {
    /// Ends when the client closes the connection; a request that comes early is kept for later.
    async fn closed(&mut self) {
        while matches!(self.half.read_buf(self.buffer).await, Ok(1..)) {}
    }
}

async fn send(writer: &mut OwnedWriteHalf, answer: Answer) -> io::Result<()> {
    for step in &answer.before_head {
        wait(step).await;
    }
    if answer.framing != Framing::Raw {
        writer.write_all(&head(&answer)).await?;
    }
    for step in &answer.steps {
        match step {
            Step::Send(bytes) if bytes.is_empty() => {}
            Step::Send(bytes) if answer.framing == Framing::Chunked => {
                let mut chunk = BytesMut::from(format!("{:x}\r\n", bytes.len()).as_bytes());
                chunk.put_slice(bytes);
                chunk.put_slice(b"\r\n");
                writer.write_all(&chunk).await?;
            }
            Step::Send(bytes) => writer.write_all(bytes).await?,
            pause => wait(pause).await,
        }
    }
    match answer.ending {
        Ending::Complete if answer.framing == Framing::Chunked => writer.write_all(b"0\r\n\r\n").await,
        Ending::Stall => future::pending().await,
        _ => Ok(()),
    }
}

async fn wait(step: &Step) {
    match step {
        Step::Wait(delay) => time::sleep(*delay).await,
        Step::Hold(gate) => gate.passed().await,
        Step::Send(_) => {}
    }
}

fn head(answer: &Answer) -> BytesMut {
    let reason = answer.status.canonical_reason().unwrap_or("Unknown");
    let mut head = BytesMut::from(format!("HTTP/1.1 {} {reason}\r\n", answer.status.as_u16()).as_bytes());
    for (name, value) in &answer.framed_headers() {
        head.put_slice(name.as_str().as_bytes());
        head.put_slice(b": ");
        head.put_slice(value.as_bytes());
        head.put_slice(b"\r\n");
    }
    head.put_slice(b"\r\n");
    head
}
