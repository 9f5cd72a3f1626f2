//! The Runtime API of an environment.
//!
//! Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".

use std::fmt::Display;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The version that paths begin with.
const VERSION: &str = "/2018-06-01/runtime/invocation";

/// The Runtime API at an address.
pub(crate) struct RuntimeApi {
    address: String,
}

/// An event.
pub(crate) struct Next {
    /// The request's id.
    pub(crate) request: String,
    /// The ARN by which the function was invoked.
    pub(crate) arn: String,
    /// What it was invoked with: JSON.
    pub(crate) event: Bytes,
}

impl RuntimeApi {
    /// The one at `HOST:PORT`.
    pub(crate) fn at(address: &str) -> Self {
        Self { address: address.to_owned() }
    }

    /// Waits for the next event.
    ///
    /// # Errors
    /// The API cannot be reached, or answers what no event is.
    pub(crate) async fn next(&self) -> Result<Next, String> {
        let (headers, event) = self.send(Method::GET, "/next", Bytes::new()).await?;
        let header = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned).ok_or_else(|| format!("the Runtime API's event has no {name}"))
        };
        let request = header("lambda-runtime-aws-request-id")?;
        Ok(Next { request, arn: header("lambda-runtime-invoked-function-arn")?, event })
    }

    /// Answers an event.
    ///
    /// # Errors
    /// The API cannot be reached, or refuses.
    pub(crate) async fn answer(&self, request: &str, answer: &Value) -> Result<(), String> {
        self.send(Method::POST, &format!("/{request}/response"), answer.to_string()).await.map(drop)
    }

    /// Says why an event was not answered.
    ///
    /// # Errors
    /// As [`RuntimeApi::answer`].
    pub(crate) async fn fail(&self, request: &str, why: &Value) -> Result<(), String> {
        self.send(Method::POST, &format!("/{request}/error"), why.to_string()).await.map(drop)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<(HeaderMap, Bytes), String> {
        let failed = |error: &dyn Display| format!("the Runtime API at {}: {error}", self.address);
        let stream = TcpStream::connect(&self.address).await.map_err(|error| failed(&error))?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| failed(&error))?;
        // What becomes of the connection is told to whoever sends over it.
        let driven = tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(format!("{VERSION}{path}"))
            .header(http::header::HOST, &self.address)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.into()))
            .map_err(|error| failed(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| failed(&error))?.to_bytes();
        driven.abort();
        match parts.status {
            StatusCode::OK | StatusCode::ACCEPTED => Ok((parts.headers, body)),
            status => Err(failed(&format!("{status}: {}", String::from_utf8_lossy(&body)))),
        }
    }
}
