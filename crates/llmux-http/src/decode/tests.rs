use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use http_body_util::BodyExt;

use super::*;

type Pieces = Vec<Result<Frame<Bytes>, Error>>;

/// A body of these pieces.
struct Scripted(std::vec::IntoIter<Result<Frame<Bytes>, Error>>);

impl Body for Scripted {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(self.0.next())
    }
}

async fn decoded(pieces: Vec<Bytes>, coding: Coding) -> Result<Bytes, Error> {
    let pieces: Pieces = pieces.into_iter().map(|piece| Ok(Frame::data(piece))).collect();
    DecodedBody::new(Scripted(pieces.into_iter()), coding).collect().await.map(|body| body.to_bytes())
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn gzip_is_undone_at_any_split_of_its_bytes() {
    let text = "data: {\"a\":1}\n\n".repeat(40);
    for pieces in llmux_testkit::splits(&gzip(text.as_bytes())) {
        assert_eq!(decoded(pieces, Coding::Gzip).await.unwrap(), text);
    }
}

#[tokio::test]
async fn deflate_is_undone() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"hello").unwrap();
    let body = encoder.finish().unwrap().into();
    assert_eq!(decoded(vec![body], Coding::Deflate).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_body_that_lacks_its_end_is_refused() {
    let mut bytes = gzip(b"hello");
    bytes.truncate(bytes.len() - 4);
    let error = decoded(vec![bytes.into()], Coding::Gzip).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadReply);
}

#[tokio::test]
async fn a_body_that_is_not_what_its_header_says_is_refused() {
    let error = decoded(vec![Bytes::from("{\"a\":1}, plainly no gzip")], Coding::Gzip).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadReply);
}

#[tokio::test]
async fn an_empty_body_stays_empty() {
    assert_eq!(decoded(Vec::new(), Coding::Gzip).await.unwrap(), "");
}

#[tokio::test]
async fn a_small_body_that_expands_hugely_comes_in_bounded_pieces() {
    let bomb = gzip(&vec![0; 64 << 20]);
    let pieces: Pieces = vec![Ok(Frame::data(bomb.into()))];
    let mut body = DecodedBody::new(Scripted(pieces.into_iter()), Coding::Gzip);
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let piece = frame.unwrap().into_data().unwrap();
        assert!(piece.len() <= 2 << 20, "{}", piece.len());
        total += piece.len();
    }
    assert_eq!(total, 64 << 20);
}

#[tokio::test]
async fn the_connections_own_error_passes() {
    let broken = Error::upstream(ErrorKind::Connection, "broke off");
    let pieces: Pieces = vec![Ok(Frame::data(gzip(b"hello").into())), Err(broken)];
    let mut body = DecodedBody::new(Scripted(pieces.into_iter()), Coding::Gzip);
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
    assert_eq!(body.frame().await.unwrap().unwrap_err().kind(), ErrorKind::Connection);
    assert!(body.frame().await.is_none());
}

#[test]
fn codings_that_cannot_be_undone_are_left_in_place() {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_ENCODING, "br".parse().unwrap());
    assert_eq!(Coding::take(&mut headers), None);
    assert_eq!(headers.len(), 1);
    headers.insert(header::CONTENT_ENCODING, "GZIP".parse().unwrap());
    headers.insert(header::CONTENT_LENGTH, 5.into());
    assert_eq!(Coding::take(&mut headers), Some(Coding::Gzip));
    assert!(headers.is_empty());
}

#[tokio::test]
async fn empty_pieces_make_no_broken_body() {
    assert_eq!(decoded(vec![Bytes::new(), Bytes::new()], Coding::Gzip).await.unwrap(), "");
    let pieces = [Bytes::new(), gzip(b"hello").into(), Bytes::new()];
    assert_eq!(decoded(pieces.into(), Coding::Gzip).await.unwrap(), "hello");
}
