//! The same for what is asked of AWS without a run: the commands on windows, and the hub's own account.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fleetwright::args::{
    FunctionName, HubArgs, LogsArgs, ParamGetArgs, ParamPutArgs, ParamStoreArgs, ParamType, PlaceArgs,
    PlaceChangeArgs, Since, StateArgs, WindowArgs, WindowCreateArgs, WindowOperation, WindowReboot,
};
use fleetwright::cells::Place;
use fleetwright::commands::logs::show;
use fleetwright::commands::parameters::Store;
use fleetwright::commands::window::Windows;
use fleetwright::one_place::OnePlace;
use fleetwright::policy_scope::scope;
use fleetwright::staged_run::StagedRun;
use fleetwright::state::State;
use fleetwright_aws::policy::{Use, of_caller, of_zone};
use fleetwright_config::settings::OutputFormat;
use fleetwright_estate::policy::NamedPolicy;
use fleetwright_model::{ExternalId, OrganizationScope, Phase, Region, Regions};
use fleetwright_survey::Fleet;

use super::{REGION, SERVED, actions, grant, named, used, without, world};
use crate::story::CONSOLE;

/// Makes a window, lists, verifies and deletes it; everything that went wrong.
async fn windows(missing: Option<&str>) -> (Vec<String>, BTreeSet<&'static str>, BTreeSet<String>) {
    let stage = world(SERVED, &[]).await;
    let mut scope = scope(&stage.settings, &stage.fleet, &[Phase::Scan]);
    scope.uses.insert(Use::MaintenanceWindows);
    let statements = of_zone(&scope);
    grant(&stage, &without(statements.clone(), missing));
    let commands = Windows {
        aws: stage.aws.clone(),
        clock: Arc::clone(&stage.clock),
        fleet: stage.fleet.clone(),
        settings: stage.settings.clone(),
        format: OutputFormat::Json,
        console: CONSOLE,
    };
    let create = WindowCreateArgs {
        state: StateArgs::default(),
        name: "sunday-night".to_owned(),
        schedule: "cron(0 2 ? * SUN *)".to_owned(),
        time_zone: None,
        duration: 4,
        cutoff: 1,
        description: String::new(),
        targets: vec!["tag:Application=shop".to_owned()],
        operation: WindowOperation::Install,
        reboot: WindowReboot::IfNeeded,
        document: None,
        max_concurrency: "10%".to_owned(),
        max_errors: "1".to_owned(),
        despite_conflicts: false,
        dry_run: false,
        args: WindowArgs::default(),
    };
    let other = WindowCreateArgs {
        name: "monday-night".to_owned(),
        schedule: "cron(0 2 ? * MON *)".to_owned(),
        ..create.clone()
    };
    let ended = [
        commands.create(&create).await,
        commands.create(&other).await,
        commands.list().await,
        commands.verify(None).await,
        commands.delete("sunday-night").await,
    ];
    let wrong = ended.into_iter().filter_map(Result::err);
    let wrong = wrong.map(|error| format!("{} {:?}", error.message, error.details)).collect();
    let granted = actions(&statements).into_iter().filter(|it| it.contains("MaintenanceWindow")).collect();
    (wrong, granted, used(&stage))
}

#[tokio::test(start_paused = true)]
async fn the_commands_on_windows_need_what_the_policy_says_and_miss_what_it_does_not() {
    let (wrong, granted, used) = windows(None).await;
    assert_eq!(wrong, [""; 0]);
    assert_eq!(granted.len(), 8);
    for action in granted {
        assert!(used.contains(action), "{action} is never used");
        let (wrong, ..) = windows(Some(action)).await;
        assert!(wrong.iter().any(|said| said.contains(action)), "without {action}: {wrong:?}");
    }
}

