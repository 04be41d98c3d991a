//! A stream's two lives: until its first frame it can be tried elsewhere, afterwards an error is a frame of it.

use std::time::Duration;

use llmux_core::{Dialect, ErrorKind, Timeouts};
use llmux_router::Router;
use llmux_testkit::{Answer, ScriptedUpstream};
use llmux_wire::tap::Ending;

use crate::{
    asking::{DIALECTS, Request, Said},
    hosts::{Host, over_http},
};

fn pairs() -> impl Iterator<Item = (Host, Dialect)> {
    Host::ALL.into_iter().flat_map(|host| DIALECTS.map(|dialect| (host, dialect)))
}

/// The host's own error event.
fn error_frame(host: Host, message: &str) -> String {
    match host {
        Host::OpenAi => {
            format!(
                "data: {{\"error\":{{\"message\":\"{message}\",\"type\":\"server_error\",\"code\":503}}}}\n\n"
            )
        }
        Host::Anthropic => format!(
            "event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"overloaded_error\",\
             \"message\":\"{message}\"}}}}\n\n"
        ),
    }
}

/// A router that asks `first`, then a healthy deployment.
struct Pair {
    first: ScriptedUpstream,
    healthy: ScriptedUpstream,
    router: Router,
}

impl Pair {
    async fn new(host: Host, answer: Answer) -> Self {
        Self::patient(host, answer, None).await
    }

    /// With a limit between two pieces of the first one's stream.
    async fn patient(host: Host, answer: Answer, between: Option<Duration>) -> Self {
        let first = ScriptedUpstream::answering([answer]).await;
        let healthy = ScriptedUpstream::answering([host.stream(&["hel", "lo"])]).await;
        let mut settings = llmux_router::DeploymentSettings::default();
        settings.order = Some(1);
        settings.stream_timeouts = Timeouts::default();
        settings.stream_timeouts.between_bytes = between;
        let router = over_http()
            .deployment(host.deployment("first", "m", "up", &first.url()).with_settings(settings))
            .deployment(host.deployment("healthy", "m", "up", &healthy.url()))
            .build()
            .unwrap();
        Self { first, healthy, router }
    }

    async fn said(&self, dialect: Dialect) -> Said {
        Request::new(dialect, "m").streamed().said(&self.router).await.unwrap()
    }
}

#[tokio::test]
async fn pain_22_an_error_before_the_first_frame_is_tried_elsewhere() {
    for (host, dialect) in pairs() {
        let comment = ": one moment\n\n".to_owned();
        for answer in [
            Answer::sse([error_frame(host, "busy")]),
            Answer::sse([comment.clone(), error_frame(host, "busy")]),
            Answer::sse([comment.clone() + &error_frame(host, "busy")]),
            Answer::sse(["data: {\"broken\n\n"]),
            Answer::sse([comment]),
            host.stream(&["x"]).reset_mid_stream(0),
            host.stream(&["x"]).drip(Duration::ZERO).reset_mid_body(5),
        ] {
            let pair = Pair::new(host, answer.clone()).await;
            let said = pair.said(dialect).await;
            let place = format!("{dialect} from {host:?}: {answer:?}");
            assert_eq!((said.by.as_str(), said.text.as_str()), ("healthy", "hello"), "{place}");
            assert!(said.complete && said.error.is_none(), "{place}");
        }
    }
}

