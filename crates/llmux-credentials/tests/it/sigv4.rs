//! Signatures are those that AWS's own library makes.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::Request;
use llmux_credentials::{
    aws::Keys,
    sigv4::{Scope, sign},
};

use crate::world::START;

struct Case {
    method: &'static str,
    url: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static [u8],
    token: Option<&'static str>,
    scope: (&'static str, &'static str),
    names: &'static str,
    signature: &'static str,
}

/// The first is `get-vanilla` of the published test suite; the others were signed with botocore 1.43.
const CASES: &[Case] = &[
    Case {
        method: "GET",
        url: "https://example.amazonaws.com/",
        headers: &[],
        body: b"",
        token: None,
        scope: ("service", "us-east-1"),
        names: "host;x-amz-date",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Case {
        method: "POST",
        url: "https://bedrock-runtime.eu-central-1.amazonaws.com/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse",
        headers: &[("content-type", "application/json")],
        body: b"{\"messages\":[]}",
        token: Some("TOKEN/+="),
        scope: ("bedrock", "eu-central-1"),
        names: "content-type;host;x-amz-date;x-amz-security-token",
        signature: "bb2aa3e3c81a3d74b68f13e835d3cc911b27377d9cd1947bae3252acc9304259",
    },
    Case {
        method: "GET",
        url: "https://bedrock.us-west-2.amazonaws.com/foundation-models?byProvider=a%20b&byOutputModality=TEXT&empty=",
        headers: &[],
        body: b"",
        token: None,
        scope: ("bedrock", "us-west-2"),
        names: "host;x-amz-date",
        signature: "ff4aecf1966428ef4a4a556444d3be76a1335bdfe28cd5e09e44dc9fb500c47e",
    },
    Case {
        method: "POST",
        url: "http://localhost:4566/a//b%2Fc/",
        headers: &[("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "A.B")],
        body: b"\x00\xff",
        token: None,
        scope: ("bedrock", "us-east-1"),
        names: "content-type;host;x-amz-date;x-amz-target",
        signature: "c03d2427b9e1008caf7bbb5d0933d2440bba7086f8bb309347de8dc4810de630",
    },
    Case {
        method: "POST",
        url: "https://bedrock-runtime.eu-central-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Ainference-profile%2Feu.x/converse",
        headers: &[("content-type", "application/json")],
        body: b"{}",
        token: None,
        scope: ("bedrock", "eu-central-1"),
        names: "content-type;host;x-amz-date",
        signature: "612057ada004872c64c31d108b30036d91339e92f9860a8936ba222d651eee5e",
    },
];

#[test]
fn signatures_are_those_of_awss_own_library() {
    for case in CASES {
        let mut request = Request::builder().method(case.method).uri(case.url);
        for (name, value) in case.headers {
            request = request.header(*name, *value);
        }
        // What a transport may add or change is left out of the signature.
        let mut request = request.header("user-agent", "x").body(Bytes::from_static(case.body)).unwrap();
        let keys = Keys::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
            .with_session_token(case.token.map(Into::into));
        let (service, region) = case.scope;
        let time = UNIX_EPOCH + Duration::from_secs(START);
        sign(&mut request, &keys, &Scope::new(service, region), time).unwrap();
        let expected = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/{region}/{service}/aws4_request, \
             SignedHeaders={}, Signature={}",
            case.names, case.signature
        );
        assert_eq!(request.headers()["authorization"], expected.as_str(), "{}", case.url);
        assert!(request.headers()["authorization"].is_sensitive());
    }
}

#[test]
fn signing_twice_replaces_the_first_signature() {
    let keys = Keys::new("AKIDEXAMPLE", "secret");
    let scope = Scope::new("bedrock", "us-east-1");
    let mut request = Request::post("https://a.b/").body(Bytes::new()).unwrap();
    let time = UNIX_EPOCH + Duration::from_secs(START);
    let temporary = keys.clone().with_session_token(Some("t".into()));
    sign(&mut request, &temporary, &scope, time).unwrap();
    sign(&mut request, &keys, &scope, time + Duration::from_secs(60)).unwrap();
    let mut fresh = Request::post("https://a.b/").body(Bytes::new()).unwrap();
    sign(&mut fresh, &keys, &scope, time + Duration::from_secs(60)).unwrap();
    assert_eq!(request.headers(), fresh.headers());
}

#[test]
fn keys_are_never_shown() {
    let keys = Keys::new("AKIDCANARY", "canary").with_session_token(Some("canary".into()));
    assert!(!format!("{keys:?}").to_lowercase().contains("canary"));
}
