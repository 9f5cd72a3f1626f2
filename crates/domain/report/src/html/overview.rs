//! The block that the first picture is made of: the run, its waves and gates, what went wrong, and the
//! columns that are looked at first.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use fleetwright_flow::GateView;
use fleetwright_patch::milestones::Decided;
use fleetwright_patch::outcome::HostOutcome;
use jiff::Timestamp;
use serde::Serialize;

use crate::evidence::{
    CleanUpRecord, GateCheck, GateKind, GateRecord, RunHost, RunRecord, StepOutcome, TrendPoint, gate_state,
};

use super::columns::{self, Block, Head, Seconds, seconds};
use super::standings::{self, Compliance};
use super::{FORMAT, HOSTS_PER_BLOCK};

#[derive(Serialize)]
struct Core<'a> {
    format: &'static str,
    run: RunHead<'a>,
    hosts: usize,
    chunk: usize,
    waves: Vec<Wave<'a>>,
    gates: Vec<Gate<'a>>,
    freezes: Vec<Freeze<'a>>,
    steps: Vec<Step<'a>>,
    errors: Vec<Cause<'a>>,
    gaps: Vec<Gap<'a>>,
    left_out: Vec<LeftOut<'a>>,
    calls: Vec<Call<'a>>,
    cleanups: Vec<CleanUp<'a>>,
    trend: Vec<Point<'a>>,
    compliance: Compliance<'a>,
    columns: Vec<Head>,
}

#[derive(Serialize)]
struct RunHead<'a> {
    name: &'a str,
    digest: &'a str,
    fleetwright: &'a str,
    started_at: Option<Seconds>,
    ended_at: Option<Seconds>,
    status: u16,
    exit: u8,
    verdict: &'static str,
    code: Option<&'static str>,
    reason: Option<&'static str>,
    next_step: Option<&'static str>,
    facts: Vec<(&'static str, Cow<'a, str>)>,
}

type Tally = BTreeMap<&'static str, u32>;

#[derive(Serialize)]
struct Wave<'a> {
    name: &'a str,
    canary: bool,
    started_at: Option<Seconds>,
    ended_at: Option<Seconds>,
    hosts: u32,
    outcomes: Tally,
    max_failures: Option<u32>,
}

#[derive(Serialize)]
struct Gate<'a> {
    stage: &'a str,
    kind: &'static str,
    wave: Option<&'a str>,
    state: &'static str,
    reached_at: Option<Seconds>,
    decided_at: Option<Seconds>,
    rule: Option<String>,
    decisions: Vec<Decision<'a>>,
    checks: Vec<Check<'a>>,
}

#[derive(Serialize)]
struct Decision<'a> {
    at: Seconds,
    by: Option<&'a str>,
    decision: &'static str,
    comment: Option<&'a str>,
    basis: Option<&'a str>,
}

#[derive(Serialize)]
struct Check<'a> {
    name: &'a str,
    place: String,
    result: &'static str,
    text: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Freeze<'a> {
    from: Seconds,
    until: Option<Seconds>,
    by: &'a str,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Step<'a> {
    name: &'a str,
    hosts: u32,
    attempts: u32,
    failed: u32,
    skipped: u32,
    p50: f64,
    p90: f64,
    max: f64,
    total: f64,
}

#[derive(Serialize)]
struct Cause<'a> {
    code: &'a str,
    title: &'static str,
    subject: &'static str,
    class: Option<&'static str>,
    attempts: u32,
    hosts: usize,
    decided: u32,
    meaning: &'static str,
    next_step: &'static str,
    example: Option<&'a str>,
}

#[derive(Serialize)]
struct Gap<'a> {
    zone: Option<&'a str>,
    region: Option<&'a str>,
    subject: &'static str,
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct LeftOut<'a> {
    instance_id: &'a str,
    name: Option<&'a str>,
    zone: &'a str,
    region: &'a str,
    codes: Vec<&'a str>,
    detail: Option<&'a str>,
}

