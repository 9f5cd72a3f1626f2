//! The tables of the run as a whole: its summary, waves, gates, errors, and what is not in it.

use fleetwright_model::Phase;
use fleetwright_model::redaction::redact;
use fleetwright_patch::milestones::{DecisionMade, FreezePeriod};
use fleetwright_patch::outcome::HostOutcome;
use fleetwright_patch::plan::{LeftOut, PlannedGap, Relation};

use super::instances::{classes, next_step, outcomes, seconds, step_outcomes, title, wave_name};
use super::{Column, Kind, Rows, Subject, Value};
use crate::evidence::{
    CleanUpRecord, ErrorGroup, ErrorSubject, GateCheck, GateKind, GateRecord, OwnerRecord, RunHeader,
    RunRecord, WaveRecord, gate_state,
};
use crate::json::CallCount;

macro_rules! table {
    ($(#[$doc:meta])* $name:ident, $row:ty, $table:literal, $element:literal, $about:literal, $rows:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl Subject for $name {
            type Row<'a> = $row;
            const NAME: &'static str = $table;
            const ROW: &'static str = $element;
            const DOC: &'static str = $about;

            fn columns() -> Vec<Column<Self>> {
                Self::own()
            }

            fn rows<'a>(record: &'a RunRecord<'a>) -> Rows<'a, Self> {
                let rows: for<'b> fn(&'b RunRecord<'b>) -> Rows<'b, Self> = $rows;
                rows(record)
            }
        }
    };
}

table!(
    /// The run as a whole: one row.
    Summary, &'a RunHeader, "run", "run", "The run as a whole.",
    |record| Box::new(std::iter::once(&record.header))
);

table!(
    /// Waves.
    Waves, &'a WaveRecord, "waves", "wave", "The waves of the run, in order.",
    |record| Box::new(record.waves.iter())
);

table!(
    /// Gates.
    Gates, &'a GateRecord, "gates", "gate", "The gates of the run: where people decide, and what is looked at between waves.",
    |record| Box::new(record.gates.iter())
);

table!(
    /// Decisions at gates.
    Approvals, (&'a GateRecord, &'a DecisionMade), "approvals", "decision",
    "Who decided what at which gate, when, about what, and why.",
    |record| Box::new(record.gates.iter().flat_map(|gate| gate.decisions.iter().map(move |made| (gate, made))))
);

table!(
    /// Looks between waves.
    GateChecks, (&'a GateRecord, &'a GateCheck), "gate_checks", "check",
    "What was looked at between waves, for the instances of one region of one landing zone each.",
    |record| Box::new(record.gates.iter().flat_map(|gate| gate.checks.iter().map(move |check| (gate, check))))
);

table!(
    /// Freezes.
    Freezes, &'a FreezePeriod, "freezes", "freeze", "When no instance was begun because somebody, or a calendar, had frozen the run.",
    |record| Box::new(record.milestones.freezes.iter())
);

table!(
    /// Errors.
    Errors, &'a ErrorGroup, "errors", "error",
    "Everything that went wrong, by code: what it concerns, what it means, what to do next.",
    |record| Box::new(record.errors.iter())
);

table!(
    /// Hosts that were left out.
    LeftOuts, &'a LeftOut, "left_out", "left_out_instance",
    "Instances of the selection that were not worked on, and why.",
    |record| Box::new(record.left_out.iter())
);

table!(
    /// What could not be read.
    Gaps, &'a PlannedGap, "gaps", "gap", "What could not be read when the plan was made: instances there are not in the run.",
    |record| Box::new(record.gaps.iter())
);

table!(
    /// Old images that were deleted.
    CleanUps, &'a CleanUpRecord, "clean_ups", "clean_up", "Images past their retention that were deleted, region by region.",
    |record| Box::new(record.clean_ups.iter())
);

table!(
    /// Processes that drove the run.
    Owners, &'a OwnerRecord, "owners", "owner", "The processes that drove the run, in order.",
    |record| Box::new(record.header.owners.iter())
);

