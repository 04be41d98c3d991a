//! Ids of responses, as the gateway gives them out: once, and never those of a provider, so that a response is found
//! again where it is kept.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// How ids of responses begin that a provider keeps.
const AT_PROVIDER: &str = "resp_at_";
/// How ids of responses begin that the gateway keeps.
const HERE: &str = "resp_llmux_";
/// Longest id of a provider that is understood, in bytes.
const MAX_NATIVE: usize = 512;

/// Where a response is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseId {
    /// At the gateway, under this whole id.
    Here,
    /// At the provider of a deployment.
    AtProvider {
        /// The deployment's id.
        deployment: String,
        /// The provider's own id of the response: letters, digits, `-` and `_`.
        id: String,
    },
    /// An id that was not given out by a gateway.
    Foreign,
}

impl ResponseId {
    /// Reads an id.
    #[must_use]
    pub fn read(id: &str) -> Self {
        if id.starts_with(HERE) {
            return Self::Here;
        }
        let parts = id.strip_prefix(AT_PROVIDER).and_then(|rest| rest.split_once('.'));
        let named = parts.filter(|(_, native)| is_plain(native)).and_then(|(deployment, native)| {
            let deployment = String::from_utf8(URL_SAFE_NO_PAD.decode(deployment).ok()?).ok()?;
            Some(Self::AtProvider { deployment, id: native.to_owned() })
        });
        named.unwrap_or(Self::Foreign)
    }

    /// A new id for a response that the gateway keeps; `unique` makes it one.
    #[must_use]
    pub fn here(unique: &str) -> String {
        format!("{HERE}{unique}")
    }

    /// The id for a response that the provider of a deployment keeps under its own id; `None` when that is none that
    /// could stand in a URL.
    #[must_use]
    pub fn at_provider(deployment: &str, id: &str) -> Option<String> {
        is_plain(id).then(|| format!("{AT_PROVIDER}{}.{id}", URL_SAFE_NO_PAD.encode(deployment)))
    }
}

fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !id.is_empty() && id.len() <= MAX_NATIVE && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_where_the_response_is_kept() {
        let given = ResponseId::at_provider("eu/1", "resp_abc").unwrap();
        let read = ResponseId::AtProvider { deployment: "eu/1".into(), id: "resp_abc".into() };
        assert_eq!(ResponseId::read(&given), read);
        assert_eq!(ResponseId::read(&ResponseId::here("1-2")), ResponseId::Here);
        assert_eq!(ResponseId::read("resp_abc"), ResponseId::Foreign);
    }

    #[test]
    fn what_could_lead_elsewhere_in_a_url_is_no_id() {
        for id in ["", "a/b", "..", "a?b", "a%2fb", "a b"] {
            assert_eq!(ResponseId::at_provider("d", id), None, "{id}");
            assert_eq!(ResponseId::read(&format!("resp_at_ZA.{id}")), ResponseId::Foreign, "{id}");
        }
        assert_eq!(ResponseId::read("resp_at_!.a"), ResponseId::Foreign);
    }
}
