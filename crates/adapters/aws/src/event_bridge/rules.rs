//! Rules and their targets.

use async_trait::async_trait;
use fleetwright_model::{Cell, ErrorClass, Failure, Partial, code};
use fleetwright_ports::EventRules;
use fleetwright_ports::event_rules::{
    BusName, NewRule, Rule, RuleName, RuleState, Target, TargetId, Trigger,
};
use futures::FutureExt;
use serde_json::{Value, json};

use crate::Aws;
use crate::json_service::{JsonService, text, without_nulls};
use crate::operation::Operation;
use crate::operations::{
    DELETE_RULE, DESCRIBE_RULE, DISABLE_RULE, ENABLE_RULE, LIST_RULES, LIST_TARGETS_BY_RULE, PUT_RULE,
    PUT_TARGETS, REMOVE_TARGETS,
};
use crate::pages::{Page, pages, unexpected};

/// Rows of a page. Source: EventBridge API reference, ListRules.
const PAGE: u32 = 100;
/// Targets of one call. Source: EventBridge API reference, PutTargets: a rule has five, unless it was granted more.
const TARGETS: usize = 10;

fn rule(row: &Value) -> Result<Rule, String> {
    let name = row["Name"].as_str().ok_or("a missing name")?;
    let state = match row["State"].as_str() {
        Some("ENABLED" | "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS") => RuleState::Enabled,
        Some("DISABLED") => RuleState::Disabled,
        other => return Err(format!("a rule whose state is {other:?}")),
    };
    Ok(Rule {
        name: name.parse().map_err(|invalid| format!("{invalid}"))?,
        pattern: text(row, "EventPattern"),
        schedule: text(row, "ScheduleExpression"),
        description: text(row, "Description").unwrap_or_default(),
        state,
    })
}

fn target(row: &Value) -> Result<Target, String> {
    let id = row["Id"].as_str().ok_or("a missing id")?;
    Ok(Target {
        id: id.parse().map_err(|invalid| format!("{invalid}"))?,
        arn: text(row, "Arn").ok_or("a missing ARN")?,
        role: text(row, "RoleArn"),
        input: text(row, "Input"),
    })
}

/// What calls on a rule name in their record: bus and rule.
fn place(bus: &BusName, rule: &RuleName) -> String {
    format!("{bus}/{rule}")
}

/// Entries that were not taken although the call was.
fn all_taken(operation: &Operation, answer: &Value) -> Result<(), Failure> {
    if answer["FailedEntryCount"].as_u64().unwrap_or_default() == 0 {
        return Ok(());
    }
    let entry = &answer["FailedEntries"][0];
    let said = |name: &str| entry[name].as_str().unwrap_or("?").to_owned();
    let message = format!(
        "{} targets were not taken; the first, {}: {} {}",
        answer["FailedEntryCount"],
        said("TargetId"),
        said("ErrorCode"),
        said("ErrorMessage")
    );
    Err(Failure::new(ErrorClass::Permanent, &code::REQUEST_REFUSED, operation.iam, &message))
}

#[async_trait]
impl EventRules for Aws {
    async fn put_rule(&self, cell: &Cell<'_>, bus: &BusName, new: &NewRule) -> Result<(), Failure> {
        let service = JsonService::event_bridge(self, cell.zone, &cell.region);
        let (pattern, schedule) = match &new.trigger {
            Trigger::Events(pattern) => (Some(pattern.as_json().to_string()), None),
            Trigger::Schedule(expression) => (None, Some(expression.as_str())),
        };
        let body = without_nulls(json!({
            "Name": new.name.as_str(),
            "EventBusName": bus.as_str(),
            "EventPattern": pattern,
            "ScheduleExpression": schedule,
            "State": new.state.as_str(),
            "Description": new.description,
        }));
        service.change(&PUT_RULE, &place(bus, &new.name), &body).await.map(drop)
    }

    async fn rule(&self, cell: &Cell<'_>, bus: &BusName, name: &RuleName) -> Result<Rule, Failure> {
        let service = JsonService::event_bridge(self, cell.zone, &cell.region);
        let body = json!({ "Name": name.as_str(), "EventBusName": bus.as_str() });
        let answer = service.read(&DESCRIBE_RULE, &body).await?;
        rule(&answer).map_err(|odd| unexpected(&DESCRIBE_RULE, &odd))
    }

