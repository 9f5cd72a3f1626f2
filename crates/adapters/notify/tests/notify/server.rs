//! An HTTP server on this machine that answers as it is told and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

pub(crate) type Asked = Request<Bytes>;
pub(crate) type Said = Response<Full<Bytes>>;
type Answering = dyn Fn(&Asked) -> Said + Send + Sync;

/// What was asked, in order.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Asked>>>);

impl Heard {
    pub(crate) fn all(&self) -> Vec<Asked> {
        self.0.lock().expect("no test panics while it looks").clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.all().len()
    }
}

/// A server that is there as long as the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) heard: Heard,
}

impl Server {
    /// Answers every request with what `answer` says.
    pub(crate) async fn start(answer: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let heard = Heard::default();
        let (answer, kept): (Arc<Answering>, _) = (Arc::new(answer), heard.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, kept) = (Arc::clone(&answer), kept.clone());
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let (answer, kept) = (Arc::clone(&answer), kept.clone());
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await?.to_bytes();
                        let asked = Request::from_parts(parts, body);
                        let said = answer(&asked);
                        kept.0.lock().expect("no test panics while it looks").push(asked);
                        Ok::<_, hyper::Error>(said)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, heard }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// An answer of a status and a text.
pub(crate) fn said(status: u16, body: impl Into<String>) -> Said {
    let body = Full::new(Bytes::from(body.into()));
    Response::builder().status(status).body(body).expect("a status and a text make an answer")
}

/// An answer of JSON.
pub(crate) fn json(status: u16, body: &serde_json::Value) -> Said {
    said(status, body.to_string())
}

pub(crate) fn header<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The pairs of a query, decoded.
pub(crate) fn query(asked: &Asked) -> std::collections::BTreeMap<String, String> {
    let query = asked.uri().query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
