//! Reports of runs and plans: honest counts, hostile names made harmless, equal runs byte-identical.

use std::sync::Arc;

use fleetwright_flow::{
    ApprovalRule, Direction, Epoch, Event, FailedStep, Flight, Gate, OnExpiry, Record, Run, Sequence, Signal,
    Span, StageId, StepIndex, TargetId, Window, WindowId,
};
use fleetwright_model::{ErrorClass, Exit, code};
use fleetwright_patch::outcome::{HostOutcome, results, run_outcome};
use fleetwright_patch::plan::{PatchPlan, PlanDocument, Work};
use fleetwright_report::evidence::{Folding, RunRecord, fold};
use fleetwright_report::fields::Instances;
use fleetwright_report::run_text::write_text;
use fleetwright_report::{plan_text, view_text, views};

/// A running host, a stopped one and a region to clean up.
fn plan() -> PatchPlan {
    let bytes = include_bytes!("../../patch/testdata/formats/1.0/plan.json");
    PlanDocument::read(bytes).expect("a plan").into_plan()
}

/// A run told record by record.
struct Tale {
    plan: PatchPlan,
    digest: fleetwright_model::Text,
    run: Run,
    records: Vec<Record>,
}

impl Tale {
    fn of(plan: PatchPlan) -> Self {
        let run = Run::open(Arc::new(plan.flow.clone()));
        let mut tale = Self { plan, digest: "digest".into(), run, records: Vec::new() };
        tale.tell(Event::Opened { format: fleetwright_flow::Plan::FORMAT, plan: "digest".into() });
        tale
    }

    fn tell(&mut self, event: Event) {
        let at = self.plan.flow.created_at + jiff::SignedDuration::from_secs(self.records.len() as i64);
        let record = Record { seq: Sequence(self.records.len() as u64 + 1), epoch: Epoch(1), at, event };
        self.run.apply(&record).expect("legal");
        self.records.push(record);
    }

    fn start(&mut self, target: u32, step: u8) {
        let (target, step) = (TargetId(target), StepIndex(step));
        self.tell(Event::Started { target, step, direction: Direction::Do, attempt: 1 });
    }

    fn fail(&mut self, target: u32, step: u8, code: &str, message: &str) {
        self.start(target, step);
        let failure = FailedStep {
            class: ErrorClass::Permanent,
            code: code.into(),
            message: message.into(),
            retry_at: None,
        };
        let (target, step) = (TargetId(target), StepIndex(step));
        self.tell(Event::Failed { target, step, direction: Direction::Do, failure });
    }

    fn record(&self) -> RunRecord<'_> {
        let results = results(&self.plan, &self.run, &self.records);
        fold(Folding {
            run: "run-1",
            digest: &self.digest,
            plan: &self.plan,
            state: &self.run,
            records: &self.records,
            outcome: run_outcome(&self.plan, &self.run, &results),
            fleetwright: "0",
            now: self.records.last().map_or(self.plan.flow.created_at, |record| record.at),
            calls: Default::default(),
            inventory: Vec::new(),
            files: Default::default(),
            earlier: Vec::new(),
            audit: None,
        })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        write_text(&mut text, &self.record()).expect("written");
        text
    }

    fn json(&self) -> serde_json::Value {
        let mut bytes = Vec::new();
        views::json::write(&mut bytes, &self.record()).expect("written");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    fn csv(&self) -> String {
        let mut bytes = Vec::new();
        views::csv::write::<Instances>(&mut bytes, &self.record()).expect("written");
        String::from_utf8(bytes).expect("UTF-8")
    }
}

fn named(name: &str) -> PatchPlan {
    let mut plan = plan();
    match &mut plan.work[0] {
        Work::Host(host) => host.name = Some(name.into()),
        Work::Region | Work::Gate(_) => panic!("the first is a host"),
    }
    plan
}

#[test]
fn a_failed_host_is_told_with_step_code_and_words_and_an_open_one_is_not_called_well() {
    let mut tale = Tale::of(plan());
    tale.fail(0, 0, code::IMAGE_FAILED.id, "the key may not be used");
    let results = results(&tale.plan, &tale.run, &tale.records);
    assert_eq!(results[0].outcome, HostOutcome::Failed);
    assert_eq!(results[0].step.as_deref(), Some("backup"));
    assert_eq!(results[1].outcome, HostOutcome::Open);
    assert_eq!(run_outcome(&tale.plan, &tale.run, &results).exit, Exit::Interrupted);
    let text = tale.text();
    assert!(text.contains("1 failed, 1 open"), "{text}");
    assert!(text.contains("FW-B0001 Image failed: the key may not be used"), "{text}");
}

#[test]
fn hosts_that_cannot_be_reached_or_did_not_come_back_have_outcomes_of_their_own() {
    for (step, code, outcome) in [
        (0, code::UNDELIVERABLE.id, HostOutcome::Unreachable),
        (0, code::HOST_UNREACHABLE.id, HostOutcome::Unreachable),
        (0, code::NOT_BACK.id, HostOutcome::Stuck),
        (0, code::PATCH_FAILED.id, HostOutcome::Failed),
    ] {
        let mut tale = Tale::of(plan());
        tale.fail(0, step, code, "");
        assert_eq!(results(&tale.plan, &tale.run, &tale.records)[0].outcome, outcome, "{code}");
    }
}

