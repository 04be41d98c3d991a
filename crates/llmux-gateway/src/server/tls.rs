//! The server's certificate.

use std::{fmt, path::Path, sync::Arc};

use arc_swap::ArcSwap;
use llmux_core::{Error, ErrorKind, Result};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use super::TlsFiles;

/// A certificate and its key, which can be read anew while connections are served. Clones share them.
#[derive(Clone)]
pub struct Certificates {
    files: Arc<TlsFiles>,
    config: Arc<ArcSwap<ServerConfig>>,
}

impl Certificates {
    pub(super) fn read(files: TlsFiles) -> Result<Self> {
        let config = ArcSwap::from(load(&files)?);
        Ok(Self { files: Arc::new(files), config: Arc::new(config) })
    }

    /// Reads the files again. Connections accepted from now on use what they hold; open ones are left alone.
    ///
    /// # Errors
    ///
    /// Names the file that cannot be used. The certificate in use stays.
    pub fn reload(&self) -> Result<()> {
        self.config.store(load(&self.files)?);
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

fn load(files: &TlsFiles) -> Result<Arc<ServerConfig>> {
    let chain = read_chain(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| unusable(&files.key, "the private key cannot be read", &error))?;
    // The cryptography is named here, so that it does not depend on what another crate installs.
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Internal, format!("TLS cannot be set up: {error}")))?
        .with_no_client_auth()
        .with_single_cert(chain, key);
    let mut config = config.map_err(|error| refused(files, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let fault = |error: &dyn fmt::Display| unusable(path, "the certificate cannot be read", error);
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|error| fault(&error))?.collect();
    let chain = chain.map_err(|error| fault(&error))?;
    if chain.is_empty() { Err(fault(&"there is none in the file")) } else { Ok(chain) }
}

fn refused(files: &TlsFiles, error: &rustls::Error) -> Error {
    if let rustls::Error::InconsistentKeys(_) = error {
        let (key, certificate) = (files.key.display(), files.certificate.display());
        let message = format!("{key}: the private key does not belong to the certificate in {certificate}");
        return Error::new(ErrorKind::Internal, message);
    }
    unusable(&files.certificate, "the certificate cannot be used", error)
}

fn unusable(path: &Path, what: &str, error: &dyn fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("{}: {what}: {error}", path.display()))
}
