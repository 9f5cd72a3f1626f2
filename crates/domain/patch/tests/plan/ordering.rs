//! Sets of hosts that depend on each other.

use fleetwright_model::code;
use fleetwright_patch::plan::roll_out::{OrderMode, OrderRequest, RollOut, Select, Waiver, ZoneByZone};
use fleetwright_patch::plan::{self, PatchPlan, PlanRequest, Refused};
use fleetwright_patch::{Observations, Patterns};
use fleetwright_testkit::sample;

use crate::samples::{capacity, fleet, inventory, make, request, stages, tag};

fn group(name: &str, tag: (&str, &str), mode: OrderMode, after: &[&str]) -> OrderRequest {
    OrderRequest {
        probe: None,
        name: name.into(),
        select: Select {
            tags: vec![(tag.0.to_owned(), Patterns::new([tag.1]).expect("a pattern"))],
            ..Select::default()
        },
        per: Vec::new(),
        mode,
        leaders: Vec::new(),
        after: after.iter().map(|name| (*name).into()).collect(),
    }
}

fn rolled(roll_out: RollOut) -> PlanRequest {
    PlanRequest { roll_out, ..request() }
}

/// The names of the hosts a host waits for.
fn waits<'p>(plan: &'p PatchPlan, name: &str) -> Vec<&'p str> {
    let name_of = |index: usize| plan.work[index].host().and_then(|host| host.name.as_deref());
    let index = (0..plan.work.len()).find(|index| name_of(*index) == Some(name)).expect("planned");
    plan.flow.targets[index].after.iter().filter_map(|id| name_of(id.index())).collect()
}

#[test]
fn a_primary_is_patched_last_and_the_set_one_at_a_time_by_tags_alone() {
    let hosts = fleet(1..=3, |number, it| {
        tag(
            it,
            &[("Group", "one-at-a-time:orders"), ("Role", if number == 1 { "Primary" } else { "secondary" })],
        );
    });
    let plan = make(&inventory(hosts), &request());
    assert_eq!(waits(&plan, "web-1"), ["web-2", "web-3"]);
    assert!(waits(&plan, "web-2").is_empty());
    assert_eq!(capacity(&plan, "set orders"), Some(1));
}

#[test]
fn a_quorum_keeps_its_majority_and_each_cluster_is_a_set_of_its_own() {
    let hosts = fleet(1..=8, |number, it| {
        tag(it, &[("Role2", "etcd"), ("Cluster", if number <= 5 { "a" } else { "b" })]);
    });
    let mut etcd = group("etcd", ("Role2", "etcd"), OrderMode::Quorum, &[]);
    etcd.per = vec!["Cluster".to_owned()];
    let plan = make(&inventory(hosts), &rolled(RollOut { ordering: vec![etcd], ..RollOut::default() }));
    assert_eq!((capacity(&plan, "set etcd/a"), capacity(&plan, "set etcd/b")), (Some(2), Some(1)));
}

#[test]
fn a_quorum_of_two_and_a_singleton_are_left_out_unless_a_waiver_holds() {
    let hosts = || {
        fleet(1..=4, |number, it| {
            tag(
                it,
                &[(
                    "Group",
                    match number {
                        1 | 2 => "quorum:small",
                        3 => "singleton:ledger",
                        _ => "together:others",
                    },
                )],
            );
        })
    };
    let plan = make(&inventory(hosts()), &request());
    let codes: Vec<&str> = plan.left_out.iter().map(|left| &*left.reasons[0]).collect();
    assert_eq!(codes, [code::NOBODY_TAKES_OVER.id; 3]);
    let until = |days: i64| sample::now() + jiff::SignedDuration::from_hours(24 * days);
    let with = |until| {
        let waiver = Waiver { group: "ledger".into(), until, reason: "agreed outage".into() };
        make(&inventory(hosts()), &rolled(RollOut { waivers: vec![waiver], ..RollOut::default() }))
    };
    assert_eq!(with(until(1)).left_out.len(), 2, "the singleton is touched");
    assert_eq!(with(until(-1)).left_out.len(), 3, "a waiver that has expired is none");
    let set = with(until(1)).roll_out.sets.into_iter().find(|set| &*set.name == "ledger").expect("the set");
    assert_eq!(&*set.waiver.expect("in the plan").reason, "agreed outage");
}