#[test]
fn hostile_names_and_words_stay_data() {
    let mut tale = Tale::of(named("=cmd|'/C calc'!A0\u{1b}[2J"));
    tale.fail(0, 0, code::IMAGE_FAILED.id, "@SUM(A1)\u{1b}[31m");
    let csv = tale.csv();
    assert!(csv.contains("'=cmd|"), "{csv}");
    assert!(csv.contains("'@SUM(A1)"), "{csv}");
    assert!(!tale.text().contains('\u{1b}'));
    let document = PlanDocument::new(named("\u{202e}evil\u{1b}[2J"));
    let mut text = String::new();
    plan_text::write_plan(&mut text, &document, 160).expect("written");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
}

#[test]
fn json_says_status_exit_code_and_next_step() {
    let mut tale = Tale::of(plan());
    tale.fail(0, 0, code::IMAGE_FAILED.id, "no");
    let document = tale.json();
    assert_eq!((&document["run"]["status"], &document["run"]["exit_code"]), (&500.into(), &130.into()));
    assert_eq!(document["instances"][0]["code"], "FW-B0001");
    assert!(document["instances"][0]["next_step"].as_str().is_some_and(|next| next.contains("retry")));
    assert_eq!(document["outcomes"]["open"], 1);
}

#[test]
fn the_plan_shows_order_recipe_gate_budget_and_cost() {
    let mut text = String::new();
    plan_text::write_plan(&mut text, &PlanDocument::new(plan()), 160).expect("written");
    for needed in [
        "backup → precheck ‖ [patch → reboot → verify → validate]",
        "backup → start → precheck ‖ [patch → reboot → verify → validate] → stop-again",
        "way back: restore → validate-restored",
        "after a person's approval",
        "out of service at once, fleet: at most 10",
        "Digest ",
    ] {
        assert!(text.contains(needed), "{needed} in {text}");
    }
}

#[test]
fn the_view_counts_every_target_once() {
    let mut tale = Tale::of(plan());
    tale.start(0, 0);
    let view = tale.run.view(tale.plan.flow.created_at);
    let line = view_text::line(&view);
    assert!(line.starts_with("running: 0 of 3 ended, 1 in flight"), "{line}");
}

/// What holds a run up is said with what would move it: who is missing, and when a window opens.
#[test]
fn the_view_says_what_is_waited_for() {
    let mut plan = plan();
    let approval = ApprovalRule {
        needed: 2,
        approvers: vec![],
        expires_seconds: Some(3_600),
        on_expiry: OnExpiry::Reject,
    };
    (plan.flow.stages[0].gate, plan.flow.stages[0].approval) = (Gate::Approval, Some(approval));
    let hour = |hours| plan.flow.created_at + jiff::SignedDuration::from_hours(hours);
    let open = vec![Span { from: hour(10), until: hour(14) }];
    plan.flow.windows = vec![Window::new("night", open)];
    for recipe in &mut plan.flow.recipes {
        recipe.reserve_seconds = 60;
        let behind = recipe.steps.iter_mut().filter(|step| !step.ahead_of_gate);
        behind.for_each(|step| step.in_window = true);
    }
    plan.flow.targets[0].window = Some(WindowId(0));
    let mut tale = Tale::of(plan);
    let text = |tale: &Tale| {
        let mut text = String::new();
        let now = tale.records.last().expect("records").at;
        view_text::write(&mut text, &tale.run.view(now), &view_text::Waits::new()).expect("a string");
        text
    };
    while tale.run.gate_waiting().is_none() {
        for command in tale.run.next(tale.records[0].at) {
            tale.tell(command.event());
        }
        let flights: Vec<_> = tale.run.in_flight().collect();
        for flight in flights {
            let Flight { target, step, direction, .. } = flight;
            tale.tell(Event::Succeeded { target, step, direction, note: None, finding: None });
        }
    }
    let approve = |by: &str| Event::Signalled {
        signal: Signal::Approve(StageId(0)),
        by: by.into(),
        basis: None,
        reason: None,
        mail: None,
    };
    tale.tell(approve("ann"));
    let waiting = text(&tale);
    assert!(waiting.contains(" waits: approved by 1 of 2 (ann); due by 20"), "{waiting}");
    let basis = tale.run.basis(StageId(0)).expect("the gate is reached");
    assert!(waiting.contains(&format!("`--basis {basis}`")), "{waiting}");
    let summary = tale.text();
    assert!(summary.contains(&format!("`--basis {basis}`")), "{summary}");
    tale.tell(approve("bob"));
    tale.tell(Event::Signalled {
        signal: Signal::Freeze,
        by: "ops".into(),
        basis: None,
        reason: Some("year-end\n".into()),
        mail: None,
    });
    let held_up = text(&tale);
    assert!(!held_up.contains("approved by"), "{held_up}");
    assert!(held_up.contains(", frozen: no unchanged host is changed"), "{held_up}");
    let waits = "  1 wait for the window night; the first of them go on at 20";
    let subject = tale.plan.flow.targets[0].subject.clone();
    assert!(held_up.contains(waits) && held_up.contains(&format!(": {subject}\n")), "{held_up}");
    let since = "  frozen since 20";
    assert!(held_up.contains(since) && held_up.contains(" by ops: year-end"), "{held_up}");
    assert!(held_up.contains("  goes on by itself at 20"), "{held_up}");
    let summary = tale.text();
    assert!(summary.contains(waits) && summary.contains(since), "{summary}");
    assert!(
        summary.contains(": approved by ann at 20") && summary.contains(": approved by bob at 20"),
        "{summary}"
    );
    let json = tale.json();
    assert_eq!(json["milestones"]["freezes"][0]["by"], "ops");
    assert_eq!(json["milestones"]["decisions"][1]["by"], "bob");
    assert_eq!(json["view"]["windows"][0]["waiting"], 1);
    assert_eq!(json["view"]["freeze"]["reason"], "year-end\n");
}
