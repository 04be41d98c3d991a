//! The data of server-sent events, from bytes cut anywhere.

use std::collections::VecDeque;

use bytes::Bytes;
use llmux_wire::sse::Decoder;

use super::ApiError;

/// Collects bytes and gives back the `data` of each whole event.
#[derive(Default)]
pub(crate) struct Events {
    decoder: Decoder,
    ready: VecDeque<Bytes>,
}

impl Events {
    /// Takes the next bytes of the stream; an event beyond all measure is an error.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        let ready = &mut self.ready;
        let taken = self.decoder.push(bytes, |event| {
            ready.push_back(event.data);
            Ok(())
        });
        taken.map_err(|error| ApiError::Unexpected(error.to_string()))
    }

    /// The data of the next event, if it has come in whole.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_when_they_are_whole() {
        let mut events = Events::default();
        events.push(b": hello\n\nevent: x\ndata: one\n\ndata: tw").unwrap();
        assert_eq!(events.next().as_deref(), Some(b"one".as_slice()));
        assert_eq!(events.next(), None);
        events.push(b"o\n\n").unwrap();
        assert_eq!(events.next().as_deref(), Some(b"two".as_slice()));
    }
}
