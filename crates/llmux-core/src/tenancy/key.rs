//! Virtual keys.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{BudgetTerms, Limits, Spent, Timestamp};

/// What is kept of a key: its SHA-256 digest, as LiteLLM has it. As text it is hexadecimal.
///
/// Comparing takes the same time whatever the difference.
#[derive(Clone, Copy, Default, Eq)]
pub struct KeyHash([u8; 32]);

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAHash;

impl fmt::Display for NotAHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the hash of a key: expected 64 hexadecimal digits")
    }
}

impl std::error::Error for NotAHash {}

impl KeyHash {
    /// The hash of a key.
    #[must_use]
    pub fn of(secret: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(secret.as_ref()).into())
    }

    /// The hash that a client names: of a key, which begins with `sk-`, or the hash itself.
    ///
    /// # Errors
    /// When it is neither.
    pub fn named(text: &str) -> Result<Self, NotAHash> {
        if text.starts_with("sk-") { Ok(Self::of(text)) } else { text.parse() }
    }

    /// The digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Hash for KeyHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        if text.len() != 64 {
            return Err(NotAHash);
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NotAHash)?;
            let hexadecimal = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            *byte = u8::from_str_radix(pair, 16).ok().filter(|_| hexadecimal).ok_or(NotAHash)?;
        }
        Ok(Self(hash))
    }
}

impl Serialize for KeyHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Letters of a key: 64 that mean themselves in an address.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A fresh key: `sk-` and 22 random letters, 132 bits.
#[must_use]
pub fn new_secret() -> SecretString {
    let random: [u8; 22] = rand::random();
    let letter = |byte: u8| LETTERS.get(usize::from(byte % 64)).copied().map_or('A', char::from);
    format!("sk-{}", random.into_iter().map(letter).collect::<String>()).into()
}

/// What a key is called where it must not be told: `sk-...` and its last four characters.
#[must_use]
pub fn key_name(secret: &SecretString) -> String {
    let all = secret.expose_secret();
    let last: Vec<char> = all.chars().rev().take(4).collect();
    format!("sk-...{}", last.into_iter().rev().collect::<String>())
}

/// A key that the gateway has issued, without the key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct VirtualKey {
    /// The hash of the key; what it is found by.
    #[serde(rename = "token")]
    pub hash: KeyHash,
    /// `sk-...` and the last four characters.
    pub key_name: String,
    /// A name of the operator's choice.
    pub key_alias: Option<String>,
    /// When it stops being valid.
    pub expires: Option<Timestamp>,
    /// Whether it is refused for now.
    pub blocked: bool,
    /// Models it may ask for; all where there are none. Names, patterns, access groups and LiteLLM's special names.
    pub models: Vec<String>,
    /// Models that stand for the names that clients use.
    pub aliases: BTreeMap<String, String>,
    /// Routes it may use, or names of groups of them; all where there are none.
    pub allowed_routes: Vec<String>,
    /// Whose it is.
    pub user_id: Option<String>,
    /// The team that it belongs to.
    pub team_id: Option<String>,
    /// The organization that it belongs to.
    pub organization_id: Option<String>,
    /// The project that it belongs to.
    pub project_id: Option<String>,
    /// A budget that it shares the terms of.
    pub budget_id: Option<String>,
    /// What every request with it is marked with.
    pub tags: Vec<String>,
    /// What the operator noted, and LiteLLM's settings that live there.
    pub metadata: Map<String, Value>,
    /// Rates.
    #[serde(flatten)]
    pub limits: Limits,
    /// What may be spent.
    #[serde(flatten)]
    pub budget: BudgetTerms,
    /// What was spent.
    #[serde(flatten)]
    pub spent: Spent,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// Settings that mean nothing here, kept for those who set them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl VirtualKey {
    /// A key that may do anything, by its hash.
    #[must_use]
    pub fn new(hash: KeyHash) -> Self {
        Self { hash, ..Self::default() }
    }

    /// Whether it is no longer valid.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_known_by_the_digest_that_litellm_keeps() {
        let hash = KeyHash::of("sk-1234");
        assert_eq!(hash.to_string(), "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b");
        assert_eq!(KeyHash::named("sk-1234"), Ok(hash));
        assert_eq!(KeyHash::named(&hash.to_string()), Ok(hash));
        for text in ["", "xyz", &"+1".repeat(32), &"é".repeat(32)] {
            assert_eq!(KeyHash::named(text), Err(NotAHash), "{text}");
        }
    }

    #[test]
    fn fresh_keys_differ_and_are_called_by_their_end() {
        let (one, other) = (new_secret(), new_secret());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), 25);
        assert_eq!(key_name(&"sk-abcdefgh".into()), "sk-...efgh");
    }

    #[test]
    fn what_means_nothing_here_is_kept() {
        let given = json!({"token": KeyHash::of("sk-1"), "rpm_limit": 3, "max_budget": 1.5, "policies": ["p"],
            "metadata": {"a": 1}, "budget_duration": "30d"});
        let key: VirtualKey = serde_json::from_value(given).unwrap();
        assert_eq!((key.limits.rpm_limit, key.budget.max_budget), (Some(3), Some("1.5".parse().unwrap())));
        assert_eq!(Value::Object(key.extra.clone()), json!({"policies": ["p"]}));
        let again: VirtualKey = serde_json::from_value(serde_json::to_value(&key).unwrap()).unwrap();
        assert_eq!(again, key);
    }
}
