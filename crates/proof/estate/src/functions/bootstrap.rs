//! Functions as executables that speak Lambda's Runtime API: the `bootstrap` of a custom runtime.
//!
//! Rules: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>. Every environment is a
//! process with a server of its own on the loopback; it is kept for the next event, and killed when an
//! event's time is over.

#![expect(
    clippy::disallowed_methods,
    reason = "a process reads the wall clock, whatever time the estate runs on, and so its deadline is by that"
)]

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::{JoinHandle, JoinSet};

use super::{Failure, Functions, Invocation, Invoked, Running};

/// The version of the Runtime API, which its paths begin with.
const API: &str = "/2018-06-01/runtime/";

/// Bytes of a log that are kept between two events, at most.
const MAX_LOG_BYTES: usize = 64 * 1_024;

/// Runs functions as executables.
#[derive(Debug)]
pub struct Bootstraps {
    /// Where functions reach the estate.
    endpoint: String,
    executables: BTreeMap<String, PathBuf>,
    idle: Mutex<HashMap<Key, Vec<Environment>>>,
}

/// What an environment is good for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    account: String,
    region: String,
    function: String,
    version: String,
    revision: String,
}

/// A process that waits for events.
#[derive(Debug)]
struct Environment {
    process: Child,
    server: JoinHandle<()>,
    events: UnboundedSender<Event>,
    answers: UnboundedReceiver<Answer>,
    log: Arc<Mutex<String>>,
    /// When its credentials end, by the estate's time.
    expires: Option<Timestamp>,
}

/// An event on its way to a process.
#[derive(Debug)]
struct Event {
    request_id: String,
    arn: String,
    deadline_ms: u128,
    payload: Bytes,
}

/// What a process says.
#[derive(Debug)]
enum Answer {
    /// The answer to a request.
    Answered(String, Bytes),
    /// Its failure.
    Failed(String, Bytes),
    /// It cannot begin.
    NotBegun(Bytes),
    /// It has ended.
    Ended,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bootstraps {
    /// Functions by name as executables, which reach the estate at that URL.
    #[must_use]
    pub fn new(endpoint: impl Into<String>, executables: BTreeMap<String, PathBuf>) -> Self {
        Self { endpoint: endpoint.into(), executables, idle: Mutex::default() }
    }

    async fn run(&self, invocation: Invocation) -> Invoked {
        let Some(path) = self.executables.get(&invocation.function) else {
            let message = format!(
                "the estate has no executable for the function {}; name one where it is served",
                invocation.function
            );
            return Invoked::failed("Runtime.InvalidEntrypoint", &message);
        };
        let key = Key {
            account: invocation.account.clone(),
            region: invocation.region.clone(),
            function: invocation.function.clone(),
            version: invocation.version.clone(),
            revision: invocation.revision.clone(),
        };
        let environment = match self.take(&key, invocation.deadline) {
            Some(environment) => environment,
            None => match Environment::start(path, &self.endpoint, &invocation) {
                Ok(environment) => environment,
                Err(error) => {
                    let id = &invocation.request_id;
                    let message = format!(
                        "RequestId: {id} Error: Couldn't find valid bootstrap(s): [{}]: {error}",
                        path.display()
                    );
                    return Invoked::failed("Runtime.InvalidEntrypoint", &message);
                }
            },
        };
        let (invoked, kept) = environment.run(&invocation).await;
        if let Some(environment) = kept {
            locked(&self.idle).entry(key).or_default().push(environment);
        }
        invoked
    }

    /// An environment that waits, and whose credentials last until then.
    fn take(&self, key: &Key, deadline: Timestamp) -> Option<Environment> {
        let mut idle = locked(&self.idle);
        let waiting = idle.get_mut(key)?;
        waiting.retain(|it| it.expires.is_none_or(|expires| expires > deadline));
        waiting.pop()
    }
}

impl Functions for Bootstraps {
    fn invoke(&self, invocation: Invocation) -> Running<'_> {
        Box::pin(self.run(invocation))
    }
}

