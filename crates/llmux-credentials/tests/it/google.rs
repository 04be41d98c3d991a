//! Where Google's access tokens come from.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llmux_core::{ErrorKind, FailedReply, ProviderSettings};
use llmux_credentials::google::{self, Google};
use llmux_testkit::{Answer, Recorded};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::{
    rsa,
    world::{START, World, signed},
};

fn google(world: &World, settings: &ProviderSettings) -> Google {
    google::credentials(settings, &world.clock()).unwrap()
}

fn token(text: &str) -> Answer {
    Answer::json(json!({"access_token": text, "expires_in": 3599, "token_type": "Bearer"}))
}

fn service_account() -> Value {
    json!({"type": "service_account", "project_id": "p", "private_key_id": "k1", "private_key": rsa::private_key(),
           "client_email": "a@p.iam.gserviceaccount.com", "token_uri": "https://oauth2.googleapis.com/token"})
}

fn field(request: &Recorded, name: &str) -> String {
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    let value = body.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))).unwrap_or_default();
    percent_decode_str(value).decode_utf8().unwrap().into_owned()
}

#[tokio::test]
async fn a_service_account_proves_itself_by_a_signed_assertion_and_renews_ahead_of_time() {
    let world = World::new();
    world.transport.script([token("one"), token("two")]);
    let mut settings = world.settings(&[]);
    settings.options.set("vertex_credentials", service_account());
    let google = google(&world, &settings);
    assert_eq!(google.project.as_deref(), Some("p"));
    assert_eq!(signed(&*google.credentials, "authorization").await.unwrap(), "Bearer one");
    let asked = &world.transport.requests()[0];
    assert_eq!((asked.header("host"), asked.path.as_str()), (Some("oauth2.googleapis.com"), "/token"));
    assert_eq!(field(asked, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (header, claims) = rsa::verified(&field(asked, "assertion"));
    assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}));
    assert_eq!(
        claims,
        json!({"iss": "a@p.iam.gserviceaccount.com", "scope": "https://www.googleapis.com/auth/cloud-platform",
               "aud": "https://oauth2.googleapis.com/token", "iat": START, "exp": START + 3600})
    );
    assert_eq!(signed(&*google.credentials, "authorization").await.unwrap(), "Bearer one");
    world.pass(3300);
    assert_eq!(signed(&*google.credentials, "authorization").await.unwrap(), "Bearer two");
}

#[tokio::test]
async fn the_file_may_be_a_path_a_text_or_a_variable() {
    let text = service_account().to_string();
    let world = World::new().file("/key.json", &text);
    for given in ["/key.json", &text] {
        let settings = world.settings(&[("vertex_credentials", given)]);
        assert_eq!(google(&world, &settings).project.as_deref(), Some("p"));
    }
    for variable in ["GOOGLE_APPLICATION_CREDENTIALS", "VERTEXAI_CREDENTIALS"] {
        let world = World::new().file("/key.json", &text).variable(variable, "/key.json");
        assert_eq!(google(&world, &world.settings(&[])).project.as_deref(), Some("p"));
    }
    let error = google::credentials(&world.settings(&[("vertex_credentials", "/no.json")]), &world.clock());
    let error = error.unwrap_err();
    assert_eq!(error.param(), Some("vertex_credentials"));
    assert!(error.message().contains("`/no.json` cannot be read"), "{error}");
}

