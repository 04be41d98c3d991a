//! Paths that lead to servers of one's choice.

use secrecy::ExposeSecret;

use crate::support::{load, loader, refused};

#[test]
fn an_endpoint_is_read_with_all_its_keys() {
    let loaded = load(
        "general_settings:\n  pass_through_endpoints:\n    - {path: /a/, target: 'https://h/x?k=v'}\n\
         \x20   - {path: /b, target: 'https://h', id: b, headers: {x-own: '1'}, include_subpath: true, methods: [post, GET], \
         auth: false, forward_headers: true, default_query_params: {q: 1}, merge_query_params: true, \
         cost_per_request: 0.25, timeout: 5, custom_llm_provider: openai, is_from_config: true}",
    );
    let [first, second] = loaded.config.general.pass_through_endpoints.as_slice() else { panic!() };
    assert_eq!((first.auth, first.include_subpath, first.target.as_str()), (true, false, "https://h/x?k=v"));
    assert_eq!(second.methods, ["POST", "GET"]);
    assert_eq!((second.auth, second.cost_per_request.as_deref()), (false, Some("0.25")));
    assert_eq!(second.provider.as_deref(), Some("openai"));
}

#[test]
fn references_may_stand_inside_the_text_of_a_header() {
    let text = "general_settings:\n  pass_through_endpoints:\n    - path: /a\n      target: https://h\n      headers: \
                {authorization: 'bearer os.environ/KEY, os.environ/KEY', x-unset: 'a os.environ/NONE', plain: b}\n";
    let loader = loader(&[("KEY", "sk-1 os.environ/KEY")]);
    let loaded = loader.load_str(text, "config.yaml").unwrap();
    let headers = &loaded.config.general.pass_through_endpoints[0].headers;
    assert_eq!(
        headers["authorization"].expose_secret(),
        "bearer sk-1 os.environ/KEY, sk-1 os.environ/KEY",
        "what a variable holds is not resolved again"
    );
    assert_eq!(headers["plain"].expose_secret(), "b");
    assert!(!headers.contains_key("x-unset"));
    assert!(loaded.warnings.iter().any(|warning| warning.message.contains("NONE")));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let text = "\
general_settings:
  pass_through_endpoints:
    - path: a
      target: https://h
    - path: /a/../b
      target: https://user:pw@h
    - path: /c
      target: ftp://h
      methods: [GET, FETCH]
      headers: {host: x, 'a b': y}
    - path: /c
      target: https://h
      methods: [POST]
    - path: /c/
      target: https://h
      methods: [post]
    - target: https://h
";
    let path = "expected a path such as `/search`, without wildcards, query and dots";
    let at = |line: &str, key: &str, message: &str| {
        format!("config.yaml:{line}: error: general_settings.pass_through_endpoints{key}: {message}")
    };
    assert_eq!(
        refused(text),
        [
            at("3:13", "[0].path", path),
            at("5:13", "[1].path", path),
            at(
                "6:15",
                "[1].target",
                "must have neither user, password nor fragment; a key belongs in `headers`"
            ),
            at("8:15", "[2].target", "expected an `http://` or `https://` address, found text"),
            at(
                "9:22",
                "[2].methods[1]",
                "expected one of `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS`"
            ),
            at("10:17", "[2].headers.host", "is set by the connection"),
            at("10:26", "[2].headers.a b", "is not the name of a header"),
            at("14:13", "[4].path", "the entry on line 11 serves this path already"),
            at("17:7", "[5]", "`path` is missing"),
        ]
    );
}
