//! Spans with their times, and what becomes of them when they end: measurements, and spans to export.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fleetwright_model::redaction::{HIDDEN, Redactor, is_secret_name};
use fleetwright_ports::Clock;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Sender;
use tracing::span::{Attributes, Record};
use tracing::{Event, Id, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::fields::{self, Fields, Value};
use crate::metrics::{Metrics, SPANS_DROPPED};
use crate::otlp::{attribute_name, error_of};
use crate::{metrics, observe};

/// Whether a span waits for somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanKind {
    /// Work of our own.
    Internal,
    /// A request to a service.
    Client,
}

/// A span that has ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finished {
    pub(crate) trace: u128,
    pub(crate) id: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) started: Timestamp,
    pub(crate) ended: Timestamp,
    pub(crate) attributes: Vec<(&'static str, Value)>,
    pub(crate) error: Option<String>,
}

/// A span under way.
#[derive(Clone, Copy)]
struct Open {
    trace: u128,
    id: u64,
    parent: Option<u64>,
    started: Timestamp,
}

/// Watches spans and events.
pub(crate) struct SpanLayer {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    /// Where ended spans go, when somebody wants them.
    pub(crate) queue: Option<Sender<Finished>>,
    /// Distinguishes this process's spans from those of others.
    pub(crate) seed: u64,
    pub(crate) count: AtomicU64,
}

impl SpanLayer {
    fn next_id(&self) -> u64 {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        // Zero is not a valid id; of 2^64 it does not matter which one is taken in its place.
        u64::try_from(hashed(&[&self.seed.to_be_bytes(), &number.to_be_bytes()]) >> 64).unwrap_or(1).max(1)
    }

    /// Spans of a run are in its trace, whichever process they are of; others begin a trace.
    fn open<S>(&self, id: &Id, context: &Context<'_, S>) -> Option<Open>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let span = context.span(id)?;
        let around = span.parent().and_then(|parent| parent.extensions().get::<Open>().copied());
        let (id, started) = (self.next_id(), self.clock.now());
        if let Some(around) = around {
            return Some(Open { trace: around.trace, id, parent: Some(around.id), started });
        }
        let run = span.extensions().get::<Fields>().and_then(|fields| fields.text("run").map(trace_of_run));
        let trace = run.unwrap_or_else(|| hashed(&[&id.to_be_bytes()]).max(1));
        Some(Open { trace, id, parent: None, started })
    }

    fn export(&self, name: &str, open: Open, fields: &Fields, ended: Timestamp) {
        let Some(queue) = &self.queue else { return };
        let action = fields.text("action").filter(|_| name == observe::CALL);
        let error = error_of(fields.get("outcome").filter(|_| name == observe::CALL));
        let finished = Finished {
            trace: open.trace,
            id: open.id,
            parent: open.parent,
            name: action.unwrap_or(name).to_owned(),
            kind: if action.is_some() { SpanKind::Client } else { SpanKind::Internal },
            started: open.started,
            ended: ended.max(open.started),
            attributes: attributes(fields, action.is_some()),
            error,
        };
        if queue.try_send(finished).is_err() {
            self.metrics.add(&SPANS_DROPPED, &[], 1.0);
        }
    }
}

impl Finished {
    /// Masks secrets. Done by who exports, so that those who work do not wait for it.
    pub(crate) fn redact(&mut self, redactor: &Redactor) {
        for (name, value) in &mut self.attributes {
            match value {
                _ if is_secret_name(name) => *value = Value::Text(HIDDEN.to_owned()),
                Value::Text(text) => *text = redactor.redact(text).into_owned(),
                _ => {}
            }
        }
    }
}

/// The fields of a span as attributes.
fn attributes(fields: &Fields, is_call: bool) -> Vec<(&'static str, Value)> {
    let said = fields.0.iter().map(|(name, value)| (attribute_name(name), value.clone()));
    let known = is_call.then_some([("rpc.system", "aws-api"), ("cloud.provider", "aws")]);
    let known = known.into_iter().flatten().map(|(name, value)| (name, Value::Text(value.to_owned())));
    said.chain(known).collect()
}

/// The trace of a run.
pub(crate) fn trace_of_run(run: &str) -> u128 {
    hashed(&[b"fleetwright run ", run.as_bytes()]).max(1)
}

fn hashed(parts: &[&[u8]]) -> u128 {
    let digest = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize();
    digest.iter().take(16).fold(0, |number, byte| (number << 8) | u128::from(*byte))
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        fields::keep(attributes, id, &context);
        if let (Some(open), Some(span)) = (self.open(id, &context), context.span(id)) {
            span.extensions_mut().insert(open);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        fields::add(id, values, &context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let meta = event.metadata();
        match *meta.level() {
            Level::ERROR => self.metrics.add(&metrics::LOG_EVENTS, &["error"], 1.0),
            Level::WARN => self.metrics.add(&metrics::LOG_EVENTS, &["warn"], 1.0),
            _ => {}
        }
        match meta.target() {
            // The answer is known deep inside; the span of its call is somewhere around.
            observe::ANSWERS => {
                let said = Fields::of_event(event);
                let mut around = context.event_scope(event).into_iter().flatten();
                if let Some(span) = around.find(|span| span.name() == observe::CALL)
                    && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
                {
                    said.0.into_iter().filter(|(name, _)| *name != "message").for_each(|(name, value)| {
                        fields.set(name, value);
                    });
                }
            }
            observe::RUN => observe::run_event(&self.metrics, &Fields::of_event(event)),
            _ => {}
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let kept = span.extensions();
        let (Some(open), Some(fields)) = (kept.get::<Open>(), kept.get::<Fields>()) else { return };
        let ended = self.clock.now();
        let seconds = ended.duration_since(open.started).as_secs_f64();
        observe::span_ended(&self.metrics, span.name(), fields, seconds);
        self.export(span.name(), *open, fields, ended);
    }
}
