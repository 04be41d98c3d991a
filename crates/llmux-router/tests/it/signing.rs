//! Credentials that sign each request, and what happens when the provider refuses them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderValue;
use llmux_core::{Call, Credentials, Error, ErrorKind, Exchange, FailedReply, Provider, Result};
use llmux_router::{Deployment, Router};
use llmux_testkit::{Answer, ScriptedTransport, answers};

use crate::{
    asking::Request,
    hosts::{member, router},
};

/// Signs with a number that grows with each refusal from which it can learn.
struct Numbered {
    number: AtomicUsize,
    learns: bool,
}

#[async_trait]
impl Credentials for Numbered {
    async fn sign(&self, request: &mut http::Request<Bytes>) -> Result<()> {
        let number = self.number.load(Ordering::SeqCst);
        if number == 0 {
            return Err(Error::new(ErrorKind::Authentication, "there is no token"));
        }
        request.headers_mut().insert("x-signature", HeaderValue::from(number));
        Ok(())
    }

    fn refused(&self, _: &FailedReply<'_>) -> bool {
        self.number.fetch_add(1, Ordering::SeqCst);
        self.learns
    }
}

/// An ordinary provider whose requests are signed.
struct Signed {
    plain: Deployment,
    credentials: Arc<dyn Credentials>,
}

impl Provider for Signed {
    fn name(&self) -> &str {
        self.plain.provider().name()
    }

    fn base_url(&self) -> &str {
        self.plain.provider().base_url()
    }

    fn prepare(&self, call: &Call<'_>) -> Result<Exchange> {
        self.plain.provider().prepare(call)
    }

    fn classify(&self, failed: &FailedReply<'_>) -> Error {
        self.plain.provider().classify(failed)
    }

    fn credentials(&self, _: &str) -> Option<&Arc<dyn Credentials>> {
        Some(&self.credentials)
    }
}

fn signed(transport: &ScriptedTransport, first: usize, learns: bool) -> Router {
    let credentials = Arc::new(Numbered { number: AtomicUsize::new(first), learns });
    let provider = Arc::new(Signed { plain: member("a"), credentials });
    router(transport.clone()).deployment(Deployment::new("a", "m", "model", provider)).build().unwrap()
}

fn signatures(transport: &ScriptedTransport) -> Vec<String> {
    transport.requests().iter().map(|sent| sent.header("x-signature").unwrap().to_owned()).collect()
}

fn refusal() -> Answer {
    answers::openai_error(401, "invalid_token", "the token has expired")
}

#[tokio::test]
async fn a_refused_signature_is_made_anew_once_within_the_attempt() {
    let transport = ScriptedTransport::answering([refusal(), answers::openai_chat("hello")]);
    let said = Request::openai("m").said(&signed(&transport, 1, true)).await.unwrap();
    assert_eq!((said.text.as_str(), said.retries), ("hello", 0));
    assert_eq!(signatures(&transport), ["1", "2"]);
}

#[tokio::test]
async fn a_signature_that_is_refused_again_is_an_error_at_once() {
    let transport = ScriptedTransport::answering([refusal()]);
    let refused = Request::openai("m").retries(0).refused(&signed(&transport, 1, true)).await;
    assert_eq!(refused.error.kind(), ErrorKind::Authentication);
    assert_eq!(signatures(&transport), ["1", "2"]);
}

#[tokio::test]
async fn a_refusal_that_teaches_nothing_is_an_error_at_once() {
    let transport = ScriptedTransport::answering([refusal()]);
    Request::openai("m").retries(0).refused(&signed(&transport, 1, false)).await;
    assert_eq!(signatures(&transport), ["1"]);
}

#[tokio::test]
async fn nothing_is_sent_without_a_signature() {
    let transport = ScriptedTransport::answering([answers::openai_chat("hello")]);
    let refused = Request::openai("m").retries(0).refused(&signed(&transport, 0, true)).await;
    assert_eq!(refused.error.message(), "there is no token");
    assert!(transport.requests().is_empty());
}
