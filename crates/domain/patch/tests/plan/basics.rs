//! Who is in, who is out, by which recipe, and what is refused.

use std::collections::BTreeMap;

use fleetwright_flow::{Charge, Gate, When};
use fleetwright_model::{InstanceState, Observed, PatchFacts, Phase, code};
use fleetwright_patch::plan::checker::check;
use fleetwright_patch::plan::policy::DrainPolicy;
use fleetwright_patch::plan::{
    Amount, Backup, Changed, Earlier, Limits, Parent, PlanDocument, PlanError, PlanRequest, Relation,
    RollbackRequest, Work, drift, rollback,
};
use fleetwright_testkit::sample;

use crate::samples::{host, hosts, inventory, limits, make, request, steps, tags};

#[test]
fn a_running_host_goes_through_the_whole_recipe_behind_one_gate() {
    let plan = make(&inventory(vec![host(1, |_| {})]), &request());
    assert_eq!(steps(&plan, 0), ["backup", "precheck", "patch", "reboot", "verify", "validate"]);
    assert_eq!(plan.flow.stages[0].gate, Gate::Approval);
    let recipe = &plan.flow.recipes[0];
    let ahead: Vec<&str> =
        recipe.steps.iter().filter(|step| step.ahead_of_gate).map(|step| &*step.name).collect();
    assert_eq!(ahead, ["backup", "precheck"], "nothing on the host is changed before the approval");
    let charges: Vec<Charge> = recipe.steps.iter().map(|step| step.charge).collect();
    assert_eq!(charges[2], Charge::Take, "out of service from the installation on");
    assert_eq!(charges[5], Charge::Release, "until it is verified healthy");
    assert_eq!(
        recipe.undo.iter().map(|step| &*step.name).collect::<Vec<_>>(),
        ["restore", "validate-restored"]
    );
    plan.flow.check().expect("a planner's plan can be walked");
}

#[test]
fn a_stopped_host_is_started_and_put_back_whatever_happens() {
    let stopped = host(1, |it| it.instance.state = InstanceState::Stopped);
    let plan = make(&inventory(vec![stopped]), &request());
    let names = steps(&plan, 0);
    assert_eq!(names.first(), Some(&"backup"));
    assert_eq!((names[1], names[names.len() - 1]), ("start", "stop-again"));
    let last = plan.flow.recipes[0].steps.last().expect("steps");
    assert!(matches!(last.when, When::Finally { of } if of.0 == 1), "{:?}", last.when);
}

#[test]
fn a_host_that_serves_is_drained_before_and_returned_after_whatever_happens() {
    let mut served = host(1, |_| {});
    served.target_groups = Observed::Known(vec!["arn:targetgroup/web".into()]);
    let drain = Some(DrainPolicy { wait_seconds: 900, return_seconds: 600 });
    let mut request = request();
    request.policy.drain = drain;
    let plan = make(&inventory(vec![served, host(2, |_| {})]), &request);
    let all: Vec<Vec<&str>> = (0..2).map(|index| steps(&plan, index)).collect();
    let served = all.iter().position(|steps| steps.contains(&"drain")).expect("one of them serves");
    assert_eq!(
        all[served],
        ["backup", "precheck", "drain", "patch", "reboot", "verify", "validate", "return"]
    );
    assert!(!all[1 - served].contains(&"return"), "nobody is served by the other: {all:?}");
    let recipe = plan.flow.recipe_of(fleetwright_flow::TargetId(served as u32));
    let (drain, back) = (&recipe.steps[2], &recipe.steps[7]);
    assert_eq!((drain.charge, drain.commits), (Charge::Take, true), "out of service from here on");
    assert_eq!(back.charge, Charge::Release, "its place is free when it is back and healthy");
    assert!(matches!(back.when, When::Finally { of } if of.0 == 2), "{:?}", back.when);
    let between = recipe.steps[3..7].iter().chain(&recipe.undo);
    assert!(between.clone().all(|step| step.charge == Charge::None), "{recipe:?}");
    assert_eq!(check(&plan), [], "and the checker agrees");
}

