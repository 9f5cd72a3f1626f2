//! An OpenTelemetry collector: where it is, and how it is sent something.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleetwright_model::redaction;
use fleetwright_ports::Clock;
use futures::future::{Either, select};
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value as Json;

/// How long one request may take, its answer included.
const REQUEST_TIME: Duration = Duration::from_secs(5);
/// Bytes of an answer at most; it is not looked at.
const LARGEST_ANSWER: usize = 64 * 1024;
/// Addresses of instance metadata services: nothing is ever sent there.
const METADATA: [&str; 2] = ["169.254.169.254", "fd00:ec2::254"];

/// Where a collector listens for OTLP over HTTP.
#[derive(Clone, PartialEq, Eq)]
pub struct Collector {
    base: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// An address or headers that cannot be used. Says nothing of the headers' values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCollector {
    /// Not an address of a collector.
    #[error(
        "the collector's address {0:?} is not http:// or https:// with a host and without user, password \
         and query; expected for example http://127.0.0.1:4318"
    )]
    Address(String),
    /// Not headers.
    #[error(
        "entry {0} of the collector's headers is not NAME=VALUE; expected for example \
         x-api-key=…,x-tenant=…"
    )]
    Header(usize),
}

impl Collector {
    /// A collector below `address`, e.g. `http://127.0.0.1:4318`, which is sent these headers:
    /// `name=value` separated by commas.
    ///
    /// # Errors
    /// [`InvalidCollector`].
    pub fn new(address: &str, headers: &str) -> Result<Self, InvalidCollector> {
        let invalid = || InvalidCollector::Address(redaction::redact(address).into_owned());
        let base: Uri = address.trim_end_matches('/').parse().map_err(|_| invalid())?;
        let authority = base.authority().ok_or_else(invalid)?;
        let ip: Option<IpAddr> = authority.host().trim_matches(['[', ']']).parse().ok();
        let is_metadata = METADATA.iter().any(|known| known.parse::<IpAddr>().ok() == ip && ip.is_some());
        let plain = matches!(base.scheme_str(), Some("http" | "https"))
            && !authority.as_str().contains('@')
            && base.query().is_none()
            && !is_metadata;
        if !plain {
            return Err(invalid());
        }
        let parts = headers.split(',').map(str::trim).filter(|part| !part.is_empty()).enumerate();
        let header = |part: &str| {
            let (name, value) = part.split_once('=')?;
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value))
        };
        let headers = parts
            .map(|(at, part)| header(part).ok_or(InvalidCollector::Header(at + 1)))
            .collect::<Result<_, _>>()?;
        Ok(Self { base, headers })
    }

    /// Whether it is spoken to over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.base.scheme_str() == Some("https")
    }

    /// The address of a path below it.
    pub(crate) fn below(&self, path: &str) -> String {
        format!("{}{path}", self.base.to_string().trim_end_matches('/'))
    }

    /// A request with its headers.
    pub(crate) fn with_headers(&self, mut request: http::request::Builder) -> http::request::Builder {
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
    }

    /// The values of its headers: secrets as a rule.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        self.headers.iter().filter_map(|(_, value)| value.to_str().ok().map(str::to_owned))
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.base)
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collector({}, {} headers)", self.base, self.headers.len())
    }
}

/// Why something was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotTaken {
    /// What happened.
    pub(crate) why: String,
    /// Whether it may be sent again.
    pub(crate) again: bool,
}

/// What requests go through.
pub(crate) type Client = hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client of servers that are spoken to over TLS, or of those that are not.
///
/// # Errors
/// The system's root certificates cannot be read and TLS needs them.
pub(crate) fn client(over_tls: bool) -> std::io::Result<Client> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let connector = match over_tls {
        true => HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)?
            .https_only()
            .enable_http1()
            .build(),
        false => {
            let no_roots = rustls::RootCertStore::empty();
            let tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
                .with_safe_default_protocol_versions()
                .map_err(std::io::Error::other)?
                .with_root_certificates(no_roots)
                .with_no_client_auth();
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build()
        }
    };
    Ok(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector))
}

/// A client of one collector.
pub(crate) struct Sender {
    collector: Collector,
    client: Client,
    wall: Arc<dyn Clock>,
}

impl Sender {
    /// # Errors
    /// The system's root certificates cannot be read and the collector needs them.
    pub(crate) fn new(collector: Collector, wall: Arc<dyn Clock>) -> std::io::Result<Self> {
        let client = client(collector.is_https())?;
        Ok(Self { collector, client, wall })
    }

    /// Sends one body to `/v1/traces` or `/v1/metrics`.
    pub(crate) async fn send(&self, path: &str, body: &Json) -> Result<(), NotTaken> {
        let unsendable = |why: String| NotTaken { why, again: false };
        let request =
            Request::post(self.collector.below(path)).header(http::header::CONTENT_TYPE, "application/json");
        let request = self.collector.with_headers(request);
        let body = Full::new(Bytes::from(body.to_string()));
        let request = request.body(body).map_err(|error| unsendable(error.to_string()))?;
        let answer = async {
            let answer = self
                .client
                .request(request)
                .await
                .map_err(|error| NotTaken { why: causes(&error), again: true })?;
            let status = answer.status();
            // Read to its end, so that the connection can be used again.
            let _ = Limited::new(answer.into_body(), LARGEST_ANSWER).collect().await;
            judge(status)
        };
        match select(std::pin::pin!(answer), self.wall.sleep(REQUEST_TIME)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), _)) => {
                Err(NotTaken { why: format!("no answer within {} s", REQUEST_TIME.as_secs()), again: true })
            }
        }
    }
}

/// Source: OpenTelemetry specification, "OTLP/HTTP Response", retryable response codes.
fn judge(status: StatusCode) -> Result<(), NotTaken> {
    let again = matches!(status.as_u16(), 429 | 502 | 503 | 504);
    if status.is_success() { Ok(()) } else { Err(NotTaken { why: format!("it answered {status}"), again }) }
}

pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_collectors_are_told_from_others() {
        for good in ["http://127.0.0.1:4318", "https://otlp.example.com/tenant/", "http://[::1]:4318"] {
            assert!(Collector::new(good, "").is_ok(), "{good}");
        }
        for bad in [
            "127.0.0.1:4318",
            "ftp://x",
            "http://me:pw@x",
            "http://x/?a=b",
            "http://169.254.169.254/",
            "http://[fd00:ec2::254]:80",
            "",
        ] {
            assert!(matches!(Collector::new(bad, ""), Err(InvalidCollector::Address(_))), "{bad}");
        }
    }

    #[test]
    fn headers_are_read_and_their_values_never_shown() {
        let collector =
            Collector::new("http://127.0.0.1:4318", "x-api-key = s3cr3t-value, x-tenant=a").expect("good");
        assert_eq!(collector.headers.len(), 2);
        assert!(!format!("{collector:?} {collector}").contains("s3cr3t"));
        let error = Collector::new("http://127.0.0.1:4318", "a=b,s3cr3t-value").expect_err("no name");
        assert_eq!(error, InvalidCollector::Header(2));
        assert!(!error.to_string().contains("s3cr3t"));
    }

    #[test]
    fn only_what_may_pass_is_sent_again() {
        assert_eq!(judge(StatusCode::OK), Ok(()));
        let again =
            |status| judge(StatusCode::from_u16(status).expect("valid")).expect_err("not taken").again;
        assert_eq!([429, 503, 400, 401, 500].map(again), [true, true, false, false, false]);
    }
}
