//! Finding the top-level fields of a JSON body in one pass that builds no tree.

use std::fmt;

use llmux_core::{Envelope, Error, ErrorKind, Field, Result};
use serde::{
    Deserializer as _,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::scan;

/// Most top-level fields that are read; a body with more is no request.
const MAX_FIELDS: usize = 512;

/// Finds the top-level fields of a body that must be a JSON object.
///
/// # Errors
/// A 400 that names line and column when the body is not valid JSON, or what it is when it is no object.
pub fn read(body: &[u8]) -> Result<Envelope> {
    let text = simdutf8::compat::from_utf8(body)
        .map_err(|error| malformed(&format!("not UTF-8 at byte {}", error.valid_up_to())))?;
    let fields = match scan::fields(text, MAX_FIELDS) {
        Some(fields) => fields,
        None => parse(text).map_err(|error| explain(&error))?,
    };
    Ok(Envelope::new(fields))
}

/// The same by a full parser: slower, and able to say what is wrong and where.
fn parse(text: &str) -> serde_json::Result<Vec<Field>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let fields = reader.deserialize_map(Fields { body: text })?;
    reader.end()?;
    Ok(fields)
}

/// A parse error in the client's body, with line and column.
#[must_use]
pub fn explain(error: &serde_json::Error) -> Error {
    // serde_json ends its text with "at line L column C" itself.
    malformed(&error.to_string())
}

fn malformed(detail: &str) -> Error {
    Error::client(ErrorKind::InvalidRequest, format!("the request body is not a valid JSON object: {detail}"))
        .with_code("invalid_json")
}

struct Fields<'de> {
    body: &'de str,
}

impl<'de> Visitor<'de> for Fields<'de> {
    type Value = Vec<Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(16);
        while let Some((key, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
            if fields.len() >= MAX_FIELDS {
                return Err(serde::de::Error::custom("too many top-level fields"));
            }
            fields.push(Field { key: place(self.body, key.get()), value: place(self.body, value.get()) });
        }
        Ok(fields)
    }
}

/// Where `part`, a slice of `body`, stands in it.
fn place(body: &str, part: &str) -> std::ops::Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    start..start.saturating_add(part.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts that are nearly JSON: the interesting ones lie on either side of the border.
    fn nearly_json() -> impl Strategy<Value = String> {
        let token = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            " ",
            "\n",
            "\"a\"",
            "\"\\u00e9\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"\\\"\"",
            "\"\u{1}\"",
            "\"é\"",
            "true",
            "false",
            "null",
            "nul",
            "0",
            "01",
            "-1",
            "-",
            "1.5",
            "1.",
            "1e9",
            "1E+",
            "\"",
        ]);
        prop::collection::vec(token, 0..24).prop_map(|tokens| format!("{{{}}}", tokens.concat()))
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        let inner = leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(".{0,4}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        prop::collection::hash_map(".{0,4}", inner, 0..6)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn the_scanner_accepts_nothing_that_a_parser_refuses(text in nearly_json()) {
            if let Some(fields) = scan::fields(&text, MAX_FIELDS) {
                prop_assert_eq!(Some(fields), parse(&text).ok());
            }
        }

        #[test]
        fn the_scanner_finds_what_a_parser_finds(value in json(), pretty: bool) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            prop_assert_eq!(scan::fields(&text, MAX_FIELDS), parse(&text).ok());
        }
    }

    #[test]
    fn nesting_beyond_the_scanners_depth_is_left_to_the_parser() {
        let deep = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(scan::fields(&deep(100), MAX_FIELDS).is_some());
        assert!(scan::fields(&deep(1_000), MAX_FIELDS).is_none());
        assert_eq!(read(deep(1_000).as_bytes()).unwrap().fields().len(), 1);
    }

    #[test]
    fn fields_are_found_without_touching_what_is_inside() {
        let body = br#" {"model" : "m", "messages":[{"model":"no"}], "stream":true }"#;
        let envelope = read(body).unwrap();
        assert_eq!(envelope.get(body, "model"), Some(&b"\"m\""[..]));
        assert_eq!(envelope.get(body, "stream"), Some(&b"true"[..]));
        assert_eq!(envelope.get(body, "missing"), None);
        assert_eq!(envelope.fields().len(), 3);
    }

    #[test]
    fn the_last_of_two_equal_fields_counts() {
        let body = br#"{"model":"a","model":"b"}"#;
        assert_eq!(read(body).unwrap().get(body, "model"), Some(&b"\"b\""[..]));
    }

    #[test]
    fn malformed_json_names_line_and_column() {
        let error = read(b"{\n  \"model\": \"m\",\n  \"stream\": no\n}").unwrap_err();
        assert_eq!(error.status().as_u16(), 400);
        assert!(error.message().contains("line 3 column"), "{error}");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in [&b"[1]"[..], b"\"x\"", b"", b"{} {}", b"\xff", b"null"] {
            assert!(read(body).is_err(), "{body:?}");
        }
    }
}