#[test]
fn without_the_start_phase_a_stopped_host_is_left_out_and_said_so() {
    let stopped = host(1, |it| it.instance.state = InstanceState::Stopped);
    let phases = Phase::ALL.into_iter().filter(|phase| *phase != Phase::Start).collect();
    let plan = make(&inventory(vec![stopped]), &PlanRequest { phases, ..request() });
    assert!(plan.work.is_empty());
    assert_eq!(&*plan.left_out[0].reasons[0], code::STOPPED_LEFT_ALONE.id);
}

#[test]
fn a_host_that_misses_nothing_is_left_out_unless_it_is_asked_for() {
    let compliant = || {
        host(1, |it| {
            it.patches = Observed::Known(PatchFacts {
                missing: 0,
                failed: 0,
                installed_pending_reboot: 0,
                ..sample::patch_facts()
            });
        })
    };
    let plan = make(&inventory(vec![compliant()]), &request());
    assert_eq!(&*plan.left_out[0].reasons[0], code::NOTHING_TO_INSTALL.id);
    let plan = make(&inventory(vec![compliant()]), &PlanRequest { include_compliant: true, ..request() });
    assert_eq!(hosts(&plan), ["web-1"]);

    // What an earlier run changed is proven healthy once more, whatever it misses.
    let again = |relation| PlanRequest {
        parent: Some(Parent { run: "run-1".into(), relation }),
        earlier: BTreeMap::from([(compliant().instance.id, Earlier::default())]),
        ..request()
    };
    assert_eq!(hosts(&make(&inventory(vec![compliant()]), &again(Relation::Retry))), ["web-1"]);
    assert!(hosts(&make(&inventory(vec![compliant()]), &again(Relation::Phase))).is_empty());
    let untouched = PlanRequest { earlier: BTreeMap::new(), ..again(Relation::Retry) };
    assert!(hosts(&make(&inventory(vec![compliant()]), &untouched)).is_empty());
}

#[test]
fn least_critical_hosts_come_first_and_otherwise_the_order_of_the_inventory_holds() {
    let tagged = |number, level: &'static str| {
        host(number, move |it| it.instance.tags = tags(&[("Criticality", level)]))
    };
    let fleet = vec![tagged(1, "critical"), host(2, |_| {}), tagged(3, "low"), tagged(4, "low")];
    assert_eq!(hosts(&make(&inventory(fleet), &request())), ["web-3", "web-4", "web-2", "web-1"]);
}

#[test]
fn a_host_without_a_backup_says_why_and_has_no_way_back() {
    let waived = host(1, |it| it.instance.tags = tags(&[("Backup", "no")]));
    let plan = make(&inventory(vec![waived]), &request());
    let planned = plan.work[0].host().expect("a host");
    assert_eq!(planned.backup, Backup::None { code: code::BACKUP_WAIVED.id.into() });
    assert_eq!(steps(&plan, 0)[0], "precheck");
    assert!(plan.flow.recipes[0].undo.is_empty());
}

#[test]
fn an_earlier_runs_image_is_used_when_the_backup_phase_is_left_out() {
    let phases = vec![Phase::Precheck, Phase::Patch, Phase::Validate];
    let earlier = Earlier { image: Some("ami-0123".into()), before: None };
    let earlier = BTreeMap::from([(sample::id(1), earlier)]);
    let fleet = || inventory(vec![host(1, |_| {}), host(2, |_| {})]);
    let plan = make(&fleet(), &PlanRequest { phases, earlier, ..request() });
    let backups: Vec<&Backup> =
        plan.work.iter().filter_map(Work::host).map(|planned| &planned.backup).collect();
    assert_eq!(*backups[0], Backup::Existing { image: "ami-0123".into() });
    assert_eq!(*backups[1], Backup::None { code: code::BACKUP_SKIPPED.id.into() });
    assert_eq!(steps(&plan, 0)[0], "backup", "an existing image is proven usable all the same");
    assert_eq!(steps(&plan, 1)[0], "precheck");
}

