//! Every scenario file, scanned in virtual time: what was found is what the world holds, what was
//! not is a gap that the file expects, and no invariant is broken on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use fleetwright::args::WorldArgs;
use fleetwright::console::Console;
use fleetwright::fleet::scan_request;
use fleetwright::settings::Flags;
use fleetwright::simulated::Stage;
use fleetwright_estate::checkers::Purpose;
use fleetwright_estate::estate::Estate;
use fleetwright_estate::scenario::ScenarioFile;
use fleetwright_estate::world::instance::InstanceState;
use fleetwright_model::GapSubject;
use fleetwright_patch::Inventory;
use fleetwright_survey::{Ports, Stop, scan};
use serde::Deserialize;

const CONSOLE: Console = Console { color: false, live: false, quiet: true, width: 120 };

/// `[expect.scan]` of a scenario.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Expected {
    exit: u8,
    #[serde(default)]
    gaps: Vec<ExpectedGap>,
}

#[derive(Debug, Clone, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct ExpectedGap {
    zone: String,
    region: Option<String>,
    subject: String,
    code: String,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios").join(format!("{name}.toml"))
}

async fn stage(args: &WorldArgs) -> Stage {
    Stage::set(args, Flags::default(), CONSOLE).await.expect("a usable scenario")
}

async fn scanned(stage: &Stage) -> Inventory {
    let ports = Ports { accounts: &stage.aws, machines: &stage.aws, clock: stage.clock.as_ref() };
    let request = scan_request(&stage.settings, stage.fleet.clone());
    scan(ports, &request, &Stop::never(), &|_| {}).await
}

/// Instances by account and region, terminated ones left out.
fn truth(estate: &Estate) -> BTreeMap<(String, String), BTreeSet<String>> {
    estate.with_world(|world| {
        let mut cells = BTreeMap::new();
        for (account, content) in &world.accounts {
            for (region, here) in &content.regions {
                let alive = here.instances.iter().filter(|i| i.state != InstanceState::Terminated);
                cells.insert((account.clone(), region.clone()), alive.map(|i| i.id.to_string()).collect());
            }
        }
        cells
    })
}

/// Scans the scenario and holds the result against the world and the file's expectation.
async fn story(name: &str, size: WorldArgs) {
    let args = WorldArgs { scenario: Some(path(name).display().to_string()), ..size };
    let expected = expectation(name);
    let stage = stage(&args).await;
    let inventory = scanned(&stage).await;

    let mut gaps: Vec<ExpectedGap> = inventory
        .gaps
        .iter()
        .map(|gap| ExpectedGap {
            zone: gap.zone.as_ref().map(ToString::to_string).unwrap_or_default(),
            region: gap.region.as_ref().map(ToString::to_string),
            subject: subject(gap.subject),
            code: gap.failure.code.id.to_owned(),
        })
        .collect();
    gaps.sort();
    let mut wanted = expected.gaps.clone();
    wanted.sort();
    assert_eq!(gaps, wanted, "{name}: {:#?}", inventory.gaps);
    assert_eq!(inventory.outcome().exit.number(), expected.exit, "{name}: exit code");

    let truth = truth(&stage.world.estate);
    for cell in &inventory.cells {
        let hosts =
            inventory.hosts.iter().filter(|host| host.zone == cell.zone && host.region == cell.region);
        let found: BTreeSet<String> = hosts.map(|host| host.instance.id.to_string()).collect();
        let there = &truth[&(cell.account.to_string(), cell.region.to_string())];
        let broken_off = gaps.iter().any(|gap| {
            gap.zone == cell.zone.as_str()
                && gap.region.as_deref() == Some(cell.region.as_str())
                && gap.subject == subject(GapSubject::Instances)
        });
        match broken_off {
            true => assert!(found.is_subset(there), "{name}: {cell:?}"),
            false => assert_eq!(&found, there, "{name}: {cell:?}"),
        }
    }
    let verdict = stage.world.estate.check(Purpose::DryRun);
    assert!(verdict.ok, "{name}: {:?}", verdict.findings);
}

