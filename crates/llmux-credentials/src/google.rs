//! Access tokens of Google Cloud, wherever they come from.
//!
//! Sources: "How Application Default Credentials works" and AIP-4110 to AIP-4118 of Google's API improvement
//! proposals, which specify the kinds of credentials files.

mod federation;
mod file;
mod grants;
mod impersonation;
mod metadata;

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use llmux_core::{Credentials, Error, ErrorKind, ProviderSettings, Result};
use serde_json::Value;

use crate::{Bearer, Clock, Issuer, Token};

/// What tokens are asked for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The project that pays, where it is not the one that is called.
const QUOTA_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");
/// Where Google's own tool keeps what the user signed in with.
const WELL_KNOWN: &str = "gcloud/application_default_credentials.json";

/// What calls Google Cloud.
#[non_exhaustive]
pub struct Google {
    /// What puts the token on requests.
    pub credentials: Arc<dyn Credentials>,
    /// The project that the credentials belong to, where they say so.
    pub project: Option<String>,
}

impl fmt::Debug for Google {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Google").field("project", &self.project).finish_non_exhaustive()
    }
}

/// The credentials of a deployment. Nothing is fetched yet.
///
/// The option `vertex_credentials` is a credentials file: its path, its JSON as text, or the JSON itself. Without
/// it: the variables `VERTEXAI_CREDENTIALS` and `GOOGLE_APPLICATION_CREDENTIALS`, the file that Google's own tool
/// writes, and the metadata server of the machine.
///
/// # Errors
/// When there is a credentials file that cannot be read, or is of a kind that cannot be used here.
pub fn credentials(settings: &ProviderSettings, clock: &Clock) -> Result<Google> {
    let Some(file) = find(settings)? else {
        let issuer = Arc::new(metadata::Metadata::new(settings, clock));
        return Ok(Google { credentials: Arc::new(Bearer::new(issuer, clock)), project: None });
    };
    let issuer: Arc<dyn Issuer<Token>> = file::issuer(&file, settings, clock)?;
    let text = |name: &str| file.get(name).and_then(Value::as_str);
    let mut headers = HeaderMap::new();
    if let Some(value) = text("quota_project_id").and_then(|project| HeaderValue::from_str(project).ok()) {
        headers.insert(QUOTA_PROJECT, value);
    }
    let project = text("project_id").map(str::to_owned);
    Ok(Google { credentials: Arc::new(Bearer::new(issuer, clock).with_headers(headers)), project })
}

/// The credentials file, if there is one.
fn find(settings: &ProviderSettings) -> Result<Option<Value>> {
    let environment = &settings.environment;
    match settings.options.get("vertex_credentials") {
        Some(Value::Object(file)) => return Ok(Some(Value::Object(file.clone()))),
        Some(Value::String(text)) if !text.trim().is_empty() => return read(text, settings).map(Some),
        _ => {}
    }
    if let Some(text) = environment.first(&["VERTEXAI_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"]) {
        return read(&text, settings).map(Some);
    }
    let folder = environment.first(&["CLOUDSDK_CONFIG"]);
    let folder = folder.or_else(|| environment.first(&["APPDATA"]));
    let usual =
        folder.map_or_else(|| format!("~/.config/{WELL_KNOWN}"), |folder| format!("{folder}/{WELL_KNOWN}"));
    Ok(environment.read(&usual).ok().and_then(|text| serde_json::from_str(&text).ok()))
}

/// A credentials file from its path, or from its own text.
fn read(text: &str, settings: &ProviderSettings) -> Result<Value> {
    let wrong = |problem: String| {
        Error::new(ErrorKind::InvalidRequest, format!("the Google credentials {problem}"))
            .with_param("vertex_credentials")
    };
    let text = text.trim();
    let json = if text.starts_with('{') {
        text.to_owned()
    } else {
        let unreadable = |error| wrong(format!("file `{text}` cannot be read: {error}"));
        settings.environment.read(text).map_err(unreadable)?
    };
    serde_json::from_str(&json).map_err(|_| wrong("are no JSON".to_owned()))
}
