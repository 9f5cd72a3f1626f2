//! What the history of an execution says, event by event.

use fleetwright_model::redaction::redact;
use fleetwright_ports::executions::{HistoryEvent, Payload, Payloads};
use serde_json::Value;

use crate::json_service::{moment, text};

/// Members of the details of an event that hold what is handed over.
const HANDED_OVER: [&str; 3] = ["input", "output", "parameters"];

/// An event as the service tells it: beside what all have, one member `…EventDetails` by its type.
/// Source: Step Functions API reference, HistoryEvent.
pub(super) fn event(row: &Value, payloads: Payloads) -> Result<HistoryEvent, String> {
    let members = row.as_object().ok_or("an event that is no object")?;
    let details = members.iter().find(|(name, _)| name.ends_with("EventDetails"));
    let details = details.map_or(&Value::Null, |(_, details)| details);
    let handed_over = HANDED_OVER.into_iter().filter(|_| payloads == Payloads::Shown);
    let handed_over =
        handed_over.filter_map(|name| Some((name.to_owned(), Payload::new(text(details, name)?))));
    Ok(HistoryEvent {
        id: row["id"].as_u64().ok_or("an event without a number")?,
        previous: row["previousEventId"].as_u64().filter(|id| *id > 0),
        at: moment(&row["timestamp"]),
        kind: text(row, "type").ok_or("an event without a type")?,
        state: text(details, "name"),
        error: text(details, "error").map(cleared),
        cause: text(details, "cause").map(cleared),
        payloads: handed_over.collect(),
    })
}

/// A text without what looks like a secret.
pub(super) fn cleared(text: String) -> String {
    redact(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_told_with_its_state_and_its_error_and_with_what_was_asked_for() {
        let entered = json!({
            "id": 2, "previousEventId": 0, "timestamp": 1_793_498_400.0, "type": "TaskStateEntered",
            "stateEnteredEventDetails": { "name": "Look", "input": "{\"a\":1}" },
        });
        let told = event(&entered, Payloads::Hidden).expect("an event");
        assert_eq!((told.id, told.previous, told.state.as_deref()), (2, None, Some("Look")));
        assert_eq!(told.payloads, []);
        let told = event(&entered, Payloads::Shown).expect("an event");
        assert_eq!(told.payloads, [("input".to_owned(), Payload::new("{\"a\":1}"))]);

        let failed = json!({
            "id": 7, "previousEventId": 6, "type": "ExecutionFailed",
            "executionFailedEventDetails": { "error": "Refused", "cause": "password=hunter2 is wrong" },
        });
        let told = event(&failed, Payloads::Hidden).expect("an event");
        assert_eq!((told.previous, told.error.as_deref()), (Some(6), Some("Refused")));
        assert!(!told.cause.expect("a cause").contains("hunter2"));
        assert_eq!(
            event(&json!({ "type": "x" }), Payloads::Hidden).expect_err("no number"),
            "an event without a number"
        );
    }
}