#[tokio::test]
async fn pain_23_what_goes_wrong_after_the_first_frame_is_an_error_frame_and_never_tried_again() {
    for (host, dialect) in pairs() {
        let begun = host.pieces_to_first_word();
        let whole = || host.stream(&["hel", "lo"]);
        let (kept, _) = split(&whole(), begun);
        let with = |last: &str| Answer::sse([kept.clone(), last.to_owned()]);
        for (name, answer, message) in [
            ("reset", whole().reset_mid_stream(begun), "broke off"),
            ("closed mid-stream", with("").then_close(), "broke off"),
            ("cut short", with(""), "before the answer was complete"),
            ("cut inside a frame", with("data: {\"cho"), "before the answer was complete"),
            ("stalled", whole().stall_after(begun), "stall timeout"),
            ("an error event", with(&error_frame(host, "fell over")), "fell over"),
            ("garbage", with("data: {\"error\": oops\n\n"), "the provider's answer"),
        ] {
            let place = format!("{name}: {dialect} from {host:?}");
            let patience = (name == "stalled").then_some(Duration::from_millis(300));
            let pair = Pair::patient(host, answer, patience).await;
            let said = pair.said(dialect).await;
            assert_eq!((said.by.as_str(), said.text.as_str()), ("first", "hel"), "{place}");
            assert!(!said.complete, "{place} looks complete");
            let error = said.error.unwrap_or_else(|| panic!("{place}: no error frame"));
            assert!(error.contains(message), "{place}: {error}");
            assert_eq!(said.report.stream_error.as_ref(), Some(&error), "{place}");
            assert_eq!((pair.first.requests().len(), pair.healthy.requests().len()), (1, 0), "{place}");
        }
    }
}

#[tokio::test]
async fn an_error_event_ends_the_exchange_though_the_provider_goes_on() {
    for (host, dialect) in pairs() {
        let begun = host.pieces_to_first_word();
        let (kept, rest) = split(&host.stream(&["hel", "lo"]), begun);
        let answer = Answer::sse([kept, error_frame(host, "fell over"), rest]).stall_after(2);
        let pair = Pair::new(host, answer).await;
        let said = pair.said(dialect).await;
        let place = format!("{dialect} from {host:?}");
        assert_eq!((said.text.as_str(), said.error.as_deref()), ("hel", Some("fell over")), "{place}");
        assert!(matches!(said.ending, Some(Ending::Complete)), "{place}");
        pair.first.wait_for_disconnect().await;
    }
}

/// The bytes of a stream's first pieces, and of the rest.
fn split(answer: &Answer, pieces: usize) -> (String, String) {
    let all = String::from_utf8(answer.bytes().to_vec()).unwrap();
    let mut frames = all.split_inclusive("\n\n");
    let kept = frames.by_ref().take(pieces).collect();
    (kept, frames.collect())
}

#[tokio::test]
async fn the_end_of_a_stream_is_told_once_with_what_was_learnt() {
    for (host, dialect) in pairs() {
        let pair = Pair::new(host, host.stream(&["hel", "lo"])).await;
        let said = pair.said(dialect).await;
        assert!(matches!(said.ending, Some(Ending::Complete)));
        assert!(said.report.usage_reported && !said.report.cut_short);
        assert_eq!(said.report.usage.total(), 18, "{host:?}: the usage of ready-made answers");
        assert_eq!(said.report.finish_reason.as_deref(), Some("stop"), "{dialect} from {host:?}");

        let pair = Pair::new(host, host.stream(&["x"]).reset_mid_stream(host.pieces_to_first_word())).await;
        let said = pair.said(dialect).await;
        assert!(matches!(said.ending, Some(Ending::Broken(error)) if error.kind() == ErrorKind::Connection));
    }
}

#[tokio::test]
async fn a_stream_of_one_byte_a_packet_is_the_same_stream() {
    for (host, dialect) in pairs() {
        let pair = Pair::new(host, host.stream(&["hel", "lo"]).drip(Duration::ZERO)).await;
        let said = pair.said(dialect).await;
        assert_eq!((said.by.as_str(), said.text.as_str(), said.complete), ("first", "hello", true));
    }
}

#[tokio::test]
async fn a_refusal_that_comes_in_place_of_a_stream_is_the_clients_error() {
    for (host, dialect) in pairs() {
        let pair = Pair::new(host, host.error(400, "no such parameter")).await;
        let error = Request::new(dialect, "m").streamed().refused(&pair.router).await.error;
        assert_eq!((error.status().as_u16(), error.message()), (400, "no such parameter"));
    }
}
