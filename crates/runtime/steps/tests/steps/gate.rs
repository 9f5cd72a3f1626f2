//! `bake` and `gate-checks`: what a wave is waited after for, and what keeps the next one from beginning.

use fleetwright_flow as flow;
use fleetwright_model::{ErrorClass, Failure, Text};
use fleetwright_patch::plan::notes::{self, BakeNote, GateNote, RebootNote, ValidateNote, VerifyNote, step};
use fleetwright_patch::plan::policy::{Operation, RebootStrategy};
use fleetwright_patch::plan::{GateWork, PatchPlan, Work};
use fleetwright_ports::{Alarm, AlarmState, Clock, SeatHealth};
use fleetwright_step::{Outcome, Slot};
use fleetwright_steps::Standing;
use fleetwright_testkit::{Fault, sample};
use jiff::SignedDuration;

use crate::stage::{REGION, Stage, code, host, note};

const ALARMS: &str = "cloudwatch:DescribeAlarms";
const HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";

/// One wave of so many hosts, and its gate behind them.
pub(crate) fn gated(hosts: u64, change: impl FnOnce(&mut GateWork, &mut PatchPlan)) -> Stage {
    Stage::with(hosts, |_, plan| {
        let first = u32::try_from(hosts).expect("few");
        let steps = [step::VERIFY, step::VALIDATE].map(flow::Step::new).to_vec();
        plan.flow.recipes[0].steps = steps;
        plan.flow.stages = vec![flow::Stage::new("canary", 0..first)];
        plan.flow.targets.push(flow::Target::new("gate of canary", flow::PlaceId(0), flow::RecipeId(0)));
        let mut gate = GateWork {
            wave: 0,
            stage: flow::StageId(0),
            bake_seconds: 600,
            alarms: Vec::new(),
            target_groups: Vec::new(),
            compliance: true,
            differences: true,
            patch_list_bucket: None,
        };
        change(&mut gate, plan);
        plan.work.push(Work::Gate(gate));
    })
}

pub(crate) fn gate_slot(stage: &Stage) -> Slot {
    let number = u64::try_from(stage.plan.work.len()).expect("few");
    Slot { subject: "gate of canary".into(), ..stage.slot(number) }
}

fn set_alarm(stage: &Stage, name: &str, state: AlarmState) {
    stage.hosts.set_alarm(&stage.cell(), Alarm { name: name.into(), state });
}

pub(crate) const WELL: VerifyNote = VerifyNote {
    installed: 400,
    missing: 0,
    failed: 0,
    pending_reboot: 0,
    rejected: 0,
    critical: 0,
    drift: None,
};

pub(crate) fn compared() -> ValidateNote {
    ValidateNote { checks: 9, worse: Vec::new(), not_compared: Vec::new(), facts: Vec::new(), boot: None }
}

/// Host `number` has ended well, and this is what its steps left.
pub(crate) fn ended(stage: &Stage, number: u32, verify: Option<VerifyNote>, validate: Option<ValidateNote>) {
    let verify = verify.map(|note| (Text::from(step::VERIFY), notes::write(&note)));
    let validate = validate.map(|note| (Text::from(step::VALIDATE), notes::write(&note)));
    let notes = verify.into_iter().chain(validate).collect();
    ended_as(stage, number, Standing { end: flow::End::Done { finding: None }, notes });
}

pub(crate) fn ended_as(stage: &Stage, number: u32, standing: Standing) {
    stage.ended.lock().expect("whole").insert(flow::TargetId(number - 1), standing);
}

async fn checked(stage: &Stage) -> Outcome {
    stage.drive_one("gate-checks", gate_slot(stage)).await
}