#[test]
fn who_stands_on_a_waiver_is_not_begun_without_the_time_to_be_through_before_it_expires() {
    let hosts = || {
        fleet(1..=2, |number, it| {
            tag(it, &[("Group", if number == 1 { "singleton:ledger" } else { "together:others" })]);
        })
    };
    let until = |minutes: i64| sample::now() + jiff::SignedDuration::from_mins(minutes);
    let with = |minutes| {
        let waiver = Waiver { group: "ledger".into(), until: until(minutes), reason: "agreed outage".into() };
        make(&inventory(hosts()), &rolled(RollOut { waivers: vec![waiver], ..RollOut::default() }))
    };
    let plan = with(24 * 60);
    let waived =
        plan.flow.targets.iter().find(|target| target.window.is_some()).expect("the singleton's window");
    let window = &plan.flow.windows[waived.window.expect("a window").index()];
    assert_eq!(window.open.last().map(|span| span.until), Some(until(24 * 60)));
    assert_eq!(window.over.as_deref(), Some(code::WAIVER_OVER.id));
    assert!(plan.flow.recipe_of(fleetwright_flow::TargetId(0)).steps.iter().any(|step| step.in_window));
    assert_eq!(plan.flow.targets.iter().filter(|target| target.window.is_some()).count(), 1, "nobody else");
    let short = with(5);
    assert_eq!(&*short.left_out[0].reasons[0], code::WAIVER_TOO_SHORT.id, "five minutes are not enough");
    assert_eq!(short.flow.targets.len() + 1, plan.flow.targets.len());
}

#[test]
fn a_group_waits_for_the_groups_before_it_and_goes_to_a_later_wave_where_they_are() {
    use fleetwright_patch::plan::Amount;
    use fleetwright_patch::plan::roll_out::WaveRequest;
    let hosts = fleet(1..=4, |number, it| {
        tag(it, &[("Part", if number <= 2 { "app" } else { "db" })]);
    });
    let ordering = vec![
        group("db", ("Part", "db"), OrderMode::Together, &[]),
        group("app", ("Part", "app"), OrderMode::Together, &["db"]),
    ];
    let first = WaveRequest { size: Some(Amount::Count(2)), ..WaveRequest::default() };
    let waves = vec![first, WaveRequest::default()];
    let plan = make(&inventory(hosts), &rolled(RollOut { ordering, waves, ..RollOut::default() }));
    assert_eq!(waits(&plan, "web-1"), ["web-3", "web-4"]);
    assert_eq!(stages(&plan)[0].1, ["web-1", "web-2", "web-3", "web-4"], "nobody is ahead of the databases");
}

#[test]
fn in_zone_by_zone_a_primary_of_the_first_zone_comes_again_in_a_later_round() {
    let hosts = fleet(1..=2, |number, it: &mut Observations| {
        it.instance.availability_zone =
            Some(if number == 1 { "eu-central-1a" } else { "eu-central-1b" }.into());
        tag(
            it,
            &[("Group", "one-at-a-time:db"), ("Role", if number == 1 { "primary" } else { "secondary" })],
        );
    });
    let roll_out = RollOut { zone_by_zone: ZoneByZone::AvailabilityZone, ..RollOut::default() };
    let plan = make(&inventory(hosts), &rolled(roll_out));
    let names: Vec<String> = stages(&plan).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[0], "fleet: payments/eu-central-1b");
    assert_eq!(names[2], "fleet: payments/eu-central-1a (2)");
}

#[test]
fn a_circle_is_refused_and_a_tag_that_says_nothing_leaves_the_host_out() {
    let hosts = fleet(1..=2, |number, it| tag(it, &[("Part", if number == 1 { "a" } else { "b" })]));
    let ordering = vec![
        group("a", ("Part", "a"), OrderMode::Together, &["b"]),
        group("b", ("Part", "b"), OrderMode::Together, &["a"]),
    ];
    let refused = plan::make(&inventory(hosts), &rolled(RollOut { ordering, ..RollOut::default() }))
        .expect_err("a circle");
    assert!(matches!(refused, Refused::Order { .. }), "{refused}");
    let plan = make(&inventory(fleet(1..=1, |_, it| tag(it, &[("Group", "whatever")]))), &request());
    assert_eq!(&*plan.left_out[0].reasons[0], code::ORDER_UNUSABLE.id);
}
