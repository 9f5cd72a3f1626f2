//! One invocation from its admission to its answer.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::http_api::HttpApi;
use super::{FUNCTION_ERROR, Failure, Functions, Invocation, Invoked, Mode, Started};
use crate::estate::Estate;
use crate::fault::FunctionFault;
use crate::service::lambda::admit;
use crate::world::functions::{Run, RunEnd};
use crate::world::iam::SessionRequest;
use crate::world::logs::{Written, write_of_function};

/// Bytes of a synchronous answer, at most.
const MAX_ANSWER_BYTES: usize = 6 * 1_024 * 1_024;

/// Bytes of the log that an answer carries, at most.
const MAX_TAIL_BYTES: usize = 4 * 1_024;

/// How long the credentials of a function are good for.
const CREDENTIALS_LIFE: SignedDuration = SignedDuration::from_hours(6);

/// How long an event waits before its second and its third run (Lambda developer guide,
/// "How Lambda handles errors and retries with asynchronous invocation").
const BEFORE_RETRIES: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];

/// How long an event waits for a free place, at most, and how long between two looks.
const MAX_WAITING: SignedDuration = SignedDuration::from_hours(6);
const BETWEEN_LOOKS: Duration = Duration::from_mins(1);

/// What an estate runs functions with.
pub(crate) struct Runner {
    functions: Arc<dyn Functions>,
    /// For runs that go on when nobody waits for them.
    estate: Weak<Estate>,
    /// APIs in front of functions, by name.
    pub(super) http_apis: Mutex<BTreeMap<String, HttpApi>>,
    /// How many ids their requests have had.
    pub(super) asked: AtomicU64,
}

/// A function's place among those that run; given back when it is dropped.
struct Slot {
    estate: Arc<Estate>,
    invocation: Invocation,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.estate.give_back(&self.invocation);
    }
}

impl Runner {
    pub(crate) fn new(functions: Arc<dyn Functions>, estate: &Arc<Estate>) -> Self {
        let (http_apis, asked) = (Mutex::default(), AtomicU64::default());
        Self { functions, estate: Arc::downgrade(estate), http_apis, asked }
    }
}

/// Runs what was admitted: in a task of its own, so that it goes on when the caller hangs up.
///
/// The answer is there when the function's is, or at once where nobody waits for it.
pub(crate) async fn run(estate: &Estate, started: Started) -> Response<Bytes> {
    let Some((estate, functions)) = runner(estate) else {
        estate.give_back(&started.invocation);
        return nothing_to_run_with();
    };
    match started.mode {
        Mode::Event => {
            let version = started.invocation.version.clone();
            tokio::spawn(run_event(estate, functions, started));
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::ACCEPTED;
            insert(&mut response, "x-amz-executed-version", &version);
            response
        }
        Mode::Waiting => {
            let slot = slot(&estate, &started);
            let (tail, version) = (started.tail, started.invocation.version.clone());
            let id = started.invocation.request_id.clone();
            let task = tokio::spawn(async move {
                let invoked = once(&estate, &*functions, &started).await;
                drop(slot);
                invoked
            });
            // A handler that panics has crashed.
            let invoked = task.await.unwrap_or_else(|error| Invoked::crashed(&id, &error.to_string()));
            answer(invoked, tail, &version)
        }
    }
}

/// Runs an event that something in the estate made; false where there is nothing to run it with.
pub(crate) fn run_event_of(estate: &Estate, started: Started) -> bool {
    let found = runner(estate);
    if let Some((estate, functions)) = found {
        tokio::spawn(run_event(estate, functions, started));
        return true;
    }
    false
}

/// What runs functions, with the estate for as long as they run.
fn runner(estate: &Estate) -> Option<(Arc<Estate>, Arc<dyn Functions>)> {
    let runner = estate.runner.get()?;
    Some((runner.estate.upgrade()?, Arc::clone(&runner.functions)))
}

fn slot(estate: &Arc<Estate>, started: &Started) -> Slot {
    Slot { estate: Arc::clone(estate), invocation: started.invocation.clone() }
}