table!(
    /// Calls to AWS.
    Calls, (&'a str, CallCount), "calls", "call", "Calls sent to AWS, by IAM action, as far as they were counted.",
    |record| Box::new(record.calls.iter().map(|(action, count)| (action.as_str(), *count)))
);

/// Hosts with one outcome.
fn count(record: &RunRecord<'_>, outcome: HostOutcome) -> Value<'static> {
    let hosts = record.waves.iter().flat_map(|wave| &wave.outcomes);
    Value::Integer(hosts.filter(|(of, _)| *of == outcome).map(|(_, hosts)| u64::from(*hosts)).sum())
}

fn length<T>(items: &[T]) -> Value<'static> {
    Value::Integer(items.len() as u64)
}

/// A share in percent, to a tenth; none of nothing.
pub fn percent(part: u64, whole: u64) -> Option<f64> {
    let tenths = part.saturating_mul(1_000).checked_div(whole)?;
    #[expect(clippy::cast_precision_loss, reason = "at most 1,000")]
    let percent = tenths as f64 / 10.0;
    Some(percent)
}

/// A text that is not the record's own, cleared of secrets.
fn secret_free(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Absent, |text| Value::Text(redact(text)))
}

fn number(number: Option<f64>) -> Value<'static> {
    number.map_or(Value::Absent, Value::Number)
}

impl Summary {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("run_id", Kind::Text, "The run.", |_, h| Value::text(Some(&h.run))).always(),
            Column::<Self>::new("plan_digest", Kind::Text, "SHA-256 of its plan's canonical form, hexadecimal.", |_, h| Value::text(Some(&h.digest))).always(),
            Column::<Self>::new("fleetwright", Kind::Text, "The version that wrote the report.", |_, h| Value::text(Some(&h.fleetwright))).always(),
            Column::<Self>::new("planned_by", Kind::Text, "The program that made the plan.", |_, h| Value::text(Some(&h.planned_by))).always(),
            Column::<Self>::new("planned_at", Kind::Time, "When the plan was made.", |_, h| Value::Time(h.planned_at)).always(),
            Column::<Self>::new("scanned_at", Kind::Time, "When the fleet had been read.", |_, h| Value::Time(h.scanned.finished)).always(),
            Column::<Self>::new("phases", Kind::List, "The phases that were planned.", |_, h| Value::list(h.phases.iter().map(|phase: &Phase| phase.as_str()))),
            Column::<Self>::new("parent_run", Kind::Text, "The run it continues.", |_, h| Value::text(h.parent.as_ref().map(|parent| &*parent.run))),
            Column::<Self>::new("relation", Kind::Text, "How it continues that: retry, rollback or phase.", |_, h| Value::text(h.parent.as_ref().map(|parent| match parent.relation {
                Relation::Retry => "retry",
                Relation::Rollback => "rollback",
                Relation::Phase => "phase",
            }))),
            Column::<Self>::new("started_at", Kind::Time, "When it was opened.", |_, h| Value::time(h.started_at)),
            Column::<Self>::new("ended_at", Kind::Time, "When its last record was written.", |_, h| Value::time(h.ended_at)),
            Column::<Self>::new("seconds", Kind::Integer, "Seconds between the two.", |_, h| Value::Integer(h.seconds)).always(),
            Column::<Self>::new("expected_seconds", Kind::Integer, "Seconds the plan expected, decisions of people left out.", |_, h| Value::Integer(h.estimate.seconds)).always(),
            Column::<Self>::new("status", Kind::Integer, "200 complete, 202 under way, 206 partial, 500 did not reach its end.", |_, h| Value::Integer(h.status.into())).always(),
            Column::<Self>::new("exit_code", Kind::Integer, "The exit code of the command.", |_, h| Value::Integer(h.exit.number().into())).always(),
            Column::<Self>::new("code", Kind::Text, "The code of why it is not plain success.", |_, h| Value::text(h.code)),
            Column::<Self>::new("reason", Kind::Text, "The same in a few words.", |_, h| Value::text(h.reason)),
            Column::<Self>::new("next_step", Kind::Text, "What to do next.", |_, h| Value::text(h.next_step)),
            Column::<Self>::new("instances", Kind::Integer, "Instances of the run.", |record, _| length(&record.hosts)).always(),
            Column::<Self>::new("success", Kind::Integer, "Instances that ended in success.", |record, _| count(record, HostOutcome::Success)).always(),
            Column::<Self>::new("partial", Kind::Integer, "Instances that are in service, with something left to look at.", |record, _| count(record, HostOutcome::Partial)).always(),
            Column::<Self>::new("skipped", Kind::Integer, "Instances that were left as they were.", |record, _| count(record, HostOutcome::Skipped)).always(),
            Column::<Self>::new("not_ready", Kind::Integer, "Instances that a check kept from being patched.", |record, _| count(record, HostOutcome::NotReady)).always(),
            Column::<Self>::new("unreachable", Kind::Integer, "Instances whose agent does not answer.", |record, _| count(record, HostOutcome::Unreachable)).always(),
            Column::<Self>::new("rolled_back", Kind::Integer, "Instances that were put back to their image.", |record, _| count(record, HostOutcome::RolledBack)).always(),
            Column::<Self>::new("failed", Kind::Integer, "Instances on which a step failed.", |record, _| count(record, HostOutcome::Failed)).always(),
            Column::<Self>::new("stuck", Kind::Integer, "Instances that need a person.", |record, _| count(record, HostOutcome::Stuck)).always(),
            Column::<Self>::new("open", Kind::Integer, "Instances the run has not ended for.", |record, _| count(record, HostOutcome::Open)).always(),
            Column::<Self>::new("success_percent", Kind::Number, "Share of the instances that ended in success, in percent.", |record, _| {
                let well = record.hosts.iter().filter(|host| host.outcome == HostOutcome::Success).count();
                number(percent(well as u64, record.hosts.len() as u64))
            }),
            Column::<Self>::new("compliant_percent", Kind::Number, "Share of the instances whose compliance is known that are compliant, in percent.", |record, _| {
                let judged: Vec<bool> = record.hosts.iter().filter_map(|host| host.is_compliant()).collect();
                let compliant = judged.iter().filter(|compliant| **compliant).count();
                number(percent(compliant as u64, judged.len() as u64))
            }),
            Column::<Self>::new("left_out", Kind::Integer, "Instances of the selection that were left out of the plan.", |record, _| length(record.left_out)).always(),
            Column::<Self>::new("gaps", Kind::Integer, "Parts of the fleet that could not be read when it was planned.", |record, _| length(record.gaps)).always(),
            Column::<Self>::new("audit_records", Kind::Integer, "Records in the audit log.", |_, h| Value::integer(h.audit.as_ref().map(|head| head.records))),
            Column::<Self>::new("audit_head", Kind::Text, "The hash of the last of them.", |_, h| Value::text(h.audit.as_ref().map(|head| &*head.hash))),
            Column::<Self>::new("audit_key", Kind::Text, "The public key that signed it.", |_, h| Value::text(h.audit.as_ref().and_then(|head| head.key.as_deref()))),
        ]
    }
}

