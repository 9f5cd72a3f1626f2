//! Which turn of which lane made a call: the engine's spans say whose turn it is, the wire to the
//! estate which call was answered in it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::simulated::WIRE;

/// Turn by request id.
pub(super) type TurnsOfCalls = HashMap<String, u64>;

/// Listens to a run, and nothing else, while it is driven.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<TurnsOfCalls>>);

/// The number of a turn, kept with its span.
struct Number(u64);

impl Turns {
    /// What the run is driven under.
    pub(super) fn subscriber(&self) -> Dispatch {
        let heard = Targets::new()
            .with_target("fleetwright_engine", LevelFilter::INFO)
            .with_target(WIRE, LevelFilter::TRACE);
        Dispatch::new(Registry::default().with(self.clone().with_filter(heard)))
    }

    /// What was heard.
    pub(super) fn of_calls(&self) -> TurnsOfCalls {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Turns {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let (Some(turn), Some(span)) = (fields.turn, context.span(id)) {
            span.extensions_mut().insert(Number(turn));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != WIRE {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut spans = context.event_scope(event).into_iter().flatten();
        let turn = spans.find_map(|span| span.extensions().get::<Number>().map(|turn| turn.0));
        if let (Some(turn), Some(id)) = (turn, fields.request_id) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, turn);
        }
    }
}

#[derive(Default)]
struct Fields {
    turn: Option<u64>,
    request_id: Option<String>,
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "turn" {
            self.turn = Some(value);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "request_id" {
            self.request_id = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
