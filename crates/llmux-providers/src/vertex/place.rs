//! Where models are: hosts by location, paths by publisher.

use http::{Uri, uri::PathAndQuery};
use llmux_core::{Error, ErrorKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a name keeps as it is in a path; versions of models are told by `@`.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');
/// The version of the API that has everything of Gemini's.
const GEMINI_VERSION: &str = "v1beta1";
/// The version for everything else.
const VERSION: &str = "v1";

/// The host of what is in no location.
const GLOBAL: &str = "https://aiplatform.googleapis.com";

/// Whose model it is, which decides the address and the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model<'a> {
    /// Google's own, embeddings included.
    Gemini(&'a str),
    /// A tuned Gemini model, by the number of its endpoint.
    Endpoint(&'a str),
    /// Anthropic's.
    Claude(&'a str),
    /// Of a publisher whose own dialect, OpenAI's in essence, passes as it is.
    Raw(&'static str, &'a str),
    /// An open model as a service: `publisher/model`.
    Open(&'a str),
    /// A model that was deployed to an endpoint of one's own and speaks OpenAI's dialect.
    OpenEndpoint(&'a str),
}

/// Beginnings of the names of models that pass as they are, with their publisher.
const RAW: &[(&str, &str)] =
    &[("mistral", "mistralai"), ("codestral", "mistralai"), ("ministral", "mistralai"), ("jamba", "ai21")];

impl<'a> Model<'a> {
    /// By the name as configuration has it: LiteLLM's forms, and Google's own.
    pub(super) fn of(name: &'a str) -> Self {
        let is_number = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let (publisher, bare) = name.split_once('/').unwrap_or(("", name));
        match publisher {
            "openai" if is_number(bare) => return Self::OpenEndpoint(bare),
            "gemini" | "endpoints" if is_number(bare) => return Self::Endpoint(bare),
            "" | "google" | "gemini" | "models" | "anthropic" | "mistralai" | "ai21" => {}
            _ => return Self::Open(name),
        }
        if is_number(bare) {
            return Self::Endpoint(bare);
        }
        if publisher == "anthropic" || bare.starts_with("claude") {
            return Self::Claude(bare);
        }
        let raw = RAW.iter().find(|(start, of)| publisher == *of || bare.starts_with(start));
        match raw {
            Some((_, publisher)) => Self::Raw(publisher, bare),
            None => Self::Gemini(bare),
        }
    }

    /// The name that the request carries.
    pub(super) fn name(self) -> &'a str {
        match self {
            Self::Gemini(name)
            | Self::Endpoint(name)
            | Self::Claude(name)
            | Self::Raw(_, name)
            | Self::Open(name)
            | Self::OpenEndpoint(name) => name,
        }
    }
}

/// A project in a location.
#[derive(Clone, Debug)]
pub(super) struct Place {
    base: String,
    /// `/projects/…/locations/…`; empty in express mode.
    parent: String,
    version: Option<String>,
    /// The host is not Google's own.
    elsewhere: bool,
}

impl Place {
    /// `base` replaces Google's own host, and may name the version at its end. Without a project a key stands for it.
    pub(super) fn new(
        base: Option<&str>,
        project: Option<&str>,
        location: &str,
        version: Option<&str>,
    ) -> Self {
        let segment = |text: &str| utf8_percent_encode(text.trim(), SEGMENT).to_string();
        let location = segment(location);
        let elsewhere = base.is_some();
        let given = base.map(|base| base.trim_end_matches('/').to_owned());
        let base = given.unwrap_or_else(|| match project {
            None => GLOBAL.to_owned(),
            Some(_) => host(&location),
        });
        let named = base.rsplit_once('/').filter(|(_, end)| ["v1", "v1beta1"].contains(end));
        let (base, version) = match named {
            Some((base, end)) => (base.to_owned(), Some(end.to_owned())),
            None => (base.clone(), version.map(segment)),
        };
        let parent = project.map(|project| format!("/projects/{}/locations/{location}", segment(project)));
        Self { base, parent: parent.unwrap_or_default(), version, elsewhere }
    }

    /// The host's address.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The address of a client's own path. A project's place is put in front where the path names none; where it does,
    /// its location decides the host, as Google wants it.
    pub(super) fn relayed(&self, uri: &Uri) -> String {
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let versioned = ["/v1/", "/v1beta1/"].iter().find(|version| path.starts_with(**version));
        let (version, rest) = match versioned.and_then(|version| path.strip_prefix(*version)) {
            Some(rest) => (versioned.map_or("v1", |version| version.trim_matches('/')), rest),
            None => (self.version.as_deref().unwrap_or(GEMINI_VERSION), path.trim_start_matches('/')),
        };
        if !rest.starts_with("projects/") {
            return format!("{}/{version}{}/{rest}", self.base, self.parent);
        }
        let location = rest.split_once("/locations/").and_then(|(_, after)| after.split(['/', '?']).next());
        let plain =
            |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        match location.filter(plain).filter(|_| !self.elsewhere) {
            Some(location) => format!("{}/{version}/{rest}", host(location)),
            None => format!("{}/{version}/{rest}", self.base),
        }
    }

    fn root(&self, usual: &str) -> String {
        format!("{}/{}{}", self.base, self.version.as_deref().unwrap_or(usual), self.parent)
    }

    fn publisher(&self, publisher: &str, model: &str, method: &str) -> String {
        let (root, model) = (self.root(VERSION), utf8_percent_encode(model, SEGMENT));
        format!("{root}/publishers/{publisher}/models/{model}:{method}")
    }

    /// What the path of every Gemini model begins with.
    pub(super) fn gemini(&self) -> String {
        format!("{}/publishers/google/models/", self.root(GEMINI_VERSION))
    }

    /// What the path of every endpoint begins with.
    pub(super) fn endpoints(&self) -> String {
        format!("{}/endpoints/", self.root(GEMINI_VERSION))
    }

    /// Where an embedding model is asked.
    pub(super) fn predict(&self, model: &str) -> String {
        self.publisher("google", model, "predict")
    }

    /// Where a model is asked whose publisher's own dialect passes.
    pub(super) fn raw(&self, publisher: &str, model: &str, stream: bool) -> String {
        self.publisher(publisher, model, if stream { "streamRawPredict" } else { "rawPredict" })
    }

    /// Below this, open models speak OpenAI's dialect.
    pub(super) fn open_models(&self) -> String {
        format!("{}/endpoints/openapi", self.root(VERSION))
    }

    /// Where a model at an endpoint of one's own speaks OpenAI's dialect.
    pub(super) fn endpoint_chat(&self, number: &str) -> String {
        format!("{}/endpoints/{number}/chat/completions", self.root(VERSION))
    }
}

/// Google's host for a location.
fn host(location: &str) -> String {
    match location {
        "global" => GLOBAL.to_owned(),
        // Multi-regions, by "Deployments and endpoints".
        "us" | "eu" => format!("https://aiplatform.{location}.rep.googleapis.com"),
        _ => format!("https://{location}-aiplatform.googleapis.com"),
    }
}

/// Where a project's documents are ranked, by the reference of Google's Discovery Engine. Its models are everywhere.
pub(super) fn ranking(base: Option<&str>, project: &str) -> String {
    let base = base.map_or("https://discoveryengine.googleapis.com", |base| base.trim_end_matches('/'));
    let root = if base.ends_with("/v1") { base.to_owned() } else { format!("{base}/v1") };
    let project = utf8_percent_encode(project.trim(), SEGMENT);
    format!("{root}/projects/{project}/locations/global/rankingConfigs/default_ranking_config:rank")
}

/// A model's name that makes no address.
pub(super) fn bad_name() -> Error {
    Error::client(ErrorKind::InvalidRequest, "the model's name cannot stand in a URL").with_param("model")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_publisher_follows_from_the_name() {
        let cases = [
            ("gemini-2.5-flash", Model::Gemini("gemini-2.5-flash")),
            ("google/gemini-2.5-flash", Model::Gemini("gemini-2.5-flash")),
            ("text-embedding-005", Model::Gemini("text-embedding-005")),
            ("4965075652664360960", Model::Endpoint("4965075652664360960")),
            ("gemini/4965075652664360960", Model::Endpoint("4965075652664360960")),
            ("openai/123", Model::OpenEndpoint("123")),
            ("claude-sonnet-4-5@20250929", Model::Claude("claude-sonnet-4-5@20250929")),
            ("mistral-large@2411", Model::Raw("mistralai", "mistral-large@2411")),
            ("mistralai/codestral-2", Model::Raw("mistralai", "codestral-2")),
            ("jamba-1.5-mini", Model::Raw("ai21", "jamba-1.5-mini")),
            ("meta/llama-4-scout-maas", Model::Open("meta/llama-4-scout-maas")),
            ("openai/gpt-oss-120b-maas", Model::Open("openai/gpt-oss-120b-maas")),
        ];
        for (name, model) in cases {
            assert_eq!(Model::of(name), model, "{name}");
        }
    }

    #[test]
    fn a_clients_own_path_gets_the_place_that_it_leaves_out() {
        let url = |base: Option<&str>, path: &str| {
            Place::new(base, Some("p"), "us-central1", None).relayed(&path.parse().unwrap())
        };
        let google = "https://us-central1-aiplatform.googleapis.com";
        assert_eq!(
            url(None, "/publishers/google/models/g:generateContent?alt=sse"),
            format!(
                "{google}/v1beta1/projects/p/locations/us-central1/publishers/google/models/g:generateContent?alt=sse"
            )
        );
        assert_eq!(
            url(None, "/v1/cachedContents"),
            format!("{google}/v1/projects/p/locations/us-central1/cachedContents")
        );
        assert_eq!(
            url(None, "/v1/projects/q/locations/global/endpoints"),
            "https://aiplatform.googleapis.com/v1/projects/q/locations/global/endpoints"
        );
        assert_eq!(
            url(None, "/v1/projects/q/locations/evil.example%2F/x"),
            format!("{google}/v1/projects/q/locations/evil.example%2F/x")
        );
        assert_eq!(
            url(Some("https://own.example"), "/v1/projects/q/locations/eu/x"),
            "https://own.example/v1/projects/q/locations/eu/x"
        );
    }

    #[test]
    fn the_host_follows_from_the_location() {
        let base = |location: &str| Place::new(None, Some("p"), location, None).base().to_owned();
        assert_eq!(base("europe-west1"), "https://europe-west1-aiplatform.googleapis.com");
        assert_eq!(base("global"), "https://aiplatform.googleapis.com");
        assert_eq!(base("eu"), "https://aiplatform.eu.rep.googleapis.com");
    }

    #[test]
    fn a_key_stands_for_the_project_and_a_base_url_may_name_the_version() {
        let express = Place::new(None, None, "us-central1", None);
        assert_eq!(express.gemini(), "https://aiplatform.googleapis.com/v1beta1/publishers/google/models/");
        let own = Place::new(Some("https://proxy.example.com/v1/"), Some("p"), "eu", None);
        assert_eq!(
            own.gemini(),
            "https://proxy.example.com/v1/projects/p/locations/eu/publishers/google/models/"
        );
    }

    #[test]
    fn versions_of_models_stand_in_the_path_as_they_are() {
        let place = Place::new(None, Some("p"), "us-east5", None);
        let path = "/v1/projects/p/locations/us-east5/publishers/mistralai/models/mistral-large@2411:streamRawPredict";
        assert!(place.raw("mistralai", "mistral-large@2411", true).ends_with(path));
    }
}