#[derive(Serialize)]
struct Call<'a> {
    action: &'a str,
    sent: u64,
    throttled: u64,
}

#[derive(Serialize)]
struct CleanUp<'a> {
    zone: &'a str,
    region: &'a str,
    outcome: &'static str,
    text: Cow<'a, str>,
}

#[derive(Serialize)]
struct Point<'a> {
    run: &'a str,
    at: Seconds,
    hosts: u32,
    succeeded: u32,
    judged: u32,
    compliant: u32,
    patches_missing: u64,
}

/// Writes the block.
///
/// # Errors
/// What the writer says.
pub(super) fn write(json: &mut impl Write, record: &RunRecord<'_>) -> io::Result<()> {
    let head = serde_json::to_vec(&core(record))?;
    // The columns are written one by one and never all held at once.
    json.write_all(head.strip_suffix(b"}").unwrap_or(&head))?;
    json.write_all(b",\"data\":{")?;
    columns::write_data(json, record, Block::Core)?;
    json.write_all(b"}}")
}

fn core<'a>(record: &'a RunRecord<'a>) -> Core<'a> {
    let mut calls: Vec<Call<'_>> = record
        .calls
        .iter()
        .map(|(action, count)| Call { action, sent: count.sent, throttled: count.throttled })
        .collect();
    calls.sort_by(|a, b| b.sent.cmp(&a.sent).then(a.action.cmp(b.action)));
    Core {
        format: FORMAT,
        run: run(record),
        hosts: record.hosts.len(),
        chunk: HOSTS_PER_BLOCK,
        waves: waves(record),
        gates: record.gates.iter().map(|gate| self::gate(record, gate)).collect(),
        freezes: record
            .milestones
            .freezes
            .iter()
            .map(|it| Freeze {
                from: seconds(it.from),
                until: it.until.map(seconds),
                by: &it.by,
                reason: it.reason.as_deref(),
            })
            .collect(),
        steps: steps(&record.hosts),
        errors: causes(record),
        gaps: gaps(record),
        left_out: left_out(record),
        calls,
        cleanups: record.clean_ups.iter().map(clean_up).collect(),
        trend: record.trend.iter().map(point).collect(),
        compliance: standings::of(record),
        columns: columns::heads(),
    }
}

fn run<'a>(record: &'a RunRecord<'a>) -> RunHead<'a> {
    let header = &record.header;
    let verdict = match header.status {
        200 => "Complete",
        202 => "Under way",
        206 => "Partial",
        _ => "Failed",
    };
    RunHead {
        name: &header.run,
        digest: &header.digest,
        fleetwright: &header.fleetwright,
        started_at: header.started_at.map(seconds),
        ended_at: header.ended_at.filter(|_| header.status != 202).map(seconds),
        status: header.status,
        exit: header.exit.number(),
        verdict,
        code: header.code,
        reason: header.reason,
        next_step: header.next_step,
        facts: facts(record),
    }
}

fn facts<'a>(record: &'a RunRecord<'a>) -> Vec<(&'static str, Cow<'a, str>)> {
    let header = &record.header;
    let at = |time: Timestamp| Cow::Owned(format!("{time:.0}"));
    let phases: Vec<_> = header.phases.iter().map(|phase| phase.as_str()).collect();
    let mut facts: Vec<(&'static str, Cow<'a, str>)> = vec![
        ("Phases", phases.join(", ").into()),
        ("Planned", at(header.planned_at)),
        ("Planned by", Cow::Borrowed(&header.planned_by)),
        ("Fleet read", at(header.scanned.finished)),
    ];
    facts.extend(header.parent.as_ref().map(|parent| {
        let relation = serde_json::to_value(parent.relation).ok();
        let relation = relation.as_ref().and_then(|it| it.as_str()).unwrap_or("continues").to_owned();
        ("Continues", Cow::Owned(format!("{} ({relation})", parent.run)))
    }));
    facts.extend(header.owners.iter().map(|owner| ("Driven by", Cow::Borrowed(&*owner.name))));
    if let Some(audit) = &header.audit {
        facts.push(("Audit records", audit.records.to_string().into()));
        facts.push(("Audit head", Cow::Borrowed(&audit.hash)));
        facts.extend(audit.key.as_deref().map(|key| ("Signed with", Cow::Borrowed(key))));
    }
    facts
}

