//! Tokens for what is in the file itself: the key of a service account, or the consent of a user.

use async_trait::async_trait;
use llmux_core::{ExposeSecret, ProviderSettings, Result, SecretString};
use serde_json::{Value, json};

use super::{SCOPE, file::text};
use crate::{
    Clock, Issued, Issuer, Token,
    ask::{self, Asker},
    date,
    jwt::Signer,
};

const WHAT: &str = "Google's token service";
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// How long an assertion is good for; Google allows an hour at most.
const ASSERTION_SECONDS: u64 = 3600;

/// A service account with its private key.
pub(super) struct ServiceAccount {
    email: String,
    key_id: Option<String>,
    url: String,
    signer: Signer,
    asker: Asker,
    clock: Clock,
}

impl ServiceAccount {
    pub(super) fn read(file: &Value, settings: &ProviderSettings, clock: &Clock) -> Result<Self> {
        // Variables of some platforms hold the two characters where the key has ends of lines.
        let pem = text(file, "private_key")?.replace("\\n", "\n");
        Ok(Self {
            email: text(file, "client_email")?.to_owned(),
            key_id: file.get("private_key_id").and_then(Value::as_str).map(str::to_owned),
            url: text(file, "token_uri").unwrap_or(TOKEN_URL).to_owned(),
            signer: Signer::from_pem(&pem, "the service account's `private_key`")?,
            asker: Asker::new(settings),
            clock: clock.clone(),
        })
    }

    /// Source: "Using OAuth 2.0 for Server to Server Applications", Google Identity.
    fn assertion(&self) -> Result<String> {
        let now = date::unix(self.clock.now());
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        if let (Some(header), Some(id)) = (header.as_object_mut(), &self.key_id) {
            header.insert("kid".to_owned(), id.as_str().into());
        }
        let claims = json!({
            "iss": self.email, "scope": SCOPE, "aud": self.url, "iat": now, "exp": now + ASSERTION_SECONDS,
        });
        self.signer.sign(&header, &claims)
    }
}

#[async_trait]
impl Issuer<Token> for ServiceAccount {
    async fn issue(&self) -> Result<Issued<Token>> {
        let assertion = self.assertion()?;
        let fields =
            [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)];
        let answer = self.asker.json(WHAT, ask::post_form(&self.url, &fields)?).await?;
        Token::read(WHAT, &answer, self.clock.now())
    }
}

/// What a user consented to, for Google's own tool or another program.
pub(super) struct RefreshToken {
    client_id: String,
    client_secret: SecretString,
    refresh_token: SecretString,
    url: String,
    asker: Asker,
    clock: Clock,
}

impl RefreshToken {
    pub(super) fn read(file: &Value, settings: &ProviderSettings, clock: &Clock) -> Result<Self> {
        Ok(Self {
            client_id: text(file, "client_id")?.to_owned(),
            client_secret: text(file, "client_secret")?.into(),
            refresh_token: text(file, "refresh_token")?.into(),
            url: text(file, "token_url").unwrap_or(TOKEN_URL).to_owned(),
            asker: Asker::new(settings),
            clock: clock.clone(),
        })
    }
}

#[async_trait]
impl Issuer<Token> for RefreshToken {
    async fn issue(&self) -> Result<Issued<Token>> {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose_secret()),
            ("refresh_token", self.refresh_token.expose_secret()),
        ];
        let answer = self.asker.json(WHAT, ask::post_form(&self.url, &fields)?).await?;
        Token::read(WHAT, &answer, self.clock.now())
    }
}