/// Runs an event until it succeeds, three times at most.
async fn run_event(estate: Arc<Estate>, functions: Arc<dyn Functions>, started: Started) {
    let since = estate.now();
    for pause in BEFORE_RETRIES.map(Some).into_iter().chain([None]) {
        let Some(slot) = place_for(&estate, &started, since).await else { return };
        let invoked = once(&estate, &*functions, &started).await;
        drop(slot);
        match (invoked.failure, pause) {
            (None, _) | (_, None) => return,
            (Some(_), Some(pause)) => estate.wait(pause).await,
        }
    }
}

/// Waits for a place; none where there was none for too long, or the function is gone.
async fn place_for(estate: &Arc<Estate>, started: &Started, since: Timestamp) -> Option<Slot> {
    let invocation = &started.invocation;
    loop {
        let found = estate.with_functions(&invocation.account, &invocation.region, |functions| {
            let known = functions.by_name.contains_key(&invocation.function);
            known.then(|| admit(functions, &invocation.function).is_ok())
        });
        match found.flatten()? {
            true => return Some(slot(estate, started)),
            false if estate.now().duration_since(since) >= MAX_WAITING => return None,
            false => estate.wait(BETWEEN_LOOKS).await,
        }
    }
}

/// What one invocation comes to, with what is meant to go wrong with it.
async fn once(estate: &Estate, functions: &dyn Functions, started: &Started) -> Invoked {
    if started.fault == Some(FunctionFault::RunsTwice) {
        ran(estate, functions, started).await;
    }
    let began = estate.now();
    let mut invoked = ran(estate, functions, started).await;
    if invoked.payload.len() > MAX_ANSWER_BYTES {
        let message = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
        invoked = Invoked { log: invoked.log, ..Invoked::failed("Function.ResponseSizeTooLarge", message) };
    }
    invoked.log = log(started, &invoked.log, estate.now().duration_since(began));
    estate.write_log(started, &invoked.log);
    invoked
}

async fn ran(estate: &Estate, functions: &dyn Functions, started: &Started) -> Invoked {
    let began = estate.now();
    let invocation = equipped(estate, started, began);
    let number = estate.note_run(started, began);
    let id = invocation.request_id.clone();
    let invoked = match started.fault {
        Some(FunctionFault::Crashes) => Invoked::crashed(&id, "signal: killed"),
        Some(FunctionFault::TimesOut) => {
            // What the handler did is done; only its answer comes too late.
            timed(estate, functions.invoke(invocation), started.invocation.timeout).await;
            estate.wait(started.invocation.timeout).await;
            timed_out(started, &id, estate.now())
        }
        Some(FunctionFault::RunsTwice) | None => {
            let invoked = timed(estate, functions.invoke(invocation), started.invocation.timeout).await;
            invoked.unwrap_or_else(|| timed_out(started, &id, estate.now()))
        }
    };
    estate.note_end(started, number, end(&invoked));
    invoked
}

fn end(invoked: &Invoked) -> RunEnd {
    match invoked.failure {
        None => RunEnd::Answered,
        Some(Failure::Handled) => RunEnd::Failed,
        Some(Failure::Crashed) => RunEnd::Crashed,
        Some(Failure::TimedOut) => RunEnd::TimedOut,
    }
}

/// What a run comes to within its time; nothing where that is over.
async fn timed(estate: &Estate, running: super::Running<'_>, timeout: Duration) -> Option<Invoked> {
    tokio::select! {
        biased;
        invoked = running => Some(invoked),
        () = estate.wait(timeout) => None,
    }
}

fn timed_out(started: &Started, id: &str, now: Timestamp) -> Invoked {
    let seconds = started.invocation.timeout.as_secs_f64();
    let at = now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
    let message = format!("{at} {id} Task timed out after {seconds:.2} seconds");
    let payload = json!({ "errorType": "Sandbox.Timedout", "errorMessage": format!("RequestId: {id} Error: Task timed out after {seconds:.2} seconds") });
    Invoked { payload: payload.to_string().into(), log: message, failure: Some(Failure::TimedOut) }
}

