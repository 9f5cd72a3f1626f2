//! Asking endpoints whether they answer.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use fleetwright_eks::endpoint::{ANSWERS_WITHIN, Endpoint, Unwell};
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::{Clock, Endpoints};
use futures::future::{Either, join_all, select};
use http::Request;
use http::header::{ACCEPT, CONNECTION, USER_AGENT};
use http_body_util::Full;

use crate::collector::{Client, causes, client};

/// What failures are named by.
const OPERATION: &str = "endpoint:Get";
/// Who asks: servers' logs name it.
const AGENT: &str = concat!("fleetwright/", env!("CARGO_PKG_VERSION"));
/// Characters of what went wrong that are shown.
const SAID: usize = 200;

/// Asks over HTTP. Each look is a connection of its own: one that was kept says nothing of who listens now.
pub struct HttpEndpoints {
    wall: Arc<dyn Clock>,
    over_tls: OnceLock<Result<Client, String>>,
    plain: OnceLock<Result<Client, String>>,
}

impl HttpEndpoints {
    /// `wall` is the time of time-outs.
    pub fn new(wall: Arc<dyn Clock>) -> Self {
        Self { wall, over_tls: OnceLock::new(), plain: OnceLock::new() }
    }

    /// The client of an endpoint, made when the first one needs it: who asks none needs no root certificates.
    fn client(&self, endpoint: &Endpoint) -> Result<&Client, Failure> {
        let over_tls = endpoint.is_https();
        let kept = if over_tls { &self.over_tls } else { &self.plain };
        let made = kept.get_or_init(|| client(over_tls).map_err(|error| error.to_string()));
        made.as_ref().map_err(|why| unasked(ErrorClass::Permanent, endpoint, why))
    }

    /// How an endpoint is that is not well; none for one that is.
    async fn asked(&self, endpoint: &Endpoint) -> Result<Option<Unwell>, Failure> {
        let client = self.client(endpoint)?;
        let request = Request::get(endpoint.url())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "*/*")
            .header(CONNECTION, "close")
            .body(Full::<Bytes>::default())
            .map_err(|error| unasked(ErrorClass::Permanent, endpoint, &error.to_string()))?;
        match select(client.request(request), self.wall.sleep(ANSWERS_WITHIN)).await {
            Either::Right(((), _)) => Ok(Some(Unwell::Late)),
            Either::Left((Ok(answer), _)) => Ok(Unwell::of_status(answer.status().as_u16())),
            Either::Left((Err(error), _)) if error.is_connect() && !is_theirs(&error) => {
                Err(unasked(ErrorClass::Transient, endpoint, &causes(&error)))
            }
            Either::Left((Err(error), _)) => Ok(Some(Unwell::Silent(shortened(&causes(&error))))),
        }
    }
}

#[async_trait]
impl Endpoints for HttpEndpoints {
    async fn unwell(&self, endpoints: &[Endpoint]) -> Result<BTreeMap<String, Unwell>, Failure> {
        let asked = join_all(endpoints.iter().map(|endpoint| self.asked(endpoint))).await;
        let mut unwell = BTreeMap::new();
        for (endpoint, asked) in endpoints.iter().zip(asked) {
            unwell.extend(asked?.map(|how| (endpoint.name().to_owned(), how)));
        }
        Ok(unwell)
    }
}

/// An endpoint that nothing is known of.
fn unasked(class: ErrorClass, endpoint: &Endpoint, why: &str) -> Failure {
    let words = format!("endpoint {endpoint} could not be asked: {}", shortened(why));
    Failure::new(class, &code::GATE_UNKNOWN, OPERATION, &words)
}

fn shortened(text: &str) -> String {
    text.chars().take(SAID).collect()
}

/// Whether a connection failed by what the other side does. A name that cannot be looked up, a network that is not there
/// or too many open files may be ours as well, and prove nothing.
fn is_theirs(error: &(dyn Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.filter_map(|cause| cause.downcast_ref::<io::Error>()).any(is_of_their_side)
}

fn is_of_their_side(error: &io::Error) -> bool {
    match error.kind() {
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::HostUnreachable
        | ErrorKind::TimedOut
        | ErrorKind::UnexpectedEof => true,
        // TLS and its connector wrap what went wrong, and `source` steps over what is wrapped.
        _ => error.get_ref().is_some_and(|inner| {
            inner.is::<rustls::Error>() || inner.downcast_ref::<io::Error>().is_some_and(is_of_their_side)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_their_side_is_told_from_what_may_be_ours() {
        let tls = io::Error::new(ErrorKind::InvalidData, rustls::Error::HandshakeNotComplete);
        for theirs in [io::Error::from(ErrorKind::ConnectionRefused), io::Error::other(tls)] {
            assert!(is_theirs(&theirs), "{theirs}");
        }
        for ours in [
            io::Error::other("failed to lookup address information"),
            io::Error::from(ErrorKind::NetworkUnreachable),
            io::Error::from(ErrorKind::PermissionDenied),
        ] {
            assert!(!is_theirs(&ours), "{ours}");
        }
    }
}
