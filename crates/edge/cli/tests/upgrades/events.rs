//! What a run tells event buses of.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fleetwright_announce::{Buses, Published, UpgradeEvents};
use fleetwright_engine::{AtGates, Control};
use fleetwright_kubernetes::{Hop, Minor};
use fleetwright_model::Cell;
use fleetwright_ports::Events;
use fleetwright_ports::event_rules::BusName;
use fleetwright_ports::events::{Entry, Event};

use crate::stories::healthy;
use crate::world::{REGION, Staged, World};

/// A bus that takes everything.
#[derive(Default)]
struct Bus(Mutex<Vec<(String, Event)>>);

#[async_trait]
impl Events for Bus {
    async fn put(&self, cell: &Cell<'_>, _: &BusName, events: &[Event]) -> Vec<Entry> {
        let mut all = self.0.lock().expect("no test panicked");
        let account = cell.zone.account.to_string();
        all.extend(events.iter().map(|event| (account.clone(), event.clone())));
        events.iter().map(|_| Entry::Taken("1".to_owned())).collect()
    }
}

/// Drives a run, and answers with what was told.
async fn told(staged: &Staged, source: Option<&str>) -> Vec<Event> {
    let bus = Arc::new(Bus::default());
    let buses = Buses {
        events: Arc::clone(&bus) as Arc<dyn Events>,
        clock: Arc::clone(&staged.world.stage.clock),
        bus: BusName::default(),
        source: source.map(str::to_owned),
        cells: vec![(staged.world.zone.clone(), REGION.parse().expect("a region"))],
    };
    let events = UpgradeEvents::start(staged.run.as_str(), Arc::new(staged.document.plan().clone()), buses);
    let control = Control::new("the test", AtGates::Approve { by: "ada".into() });
    staged.watched(&control, &events).await;
    let Published { taken, lost, why } = events.finish().await;
    let all = bus.0.lock().expect("no test panicked").clone();
    assert_eq!((taken, lost, why), (all.len() as u64, 0, None));
    assert!(all.iter().all(|(account, _)| account == crate::world::ACCOUNT));
    all.into_iter().map(|(_, event)| event).collect()
}

async fn staged(clusters: &str) -> Staged {
    let world = World::of(clusters).await;
    let document = world.planned("shop", 35).await;
    world.run(document).await.expect("a plan that can be carried out")
}

fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.detail_type.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_tells_where_it_begins_what_it_does_and_how_it_ended() {
    let staged = staged(&healthy("shop", "1.34")).await;
    let events = told(&staged, None).await;
    let kinds = kinds(&events);
    assert_eq!((kinds.first(), kinds.last()), (Some(&"upgrade.started"), Some(&"upgrade.completed")));
    assert_eq!(kinds.iter().filter(|kind| **kind == "validation.success").count(), 3, "{kinds:?}");
    let begun = &events[0].detail;
    assert_eq!(begun["cluster_name"], "shop");
    assert_eq!((&begun["target_version"], &begun["strategy"]), (&"1.35".into(), &"in-place".into()));
    let ended = &events[events.len() - 1].detail;
    assert_eq!(ended["status"], "completed");
    assert!(ended["duration_seconds"].as_i64() > Some(600), "{ended:?}");
    let begins =
        |event: &&Event| event.detail_type == "phase.started" && event.detail["phase"] == "execution";
    let steps: Vec<&str> = events.iter().filter(begins).filter_map(|it| it.detail["step"].as_str()).collect();
    assert!(steps.contains(&"control-plane-1.35") && steps.contains(&"nodes-blue-1.35"), "{steps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_once_with_its_reason() {
    let clusters =
        healthy("shop", "1.34").replace("logging =", "next_upgrade_fails = \"IpNotAvailable\"\nlogging =");
    let events = told(&staged(&clusters).await, Some("eks-upgrade-agent")).await;
    assert!(events.iter().all(|event| event.source == "eks-upgrade-agent"));
    let failed: Vec<&Event> = events.iter().filter(|it| it.detail_type == "upgrade.failed").collect();
    let [failed] = failed.as_slice() else { panic!("{:?}", kinds(&events)) };
    assert_eq!(failed.detail["phase"], "execution");
    assert!(failed.detail["error"].as_str().is_some_and(|it| it.contains("IpNotAvailable")), "{failed:?}");
    assert!(!kinds(&events).contains(&"upgrade.completed"));
}

#[tokio::test(start_paused = true)]
async fn a_way_back_is_told_as_one() {
    let staged = staged(&healthy("shop", "1.34")).await;
    staged.drive().await;
    let hop = Hop { from: Minor::new(34), to: Minor::new(35) };
    let events = told(&staged.back("shop", hop).await, None).await;
    let kinds = kinds(&events);
    assert_eq!((kinds.first(), kinds.last()), (Some(&"rollback.triggered"), Some(&"rollback.completed")));
    assert!(!kinds.contains(&"upgrade.started"), "{kinds:?}");
}