fn waves<'a>(record: &'a RunRecord<'a>) -> Vec<Wave<'a>> {
    let tally =
        |outcomes: &[(HostOutcome, u32)]| outcomes.iter().map(|(it, hosts)| (it.as_str(), *hosts)).collect();
    record
        .waves
        .iter()
        .map(|wave| Wave {
            name: &wave.name,
            canary: wave.canary,
            started_at: wave.started_at.map(seconds),
            ended_at: wave.ended_at.map(seconds),
            hosts: wave.hosts,
            outcomes: tally(&wave.outcomes),
            max_failures: wave.max_failures,
        })
        .collect()
}

fn gate<'a>(record: &'a RunRecord<'a>, gate: &'a GateRecord) -> Gate<'a> {
    let rejected = gate.decisions.last().is_some_and(|made| made.decision == Decided::Rejected);
    let state = match (gate.kind, gate.state) {
        (GateKind::Checks, GateView::Approved) => "passed",
        (GateKind::Checks, GateView::Closed) => "failed",
        (GateKind::Approval, GateView::Closed) if rejected => "rejected",
        (_, state) => gate_state(state),
    };
    let rule = match (gate.kind, gate.needed) {
        (GateKind::Approval, 2..) => Some(format!("{} different people have to approve", gate.needed)),
        _ => None,
    };
    Gate {
        stage: &gate.name,
        kind: gate.kind.as_str(),
        wave: gate.wave.and_then(|wave| record.waves.get(usize::from(wave))).map(|wave| &*wave.name),
        state,
        reached_at: gate.reached_at.map(seconds),
        decided_at: gate.decided_at.map(seconds),
        rule,
        decisions: gate
            .decisions
            .iter()
            .map(|made| Decision {
                at: seconds(made.at),
                by: made.by.as_deref(),
                decision: made.decision.as_str(),
                comment: made.reason.as_deref(),
                basis: made.basis.as_deref().or(gate.basis.as_deref()),
            })
            .collect(),
        checks: gate.checks.iter().map(check).collect(),
    }
}

fn check(check: &GateCheck) -> Check<'_> {
    let said = check.visit.trouble.as_deref().map(|it| match it.message.as_deref() {
        Some(message) => Cow::Owned(format!("{}: {message}", it.code)),
        None => Cow::Borrowed(&*it.code),
    });
    Check {
        name: &check.visit.step,
        place: format!("{} / {}", check.zone, check.region),
        result: check.visit.outcome.as_str(),
        text: said.or_else(|| check.note.as_deref().map(Cow::Borrowed)),
    }
}