/// The invocation with fresh credentials of the function's role, and its deadline.
fn equipped(estate: &Estate, started: &Started, now: Timestamp) -> Invocation {
    let mut invocation = started.invocation.clone();
    invocation.deadline = SignedDuration::try_from(started.invocation.timeout)
        .ok()
        .and_then(|it| now.checked_add(it).ok())
        .unwrap_or(now);
    let role = started.role.rsplit('/').next().unwrap_or_default().to_owned();
    let request = |expires| SessionRequest {
        role,
        name: invocation.function.clone(),
        expires,
        policies: Vec::new(),
        assumed_by: invocation.arn.clone(),
    };
    let credentials = estate.issue_session(&invocation.account, CREDENTIALS_LIFE, request);
    invocation.credentials = credentials;
    invocation
}

/// The log as CloudWatch Logs would have it.
fn log(started: &Started, said: &str, took: SignedDuration) -> String {
    let (id, version) = (&started.invocation.request_id, &started.invocation.version);
    let milliseconds = took.as_secs_f64() * 1_000.0;
    let line = if said.is_empty() || said.ends_with('\n') { "" } else { "\n" };
    format!(
        "START RequestId: {id} Version: {version}\n{said}{line}END RequestId: {id}\nREPORT RequestId: {id}\tDuration: \
         {milliseconds:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax Memory Used: {} MB\t\n",
        milliseconds.ceil().max(1.0),
        started.invocation.memory_mb,
        started.invocation.memory_mb / 4,
    )
}

fn answer(invoked: Invoked, tail: bool, version: &str) -> Response<Bytes> {
    let mut response = Response::new(invoked.payload);
    insert(&mut response, "content-type", "application/json");
    insert(&mut response, "x-amz-executed-version", version);
    if invoked.failure.is_some() {
        insert(&mut response, "x-amz-function-error", FUNCTION_ERROR);
    }
    if tail {
        let from = invoked.log.floor_char_boundary(invoked.log.len().saturating_sub(MAX_TAIL_BYTES));
        insert(&mut response, "x-amz-log-result", &STANDARD.encode(&invoked.log[from..]));
    }
    response
}

fn insert(response: &mut Response<Bytes>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn nothing_to_run_with() -> Response<Bytes> {
    let message =
        "The estate was given nothing to run functions with; whoever embeds it calls `run_functions`";
    let mut response = Response::new(json!({ "Type": "Service", "Message": message }).to_string().into());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    insert(&mut response, "content-type", "application/json");
    insert(&mut response, "x-amzn-errortype", "ServiceException");
    response
}

impl Estate {
    /// Gives back the place that a run took.
    fn give_back(&self, invocation: &Invocation) {
        self.with_functions(&invocation.account, &invocation.region, |functions| {
            if let Some(function) = functions.by_name.get_mut(&invocation.function) {
                function.running = function.running.saturating_sub(1);
            }
        });
    }

    /// Notes that a run begins; its number among the region's.
    fn note_run(&self, started: &Started, at: Timestamp) -> usize {
        let invocation = &started.invocation;
        let run = Run {
            function: invocation.function.clone(),
            version: invocation.version.clone(),
            request_id: invocation.request_id.clone(),
            at,
            end: None,
        };
        let noted = self.with_functions(&invocation.account, &invocation.region, |functions| {
            functions.runs.push(run);
            functions.runs.len() - 1
        });
        noted.unwrap_or_default()
    }

    /// Leaves what a run wrote in the function's log group.
    fn write_log(&self, started: &Started, text: &str) {
        let now = self.now();
        let invocation = &started.invocation;
        let role = started.role.rsplit('/').next().unwrap_or_default();
        let written = Written { function: &invocation.function, version: &invocation.version, role, text };
        let mut inside = self.lock();
        if let Some(mut place) = inside.world.place(&invocation.account, &invocation.region) {
            write_of_function(&mut place, &written, now);
        }
    }

    fn note_end(&self, started: &Started, number: usize, end: RunEnd) {
        let invocation = &started.invocation;
        self.with_functions(&invocation.account, &invocation.region, |functions| {
            if let Some(run) = functions.runs.get_mut(number) {
                run.end = Some(end);
            }
        });
    }
}