/// Keeps a configuration with a secret, a text that becomes a list, and one value too many; puts one
/// parameter with a tag, shows it, its versions and everything, and deletes it; everything that went wrong.
async fn parameters(missing: Option<&str>) -> (Vec<String>, BTreeSet<&'static str>, BTreeSet<String>) {
    const PREFIX: &str = "/fleetwright/night";
    let stage = world(SERVED, &[]).await;
    let mut scope = scope(&stage.settings, &stage.fleet, &[Phase::Scan]);
    scope.uses.insert(Use::Parameters);
    scope.parameters.insert(PREFIX.to_owned());
    let statements = of_zone(&scope);
    grant(&stage, &without(statements.clone(), missing));
    let zone = stage.fleet.zones[0].clone();
    let store = Store {
        aws: stage.aws.clone(),
        place: Place { zone, region: Region::new(REGION).expect("a region") },
        dry_run: false,
        format: OutputFormat::Json,
        console: CONSOLE,
    };
    let directory = tempfile::tempdir().expect("a scratch directory");
    let kept = |name: &str, text: &str| {
        let file = directory.path().join(name);
        let written = fleetwright::files::write_atomically(&file, |out| {
            std::io::Write::write_all(out, text.as_bytes())
        });
        written.expect("writable");
        ParamStoreArgs {
            file,
            prefix: PREFIX.to_owned(),
            prune: true,
            kms_key: None,
            tags: Vec::new(),
            change: PlaceChangeArgs::default(),
        }
    };
    let before = kept("before.yaml", "agent: {name: upgrade, token: hunter2, gone: 1}\n");
    let after = kept("after.yaml", "agent: {name: upgrade, token: hunter3}\n");
    let name = format!("{PREFIX}/agent/model");
    let put = ParamPutArgs {
        name: name.clone(),
        value: Some("small".to_owned()),
        file: None,
        kind: ParamType::String,
        kms_key: None,
        tags: vec!["Owner=night".to_owned()],
        change: PlaceChangeArgs::default(),
    };
    let get = ParamGetArgs { names: vec![name.clone()], with_secrets: false, args: PlaceArgs::default() };
    let ended = [
        store.store(&before).await,
        store.store(&after).await,
        store.put(&put).await,
        store.get(&get).await,
        store.versions(&get).await,
        store.list(PREFIX).await,
        store.delete(&get.names).await,
    ];
    let wrong = ended.into_iter().filter_map(Result::err);
    let wrong = wrong.map(|error| format!("{} {:?}", error.message, error.details)).collect();
    let granted = actions(&statements).into_iter();
    let granted = granted.filter(|it| {
        it.contains("Parameter") || it.ends_with("TagsForResource") || it.ends_with("TagsToResource")
    });
    (wrong, granted.collect(), used(&stage))
}

#[tokio::test(start_paused = true)]
async fn the_commands_on_parameters_need_what_the_policy_says_and_miss_what_it_does_not() {
    let (wrong, granted, used) = parameters(None).await;
    assert_eq!(wrong, [""; 0]);
    assert_eq!(granted.len(), 7);
    for action in granted {
        assert!(used.contains(action), "{action} is never used");
        let (wrong, ..) = parameters(Some(action)).await;
        assert!(wrong.iter().any(|said| said.contains(action)), "without {action}: {wrong:?}");
    }
}

