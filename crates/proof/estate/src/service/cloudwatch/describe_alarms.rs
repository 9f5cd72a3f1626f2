//! DescribeAlarms.

use serde::Deserialize;
use serde_json::{Value, json};

use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::wire::cbor;
use crate::world::World;

/// DescribeAlarms: the scenario's alarms, with the states their hosts put them in.
pub(super) struct DescribeAlarms;

/// Alarms of a page, at most.
const MAX_RECORDS: usize = 100;
/// Alarms of a page unless asked otherwise.
const USUAL_RECORDS: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    alarm_names: Option<Vec<String>>,
    alarm_name_prefix: Option<String>,
    state_value: Option<String>,
    max_records: Option<usize>,
    next_token: Option<String>,
}

impl Operation for DescribeAlarms {
    fn service(&self) -> Service {
        Service::CloudWatch
    }

    fn name(&self) -> &'static str {
        "DescribeAlarms"
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        let resource = format!("arn:aws:cloudwatch:{}:{}:alarm:*", call.region, call.account);
        vec![Requirement { action: "cloudwatch:DescribeAlarms".into(), resource, context: Vec::new() }]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let size = input.max_records.unwrap_or(USUAL_RECORDS);
        if !(1..=MAX_RECORDS).contains(&size) {
            return Err(document::invalid(format!("MaxRecords must be from 1 to {MAX_RECORDS}.")));
        }
        let first = match input.next_token.as_deref() {
            None | Some("") => 0,
            Some(token) => page::cursor(call, token).ok_or_else(|| {
                ApiError::new(400, "InvalidNextToken", "The next token specified is invalid.")
            })?,
        };
        let region = document::region(world, call)?;
        let wanted = |name: &str, state: &str| {
            input.alarm_names.as_ref().is_none_or(|names| names.is_empty() || names.iter().any(|n| n == name))
                && input.alarm_name_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix.as_str()))
                && input.state_value.as_ref().is_none_or(|value| value == state)
        };
        let mut alarms: Vec<Value> = Vec::new();
        let mut token = None;
        for (n, (alarm, state)) in region.alarm_states(call.now).into_iter().enumerate().skip(first as usize)
        {
            if !wanted(&alarm.name, state.name()) {
                continue;
            }
            if alarms.len() == size {
                token = Some(page::token(call, n as u64));
                break;
            }
            alarms.push(json!({
                "AlarmName": alarm.name,
                "AlarmArn": format!("arn:aws:cloudwatch:{}:{}:alarm:{}", call.region, call.account, alarm.name),
                "ActionsEnabled": true,
                "OKActions": [],
                "AlarmActions": [],
                "InsufficientDataActions": [],
                "StateValue": state.name(),
                "StateReason": "",
                "StateUpdatedTimestamp": cbor::moment(call.now.as_second() as f64),
                "MetricName": alarm.watches.metric(),
                "Namespace": "AWS/EC2",
                "Statistic": "Average",
                "Dimensions": [],
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 90.0,
                "ComparisonOperator": "GreaterThanThreshold",
            }));
        }
        let mut answer = json!({ "MetricAlarms": alarms, "CompositeAlarms": [] });
        if let Some(token) = token {
            answer["NextToken"] = token.into();
        }
        Ok(answer.to_string())
    }
}
