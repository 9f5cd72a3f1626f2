//! One HTTP request to a checked address, and what its answer means.
//!
//! Sources: RFC 9110 (status codes, `Retry-After`), RFC 6585 (429).

use ::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, RETRY_AFTER, USER_AGENT,
};
use ::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use bytes::Bytes;
use fleetwright_model::redaction::Redactor;
use fleetwright_notify::{line, shortened};
use fleetwright_ports::{Again, NotSent};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use jiff::fmt::rfc2822;

use crate::connection::{Stream, connect, encrypt, later, never, within};
use crate::endpoint::Endpoint;
use crate::settings::{Credentials, Outbound};

/// Bytes of an answer that are read; a longer one is a fault.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;

/// A request.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) media_type: &'a str,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Sends requests.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    outbound: Outbound,
    credentials: Option<Credentials>,
    redactor: Redactor,
}

impl Http {
    /// What `secrets` holds stands in no error.
    pub(crate) fn new(
        outbound: Outbound,
        credentials: Option<Credentials>,
        mut secrets: Vec<String>,
    ) -> Self {
        secrets.extend(credentials.iter().flat_map(Credentials::secrets));
        Self { outbound, credentials, redactor: Redactor::knowing(secrets) }
    }

    pub(crate) fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// Sends a request once; the answer is a success.
    ///
    /// # Errors
    /// It was not sent, or the answer is none; a redirect is none either.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Answer, NotSent> {
        let origin = call.endpoint.origin();
        let work = self.exchange(call);
        let answer = within(self.outbound.clock.as_ref(), self.outbound.timeout, &origin, work).await;
        let answer = answer.map_err(|failure| self.clean(failure))?;
        match answer.status.is_success() {
            true => Ok(answer),
            false => Err(self.clean(self.refusal(&origin, &answer))),
        }
    }

    /// Sends JSON and reads JSON.
    ///
    /// # Errors
    /// As [`Http::send`], or the answer is no such JSON.
    pub(crate) async fn json<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        endpoint: &Endpoint,
        body: Option<&serde_json::Value>,
    ) -> Result<T, NotSent> {
        let answer = self.send_json(method, endpoint, body).await?;
        serde_json::from_slice(&answer.body).map_err(|error| {
            self.clean(never(format!("{} answered what it does not document: {error}", endpoint.origin())))
        })
    }

    /// Sends JSON, or nothing.
    ///
    /// # Errors
    /// As [`Http::send`].
    pub(crate) async fn send_json(
        &self,
        method: Method,
        endpoint: &Endpoint,
        body: Option<&serde_json::Value>,
    ) -> Result<Answer, NotSent> {
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.send(Call { method, endpoint, headers: Vec::new(), media_type: "application/json", body }).await
    }

    async fn exchange(&self, call: Call<'_>) -> Result<Answer, NotSent> {
        let host = call.endpoint.host();
        let stream = connect(&self.outbound, &host, call.endpoint.port()).await?;
        let stream: Box<dyn Stream> = match call.endpoint.is_encrypted() {
            true => Box::new(encrypt(&self.outbound, &host, stream).await?),
            false => Box::new(stream),
        };
        let request = self.request(call).map_err(|error| never(format!("{host}: {error}")))?;
        let failed = |error: hyper::Error| later(format!("{host}: {error}"));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
        let driven = tokio::spawn(connection);
        let answered = sender.send_request(request).await.map_err(failed);
        let read = async {
            let (parts, body) = answered?.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await;
            let body = body.map_err(|error| later(format!("{host}: its answer cannot be read: {error}")))?;
            Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
        };
        let answer = read.await;
        driven.abort();
        answer
    }

    fn request(&self, call: Call<'_>) -> Result<Request<Full<Bytes>>, ::http::Error> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(call.endpoint.target())
            .header(HOST, call.endpoint.authority())
            .header(USER_AGENT, &self.outbound.agent)
            .header(ACCEPT, "application/json");
        if let Some(credentials) = &self.credentials {
            let mut value = HeaderValue::try_from(credentials.header())?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if call.method != Method::GET {
            request = request.header(CONTENT_TYPE, call.media_type).header(CONTENT_LENGTH, call.body.len());
        }
        for (name, value) in &call.headers {
            request = request.header(HeaderName::from_static(name), value);
        }
        request.body(Full::new(Bytes::from(call.body)))
    }

    /// What an answer that is no success means.
    fn refusal(&self, origin: &str, answer: &Answer) -> NotSent {
        let status = answer.status;
        let said = String::from_utf8_lossy(&answer.body);
        let said = match said.trim() {
            "" => String::new(),
            said => format!(": {}", shortened(&line(said), 300)),
        };
        let words = format!("{origin} answered {status}{said}");
        let asked = self.asked_to_wait(answer);
        match status.as_u16() {
            300..=399 => never(format!(
                "{origin} answered {status}: redirects are not followed; configure the address it leads to"
            )),
            429 | 503 => NotSent { again: asked.map_or(Again::Later, Again::After), ..later(words) },
            408 | 425 | 500..=599 => later(words),
            _ => never(words),
        }
    }

    /// `Retry-After`, in seconds or as a date.
    fn asked_to_wait(&self, answer: &Answer) -> Option<SignedDuration> {
        let text = answer.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<u32>() {
            return Some(SignedDuration::from_secs(i64::from(seconds)));
        }
        let until = rfc2822::parse(text).ok()?.timestamp();
        let wait = until.duration_since(self.outbound.clock.now());
        Some(wait.max(SignedDuration::ZERO))
    }

    fn clean(&self, failure: NotSent) -> NotSent {
        NotSent { message: self.redactor.redact(&failure.message).into_owned(), ..failure }
    }
}
