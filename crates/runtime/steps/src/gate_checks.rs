//! `gate-checks`: whether a wave is good enough for the next one to begin.
//!
//! Hosts that did not end well are counted by the wave's budget of failures; the gate looks at those
//! that did. What it should look at and cannot, has not passed.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_flow::{End, PlaceId, TargetId};
use fleetwright_model::{Code, ErrorClass, Failure, InstanceId, code};
use fleetwright_patch::plan::notes::{
    GateNote, RebootNote, ValidateNote, VerifyNote,
    step::{GATE_CHECKS, REBOOT, VALIDATE, VERIFY},
};
use fleetwright_patch::plan::policy::{Operation, RebootStrategy};
use fleetwright_patch::plan::{GateWork, PlannedHost};
use fleetwright_ports::SeatHealth;
use jiff::SignedDuration;

use crate::command_wave::report;
use crate::context::{Context, Standing};
use crate::gate_alarms::{self, listed};
use fleetwright_step::{Outcome, Pace, Slot, Step, Turn};

/// The step.
pub(crate) struct GateChecks {
    context: Arc<Context>,
}

/// How often it looks while something cannot be told yet.
const PACE: Pace = Pace { first: 16, longest: 64, share: 16 };
/// So many hosts are named in a message; it has at most 600 characters.
const NAMED: usize = 8;

/// What a gate has found.
#[derive(Default)]
struct Found {
    /// Speaks against the wave: the code, and what in words.
    against: Vec<(&'static Code, String)>,
    /// Could not be told, and time does not help.
    unknown: Vec<String>,
    /// Cannot be told at the moment.
    pending: Vec<String>,
    /// The call that failed for good.
    failure: Option<Failure>,
    hosts: u32,
    not_judged: u32,
}

/// What is said against the hosts of a wave, by host.
#[derive(Default)]
struct Hosts {
    not_compliant: Vec<String>,
    worse: Vec<String>,
    compliance_unknown: Vec<String>,
    not_compared: Vec<String>,
}

impl GateChecks {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    async fn look(&self, place: PlaceId, gate: &GateWork) -> Found {
        let mut found = Found::default();
        self.alarms(place, gate, &mut found).await;
        if gate.compliance || gate.differences {
            self.hosts(place, gate, &mut found);
        }
        if !gate.target_groups.is_empty() {
            self.target_groups(place, gate, &mut found).await;
        }
        found
    }

    async fn alarms(&self, place: PlaceId, gate: &GateWork, found: &mut Found) {
        let read = gate_alarms::read(&self.context, place, &gate.alarms).await;
        if !read.alarming.is_empty() {
            found.against.push((&code::GATE_ALARM, format!("in alarm: {}", listed(&read.alarming))));
        }
        if !read.nowhere.is_empty() {
            found.unknown.push(format!("no such alarm: {}", listed(&read.nowhere)));
        }
        if !read.without_data.is_empty() {
            found.pending.push(format!("alarms without data: {}", listed(&read.without_data)));
        }
        match read.failure {
            Some(failure) if may_pass(failure.class) => found.pending.push(failure.to_string()),
            Some(failure) => found.failure = Some(failure),
            None => {}
        }
    }

    /// The wave's hosts must be healthy where they are registered, and nowhere may everybody be ill.
    async fn target_groups(&self, place: PlaceId, gate: &GateWork, found: &mut Found) {
        let balancers = &self.context.ports().balancers;
        let listed = balancers.registrations(&self.context.cell(place), &gate.target_groups).await;
        if let Some(failure) = listed.failure {
            match may_pass(failure.class) {
                true => found.pending.push(failure.to_string()),
                false => found.failure = Some(failure),
            }
            return;
        }
        let wave: Vec<&InstanceId> = self.context.judged(place, gate).map(|(_, host)| &host.id).collect();
        for pool in &gate.target_groups {
            let here = || listed.items.iter().filter(|it| it.seat.pool == *pool);
            if !here().any(|it| it.health == SeatHealth::Healthy) {
                found.against.push((&code::GATE_FAILED, format!("nobody is healthy in {pool}")));
                continue;
            }
            let of_wave = here().filter(|it| wave.contains(&&it.seat.host));
            let (mut ill, mut pending) = (Vec::new(), Vec::new());
            for it in of_wave {
                match it.health {
                    SeatHealth::Healthy | SeatHealth::Unused => {}
                    SeatHealth::Unhealthy => ill.push(it.seat.host.to_string()),
                    other => pending.push(format!("{} ({})", it.seat.host, other.as_str())),
                }
            }
            if !ill.is_empty() {
                found.against.push((&code::GATE_FAILED, format!("unhealthy in {pool}: {}", named(&ill))));
            }
            if !pending.is_empty() {
                found.pending.push(format!("not healthy yet in {pool}: {}", named(&pending)));
            }
        }
    }

