//! I15, I23 and I33: a stop holds, only planned instances are changed, and what was started is
//! stopped again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::evidence::{Evidence, Place, named};
use super::{Finding, Invariant, Phase, Run};
use crate::call::Service;
use crate::calls::CallRecord;
use crate::policy::pattern;
use crate::world::ids::InstanceId;
use crate::world::instance::InstanceState;

pub(super) fn check(evidence: &Evidence<'_>, run: &Run) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut started: BTreeMap<(&str, &str), BTreeSet<InstanceId>> = BTreeMap::new();
    for record in evidence.changes().filter(|record| record.at >= run.since) {
        let mut found = |invariant, detail: String| {
            findings.push(Finding { invariant, detail, call: Some(record.request_id.to_string()) });
        };
        if let Some(detail) = after_stop(record, run) {
            found(Invariant::I15, detail);
        }
        let Some(place) = evidence.place(record) else { continue };
        let own = started.entry((place.account, place.code)).or_default();
        if !run.planned.is_empty() && matches!(record.service, Service::Ec2 | Service::Ssm) {
            for id in named(record) {
                if let Some(detail) = unplanned(record, place, id, own, run) {
                    found(Invariant::I23, detail);
                }
            }
        }
        if &*record.action == "StartInstances" {
            own.extend(named(record).into_iter().filter(|id| began(place, *id, record.at)));
        }
    }
    if run.phase == Phase::Ended {
        for (at, ids) in &started {
            let Some(place) = evidence.places.get(at) else { continue };
            findings.extend(ids.iter().filter_map(|id| left_running(place, *id)));
        }
    }
    findings
}

fn after_stop(record: &CallRecord, run: &Run) -> Option<String> {
    let (stop, _) =
        run.stops.iter().find(|(stop, who)| record.at > *stop && pattern::matches(who, &record.principal))?;
    Some(format!(
        "{} {} changed something at {}, though {} had been stopped at {stop}",
        record.service.name(),
        record.action,
        record.at,
        record.principal
    ))
}

/// Why a change to this instance was not part of the plan.
fn unplanned(
    record: &CallRecord,
    place: &Place<'_>,
    id: InstanceId,
    own: &BTreeSet<InstanceId>,
    run: &Run,
) -> Option<String> {
    let action = &record.action;
    let Some(planned) = run.planned.get(&id.to_string()) else {
        return Some(format!("{action} changed {id}, which the plan does not name"));
    };
    // A start of the run's own moves the launch time as well.
    let launched = place.launched(id, record.at).filter(|_| !own.contains(&id))?;
    (launched > *planned).then(|| {
        format!("{action} changed {id}, launched at {launched} and planned as launched at {planned}")
    })
}

/// True where the instance was really started by a call at that moment.
fn began(place: &Place<'_>, id: InstanceId, at: Timestamp) -> bool {
    let states = place.states.get(&id).map(Vec::as_slice).unwrap_or_default();
    states.contains(&(at, InstanceState::Pending))
}

fn left_running(place: &Place<'_>, id: InstanceId) -> Option<Finding> {
    let state = place.state(id)?;
    let up = matches!(state, InstanceState::Pending | InstanceState::Running);
    up.then(|| Finding {
        invariant: Invariant::I33,
        detail: format!(
            "{id} in {} {} was started and is {} at the end",
            place.account,
            place.code,
            state.name()
        ),
        call: None,
    })
}