#[test]
fn a_tag_that_cannot_be_checked_leaves_the_host_out() {
    let hostile = host(1, |it| it.instance.tags = tags(&[("Services", "nginx;reboot")]));
    let plan = make(&inventory(vec![hostile]), &request());
    assert_eq!(&*plan.left_out[0].reasons[0], code::CHECKS_UNUSABLE.id);
}

#[test]
fn without_the_precheck_phase_evidence_is_still_collected() {
    let phases = vec![Phase::Backup, Phase::Patch];
    let plan = make(&inventory(vec![host(1, |_| {})]), &PlanRequest { phases, ..request() });
    assert_eq!(steps(&plan, 0), ["backup", "precheck", "patch", "reboot", "verify"]);
    let last = plan.flow.recipes[0].steps.last().expect("steps");
    assert_eq!(last.charge, Charge::Release, "the last proof there is gives the place back");
}

#[test]
fn a_phase_on_its_own_has_its_steps_and_no_gate() {
    let only = |phase| {
        let plan = make(&inventory(vec![host(1, |_| {})]), &PlanRequest { phases: vec![phase], ..request() });
        (steps(&plan, 0).iter().map(ToString::to_string).collect::<Vec<_>>(), plan.flow.stages[0].gate)
    };
    assert_eq!(only(Phase::Backup), (vec!["backup".to_owned()], Gate::Open));
    assert_eq!(only(Phase::Precheck), (vec!["precheck".to_owned()], Gate::Open));
    assert_eq!(only(Phase::Validate), (vec!["validate".to_owned()], Gate::Open));
}

#[test]
fn budgets_and_thresholds_are_numbers_or_shares() {
    let fleet = || inventory((1..=40).map(|number| host(number, |_| {})).collect());
    let with = |limits| make(&fleet(), &PlanRequest { limits, ..request() });
    let plan = with(Limits { out_of_service: Amount::Percent(10), ..limits() });
    assert_eq!((plan.flow.groups[0].capacity, plan.flow.stages[0].max_failures), (4, Some(4)));
    let plan = with(Limits { max_failures: Some(1), out_of_service: Amount::Percent(1), ..limits() });
    assert_eq!((plan.flow.groups[0].capacity, plan.flow.stages[0].max_failures), (1, Some(1)));
    let plan = with(Limits { continue_on_error: false, ..limits() });
    assert_eq!(plan.flow.stages[0].max_failures, Some(0));
}

#[test]
fn the_estimate_follows_the_budget_and_counts_the_calls() {
    let fleet = || inventory((1..=100).map(|number| host(number, |_| {})).collect());
    let narrow = make(&fleet(), &request()).estimate;
    let limits = Limits { out_of_service: Amount::Count(100), reboots_at_once: 100, ..limits() };
    let wide = make(&fleet(), &PlanRequest { limits, ..request() }).estimate;
    assert!(narrow.seconds > 3 * wide.seconds, "{} and {}", narrow.seconds, wide.seconds);
    assert_eq!(wide.calls["ec2:CreateImage"], 100);
    assert_eq!(wide.calls["ssm:SendCommand"], 10, "two batches each of five commands");
}

