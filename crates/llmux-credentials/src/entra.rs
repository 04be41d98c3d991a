//! Access tokens of Microsoft Entra ID, for Azure.
//!
//! Sources: "Microsoft identity platform and the OAuth 2.0 client credentials flow", "… resource owner password
//! credentials", "Certificate credentials", and "Managed identities: how to get an access token".

mod assertion;
mod managed;

use std::sync::Arc;

use async_trait::async_trait;
use llmux_core::{Credentials, Error, ErrorKind, ExposeSecret, ProviderSettings, Result, SecretString};

use crate::{
    Bearer, Clock, Issued, Issuer, Token,
    ask::{self, Asker},
    oidc::TokenPlace,
};
use assertion::Certificate;
use managed::ManagedIdentity;

const WHAT: &str = "Entra ID";
/// What tokens are asked for: every Azure AI service takes this one.
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";
const AUTHORITY: &str = "https://login.microsoftonline.com";
/// How a client proves itself without a secret (RFC 7523).
const BY_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The credentials of a deployment. Nothing is fetched yet.
///
/// Options, each with the variable that stands in for it: `azure_ad_token` (`AZURE_AD_TOKEN`), `tenant_id`
/// (`AZURE_TENANT_ID`) with `client_id` (`AZURE_CLIENT_ID`) and one of `client_secret` (`AZURE_CLIENT_SECRET`),
/// `azure_client_certificate_path` (`AZURE_CLIENT_CERTIFICATE_PATH`), `azure_federated_token_file`
/// (`AZURE_FEDERATED_TOKEN_FILE`), or `azure_username` and `azure_password` (`AZURE_USERNAME`,
/// `AZURE_PASSWORD`). Without any of them, the managed identity of the platform: App Service and the like, or the
/// virtual machine's; `client_id` chooses among several. `azure_scope` (`AZURE_SCOPE`) and `azure_authority_host`
/// (`AZURE_AUTHORITY_HOST`) are for other clouds.
///
/// # Errors
/// When what belongs together is not given together, or a certificate cannot be read.
pub fn credentials(settings: &ProviderSettings, clock: &Clock) -> Result<Arc<dyn Credentials>> {
    Ok(Arc::new(Bearer::new(issuer(settings, clock)?, clock)))
}

fn issuer(settings: &ProviderSettings, clock: &Clock) -> Result<Arc<dyn Issuer<Token>>> {
    let option = |name: &str, variable: &str| settings.option(name, &[variable]);
    let given = option("azure_ad_token", "AZURE_AD_TOKEN");
    let federated = given.as_deref().filter(|token| token.starts_with("oidc/"));
    if let (Some(token), None) = (&given, federated) {
        return Ok(Arc::new(Token::new(token)?));
    }
    let scope = option("azure_scope", "AZURE_SCOPE").unwrap_or_else(|| SCOPE.to_owned());
    let client_id = option("client_id", "AZURE_CLIENT_ID");
    let proof = proof(settings, federated)?;
    let (Some(proof), Some(client_id)) = (proof, &client_id) else {
        return Ok(Arc::new(ManagedIdentity::new(settings, client_id, &scope, clock)));
    };
    let Some(tenant) = option("tenant_id", "AZURE_TENANT_ID") else {
        return Err(wrong("tenant_id", "is required to sign in as an application (or AZURE_TENANT_ID)"));
    };
    let authority = option("azure_authority_host", "AZURE_AUTHORITY_HOST");
    let authority = authority.unwrap_or_else(|| AUTHORITY.to_owned());
    Ok(Arc::new(Application {
        url: format!("{}/{tenant}/oauth2/v2.0/token", authority.trim_end_matches('/')),
        client_id: client_id.clone(),
        scope,
        proof,
        asker: Asker::new(settings),
        clock: clock.clone(),
    }))
}

/// How the application proves itself; `None` when nothing was given for it.
fn proof(settings: &ProviderSettings, federated: Option<&str>) -> Result<Option<Proof>> {
    let option = |name: &str, variable: &str| settings.option(name, &[variable]);
    if let Some(place) = federated {
        return Ok(Some(Proof::Federated(TokenPlace::read(place, &settings.environment))));
    }
    let secret = option("client_secret", "AZURE_CLIENT_SECRET").map(SecretString::from);
    let user = option("azure_username", "AZURE_USERNAME");
    let password = option("azure_password", "AZURE_PASSWORD");
    if let (Some(user), Some(password)) = (user, password) {
        return Ok(Some(Proof::Password { user, password: password.into(), secret }));
    }
    if let Some(secret) = secret {
        return Ok(Some(Proof::Secret(secret)));
    }
    if let Some(path) = option("azure_client_certificate_path", "AZURE_CLIENT_CERTIFICATE_PATH") {
        return Ok(Some(Proof::Certificate(Certificate::read(&path, &settings.environment)?)));
    }
    let file = option("azure_federated_token_file", "AZURE_FEDERATED_TOKEN_FILE");
    Ok(file.map(|path| Proof::Federated(TokenPlace::file(path, &settings.environment))))
}

fn wrong(name: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("`{name}` {problem}")).with_param(name)
}

/// An application that signs in.
struct Application {
    url: String,
    client_id: String,
    scope: String,
    proof: Proof,
    asker: Asker,
    clock: Clock,
}

/// How an application proves itself.
enum Proof {
    Secret(SecretString),
    Certificate(Certificate),
    Federated(TokenPlace),
    Password { user: String, password: SecretString, secret: Option<SecretString> },
}

#[async_trait]
impl Issuer<Token> for Application {
    async fn issue(&self) -> Result<Issued<Token>> {
        let mut fields = vec![("client_id", self.client_id.as_str()), ("scope", &self.scope)];
        let assertion;
        match &self.proof {
            Proof::Secret(secret) => {
                fields.push(("grant_type", "client_credentials"));
                fields.push(("client_secret", secret.expose_secret()));
            }
            Proof::Certificate(certificate) => {
                assertion = certificate.assertion(&self.client_id, &self.url, self.clock.now())?;
                fields.push(("grant_type", "client_credentials"));
                fields.extend([("client_assertion_type", BY_ASSERTION), ("client_assertion", &assertion)]);
            }
            Proof::Federated(place) => {
                assertion = place.token()?;
                fields.push(("grant_type", "client_credentials"));
                fields.extend([("client_assertion_type", BY_ASSERTION), ("client_assertion", &assertion)]);
            }
            Proof::Password { user, password, secret } => {
                fields.push(("grant_type", "password"));
                fields.extend([("username", user.as_str()), ("password", password.expose_secret())]);
                fields.extend(secret.as_ref().map(|secret| ("client_secret", secret.expose_secret())));
            }
        }
        let answer = self.asker.json(WHAT, ask::post_form(&self.url, &fields)?).await?;
        Token::read(WHAT, &answer, self.clock.now())
    }
}
