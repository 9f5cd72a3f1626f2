//! Waves, canaries, gates and zones one at a time.

use fleetwright_flow::{ApprovalRule, Gate, OnExpiry};
use fleetwright_model::{OsFamily, Phase, code};
use fleetwright_patch::Patterns;
use fleetwright_patch::plan::policy::{Operation, RebootStrategy};
use fleetwright_patch::plan::roll_out::{
    Budgets, GateChecks, Issues, RollOut, Select, Tolerance, WaveRequest, ZoneByZone,
};
use fleetwright_patch::plan::{self, Amount, PlanRequest, Refused, Work};

use crate::samples::{fleet, host, inventory, make, request, stages, steps, tag};

fn rolled(roll_out: RollOut) -> PlanRequest {
    PlanRequest { roll_out, ..request() }
}

fn wave(name: &str) -> WaveRequest {
    WaveRequest { name: Some(name.into()), ..WaveRequest::default() }
}

#[test]
fn a_fleet_of_ten_or_more_has_a_canary_of_each_family_and_smaller_ones_have_none() {
    let mixed = |last: u64| {
        inventory(fleet(1..=last, |number, it| {
            if number % 2 == 0 {
                it.instance.os = OsFamily::Windows;
            }
        }))
    };
    let roll_out = RollOut { canary: 1, bake_seconds: 600, ..RollOut::default() };
    let plan = make(&mixed(12), &rolled(roll_out.clone()));
    let listed = stages(&plan);
    assert_eq!(listed[0], ("canary".to_owned(), vec!["web-1", "web-2"]));
    assert_eq!(listed[1].0, "gate of canary");
    assert_eq!((listed[2].0.as_str(), listed[2].1.len()), ("fleet", 10));
    let canary = &plan.flow.stages[0];
    assert_eq!((canary.max_failures, canary.min_verified), (Some(0), 2), "every canary must be proven");
    assert_eq!(stages(&make(&mixed(9), &rolled(roll_out)))[0].0, "fleet");
}

#[test]
fn the_least_critical_are_the_canary_and_they_are_spread_over_zones() {
    let hosts = fleet(1..=12, |number, it| {
        tag(it, &[("Criticality", if number <= 8 { "high" } else { "low" })]);
        it.instance.availability_zone =
            Some(format!("eu-central-1{}", ["a", "b"][number as usize / 11]).into());
    });
    let roll_out = RollOut { canary: 2, ..RollOut::default() };
    let plan = make(&inventory(hosts), &rolled(roll_out));
    assert_eq!(stages(&plan)[0].1, ["web-9", "web-11"], "one of each zone");
}

#[test]
fn between_two_waves_stands_a_gate_for_each_place_of_the_first() {
    let roll_out = RollOut {
        waves: vec![WaveRequest { size: Some(Amount::Percent(25)), ..wave("pilot") }, wave("rest")],
        bake_seconds: 1800,
        gate: GateChecks {
            alarms: vec!["errors".into()],
            compliance: true,
            patch_list_bucket: Some("lists".into()),
            ..GateChecks::default()
        },
        ..RollOut::default()
    };
    let plan = make(&inventory(fleet(1..=8, |_, _| {})), &rolled(roll_out));
    let sizes: Vec<(String, usize)> = stages(&plan).into_iter().map(|(name, it)| (name, it.len())).collect();
    assert_eq!(
        sizes,
        [("pilot", 2), ("gate of pilot", 0), ("rest", 6), ("clean-up", 0)]
            .map(|(name, it)| (name.to_owned(), it))
    );
    let Work::Gate(gate) = &plan.work[2] else { panic!("a gate: {:?}", plan.work[2]) };
    assert_eq!((gate.bake_seconds, gate.compliance, gate.differences), (1800, true, false));
    assert_eq!(gate.patch_list_bucket.as_deref(), Some("lists"), "the first wave's patches go on");
    assert_eq!(steps(&plan, 2), ["bake", "gate-checks", "promote"]);
    assert_eq!(plan.flow.stages[1].max_failures, Some(0), "a gate that fails ends the run");
    assert_eq!(plan.flow.stages[0].min_verified, 1);
    assert!(plan.estimate.seconds > 1800);
}

#[test]
fn issues_may_be_passed_over_or_taken_strictly() {
    let with = |issues| {
        let waves = vec![WaveRequest { size: Some(Amount::Count(2)), ..wave("pilot") }, wave("rest")];
        let roll_out = RollOut { waves, issues, ..RollOut::default() };
        let plan = make(&inventory(fleet(1..=4, |_, _| {})), &rolled(roll_out));
        (plan.flow.stages[0].min_verified, plan.flow.stages[1].max_failures)
    };
    assert_eq!(with(Issues::Ignore), (1, None));
    assert_eq!(with(Issues::Gate), (1, Some(0)));
    assert_eq!(with(Issues::Any), (2, Some(0)), "everybody must end well");
}

#[test]
fn waves_are_chosen_by_tags_accounts_and_zones_and_whom_none_takes_is_left_out() {
    let hosts = fleet(1..=6, |number, it| {
        if number <= 4 {
            tag(it, &[("Stage", if number <= 2 { "test" } else { "prod" })]);
        }
    });
    let stage = |value: &str| Select {
        tags: vec![("Stage".to_owned(), Patterns::new([value]).expect("a pattern"))],
        ..Select::default()
    };
    let roll_out = RollOut {
        waves: vec![
            WaveRequest { select: stage("te*"), ..wave("test") },
            WaveRequest { select: stage("prod"), ..wave("prod") },
        ],
        ..RollOut::default()
    };
    let plan = make(&inventory(hosts), &rolled(roll_out));
    let listed = stages(&plan);
    assert_eq!(listed[0].1, ["web-1", "web-2"]);
    assert_eq!(listed[2].1, ["web-3", "web-4"]);
    assert!(plan.left_out.iter().all(|left| &*left.reasons[0] == code::NO_WAVE.id));
    assert_eq!(plan.left_out.len(), 2);
}

