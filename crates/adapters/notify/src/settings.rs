//! What all outgoing connections have in common.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleetwright_ports::Clock;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::address::Reach;

/// What all outgoing connections have in common.
#[derive(Clone)]
pub struct Outbound {
    pub(crate) reach: Reach,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) agent: String,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound")
            .field("reach", &self.reach)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Outbound {
    /// Connections that reach so far; each request or mail takes at most `timeout` on that clock. `agent`
    /// is who we say we are. Certificates are judged by the roots of this machine (`SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name others), and by those of `more`, certificates as PEM.
    ///
    /// # Errors
    /// There are no roots, or `more` holds none.
    pub fn new(
        reach: Reach,
        clock: Arc<dyn Clock>,
        timeout: Duration,
        agent: &str,
        more: Option<&[u8]>,
    ) -> Result<Self, String> {
        let mut roots = rustls::RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if let Some(pem) = more {
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate =
                    certificate.map_err(|error| format!("a certificate is not PEM: {error}"))?;
                roots.add(certificate).map_err(|error| format!("a certificate cannot be used: {error}"))?;
            }
            if roots.len() == before {
                return Err("there is no certificate in the file of roots".to_owned());
            }
        }
        if roots.is_empty() {
            let why = found.errors.first().map(ToString::to_string).unwrap_or_default();
            return Err(format!(
                "this machine has no root certificates; set SSL_CERT_FILE to a file of them {why}"
            ));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { reach, clock, timeout, tls: Arc::new(tls), agent: agent.to_owned() })
    }

    /// What may be reached.
    pub fn reach(&self) -> Reach {
        self.reach
    }
}

/// How we say who we are to an HTTP API; never shown.
#[derive(Clone)]
pub enum Credentials {
    /// A user and a password, or an address and an API token.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token.
    Bearer(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials((hidden))")
    }
}

impl Credentials {
    /// The `Authorization` header.
    pub(crate) fn header(&self) -> String {
        match self {
            Self::Basic { user, password } => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
            }
            Self::Bearer(token) => format!("Bearer {token}"),
        }
    }

    /// What must be masked wherever it shows up.
    pub(crate) fn secrets(&self) -> Vec<String> {
        match self {
            Self::Basic { password, .. } => vec![password.clone(), self.header()[6..].to_owned()],
            Self::Bearer(token) => vec![token.clone()],
        }
    }
}
