//! Requests to one cluster: a few at once, each within its time, repeated where that can help.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fleetwright_model::code;
use fleetwright_model::{ErrorClass, Failure, Text};
use fleetwright_ports::Clock;
use fleetwright_ports::kubernetes::{BearerToken, Traffic};
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request};
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::address::Address;
use crate::answer::{Answer, Refused, failure, judge, unexpected};
use crate::audit::Behalf;
use crate::session::Session;
use crate::transport::{Transport, Undelivered};

/// How much is asked of one cluster, and how long its answers may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests at once.
    pub concurrent: usize,
    /// For one attempt, its answer included.
    pub attempt: Duration,
    /// For one request with all its attempts; no attempt begins later.
    pub request: Duration,
    /// Attempts of one request.
    pub attempts: u32,
    /// Bytes of one answer as it comes over the wire.
    pub answer_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent: 4,
            attempt: Duration::from_secs(60),
            request: Duration::from_secs(300),
            attempts: 6,
            answer_bytes: 128 * 1024 * 1024,
        }
    }
}

/// Before the second attempt; twice as long before each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait, whatever a server asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What a request does, and whether it is sent again where it may have taken effect and its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It reads only, and is sent again.
    Reads,
    /// It changes something, and is sent again: the second one finds what the first one did.
    ByState,
    /// It changes something, and is never sent again: it might be done twice.
    Once,
}

/// The document of a request.
pub(crate) struct Body {
    pub(crate) content_type: &'static str,
    pub(crate) document: Value,
}

/// A request.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) body: Option<Body>,
    pub(crate) effect: Effect,
    /// What it changes, for the record: paths of objects, uids.
    pub(crate) targets: Vec<Text>,
    /// What it is, in a word or two: `list pods`.
    pub(crate) what: String,
}

impl Call {
    /// A GET of JSON.
    pub(crate) fn get(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            accept: "application/json",
            body: None,
            effect: Effect::Reads,
            targets: Vec::new(),
            what: what.into(),
        }
    }

    /// A POST of JSON that changes nothing.
    pub(crate) fn post(path: impl Into<String>, what: impl Into<String>, document: Value) -> Self {
        let body = Some(Body { content_type: "application/json", document });
        Self { method: Method::POST, body, ..Self::get(path, what) }
    }
}