/// Instances of a wave with one outcome.
fn in_wave(wave: &WaveRecord, outcome: HostOutcome) -> Value<'static> {
    Value::Integer(
        wave.outcomes.iter().find(|(of, _)| *of == outcome).map_or(0, |(_, hosts)| u64::from(*hosts)),
    )
}

impl Waves {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("name", Kind::Text, "What people call it.", |_, w| Value::text(Some(&w.name))).always(),
            Column::<Self>::new("canary", Kind::Boolean, "Whether it is the canary.", |_, w| Value::Boolean(w.canary)).always(),
            Column::<Self>::new("stages", Kind::Integer, "Stages it was walked in.", |_, w| length(&w.stages)).always(),
            Column::<Self>::new("started_at", Kind::Time, "When the first step of one of its instances began.", |_, w| Value::time(w.started_at)),
            Column::<Self>::new("ended_at", Kind::Time, "When the last one ended.", |_, w| Value::time(w.ended_at)),
            Column::<Self>::new("seconds", Kind::Integer, "Seconds between the two.", |_, w| Value::integer(seconds(w.started_at, w.ended_at))),
            Column::<Self>::new("instances", Kind::Integer, "Its instances.", |_, w| Value::Integer(w.hosts.into())).always(),
            Column::<Self>::new("success", Kind::Integer, "Of those, successes.", |_, w| in_wave(w, HostOutcome::Success)).always(),
            Column::<Self>::new("partial", Kind::Integer, "Partial successes.", |_, w| in_wave(w, HostOutcome::Partial)).always(),
            Column::<Self>::new("skipped", Kind::Integer, "Left as they were.", |_, w| in_wave(w, HostOutcome::Skipped)).always(),
            Column::<Self>::new("not_ready", Kind::Integer, "Not ready.", |_, w| in_wave(w, HostOutcome::NotReady)).always(),
            Column::<Self>::new("unreachable", Kind::Integer, "Unreachable.", |_, w| in_wave(w, HostOutcome::Unreachable)).always(),
            Column::<Self>::new("rolled_back", Kind::Integer, "Put back to their image.", |_, w| in_wave(w, HostOutcome::RolledBack)).always(),
            Column::<Self>::new("failed", Kind::Integer, "Failed.", |_, w| in_wave(w, HostOutcome::Failed)).always(),
            Column::<Self>::new("stuck", Kind::Integer, "Need a person.", |_, w| in_wave(w, HostOutcome::Stuck)).always(),
            Column::<Self>::new("open", Kind::Integer, "Not ended.", |_, w| in_wave(w, HostOutcome::Open)).always(),
            Column::<Self>::new("max_failures", Kind::Integer, "More failures than this would have stopped the run.", |_, w| Value::integer(w.max_failures)),
            Column::<Self>::new("min_verified", Kind::Integer, "Instances that had to be verified healthy in each of its stages.", |_, w| Value::Integer(w.min_verified.into())).always(),
        ]
    }
}