/// How long each step took on its hosts, in the order in which hosts met them.
fn steps<'a>(hosts: &'a [RunHost<'a>]) -> Vec<Step<'a>> {
    let mut found: Vec<(&str, Durations)> = Vec::new();
    for (place, host) in hosts.iter().enumerate() {
        let mut before = None;
        for visit in &host.timeline {
            let at = found.iter().position(|(name, _)| *name == &*visit.step).unwrap_or_else(|| {
                // Right after the step it followed, which is where most hosts have it.
                let at = before.map_or(found.len(), |before: usize| before + 1);
                found.insert(at, (&visit.step, Durations::default()));
                at
            });
            before = Some(at);
            let durations = &mut found[at].1;
            match visit.outcome {
                StepOutcome::Skipped => durations.skipped += 1,
                StepOutcome::Failed => durations.failed += 1,
                _ => {}
            }
            let Some(ended) = visit.ended_at.filter(|_| visit.outcome != StepOutcome::Skipped) else {
                continue;
            };
            durations.seconds.push(tenths(visit.started_at, ended));
            if durations.last_host != Some(place) {
                (durations.last_host, durations.hosts) = (Some(place), durations.hosts + 1);
            }
        }
    }
    let steps = found.into_iter().filter(|(_, durations)| !durations.seconds.is_empty());
    steps.map(|(name, durations)| durations.figures(name)).collect()
}

#[derive(Default)]
struct Durations {
    /// Tenths of seconds.
    seconds: Vec<u32>,
    hosts: u32,
    last_host: Option<usize>,
    failed: u32,
    skipped: u32,
}

impl Durations {
    fn figures(mut self, name: &str) -> Step<'_> {
        self.seconds.sort_unstable();
        let last = self.seconds.len().saturating_sub(1);
        let at = |share: usize| {
            self.seconds.get(last * share / 100).map_or(0.0, |tenths| f64::from(*tenths) / 10.0)
        };
        Step {
            name,
            hosts: self.hosts,
            attempts: u32::try_from(self.seconds.len()).unwrap_or(u32::MAX),
            failed: self.failed,
            skipped: self.skipped,
            p50: at(50),
            p90: at(90),
            max: at(100),
            total: self.seconds.iter().map(|tenths| f64::from(*tenths)).sum::<f64>() / 10.0,
        }
    }
}

fn tenths(from: Timestamp, until: Timestamp) -> u32 {
    u32::try_from(until.duration_since(from).as_millis() / 100).unwrap_or(0)
}

fn causes<'a>(record: &'a RunRecord<'a>) -> Vec<Cause<'a>> {
    record
        .errors
        .iter()
        .map(|group| Cause {
            code: &group.code,
            title: group.title,
            subject: group.subject.as_str(),
            class: group.class.map(|class| class.as_str()),
            attempts: group.attempts,
            hosts: group.hosts.len(),
            decided: group.decided,
            meaning: group.meaning,
            next_step: group.next_step,
            example: group.example.as_deref(),
        })
        .collect()
}

fn gaps<'a>(record: &'a RunRecord<'a>) -> Vec<Gap<'a>> {
    let gaps = record.gaps.iter();
    gaps.map(|gap| Gap {
        zone: gap.zone.as_ref().map(|zone| zone.as_str()),
        region: gap.region.as_ref().map(|region| region.as_str()),
        subject: gap.subject.as_str(),
        code: &gap.code,
        message: &gap.message,
    })
    .collect()
}

fn left_out<'a>(record: &'a RunRecord<'a>) -> Vec<LeftOut<'a>> {
    let hosts = record.left_out.iter();
    hosts
        .map(|host| LeftOut {
            instance_id: host.id.as_str(),
            name: host.name.as_deref(),
            zone: host.zone.as_str(),
            region: host.region.as_str(),
            codes: host.reasons.iter().map(|code| &**code).collect(),
            detail: host.detail.as_deref(),
        })
        .collect()
}

fn clean_up(it: &CleanUpRecord) -> CleanUp<'_> {
    let counts =
        [(it.images, "images deregistered"), (it.snapshots, "snapshots deleted"), (it.kept, "images kept")];
    let counts: Vec<String> =
        counts.into_iter().filter_map(|(count, what)| count.map(|count| format!("{count} {what}"))).collect();
    let text = match (&it.message, &it.code) {
        (Some(message), _) => Cow::Borrowed(&**message),
        (None, Some(code)) if counts.is_empty() => Cow::Borrowed(&**code),
        _ => counts.join(", ").into(),
    };
    CleanUp { zone: it.zone.as_str(), region: it.region.as_str(), outcome: it.outcome.as_str(), text }
}

fn point(it: &TrendPoint) -> Point<'_> {
    Point {
        run: &it.run,
        at: seconds(it.at),
        hosts: it.hosts,
        succeeded: it.succeeded,
        judged: it.judged,
        compliant: it.compliant,
        patches_missing: it.patches_missing,
    }
}