#[test]
fn a_wave_may_have_settings_of_systems_manager_of_its_own() {
    let roll_out = RollOut {
        waves: vec![
            WaveRequest {
                size: Some(Amount::Count(2)),
                operation: Some(Operation::Scan),
                reboot: Some(RebootStrategy::Skip),
                max_concurrent: Some(Amount::Count(1)),
                max_failures: Some(Tolerance::Percent(50)),
                ..wave("look")
            },
            wave("rest"),
        ],
        ..RollOut::default()
    };
    let plan = make(&inventory(fleet(1..=4, |_, _| {})), &rolled(roll_out));
    assert!(!steps(&plan, 0).contains(&"reboot") && steps(&plan, 3).contains(&"reboot"));
    let first = plan.work[0].host().expect("a host");
    assert_eq!((first.operation, first.reboot), (Some(Operation::Scan), Some(RebootStrategy::Skip)));
    assert_eq!(plan.flow.stages[0].max_failures, Some(1));
    let budget = plan.flow.groups.iter().position(|group| &*group.name == "wave look").expect("its budget");
    assert_eq!(plan.flow.groups[budget].capacity, 1);
    assert!(plan.flow.targets[0].groups.iter().any(|group| group.index() == budget));
    assert!(plan.flow.targets[3].groups.iter().all(|group| group.index() != budget));
}

#[test]
fn zone_by_zone_is_a_stage_for_each_zone_with_a_gate_and_an_approval_between() {
    let hosts = fleet(1..=4, |number, it| {
        it.instance.availability_zone =
            Some(if number % 2 == 0 { "eu-central-1b" } else { "eu-central-1a" }.into());
    });
    let rule = ApprovalRule {
        needed: 2,
        approvers: Vec::new(),
        expires_seconds: Some(3600),
        on_expiry: OnExpiry::Skip,
    };
    let roll_out = RollOut {
        zone_by_zone: ZoneByZone::AvailabilityZone,
        approval: Some(rule.clone()),
        ..RollOut::default()
    };
    let plan = make(&inventory(hosts), &rolled(roll_out));
    assert_eq!(
        stages(&plan)[..3],
        [
            ("fleet: payments/eu-central-1a".to_owned(), vec!["web-1", "web-3"]),
            ("gate of fleet: payments/eu-central-1a".to_owned(), vec![]),
            ("fleet: payments/eu-central-1b".to_owned(), vec!["web-2", "web-4"]),
        ]
    );
    let gates: Vec<Gate> = plan.flow.stages.iter().map(|stage| stage.gate).collect();
    assert_eq!(gates[..3], [Gate::Approval, Gate::Open, Gate::Approval]);
    assert_eq!(plan.flow.stages[2].approval, Some(rule));
}

#[test]
fn as_many_zones_as_asked_for_share_a_stage() {
    let letters = ["a", "b", "c"];
    let hosts = fleet(1..=6, |number, it| {
        let letter = letters[number as usize % 3];
        it.instance.availability_zone = Some(format!("eu-central-1{letter}").into());
    });
    let zone_by_zone = ZoneByZone::AvailabilityZone;
    let two = RollOut { zone_by_zone, zones_at_once: 2, ..RollOut::default() };
    let plan = make(&inventory(hosts.clone()), &rolled(two));
    let named = |plan| {
        let all = stages(plan).into_iter().filter(|(_, hosts)| !hosts.is_empty());
        all.collect::<Vec<_>>()
    };
    let first = "fleet: payments/eu-central-1a to payments/eu-central-1b";
    assert_eq!(
        named(&plan),
        [
            (first.to_owned(), vec!["web-1", "web-3", "web-4", "web-6"]),
            ("fleet: payments/eu-central-1c".to_owned(), vec!["web-2", "web-5"]),
        ]
    );
    let all = RollOut { zone_by_zone, zones_at_once: 9, ..RollOut::default() };
    assert_eq!(named(&make(&inventory(hosts), &rolled(all))).len(), 1);
}

#[test]
fn a_wave_that_would_empty_an_application_is_refused_unless_it_has_a_budget_or_is_alone() {
    let pair = || inventory(fleet(1..=2, |_, it| tag(it, &[("Application", "checkout")])));
    let refused = plan::make(&pair(), &request()).expect_err("both at once");
    let Refused::Empties { name, members, .. } = &refused else { panic!("{refused}") };
    assert_eq!((&**name, *members), ("checkout", 2));
    assert_eq!(refused.code().id, code::PLAN_REFUSED.id);
    let budgets = Budgets { application: Some(Amount::Percent(50)), ..Budgets::default() };
    make(&pair(), &rolled(RollOut { budgets, ..RollOut::default() }));
    make(&inventory(vec![host(1, |it| tag(it, &[("Application", "checkout")]))]), &request());
}

#[test]
fn images_of_a_whole_application_at_once_empty_nothing() {
    let pair = inventory(fleet(1..=2, |_, it| tag(it, &[("Application", "checkout")])));
    let budgets = Budgets { application: Some(Amount::Percent(100)), ..Budgets::default() };
    let roll_out = RollOut { budgets, ..RollOut::default() };
    plan::make(&pair, &rolled(roll_out.clone())).expect_err("both patched at once");
    make(&pair, &PlanRequest { phases: vec![Phase::Backup], ..rolled(roll_out) });
}
