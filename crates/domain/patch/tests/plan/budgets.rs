//! Budgets of groups: who counts against which, and how many at once.

use fleetwright_model::{HealthCheck, InstanceState, Observed, SystemHealth, code};
use fleetwright_patch::plan::roll_out::{Budgets, RollOut};
use fleetwright_patch::plan::{Amount, PlanRequest};

use crate::samples::{capacity, fleet, inventory, make, request, tag};

fn with(budgets: Budgets) -> PlanRequest {
    PlanRequest { roll_out: RollOut { budgets, ..RollOut::default() }, ..request() }
}

#[test]
fn a_host_counts_against_every_group_it_is_in_and_shares_are_of_all_members() {
    let hosts = fleet(1..=8, |number, it| {
        tag(it, &[("Application", if number <= 6 { "shop" } else { "mail" })]);
        it.instance.availability_zone =
            Some(if number % 2 == 0 { "eu-central-1b" } else { "eu-central-1a" }.into());
    });
    let plan = make(
        &inventory(hosts),
        &with(Budgets {
            zone: Some(Amount::Count(3)),
            application: Some(Amount::Percent(50)),
            availability_zone: Some(Amount::Percent(50)),
            ..Budgets::default()
        }),
    );
    assert_eq!(capacity(&plan, "application shop"), Some(3));
    assert_eq!(capacity(&plan, "application mail"), Some(1));
    assert_eq!(capacity(&plan, "zone payments/eu-central-1"), Some(3));
    assert_eq!(capacity(&plan, "availability zone 111122223333/eu-central-1a"), Some(2));
    assert_eq!(plan.flow.targets[0].groups.len(), 4);
    let shared = plan.flow.groups.iter().filter(|group| group.shared.is_some()).count();
    assert_eq!(shared, plan.flow.groups.len() - 1, "all but the run's own are shared on the machine");
}

#[test]
fn members_that_are_not_worked_on_count_and_those_that_are_down_leave_less_room() {
    let hosts = || {
        fleet(1..=4, |number, it| {
            tag(it, &[("Application", "shop")]);
            if number == 4 {
                let health = SystemHealth { system: HealthCheck::Ok, instance: HealthCheck::Impaired };
                it.health = Observed::Known(health);
            }
        })
    };
    let budgets = |amount| Budgets { application: Some(amount), ..Budgets::default() };
    let plan = make(&inventory(hosts()), &with(budgets(Amount::Percent(50))));
    assert_eq!(capacity(&plan, "application shop"), Some(1), "two of four, and one is down");
    let group = plan.roll_out.groups.last().expect("the application's");
    assert_eq!((group.members, group.down), (4, 1));
    let plan = make(&inventory(hosts()), &with(budgets(Amount::Count(1))));
    assert!(plan.work.is_empty(), "nobody may join the one that is down");
    let down = plan.left_out.iter().filter(|left| &*left.reasons[0] == code::GROUP_DOWN.id).count();
    assert_eq!(down, 3);
}

#[test]
fn a_ramp_begins_small_and_stopped_hosts_serve_nobody() {
    let hosts = fleet(1..=3, |number, it| {
        tag(it, &[("Application", "shop")]);
        if number == 3 {
            it.instance.state = InstanceState::Stopped;
        }
    });
    let budgets = Budgets { application: Some(Amount::Percent(50)), ..Budgets::default() };
    let roll_out = RollOut { budgets, ramp: Some(1), ..RollOut::default() };
    let plan = make(&inventory(hosts), &PlanRequest { roll_out, ..request() });
    assert_eq!(plan.flow.groups[0].first, Some(1));
    let group = plan.roll_out.groups.last().expect("the application's");
    assert_eq!(group.members, 2, "of two that run");
}

#[test]
fn target_groups_count_where_the_scan_has_read_them() {
    let mut hosts = fleet(1..=4, |_, _| {});
    for host in &mut hosts {
        host.target_groups = Observed::Known(vec!["arn:tg/front".into()]);
    }
    let budgets = Budgets { target_group: Some(Amount::Percent(25)), ..Budgets::default() };
    let plan = make(&inventory(hosts), &with(budgets));
    assert_eq!(capacity(&plan, "target group arn:tg/front"), Some(1));
}
