//! Which routes a key may use.

/// Whether a key with these `allowed_routes` may use a path of the models' API. An empty list allows all of them. An
/// entry is a path, a path with `{name}` for a segment, a beginning that ends in `*`, or the name of a group:
/// `llm_api_routes` and `openai_routes` are all that models answer; groups of the management API allow none of it.
#[must_use]
pub fn allows(allowed: &[String], path: &str) -> bool {
    allowed.is_empty() || allowed.iter().any(|entry| entry_allows(entry, path))
}

fn entry_allows(entry: &str, path: &str) -> bool {
    match entry {
        "llm_api_routes" | "openai_routes" | "anthropic_routes" | "*" => true,
        // What only tells of models is information too.
        "info_routes" => same(path, "/v1/models") || path.starts_with("/model/info"),
        entry => match entry.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => same(entry, path),
        },
    }
}

/// Whether two paths are the same route: the version at their beginning may be left out, and `{name}` stands for any
/// segment.
fn same(entry: &str, path: &str) -> bool {
    let bare =
        |path: &str| path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path).to_owned();
    let (entry, path) = (bare(entry), bare(path));
    let (mut wanted, mut given) = (entry.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given))
                if wanted.starts_with('{') && wanted.ends_with('}') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_allowed_by_name_pattern_or_group() {
        for (entry, path, allowed) in [
            ("/chat/completions", "/v1/chat/completions", true),
            ("/v1/chat/completions", "/chat/completions", true),
            ("/v1/chat/completions", "/v1/embeddings", false),
            ("/v1/responses/{id}", "/v1/responses/resp_1", true),
            ("/v1/responses/{id}", "/v1/responses/resp_1/input_items", false),
            ("/openai/*", "/openai/v1/files", true),
            ("llm_api_routes", "/v1/messages", true),
            ("management_routes", "/v1/messages", false),
            ("info_routes", "/v1/models", true),
            ("info_routes", "/v1/chat/completions", false),
        ] {
            assert_eq!(allows(&[entry.to_owned()], path), allowed, "{entry} {path}");
        }
        assert!(allows(&[], "/anything"));
    }
}
