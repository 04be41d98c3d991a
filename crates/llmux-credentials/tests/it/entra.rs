//! Where Entra ID's access tokens come from.

use llmux_core::ErrorKind;
use llmux_credentials::entra;
use llmux_testkit::{Answer, Recorded};
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::{
    rsa,
    world::{START, World, signed},
};

const APPLICATION: [(&str, &str); 2] = [("tenant_id", "tenant"), ("client_id", "app")];

fn token(text: &str) -> Answer {
    Answer::json(json!({"access_token": text, "expires_in": 3599, "token_type": "Bearer"}))
}

async fn authorization(world: &World, options: &[(&str, &str)]) -> String {
    let credentials = entra::credentials(&world.settings(options), &world.clock()).unwrap();
    signed(&*credentials, "authorization").await.unwrap()
}

fn fields(request: &Recorded) -> String {
    percent_decode_str(std::str::from_utf8(&request.body).unwrap()).decode_utf8().unwrap().into_owned()
}

#[tokio::test]
async fn a_token_that_is_given_is_used_as_it_is() {
    let world = World::new().variable("AZURE_AD_TOKEN", "variable");
    assert_eq!(authorization(&world, &[]).await, "Bearer variable");
    assert_eq!(authorization(&world, &[("azure_ad_token", "option")]).await, "Bearer option");
    assert!(world.transport.requests().is_empty());
}

#[tokio::test]
async fn an_application_signs_in_with_its_secret() {
    let world = World::new().variable("AZURE_CLIENT_SECRET", "s&1");
    world.transport.script([token("app")]);
    assert_eq!(authorization(&world, &APPLICATION).await, "Bearer app");
    let asked = &world.transport.requests()[0];
    assert_eq!(asked.header("host"), Some("login.microsoftonline.com"));
    assert_eq!(asked.path, "/tenant/oauth2/v2.0/token");
    assert_eq!(
        fields(asked),
        "client_id=app&scope=https://cognitiveservices.azure.com/.default&grant_type=client_credentials&client_secret=s&1"
    );
}

#[tokio::test]
async fn other_clouds_have_their_own_authority_and_scope() {
    let world = World::new();
    world.transport.script([token("app")]);
    let other = [
        ("client_secret", "s"),
        ("azure_authority_host", "https://login.microsoftonline.us/"),
        ("azure_scope", "https://cognitiveservices.azure.us/.default"),
    ];
    authorization(&world, &[&APPLICATION[..], &other[..]].concat()).await;
    let asked = &world.transport.requests()[0];
    assert_eq!(asked.header("host"), Some("login.microsoftonline.us"));
    assert!(fields(asked).contains("scope=https://cognitiveservices.azure.us/.default"));
}

#[tokio::test]
async fn a_pod_proves_itself_by_the_token_in_its_file_and_by_litellms_words_for_it() {
    let world = World::new()
        .variable("AZURE_TENANT_ID", "tenant")
        .variable("AZURE_CLIENT_ID", "pod")
        .variable("AZURE_FEDERATED_TOKEN_FILE", "/token")
        .file("/token", "assertion\n");
    world.transport.script([token("pod")]);
    assert_eq!(authorization(&world, &[]).await, "Bearer pod");
    assert_eq!(authorization(&world, &[("azure_ad_token", "oidc/file/token")]).await, "Bearer pod");
    for asked in world.transport.requests() {
        assert!(fields(&asked).ends_with("jwt-bearer&client_assertion=assertion"), "{}", fields(&asked));
    }
}

#[tokio::test]
async fn an_application_signs_in_with_its_certificate() {
    let pem = format!("{}{}", rsa::pem("CERTIFICATE", b"certificate"), rsa::private_key());
    let world = World::new().file("/app.pem", &pem);
    world.transport.script([token("app")]);
    let options = [&APPLICATION[..], &[("azure_client_certificate_path", "/app.pem")]].concat();
    assert_eq!(authorization(&world, &options).await, "Bearer app");
    let sent = fields(&world.transport.requests()[0]);
    let (header, claims) = rsa::verified(sent.split("client_assertion=").nth(1).unwrap());
    // The SHA-256 of `certificate`, as tokens have it.
    assert_eq!(header["x5t#S256"].as_str().unwrap().len(), 43);
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("app"), &json!("app")));
    assert_eq!(claims["aud"], "https://login.microsoftonline.com/tenant/oauth2/v2.0/token");
    assert_eq!(claims["exp"], START + 600);
}

#[tokio::test]
async fn a_user_signs_in_with_name_and_password() {
    let world = World::new();
    world.transport.script([token("user")]);
    let options = [&APPLICATION[..], &[("azure_username", "me@x"), ("azure_password", "p")]].concat();
    assert_eq!(authorization(&world, &options).await, "Bearer user");
    assert!(fields(&world.transport.requests()[0]).ends_with("grant_type=password&username=me@x&password=p"));
}

#[tokio::test]
async fn what_runs_on_azure_uses_its_managed_identity() {
    let expires = (START + 3600).to_string();
    let answer = json!({"access_token": "managed", "expires_on": expires});
    let world = World::new();
    world.transport.script([Answer::json(answer)]);
    assert_eq!(authorization(&world, &[("client_id", "mine")]).await, "Bearer managed");
    let asked = &world.transport.requests()[0];
    assert_eq!((asked.header("host"), asked.header("metadata")), (Some("169.254.169.254"), Some("true")));
    assert_eq!(
        asked.path,
        "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fcognitiveservices.azure.com&client_id=mine"
    );

    let world =
        world.variable("IDENTITY_ENDPOINT", "http://127.0.0.1:41/msi/token").variable("IDENTITY_HEADER", "h");
    assert_eq!(authorization(&world, &[]).await, "Bearer managed");
    let asked = &world.transport.requests()[1];
    assert_eq!((asked.header("host"), asked.header("x-identity-header")), (Some("127.0.0.1:41"), Some("h")));
    assert!(asked.path.starts_with("/msi/token?api-version=2019-08-01&resource="));
}

#[tokio::test]
async fn refusals_and_missing_parts_are_told_clearly() {
    let world = World::new();
    let words = "AADSTS7000222: The provided client secret keys for app 'app' are expired.";
    let refusal = json!({"error": "invalid_client", "error_description": words});
    world.transport.script([Answer::json(refusal).with_status(401)]);
    let options = [&APPLICATION[..], &[("client_secret", "canary")]].concat();
    let credentials = entra::credentials(&world.settings(&options), &world.clock()).unwrap();
    let error = signed(&*credentials, "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.message().contains(words) && !error.message().contains("canary"), "{error}");

    let options = [("client_id", "app"), ("client_secret", "s")];
    let error = entra::credentials(&world.settings(&options), &world.clock()).err().unwrap();
    assert_eq!(error.param(), Some("tenant_id"));

    let world = World::new();
    world.transport.script([Answer::reset()]);
    let credentials = entra::credentials(&world.settings(&[]), &world.clock()).unwrap();
    let error = signed(&*credentials, "x").await.unwrap_err();
    assert!(error.message().starts_with("no Azure credentials were found"), "{error}");
}