fn gate_kinds() -> Vec<&'static str> {
    GateKind::ALL.into_iter().map(GateKind::as_str).collect()
}

fn gate_wave<'a>(record: &'a RunRecord<'a>, gate: &'a GateRecord) -> Value<'a> {
    Value::text(gate.wave.and_then(|wave| wave_name(record, wave)))
}

impl Gates {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("stage", Kind::Text, "The stage it stands before or, for checks, is.", |_, g| Value::text(Some(&g.name))).always(),
            Column::<Self>::new("wave", Kind::Text, "The wave of that stage, or the wave that is looked at.", gate_wave),
            Column::<Self>::new("kind", Kind::Word(gate_kinds), "Whether people decide, or something is looked at.", |_, g| Value::text(Some(g.kind.as_str()))).always(),
            Column::<Self>::new("state", Kind::Text, "open, ahead, waiting, approved, expired or closed.", |_, g| Value::text(Some(gate_state(g.state)))).always(),
            Column::<Self>::new("reached_at", Kind::Time, "When it was reached.", |_, g| Value::time(g.reached_at)),
            Column::<Self>::new("decided_at", Kind::Time, "When it was decided, or its checks ended.", |_, g| Value::time(g.decided_at)),
            Column::<Self>::new("waited_seconds", Kind::Integer, "Seconds between the two.", |_, g| Value::integer(seconds(g.reached_at, g.decided_at))),
            Column::<Self>::new("needed", Kind::Integer, "Different people who had to approve.", |_, g| Value::Integer(g.needed.into())).always(),
            Column::<Self>::new("basis", Kind::Text, "What a decision at it is about.", |_, g| Value::text(g.basis.as_deref())),
        ]
    }
}

impl Approvals {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("stage", Kind::Text, "The stage it let go on, or did not.", |_, (gate, _)| Value::text(Some(&gate.name))).always(),
            Column::<Self>::new("wave", Kind::Text, "The wave of that stage.", |record, (gate, _)| gate_wave(record, gate)),
            Column::<Self>::new("at", Kind::Time, "When.", |_, (_, made)| Value::Time(made.at)).always(),
            Column::<Self>::new("decision", Kind::Text, "approved, rejected, or not decided in time.", |_, (_, made)| Value::text(Some(made.decision.as_str()))).always(),
            Column::<Self>::new("by", Kind::Text, "Who.", |_, (_, made)| Value::text(made.by.as_deref())),
            Column::<Self>::new("reason", Kind::Text, "Why, where they said.", |_, (_, made)| Value::text(made.reason.as_deref())),
            Column::<Self>::new("basis", Kind::Text, "What it was about, where they said.", |_, (_, made)| Value::text(made.basis.as_deref())),
            Column::<Self>::new("gate_basis", Kind::Text, "What the gate was about.", |_, (gate, _)| Value::text(gate.basis.as_deref())),
            Column::<Self>::new("reached_at", Kind::Time, "When the gate was reached.", |_, (gate, _)| Value::time(gate.reached_at)),
            Column::<Self>::new("needed", Kind::Integer, "Different people who had to approve.", |_, (gate, _)| Value::Integer(gate.needed.into())).always(),
        ]
    }
}

