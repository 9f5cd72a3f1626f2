//! The estate on a TCP port: plain HTTP/1.1 with keep-alive.

#![expect(
    clippy::disallowed_methods,
    reason = "connections time out by the wall clock, whatever time the estate runs on"
)]

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::estate::{Estate, Lost};
use crate::front::{control, watches};
use crate::functions::http_api;
use crate::kubernetes;
use crate::wire::request::body_limit_bytes;

/// How long a client may take to send a request's head.
const HEADER_TIME: Duration = Duration::from_secs(30);

/// How long open requests may take to finish once the server is told to stop.
const STOP_TIME: Duration = Duration::from_secs(5);

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<Phase>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    Stopping,
}

impl Server {
    /// Serves the estate on a listener, in the background of the current tokio runtime.
    ///
    /// # Errors
    /// The listener cannot be used.
    pub fn start(estate: Arc<Estate>, listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        estate.serve_clusters_at(&format!("http://{address}"));
        let (stop, mut stopped) = watch::channel(Phase::Serving);
        let task = tokio::spawn(serve(estate, listener, async move {
            // A dropped handle stops the server as well.
            let _ = stopped.wait_for(|phase| *phase == Phase::Stopping).await;
        }));
        Ok(Self { address, stop, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes no more connections, lets open requests finish for a few seconds, and returns.
    pub async fn stop(self) {
        self.stop.send_replace(Phase::Stopping);
        // A panic in the server's task has been reported where it happened.
        let _ = self.task.await;
    }
}

/// Serves the estate on a listener until `stop` is ready.
pub async fn serve(estate: Arc<Estate>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let (phase, watched) = watch::channel(Phase::Serving);
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(Arc::clone(&estate), stream, watched.clone()));
                }
                // Usually too many open files: give connections a moment to close.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    phase.send_replace(Phase::Stopping);
    let all_closed = async { while connections.join_next().await.is_some() {} };
    // Whoever is not done by then is cut off when the set is dropped.
    let _ = tokio::time::timeout(STOP_TIME, all_closed).await;
}

async fn connection(estate: Arc<Estate>, stream: TcpStream, mut phase: watch::Receiver<Phase>) {
    // Answers are written whole; waiting to fill a packet only costs time.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(Arc::clone(&estate), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let stopping = async {
        // The borrowed phase is let go at once, for it must not be held while waiting.
        let _ = phase.wait_for(|p| *p == Phase::Stopping).await;
    };
    tokio::pin!(stopping);
    // A connection that breaks is the client's affair, or a lost reply on purpose.
    tokio::select! {
        _ = &mut connection => {}
        () = &mut stopping => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(
    estate: Arc<Estate>,
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Lost> {
    let (parts, body) = request.into_parts();
    // A length that is announced is refused before the body is sent.
    let limit_bytes = body_limit_bytes(&parts.headers);
    if body.size_hint().lower() > limit_bytes as u64 {
        return Ok(whole(plain(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge")));
    }
    let body = match Limited::new(body, limit_bytes).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Ok(whole(plain(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge")));
        }
        Err(_) => return Ok(whole(plain(StatusCode::BAD_REQUEST, "IncompleteBody"))),
    };
    if parts.uri.path().starts_with(control::PREFIX) {
        return Ok(control::answer(&estate, &parts, &body));
    }
    if parts.uri.path().starts_with(http_api::PREFIX) {
        return Ok(whole(http_api::answer(&estate, &parts, &body).await));
    }
    if kubernetes::is_watch(&parts) {
        return watches::answer(estate, &parts, &body).await;
    }
    let request = Request::from_parts(parts, body);
    estate.call(request).await.map(whole)
}

fn plain(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    response
}

pub(crate) fn whole(response: Response<Bytes>) -> Response<BoxBody<Bytes, Infallible>> {
    response.map(|body| Full::new(body).boxed())
}
