//! What AWS itself says of hosts after patching: status checks and agents, CPU, alarms.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_flow::PlaceId;
use fleetwright_model::InstanceId;
use fleetwright_patch::plan::policy::MetricTolerance;
use fleetwright_ports::AlarmState;
use jiff::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::recovery::{Awaited, Condition, conditions};

/// The metric that is compared.
const CPU: &str = "CPUUtilization";
/// Over this long before the scan, the baseline is taken.
const BASELINE: SignedDuration = SignedDuration::from_hours(1);
/// Over this long before now, the state after is taken: two of CloudWatch's five-minute periods.
const LATELY: SignedDuration = SignedDuration::from_mins(10);

/// What one host's checks came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Health {
    /// Checks that were made.
    pub(crate) checks: u32,
    /// Not in order; time may help.
    pub(crate) worse: Vec<String>,
    /// An alarm or metric among those.
    pub(crate) alarm: bool,
    /// Could not be judged.
    pub(crate) not_compared: Vec<String>,
    /// Cannot be compared because of what the host was before: a fact, and no doubt about it.
    pub(crate) facts: Vec<String>,
    /// True where time may help with that.
    pub(crate) pending: bool,
    /// The instance does not exist any more.
    pub(crate) gone: bool,
}

/// Looks at all of them in as few calls as there are kinds of facts. Instances that were `stopped`
/// before the run have no load from then.
pub(crate) async fn health(
    context: &Context,
    place: PlaceId,
    hosts: &[Awaited],
    stopped: &BTreeSet<InstanceId>,
) -> BTreeMap<InstanceId, Health> {
    let mut found: BTreeMap<InstanceId, Health> =
        hosts.iter().map(|it| (it.id.clone(), Health::default())).collect();
    if hosts.is_empty() {
        return found;
    }
    let policy = &context.plan().policy.validate;
    if policy.health_checks || policy.ssm_ping {
        for (it, condition) in hosts.iter().zip(conditions(context, place, hosts).await) {
            if let Some(health) = found.get_mut(&it.id) {
                judge_condition(context, health, &condition);
            }
        }
    }
    if let Some(points) = policy.cpu_rise_points {
        compare_cpu(context, place, points, stopped, &mut found).await;
    }
    for tolerance in &policy.metrics {
        compare_metric(context, place, tolerance, stopped, &mut found).await;
    }
    if !policy.alarms.is_empty() {
        read_alarms(context, place, &mut found).await;
    }
    found
}

fn judge_condition(context: &Context, health: &mut Health, condition: &Condition) {
    let policy = &context.plan().policy.validate;
    health.checks += u32::from(policy.health_checks) + u32::from(policy.ssm_ping);
    match condition {
        Condition::Up => {}
        Condition::Gone => health.gone = true,
        Condition::ChecksPending { .. } | Condition::NotRunning(_) if policy.health_checks => {
            health.worse.push(format!("status checks: waiting for {}", condition.waiting_for()));
        }
        Condition::AgentSilent if policy.ssm_ping => {
            health.worse.push("agent: has not answered since the last boot".to_owned());
        }
        Condition::Unchecked(failure) => {
            health.pending = true;
            health.not_compared.push(format!("status checks: {failure}"));
        }
        // Not asked for; the survey has shown that the agent works.
        Condition::ChecksPending { .. } | Condition::NotRunning(_) | Condition::AgentSilent => {}
    }
}

/// The mean of the last minutes against that of the hour before the fleet was read.
async fn compare_cpu(
    context: &Context,
    place: PlaceId,
    points: u32,
    stopped: &BTreeSet<InstanceId>,
    found: &mut BTreeMap<InstanceId, Health>,
) {
    for (_, health) in found.iter_mut().filter(|(id, _)| stopped.contains(*id)) {
        health.facts.push("CPU: not compared, it was stopped before the run".to_owned());
    }
    let ids: Vec<InstanceId> = found.keys().filter(|id| !stopped.contains(*id)).cloned().collect();
    if ids.is_empty() {
        return;
    }
    let (scan, now) = (context.plan().scanned.finished, context.now());
    let before = means(context, place, CPU, &ids, scan.checked_sub(BASELINE).unwrap_or(scan), scan).await;
    let after = means(context, place, CPU, &ids, now.checked_sub(LATELY).unwrap_or(now), now).await;
    for (id, health) in found.iter_mut().filter(|(id, _)| !stopped.contains(*id)) {
        health.checks += 1;
        match (before.get(id), after.get(id)) {
            (Some(before), Some(after)) if after - before > f64::from(points) => {
                health.alarm = true;
                health.worse.push(format!("CPU: {after:.0} % now, {before:.0} % before"));
            }
            (Some(_), Some(_)) => {}
            (None, _) => health.not_compared.push("CPU: no measurement from before".to_owned()),
            // CloudWatch's periods are five minutes: what is not measured yet may be soon.
            (_, None) => {
                health.pending = true;
                health.not_compared.push("CPU: no measurement since".to_owned());
            }
        }
    }
}

