//! Cross-origin requests: what pages of other origins may do with the answers of this server.

use http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
        ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};
use llmux_core::{Error, ErrorKind, Result};

const ANY: HeaderValue = HeaderValue::from_static("*");
/// Every method that the server knows.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
/// What scripts may read when credentials rule out `*` and the configuration adds nothing.
const EXPOSED: &str = "retry-after, x-request-id, x-litellm-call-id, x-litellm-model-id, \
    x-litellm-model-name, x-litellm-model-group, x-litellm-model-api-base, x-litellm-version, \
    x-litellm-response-cost, x-litellm-response-duration-ms, x-litellm-overhead-duration-ms, \
    x-litellm-attempted-retries, x-litellm-max-retries, x-litellm-attempted-fallbacks, \
    x-ratelimit-limit-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, \
    x-ratelimit-remaining-tokens";

/// The rules by which browsers are answered, with the header values made beforehand.
///
/// ```
/// use http::{HeaderMap, HeaderValue};
/// use llmux_gateway::cors::CorsPolicy;
///
/// let origin = HeaderValue::from_static("https://chat.example");
/// let mut headers = HeaderMap::new();
/// CorsPolicy::any().apply(Some(&origin), &mut headers);
/// assert_eq!(headers["access-control-allow-origin"], "*");
/// ```
#[derive(Clone, Debug)]
pub struct CorsPolicy {
    origins: Origins,
    methods: HeaderValue,
    /// Request headers that are allowed; those that the browser asks for if `None`.
    headers: Option<HeaderValue>,
    exposed: HeaderValue,
    credentials: bool,
    max_age: Option<HeaderValue>,
}

#[derive(Clone, Debug)]
enum Origins {
    Any,
    Listed(Vec<HeaderValue>),
}

impl CorsPolicy {
    /// Any page may call, without cookies: a key is as good from a page as from anywhere else.
    #[must_use]
    pub fn any() -> Self {
        Self {
            origins: Origins::Any,
            methods: HeaderValue::from_static(METHODS),
            headers: None,
            exposed: ANY,
            credentials: false,
            max_age: None,
        }
    }

    /// No page of another origin may call: for servers that ask for no key, where any page on a screen could use
    /// the providers' accounts.
    #[must_use]
    pub fn none() -> Self {
        Self { origins: Origins::Listed(Vec::new()), ..Self::any() }
    }

    /// The rules of the configuration. An empty list of methods or request headers allows all.
    ///
    /// # Errors
    ///
    /// Names the setting with a value that cannot stand in a header.
    pub fn new(section: &llmux_config::Cors) -> Result<Self> {
        let credentials = section.allow_credentials;
        let listed: Result<_> = section.allow_origins.iter().map(|origin| listed_origin(origin)).collect();
        Ok(Self {
            origins: if holds_any(&section.allow_origins) { Origins::Any } else { Origins::Listed(listed?) },
            methods: match section.allow_methods.as_slice() {
                [] => HeaderValue::from_static(METHODS),
                methods if holds_any(methods) => HeaderValue::from_static(METHODS),
                methods => join("allow_methods", methods)?,
            },
            headers: match section.allow_headers.as_slice() {
                [] => None,
                headers if holds_any(headers) => None,
                headers => Some(join("allow_headers", headers)?),
            },
            exposed: exposed(&section.expose_headers, credentials)?,
            credentials,
            max_age: section.max_age.map(|age| HeaderValue::from(age.as_secs())),
        })
    }

    /// The answer to a browser that asks beforehand, or `None` if the request is not such a question.
    ///
    /// A page that may not call gets an answer without permissions, on which the browser refuses it.
    #[must_use]
    pub fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response<()>> {
        if method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        let origin = headers.get(ORIGIN)?;
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        self.vary(answer);
        if !self.permit(origin, answer) {
            return Some(response);
        }
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        // Named one by one even when all are allowed: `*` does not cover `Authorization`.
        if let Some(allowed) = self.headers.as_ref().or_else(|| headers.get(ACCESS_CONTROL_REQUEST_HEADERS)) {
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
        }
        if self.headers.is_none() {
            answer.append(VARY, HeaderValue::from_static("access-control-request-headers"));
        }
        if let Some(age) = &self.max_age {
            answer.insert(ACCESS_CONTROL_MAX_AGE, age.clone());
        }
        Some(response)
    }

    /// Adds the permissions to the headers of an answer; `origin` is the request's `Origin`, if it had one.
    pub fn apply(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        self.vary(headers);
        let Some(origin) = origin else { return };
        if self.permit(origin, headers) {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed.clone());
        }
    }

    /// Whether the answer's headers are the same for every origin.
    fn is_uniform(&self) -> bool {
        match &self.origins {
            Origins::Any => !self.credentials,
            Origins::Listed(list) => list.is_empty(),
        }
    }

    /// Keeps caches from showing one origin the permission of another.
    fn vary(&self, headers: &mut HeaderMap) {
        if !self.is_uniform() {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
    }

    fn permit(&self, origin: &HeaderValue, headers: &mut HeaderMap) -> bool {
        let allowed = match &self.origins {
            // No browser's origin; repeated, it would read as a permission for everybody.
            Origins::Any if self.credentials && *origin == ANY => return false,
            Origins::Any if self.credentials => origin.clone(),
            Origins::Any => ANY,
            Origins::Listed(list) if list.iter().any(|one| same_origin(one, origin)) => origin.clone(),
            Origins::Listed(_) => return false,
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        true
    }
}

impl Default for CorsPolicy {
    /// The same as [`CorsPolicy::any`].
    fn default() -> Self {
        Self::any()
    }
}

fn holds_any(list: &[String]) -> bool {
    list.iter().any(|item| item == "*")
}

/// Browsers write origins in lower case and without a slash at the end; people do not.
fn listed_origin(origin: &str) -> Result<HeaderValue> {
    value("allow_origins", origin.trim_end_matches('/'))
}

fn same_origin(listed: &HeaderValue, origin: &HeaderValue) -> bool {
    listed.as_bytes().eq_ignore_ascii_case(origin.as_bytes())
}

/// With credentials, browsers take `*` for the name of a header.
fn exposed(configured: &[String], credentials: bool) -> Result<HeaderValue> {
    if !credentials && (configured.is_empty() || holds_any(configured)) {
        return Ok(ANY);
    }
    let mut names: Vec<&str> = vec![EXPOSED];
    names.extend(configured.iter().map(String::as_str).filter(|name| *name != "*"));
    value("expose_headers", &names.join(", "))
}

fn join(setting: &str, list: &[String]) -> Result<HeaderValue> {
    value(setting, &list.join(", "))
}

fn value(setting: &str, text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| {
        let message = format!("server.cors.{setting}: `{}` cannot stand in a header", text.escape_debug());
        Error::new(ErrorKind::InvalidRequest, message)
    })
}
