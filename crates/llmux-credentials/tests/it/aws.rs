//! Where AWS's keys come from.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use llmux_core::{Credentials, ErrorKind, FailedReply, ProviderSettings};
use llmux_credentials::{aws, sigv4::Scope};
use llmux_testkit::{Answer, Recorded};
use serde_json::json;

use crate::world::{World, signed};

fn credentials(world: &World, settings: &ProviderSettings) -> Arc<dyn Credentials> {
    aws::credentials(settings, Scope::new("bedrock", "eu-west-1"), &world.clock()).unwrap()
}

async fn key_id(world: &World, options: &[(&str, &str)]) -> String {
    let credentials = credentials(world, &world.settings(options));
    let header = signed(&*credentials, "authorization").await.unwrap();
    header.split("Credential=").nth(1).unwrap().split('/').next().unwrap().to_owned()
}

/// What the token service answers: a key of this id for an hour.
fn sts(id: &str, expires: &str) -> Answer {
    Answer::body(format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{id}</AccessKeyId>\
         <SecretAccessKey>s/+</SecretAccessKey><SessionToken>token==</SessionToken>\
         <Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    ))
}

fn fields(request: &Recorded) -> String {
    String::from_utf8(request.body.to_vec()).unwrap()
}

const STATIC: [(&str, &str); 2] = [("aws_access_key_id", "OPTION"), ("aws_secret_access_key", "s")];
const FILES: &str = "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key=s\n\n# more\n[profile dev]\n\
                     region = us-west-2\naws_access_key_id=DEV\naws_secret_access_key=s\n[profile role]\n\
                     role_arn=arn:aws:iam::1:role/r\nsource_profile=dev\nexternal_id=x\n\
                     [profile loop]\nrole_arn=r\nsource_profile=loop2\n[profile loop2]\nrole_arn=r\n\
                     source_profile=loop\n[profile sso]\nsso_session=x\n[profile program]\ncredential_process=/bin/x\n";

#[tokio::test]
async fn keys_come_from_the_settings_then_variables_then_files() {
    let world = World::new().variable("HOME", "/home/me").file("/home/me/.aws/config", FILES);
    assert_eq!(key_id(&world, &STATIC).await, "OPTION");
    assert_eq!(key_id(&world, &[("aws_profile_name", "dev")]).await, "DEV");
    assert_eq!(key_id(&world, &[]).await, "DEFAULT");
    let world = world.variable("AWS_PROFILE", "dev");
    assert_eq!(key_id(&world, &[]).await, "DEV");
    let world = world.variable("AWS_ACCESS_KEY_ID", "VARIABLE").variable("AWS_SECRET_ACCESS_KEY", "s");
    assert_eq!(key_id(&world, &[]).await, "VARIABLE");
    assert!(world.transport.requests().is_empty());
}

#[test]
fn the_region_comes_from_the_settings_then_variables_then_the_profile() {
    let world = World::new().variable("HOME", "/home/me").file("/home/me/.aws/config", FILES);
    let region = |options: &[(&str, &str)]| aws::region(&world.settings(options));
    assert_eq!(region(&[]), None);
    assert_eq!(region(&[("aws_profile_name", "dev")]).as_deref(), Some("us-west-2"));
    let world = world.clone().variable("AWS_REGION", "eu-north-1");
    assert_eq!(aws::region(&world.settings(&[])).as_deref(), Some("eu-north-1"));
    assert_eq!(region(&[("aws_region_name", "ap-south-1")]).as_deref(), Some("ap-south-1"));
}

#[tokio::test]
async fn a_role_is_assumed_with_the_keys_below_it_and_renewed_ahead_of_time() {
    let world = World::new();
    world.transport.script([sts("ROLE1", "2015-08-30T13:36:00Z"), sts("ROLE2", "2015-08-30T14:36:00Z")]);
    let role =
        [("aws_role_name", "arn:aws:iam::1:role/r"), ("aws_session_name", "me"), ("aws_external_id", "e")];
    let options = [&STATIC[..], &role[..]].concat();
    let credentials = credentials(&world, &world.settings(&options));
    assert_eq!(signed(&*credentials, "x-amz-security-token").await.unwrap(), "token==");
    let asked = world.transport.requests();
    assert_eq!(asked[0].header("host"), Some("sts.eu-west-1.amazonaws.com"));
    assert_eq!(
        fields(&asked[0]),
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=me&ExternalId=e"
    );
    assert!(asked[0].header("authorization").unwrap().contains("Credential=OPTION/20150830/eu-west-1/sts/"));

    world.pass(3301);
    assert!(signed(&*credentials, "authorization").await.unwrap().contains("Credential=ROLE2/"));
    assert_eq!(world.transport.requests().len(), 2);
}