/// Sends requests to one cluster.
pub(crate) struct Connection {
    pub(crate) cluster: String,
    pub(crate) address: Address,
    pub(crate) agent: HeaderValue,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) session: Session,
    /// On whose behalf it is changed; none where nothing is recorded.
    pub(crate) behalf: Option<Behalf>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) places: Semaphore,
    pub(crate) requests: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Connection {
    /// Whom and what a failure is about.
    pub(crate) fn of<'a>(&'a self, what: &'a str) -> (&'a str, &'a str) {
        (&self.cluster, what)
    }

    pub(crate) fn traffic(&self) -> Traffic {
        Traffic { requests: self.requests.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) }
    }

    /// Sends a request until it succeeds or trying again cannot help.
    ///
    /// # Errors
    /// The failure of the last attempt; [`ErrorClass::Ambiguous`] where a change may have been made nevertheless.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, Failure> {
        self.exchange(call).await.map_err(|refused| refused.failure)
    }

    /// The same, with what else a refusal says.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub(crate) async fn exchange(&self, call: &Call) -> Result<Answer, Box<Refused>> {
        let place = self.places.acquire().await;
        let _place = place
            .map_err(|_| Refused::unsent(unexpected(self.of(&call.what), "the connection is closed")))?;
        let begun = self.clock.now();
        let (mut attempts, mut renewed, mut doubt) = (0, false, false);
        loop {
            attempts += 1;
            let ready = async {
                let token = self.session.token(self.clock.as_ref()).await?;
                Ok((token, self.before(call, attempts).await?))
            };
            let (token, record) = ready
                .await
                .map_err(|failure| Refused::unsent(if doubt { in_doubt(failure) } else { failure }))?;
            let answered = self.attempt(call, &token).await;
            self.after(call, record, &answered);
            let refused = match answered {
                Ok(answer) => return Ok(answer),
                Err(refused) => refused,
            };
            if refused.unauthenticated && !renewed {
                renewed = true;
                self.session.refused(&token).await;
                continue;
            }
            let changes = call.effect != Effect::Reads;
            doubt |= changes && refused.doubt;
            let again = matches!(refused.failure.class, ErrorClass::Throttled | ErrorClass::Transient)
                && !(doubt && call.effect == Effect::Once);
            let doubled = FIRST_WAIT.saturating_mul(1 << (attempts - 1).min(16));
            let wait = refused.wait.unwrap_or(doubled).min(LONGEST_WAIT);
            let passed = self.clock.now().duration_since(begun);
            let next = SignedDuration::try_from(wait)
                .map_or(SignedDuration::MAX, |wait| passed.saturating_add(wait));
            let late = next.unsigned_abs() > self.limits.request;
            if !again || late || attempts >= self.limits.attempts {
                let failure = Failure { attempts, ..refused.failure };
                // What an attempt before may have done, a verdict takes into account.
                let unknown = changes && (refused.doubt || (doubt && !failure.class.is_verdict()));
                let failure = if unknown { in_doubt(failure) } else { failure };
                return Err(Box::new(Refused { failure, ..*refused }));
            }
            self.clock.sleep(wait).await;
        }
    }

    /// Puts an attempt at a change on record; its number, where there is one.
    async fn before(&self, call: &Call, attempt: u32) -> Result<Option<u64>, Failure> {
        let Some(behalf) = self.behalf.as_ref().filter(|_| call.effect != Effect::Reads) else {
            return Ok(None);
        };
        let cluster = Text::from(format!("cluster/{}", self.cluster));
        let targets = std::iter::once(cluster).chain(call.targets.iter().cloned()).collect();
        behalf.before(self.of(&call.what), targets, attempt, self.clock.now()).await.map(Some)
    }

    fn after(&self, call: &Call, record: Option<u64>, answered: &Result<Answer, Box<Refused>>) {
        if let (Some(behalf), Some(record)) = (&self.behalf, record) {
            let answered = answered.as_ref().map_err(AsRef::as_ref);
            behalf.after(self.of(&call.what), record, answered, self.clock.now());
        }
    }

    async fn attempt(&self, call: &Call, token: &BearerToken) -> Result<Answer, Box<Refused>> {
        let of = self.of(&call.what);
        let request = self.request(call, token);
        let request = request.map_err(|error| {
            Refused::unsent(failure((ErrorClass::Permanent, &code::REQUEST_REFUSED), of, &error.to_string()))
        })?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let limit = self.limits.attempt;
        let answered = tokio::select! {
            answered = self.transport.call(request, self.limits.answer_bytes) => answered,
            () = self.clock.sleep(limit) => {
                let words = format!("no answer within {} s", limit.as_secs());
                return Err(Refused::lost(failure((ErrorClass::Transient, &code::CALL_TIMEOUT), of, &words)));
            }
        };
        match answered {
            Ok(response) => {
                let bytes = u64::try_from(response.body().len()).unwrap_or(u64::MAX);
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
                judge(response, of, token.reveal())
            }
            Err(error @ Undelivered::Unreachable(_)) => Err(Refused::unsent(self.undelivered(&error, of))),
            Err(error) => Err(Refused::lost(self.undelivered(&error, of))),
        }
    }

    fn undelivered(&self, error: &Undelivered, of: (&str, &str)) -> Failure {
        let meaning = match error {
            Undelivered::Unreachable(_) => (ErrorClass::Transient, &code::UNREACHABLE),
            Undelivered::Broken(_) => (ErrorClass::Transient, &code::SERVICE_FAULT),
            Undelivered::TooLong => {
                let words = format!("the answer has more than {} bytes", self.limits.answer_bytes);
                return unexpected(of, &words);
            }
        };
        failure(meaning, of, &error.to_string())
    }

    fn request(&self, call: &Call, token: &BearerToken) -> Result<Request<Bytes>, http::Error> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", token.reveal()))?;
        authorization.set_sensitive(true);
        let request = Request::builder()
            .uri(self.address.of(&call.path))
            .header(ACCEPT, call.accept)
            .header(ACCEPT_ENCODING, "gzip")
            .header(AUTHORIZATION, authorization)
            .header(USER_AGENT, self.agent.clone());
        let request = request.method(call.method.clone());
        match &call.body {
            None => request.body(Bytes::new()),
            Some(body) => {
                request.header(CONTENT_TYPE, body.content_type).body(Bytes::from(body.document.to_string()))
            }
        }
    }
}

/// The failure of a change that may have been made nevertheless.
pub(crate) fn in_doubt(failure: Failure) -> Failure {
    Failure { class: ErrorClass::Ambiguous, code: &code::REPLY_LOST, ..failure }
}
