//! OpenAI's Responses beyond one request: ids that lead back to where a response is kept, responses and conversations
//! kept here for providers that keep none, and the paths that read and delete them.

pub(crate) mod conversations;
mod items;
mod label;
mod memory;
mod owned;
mod record;
mod serve;
mod stream;
mod turn;

use llmux_router::{Answer, AnswerBody};

pub use memory::{MemoryStore, StoreLimits};
pub(crate) use serve::serve;
pub(crate) use stream::Labelled;
pub(crate) use turn::Turn;

/// Names and keeps an answer that has come whole; a stream is left to [`Labelled`].
pub(crate) async fn keep_whole(mut answer: Answer, turn: Option<Turn>) -> (Answer, Option<Turn>) {
    let Some(turn) = turn else { return (answer, None) };
    match &mut answer.body {
        AnswerBody::Whole(bytes, _) => {
            let deployment = answer.deployment.id().as_str();
            *bytes = turn.whole(std::mem::take(bytes), deployment).await;
            (answer, None)
        }
        AnswerBody::Stream(_) => (answer, Some(turn)),
        // No operation of this dialect is answered with bytes of another kind.
        AnswerBody::Bytes(_) => (answer, None),
    }
}