#[tokio::test]
async fn a_web_identity_is_read_from_its_file_at_each_renewal() {
    let world = World::new()
        .variable("AWS_ROLE_ARN", "arn:aws:iam::1:role/pod")
        .variable("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token")
        .file("/var/run/token", "jwt-1\n");
    world.transport.script([sts("POD", "2015-08-30T13:36:00Z")]);
    // The role that the pod has already is not assumed a second time.
    let credentials = credentials(&world, &world.settings(&[("aws_role_name", "arn:aws:iam::1:role/pod")]));
    assert!(signed(&*credentials, "authorization").await.unwrap().contains("Credential=POD/"));
    let world = world.file("/var/run/token", "jwt-2");
    world.pass(3590);
    signed(&*credentials, "authorization").await.unwrap();
    let asked: Vec<String> = world.transport.requests().iter().map(fields).collect();
    assert!(
        asked[0].contains("Action=AssumeRoleWithWebIdentity") && asked[0].ends_with("WebIdentityToken=jwt-1")
    );
    assert!(asked[1].ends_with("WebIdentityToken=jwt-2"));
    assert_eq!(world.transport.requests()[0].header("authorization"), None);

    let given = [("aws_role_name", "r"), ("aws_web_identity_token", "oidc/file/var/run/token")];
    assert_eq!(key_id(&world, &given).await, "POD");
}

#[tokio::test]
async fn a_profile_may_be_a_role_over_another_profile() {
    let world = World::new().variable("AWS_CONFIG_FILE", "/c").file("/c", FILES);
    world.transport.script([sts("ROLE", "2015-08-30T13:36:00Z")]);
    assert_eq!(key_id(&world, &[("aws_profile_name", "role")]).await, "ROLE");
    let asked = world.transport.requests();
    assert!(asked[0].header("authorization").unwrap().contains("Credential=DEV/"));
    assert!(fields(&asked[0]).ends_with("ExternalId=x"));
}

#[test]
fn profiles_that_cannot_be_used_are_refused_with_the_reason() {
    let world = World::new().variable("AWS_CONFIG_FILE", "/c").file("/c", FILES);
    let cases = [
        ("loop", "refers to itself"),
        ("sso", "IAM Identity Center"),
        ("program", "starts a program"),
        ("missing", "is in neither"),
    ];
    for (profile, reason) in cases {
        let settings = world.settings(&[("aws_profile_name", profile)]);
        let scope = Scope::new("bedrock", "eu-west-1");
        let error = aws::credentials(&settings, scope, &world.clock()).err().unwrap();
        assert!(error.message().contains(reason), "{error}");
        assert_eq!(error.param(), Some("aws_profile_name"));
    }
}

#[tokio::test]
async fn half_a_key_is_refused_by_name() {
    let world = World::new();
    let settings = world.settings(&[("aws_access_key_id", "x")]);
    let error = aws::credentials(&settings, Scope::new("bedrock", "x"), &world.clock()).err().unwrap();
    assert_eq!(error.param(), Some("aws_secret_access_key"));
}

#[tokio::test]
async fn a_container_offers_keys_for_the_token_that_it_was_given() {
    let answer = json!({"AccessKeyId": "TASK", "SecretAccessKey": "s", "Token": "t", "Expiration": "2015-08-30T18:00:00Z"});
    let world = World::new()
        .variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1")
        .variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/t")
        .file("/t", "pod-token\n");
    world.transport.script([Answer::json(answer)]);
    assert_eq!(key_id(&world, &[]).await, "TASK");
    let asked = &world.transport.requests()[0];
    assert_eq!((asked.header("host"), asked.path.as_str()), (Some("169.254.170.2"), "/v2/credentials/1"));
    assert_eq!(asked.header("authorization"), Some("pod-token"));

    let world = World::new().variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example.com/");
    let settings = world.settings(&[]);
    assert!(aws::credentials(&settings, Scope::new("bedrock", "x"), &world.clock()).is_err());
}