/// Shows what the functions of a hub wrote, its policy in the role; everything that went wrong.
async fn logs(missing: Option<&str>) -> (Vec<String>, BTreeSet<&'static str>, BTreeSet<String>) {
    let stage = world(SERVED, &[]).await;
    let mut scope = scope(&stage.settings, &stage.fleet, &[Phase::Scan]);
    scope.uses.insert(Use::HubLogs);
    scope.hubs.insert("prod".to_owned());
    let statements = of_zone(&scope);
    grant(&stage, &without(statements.clone(), missing));
    let zone = stage.fleet.zones[0].clone();
    let written = [(stage.clock.now(), "a turn of november".to_owned())];
    let group = ("/aws/lambda/fleetwright-prod-turn", "one");
    assert!(stage.world.estate.write_logs((zone.account.as_str(), REGION), group, &written));
    let at = OnePlace {
        aws: stage.aws.clone(),
        clock: Arc::clone(&stage.clock),
        place: Place { zone, region: Region::new(REGION).expect("a region") },
        dry_run: false,
        format: OutputFormat::Json,
        console: CONSOLE,
    };
    let args = LogsArgs {
        functions: vec![FunctionName::Turn],
        run: Some("november".to_owned()),
        since: Since::Ago(jiff::SignedDuration::from_hours(1)),
        filter: None,
        follow: false,
        hub: HubArgs { hub: "prod".to_owned(), output: None },
    };
    let wrong = match show(&at, "prod", &args).await {
        Ok(fleetwright_model::Exit::Success) => Vec::new(),
        Ok(exit) => vec![format!("{exit:?}")],
        Err(error) => vec![format!("{} {:?}", error.message, error.details)],
    };
    let granted = actions(&statements).into_iter().filter(|it| it.starts_with("logs:")).collect();
    (wrong, granted, used(&stage))
}

#[tokio::test(start_paused = true)]
async fn the_logs_of_a_hub_need_what_the_policy_says_and_miss_what_it_does_not() {
    let (wrong, granted, used) = logs(None).await;
    assert_eq!(wrong, [""; 0]);
    assert_eq!(granted, ["logs:FilterLogEvents"].into());
    assert!(used.contains("logs:FilterLogEvents"), "{used:?}");
    let (wrong, ..) = logs(Some("logs:FilterLogEvents")).await;
    assert!(wrong.iter().any(|said| said.contains("logs:FilterLogEvents")), "{wrong:?}");
}

/// Two accounts of an organisation, entered with one external id.
const ORGANIZATION: &str = r#"
name = "least-privilege-organization"
description = "Landing zones that are found in the organisation."
seed = 283
start = "2026-11-02T02:00:00Z"

[access]
external_id = "one-for-all"

[[accounts]]
name = "shop"
id = "111122223333"
regions = ["eu-central-1"]
instances_per_region = 1

[[accounts]]
name = "search"
id = "111122224444"
regions = ["eu-central-1"]
instances_per_region = 1
"#;

/// Looks at the whole organisation, or at what is below its root, with the generated policies in the
/// hub's user and in the roles; answers with the gaps, what is granted to the hub, and what was used.
async fn from_the_hub(
    below: bool,
    missing: Option<&str>,
) -> (String, BTreeSet<&'static str>, BTreeSet<String>) {
    let mut stage = world(ORGANIZATION, &[]).await;
    let estate = Arc::clone(&stage.world.estate);
    let root = estate.with_world(|world| world.organization.as_ref().map(|it| it.root.clone()));
    let zone = stage.fleet.zones[0].clone();
    let found = OrganizationScope {
        unit: root.filter(|_| below),
        accounts_include: vec!["shop".to_owned(), "search".to_owned()],
        accounts_exclude: Vec::new(),
        role_name: zone.access.role.as_ref().map(|role| role.name().to_owned()),
        external_id: Some(ExternalId::new("one-for-all").expect("an external id")),
        profile: None,
        regions: Regions::Listed(vec![Region::new(REGION).expect("a region")]),
        environment: None,
        tags: BTreeMap::new(),
        include: Vec::new(),
        exclude: Vec::new(),
    };
    let fleet = Fleet { zones: Vec::new(), scopes: vec![found], ..Fleet::default() };
    let scope = scope(&stage.settings, &fleet, &[Phase::Scan]);
    grant(&stage, &of_zone(&scope));
    let hub = estate.hub().clone();
    let statements = of_caller(&scope);
    let policies = vec![named(&without(statements.clone(), missing))];
    assert!(estate.set_user_policies(&hub.account, &hub.user, policies));
    stage.fleet = fleet;
    let phases = [Phase::Scan, Phase::Backup];
    let said = match StagedRun::plan(stage, State::in_memory(), &phases, CONSOLE).await {
        Err(error) => format!("{} {:?}", error.message, error.details),
        Ok(run) => run.document.plan().gaps.iter().map(|gap| format!("{}\n", gap.message)).collect(),
    };
    let grants = estate.grants().into_iter().filter(|grant| grant.account == hub.account);
    let used = grants.map(|grant| grant.action.to_string()).collect();
    (said, actions(&statements), used)
}

