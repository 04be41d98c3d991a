//! Where IBM Cloud's access tokens come from.

use llmux_core::{ErrorKind, SecretString};
use llmux_credentials::ibm;
use llmux_testkit::Answer;
use serde_json::json;

use crate::world::{World, signed};

fn token(text: &str) -> Answer {
    Answer::json(json!({"access_token": text, "token_type": "Bearer", "expires_in": 3600}))
}

#[tokio::test]
async fn a_key_becomes_tokens_that_are_fetched_once_and_renewed_ahead_of_time() {
    let world = World::new();
    world.transport.script([token("one"), token("two")]);
    let key = SecretString::from("k&1");
    let credentials = ibm::credentials(&world.settings(&[]), key, &world.clock()).unwrap();
    let both = [signed(&*credentials, "authorization"), signed(&*credentials, "authorization")];
    for header in futures::future::join_all(both).await {
        assert_eq!(header.unwrap(), "Bearer one");
    }
    let asked = world.transport.requests();
    assert_eq!((asked.len(), asked[0].header("host")), (1, Some("iam.cloud.ibm.com")));
    let form = "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=k%261";
    assert_eq!((asked[0].path.as_str(), asked[0].body.as_ref()), ("/identity/token", form.as_bytes()));
    world.pass(3_595);
    assert_eq!(signed(&*credentials, "authorization").await.unwrap(), "Bearer two");
}

#[tokio::test]
async fn a_key_that_ibm_does_not_know_is_told_in_its_words() {
    let world = World::new();
    let words = json!({"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."});
    world.transport.script([Answer::json(words).with_status(400)]);
    let credentials =
        ibm::credentials(&world.settings(&[]), SecretString::from("canary"), &world.clock()).unwrap();
    let error = signed(&*credentials, "authorization").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.message().contains("could not be found"), "{error}");
    assert!(!error.message().contains("canary"), "{error}");
    assert!(ibm::credentials(&world.settings(&[]), SecretString::from(" "), &world.clock()).is_err());
}

#[tokio::test]
async fn a_token_of_somebody_elses_is_used_as_it_is() {
    let world = World::new();
    let credentials = ibm::token(&SecretString::from("given"), &world.clock()).unwrap();
    assert_eq!(signed(&*credentials, "authorization").await.unwrap(), "Bearer given");
}
