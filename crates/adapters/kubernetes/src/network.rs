//! Requests over the network: TCP, TLS, HTTP/1.1 with connections that are kept.

use std::error::Error;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::transport::{Transport, Undelivered};

/// Connections to one server.
pub(crate) struct Network {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Network {
    /// Connections that trust these certificates and nothing else; without any, nobody is trusted.
    ///
    /// # Errors
    /// In words: the certificates cannot be used.
    pub(crate) fn trusting(certificates: RootCertStore) -> Result<Self, String> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let config = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be used: {error}"))?
            .with_root_certificates(certificates)
            .with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector) })
    }
}

/// Reads certificates: PEM, or PEM in base64.
///
/// # Errors
/// In words: there is none, or one cannot be read.
pub(crate) fn certificates(text: &str) -> Result<RootCertStore, String> {
    let text = text.trim();
    let pem = match text.starts_with("-----BEGIN") {
        true => text.as_bytes().to_vec(),
        false => STANDARD.decode(text).map_err(|_| "they are neither PEM nor base64".to_owned())?,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| format!("one is not PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("one cannot be used: {error}"))?;
    }
    if roots.is_empty() { Err("there is none".to_owned()) } else { Ok(roots) }
}

/// An error with its causes, without what is said twice.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

#[async_trait]
impl Transport for Network {
    async fn call(&self, request: Request<Bytes>, most_bytes: usize) -> Result<Response<Bytes>, Undelivered> {
        let response =
            self.client.request(request.map(Full::new)).await.map_err(|error| match error.is_connect() {
                true => Undelivered::Unreachable(chain(&error)),
                false => Undelivered::Broken(chain(&error)),
            })?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, most_bytes).collect().await.map_err(|error| match error
            .downcast_ref::<LengthLimitError>()
        {
            Some(_) => Undelivered::TooLong,
            None => Undelivered::Broken(chain(error.as_ref())),
        })?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_cannot_be_used_are_told_and_none_is_not_enough() {
        let refused = |text: &str| certificates(text).expect_err("refused");
        assert_eq!(refused("§"), "they are neither PEM nor base64");
        assert_eq!(refused(""), "there is none");
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(refused(empty).starts_with("one cannot be used: "), "{}", refused(empty));
        let encoded = STANDARD.encode(empty);
        assert_eq!(refused(&encoded), refused(empty), "PEM in base64 is PEM");
    }
}
