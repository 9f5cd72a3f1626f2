//! State machines.

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, Partial};
use fleetwright_ports::StateMachines;
use fleetwright_ports::state_machines::{
    Machine, MachineChange, MachineKind, MachineName, MachinePut, MachineRef, MachineRow, MachineStatus,
    MachineVersion, NewMachine, Publication, Tracing,
};
use futures::FutureExt;
use serde_json::{Value, json};

use super::{PAGE, arns};
use crate::Aws;
use crate::json_service::{JsonService, moment, text, without_nulls};
use crate::operations::{
    CREATE_STATE_MACHINE, DELETE_STATE_MACHINE, DESCRIBE_STATE_MACHINE, LIST_STATE_MACHINE_VERSIONS,
    LIST_STATE_MACHINES, UPDATE_STATE_MACHINE,
};
use crate::pages::{Page, pages, unexpected};

fn kind(word: &str) -> Result<MachineKind, String> {
    match word {
        "STANDARD" => Ok(MachineKind::Standard),
        "EXPRESS" => Ok(MachineKind::Express),
        other => Err(format!("a machine of type {other:?}")),
    }
}

fn name(row: &Value) -> Result<MachineName, String> {
    row["name"].as_str().ok_or("a missing name")?.parse().map_err(|invalid| format!("{invalid}"))
}

fn row(row: &Value) -> Result<MachineRow, String> {
    Ok(MachineRow {
        name: name(row)?,
        kind: row["type"].as_str().map(kind).transpose()?,
        created_at: moment(&row["creationDate"]),
    })
}

fn version(row: &Value) -> Result<(String, MachineVersion), String> {
    let arn = row["stateMachineVersionArn"].as_str();
    let number = arns::version(arn).ok_or_else(|| format!("a version named {arn:?}"))?;
    Ok((number.to_string(), MachineVersion { number, created_at: moment(&row["creationDate"]) }))
}

fn machine(answer: &Value) -> Result<Machine, String> {
    let status = match answer["status"].as_str() {
        Some("ACTIVE") => MachineStatus::Active,
        Some("DELETING") => MachineStatus::Deleting,
        other => return Err(format!("a machine whose status is {other:?}")),
    };
    let traced = answer["tracingConfiguration"]["enabled"] == true;
    Ok(Machine {
        name: name(answer)?,
        kind: kind(answer["type"].as_str().unwrap_or_default())?,
        status,
        definition: text(answer, "definition").ok_or("a missing definition")?,
        role: text(answer, "roleArn").ok_or("a missing role")?,
        revision: text(answer, "revisionId"),
        description: text(answer, "description"),
        tracing: if traced { Tracing::On } else { Tracing::Off },
        created_at: moment(&answer["creationDate"]),
    })
}

fn put(answer: &Value, at: &str) -> MachinePut {
    MachinePut {
        at: moment(&answer[at]),
        revision: text(answer, "revisionId"),
        version: arns::version(answer["stateMachineVersionArn"].as_str()),
    }
}

/// Says in a body what becomes of what is put.
fn publish(body: &mut Value, publication: &Publication) {
    if let Publication::Version(description) = publication {
        body["publish"] = true.into();
        if let Some(description) = description {
            body["versionDescription"] = description.as_str().into();
        }
    }
}

fn traced(tracing: Tracing) -> Value {
    json!({ "enabled": tracing == Tracing::On })
}

#[async_trait]
impl StateMachines for Aws {
    async fn machines(&self, cell: &Cell<'_>) -> Partial<MachineRow> {
        let service = &JsonService::step_functions(self, cell);
        let operation = &LIST_STATE_MACHINES;
        let mut found = pages(
            operation,
            |row: &MachineRow| row.name.as_str(),
            |token| {
                async move {
                    let body = json!({ "maxResults": PAGE, "nextToken": token });
                    let answer = service.read(operation, &without_nulls(body)).await?;
                    let rows = answer["stateMachines"].as_array().into_iter().flatten().map(row);
                    Ok(Page::of(rows, text(&answer, "nextToken")))
                }
                .boxed()
            },
        )
        .await;
        found.items.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    async fn machine(&self, cell: &Cell<'_>, which: &MachineRef) -> Result<Machine, Failure> {
        let service = JsonService::step_functions(self, cell);
        let body = json!({ "stateMachineArn": arns::machine(cell, which) });
        let answer = service.read(&DESCRIBE_STATE_MACHINE, &body).await?;
        machine(&answer).map_err(|odd| unexpected(&DESCRIBE_STATE_MACHINE, &odd))
    }

    async fn machine_versions(&self, cell: &Cell<'_>, name: &MachineName) -> Partial<MachineVersion> {
        let service = &JsonService::step_functions(self, cell);
        let arn = &arns::machine(cell, &name.clone().into());
        let operation = &LIST_STATE_MACHINE_VERSIONS;
        let found = pages(
            operation,
            |(key, _): &(String, MachineVersion)| key,
            |token| {
                async move {
                    let body = json!({ "stateMachineArn": arn, "maxResults": PAGE, "nextToken": token });
                    let answer = service.read(operation, &without_nulls(body)).await?;
                    let rows = answer["stateMachineVersions"].as_array().into_iter().flatten().map(version);
                    Ok(Page::of(rows, text(&answer, "nextToken")))
                }
                .boxed()
            },
        )
        .await;
        let mut items: Vec<MachineVersion> = found.items.into_iter().map(|(_, version)| version).collect();
        items.sort_by_key(|version| std::cmp::Reverse(version.number));
        Partial { items, failure: found.failure }
    }

    async fn create_machine(&self, cell: &Cell<'_>, machine: &NewMachine) -> Result<MachinePut, Failure> {
        let service = JsonService::step_functions(self, cell);
        let mut body = json!({
            "name": machine.name.as_str(),
            "type": machine.kind.as_str(),
            "definition": machine.definition,
            "roleArn": machine.role,
            "tracingConfiguration": traced(machine.tracing),
        });
        publish(&mut body, &machine.publication);
        let arn = arns::machine(cell, &machine.name.clone().into());
        Ok(put(&service.change(&CREATE_STATE_MACHINE, &arn, &body).await?, "creationDate"))
    }

    async fn update_machine(
        &self,
        cell: &Cell<'_>,
        name: &MachineName,
        change: &MachineChange,
    ) -> Result<MachinePut, Failure> {
        let service = JsonService::step_functions(self, cell);
        let arn = arns::machine(cell, &name.clone().into());
        let mut body = without_nulls(json!({
            "stateMachineArn": arn,
            "definition": change.definition,
            "roleArn": change.role,
            "tracingConfiguration": change.tracing.map(traced),
        }));
        publish(&mut body, &change.publication);
        Ok(put(&service.change(&UPDATE_STATE_MACHINE, &arn, &body).await?, "updateDate"))
    }

    async fn delete_machine(&self, cell: &Cell<'_>, name: &MachineName) -> Result<(), Failure> {
        let service = JsonService::step_functions(self, cell);
        let arn = arns::machine(cell, &name.clone().into());
        let body = json!({ "stateMachineArn": arn });
        service.change(&DELETE_STATE_MACHINE, &arn, &body).await.map(drop)
    }
}
