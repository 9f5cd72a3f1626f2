//! The [`Events`] and [`EventRules`] ports: EventBridge, one signed POST for each call.
//!
//! Details of events and inputs of targets are in no record of a call: what is recorded are buses and rules.
//!
//! Source: EventBridge API reference.

mod rules;

use async_trait::async_trait;
use fleetwright_model::redaction::redact;
use fleetwright_model::{Cell, ErrorClass, Failure};
use fleetwright_ports::Events;
use fleetwright_ports::event_rules::BusName;
use fleetwright_ports::events::{Entry, EntryRefusal, Event};
use serde_json::{Value, json};

use crate::Aws;
use crate::json_service::JsonService;
use crate::operations::PUT_EVENTS;
use crate::pages::unexpected;

/// Puts entries on an event bus; what became of each, in order.
///
/// # Errors
/// The failure of the call; the answer does not say what became of each entry.
pub(crate) async fn put_entries(
    service: &JsonService<'_>,
    bus: &str,
    entries: &[Value],
) -> Result<Vec<Result<String, EntryRefusal>>, Failure> {
    let answer = service.change(&PUT_EVENTS, bus, &json!({ "Entries": entries })).await?;
    let became: Vec<_> = answer["Entries"].as_array().into_iter().flatten().map(outcome).collect();
    if became.len() != entries.len() {
        let message = format!("{} entries were sent, and {} answered", entries.len(), became.len());
        return Err(Failure { class: ErrorClass::Ambiguous, ..unexpected(&PUT_EVENTS, &message) });
    }
    Ok(became)
}

fn outcome(entry: &Value) -> Result<String, EntryRefusal> {
    match (entry["EventId"].as_str(), entry["ErrorCode"].as_str()) {
        (Some(id), None) => Ok(id.to_owned()),
        (_, code) => Err(EntryRefusal {
            code: code.unwrap_or("no error code").to_owned(),
            message: redact(entry["ErrorMessage"].as_str().unwrap_or_default()).into_owned(),
        }),
    }
}

fn entry(bus: &BusName, event: &Event) -> Value {
    let mut entry = json!({
        "Source": event.source,
        "DetailType": event.detail_type,
        "Detail": event.detail_text(),
        "EventBusName": bus.as_str(),
    });
    if !event.resources.is_empty() {
        entry["Resources"] = event.resources.clone().into();
    }
    if let Some(at) = event.at {
        entry["Time"] = at.as_second().into();
    }
    entry
}

#[async_trait]
impl Events for Aws {
    async fn put(&self, cell: &Cell<'_>, bus: &BusName, events: &[Event]) -> Vec<Entry> {
        let service = JsonService::event_bridge(self, cell.zone, &cell.region);
        let entries: Vec<Value> = events.iter().map(|event| entry(bus, event)).collect();
        match put_entries(&service, bus.as_str(), &entries).await {
            Ok(became) => {
                became.into_iter().map(|became| became.map_or_else(Entry::Refused, Entry::Taken)).collect()
            }
            Err(failure) => vec![Entry::Failed(failure); events.len()],
        }
    }
}
