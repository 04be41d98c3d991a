//! Where a call goes: Azure's routes differ by API version and by the form of the base URL.

use http::{Uri, uri::PathAndQuery};
use llmux_core::{Call, Dialect, Error, ErrorKind, Operation, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{compatible::table::Media, target::setting};

/// What a path segment keeps as it is (RFC 3986, section 3.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The first version whose dated route has responses.
const RESPONSES_SINCE: &str = "2025-03";

/// Where calls go.
#[derive(Debug)]
pub(super) struct Route {
    /// The base URL, without query.
    base: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Everything below the base, with this query; the model stands in the body.
    Below { query: Option<String> },
    /// The model's deployment stands in the path, or this one does for every model.
    Deployments { version: String, fixed: Option<String> },
}

impl Route {
    /// The route of an Azure OpenAI resource. `version` is a date, or `v1`, `latest` or `preview` for the route
    /// without dates; what stands in the base URL wins.
    pub(super) fn openai(base: &str, version: &str) -> Result<Self> {
        let (base, query) = base.split_once('?').unwrap_or((base, ""));
        check(base)?;
        let named = query.split('&').find_map(|pair| pair.strip_prefix("api-version="));
        let version = named.unwrap_or(version).trim();
        let base = base.trim_end_matches('/');
        if let Some((root, rest)) = base.split_once("/openai/deployments/") {
            let fixed = rest.split('/').next().map(str::to_owned);
            return Ok(Self::deployments(root, version, fixed));
        }
        let root = base.strip_suffix("/openai/v1").or_else(|| base.strip_suffix("/openai")).unwrap_or(base);
        if base.ends_with("/openai/v1") || matches!(version, "v1" | "latest" | "preview") {
            let query = (version == "preview").then(|| "api-version=preview".to_owned());
            return Ok(Self::below(format!("{root}/openai/v1"), query));
        }
        Ok(Self::deployments(root, version, None))
    }

    /// Everything below `base`.
    pub(super) fn below(base: String, query: Option<String>) -> Self {
        Self { base, kind: Kind::Below { query } }
    }

    fn deployments(root: &str, version: &str, fixed: Option<String>) -> Self {
        let kind = Kind::Deployments { version: version.to_owned(), fixed };
        Self { base: root.to_owned(), kind }
    }

    /// The base URL.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The address of the resource.
    pub(super) fn root(&self) -> &str {
        self.base.strip_suffix("/openai/v1").unwrap_or(&self.base)
    }

    /// A client's own path and query. The dated routes below `/openai` want a version, which a client may leave out.
    pub(super) fn relayed(&self, uri: &Uri) -> String {
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let dated = uri.path().starts_with("/openai/") && !uri.path().starts_with("/openai/v1/");
        match &self.kind {
            Kind::Deployments { version, .. } if dated => with_version(path, uri.query(), version),
            _ => path.to_owned(),
        }
    }

    /// Whether the API version is a date before this one.
    pub(super) fn is_older_than(&self, date: &str) -> bool {
        matches!(&self.kind, Kind::Deployments { version, .. } if version.as_str() < date)
    }

    /// The address of a call; `made` is the one that OpenAI would have for it.
    pub(super) fn uri(&self, call: &Call<'_>, made: &Uri) -> Result<Uri> {
        let kept = is_about_kept(call.operation);
        let path = match (call.operation, call.dialect) {
            (Operation::Embeddings, _) => "embeddings",
            (Operation::Completion, _) => "completions",
            (Operation::Chat, Dialect::OpenAiResponses) => "responses",
            _ if kept => "responses",
            (operation, _) => match Media::ALL.path(operation) {
                Some(path) => path.trim_start_matches('/'),
                None => "chat/completions",
            },
        };
        let base = &self.base;
        let url = match &self.kind {
            Kind::Below { query: None } => format!("{base}/{path}"),
            Kind::Below { query: Some(query) } => format!("{base}/{path}?{query}"),
            Kind::Deployments { version, .. } if path == "responses" => {
                // Before, only the route without dates has them.
                if version.as_str() < RESPONSES_SINCE {
                    format!("{base}/openai/v1/responses")
                } else {
                    format!("{base}/openai/responses?api-version={version}")
                }
            }
            Kind::Deployments { version, fixed } => {
                let deployment = fixed.as_deref().unwrap_or(call.model);
                let deployment = utf8_percent_encode(deployment, SEGMENT);
                format!("{base}/openai/deployments/{deployment}/{path}?api-version={version}")
            }
        };
        let url = if kept { below(&url, made) } else { url };
        url.parse().map_err(|_| {
            let message = "the deployment's name or the API version cannot stand in a URL";
            Error::new(ErrorKind::InvalidRequest, message).with_param("model")
        })
    }
}

/// Whether it is about a response that the provider keeps.
fn is_about_kept(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::ReadResponse
            | Operation::DeleteResponse
            | Operation::CancelResponse
            | Operation::ListResponseInput
    )
}

