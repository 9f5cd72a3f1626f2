//! The metrics on a local port: `GET /metrics`, plain HTTP/1.1, one request a connection.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fleetwright_ports::Clock;
use futures::future::select;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::metrics::Metrics;
use crate::prometheus;

/// How long a connection may take.
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// Connections at once; more are closed unanswered.
const MOST_CONNECTIONS: usize = 16;
/// The wait after a connection could not be taken.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers until the process is about to end.
pub(crate) async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    wall: Arc<dyn Clock>,
    mut finish: watch::Receiver<bool>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, "the port of the metrics cannot be used");
            return;
        }
    };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = finish.wait_for(|finish| *finish) => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < MOST_CONNECTIONS => {
                    let (metrics, wall) = (Arc::clone(&metrics), Arc::clone(&wall));
                    connections.spawn(async move {
                        let service = service_fn(move |request| answer(Arc::clone(&metrics), request));
                        let connection = http1::Builder::new()
                            .keep_alive(false)
                            .max_buf_size(8 * 1024)
                            .serve_connection(TokioIo::new(stream), service);
                        // A connection that breaks or dawdles is the client's affair.
                        let _ = select(std::pin::pin!(connection), wall.sleep(CONNECTION_TIME)).await;
                    });
                }
                Ok(_) => {}
                // Usually too many open files.
                Err(_) => wall.sleep(PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(
    metrics: Arc<Metrics>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, media_type, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, prometheus::MEDIA_TYPE, prometheus::text(&metrics)),
        (&Method::GET, _) => (StatusCode::NOT_FOUND, "text/plain", "see /metrics\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "GET only\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let media_type = http::HeaderValue::from_static(media_type);
    response.headers_mut().insert(http::header::CONTENT_TYPE, media_type);
    Ok(response)
}