impl GateChecks {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("stage", Kind::Text, "The gate.", |_, (gate, _)| Value::text(Some(&gate.name))).always(),
            Column::<Self>::new("wave", Kind::Text, "The wave that was looked at.", |record, (gate, _)| gate_wave(record, gate)),
            Column::<Self>::new("landing_zone", Kind::Text, "The landing zone.", |_, (_, check)| Value::text(Some(check.zone.as_str()))).always(),
            Column::<Self>::new("account_id", Kind::Text, "Its account.", |_, (_, check)| Value::text(Some(check.account.as_str()))).always(),
            Column::<Self>::new("region", Kind::Text, "The region.", |_, (_, check)| Value::text(Some(check.region.as_str()))).always(),
            Column::<Self>::new("step", Kind::Text, "What was done.", |_, (_, check)| Value::text(Some(&check.visit.step))).always(),
            Column::<Self>::new("attempt", Kind::Integer, "From 1.", |_, (_, check)| Value::Integer(check.visit.attempt.into())).always(),
            Column::<Self>::new("outcome", Kind::Word(step_outcomes), "What came of it.", |_, (_, check)| Value::text(Some(check.visit.outcome.as_str()))).always(),
            Column::<Self>::new("started_at", Kind::Time, "When it began.", |_, (_, check)| Value::Time(check.visit.started_at)).always(),
            Column::<Self>::new("ended_at", Kind::Time, "When it ended.", |_, (_, check)| Value::time(check.visit.ended_at)),
            Column::<Self>::new("code", Kind::Text, "The code of what it found.", |_, (_, check)| Value::text(check.visit.trouble.as_deref().map(|it| &*it.code))),
            Column::<Self>::new("message", Kind::Text, "What it found.", |_, (_, check)| Value::text(check.visit.trouble.as_deref().and_then(|it| it.message.as_deref()))),
            Column::<Self>::new("facts", Kind::Text, "What it left, as JSON.", |_, (_, check)| Value::text(check.note.as_deref())),
        ]
    }
}

impl Freezes {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("from", Kind::Time, "Its beginning.", |_, f| Value::Time(f.from)).always(),
            Column::<Self>::new("until", Kind::Time, "Its end; absent while it lasts.", |_, f| Value::time(f.until)),
            Column::<Self>::new("by", Kind::Text, "Who froze the run.", |_, f| Value::text(Some(&f.by))).always(),
            Column::<Self>::new("reason", Kind::Text, "Why.", |_, f| Value::text(f.reason.as_deref())),
        ]
    }
}

fn error_subjects() -> Vec<&'static str> {
    ErrorSubject::ALL.into_iter().map(ErrorSubject::as_str).collect()
}

impl Errors {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("code", Kind::Text, "The code.", |_, e| Value::text(Some(&e.code))).always(),
            Column::<Self>::new("title", Kind::Text, "The same in a few words.", |_, e| Value::text(Some(e.title))),
            Column::<Self>::new("subject", Kind::Word(error_subjects), "What it concerns.", |_, e| Value::text(Some(e.subject.as_str()))).always(),
            Column::<Self>::new("class", Kind::Word(classes), "What kind of failure it is.", |_, e| Value::text(e.class.map(|class| class.as_str()))),
            Column::<Self>::new("instances", Kind::Integer, "Instances that met it.", |_, e| length(&e.hosts)).always(),
            Column::<Self>::new("decided", Kind::Integer, "Of those, or of those left out, how many it decided about.", |_, e| Value::Integer(e.decided.into())).always(),
            Column::<Self>::new("attempts", Kind::Integer, "Attempts that failed with it, those tried again included.", |_, e| Value::Integer(e.attempts.into())).always(),
            Column::<Self>::new("meaning", Kind::Text, "What it means.", |_, e| Value::text(Some(e.meaning))),
            Column::<Self>::new("next_step", Kind::Text, "What to do next.", |_, e| Value::text(Some(e.next_step))),
            Column::<Self>::new("example", Kind::Text, "The first message.", |_, e| Value::text(e.example.as_deref())),
            Column::<Self>::new("first_instances", Kind::List, "The first instances that met it, at most 20.", |record, e| {
                let hosts = e.hosts.iter().take(20).filter_map(|place| record.hosts.get(*place as usize));
                Value::list(hosts.map(|host| host.planned.id.as_str()))
            }),
        ]
    }
}