#[test]
fn files_that_cannot_be_used_are_refused_without_showing_them() {
    let world = World::new();
    for (file, reason) in [
        (json!({"type": "gdch_service_account"}), "are of the kind `gdch_service_account`"),
        (
            json!({"type": "service_account", "private_key": "canary", "client_email": "e"}),
            "holds no RSA key",
        ),
        (json!({"private_key": "canary"}), "have no `type`"),
    ] {
        let mut settings = world.settings(&[]);
        settings.options.set("vertex_credentials", file);
        let error = google::credentials(&settings, &world.clock()).unwrap_err();
        assert!(error.message().contains(reason) && !error.message().contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn a_user_of_googles_own_tool_pays_with_his_quota_project() {
    let file = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
                      "quota_project_id": "payer"});
    let usual = "/home/me/.config/gcloud/application_default_credentials.json";
    let world = World::new().variable("HOME", "/home/me").file(usual, &file.to_string());
    world.transport.script([token("user")]);
    let google = google(&world, &world.settings(&[]));
    assert_eq!(signed(&*google.credentials, "authorization").await.unwrap(), "Bearer user");
    assert_eq!(signed(&*google.credentials, "x-goog-user-project").await.unwrap(), "payer");
    let asked = world.transport.requests();
    assert_eq!((asked.len(), field(&asked[0], "refresh_token").as_str()), (1, "r"));
}

#[tokio::test]
async fn a_token_of_another_identity_provider_is_exchanged_and_acts_for_a_service_account() {
    let file = json!({
        "type": "external_account", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": "/token", "format": {"type": "json", "subject_token_field_name": "t"}},
        "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/x:generateAccessToken"});
    let world = World::new().file("/token", r#"{"t":"theirs"}"#);
    world.transport.script_at("/v1/token", [token("federated")]);
    let impersonated = json!({"accessToken": "ours", "expireTime": "2015-08-30T13:36:00Z"});
    world.transport.script_at("/v1/x:generateAccessToken", [Answer::json(impersonated)]);
    let mut settings = world.settings(&[]);
    settings.options.set("vertex_credentials", file);
    let google = google(&world, &settings);
    assert_eq!(signed(&*google.credentials, "authorization").await.unwrap(), "Bearer ours");
    let asked = world.transport.requests();
    assert_eq!(field(&asked[0], "subject_token"), "theirs");
    assert_eq!(field(&asked[0], "grant_type"), "urn:ietf:params:oauth:grant-type:token-exchange");
    assert_eq!(asked[1].header("authorization"), Some("Bearer federated"));
    assert_eq!(asked[1].json()["scope"], json!(["https://www.googleapis.com/auth/cloud-platform"]));
}

#[tokio::test]
async fn a_token_may_be_fetched_from_an_address_of_the_platform() {
    let file = json!({
        "type": "external_account", "subject_token_type": "t", "audience": "a",
        "credential_source": {"url": "http://169.254.169.254/token?x=1", "headers": {"Metadata": "True"},
                              "format": {"type": "json", "subject_token_field_name": "access_token"}}});
    let world = World::new();
    world.transport.script_at("/token", [token("theirs")]);
    world.transport.script_at("/v1/token", [token("federated")]);
    let mut settings = world.settings(&[]);
    settings.options.set("vertex_credentials", file);
    let google = google(&world, &settings);
    assert_eq!(signed(&*google.credentials, "authorization").await.unwrap(), "Bearer federated");
    assert_eq!(world.transport.requests()[0].header("metadata"), Some("True"));
}

#[tokio::test]
async fn an_aws_identity_is_proved_by_a_request_that_is_signed_and_not_sent() {
    let file = json!({
        "type": "external_account", "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
        "audience": "//iam.googleapis.com/x", "credential_source": {"environment_id": "aws1"}});
    let world = World::new()
        .variable("AWS_REGION", "eu-west-1")
        .variable("AWS_ACCESS_KEY_ID", "AKIA")
        .variable("AWS_SECRET_ACCESS_KEY", "s");
    world.transport.script([token("federated")]);
    let mut settings = world.settings(&[]);
    settings.options.set("vertex_credentials", file);
    signed(&*google(&world, &settings).credentials, "authorization").await.unwrap();
    let asked = world.transport.requests();
    assert_eq!(asked.len(), 1);
    let subject = field(&asked[0], "subject_token");
    let proof: Value = serde_json::from_str(&percent_decode_str(&subject).decode_utf8().unwrap()).unwrap();
    assert_eq!(
        proof["url"],
        "https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
    );
    let header = |name: &str| {
        let headers = proof["headers"].as_array().unwrap();
        headers.iter().find(|header| header["key"] == name).unwrap()["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(header("x-goog-cloud-target-resource"), "//iam.googleapis.com/x");
    assert!(header("authorization").contains("SignedHeaders=host;x-amz-date;x-goog-cloud-target-resource"));
}

#[tokio::test]
async fn without_any_file_the_metadata_server_is_asked() {
    let world = World::new();
    world.transport.script([token("machine")]);
    let google = google(&world, &world.settings(&[]));
    assert_eq!(signed(&*google.credentials, "authorization").await.unwrap(), "Bearer machine");
    let asked = &world.transport.requests()[0];
    assert_eq!(asked.header("host"), Some("metadata.google.internal"));
    assert_eq!(asked.header("metadata-flavor"), Some("Google"));
}

#[tokio::test]
async fn whoever_has_no_credentials_anywhere_is_told_so() {
    let world = World::new();
    world.transport.script([Answer::reset()]);
    let error = signed(&*google(&world, &world.settings(&[])).credentials, "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.message().starts_with("no Google credentials were found"), "{error}");
}

#[tokio::test]
async fn a_revoked_consent_is_told_in_googles_own_words() {
    let world = World::new();
    let refusal =
        json!({"error": "invalid_grant", "error_description": "Token has been expired or revoked."});
    world.transport.script([Answer::json(refusal).with_status(400)]);
    let mut settings = world.settings(&[]);
    settings.options.set("vertex_credentials", service_account());
    let error = signed(&*google(&world, &settings).credentials, "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.message().ends_with("(400): Token has been expired or revoked."), "{error}");
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_once_it_is_not_new() {
    let world = World::new();
    world.transport.script([token("one"), token("two")]);
    let google = google(&world, &world.settings(&[]));
    signed(&*google.credentials, "x").await.unwrap();
    let (headers, body) = (HeaderMap::new(), Bytes::new());
    let refused = FailedReply::new(StatusCode::UNAUTHORIZED, &headers, &body);
    assert!(!google.credentials.refused(&refused));
    world.pass(60);
    assert!(!google.credentials.refused(&FailedReply::new(StatusCode::FORBIDDEN, &headers, &body)));
    assert!(google.credentials.refused(&refused));
    assert_eq!(signed(&*google.credentials, "authorization").await.unwrap(), "Bearer two");
}