#[test]
fn an_edited_plan_a_foreign_one_and_garbage_are_told_apart() {
    let document = PlanDocument::new(make(&inventory(vec![host(1, |_| {})]), &request()));
    let bytes = document.write();
    assert_eq!(PlanDocument::read(&bytes).expect("as written").digest(), document.digest());
    let text = String::from_utf8(bytes).expect("JSON");
    let read = |text: &str| PlanDocument::read(text.as_bytes()).expect_err("refused");
    let edited = text.replace("\"capacity\": 10", "\"capacity\": 99");
    assert!(matches!(read(&edited), PlanError::Changed { .. }));
    let foreign = text.replacen("\"major\": 1", "\"major\": 2", 1);
    assert!(matches!(read(&foreign), PlanError::Format { .. }));
    let added = text.replacen("\"program\":", "\"extra\": 1, \"program\":", 1);
    assert!(matches!(read(&added), PlanError::Changed { .. }), "an added field is an edit");
    assert!(matches!(read(&text[..text.len() / 2]), PlanError::Unreadable { .. }));
    assert!(matches!(read("[]"), PlanError::Unreadable { .. }));
}

#[test]
fn planning_the_same_fleet_twice_gives_the_same_digest() {
    let digest = || {
        PlanDocument::new(make(&inventory(vec![host(1, |_| {}), host(2, |_| {})]), &request()))
            .digest()
            .clone()
    };
    assert_eq!(digest(), digest());
}

#[test]
fn drift_names_what_is_gone_relaunched_or_in_another_state_and_nothing_else() {
    let plan = make(&inventory((1..=4).map(|number| host(number, |_| {})).collect()), &request());
    let now = inventory(vec![
        host(1, |it| {
            it.patches = Observed::Known(PatchFacts { missing: 9, ..sample::patch_facts() });
        }),
        host(2, |it| it.instance.launch_time = Some(sample::now() + jiff::SignedDuration::from_hours(1))),
        host(3, |it| it.instance.state = InstanceState::Stopped),
    ]);
    let found: Vec<_> = drift(&plan, &now).into_iter().map(|drift| (drift.name, drift.change)).collect();
    assert_eq!(
        found,
        [
            (Some("web-2".into()), Changed::Relaunched),
            (
                Some("web-3".into()),
                Changed::State { planned: InstanceState::Running, now: InstanceState::Stopped }
            ),
            (Some("web-4".into()), Changed::Gone),
        ]
    );
}

#[test]
fn a_rollback_restores_the_chosen_hosts_behind_an_approval() {
    let plan = make(&inventory((1..=3).map(|number| host(number, |_| {})).collect()), &request());
    let back = rollback(
        &plan,
        &RollbackRequest {
            program: "fleetwright test".into(),
            run: "run-1".into(),
            hosts: vec![(sample::id(2), "ami-0123".into())],
            limits: limits(),
            seed: 8,
            now: sample::now(),
        },
    );
    assert_eq!(hosts(&back), ["web-2"]);
    assert_eq!(steps(&back, 0), ["restore", "validate-restored"]);
    assert_eq!(back.flow.stages[0].gate, Gate::Approval);
    let host = back.work[0].host().expect("a host");
    assert_eq!(host.backup, Backup::Existing { image: "ami-0123".into() });
    assert_eq!(&*host.before.as_ref().expect("the run's evidence").run, "run-1");
    back.flow.check().expect("can be walked");
}

#[test]
#[ignore = "writes the frozen sample of a new format; those of 1.0 and 1.1 are never written again"]
fn write_sample() {
    let document = PlanDocument::new(crate::checker::rich());
    print!("{}", String::from_utf8(document.write()).expect("JSON"));
}

#[test]
fn plans_of_format_1_1_are_read_for_ever_and_keep_the_rules() {
    let bytes = include_bytes!("../../testdata/formats/1.1/plan.json");
    let document = PlanDocument::read(bytes).expect("frozen when 1.1 was written");
    assert_eq!(document.plan().roll_out.waves.len(), 2);
    assert_eq!(check(document.plan()), []);
}

#[test]
fn plans_of_format_1_0_are_read_for_ever() {
    let bytes = include_bytes!("../../testdata/formats/1.0/plan.json");
    let document = PlanDocument::read(bytes).expect("frozen when 1.0 was written");
    assert_eq!(document.plan().work.len(), 3);
    document.plan().flow.check().expect("can be walked");
    assert_eq!(check(document.plan()), []);
}
