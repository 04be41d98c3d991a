//! Reading requests off a connection.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Recorded;

/// More headers than any client sends.
const MAX_HEADERS: usize = 128;

/// Reads the next request; `None` when the client closed the connection before one.
pub(super) async fn read<S>(socket: &mut S, buffer: &mut BytesMut) -> io::Result<Option<Recorded>>
where
    S: AsyncReadExt + AsyncWriteExt + Unpin,
{
    let (method, path, headers) = loop {
        if let Some(head) = head(buffer)? {
            break head;
        }
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    if headers.get(header::EXPECT).is_some() {
        socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let body = body(socket, buffer, &headers).await?;
    Ok(Some(Recorded::new(method, path, headers, body)))
}

fn head(buffer: &mut BytesMut) -> io::Result<Option<(Method, String, HeaderMap)>> {
    let mut storage = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut storage);
    let parsed = request.parse(buffer).map_err(io::Error::other)?;
    let httparse::Status::Complete(length) = parsed else { return Ok(None) };
    let method = request.method.unwrap_or_default().parse().map_err(io::Error::other)?;
    let path = request.path.unwrap_or_default().to_owned();
    let mut headers = HeaderMap::new();
    for field in request.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(io::Error::other)?;
        headers.append(name, HeaderValue::from_bytes(field.value).map_err(io::Error::other)?);
    }
    buffer.advance(length);
    Ok(Some((method, path, headers)))
}

async fn body<S>(socket: &mut S, buffer: &mut BytesMut, headers: &HeaderMap) -> io::Result<Bytes>
where
    S: AsyncReadExt + Unpin,
{
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return chunked(socket, buffer).await;
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    take(socket, buffer, length.map_or(Ok(0), str::parse).map_err(io::Error::other)?).await
}

async fn chunked<S>(socket: &mut S, buffer: &mut BytesMut) -> io::Result<Bytes>
where
    S: AsyncReadExt + Unpin,
{
    let mut body = BytesMut::new();
    loop {
        let size = line(socket, buffer).await?;
        let digits = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(io::Error::other)?;
        if size == 0 {
            // Trailers, up to the empty line.
            while !line(socket, buffer).await?.is_empty() {}
            return Ok(body.freeze());
        }
        body.extend_from_slice(&take(socket, buffer, size).await?);
        line(socket, buffer).await?;
    }
}

async fn line<S>(socket: &mut S, buffer: &mut BytesMut) -> io::Result<String>
where
    S: AsyncReadExt + Unpin,
{
    loop {
        if let Some(end) = buffer.windows(2).position(|pair| pair == b"\r\n") {
            let line = buffer.split_to(end);
            buffer.advance(2);
            return String::from_utf8(line.to_vec()).map_err(io::Error::other);
        }
        more(socket, buffer).await?;
    }
}

async fn take<S>(socket: &mut S, buffer: &mut BytesMut, size: usize) -> io::Result<Bytes>
where
    S: AsyncReadExt + Unpin,
{
    while buffer.len() < size {
        more(socket, buffer).await?;
    }
    Ok(buffer.split_to(size).freeze())
}

async fn more<S>(socket: &mut S, buffer: &mut BytesMut) -> io::Result<()>
where
    S: AsyncReadExt + Unpin,
{
    if socket.read_buf(buffer).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
