//! What a plan says of one host, and how two plans differ.

use fleetwright_model::code;
use fleetwright_patch::plan::roll_out::{Budgets, RollOut};
use fleetwright_patch::plan::{Amount, Explanation, PlanRequest, difference, explain};
use fleetwright_testkit::sample;

use crate::samples::{fleet, inventory, make, request, tag};

fn rolled(budgets: Budgets) -> PlanRequest {
    PlanRequest { roll_out: RollOut { canary: 1, budgets, ..RollOut::default() }, ..request() }
}

#[test]
fn a_host_is_explained_by_its_wave_budgets_and_order_or_by_why_it_is_left_out() {
    let hosts = fleet(1..=12, |number, it| match number {
        1..=3 => {
            let role = if number == 1 { "primary" } else { "secondary" };
            tag(it, &[("Group", "one-at-a-time:orders"), ("Role", role), ("Application", "orders")]);
        }
        12 => tag(it, &[("Group", "singleton:ledger")]),
        _ => {}
    });
    let budgets = Budgets { application: Some(Amount::Percent(100)), ..Budgets::default() };
    let plan = make(&inventory(hosts), &rolled(budgets));
    let told = explain(&plan, "web-1");
    let [Explanation::Planned(primary)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((primary.wave.map(|it| &**it), primary.canary), (Some("fleet"), false));
    let behind: Vec<&str> = primary.behind.iter().map(|name| &***name).collect();
    assert_eq!(behind, ["canary", "gate of canary"]);
    assert_eq!(primary.after, [sample::id(2), sample::id(3)]);
    assert!(primary.sets[0].leads);
    assert_eq!((&**primary.budgets[0].name, primary.budgets[0].capacity), ("set orders", 1));
    let by_id = explain(&plan, sample::id(12).as_str());
    let [Explanation::LeftOut(left)] = by_id.as_slice() else { panic!("{by_id:?}") };
    assert_eq!(&*left.reasons[0], code::NOBODY_TAKES_OVER.id);
    assert!(explain(&plan, "nobody").is_empty());
}

#[test]
fn two_plans_differ_in_hosts_budgets_waves_and_settings_and_in_nothing_else() {
    let budget = |count| Budgets { zone: Some(Amount::Count(count)), ..Budgets::default() };
    let before = make(&inventory(fleet(1..=12, |_, _| {})), &rolled(budget(2)));
    let same = make(&inventory(fleet(1..=12, |_, _| {})), &PlanRequest { seed: 99, ..rolled(budget(2)) });
    assert!(difference(&before, &same).is_empty(), "another seed is no difference");
    let hosts = fleet(2..=13, |number, it| {
        if number == 3 {
            tag(it, &[("Group", "singleton:ledger")]);
        }
    });
    let mut later = rolled(budget(3));
    later.roll_out.canary = 0;
    later.policy.backup.retention_days = 7;
    let told = difference(&before, &make(&inventory(hosts), &later));
    assert_eq!(told.added.iter().map(|it| it.id.clone()).collect::<Vec<_>>(), [sample::id(13)]);
    let removed: Vec<(_, usize)> =
        told.removed.iter().map(|it| (it.host.id.clone(), it.reasons.len())).collect();
    assert_eq!(removed, [(sample::id(1), 0), (sample::id(3), 1)]);
    assert_eq!(told.budgets.iter().map(|it| (it.before, it.after)).collect::<Vec<_>>(), [(Some(2), Some(3))]);
    assert_eq!(&*told.waves.expect("waves differ").before, "canary, fleet");
    assert_eq!(&*told.settings[0].what, "policy.backup.retention_days");
    assert_eq!(told.changed.len(), 10, "the stage of the others is the first now");
}
