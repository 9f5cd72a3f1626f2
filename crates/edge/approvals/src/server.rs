//! The desk on a TCP port: plain HTTP/1.1, one request a connection, bounded in every direction. TLS is
//! for the proxy in front.

#![expect(clippy::disallowed_methods, reason = "connections time out by the wall clock")]

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::answer::Answer;
use crate::desk::{Desk, Question};
use crate::page;

/// Bytes of a request's body at most.
pub const LARGEST_BODY: usize = 8 * 1024;

/// Bytes of a request's head at most; hyper allows no less.
const LARGEST_HEAD: usize = 8 * 1024;

/// How long a whole connection may take.
const CONNECTION_TIME: Duration = Duration::from_secs(20);

/// How long a client may take to send a request's head, and again its body.
const READ_TIME: Duration = Duration::from_secs(5);

/// Connections at once; more are closed unanswered.
const MOST_CONNECTIONS: usize = 64;

/// How long open requests may take to finish once the server is told to stop.
const STOP_TIME: Duration = Duration::from_secs(5);

/// A running server.
pub struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves the desk on a listener, in the background of the current tokio runtime.
    ///
    /// # Errors
    /// The listener cannot be used.
    pub fn start(desk: Desk, listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(Arc::new(desk), listener, stopped));
        Ok(Self { address, stop, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, lets open requests finish for a few seconds, and returns.
    pub async fn stop(self) {
        // A server that ended by itself hears nothing; a panic of its own was reported where it happened.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

async fn serve(desk: Arc<Desk>, listener: TcpListener, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // A dropped handle stops the server as well.
            _ = &mut stopped => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < MOST_CONNECTIONS => {
                    connections.spawn(connection(Arc::clone(&desk), stream));
                }
                Ok(_) => {}
                // Usually too many open files: give connections a moment to close.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let all_closed = async { while connections.join_next().await.is_some() {} };
    // Whoever is not done by then is cut off when the set is dropped.
    let _ = tokio::time::timeout(STOP_TIME, all_closed).await;
}

async fn connection(desk: Arc<Desk>, stream: TcpStream) {
    let service = service_fn(move |request| answer(Arc::clone(&desk), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIME)
        .max_buf_size(LARGEST_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // A connection that breaks or dawdles is the client's affair.
    let _ = tokio::time::timeout(CONNECTION_TIME, connection).await;
}

async fn answer(desk: Arc<Desk>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = match read(body).await {
        Ok(body) => body,
        Err(refusal) => return Ok(response(refusal)),
    };
    let content_type = parts.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let question = Question {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query(),
        content_type,
        body: &body,
    };
    Ok(response(desk.answer(question).await))
}

async fn read(body: Incoming) -> Result<Bytes, Answer> {
    let too_large = || Answer::new(413, page::refusal("more was sent than a decision needs", None));
    // A length that is announced is refused before the body is sent.
    if body.size_hint().lower() > LARGEST_BODY as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(READ_TIME, Limited::new(body, LARGEST_BODY).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Answer::new(400, page::refusal("the request broke off", None))),
        Err(_) => Err(Answer::new(408, page::refusal("the request took too long", None))),
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.all_headers() {
        let value = HeaderValue::from_str(value).expect("headers are our own plain text");
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    *response.body_mut() = Full::new(Bytes::from(answer.body));
    response
}
