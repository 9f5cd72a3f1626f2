//! The [`Logs`](fleetwright_ports::Logs) port: CloudWatch Logs, one signed POST for each page.
//!
//! Source: CloudWatch Logs API reference, FilterLogEvents.

use async_trait::async_trait;
use fleetwright_model::redaction::redact;
use fleetwright_model::{Cell, Failure};
use fleetwright_ports::Logs;
use fleetwright_ports::logs::{LogEvent, LogGroupName, LogPage, LogQuery};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Aws;
use crate::json_service::{JsonService, text, without_nulls};
use crate::operations::FILTER_LOG_EVENTS;
use crate::pages::unexpected;

fn event(row: &Value) -> Option<LogEvent> {
    Some(LogEvent {
        id: text(row, "eventId")?,
        at: Timestamp::from_millisecond(row["timestamp"].as_i64()?).ok()?,
        stream: text(row, "logStreamName")?,
        message: redact(row["message"].as_str()?.trim_end()).into_owned(),
    })
}

#[async_trait]
impl Logs for Aws {
    async fn log_page(
        &self,
        cell: &Cell<'_>,
        group: &LogGroupName,
        query: &LogQuery,
        next: Option<&str>,
    ) -> Result<LogPage, Failure> {
        let service = JsonService::logs(self, cell);
        let body = json!({
            "logGroupName": group.as_str(),
            "startTime": query.since.map(Timestamp::as_millisecond),
            "endTime": query.until.map(Timestamp::as_millisecond),
            "filterPattern": query.pattern,
            "nextToken": next,
        });
        let answer = service.read(&FILTER_LOG_EVENTS, &without_nulls(body)).await?;
        let rows = answer["events"].as_array().into_iter().flatten();
        let events: Option<Vec<LogEvent>> = rows.map(event).collect();
        let events =
            events.ok_or_else(|| unexpected(&FILTER_LOG_EVENTS, "an event without id, time or message"))?;
        Ok(LogPage { events, next: text(&answer, "nextToken").filter(|token| !token.is_empty()) })
    }
}
