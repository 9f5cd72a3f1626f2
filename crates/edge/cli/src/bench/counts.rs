//! Calls, told apart: what a run must do, and how often it looked whether something is done.
//!
//! Polling is what a call repeats. A read counts as work where at least one of the ids it asks about
//! had not been read so often yet as a run needs to: an image, a snapshot, a command's result and a
//! patch state once after the scan, a status check and an agent once for each phase that judges
//! them. Any further read of the same ids is polling, and so is every ListCommands, which tells
//! nothing but whether a command is over. What names no id (the scan's listings) is work.

use std::collections::{BTreeMap, HashMap};

use fleetwright_estate::calls::CallKind;
use fleetwright_estate::calls::CallRecord;
use serde_json::Value;

use super::turns::TurnsOfCalls;

/// What a run's calls were for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that change something.
    pub changing: u64,
    /// Reads of what was not known yet.
    pub reading: u64,
    /// Repeated reads.
    pub polling: u64,
    /// Of those, further pages of the same answer.
    pub polling_pages: u64,
    /// Refused for their rate, of whatever kind.
    pub throttled: u64,
    /// Most polling calls of one action in one second of one cell, further pages left out.
    pub most_at_once: u64,
    /// By action, how many turns of lanes polled with that many calls of it, further pages left out.
    pub polls_per_turn: BTreeMap<String, BTreeMap<u64, u64>>,
    /// Everything by action: work and polling.
    pub by_action: BTreeMap<String, (u64, u64)>,
}

impl Counts {
    /// Sorts a call log; `turns` says which turn of which lane made which call, where that is known.
    pub fn of(records: &[CallRecord], turns: &TurnsOfCalls) -> Self {
        let mut counts = Self::default();
        let mut reads: HashMap<(String, String), u32> = HashMap::new();
        let mut seconds: HashMap<(String, String, i64), u64> = HashMap::new();
        let mut polled: HashMap<(u64, String), u64> = HashMap::new();
        for record in records {
            let action = record.action.to_string();
            counts.throttled += u64::from(is_throttled(record));
            let request: Value = serde_json::from_str(&record.request).unwrap_or(Value::Null);
            let polls = record.facts.kind == CallKind::Read && is_polling(&mut reads, &action, &request);
            let entry = counts.by_action.entry(action.clone()).or_default();
            match (record.facts.kind, polls) {
                (CallKind::Mutation, _) => counts.changing += 1,
                (CallKind::Read, false) => counts.reading += 1,
                (CallKind::Read, true) => counts.polling += 1,
            }
            if !polls {
                entry.0 += 1;
                continue;
            }
            entry.1 += 1;
            if request.get("NextToken").is_some() {
                counts.polling_pages += 1;
                continue;
            }
            let cell = format!("{}/{}", record.account, record.region);
            if let Some(turn) = turns.get(&*record.request_id) {
                *polled.entry((*turn, action.clone())).or_default() += 1;
            }
            let here = seconds.entry((cell, action, record.at.as_second())).or_default();
            *here += 1;
            counts.most_at_once = counts.most_at_once.max(*here);
        }
        for ((_, action), calls) in polled {
            *counts.polls_per_turn.entry(action).or_default().entry(calls).or_default() += 1;
        }
        counts
    }

    /// Calls without polling.
    pub fn work(&self) -> u64 {
        self.changing + self.reading
    }
}

fn is_throttled(record: &CallRecord) -> bool {
    use fleetwright_estate::calls::Outcome::{ThrottledByCaller, ThrottledByTenant};
    matches!(record.facts.outcome, ThrottledByCaller | ThrottledByTenant)
}

/// How often an id is read at least in a run, by action: at the scan, before patching, after the
/// reboot and at the end. None where no read of it waits for anything.
fn needed(action: &str) -> Option<u32> {
    match action {
        "ListCommands" => Some(0),
        "DescribeInstanceInformation" => Some(4),
        "DescribeInstancePatchStates" | "DescribeInstanceStatus" => Some(2),
        "DescribeImages" | "DescribeSnapshots" | "ListCommandInvocations" | "GetCommandInvocation" => Some(1),
        _ => None,
    }
}

fn is_polling(reads: &mut HashMap<(String, String), u32>, action: &str, request: &Value) -> bool {
    let Some(needed) = needed(action) else { return false };
    if needed == 0 {
        return true;
    }
    let mut ids = Vec::new();
    collect_ids(request, &mut ids);
    if ids.is_empty() {
        return false;
    }
    let mut news = false;
    for id in ids {
        let read = reads.entry((action.to_owned(), id)).or_default();
        news |= *read < needed;
        *read += 1;
    }
    !news
}

/// Every id in a request: of instances, images, snapshots and commands.
fn collect_ids(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::String(text) if ["i-", "ami-", "snap-", "mi-"].iter().any(|it| text.starts_with(it)) => {
            ids.push(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect_ids(item, ids)),
        Value::Object(members) => {
            let command = members.get("CommandId").and_then(Value::as_str);
            match (command, members.get("InstanceId").and_then(Value::as_str)) {
                (Some(command), Some(host)) => ids.push(format!("{command} {host}")),
                (Some(command), None) => ids.push(command.to_owned()),
                (None, _) => members.values().for_each(|member| collect_ids(member, ids)),
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_read_of_a_fact_is_work_and_its_repetition_is_polling() {
        let mut reads = HashMap::new();
        let mut polls = |action: &str, request: Value| is_polling(&mut reads, action, &request);
        let images = |ids: &[&str]| {
            let numbered = ids.iter().enumerate().map(|(n, id)| (format!("ImageId.{n}"), json!(id)));
            Value::Object(numbered.collect())
        };
        assert!(!polls("DescribeImages", images(&["ami-1", "ami-2"])));
        assert!(polls("DescribeImages", images(&["ami-1", "ami-2"])));
        assert!(!polls("DescribeImages", images(&["ami-1", "ami-3"])), "one of them is new");
        assert!(polls("ListCommands", json!({ "Filters": [] })), "it only tells whether something is over");
        assert!(!polls("ListCommandInvocations", json!({ "CommandId": "c" })));
        assert!(polls("ListCommandInvocations", json!({ "CommandId": "c" })));
        assert!(!polls("GetCommandInvocation", json!({ "CommandId": "c", "InstanceId": "i-1" })));
        assert!(!polls("GetCommandInvocation", json!({ "CommandId": "c", "InstanceId": "i-2" })));
        assert!(!polls("DescribeInstances", json!({ "InstanceId.1": "i-1" })));
        assert!(
            !polls("DescribeInstances", json!({ "InstanceId.1": "i-1" })),
            "identity is proved anew each time"
        );
    }
}
