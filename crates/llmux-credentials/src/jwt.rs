//! Assertions signed with an RSA key: JSON Web Tokens by RS256 (RFC 7515, RFC 7518).

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use llmux_core::{Error, ErrorKind, Result};
use serde_json::Value;

/// A block of a PEM file (RFC 7468): what it holds, and the bytes.
pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) der: Vec<u8>,
}

/// The blocks of a PEM file; those that cannot be read are left out.
pub(crate) fn blocks(pem: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut current: Option<(String, String)> = None;
    for line in pem.lines().map(str::trim) {
        if let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) {
            current = Some((label.to_owned(), String::new()));
        } else if line.starts_with("-----END ") {
            if let Some((label, text)) = current.take()
                && let Ok(der) = STANDARD.decode(text)
            {
                found.push(Block { label, der });
            }
        } else if let Some((_, text)) = &mut current {
            text.push_str(line);
        }
    }
    found
}

/// Base64 as tokens have it.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An RSA key that signs assertions.
pub(crate) struct Signer(Key);

impl Signer {
    /// Reads the private key of a PEM file: PKCS#8 or PKCS#1.
    pub(crate) fn from_pem(pem: &str, whose: &str) -> Result<Self> {
        let is_key = |block: &Block| ["PRIVATE KEY", "RSA PRIVATE KEY"].contains(&block.label.as_str());
        let block = blocks(pem).into_iter().find(is_key);
        let key = match block {
            Some(block) => Key::read(&block)?,
            None => None,
        };
        let wrong = || Error::new(ErrorKind::InvalidRequest, format!("{whose} holds no RSA key in PEM form"));
        key.map(Self).ok_or_else(wrong)
    }

    /// A signed token with these claims.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> Result<String> {
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        let text = format!("{}.{}", part(header), part(claims));
        let signature = self.0.sign(text.as_bytes())?;
        Ok(format!("{text}.{}", base64url(&signature)))
    }
}

#[cfg(feature = "rsa")]
struct Key(aws_lc_rs::signature::RsaKeyPair);

#[cfg(feature = "rsa")]
impl Key {
    fn read(block: &Block) -> Result<Option<Self>> {
        use aws_lc_rs::signature::RsaKeyPair;
        let key = match block.label.as_str() {
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&block.der),
            _ => RsaKeyPair::from_pkcs8(&block.der),
        };
        Ok(key.ok().map(Self))
    }

    fn sign(&self, text: &[u8]) -> Result<Vec<u8>> {
        use aws_lc_rs::{rand::SystemRandom, signature::RSA_PKCS1_SHA256};
        let mut signature = vec![0; self.0.public_modulus_len()];
        let failed = |_| Error::new(ErrorKind::Internal, "an assertion could not be signed");
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).map_err(failed)?;
        Ok(signature)
    }
}

#[cfg(not(feature = "rsa"))]
enum Key {}

#[cfg(not(feature = "rsa"))]
impl Key {
    fn read(_: &Block) -> Result<Option<Self>> {
        let message = "RSA keys are not part of this build: enable the feature `service-accounts`";
        Err(Error::new(ErrorKind::InvalidRequest, message))
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>> {
        match *self {}
    }
}