/// The same for any metric, with a tolerance in percent.
async fn compare_metric(
    context: &Context,
    place: PlaceId,
    tolerance: &MetricTolerance,
    stopped: &BTreeSet<InstanceId>,
    found: &mut BTreeMap<InstanceId, Health>,
) {
    let name = &tolerance.metric;
    for (_, health) in found.iter_mut().filter(|(id, _)| stopped.contains(*id)) {
        health.facts.push(format!("{name}: not compared, it was stopped before the run"));
    }
    let ids: Vec<InstanceId> = found.keys().filter(|id| !stopped.contains(*id)).cloned().collect();
    if ids.is_empty() {
        return;
    }
    let (scan, now) = (context.plan().scanned.finished, context.now());
    let before = means(context, place, name, &ids, scan.checked_sub(BASELINE).unwrap_or(scan), scan).await;
    let after = means(context, place, name, &ids, now.checked_sub(LATELY).unwrap_or(now), now).await;
    for (id, health) in found.iter_mut().filter(|(id, _)| !stopped.contains(*id)) {
        health.checks += 1;
        let (Some(then), Some(current)) = (before.get(id), after.get(id)) else {
            // What was not measured yet may be soon; what was not measured before will not be any more.
            health.pending |= before.contains_key(id);
            let when = if before.contains_key(id) { "since" } else { "from before" };
            health.not_compared.push(format!("{name}: no measurement {when}"));
            continue;
        };
        match tolerance.is_exceeded(*then, *current) {
            Some(false) => {}
            Some(true) => {
                health.alarm = true;
                health.worse.push(format!("{name}: {current:.1} now, {then:.1} before"));
            }
            None => health.facts.push(format!("{name}: not compared, it was {then:.1} before")),
        }
    }
}

async fn means(
    context: &Context,
    place: PlaceId,
    metric: &str,
    ids: &[InstanceId],
    from: Timestamp,
    until: Timestamp,
) -> BTreeMap<InstanceId, f64> {
    let listing = context.ports().metrics.means(&context.cell(place), metric, ids, from, until).await;
    if let Some(failure) = &listing.failure {
        tracing::warn!(%failure, metric, "a metric was not read for every host");
    }
    listing.items.into_iter().filter_map(|it| Some((it.host, it.mean?))).collect()
}

/// Alarms are of the cell: each concerns all of its hosts.
async fn read_alarms(context: &Context, place: PlaceId, found: &mut BTreeMap<InstanceId, Health>) {
    let names = &context.plan().policy.validate.alarms;
    let listing = context.ports().metrics.alarms(&context.cell(place), names).await;
    for name in names {
        let state = listing.items.iter().find(|alarm| alarm.name == *name).map(|alarm| alarm.state);
        for health in found.values_mut() {
            health.checks += 1;
            match (state, &listing.failure) {
                (Some(AlarmState::Ok), _) => {}
                (Some(AlarmState::Alarm), _) => {
                    health.alarm = true;
                    health.worse.push(format!("alarm {name}: in alarm"));
                }
                (Some(AlarmState::InsufficientData), _) => {
                    health.not_compared.push(format!("alarm {name}: has insufficient data"));
                }
                (None, Some(failure)) => {
                    health.pending = true;
                    health.not_compared.push(format!("alarm {name}: {failure}"));
                }
                (None, None) => health.not_compared.push(format!("alarm {name}: does not exist")),
            }
        }
    }
}
