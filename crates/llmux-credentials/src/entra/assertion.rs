//! Proof by a certificate.

use std::time::{SystemTime, UNIX_EPOCH};

use llmux_core::{Environment, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::wrong;
use crate::{
    date,
    jwt::{Signer, base64url, blocks},
};

/// How long an assertion is good for, in seconds.
const SECONDS: u64 = 600;

/// The certificate of an application, and its key.
pub(super) struct Certificate {
    signer: Signer,
    thumbprint: String,
}

impl Certificate {
    /// Reads a PEM file that holds both.
    pub(super) fn read(path: &str, environment: &Environment) -> Result<Self> {
        let name = "azure_client_certificate_path";
        let pem = environment.read(path);
        let pem = pem.map_err(|error| wrong(name, &format!("(`{path}`) cannot be read: {error}")))?;
        let certificate = blocks(&pem).into_iter().find(|block| block.label == "CERTIFICATE");
        let Some(certificate) = certificate else { return Err(wrong(name, "holds no certificate")) };
        Ok(Self {
            signer: Signer::from_pem(&pem, &format!("`{name}`"))?,
            thumbprint: base64url(&Sha256::digest(&certificate.der)),
        })
    }

    pub(super) fn assertion(&self, client_id: &str, audience: &str, now: SystemTime) -> Result<String> {
        let seconds = date::unix(now);
        let unique = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let header = json!({"alg": "RS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let claims = json!({
            "aud": audience, "iss": client_id, "sub": client_id, "jti": format!("{unique:x}"),
            "nbf": seconds, "exp": seconds + SECONDS,
        });
        self.signer.sign(&header, &claims)
    }
}
