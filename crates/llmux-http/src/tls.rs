//! What the transport trusts.

use std::{path::Path, sync::Arc};

use llmux_core::{Error, ErrorKind, Result};
use rustls::{
    ClientConfig, RootCertStore,
    client::danger::ServerCertVerifier,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

/// TLS with the operating system's roots and `extra` ones. The cryptography is named here, so that it does not
/// depend on what another crate of the program installs.
pub(crate) fn config(extra: Vec<CertificateDer<'static>>, http2: bool) -> Result<ClientConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Internal, format!("TLS cannot be set up: {error}")))?;
    check(&extra)?;
    let mut config = match Verifier::new_with_extra_roots(extra, provider) {
        Ok(verifier) => {
            let verifier: Arc<dyn ServerCertVerifier> = Arc::new(verifier);
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        }
        // A machine without root certificates can still serve providers over plain HTTP.
        Err(error) => {
            tracing::warn!(%error, "no TLS server will be trusted");
            builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    };
    config.alpn_protocols = if http2 { vec![b"h2".to_vec()] } else { Vec::new() };
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(config)
}

/// The certificates in a PEM file.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let broken = |error: &dyn std::fmt::Display| {
        let message = format!("{}: certificates cannot be read: {error}", path.display());
        Error::new(ErrorKind::InvalidRequest, message)
    };
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|error| broken(&error))?.collect();
    let certificates = certificates.map_err(|error| broken(&error))?;
    if certificates.is_empty() { Err(broken(&"there is none")) } else { Ok(certificates) }
}

/// Tells a bad extra root from a machine without roots.
fn check(extra: &[CertificateDer<'static>]) -> Result<()> {
    let mut store = RootCertStore::empty();
    for certificate in extra {
        store.add(certificate.clone()).map_err(|error| {
            Error::new(ErrorKind::InvalidRequest, format!("an extra root certificate is unusable: {error}"))
        })?;
    }
    Ok(())
}
