//! Scan and doctor over a fleet in memory: what goes wrong in one place never hides another.

use std::collections::BTreeSet;
use std::sync::Mutex;

use fleetwright_clock::VirtualClock;
use fleetwright_model::{
    AccountId, Cell, ErrorClass, Failure, GapSubject, InstanceState, Observed, OrganizationAccount,
    OrganizationScope, Phase, PingStatus, Regions, Zone, code,
};
use fleetwright_patch::checkup::{Checkup, Severity};
use fleetwright_patch::{Filters, Inventory, LabelKeys, Listing, Rules, Verdict};
use fleetwright_ports::InstanceQuery;
use fleetwright_ports::conformance::machines::{Expected, check};
use fleetwright_survey::{DoctorRequest, Fleet, Ports, Progress, ScanRequest, Stop, examine, scan};
use fleetwright_testkit::sample::{agent, denied, id, instance, now, region, zone};
use fleetwright_testkit::{FakeCell, FakeFleet};

fn request(zones: Vec<Zone>) -> ScanRequest {
    ScanRequest {
        fleet: Fleet { zones, ..Fleet::default() },
        query: InstanceQuery::default(),
        filters: Filters::default(),
        keys: LabelKeys::default(),
        rules: Rules { start_stopped: true, min_agent_version: None, max_patch_state_age: None },
        max_concurrent_regions: 4,
    }
}

async fn scanned(fleet: &FakeFleet, request: &ScanRequest) -> Inventory {
    let clock = VirtualClock::starting_at(now());
    let ports = Ports { accounts: fleet, machines: fleet, clock: &clock };
    scan(ports, request, &Stop::never(), &|_| {}).await
}

fn ids(inventory: &Inventory) -> Vec<String> {
    inventory.hosts.iter().map(|host| host.instance.id.to_string()).collect()
}

fn scope() -> OrganizationScope {
    OrganizationScope {
        unit: None,
        accounts_include: Vec::new(),
        accounts_exclude: vec!["sandbox-*".into()],
        role_name: Some("fleetwright".into()),
        external_id: None,
        profile: None,
        regions: Regions::Listed(vec![region("eu-central-1")]),
        environment: Some("prod".into()),
        tags: Default::default(),
        include: Vec::new(),
        exclude: Vec::new(),
    }
}

fn member(account: &str, name: &str, active: bool) -> OrganizationAccount {
    OrganizationAccount { account: AccountId::new(account).expect("valid"), name: name.into(), active }
}