impl LeftOuts {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("instance_id", Kind::Text, "The EC2 instance.", |_, l| Value::text(Some(l.id.as_str()))).always(),
            Column::<Self>::new("name", Kind::Text, "Its Name tag.", |_, l| secret_free(l.name.as_deref())),
            Column::<Self>::new("landing_zone", Kind::Text, "Its landing zone.", |_, l| Value::text(Some(l.zone.as_str()))).always(),
            Column::<Self>::new("region", Kind::Text, "Its region.", |_, l| Value::text(Some(l.region.as_str()))).always(),
            Column::<Self>::new("codes", Kind::List, "The codes of the reasons, heaviest first.", |_, l| Value::list(&l.reasons)),
            Column::<Self>::new("reason", Kind::Text, "The heaviest in a few words.", |_, l| Value::text(title(l.reasons.first().map(|code| &**code)))),
            Column::<Self>::new("next_step", Kind::Text, "What to do about it.", |_, l| Value::text(next_step(l.reasons.first().map(|code| &**code)))),
            Column::<Self>::new("detail", Kind::Text, "What the codes do not say.", |_, l| secret_free(l.detail.as_deref())),
        ]
    }
}

impl Gaps {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("landing_zone", Kind::Text, "The landing zone, where the gap belongs to one.", |_, g| Value::text(g.zone.as_ref().map(|zone| zone.as_str()))),
            Column::<Self>::new("region", Kind::Text, "The region, where the gap is not the whole landing zone.", |_, g| Value::text(g.region.as_ref().map(|region| region.as_str()))),
            Column::<Self>::new("subject", Kind::Text, "What could not be read.", |_, g| Value::text(Some(g.subject.as_str()))).always(),
            Column::<Self>::new("code", Kind::Text, "The code of the cause.", |_, g| Value::text(Some(&g.code))).always(),
            Column::<Self>::new("reason", Kind::Text, "The same in a few words.", |_, g| Value::text(title(Some(&g.code)))),
            Column::<Self>::new("message", Kind::Text, "The cause in the words of whoever said it.", |_, g| secret_free(Some(&g.message))),
            Column::<Self>::new("next_step", Kind::Text, "What to do about it.", |_, g| Value::text(next_step(Some(&g.code)))),
        ]
    }
}

impl CleanUps {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("landing_zone", Kind::Text, "The landing zone.", |_, c| Value::text(Some(c.zone.as_str()))).always(),
            Column::<Self>::new("account_id", Kind::Text, "Its account.", |_, c| Value::text(Some(c.account.as_str()))).always(),
            Column::<Self>::new("region", Kind::Text, "The region.", |_, c| Value::text(Some(c.region.as_str()))).always(),
            Column::<Self>::new("outcome", Kind::Word(outcomes), "How it ended.", |_, c| Value::text(Some(c.outcome.as_str()))).always(),
            Column::<Self>::new("code", Kind::Text, "The code of the reason.", |_, c| Value::text(c.code.as_deref())),
            Column::<Self>::new("message", Kind::Text, "What happened.", |_, c| Value::text(c.message.as_deref())),
            Column::<Self>::new("started_at", Kind::Time, "When it began.", |_, c| Value::time(c.started_at)),
            Column::<Self>::new("ended_at", Kind::Time, "When it ended.", |_, c| Value::time(c.ended_at)),
            Column::<Self>::new("images", Kind::Integer, "Images deregistered.", |_, c| Value::integer(c.images)),
            Column::<Self>::new("snapshots", Kind::Integer, "Snapshots deleted.", |_, c| Value::integer(c.snapshots)),
            Column::<Self>::new("kept", Kind::Integer, "Images past their retention that were kept, because an instance may need them.", |_, c| Value::integer(c.kept)),
        ]
    }
}

impl Owners {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("at", Kind::Time, "Since when.", |_, o| Value::Time(o.at)).always(),
            Column::<Self>::new("epoch", Kind::Integer, "The ownership its records were written under.", |_, o| Value::Integer(o.epoch.0.into())).always(),
            Column::<Self>::new("name", Kind::Text, "Which process, on whose behalf.", |_, o| Value::text(Some(&o.name))).always(),
        ]
    }
}

impl Calls {
    #[rustfmt::skip]
    fn own() -> Vec<Column<Self>> {
        vec![
            Column::<Self>::new("action", Kind::Text, "The IAM action.", |_, (action, _)| Value::text(Some(action))).always(),
            Column::<Self>::new("sent", Kind::Integer, "Requests sent, those tried again included.", |_, (_, count)| Value::Integer(count.sent)).always(),
            Column::<Self>::new("throttled", Kind::Integer, "Requests AWS throttled.", |_, (_, count)| Value::Integer(count.throttled)).always(),
        ]
    }
}
