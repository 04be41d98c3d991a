//! What must hold among the entries of `pass_through_endpoints`, beyond the form of each value.

use serde_json::{Map, Value as Json};
use url::Url;

use crate::check::join;
use crate::keys::ENDPOINT;
use crate::loader::locate;
use crate::models::find;
use crate::problem::Problems;
use crate::source::{Node, Position, Value};

/// Checks every entry and writes methods in capitals.
pub(crate) fn check(config: &mut Map<String, Json>, root: &Node, problems: &mut Problems) {
    let Some((path, list)) = locate(root, "general_settings", "pass_through_endpoints") else { return };
    let mut seen: Vec<Served> = Vec::new();
    for (index, node) in list.value.items().into_iter().flatten() {
        let mut entry = Entry { node, path: format!("{path}[{index}]"), problems };
        entry.target();
        entry.headers();
        let methods = entry.methods();
        if let Some(served) = entry.path(methods) {
            entry.once(&served, &seen);
            seen.push(served);
        }
    }
    let endpoints = config
        .get_mut("general_settings")
        .and_then(|general| general.as_object_mut()?.get_mut("pass_through_endpoints")?.as_array_mut());
    for methods in endpoints.into_iter().flatten().filter_map(|entry| entry.get_mut("methods")) {
        for method in methods.as_array_mut().into_iter().flatten() {
            *method = method.as_str().map(str::to_ascii_uppercase).into();
        }
    }
}

/// What one entry serves.
struct Served {
    path: String,
    /// All, if empty.
    methods: Vec<String>,
    line: usize,
}

struct Entry<'a> {
    node: &'a Node,
    path: String,
    problems: &'a mut Problems,
}

impl Entry<'_> {
    fn text(&self, key: &str) -> Option<(&str, &Position)> {
        let entry = find(self.node, &ENDPOINT, key)?;
        let Value::Scalar(scalar) = &entry.value.value else { return None };
        Some((scalar.text.trim(), &entry.value.at))
    }

    fn error(&mut self, at: &Position, key: &str, message: &str) {
        self.problems.error(at, &join(&self.path, key), message);
    }

    fn path(&mut self, methods: Vec<String>) -> Option<Served> {
        let (path, at) = self.text("path").map(|(path, at)| (path.to_owned(), at.clone()))?;
        let plain = |c: char| c.is_ascii_graphic() && !"?#{}*\\%".contains(c);
        let dotted = path.split('/').any(|segment| matches!(segment, "." | ".."));
        let hollow = path.contains("//") || path.len() < 2;
        if !path.starts_with('/') || !path.chars().all(plain) || dotted || hollow {
            let message = "expected a path such as `/search`, without wildcards, query and dots";
            self.error(&at, "path", message);
            return None;
        }
        Some(Served { path: path.trim_end_matches('/').to_owned(), methods, line: at.line })
    }

    /// Two entries may share a path if they serve different methods.
    fn once(&mut self, served: &Served, seen: &[Served]) {
        let shared = |other: &&Served| {
            let any = other.methods.is_empty() || served.methods.is_empty();
            other.path == served.path && (any || other.methods.iter().any(|m| served.methods.contains(m)))
        };
        if let (Some(other), Some((_, at))) = (seen.iter().find(shared), self.text("path")) {
            let message = format!("the entry on line {} serves this path already", other.line);
            let at = at.clone();
            self.error(&at, "path", &message);
        }
    }

    fn target(&mut self) {
        let Some((target, at)) = self.text("target").map(|(target, at)| (target.to_owned(), at.clone()))
        else {
            return;
        };
        let Ok(url) = Url::parse(&target) else { return };
        if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            self.error(
                &at,
                "target",
                "must have neither user, password nor fragment; a key belongs in `headers`",
            );
        }
    }

    fn headers(&mut self) {
        const TRANSPORT: [&str; 5] = ["host", "content-length", "connection", "transfer-encoding", "upgrade"];
        let Some(headers) = find(self.node, &ENDPOINT, "headers") else { return };
        for header in headers.value.entries().unwrap_or_default() {
            let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            let name = header.key.to_ascii_lowercase();
            let message = match () {
                () if name.is_empty() || !name.bytes().all(token) => "is not the name of a header",
                () if TRANSPORT.contains(&name.as_str()) => "is set by the connection",
                () => continue,
            };
            self.error(&header.at, &format!("headers.{}", header.key), message);
        }
    }

    fn methods(&mut self) -> Vec<String> {
        const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let Some(methods) = find(self.node, &ENDPOINT, "methods") else { return Vec::new() };
        let mut found = Vec::new();
        for (index, item) in methods.value.items().into_iter().flatten() {
            let Value::Scalar(scalar) = &item.value else { continue };
            let method = scalar.text.trim().to_ascii_uppercase();
            if KNOWN.contains(&method.as_str()) {
                found.push(method);
            } else {
                let message =
                    format!("expected one of {}", KNOWN.map(|known| format!("`{known}`")).join(", "));
                self.error(&item.at, &format!("methods[{index}]"), &message);
            }
        }
        found
    }
}
