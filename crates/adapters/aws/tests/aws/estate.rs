//! The adapter against the simulated estate, which enforces AWS's limits, policies and shapes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use fleetwright_aws::{Aws, AwsOptions, ConnectionLost, InProcess, Origin, StaticCredentials, connect};
use fleetwright_clock::VirtualClock;
use fleetwright_estate::checkers::Purpose;
use fleetwright_estate::clock::ClockMode;
use fleetwright_estate::estate::{Estate, EstateOptions};
use fleetwright_estate::landing_zones::LandingZone;
use fleetwright_estate::scenario::{Overrides, ScenarioFile};
use fleetwright_estate::world::instance::InstanceState as EstateState;
use fleetwright_model::{
    Access, AccountId, Cell, ExternalId, InstanceId, OrganizationScope, Phase, Region, Regions, RoleArn,
    Zone, ZoneName,
};
use fleetwright_ports::conformance::machines;
use fleetwright_ports::{Accounts, Answer, Clock, InstanceQuery, Machines, Rights, Verified};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};

/// The estate as a service in this process.
struct Front(Arc<Estate>);

impl InProcess for Front {
    fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, ConnectionLost>> {
        async move { self.0.call(request).await.map_err(|_| ConnectionLost) }.boxed()
    }
}

pub(crate) struct Stage {
    pub(crate) estate: Arc<Estate>,
    pub(crate) aws: Aws,
    pub(crate) zones: Vec<Zone>,
    pub(crate) clock: Arc<dyn Clock>,
}

pub(crate) async fn stage(scenario: &str) -> Stage {
    let scenario = ScenarioFile::parse(scenario, "test").expect("a scenario");
    let prepared = scenario.prepare(&Overrides::default()).expect("a possible scenario");
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(prepared.start));
    let zones = prepared.landing_zones.iter().map(zone).collect();
    let time = Arc::clone(&clock);
    let options = EstateOptions::from_scenario(prepared, ClockMode::External(Arc::new(move || time.now())));
    let estate = Arc::new(Estate::new(options).expect("an estate"));
    let keys = estate.credentials();
    let credentials = StaticCredentials {
        access_key_id: keys.access_key.clone(),
        secret_access_key: keys.secret.clone(),
        session_token: keys.token.clone(),
    };
    let transport: Arc<dyn InProcess> = Arc::new(Front(Arc::clone(&estate)));
    let origin = Origin::InProcess { transport, credentials };
    let aws = connect(AwsOptions { origin, ..AwsOptions::default() }, Arc::clone(&clock)).await;
    Stage { estate, aws, zones, clock }
}

fn zone(entry: &LandingZone) -> Zone {
    let regions = entry.regions.iter().map(|name| Region::new(name.as_str()).expect("a region")).collect();
    let access = Access {
        role: Some(RoleArn::new(entry.role_arn.as_str()).expect("a role")),
        external_id: Some(ExternalId::new(&entry.external_id).expect("an external id")),
        profile: None,
    };
    Zone {
        name: ZoneName::new(entry.name.as_str()).expect("a name"),
        account: AccountId::new(entry.account_id.as_str()).expect("an account"),
        regions: Regions::Listed(regions),
        access,
        environment: None,
        description: None,
        enabled: true,
        tags: Default::default(),
        include: Vec::new(),
        exclude: Vec::new(),
    }
}