    async fn rules(&self, cell: &Cell<'_>, bus: &BusName, prefix: Option<&str>) -> Partial<Rule> {
        let service = &JsonService::event_bridge(self, cell.zone, &cell.region);
        let operation = &LIST_RULES;
        let mut found = pages(
            operation,
            |rule: &Rule| rule.name.as_str(),
            |token| {
                async move {
                    let body = json!({
                        "EventBusName": bus.as_str(), "NamePrefix": prefix, "Limit": PAGE, "NextToken": token,
                    });
                    let answer = service.read(operation, &without_nulls(body)).await?;
                    let rows = answer["Rules"].as_array().into_iter().flatten().map(rule);
                    Ok(Page::of(rows, text(&answer, "NextToken")))
                }
                .boxed()
            },
        )
        .await;
        found.items.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    async fn switch(
        &self,
        cell: &Cell<'_>,
        bus: &BusName,
        name: &RuleName,
        state: RuleState,
    ) -> Result<(), Failure> {
        let service = JsonService::event_bridge(self, cell.zone, &cell.region);
        let operation = match state {
            RuleState::Enabled => &ENABLE_RULE,
            RuleState::Disabled => &DISABLE_RULE,
        };
        let body = json!({ "Name": name.as_str(), "EventBusName": bus.as_str() });
        service.change(operation, &place(bus, name), &body).await.map(drop)
    }

    async fn delete_rule(&self, cell: &Cell<'_>, bus: &BusName, name: &RuleName) -> Result<(), Failure> {
        let service = JsonService::event_bridge(self, cell.zone, &cell.region);
        let body = json!({ "Name": name.as_str(), "EventBusName": bus.as_str() });
        match service.change(&DELETE_RULE, &place(bus, name), &body).await {
            Err(failure) if failure.class != ErrorClass::NotFound => Err(failure),
            _ => Ok(()),
        }
    }

    async fn put_targets(
        &self,
        cell: &Cell<'_>,
        bus: &BusName,
        name: &RuleName,
        targets: &[Target],
    ) -> Result<(), Failure> {
        let service = JsonService::event_bridge(self, cell.zone, &cell.region);
        for batch in targets.chunks(TARGETS) {
            let rows = batch.iter().map(|target| {
                without_nulls(json!({
                    "Id": target.id.as_str(), "Arn": target.arn, "RoleArn": target.role, "Input": target.input,
                }))
            });
            let body = json!({
                "Rule": name.as_str(), "EventBusName": bus.as_str(), "Targets": rows.collect::<Vec<_>>(),
            });
            all_taken(&PUT_TARGETS, &service.change(&PUT_TARGETS, &place(bus, name), &body).await?)?;
        }
        Ok(())
    }

    async fn targets(&self, cell: &Cell<'_>, bus: &BusName, name: &RuleName) -> Partial<Target> {
        let service = &JsonService::event_bridge(self, cell.zone, &cell.region);
        let operation = &LIST_TARGETS_BY_RULE;
        let mut found = pages(
            operation,
            |target: &Target| target.id.as_str(),
            |token| {
                async move {
                    let body = json!({
                        "Rule": name.as_str(), "EventBusName": bus.as_str(), "Limit": PAGE, "NextToken": token,
                    });
                    let answer = service.read(operation, &without_nulls(body)).await?;
                    let rows = answer["Targets"].as_array().into_iter().flatten().map(target);
                    Ok(Page::of(rows, text(&answer, "NextToken")))
                }
                .boxed()
            },
        )
        .await;
        found.items.sort_by(|a, b| a.id.cmp(&b.id));
        found
    }

    async fn remove_targets(
        &self,
        cell: &Cell<'_>,
        bus: &BusName,
        name: &RuleName,
        ids: &[TargetId],
    ) -> Result<(), Failure> {
        let service = JsonService::event_bridge(self, cell.zone, &cell.region);
        for batch in ids.chunks(TARGETS) {
            let ids: Vec<&str> = batch.iter().map(TargetId::as_str).collect();
            let body = json!({ "Rule": name.as_str(), "EventBusName": bus.as_str(), "Ids": ids });
            all_taken(&REMOVE_TARGETS, &service.change(&REMOVE_TARGETS, &place(bus, name), &body).await?)?;
        }
        Ok(())
    }
}