#[tokio::test]
async fn an_instance_offers_the_keys_of_its_role() {
    let world = World::new();
    world.transport.script_at("/latest/api/token", [Answer::body("imds")]);
    world.transport.script_at("/latest/meta-data/iam/security-credentials/", [Answer::body("my-role\n")]);
    let answer = json!({"Code": "Success", "AccessKeyId": "MACHINE", "SecretAccessKey": "s", "Token": "t",
                        "Expiration": "2015-08-30T18:00:00Z"});
    world.transport.script_at("/latest/meta-data/iam/security-credentials/my-role", [Answer::json(answer)]);
    assert_eq!(key_id(&world, &[]).await, "MACHINE");
    let asked = world.transport.requests();
    assert_eq!((asked[0].method.as_str(), asked[0].header("host")), ("PUT", Some("169.254.169.254")));
    assert!(asked[1..].iter().all(|request| request.header("x-aws-ec2-metadata-token") == Some("imds")));
}

#[tokio::test]
async fn whoever_has_no_keys_anywhere_is_told_so() {
    let world = World::new().variable("AWS_EC2_METADATA_DISABLED", "true");
    let credentials = credentials(&world, &world.settings(&[]));
    let error = signed(&*credentials, "authorization").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.message().starts_with("no AWS keys were found"), "{error}");
}

#[tokio::test]
async fn a_token_service_that_refuses_is_quoted_with_advice() {
    let world = World::new();
    let refusal = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>\
                   <Message>The security token included in the request is expired</Message></Error></ErrorResponse>";
    world.transport.script([Answer::body(refusal).with_status(403)]);
    let options = [&STATIC[..], &[("aws_role_name", "r")]].concat();
    let error = signed(&*credentials(&world, &world.settings(&options)), "authorization").await.unwrap_err();
    assert!(error.message().contains("ExpiredToken: The security token"), "{error}");
    assert!(error.message().ends_with("renew it where it comes from"), "{error}");
}

#[tokio::test]
async fn a_token_service_in_trouble_is_asked_once_more() {
    let world = World::new();
    world.transport.script([Answer::reset(), sts("ROLE", "2015-08-30T13:36:00Z")]);
    let options = [&STATIC[..], &[("aws_role_name", "r")]].concat();
    assert_eq!(key_id(&world, &options).await, "ROLE");
}

#[tokio::test]
async fn an_expired_key_is_fetched_anew_and_a_permanent_one_is_read_again() {
    let world = World::new().variable("AWS_SHARED_CREDENTIALS_FILE", "/c");
    let world =
        world.file("/c", "[default]\naws_access_key_id=OLD\naws_secret_access_key=s\naws_session_token=t\n");
    let credentials = credentials(&world, &world.settings(&[]));
    assert!(signed(&*credentials, "authorization").await.unwrap().contains("=OLD/"));
    let world = world.file("/c", "[default]\naws_access_key_id=NEW\naws_secret_access_key=s\n");
    world.pass(60);
    let (headers, body) = (HeaderMap::new(), Bytes::from_static(br#"{"__type":"ExpiredTokenException"}"#));
    assert!(credentials.refused(&FailedReply::new(StatusCode::FORBIDDEN, &headers, &body)));
    assert!(signed(&*credentials, "authorization").await.unwrap().contains("=NEW/"));
    let other = Bytes::from_static(br#"{"__type":"ValidationException"}"#);
    assert!(!credentials.refused(&FailedReply::new(StatusCode::BAD_REQUEST, &headers, &other)));
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_by_the_services_own_date() {
    let world = World::new();
    let credentials = credentials(&world, &world.settings(&STATIC));
    assert_eq!(signed(&*credentials, "x-amz-date").await.unwrap(), "20150830T123600Z");
    let body = Bytes::from_static(
        br#"{"message":"Signature expired: 20150830T123600Z is now earlier than 20150830T125100Z"}"#,
    );
    let mut headers = HeaderMap::new();
    headers.insert("x-amzn-errortype", "InvalidSignatureException".parse().unwrap());
    headers.insert("date", "Sun, 30 Aug 2015 13:06:00 GMT".parse().unwrap());
    let failed = FailedReply::new(StatusCode::FORBIDDEN, &headers, &body);
    assert!(credentials.refused(&failed));
    assert_eq!(signed(&*credentials, "x-amz-date").await.unwrap(), "20150830T130600Z");
    // The same complaint about the corrected time is not believed again.
    assert!(!credentials.refused(&failed));
}