impl Stage {
    pub(crate) fn cells(&self) -> Vec<Cell<'_>> {
        self.zones
            .iter()
            .flat_map(|zone| match &zone.regions {
                Regions::Listed(regions) => {
                    regions.iter().map(move |region| Cell { zone, region: region.clone() })
                }
                Regions::AllEnabled => panic!("the scenario lists regions"),
            })
            .collect()
    }

    /// Reads everything a scan reads of a cell; the number of instances.
    async fn scan(&self, cell: &Cell<'_>) -> usize {
        let listed = self.aws.instances(cell, &InstanceQuery::default()).await;
        assert_eq!(listed.failure, None);
        let ids: Vec<InstanceId> = listed.items.iter().map(|instance| instance.id.clone()).collect();
        let mut types: Vec<_> = listed.items.iter().map(|instance| instance.instance_type.clone()).collect();
        types.sort();
        types.dedup();
        let (agents, states, baselines, checks, storage, hardware) = futures::join!(
            self.aws.agents(cell, &ids),
            self.aws.patch_states(cell, &ids),
            self.aws.baselines(cell),
            self.aws.status_checks(cell),
            self.aws.storage(cell),
            self.aws.hardware(cell, &types),
        );
        assert!(agents.unchecked.is_empty() && states.unchecked.is_empty());
        assert!(baselines.failure.is_none() && !baselines.items.is_empty());
        assert!(checks.failure.is_none() && storage.failure.is_none());
        assert_eq!(hardware.failure, None);
        assert_eq!(hardware.items.len(), types.len());
        assert_eq!(storage.items.len(), listed.items.len(), "every instance has a root volume");
        ids.len()
    }

    async fn scan_all(&self) -> usize {
        let cells = self.cells();
        join_all(cells.iter().map(|cell| self.scan(cell))).await.into_iter().sum()
    }

    fn seconds(&self, since: jiff::Timestamp) -> f64 {
        self.clock.now().duration_since(since).as_secs_f64()
    }
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_machines() {
    let stage = stage("name = \"t\"\nseed = 11\n[fleet]\naccounts = 1\nregions = [\"eu-central-1\"]\ninstances_per_cell = 230\n").await;
    let cell = &stage.cells()[0];
    let expected = stage.estate.with_world(|world| {
        let account = &world.accounts[cell.zone.account.as_str()];
        let all = account.regions["eu-central-1"].instances.iter();
        let there: Vec<_> = all.filter(|it| it.state != EstateState::Terminated).collect();
        let ids =
            |keep: &dyn Fn(&fleetwright_estate::world::instance::Instance) -> bool| -> BTreeSet<InstanceId> {
                there
                    .iter()
                    .filter(|it| keep(it))
                    .map(|it| InstanceId::new(it.id.to_string()).expect("an id"))
                    .collect()
            };
        machines::Expected {
            instances: ids(&|_| true),
            running: ids(&|it| it.state == EstateState::Running),
            managed: ids(&|it| it.agent.is_some()),
            scanned: ids(&|it| it.patch_state.is_some()),
        }
    });
    assert!(expected.instances.len() > 200 && expected.running.len() < expected.instances.len());
    machines::check(&stage.aws, cell, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_scan_is_never_throttled_and_makes_few_calls() {
    let stage = stage("name = \"t\"\nseed = 12\n[fleet]\naccounts = 2\nregions = [\"eu-central-1\"]\ninstances_per_cell = 2000\n").await;
    let began = stage.clock.now();
    let found = stage.scan_all().await;
    let usage = stage.aws.usage();
    assert_eq!(usage.total().throttles, 0, "{usage:?}");
    let facts =
        ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation", "ssm:DescribeInstancePatchStates"];
    let reads: u64 = facts.iter().map(|action| usage.operations[action].attempts).sum();
    assert!(reads as f64 / found as f64 <= 0.045, "{reads} reads for {found} instances");
    // Forty batches of fifty against a burst of ten and five per second, in both accounts at once.
    assert!((6.0..8.0).contains(&stage.seconds(began)), "{} s", stage.seconds(began));
    let verdict = stage.estate.check(Purpose::DryRun);
    assert!(verdict.ok, "{:#?}", verdict.findings);

    // What the estate was asked is what we say that we ask, call by call.
    let mut asked: BTreeMap<String, u64> = BTreeMap::new();
    for call in stage.estate.calls(0, usize::MAX) {
        *asked.entry(format!("{}:{}", call.service.signing_name(), call.action)).or_default() += 1;
    }
    let told = usage.operations.iter().map(|(action, used)| ((*action).to_owned(), used.attempts)).collect();
    assert_eq!(asked, told);
    let table = fleetwright_aws::operations();
    assert!(asked.keys().all(|action| table.iter().any(|operation| operation.iam == action)));
}

#[tokio::test(start_paused = true)]
async fn a_hidden_tenant_slows_a_scan_down_and_it_finishes() {
    let stage = stage(
        "name = \"t\"\nseed = 13\n[fleet]\naccounts = 1\nregions = [\"eu-central-1\"]\ninstances_per_cell = 3000\n\
         [limits.hidden_tenant]\nshare = 0.5\n",
    )
    .await;
    stage.scan_all().await;
    let total = stage.aws.usage().total();
    assert_eq!(total.failures, 0);
    assert!(total.throttles * 8 < total.attempts, "{total:?}");
    let verdict = stage.estate.check(Purpose::DryRun);
    assert!(verdict.ok, "{:#?}", verdict.findings);
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_not_enabled_is_told_apart_from_bad_credentials() {
    let stage = stage(
        "name = \"t\"\nseed = 14\n[[accounts]]\nname = \"a\"\nregions = [\"eu-central-1\", \"ap-east-1\"]\n\
         [[access.exceptions]]\naccount = \"a\"\nproblem = \"region-not-enabled\"\nregions = [\"ap-east-1\"]\n",
    )
    .await;
    let zone = &stage.zones[0];
    assert_eq!(stage.aws.reach(zone, &Region::new("eu-central-1").expect("a region")).await, Ok(()));
    let asia = Region::new("ap-east-1").expect("a region");
    let failure = stage.aws.reach(zone, &asia).await.expect_err("not enabled");
    assert_eq!(failure.code.id, "FW-A0007", "{failure}");
    let enabled = stage.aws.enabled_regions(zone).await.expect("readable");
    assert!(!enabled.contains(&asia) && enabled.is_sorted());
}

#[tokio::test(start_paused = true)]
async fn permissions_are_what_the_zones_role_has() {
    let stage = stage(
        "name = \"t\"\nseed = 15\n[[accounts]]\nname = \"a\"\nregions = [\"eu-central-1\"]\n\
         [[accounts]]\nname = \"b\"\nregions = [\"eu-central-1\"]\n\
         [[access.exceptions]]\naccount = \"b\"\nproblem = \"actions-missing\"\n\
         actions = [\"ec2:DescribeVolumes\", \"iam:SimulatePrincipalPolicy\"]\n",
    )
    .await;
    let [whole, lacking] = stage.zones.as_slice() else { panic!("two zones") };
    let region = Region::new("eu-central-1").expect("a region");
    let answers = stage.aws.permissions(whole, &region, &[Phase::Scan]).await;
    for answer in &answers {
        assert_eq!((&answer.answer, answer.verified), (&Answer::Allowed, Verified::Simulation), "{answer:?}");
    }
    for answer in stage.aws.permissions(lacking, &region, &[Phase::Scan]).await {
        let missing =
            ["ec2:DescribeVolumes", "iam:SimulatePrincipalPolicy"].contains(&answer.required.action);
        // These can only be asked about something that is there.
        let untried =
            ["elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DescribeInstanceHealth"]
                .contains(&answer.required.action);
        assert_eq!(matches!(answer.answer, Answer::Denied(_)), missing, "{answer:?}");
        assert_eq!(matches!(answer.answer, Answer::NotChecked(_)), untried, "{answer:?}");
        assert_eq!(answer.verified, Verified::Trial);
    }
}

fn scope(unit: Option<String>) -> OrganizationScope {
    OrganizationScope {
        unit,
        accounts_include: Vec::new(),
        accounts_exclude: Vec::new(),
        role_name: None,
        external_id: None,
        profile: None,
        regions: Regions::AllEnabled,
        environment: None,
        tags: Default::default(),
        include: Vec::new(),
        exclude: Vec::new(),
    }
}

/// The accounts the scope lists, each once.
async fn accounts(stage: &Stage, unit: Option<String>) -> BTreeSet<String> {
    let listed = stage.aws.organization_accounts(&scope(unit)).await;
    assert_eq!(listed.failure, None);
    let ids: BTreeSet<String> = listed.items.iter().map(|found| found.account.to_string()).collect();
    assert_eq!(ids.len(), listed.items.len(), "each account once");
    ids
}

#[tokio::test(start_paused = true)]
async fn the_organisation_and_each_unit_of_it_list_every_account_once() {
    let stage = stage("name = \"t\"\nseed = 16\n[fleet]\naccounts = 45\nregions = [\"eu-central-1\"]\ninstances_per_cell = 1\n").await;
    let everybody = accounts(&stage, None).await;
    assert!(stage.zones.iter().all(|zone| everybody.contains(zone.account.as_str())));

    let (root, mut units) = stage.estate.with_world(|world| {
        let organization = world.organization.as_ref().expect("an organisation");
        let mut units: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (account, member) in &organization.members {
            units.entry(member.parent.clone()).or_default().insert(account.clone());
        }
        (organization.root.clone(), units)
    });
    assert_eq!(
        accounts(&stage, Some(root.clone())).await,
        everybody,
        "the root is walked down to every unit"
    );
    units.remove(&root);
    assert!(units.len() > 1, "the walk needs units");
    for (unit, members) in units {
        assert_eq!(accounts(&stage, Some(unit)).await, members);
    }
}

#[tokio::test(start_paused = true)]
async fn a_unit_that_does_not_exist_is_a_failure_and_not_an_empty_list() {
    let stage = stage("name = \"t\"\nseed = 17\n[fleet]\naccounts = 2\nregions = [\"eu-central-1\"]\ninstances_per_cell = 1\n").await;
    let listed = stage.aws.organization_accounts(&scope(Some("ou-ab12-deadbeef".to_owned()))).await;
    assert!(listed.items.is_empty() && listed.failure.is_some(), "{listed:?}");
}