fn words(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed(failure) => &failure.message,
        other => panic!("{other:?} has not failed"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_wave_is_waited_after_for_as_long_as_the_plan_says() {
    let stage = gated(1, |_, _| {});
    let began = stage.clock.now();
    let done = stage.drive_one("bake", gate_slot(&stage)).await;
    assert_eq!(note::<BakeNote>(&done), BakeNote { seconds: 600, alarms: 0 });
    assert_eq!(stage.clock.now().duration_since(began), SignedDuration::from_secs(600));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_down_meanwhile_waits_no_second_time() {
    let mut stage = gated(1, |_, _| {});
    let slot = gate_slot(&stage);
    stage.turn("bake", std::slice::from_ref(&slot)).await;
    stage.restart();
    stage.wait(5_000).await;
    let again = Slot { doubt: true, ..slot };
    let outcome = stage.turn("bake", &[again]).await.remove(0);
    assert!(matches!(outcome, Outcome::Done { finding: None, .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_alarm_ends_the_wait() {
    let stage = gated(1, |gate, _| gate.alarms = vec!["calm".into(), "errors".into()]);
    set_alarm(&stage, "calm", AlarmState::Ok);
    set_alarm(&stage, "errors", AlarmState::InsufficientData);
    let slot = gate_slot(&stage);
    let first = stage.turn("bake", std::slice::from_ref(&slot)).await.remove(0);
    assert!(matches!(first, Outcome::LookAgain { .. }), "{first:?}");
    stage.wait(100).await;
    set_alarm(&stage, "errors", AlarmState::Alarm);
    let failed = stage.turn("bake", &[slot]).await.remove(0);
    assert_eq!(code(&failed), "FW-R0050");
    assert!(words(&failed).contains("errors") && !words(&failed).contains("calm"), "{}", words(&failed));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_nowhere_is_told_before_the_wait() {
    let stage = gated(1, |gate, _| gate.alarms = vec!["typo".into()]);
    let failed = stage.turn("bake", &[gate_slot(&stage)]).await.remove(0);
    assert_eq!(code(&failed), "FW-R0052");
    assert!(words(&failed).contains("typo"));
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_not_ended_by_a_reading_that_fails() {
    let stage = gated(1, |gate, _| gate.alarms = vec!["errors".into()]);
    set_alarm(&stage, "errors", AlarmState::Ok);
    stage.hosts.fail_next(ALARMS, Fault::LostReply);
    let done = stage.drive_one("bake", gate_slot(&stage)).await;
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wave_whose_hosts_are_well_lets_the_next_begin() {
    let stage = gated(2, |gate, _| gate.alarms = vec!["errors".into()]);
    set_alarm(&stage, "errors", AlarmState::Ok);
    ended(&stage, 1, Some(WELL), Some(compared()));
    ended(&stage, 2, Some(WELL), Some(compared()));
    let note: GateNote = note(&checked(&stage).await);
    assert_eq!(note, GateNote { hosts: 2, not_judged: 0, alarms: 1, target_groups: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_host_that_lacks_patches_stops_the_next_wave_and_is_named() {
    let stage = gated(2, |_, _| {});
    ended(&stage, 1, Some(WELL), Some(compared()));
    ended(&stage, 2, Some(VerifyNote { missing: 3, ..WELL }), Some(compared()));
    let failed = checked(&stage).await;
    assert_eq!(code(&failed), "FW-R0051");
    assert!(words(&failed).contains("i-00000000000000002 (3 missing)"), "{}", words(&failed));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_asked_for_is_not_judged() {
    let stage = gated(1, |gate, _| (gate.compliance, gate.differences) = (false, false));
    ended(&stage, 1, Some(VerifyNote { missing: 3, ..WELL }), None);
    assert!(matches!(checked(&stage).await, Outcome::Done { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_wave_that_only_scans_need_not_be_compliant() {
    let stage = gated(1, |_, plan| host(plan, 1).operation = Some(Operation::Scan));
    ended(&stage, 1, Some(VerifyNote { missing: 3, ..WELL }), Some(compared()));
    assert!(matches!(checked(&stage).await, Outcome::Done { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_reboot_that_nobody_wants_or_needs_is_not_missed() {
    let due = VerifyNote { pending_reboot: 2, ..WELL };
    let unwanted = gated(1, |_, plan| host(plan, 1).reboot = Some(RebootStrategy::Skip));
    ended(&unwanted, 1, Some(due.clone()), Some(compared()));
    assert!(matches!(checked(&unwanted).await, Outcome::Done { .. }));

    for (after, fine) in [("a", true), ("b", false)] {
        let stage = gated(1, |_, plan| plan.policy.reboot.strategy = RebootStrategy::Conditional);
        let rebooted = RebootNote { before: "a".into(), after: after.into(), evidence: "file".into() };
        let notes = vec![
            (Text::from(step::REBOOT), notes::write(&rebooted)),
            (Text::from(step::VERIFY), notes::write(&due)),
            (Text::from(step::VALIDATE), notes::write(&compared())),
        ];
        ended_as(&stage, 1, Standing { end: flow::End::Done { finding: None }, notes });
        assert_eq!(matches!(checked(&stage).await, Outcome::Done { .. }), fine, "boot {after}");
    }
}

#[tokio::test(start_paused = true)]
async fn hosts_that_failed_are_the_matter_of_the_budget_of_failures() {
    let stage = gated(2, |_, _| {});
    ended(&stage, 1, Some(WELL), Some(compared()));
    let end = flow::End::Failed { step: flow::StepIndex(0), code: "FW-H0010".into() };
    ended_as(&stage, 2, Standing { end, notes: Vec::new() });
    let note: GateNote = note(&checked(&stage).await);
    assert_eq!((note.hosts, note.not_judged), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_knows_has_not_passed() {
    let unknown = gated(1, |_, _| {});
    ended(&unknown, 1, None, Some(compared()));
    assert_eq!(code(&checked(&unknown).await), "FW-R0052");

    let not_compared = gated(1, |_, _| {});
    let note = ValidateNote { not_compared: vec!["services: nothing from before".into()], ..compared() };
    ended(&not_compared, 1, Some(WELL), Some(note));
    let failed = checked(&not_compared).await;
    assert_eq!(code(&failed), "FW-R0052");
    assert!(words(&failed).contains("nothing from before"), "{}", words(&failed));

    let nobody = gated(1, |_, _| {});
    assert_eq!(code(&checked(&nobody).await), "FW-R0052");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_afterwards_stops_the_next_wave() {
    let stage = gated(0, |gate, _| gate.alarms = vec!["errors".into()]);
    set_alarm(&stage, "errors", AlarmState::Alarm);
    assert_eq!(code(&checked(&stage).await), "FW-R0050");
}

#[tokio::test(start_paused = true)]
async fn an_alarm_without_data_is_waited_for_and_then_is_no_pass() {
    let stage = gated(0, |gate, _| gate.alarms = vec!["errors".into()]);
    set_alarm(&stage, "errors", AlarmState::InsufficientData);
    let slot = gate_slot(&stage);
    let first = stage.turn("gate-checks", std::slice::from_ref(&slot)).await.remove(0);
    assert!(matches!(first, Outcome::LookAgain { .. }), "{first:?}");
    let failed = stage.drive_one("gate-checks", slot).await;
    assert_eq!(code(&failed), "FW-R0052");
    assert!(words(&failed).contains("errors"));

    set_alarm(&stage, "errors", AlarmState::Ok);
    assert!(matches!(checked(&stage).await, Outcome::Done { .. }));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_nobody_may_read_names_the_permission() {
    let stage = gated(0, |gate, _| gate.alarms = vec!["errors".into()]);
    stage.hosts.fail_next(ALARMS, Fault::Refused(sample::denied(ALARMS)));
    assert_eq!(checked(&stage).await, Outcome::Failed(sample::denied(ALARMS)));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_of_another_region_counts_for_the_run() {
    let stage = gated(0, |gate, plan| {
        gate.alarms = vec!["errors".into()];
        let other = flow::Place { region: sample::region("eu-west-1"), ..plan.flow.places[0].clone() };
        plan.flow.places.insert(0, other);
        plan.flow.targets[0].place = flow::PlaceId(1);
    });
    assert_eq!(stage.plan.flow.places[1].region.as_str(), REGION);
    set_alarm(&stage, "errors", AlarmState::Ok);
    assert!(matches!(checked(&stage).await, Outcome::Done { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_wave_that_its_load_balancer_does_not_like_has_not_passed() {
    const POOL: &str = "arn:targetgroup/web";
    let stage = gated(1, |gate, _| gate.target_groups = vec![POOL.into()]);
    ended(&stage, 1, Some(WELL), Some(compared()));
    let failed = checked(&stage).await;
    assert_eq!(code(&failed), "FW-R0051", "nobody is healthy in a target group that is gone");
    let hosts = [sample::id(1), sample::id(2)];
    stage.hosts.add_pool(&stage.cell(), POOL, std::time::Duration::from_secs(60), &hosts[..1]);
    assert_eq!(note::<GateNote>(&checked(&stage).await).target_groups, 1);
    stage.hosts.script(&hosts[0], |host| host.seat_health = SeatHealth::Unhealthy);
    let failed = checked(&stage).await;
    assert_eq!(code(&failed), "FW-R0051");
    assert!(words(&failed).contains(POOL), "{failed:?}");
    let denied = Failure::new(ErrorClass::Denied, &fleetwright_model::code::DENIED, HEALTH, "no");
    stage.hosts.fail_next(HEALTH, Fault::Refused(denied));
    assert_ne!(code(&checked(&stage).await), "FW-R0051", "what cannot be read is not called ill");
}