impl Environment {
    fn start(path: &PathBuf, endpoint: &str, invocation: &Invocation) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let (events, waiting) = mpsc::unbounded_channel();
        let (said, answers) = mpsc::unbounded_channel();
        let (mut output, input) = io::pipe()?;
        let mut command = Command::new(path);
        command.env_clear().envs(variables(&address.to_string(), endpoint, invocation));
        command.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input);
        let process = command.spawn()?;
        // The command holds the other ends of the pipe, which has no end before they are closed.
        drop(command);
        let log = Arc::new(Mutex::new(String::new()));
        let (written, ended) = (Arc::clone(&log), said.clone());
        std::thread::spawn(move || {
            let mut chunk = [0; 4_096];
            while let Ok(length @ 1..) = output.read(&mut chunk) {
                let mut log = locked(&written);
                if log.len() < MAX_LOG_BYTES {
                    log.push_str(&String::from_utf8_lossy(&chunk[..length]));
                }
            }
            // Nobody listens any longer where the environment is gone.
            let _ = ended.send(Answer::Ended);
        });
        let desk = Arc::new(Desk { waiting: tokio::sync::Mutex::new(waiting), said });
        let server = tokio::spawn(serve(listener, desk));
        let expires = invocation.credentials.as_ref().and_then(|it| it.expires);
        Ok(Self { process, server, events, answers, log, expires })
    }

    /// Runs one event; the environment again where it can take another.
    async fn run(mut self, invocation: &Invocation) -> (Invoked, Option<Self>) {
        locked(&self.log).clear();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let id = &invocation.request_id;
        let event = Event {
            request_id: id.clone(),
            arn: invocation.arn.clone(),
            deadline_ms: (now + invocation.timeout).as_millis(),
            payload: invocation.payload.clone(),
        };
        // A server that is gone has said so.
        let _ = self.events.send(event);
        loop {
            let (payload, failure) = match self.answers.recv().await {
                Some(Answer::Answered(of, payload)) if of == *id => (payload, None),
                Some(Answer::Failed(of, payload)) if of == *id => (payload, Some(Failure::Handled)),
                Some(Answer::Answered(..) | Answer::Failed(..)) => continue,
                Some(Answer::NotBegun(payload)) => {
                    return (Invoked { payload, log: self.said(), failure: Some(Failure::Crashed) }, None);
                }
                Some(Answer::Ended) | None => {
                    // It has ended, or closed its outputs, which is the same to Lambda.
                    let _ = self.process.kill();
                    let how = self
                        .process
                        .wait()
                        .map_or_else(|error| error.to_string(), |status| status.to_string());
                    return (Invoked { log: self.said(), ..Invoked::crashed(id, &how) }, None);
                }
            };
            return (Invoked { payload, log: self.said(), failure }, Some(self));
        }
    }

    fn said(&self) -> String {
        std::mem::take(&mut *locked(&self.log))
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.server.abort();
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The variables of a process (Lambda developer guide, "Defined runtime environment variables").
fn variables(api: &str, endpoint: &str, invocation: &Invocation) -> BTreeMap<String, String> {
    let mut all = invocation.environment.clone();
    let memory = invocation.memory_mb.to_string();
    let own = [
        ("AWS_DEFAULT_REGION", invocation.region.as_str()),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_FUNCTION_NAME", &invocation.function),
        ("AWS_LAMBDA_FUNCTION_VERSION", &invocation.version),
        ("AWS_LAMBDA_RUNTIME_API", api),
        ("AWS_REGION", &invocation.region),
        ("PATH", "/usr/local/bin:/usr/bin/:/bin"),
        ("TZ", ":UTC"),
        ("_HANDLER", &invocation.handler),
    ];
    all.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    if let Some(credentials) = &invocation.credentials {
        all.insert("AWS_ACCESS_KEY_ID".to_owned(), credentials.access_key.clone());
        all.insert("AWS_SECRET_ACCESS_KEY".to_owned(), credentials.secret.clone());
        all.extend(credentials.token.clone().map(|token| ("AWS_SESSION_TOKEN".to_owned(), token)));
    }
    all
}

/// What the server of an environment passes on.
struct Desk {
    waiting: tokio::sync::Mutex<UnboundedReceiver<Event>>,
    said: UnboundedSender<Answer>,
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                let desk = Arc::clone(&desk);
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&desk), request));
                    // A connection that breaks is the end of the process, which is seen elsewhere.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(desk: Arc<Desk>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let route: Vec<&str> = parts.uri.path().strip_prefix(API).unwrap_or_default().split('/').collect();
    let body = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(_) => return Ok(plain(StatusCode::BAD_REQUEST, "the body is not whole")),
    };
    let said = match (&parts.method, &route[..]) {
        (&Method::GET, ["invocation", "next"]) => return Ok(next(&desk).await),
        (&Method::POST, ["invocation", id, "response"]) => Answer::Answered((*id).to_owned(), body),
        (&Method::POST, ["invocation", id, "error"]) => Answer::Failed((*id).to_owned(), body),
        (&Method::POST, ["init", "error"]) => Answer::NotBegun(body),
        _ => return Ok(plain(StatusCode::NOT_FOUND, "the Runtime API has no such method and path")),
    };
    // Nobody listens any longer where the event's time was over.
    let _ = desk.said.send(said);
    Ok(plain(StatusCode::ACCEPTED, "{\"status\":\"OK\"}"))
}

/// The next event, as soon as there is one.
async fn next(desk: &Desk) -> Response<Full<Bytes>> {
    let event = desk.waiting.lock().await.recv().await;
    let Some(event) = event else {
        return plain(StatusCode::GONE, "the environment is over");
    };
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", &event.request_id)
        .header("lambda-runtime-deadline-ms", event.deadline_ms.to_string())
        .header("lambda-runtime-invoked-function-arn", &event.arn)
        .header("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0")
        .body(Full::new(event.payload));
    response.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, "the event has no headers"))
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}
