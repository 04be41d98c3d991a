//! The identity that Azure gives to what runs on it.

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use llmux_core::{Error, ErrorKind, ProviderSettings, Result};

use crate::{
    Clock, Issued, Issuer, Token,
    ask::{self, Asker},
};

const WHAT: &str = "the managed identity service";
/// Where a virtual machine asks.
const MACHINE: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// A managed identity: of App Service, Container Apps and Functions where the platform says so, else of the virtual
/// machine.
pub(super) struct ManagedIdentity {
    url: String,
    headers: HeaderMap,
    asker: Asker,
    clock: Clock,
}

impl ManagedIdentity {
    pub(super) fn new(
        settings: &ProviderSettings,
        client_id: Option<String>,
        scope: &str,
        clock: &Clock,
    ) -> Self {
        let variable = |name: &str| settings.environment.first(&[name]);
        let mut headers = HeaderMap::new();
        let platform = variable("IDENTITY_ENDPOINT").zip(variable("IDENTITY_HEADER"));
        let (endpoint, version) = match platform {
            Some((endpoint, secret)) => {
                if let Ok(mut value) = HeaderValue::from_str(&secret) {
                    value.set_sensitive(true);
                    headers.insert("x-identity-header", value);
                }
                (endpoint, "2019-08-01")
            }
            None => {
                headers.insert("metadata", HeaderValue::from_static("true"));
                (MACHINE.to_owned(), "2018-02-01")
            }
        };
        let resource = scope.strip_suffix("/.default").unwrap_or(scope);
        let mut fields = vec![("api-version", version), ("resource", resource)];
        fields.extend(client_id.as_deref().map(|id| ("client_id", id)));
        let url = format!("{endpoint}?{}", ask::form(&fields));
        Self { url, headers, asker: Asker::nearby(settings), clock: clock.clone() }
    }
}

#[async_trait]
impl Issuer<Token> for ManagedIdentity {
    async fn issue(&self) -> Result<Issued<Token>> {
        let request = ask::get(&self.url, self.headers.clone())?;
        let answer = self.asker.json(WHAT, request).await.map_err(|error| {
            let message = format!(
                "no Azure credentials were found: neither a key nor an application is given, and {}",
                error.message()
            );
            Error::new(ErrorKind::Authentication, message)
        })?;
        Token::read(WHAT, &answer, self.clock.now())
    }
}
