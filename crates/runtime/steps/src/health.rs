//! What AWS itself says of hosts after patching: status checks and agents, CPU, alarms.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_flow::PlaceId;
use fleetwright_model::InstanceId;
use fleetwright_patch::plan::policy::MetricTolerance;
use fleetwright_ports::AlarmState;
use jiff::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::measured;
use crate::recovery::{Awaited, Condition, conditions};

/// The metric that is compared.
const CPU: &str = "CPUUtilization";
/// Over this long before the scan, the baseline is taken.
const BASELINE: SignedDuration = SignedDuration::from_hours(1);

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

/// Instances whose metrics are compared, and since when they have been measured as they are now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// Those that were stopped before the run: they have no load from then.
    pub(crate) stopped: BTreeSet<InstanceId>,
    /// When validation of each began.
    pub(crate) since: BTreeMap<InstanceId, Timestamp>,
}

impl Measured {
    /// Those of them that can be compared.
    fn comparable<'a>(&self, of: impl Iterator<Item = &'a InstanceId>) -> Vec<(InstanceId, Timestamp)> {
        let running = of.filter(|id| !self.stopped.contains(*id));
        running.filter_map(|id| Some((id.clone(), *self.since.get(id)?))).collect()
    }
}

/// Looks at all of them in as few calls as there are kinds of facts.
pub(crate) async fn health(
    context: &Context,
    place: PlaceId,
    hosts: &[Awaited],
    measured: &Measured,
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
        compare_cpu(context, place, points, measured, &mut found).await;
    }
    for tolerance in &policy.metrics {
        compare_metric(context, place, tolerance, measured, &mut found).await;
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
    measured: &Measured,
    found: &mut BTreeMap<InstanceId, Health>,
) {
    for (_, health) in found.iter_mut().filter(|(id, _)| measured.stopped.contains(*id)) {
        health.facts.push("CPU: not compared, it was stopped before the run".to_owned());
    }
    let hosts = measured.comparable(found.keys());
    if hosts.is_empty() {
        return;
    }
    let (before, after) = before_and_since(context, place, CPU, hosts).await;
    for (id, health) in found.iter_mut().filter(|(id, _)| !measured.stopped.contains(*id)) {
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

/// The means of a metric over the hour before the fleet was read, and since the hosts are as they are now.
async fn before_and_since(
    context: &Context,
    place: PlaceId,
    metric: &str,
    hosts: Vec<(InstanceId, Timestamp)>,
) -> (BTreeMap<InstanceId, f64>, BTreeMap<InstanceId, f64>) {
    let scan = context.plan().scanned.finished;
    let ids: Vec<InstanceId> = hosts.iter().map(|(id, _)| id.clone()).collect();
    let from = scan.checked_sub(BASELINE).unwrap_or(scan);
    let before = measured::means(context, place, metric, &ids, from, scan).await;
    (before, measured::since(context, place, metric, hosts).await)
}

/// The same for any metric, with a tolerance in percent.
async fn compare_metric(
    context: &Context,
    place: PlaceId,
    tolerance: &MetricTolerance,
    measured: &Measured,
    found: &mut BTreeMap<InstanceId, Health>,
) {
    let name = &tolerance.metric;
    for (_, health) in found.iter_mut().filter(|(id, _)| measured.stopped.contains(*id)) {
        health.facts.push(format!("{name}: not compared, it was stopped before the run"));
    }
    let hosts = measured.comparable(found.keys());
    if hosts.is_empty() {
        return;
    }
    let (before, after) = before_and_since(context, place, name, hosts).await;
    for (id, health) in found.iter_mut().filter(|(id, _)| !measured.stopped.contains(*id)) {
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