/// What `made` has behind the list of responses, behind this address of the list.
fn below(list: &str, made: &Uri) -> String {
    let (address, query) =
        list.split_once('?').map_or((list, None), |(address, query)| (address, Some(query)));
    let tail = made.path().rsplit_once("/responses").map_or("", |(_, tail)| tail);
    let queries = [query, made.query()].into_iter().flatten().collect::<Vec<_>>().join("&");
    if queries.is_empty() { format!("{address}{tail}") } else { format!("{address}{tail}?{queries}") }
}

/// The path and query with an API version, if they have none.
pub(super) fn with_version(path: &str, query: Option<&str>, version: &str) -> String {
    let named = |query: &str| query.split('&').any(|pair| pair.starts_with("api-version="));
    match query {
        Some(query) if named(query) => path.to_owned(),
        Some(_) => format!("{path}&api-version={version}"),
        None => format!("{path}?api-version={version}"),
    }
}

/// Refuses what is no address.
pub(super) fn check(base: &str) -> Result<()> {
    let uri: Uri = base.parse().map_err(|_| setting("api_base", "is not a valid URL"))?;
    match uri.scheme_str() {
        Some("http" | "https") => Ok(()),
        _ => Err(setting("api_base", "must begin with http:// or https://")),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use llmux_wire::json::envelope;

    use super::*;

    fn uri(base: &str, version: &str, operation: Operation, dialect: Dialect) -> String {
        let body = Bytes::from_static(b"{}");
        let (fields, headers) = (envelope::read(&body).unwrap(), HeaderMap::new());
        let call = Call::new(operation, dialect, "my gpt", &body, &fields, &headers);
        let made = Uri::from_static("https://x/v1/responses/resp_1/cancel?include=a");
        Route::openai(base, version).unwrap().uri(&call, &made).unwrap().to_string()
    }

    #[test]
    fn kept_responses_images_and_sound_have_routes_of_their_own() {
        let base = "https://r.openai.azure.com";
        assert_eq!(
            uri(base, "2025-04-01-preview", Operation::CancelResponse, Dialect::OpenAiResponses),
            format!("{base}/openai/responses/resp_1/cancel?api-version=2025-04-01-preview&include=a")
        );
        assert_eq!(
            uri(base, "v1", Operation::CancelResponse, Dialect::OpenAiResponses),
            format!("{base}/openai/v1/responses/resp_1/cancel?include=a")
        );
        assert_eq!(
            uri(base, "2024-10-21", Operation::Transcription, Dialect::OpenAi),
            format!("{base}/openai/deployments/my%20gpt/audio/transcriptions?api-version=2024-10-21")
        );
    }

    fn chat(base: &str, version: &str) -> String {
        uri(base, version, Operation::Chat, Dialect::OpenAi)
    }

    #[test]
    fn a_dated_version_has_the_deployment_in_the_path() {
        let expected =
            "https://r.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21";
        for base in
            ["https://r.openai.azure.com", "https://r.openai.azure.com/", "https://r.openai.azure.com/openai"]
        {
            assert_eq!(chat(base, "2024-10-21"), expected, "{base}");
        }
        let embeddings = uri("https://a.b/gate", "2024-10-21", Operation::Embeddings, Dialect::OpenAi);
        assert_eq!(
            embeddings,
            "https://a.b/gate/openai/deployments/my%20gpt/embeddings?api-version=2024-10-21"
        );
    }

    #[test]
    fn the_route_without_dates_has_the_model_in_the_body() {
        assert_eq!(chat("https://a.b", "v1"), "https://a.b/openai/v1/chat/completions");
        assert_eq!(chat("https://a.b", "latest"), "https://a.b/openai/v1/chat/completions");
        assert_eq!(
            chat("https://a.b", "preview"),
            "https://a.b/openai/v1/chat/completions?api-version=preview"
        );
        assert_eq!(chat("https://a.b/openai/v1/", "2024-10-21"), "https://a.b/openai/v1/chat/completions");
    }

    #[test]
    fn a_base_url_may_name_the_deployment_and_the_version() {
        let base = "https://a.b/openai/deployments/own/chat/completions?api-version=2024-06-01";
        assert_eq!(chat(base, "2030-01-01"), base);
    }

    #[test]
    fn responses_have_a_dated_route_since_2025_03() {
        let responses = |version| uri("https://a.b", version, Operation::Chat, Dialect::OpenAiResponses);
        assert_eq!(responses("2025-02-01-preview"), "https://a.b/openai/v1/responses");
        assert_eq!(
            responses("2025-04-01-preview"),
            "https://a.b/openai/responses?api-version=2025-04-01-preview"
        );
    }
}