#[tokio::test(start_paused = true)]
async fn the_hub_needs_what_its_policy_says_and_misses_what_it_does_not() {
    for below in [false, true] {
        let (said, granted, used) = from_the_hub(below, None).await;
        assert_eq!(said, "", "below a unit: {below}");
        let used_of_hub: BTreeSet<&str> = used.iter().map(String::as_str).collect();
        assert_eq!(used_of_hub, granted, "below a unit: {below}");
        for action in granted {
            let (said, ..) = from_the_hub(below, Some(action)).await;
            assert!(said.contains(action), "without {action}: {said}");
        }
    }
}

/// What `fleetwright policy` with these arguments writes: exit code, document, standard error.
fn asked_for(directory: &std::path::Path, arguments: &[&str]) -> (i32, serde_json::Value, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_fleetwright"))
        .current_dir(directory)
        .env_clear()
        .env("HOME", directory)
        .args(["policy", "--landing-zones", "lz.yaml", "--output", "json"])
        .args(arguments)
        .output()
        .expect("the binary starts");
    let document = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().expect("an exit code"), document, said)
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_the_caller_the_trust_and_the_windows_are_asked_for_one_by_one() {
    let stage = world(ORGANIZATION, &[]).await;
    let directory = tempfile::tempdir().expect("a scratch directory");
    let file = directory.path().join("lz.yaml");
    fleetwright::files::write_atomically(&file, |out| {
        std::io::Write::write_all(out, stage.world.inventory.as_bytes())
    })
    .expect("writable");
    let asked = |arguments: &[&str]| asked_for(directory.path(), arguments);
    let windows = |document: &serde_json::Value| document.to_string().contains("MaintenanceWindow");

    let (exit, document, said) = asked(&[]);
    assert!(exit == 0 && !windows(&document), "{said}");
    let (exit, document, said) = asked(&["--windows", "--phases", "scan"]);
    assert!(exit == 0 && windows(&document), "{said}");
    NamedPolicy::parse("windows", &document.to_string()).expect("a policy IAM accepts");

    let (exit, document, said) = asked(&["--caller"]);
    assert_eq!((exit, &document["Statement"][0]["Action"][0]), (0, &"sts:AssumeRole".into()), "{said}");

    let (exit, document, said) = asked(&["--trust", "999988887777"]);
    let statement = &document["Statement"][0];
    assert_eq!(
        (exit, &statement["Principal"]["AWS"]),
        (0, &"arn:aws:iam::999988887777:root".into()),
        "{said}"
    );
    assert_eq!(statement["Condition"]["StringEquals"]["sts:ExternalId"], "one-for-all");
    let hub = "arn:aws:iam::999988887777:role/patching";
    assert_eq!(asked(&["--trust", hub]).1["Statement"][0]["Principal"]["AWS"], hub);
    let (exit, document, said) = asked(&["--trust", "somebody"]);
    assert!(exit == 2 && document.is_null() && said.contains("neither an account id nor an ARN"), "{said}");
    assert_eq!(asked(&["--trust", hub, "--caller"]).0, 2, "one at a time");

    let other = stage.world.inventory.replacen("one-for-all", "another", 1);
    fleetwright::files::write_atomically(&file, |out| std::io::Write::write_all(out, other.as_bytes()))
        .expect("writable");
    let (exit, _, said) = asked(&["--trust", hub]);
    assert!(exit == 2 && said.contains("different external ids"), "{said}");
    let one = asked(&["--trust", hub, "--landing-zones", "lz.yaml,shop"]);
    assert_eq!(one.0, 0, "{}", one.2);
}
