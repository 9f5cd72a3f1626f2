//! Every change the estate saw is on record, and nothing else is.

use std::collections::BTreeMap;

use fleetwright::staged_run::StagedRun;
use fleetwright_audit::reconcile::{Call, calls};
use fleetwright_audit::{CallResult, Entry, Record, SignedHead, chain, verify};
use fleetwright_estate::calls::{CallKind, CallRecord};
use futures::FutureExt;

/// Calls looked at in one go.
const CALLS: usize = 256;

/// Holds the audit logs of the stage's runs against what the estate was asked to change: the same request
/// ids on both sides, one record before and one after; where the answer was lost, or the process died
/// before it knew, the record before alone, and one for each.
pub(crate) fn audited(staged: &StagedRun, wrong: &mut Vec<String>) {
    let mut recorded = Vec::new();
    let runs = staged.state.journal.runs().now_or_never().expect("a journal in memory answers at once");
    for entry in runs.expect("the runs") {
        let run = entry.run.as_str();
        let trail = staged.state.audit.trail(&entry.run).now_or_never();
        let trail = trail.expect("logs in memory answer at once").expect("a log, or none");
        if trail.log.is_empty() {
            continue;
        }
        let (heads, _) = SignedHead::read_lines(&trail.heads);
        let key = staged.state.audit.public_key().now_or_never().expect("at once").expect("readable");
        let verdict = verify(&trail.log, &heads, key.as_ref());
        wrong.extend(verdict.findings.iter().map(|finding| format!("I27: {run}: {finding}")));
        let records: Vec<Record> = trail
            .log
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .filter_map(|line| chain::read(line).ok())
            .collect();
        wrong.extend(
            records.iter().filter_map(|record| unfounded(record).map(|why| format!("I27: {run}: {why}"))),
        );
        recorded.extend(calls(&records));
    }
    compare(&changes(staged), recorded, wrong);
}

/// What every record before a call says: who, and in what.
fn unfounded(record: &Record) -> Option<String> {
    let Entry::Before(intent) = &record.entry else { return None };
    let complete = !intent.targets.is_empty()
        && intent.actor.session.starts_with("arn:aws:")
        && !intent.actor.person.is_empty()
        && !intent.reason.is_empty();
    (!complete)
        .then(|| format!("record {} does not say who changes what, and why: {intent:?}", record.sequence))
}

/// Everything that could change something, in the order of arrival.
fn changes(staged: &StagedRun) -> Vec<CallRecord> {
    let (mut changes, mut read) = (Vec::new(), 0);
    loop {
        let calls = staged.stage.world.estate.calls(read, CALLS);
        read += calls.len();
        let last = calls.len() < CALLS;
        changes.extend(calls.into_iter().filter(|call| call.facts.kind == CallKind::Mutation));
        if last {
            return changes;
        }
    }
}

fn compare(seen: &[CallRecord], recorded: Vec<Call>, wrong: &mut Vec<String>) {
    let mut by_id = BTreeMap::new();
    let mut without = Vec::new();
    for call in recorded {
        match call.answer.as_ref().and_then(|answer| answer.request_id.clone()) {
            Some(id) => {
                if let Some(twice) = by_id.insert(id.clone(), call) {
                    wrong.push(format!("I27: request {id} is on record twice: {twice:?}"));
                }
            }
            None => without.push(Some(call)),
        }
    }
    for call in seen {
        let told = match by_id.remove(&*call.request_id) {
            Some(told) => Some(told),
            None => without
                .iter_mut()
                .find(|told| told.as_ref().is_some_and(|told| may_be(told, call)))
                .and_then(Option::take),
        };
        match told {
            Some(told) if is(&told, call) => {}
            Some(told) => wrong.push(format!("I27: {call:?} is on record as another: {told:?}")),
            None => wrong.push(format!("I27: {call:?} is not on record")),
        }
    }
    for (id, told) in by_id {
        wrong.push(format!("I27: the estate never saw request {id}: {told:?}"));
    }
}

/// The same action at the same place, on record before it arrived and answered as it was.
fn is(told: &Call, call: &CallRecord) -> bool {
    let intent = &told.intent;
    let answered_so = match told.answer.as_ref().map(|answer| answer.result) {
        Some(CallResult::Done) => call.ok,
        Some(CallResult::Refused) => !call.ok,
        Some(CallResult::NotSent) => false,
        Some(CallResult::Unknown) | None => true,
    };
    let action = intent.action.split_once(':').map(|(_, name)| name);
    // A call whose caller could not be told has no account.
    let account = call.account.is_empty() || *call.account == *intent.account;
    action == Some(&*call.action)
        && account
        && *call.region == *intent.region
        && told.at <= call.at
        && answered_so
}

/// A call without an answer may be this one.
fn may_be(told: &Call, call: &CallRecord) -> bool {
    told.answer.as_ref().is_none_or(|answer| answer.result == CallResult::Unknown) && is(told, call)
}
