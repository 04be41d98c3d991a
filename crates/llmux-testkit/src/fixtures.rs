//! Recorded provider traffic, where it is at hand.
//!
//! The recordings lie beside the checkout, in `../shared/fixtures`, or where the environment variable
//! `LLMUX_FIXTURES` points. Without them the tests that replay them pass and say that they were skipped.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use serde_json::Value;

/// One recorded exchange.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// Provider and case, as in `openai/tool-call`.
    pub name: String,
    /// The provider, as in `openai`.
    pub provider: String,
    /// What was asked, as in `chat`, `embedding` or `responses`.
    pub kind: String,
    /// Whether the answer is a stream.
    pub streamed: bool,
    /// The status of the answer.
    pub status: u16,
    /// Everything that is known about the recording, neutral facts about its answer included.
    pub meta: Value,
    /// The request as it was sent to the provider, with method, path and body.
    pub request: Option<Value>,
    /// The answer, not streamed.
    pub response: Option<Bytes>,
    /// The answer as a stream.
    pub stream: Option<Bytes>,
    /// An OpenAI-style request that means the same, in `body`.
    pub client: Option<Value>,
}

impl Case {
    /// What the answer says, in neutral words; null when it is not known.
    #[must_use]
    pub fn facts(&self) -> &Value {
        &self.meta["facts"]
    }

    /// The body of the request as the provider got it.
    #[must_use]
    pub fn request_body(&self) -> Option<&Value> {
        self.request.as_ref().map(|request| &request["body"])
    }

    /// The body of an OpenAI-style request that means the same as what was recorded; `None` when there is none
    /// or only a stand-in.
    #[must_use]
    pub fn client_body(&self) -> Option<&Value> {
        self.client.as_ref().filter(|client| client["derived"] == true).map(|client| &client["body"])
    }
}

/// A recorded request of a client, without an answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientRequest {
    /// The API and the file, as in `messages/agw-tools`.
    pub name: String,
    /// The body.
    pub body: Value,
}

/// Every recorded exchange, by name; none, and a line that says so, when they are not here.
#[must_use]
pub fn cases() -> Vec<Case> {
    let Some(root) = root() else { return Vec::new() };
    let providers = entries(&root).into_iter().filter(|path| !file_name(path).starts_with('_'));
    let folders = providers.flat_map(|provider| entries(&provider));
    folders.filter(|folder| folder.join("meta.json").is_file()).map(|folder| case(&folder)).collect()
}

/// The recorded exchanges with these providers, see [`cases`].
#[must_use]
pub fn cases_of(providers: &[&str]) -> Vec<Case> {
    let mut cases = cases();
    cases.retain(|case| providers.contains(&case.provider.as_str()));
    cases
}

/// Requests of clients to one API: `completions` (OpenAI chat), `messages`, `embeddings`, `count-tokens` …
#[must_use]
pub fn client_requests(api: &str) -> Vec<ClientRequest> {
    let Some(root) = root() else { return Vec::new() };
    let files = entries(&root.join("_client-requests").join(api)).into_iter();
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            ClientRequest { name: format!("{api}/{stem}"), body: parse(&path) }
        })
        .collect()
}

/// The folder of the recordings; `None`, and a line that says so, when it is not here.
#[must_use]
#[expect(clippy::print_stderr, reason = "a skipped test has to be seen")]
pub fn root() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let root = env::var_os("LLMUX_FIXTURES").map_or_else(beside, PathBuf::from);
    if root.join("index.json").is_file() {
        return Some(root);
    }
    eprintln!("skipped: recorded traffic is not here ({})", root.display());
    None
}

fn case(folder: &Path) -> Case {
    let meta = parse(&folder.join("meta.json"));
    let text = |key: &str| meta[key].as_str().unwrap_or_default().to_owned();
    let provider = folder.parent().map(file_name).unwrap_or_default();
    let status = meta["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    Case {
        name: format!("{provider}/{}", file_name(folder)),
        provider,
        kind: text("kind"),
        streamed: meta["streamed"].as_bool().unwrap_or(false),
        status,
        request: optional(folder, &["request.json"]).map(|bytes| from_json(folder, &bytes)),
        response: optional(folder, &["response.json", "response.txt"]),
        stream: optional(folder, &["stream.txt", "stream.bin"]),
        client: optional(folder, &["client.json"]).map(|bytes| from_json(folder, &bytes)),
        meta,
    }
}

/// The first of these files that exists.
fn optional(folder: &Path, names: &[&str]) -> Option<Bytes> {
    let path = names.iter().map(|name| folder.join(name)).find(|path| path.is_file())?;
    Some(read(&path))
}

/// What a folder holds, sorted by name; nothing when there is no such folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Bytes {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
}

fn parse(path: &Path) -> Value {
    from_json(path, &read(path))
}

fn from_json(path: &Path, bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
