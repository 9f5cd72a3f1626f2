//! Executions.

use async_trait::async_trait;
use fleetwright_model::{Cell, ErrorClass, Failure, Partial, code};
use fleetwright_ports::Executions;
use fleetwright_ports::executions::{
    Execution, ExecutionFilter, ExecutionId, ExecutionRow, ExecutionStatus, HistoryEvent, NewExecution,
    Payload, Payloads, Started,
};
use fleetwright_ports::state_machines::MachineName;
use futures::FutureExt;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::events::{cleared, event};
use super::{PAGE, arns};
use crate::Aws;
use crate::json_service::{JsonService, moment, text, without_nulls};
use crate::operations::{
    DESCRIBE_EXECUTION, GET_EXECUTION_HISTORY, LIST_EXECUTIONS, START_EXECUTION, STOP_EXECUTION,
};
use crate::pages::{Page, pages, unexpected};

/// What Step Functions says where an execution of that name has ended, or has another input.
const EXISTS: &str = "ExecutionAlreadyExists";

fn status(word: Option<&str>) -> Result<ExecutionStatus, String> {
    word.unwrap_or_default().parse().map_err(|()| format!("an execution whose status is {word:?}"))
}

fn row(row: &Value) -> Result<ExecutionRow, String> {
    let name = row["name"].as_str().ok_or("a missing name")?;
    Ok(ExecutionRow {
        name: name.parse().map_err(|invalid| format!("{invalid}"))?,
        status: status(row["status"].as_str())?,
        started_at: moment(&row["startDate"]),
        stopped_at: moment(&row["stopDate"]),
        version: arns::version(row["stateMachineVersionArn"].as_str()),
    })
}

fn execution(id: &ExecutionId, answer: &Value, payloads: Payloads) -> Result<Execution, String> {
    let payload = |name: &str| match payloads {
        Payloads::Hidden => None,
        Payloads::Shown => text(answer, name).map(Payload::new),
    };
    Ok(Execution {
        id: id.clone(),
        status: status(answer["status"].as_str())?,
        started_at: moment(&answer["startDate"]),
        stopped_at: moment(&answer["stopDate"]),
        version: arns::version(answer["stateMachineVersionArn"].as_str()),
        error: text(answer, "error").map(cleared),
        cause: text(answer, "cause").map(cleared),
        input: payload("input"),
        output: payload("output"),
    })
}

/// What a start comes to that found an execution of its name.
fn found(wanted: &NewExecution, first: Execution) -> Result<Started, Failure> {
    let differs = |what: &str| {
        let message = format!("{} was started before, {what}, and is {}", wanted.id(), first.status.as_str());
        Failure::new(ErrorClass::Conflict, &code::EXECUTION_DIFFERS, START_EXECUTION.iam, &message)
    };
    match &first.input {
        None => return Err(differs("with an input that is not told any more")),
        Some(input) if !input.is_same(&wanted.input) => return Err(differs("with another input")),
        Some(_) => {}
    }
    if wanted.machine.version.is_some() && first.version != wanted.machine.version {
        return Err(differs("of another version of its machine"));
    }
    Ok(match first.status.is_over() {
        true => Started::Ended(Box::new(first)),
        false => Started::Running(first.started_at),
    })
}

#[async_trait]
impl Executions for Aws {
    async fn start_execution(&self, cell: &Cell<'_>, wanted: &NewExecution) -> Result<Started, Failure> {
        let service = JsonService::step_functions(self, cell);
        let body = json!({
            "stateMachineArn": arns::machine(cell, &wanted.machine),
            "name": wanted.name.as_str(),
            "input": wanted.input.reveal(),
        });
        let arn = arns::execution(cell, &wanted.id());
        match service.change(&START_EXECUTION, &arn, &body).await {
            Ok(answer) => Ok(Started::Running(moment(&answer["startDate"]))),
            Err(failure) if failure.service_code.as_deref() == Some(EXISTS) => {
                found(wanted, self.execution(cell, &wanted.id(), Payloads::Shown).await?)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn stop_execution(
        &self,
        cell: &Cell<'_>,
        id: &ExecutionId,
        error: Option<&str>,
        cause: Option<&str>,
    ) -> Result<Option<Timestamp>, Failure> {
        let service = JsonService::step_functions(self, cell);
        let arn = arns::execution(cell, id);
        let body = without_nulls(json!({ "executionArn": arn, "error": error, "cause": cause }));
        let answer = service.change(&STOP_EXECUTION, &arn, &body).await?;
        Ok(moment(&answer["stopDate"]))
    }

    async fn execution(
        &self,
        cell: &Cell<'_>,
        id: &ExecutionId,
        payloads: Payloads,
    ) -> Result<Execution, Failure> {
        let service = JsonService::step_functions(self, cell);
        let data = if payloads == Payloads::Shown { "ALL_DATA" } else { "METADATA_ONLY" };
        let body = json!({ "executionArn": arns::execution(cell, id), "includedData": data });
        let answer = service.read(&DESCRIBE_EXECUTION, &body).await?;
        execution(id, &answer, payloads).map_err(|odd| unexpected(&DESCRIBE_EXECUTION, &odd))
    }

    async fn history(&self, cell: &Cell<'_>, id: &ExecutionId, payloads: Payloads) -> Partial<HistoryEvent> {
        let service = &JsonService::step_functions(self, cell);
        let arn = &arns::execution(cell, id);
        let operation = &GET_EXECUTION_HISTORY;
        let found = pages(
            operation,
            |(key, _): &(String, HistoryEvent)| key,
            |token| {
                async move {
                    let body = json!({
                        "executionArn": arn,
                        "maxResults": PAGE,
                        "includeExecutionData": payloads == Payloads::Shown,
                        "nextToken": token,
                    });
                    let answer = service.read(operation, &without_nulls(body)).await?;
                    let rows = answer["events"].as_array().into_iter().flatten();
                    let rows =
                        rows.map(|row| event(row, payloads).map(|event| (event.id.to_string(), event)));
                    Ok(Page::of(rows, text(&answer, "nextToken")))
                }
                .boxed()
            },
        )
        .await;
        let mut items: Vec<HistoryEvent> = found.items.into_iter().map(|(_, event)| event).collect();
        items.sort_by_key(|event| event.id);
        Partial { items, failure: found.failure }
    }

    /// Rows come with those that began last first, so that no page is read behind the first that is too old.
    async fn executions(
        &self,
        cell: &Cell<'_>,
        machine: &MachineName,
        filter: &ExecutionFilter,
    ) -> Partial<ExecutionRow> {
        let service = &JsonService::step_functions(self, cell);
        let arn = &arns::machine(cell, &machine.clone().into());
        let status = filter.status.map(ExecutionStatus::as_str);
        let operation = &LIST_EXECUTIONS;
        let mut found = pages(
            operation,
            |row: &ExecutionRow| row.name.as_str(),
            |token| {
                async move {
                    let body = json!({
                        "stateMachineArn": arn, "statusFilter": status, "maxResults": PAGE, "nextToken": token,
                    });
                    let answer = service.read(operation, &without_nulls(body)).await?;
                    let rows = answer["executions"].as_array().into_iter().flatten().map(row);
                    let mut page = Page::of(rows, text(&answer, "nextToken"));
                    let last = page.rows.last().and_then(|row| row.started_at);
                    if last.zip(filter.since).is_some_and(|(last, since)| last < since) {
                        page.next = None;
                    }
                    Ok(page)
                }
                .boxed()
            },
        )
        .await;
        found.items.retain(|row| filter.fits(row));
        found
    }
}
