//! Images and documents that clients name by their address.

use llmux_core::MediaSource;
use llmux_http::{FetchLimits, HttpTransport, MediaFetcher};
use llmux_testkit::{Answer, ScriptedUpstream};

fn limits() -> FetchLimits {
    let mut limits = FetchLimits::default();
    limits.size = 64 << 10;
    limits
}

/// A fetcher that trusts the scripted server by host and port.
fn fetcher(upstream: &ScriptedUpstream) -> MediaFetcher {
    let fetcher = MediaFetcher::new(HttpTransport::builder(), limits()).unwrap();
    fetcher.trusting(HttpTransport::builder(), vec![upstream.address().to_string()]).unwrap()
}

fn image() -> Answer {
    Answer::body("<svg/>").with_header("content-type", "image/svg+xml; charset=utf-8")
}

#[tokio::test]
async fn an_image_is_fetched_once_and_remembered() {
    let upstream = ScriptedUpstream::answering([image()]).await;
    let fetcher = fetcher(&upstream);
    let url = format!("{}/a.svg?token=secret", upstream.url());
    for _ in 0..2 {
        let media = fetcher.fetch(&url).await.unwrap();
        assert_eq!((media.mime.as_str(), &media.data[..]), ("image/svg+xml", &b"<svg/>"[..]));
    }
    assert_eq!(upstream.requests().len(), 1);
    upstream.script([image().with_header("cache-control", "private, max-age=5")]);
    for _ in 0..2 {
        fetcher.fetch(&format!("{}/private", upstream.url())).await.unwrap();
    }
    assert_eq!(upstream.requests().len(), 3, "what must not be stored is fetched anew");
}

#[tokio::test]
async fn the_operators_network_is_out_of_reach_however_it_is_named() {
    let upstream = ScriptedUpstream::answering([image()]).await;
    let fetcher = MediaFetcher::new(HttpTransport::builder(), limits()).unwrap();
    let port = upstream.address().port();
    for url in [
        format!("http://127.0.0.1:{port}/a"),
        format!("http://localhost:{port}/a"),
        format!("http://[::1]:{port}/a"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let error = fetcher.fetch(&url).await.unwrap_err();
        assert_eq!(error.status(), 400, "{url}: {error:?}");
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn redirects_are_followed_by_the_same_rules() {
    let upstream = ScriptedUpstream::start().await;
    let fetcher = fetcher(&upstream);
    let to = |location: &str| Answer::body("").with_status(302).with_header("location", location);
    upstream.script([to("/real.svg"), image()]);
    assert!(fetcher.fetch(&format!("{}/moved", upstream.url())).await.is_ok());
    assert_eq!(upstream.requests().pop().unwrap().path, "/real.svg");
    let port = upstream.address().port();
    upstream.script([to(&format!("http://localhost:{port}/secret"))]);
    let error = fetcher.fetch(&format!("{}/trap", upstream.url())).await.unwrap_err();
    assert_eq!(error.code(), Some("url_not_allowed"), "only the host that is trusted by name");
    upstream.script((0..9).map(|_| to("/again")));
    let error = fetcher.fetch(&format!("{}/loop", upstream.url())).await.unwrap_err();
    assert!(error.message().contains("too often"), "{}", error.message());
}

#[tokio::test]
async fn what_no_model_reads_is_refused_without_telling_the_address() {
    let upstream = ScriptedUpstream::start().await;
    let fetcher = fetcher(&upstream);
    for (answer, told) in [
        (Answer::body("<html>").with_header("content-type", "text/html"), "neither an image"),
        (Answer::body("gone").with_status(404), "404"),
        (Answer::oversized(100 << 10), "larger"),
        (Answer::reset(), "cannot be reached"),
    ] {
        upstream.script([answer]);
        let error = fetcher.fetch(&format!("{}/x?token=secret", upstream.url())).await.unwrap_err();
        assert_eq!((error.status().as_u16(), error.code()), (400, Some("media_not_fetched")), "{told}");
        assert!(error.message().contains(told) && !format!("{error:?}").contains("secret"), "{error:?}");
    }
}