#[tokio::test(start_paused = true)]
async fn the_fake_fleet_keeps_the_contract_of_the_port() {
    let payments = zone("payments", "011122223333", &["eu-central-1"]);
    let mut stopped = instance(2, "b");
    stopped.state = InstanceState::Stopped;
    let mut gone = instance(3, "c");
    gone.state = InstanceState::Terminated;
    let mut cell = FakeCell::default().with(instance(1, "a")).with(stopped).with(gone);
    cell.agents.remove(&id(2));
    cell.patches.remove(&id(1));
    let fleet = FakeFleet::default().with(&payments, "eu-central-1", cell);
    let expected = Expected {
        instances: BTreeSet::from([id(1), id(2)]),
        running: BTreeSet::from([id(1)]),
        managed: BTreeSet::from([id(1)]),
        scanned: BTreeSet::from([id(2)]),
    };
    check(&fleet, &Cell { zone: &payments, region: region("eu-central-1") }, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn everything_known_of_an_instance_is_joined_and_ordered() {
    let shop = zone("shop", "444455556666", &["eu-west-1", "eu-central-1"]);
    let payments = zone("payments", "011122223333", &["eu-central-1"]);
    let fleet = FakeFleet::default()
        .with(&shop, "eu-west-1", FakeCell::default().with(instance(9, "w")))
        .with(&shop, "eu-central-1", FakeCell::default().with(instance(8, "c")).with(instance(7, "b")))
        .with(&payments, "eu-central-1", FakeCell::default().with(instance(1, "a")));
    let inventory = scanned(&fleet, &request(vec![shop, payments])).await;
    assert_eq!(inventory.gaps, []);
    assert_eq!(ids(&inventory), [id(1), id(7), id(8), id(9)].map(|id| id.to_string()));
    let host = &inventory.hosts[0];
    assert_eq!(host.judgement.verdict, Verdict::Eligible);
    assert_eq!(host.storage.known().map(|storage| storage.gib), Some(120));
    assert_eq!(host.hardware.known().map(|hardware| hardware.memory_mib), Some(8192));
    let baseline = host.patches.known().and_then(|patches| patches.baseline_name.as_deref());
    assert_eq!(baseline, Some("AWS-AmazonLinux2023Default"));
    assert_eq!(inventory.cells.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_refuses_us_is_one_gap_and_the_others_are_read() {
    let closed = zone("closed", "444455556666", &["eu-west-1", "eu-central-1"]);
    let open = zone("open", "011122223333", &["eu-central-1"]);
    let mut fleet =
        FakeFleet::default().with(&open, "eu-central-1", FakeCell::default().with(instance(1, "a")));
    let refusal = Failure::new(ErrorClass::Denied, &code::ROLE_REFUSED, "sts:AssumeRole", "not authorized");
    fleet.closed.insert(closed.account.clone(), refusal.clone());
    let inventory = scanned(&fleet, &request(vec![closed.clone(), open])).await;
    assert_eq!(ids(&inventory), [id(1).to_string()]);
    assert_eq!(inventory.gaps.len(), 1, "one gap for the zone, not one per region");
    let gap = &inventory.gaps[0];
    assert_eq!((gap.subject, &gap.zone, &gap.region), (GapSubject::Zone, &Some(closed.name), &None));
    assert_eq!(gap.failure, refusal);
}

#[tokio::test(start_paused = true)]
async fn facts_that_could_not_be_read_are_not_checked_and_never_absent() {
    let payments = zone("payments", "011122223333", &["eu-central-1"]);
    let hosts = FakeCell::default().with(instance(1, "a")).with(instance(2, "b"));
    let cell = hosts
        .failing(GapSubject::Agents, denied("ssm:DescribeInstanceInformation"))
        .failing(GapSubject::PatchStates, denied("ssm:DescribeInstancePatchStates"))
        .failing(GapSubject::StatusChecks, denied("ec2:DescribeInstanceStatus"))
        .failing(GapSubject::Volumes, denied("ec2:DescribeVolumes"))
        .failing(GapSubject::InstanceTypes, denied("ec2:DescribeInstanceTypes"));
    let fleet = FakeFleet::default().with(&payments, "eu-central-1", cell);
    let inventory = scanned(&fleet, &request(vec![payments])).await;
    assert_eq!(inventory.hosts.len(), 2, "the instances themselves are there");
    for host in &inventory.hosts {
        assert_eq!(host.agent, Observed::NotChecked);
        assert_eq!(host.patches, Observed::NotChecked);
        assert_eq!(host.health, Observed::NotChecked);
        assert_eq!(host.storage, Observed::NotChecked);
        assert_eq!(host.hardware, Observed::NotChecked);
        assert_eq!(host.judgement.verdict, Verdict::Unknown);
    }
    let subjects: Vec<GapSubject> = inventory.gaps.iter().map(|gap| gap.subject).collect();
    assert_eq!(
        subjects,
        [
            GapSubject::Agents,
            GapSubject::PatchStates,
            GapSubject::StatusChecks,
            GapSubject::Volumes,
            GapSubject::InstanceTypes
        ]
    );
    assert!(inventory.gaps.iter().all(|gap| gap.instances == Some(2)));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_loses_only_its_own_instances() {
    let payments = zone("payments", "011122223333", &["eu-central-1"]);
    let mut cell = FakeCell::default().with(instance(1, "a")).with(instance(2, "b")).with(instance(3, "c"));
    let failure =
        Failure::new(ErrorClass::Throttled, &code::THROTTLED, "ssm:DescribeInstanceInformation", "slow");
    cell.unreachable_agents = Some((BTreeSet::from([id(2), id(3)]), failure));
    let fleet = FakeFleet::default().with(&payments, "eu-central-1", cell);
    let inventory = scanned(&fleet, &request(vec![payments])).await;
    let verdicts: Vec<Verdict> = inventory.hosts.iter().map(|host| host.judgement.verdict).collect();
    assert_eq!(verdicts, [Verdict::Eligible, Verdict::Unknown, Verdict::Unknown]);
    assert_eq!(inventory.gaps.len(), 1, "batches that failed for the same reason are one gap");
    assert_eq!(inventory.gaps[0].instances, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_breaks_off_keeps_what_was_read_and_says_so() {
    let payments = zone("payments", "011122223333", &["eu-central-1"]);
    let mut cell = FakeCell::default().with(instance(1, "a")).with(instance(2, "b"));
    cell.breaks_off_after = Some((1, denied("ec2:DescribeInstances")));
    let fleet = FakeFleet::default().with(&payments, "eu-central-1", cell);
    let inventory = scanned(&fleet, &request(vec![payments])).await;
    assert_eq!(ids(&inventory), [id(1).to_string()]);
    assert_eq!(inventory.gaps[0].subject, GapSubject::Instances);
    assert_eq!(inventory.gaps[0].instances, None, "nobody knows how many more there are");
    assert_eq!(inventory.cells[0].listing, Listing::Partial);
}

#[tokio::test(start_paused = true)]
async fn filters_of_the_command_and_of_the_zone_must_both_be_passed() {
    let mut payments = zone("payments", "011122223333", &["eu-central-1"]);
    payments.tags.insert("Application".into(), vec!["web*".into()]);
    payments.exclude = vec!["*-legacy".into()];
    let tagged = |number, name: &str, application: &str| {
        let mut tagged = instance(number, name);
        tagged.tags.insert("Application".into(), application.into());
        tagged
    };
    let cell = FakeCell::default()
        .with(tagged(1, "web-1", "web-front"))
        .with(tagged(2, "web-2", "web-back"))
        .with(tagged(3, "web-3-legacy", "web-front"))
        .with(tagged(4, "db-1", "database"));
    let fleet = FakeFleet::default().with(&payments, "eu-central-1", cell);
    let mut request = request(vec![payments]);
    request.query.tags.insert("Application".into(), vec!["*-front".into(), "database".into()]);
    let inventory = scanned(&fleet, &request).await;
    assert_eq!(ids(&inventory), [id(1).to_string()]);
    assert_eq!(inventory.cells[0].filtered, 2, "what EC2 listed and we left out is counted");
}

#[tokio::test(start_paused = true)]
async fn a_platform_filter_waits_for_what_the_agent_says() {
    let payments = zone("payments", "011122223333", &["eu-central-1"]);
    let mut cell = FakeCell::default().with(instance(1, "a")).with(instance(2, "b")).with(instance(3, "c"));
    let mut ubuntu = agent();
    ubuntu.platform_name = Some("Ubuntu".into());
    cell.agents.insert(id(2), ubuntu);
    cell.agents.remove(&id(3));
    let fleet = FakeFleet::default().with(&payments, "eu-central-1", cell);
    let mut request = request(vec![payments]);
    request.filters.platforms = vec!["ubuntu".into()];
    let inventory = scanned(&fleet, &request).await;
    let expected = [id(2), id(3)].map(|id| id.to_string());
    assert_eq!(ids(&inventory), expected, "a Linux whose distribution nobody knows may be an Ubuntu");
}

#[tokio::test(start_paused = true)]
async fn all_enabled_regions_are_asked_for_when_the_zone_says_so() {
    let mut payments = zone("payments", "011122223333", &[]);
    payments.regions = Regions::AllEnabled;
    let fleet = FakeFleet::default()
        .with(&payments, "eu-central-1", FakeCell::default().with(instance(1, "a")))
        .with(&payments, "eu-west-1", FakeCell::default().with(instance(2, "b")));
    assert_eq!(scanned(&fleet, &request(vec![payments])).await.hosts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn accounts_of_the_organisation_become_zones_and_a_listed_zone_wins() {
    let listed = zone("payments", "011122223333", &["eu-west-1"]);
    let shop = zone("shop", "444455556666", &[]);
    let mut fleet = FakeFleet::default()
        .with(&listed, "eu-west-1", FakeCell::default().with(instance(1, "a")))
        .with(&listed, "eu-central-1", FakeCell::default().with(instance(2, "b")))
        .with(&shop, "eu-central-1", FakeCell::default().with(instance(3, "c")));
    fleet.organization = vec![
        member("011122223333", "payments-account", true),
        member("444455556666", "payments", true),
        member("777788889999", "closed", false),
        member("000011112222", "sandbox-7", true),
    ];
    let mut request = request(vec![listed]);
    request.fleet.scopes.push(scope());
    let inventory = scanned(&fleet, &request).await;
    assert_eq!(
        ids(&inventory),
        [id(1), id(3)].map(|id| id.to_string()),
        "the listed zone keeps its own regions"
    );
    assert_eq!(
        inventory.hosts[1].zone.as_str(),
        "payments (444455556666)",
        "a name that is taken gets its account"
    );
    assert_eq!(inventory.hosts[1].labels.environment.as_deref(), Some("prod"));
    let skipped: Vec<&str> = inventory.skipped.iter().map(|zone| zone.zone.as_str()).collect();
    assert_eq!(skipped, ["closed"]);
    assert_eq!(inventory.gaps, []);
}

#[tokio::test(start_paused = true)]
async fn of_the_organisation_only_the_accounts_named_are_taken_and_unknown_names_are_told() {
    let shop = zone("shop", "444455556666", &[]);
    let mut fleet =
        FakeFleet::default().with(&shop, "eu-central-1", FakeCell::default().with(instance(3, "c")));
    fleet.organization = vec![member("444455556666", "shop", true), member("011122223333", "payments", true)];
    let mut request = request(vec![]);
    request.fleet.scopes.push(scope());
    request.fleet.accounts = vec!["444455556666".into(), "shpo".into()];
    let inventory = scanned(&fleet, &request).await;
    let zones: Vec<&str> = inventory.cells.iter().map(|cell| cell.zone.as_str()).collect();
    assert_eq!(zones, ["shop"]);
    assert_eq!(inventory.gaps.len(), 1);
    assert_eq!(inventory.gaps[0].failure.code.id, code::UNKNOWN_ZONE.id);
    assert!(inventory.gaps[0].failure.message.contains("shpo"));
}

#[tokio::test(start_paused = true)]
async fn an_organisation_that_cannot_be_listed_is_a_gap_beside_the_listed_zones() {
    let listed = zone("payments", "011122223333", &["eu-west-1"]);
    let mut fleet =
        FakeFleet::default().with(&listed, "eu-west-1", FakeCell::default().with(instance(1, "a")));
    fleet.organization_failure = Some(denied("organizations:ListAccounts"));
    let mut request = request(vec![listed]);
    request.fleet.scopes.push(scope());
    let inventory = scanned(&fleet, &request).await;
    assert_eq!(inventory.hosts.len(), 1);
    assert_eq!(inventory.gaps[0].subject, GapSubject::Organization);
}

#[tokio::test(start_paused = true)]
async fn a_stop_turns_everything_unread_into_gaps() {
    let payments = zone("payments", "011122223333", &["eu-central-1", "eu-west-1"]);
    let fleet =
        FakeFleet::default().with(&payments, "eu-central-1", FakeCell::default().with(instance(1, "a")));
    let clock = VirtualClock::starting_at(now());
    let ports = Ports { accounts: &fleet, machines: &fleet, clock: &clock };
    let mut request = request(vec![payments]);
    request.fleet.scopes.push(scope());
    let inventory = scan(ports, &request, &Stop::on(async { &code::INTERRUPTED }), &|_| {}).await;
    assert_eq!(inventory.hosts, []);
    let gaps: Vec<_> = inventory.gaps.iter().map(|gap| (gap.subject, gap.failure.code.id)).collect();
    assert_eq!(
        gaps,
        [(GapSubject::Organization, code::INTERRUPTED.id), (GapSubject::Zone, code::INTERRUPTED.id)],
        "the organisation and the zone, each with the cause"
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_reason_to_stop_counts_as_well() {
    let stop = Stop::never().or_on(async { &code::SCAN_TIMEOUT });
    assert_eq!(stop.or_stop(std::future::pending::<()>()).await, Err(&code::SCAN_TIMEOUT));
}

#[tokio::test(start_paused = true)]
async fn progress_tells_zones_regions_instances_and_gaps() {
    let payments = zone("payments", "011122223333", &["eu-central-1"]);
    let cell = FakeCell::default().with(instance(1, "a"));
    let cell = cell.failing(GapSubject::Agents, denied("ssm:DescribeInstanceInformation"));
    let fleet = FakeFleet::default().with(&payments, "eu-central-1", cell);
    let clock = VirtualClock::starting_at(now());
    let ports = Ports { accounts: &fleet, machines: &fleet, clock: &clock };
    let told = Mutex::new(Vec::new());
    let sink = |progress: Progress| told.lock().expect("not poisoned").push(progress);
    scan(ports, &request(vec![payments.clone()]), &Stop::never(), &sink).await;
    let (zone, region) = (payments.name, region("eu-central-1"));
    assert_eq!(
        told.into_inner().expect("not poisoned"),
        [
            Progress::Zones(1),
            Progress::Entered { zone: zone.clone(), regions: 1 },
            Progress::Listed { zone: zone.clone(), region: region.clone(), instances: 1 },
            Progress::Read { zone, region, hosts: 1, gaps: 1 },
        ]
    );
}

async fn examined(fleet: &FakeFleet, zones: Vec<Zone>) -> Checkup {
    let clock = VirtualClock::starting_at(now());
    let ports = Ports { accounts: fleet, machines: fleet, clock: &clock };
    let request = DoctorRequest {
        fleet: Fleet { zones, ..Fleet::default() },
        phases: vec![Phase::Scan],
        max_concurrent_zones: 4,
    };
    examine(ports, fleet, &request, &Stop::never()).await
}

#[tokio::test(start_paused = true)]
async fn the_doctor_finds_a_ready_fleet_ready() {
    let payments = zone("payments", "011122223333", &["eu-central-1"]);
    let fleet =
        FakeFleet::default().with(&payments, "eu-central-1", FakeCell::default().with(instance(1, "a")));
    let checkup = examined(&fleet, vec![payments]).await;
    assert!(checkup.is_well(), "{checkup:?}");
    assert_eq!(checkup.zones[0].allowed, 2);
    assert_eq!(checkup.zones[0].coverage[0].online, 1);
}

#[tokio::test(start_paused = true)]
async fn the_doctor_names_missing_actions_closed_doors_dead_regions_and_silent_agents() {
    let payments = zone("payments", "011122223333", &["eu-central-1", "eu-west-1"]);
    let closed = zone("closed", "444455556666", &["eu-central-1"]);
    let mut cell = FakeCell::default().with(instance(1, "a")).with(instance(2, "b"));
    cell.denied_actions = BTreeSet::from(["ec2:DescribeInstances"]);
    cell.agents.remove(&id(1));
    cell.agents.entry(id(2)).and_modify(|agent| agent.ping = PingStatus::ConnectionLost);
    let dead = Failure::new(ErrorClass::Denied, &code::REGION_DISABLED, "ec2:DescribeRegions", "not enabled");
    let mut fleet = FakeFleet::default().with(&payments, "eu-central-1", cell).with(
        &payments,
        "eu-west-1",
        FakeCell::default().failing(GapSubject::Regions, dead),
    );
    fleet.closed.insert(closed.account.clone(), denied("sts:AssumeRole"));
    let checkup = examined(&fleet, vec![payments, closed]).await;
    assert!(!checkup.is_well());
    let found = |zone: usize| -> Vec<(Severity, &str)> {
        checkup.zones[zone].symptoms.iter().map(|symptom| (symptom.severity, symptom.code.id)).collect()
    };
    assert_eq!(found(0), [(Severity::Problem, code::DENIED.id)]);
    assert_eq!(
        found(1),
        [
            (Severity::Problem, code::REGION_DISABLED.id),
            (Severity::Problem, code::DENIED.id),
            (Severity::Remark, code::NO_AGENT.id),
            (Severity::Remark, code::AGENT_LOST.id),
        ]
    );
}