fn subject(subject: GapSubject) -> String {
    serde_json::to_value(subject).expect("a word").as_str().expect("a word").to_owned()
}

fn expectation(name: &str) -> Expected {
    let text = fleetwright::files::read_text(&path(name)).expect("the scenario is there");
    let file = ScenarioFile::parse(&text, name).expect("a scenario");
    let scan = file.scenario.expect.get("scan").expect("every scenario says what a scan finds");
    scan.clone().try_into().expect("the form of an expectation")
}

macro_rules! stories {
    ($($test:ident: $name:literal $(at $size:expr)?;)+) => {
        $(#[tokio::test(start_paused = true)] async fn $test() {
            let sizes: &[WorldArgs] = &[$($size)?];
            story($name, sizes.first().cloned().unwrap_or_default()).await;
        })+

        #[test]
        fn every_scenario_file_has_its_story() {
            let told = BTreeSet::from([$($name.to_owned()),+]);
            assert_eq!(told, scenario_files());
        }
    };
}

#[expect(clippy::disallowed_methods, reason = "the test looks at the scenario directory")]
fn scenario_files() -> BTreeSet<String> {
    let entries = std::fs::read_dir(path("x").parent().expect("a directory")).expect("the scenarios");
    let names = entries.map(|entry| entry.expect("readable").path());
    names
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .filter(|name| carried_out(name).is_none())
        .collect()
}

/// Who tells a scenario that is carried out and not only scanned: tests of runs, or of upgrades.
fn carried_out(name: &str) -> Option<&'static str> {
    let text = fleetwright::files::read_text(&path(name)).expect("the scenario is there");
    let file = ScenarioFile::parse(&text, name).unwrap_or_else(|error| panic!("{error}"));
    let named = ["run", "upgrade"].into_iter().find(|kind| name.starts_with(&format!("{kind}-")));
    let expects = ["run", "upgrade"].into_iter().find(|kind| file.scenario.expect.contains_key(*kind));
    // Some stories of runs stand in Rust, over the world of such a file.
    assert!(
        expects.is_none() || named == expects,
        "{name}: its [expect.…] is not the one its name stands for"
    );
    named
}

stories! {
    the_demo_shows_a_gap_where_an_account_hides_a_region: "demo";
    hostile_tags_and_missing_ones_lose_nothing: "bad-input";
    every_way_of_refusal_is_a_gap_with_its_cause_and_the_healthy_account_does_not_suffer: "denied";
    throttling_on_every_second_call_is_survived: "throttled";
    a_hidden_tenant_slows_the_scan_down_but_it_finishes: "hidden-tenant";
    a_page_that_fails_in_the_middle_loses_nothing_but_the_rest_of_its_listing: "broken-page";
    beside_clusters_there_is_no_instance_to_patch: "clusters";
    a_large_fleet_is_read_completely_within_its_limits: "scale"
        at WorldArgs { accounts: Some(20), instances: Some(10_000), ..WorldArgs::default() };
    the_fleet_that_runs_are_measured_on_is_read: "scale-run"
        at WorldArgs { instances: Some(300), ..WorldArgs::default() };
    the_fleet_that_stops_are_measured_on_is_read: "scale-run-faults"
        at WorldArgs { instances: Some(300), ..WorldArgs::default() };
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_inventory_and_another_seed_another() {
    let seeded = |seed| WorldArgs { seed: Some(seed), ..WorldArgs::default() };
    let (first, second) = (stage(&seeded(1)).await, stage(&seeded(1)).await);
    assert_eq!(scanned(&first).await, scanned(&second).await);
    let third = stage(&seeded(2)).await;
    assert_ne!(scanned(&first).await.hosts, scanned(&third).await.hosts);
}
