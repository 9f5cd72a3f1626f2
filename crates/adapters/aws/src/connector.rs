//! How requests leave the process, or do not.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, ConnectorBuilder, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures::future::BoxFuture;

use crate::trace;

/// The connection broke before an answer arrived; the request may have been carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection broke before an answer arrived")]
pub struct ConnectionLost;

/// A service that answers AWS requests inside this process, in place of the network.
pub trait InProcess: Send + Sync {
    /// Answers one signed request.
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectionLost>>;
}

/// What went wrong between us and an endpoint, with the endpoint's host.
#[derive(Debug)]
pub(crate) struct EndpointError {
    /// Host and port as in the URL.
    pub(crate) host: String,
    source: ConnectorError,
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "endpoint {}", self.host)
    }
}

impl Error for EndpointError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Its own words ("io error") say less than its cause's.
        self.source.source()
    }
}

/// The one client of the process: a shared connection pool, proxies from the environment, TLS by
/// rustls, and errors that name their endpoint.
pub(crate) fn network() -> SharedHttpClient {
    let client = Builder::new().build_with_connector_fn(|settings, components| {
        let mut builder = ConnectorBuilder::default()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc));
        builder.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            builder.set_sleep_impl(components.sleep_impl());
        }
        builder.set_proxy_config(Some(ProxyConfig::from_env()));
        builder.build()
    });
    SharedHttpClient::new(Named(client))
}

/// A client whose connectors' errors name the endpoint.
#[derive(Debug)]
struct Named(SharedHttpClient);

impl HttpClient for Named {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(NamedConnector(self.0.http_connector(settings, components)))
    }
}

#[derive(Debug)]
struct NamedConnector(SharedHttpConnector);

impl HttpConnector for NamedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri().to_owned();
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(|error| named(&uri, error))?;
            trace::answered(&answer);
            Ok(answer)
        })
    }
}

/// The same kind of error, naming the host of `uri`.
fn named(uri: &str, error: ConnectorError) -> ConnectorError {
    let host = uri.parse::<http::Uri>().ok().and_then(|uri| uri.authority().map(ToString::to_string));
    let (timeout, user, io, other) = (error.is_timeout(), error.is_user(), error.is_io(), error.as_other());
    let source = Box::new(EndpointError { host: host.unwrap_or_else(|| uri.to_owned()), source: error });
    match () {
        () if timeout => ConnectorError::timeout(source),
        () if user => ConnectorError::user(source),
        () if io => ConnectorError::io(source),
        () => ConnectorError::other(source, other),
    }
}

/// A client that hands every request to a service in this process.
pub(crate) fn in_process(transport: Arc<dyn InProcess>) -> SharedHttpClient {
    SharedHttpClient::new(Local(transport))
}

#[derive(Clone)]
struct Local(Arc<dyn InProcess>);

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Local")
    }
}

impl HttpClient for Local {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The `Host` header, which is signed but which an HTTP client writes only when it sends.
fn name_host(parts: &mut http::request::Parts) {
    let host =
        parts.uri.authority().and_then(|authority| http::HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = host {
        parts.headers.entry(http::header::HOST).or_insert(host);
    }
}

impl HttpConnector for Local {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let transport = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (mut parts, body) = request.into_parts();
            name_host(&mut parts);
            let body = Bytes::copy_from_slice(body.bytes().unwrap_or_default());
            let answer = transport
                .call(http::Request::from_parts(parts, body))
                .await
                .map_err(|lost| ConnectorError::io(lost.into()))?;
            let answer = HttpResponse::try_from(answer.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            trace::answered(&answer);
            Ok(answer)
        })
    }
}