    fn hosts(&self, place: PlaceId, gate: &GateWork, found: &mut Found) {
        let mut hosts = Hosts::default();
        for (target, host) in self.context.judged(place, gate) {
            match self.context.standing(target) {
                Some(standing) if matches!(standing.end, End::Done { .. }) => {
                    found.hosts += 1;
                    self.judge(gate, target, host, &standing, &mut hosts);
                }
                Some(_) => found.not_judged += 1,
                // Its stage is over, so it has ended: whoever should know how does not.
                None => hosts.compliance_unknown.push(host.id.to_string()),
            }
        }
        let Hosts { not_compliant, worse, compliance_unknown, not_compared } = hosts;
        for (what, hosts) in [("not compliant", not_compliant), ("worse than before", worse)] {
            if !hosts.is_empty() {
                found.against.push((&code::GATE_FAILED, format!("{what}: {}", named(&hosts))));
            }
        }
        for (what, hosts) in [("compliance not known", compliance_unknown), ("not compared", not_compared)] {
            if !hosts.is_empty() {
                found.unknown.push(format!("{what}: {}", named(&hosts)));
            }
        }
    }

    /// Judges a host that ended well by what its steps left.
    fn judge(
        &self,
        gate: &GateWork,
        target: TargetId,
        host: &PlannedHost,
        standing: &Standing,
        hosts: &mut Hosts,
    ) {
        let walks =
            |name: &str| self.context.plan().flow.recipe_of(target).steps.iter().any(|it| &*it.name == name);
        // A wave that only scans installs nothing, and is not expected to be compliant afterwards.
        let installs = self.context.plan().operation_of(host) == Operation::Install;
        if gate.compliance && installs && walks(VERIFY) {
            match standing.read_note::<VerifyNote>(VERIFY) {
                None => hosts.compliance_unknown.push(host.id.to_string()),
                Some(note) => {
                    hosts.not_compliant.extend(self.lacking(host, standing, &note));
                }
            }
        }
        if gate.differences && walks(VALIDATE) {
            match standing.read_note::<ValidateNote>(VALIDATE) {
                Some(note) if !note.worse.is_empty() => {
                    hosts.worse.push(format!("{} ({})", host.id, note.worse[0]));
                }
                Some(note) if !note.not_compared.is_empty() => {
                    hosts.not_compared.push(format!("{} ({})", host.id, note.not_compared[0]));
                }
                Some(_) => {}
                None => hosts.not_compared.push(host.id.to_string()),
            }
        }
    }

    /// What a host lacks, in words.
    fn lacking(&self, host: &PlannedHost, standing: &Standing, note: &VerifyNote) -> Option<String> {
        // Without a reboot Patch Manager lists what was installed as waiting for one, also where the
        // operating system says that none is needed, and where the plan does not want one.
        let rebooted = standing.read_note::<RebootNote>(REBOOT).is_none_or(|reboot| reboot.rebooted());
        let due = rebooted && self.context.plan().reboot_of(host) != RebootStrategy::Skip;
        let pending = if due { note.pending_reboot } else { 0 };
        let parts = [(note.missed(), "missing"), (note.failed, "failed"), (pending, "waiting for a reboot")];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!parts.is_empty()).then(|| format!("{} ({})", host.id, parts.join(", ")))
    }

    fn conclude(&self, slot: &Slot, gate: &GateWork, found: Found) -> Outcome {
        let failed = |code, words: &[String]| {
            let words = format!("{}: {}", slot.subject, words.join("; "));
            Outcome::failed(ErrorClass::Permanent, code, GATE_CHECKS, &words)
        };
        if let Some((code, _)) = found.against.first() {
            let words: Vec<String> = found.against.iter().map(|(_, words)| words.clone()).collect();
            return failed(code, &words);
        }
        if let Some(failure) = found.failure {
            return Outcome::Failed(failure);
        }
        if !found.unknown.is_empty() {
            return failed(&code::GATE_UNKNOWN, &found.unknown);
        }
        if !found.pending.is_empty() {
            let now = self.context.now();
            // Its own end, well before the driver's.
            let last = slot.deadline.checked_sub(SignedDuration::from_secs(60)).unwrap_or(slot.deadline);
            if now >= last {
                return failed(&code::GATE_UNKNOWN, &found.pending);
            }
            let at = PACE.next(slot.started_at, now).min(last);
            return Outcome::LookAgain { at, waiting_for: found.pending.join("; ").into() };
        }
        Outcome::done(&GateNote {
            hosts: found.hosts,
            not_judged: found.not_judged,
            alarms: count(gate.alarms.len()),
            target_groups: count(gate.target_groups.len()),
        })
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether a read that failed so may succeed later.
fn may_pass(class: ErrorClass) -> bool {
    matches!(class, ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::Ambiguous)
}

fn named(hosts: &[String]) -> String {
    let first = hosts.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match hosts.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[async_trait]
impl Step for GateChecks {
    fn name(&self) -> &'static str {
        GATE_CHECKS
    }

    async fn turn(&self, turn: Turn<'_>) {
        for (slot, gate) in self.context.gates(GATE_CHECKS, &turn) {
            let found = self.look(turn.place, gate).await;
            report(&turn, slot, self.conclude(slot, gate, found));
        }
    }
}
