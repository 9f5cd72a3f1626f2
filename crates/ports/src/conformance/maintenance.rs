//! The contract of [`MaintenanceWindows`](crate::MaintenanceWindows), in a cell that has room for two.

use fleetwright_model::{Cell, ErrorClass};

use crate::maintenance::{NewTask, NewWindow, Selection};
use crate::{Clock, MaintenanceWindows};

fn window(token: &str) -> NewWindow {
    NewWindow {
        name: "fleetwright-conformance".into(),
        description: "made and deleted by a test".into(),
        schedule: "cron(0 2 ? * SUN *)".into(),
        time_zone: Some("Europe/Berlin".into()),
        duration_hours: 4,
        cutoff_hours: 1,
        token: token.into(),
    }
}

/// Runs the whole suite; what it makes, it deletes.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(windows: &dyn MaintenanceWindows, cell: &Cell<'_>, clock: &dyn Clock) {
    let before = windows.windows(cell).await;
    assert_eq!(before.failure, None, "windows can be listed");
    let id = windows.create_window(cell, &window("conformance-1")).await.expect("it is made");
    let again = windows.create_window(cell, &window("conformance-1")).await.expect("it is there");
    assert_eq!(id, again, "one token makes one window");
    let other = NewWindow { duration_hours: 5, ..window("conformance-1") };
    windows.create_window(cell, &other).await.expect_err("a token stands for one request");
    let long = NewWindow { duration_hours: 25, ..window("conformance-2") };
    let refused = windows.create_window(cell, &long).await.expect_err("no window is open for 25 hours");
    assert_eq!(refused.class, ErrorClass::Permanent, "{refused}");

    let listed = windows.windows(cell).await;
    assert_eq!((listed.failure, listed.items.len()), (None, before.items.len() + 1));
    let listed = listed.items.into_iter().find(|it| it.id == id).expect("it is listed");
    assert_eq!((&*listed.name, listed.enabled), ("fleetwright-conformance", true));
    assert_eq!(
        (&*listed.schedule, listed.time_zone.as_deref()),
        ("cron(0 2 ? * SUN *)", Some("Europe/Berlin"))
    );
    assert_eq!((listed.duration_hours, listed.cutoff_hours), (4, 1));
    let openings = windows.openings(cell, &id).await;
    assert_eq!(openings.failure, None);
    assert_eq!(openings.items.first().copied(), listed.next, "the next opening is the first");
    assert!(openings.items.first().is_some_and(|at| *at > clock.now()), "{openings:?}");
    assert!(openings.items.is_sorted());

    let selections = [Selection { key: "tag:Patch Group".into(), values: vec!["a".into(), "b".into()] }];
    let target = windows.register_target(cell, &id, &selections, "conformance-t").await.expect("registered");
    let again = windows.register_target(cell, &id, &selections, "conformance-t").await.expect("there");
    assert_eq!(target, again, "one token registers one target");
    let task = NewTask {
        document: "AWS-RunPatchBaseline".into(),
        parameters: vec![("Operation".into(), vec!["Scan".to_owned()])],
        targets: vec![target.clone()],
        max_concurrency: "10%".into(),
        max_errors: "1".into(),
        token: "conformance-k".into(),
    };
    let stray = NewTask { targets: vec!["00000000-0000-4000-8000-000000000000".into()], ..task.clone() };
    let refused = windows.register_task(cell, &id, &stray).await.expect_err("a target of no window");
    assert_eq!(refused.class, ErrorClass::NotFound, "{refused}");
    let registered = windows.register_task(cell, &id, &task).await.expect("registered");
    let targets = windows.targets(cell, &id).await;
    assert_eq!(targets.failure, None);
    let selected: Vec<_> = targets.items.iter().map(|it| (&it.id, it.selections.as_slice())).collect();
    assert_eq!(selected, [(&target, selections.as_slice())]);
    let tasks = windows.tasks(cell, &id).await;
    assert_eq!(tasks.failure, None);
    let [found] = tasks.items.as_slice() else { panic!("one task: {:?}", tasks.items) };
    assert_eq!(
        (&found.id, found.runs_command, &*found.document),
        (&registered, true, "AWS-RunPatchBaseline")
    );
    assert_eq!(found.targets, [Selection { key: "WindowTargetIds".into(), values: vec![target] }]);
    assert_eq!((found.max_concurrency.as_deref(), found.max_errors.as_deref()), (Some("10%"), Some("1")));

    windows.delete_window(cell, &id).await.expect("deleted");
    windows.delete_window(cell, &id).await.expect("what is gone may be deleted again");
    let gone = windows.targets(cell, &id).await.failure.expect("there is no such window");
    assert_eq!(gone.class, ErrorClass::NotFound, "{gone}");
    assert_eq!(windows.windows(cell).await.items.len(), before.items.len(), "nothing is left");
}
