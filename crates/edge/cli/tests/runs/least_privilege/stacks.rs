//! The same for the stacks of hubs and spokes.

use std::collections::BTreeSet;
use std::path::Path;

use fleetwright::args::{DeployArgs, DestroyArgs, HubArgs};
use fleetwright::cells::Place;
use fleetwright::commands::stacks::{deploy, destroy};
use fleetwright::failure::CommandError;
use fleetwright::one_place::OnePlace;
use fleetwright::policy_scope::scope;
use fleetwright_aws::policy::{Use, of_zone};
use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{Exit, Phase, Region};
use fleetwright_ports::Stacks;
use fleetwright_ports::stacks::TemplateAt;
use serde_json::json;

use super::{ACCOUNT, BUCKET, REGION, SERVED, actions, grant, used, without, world};
use crate::story::CONSOLE;

/// What the estate has no Step Functions for: whether a hub's machine runs. `tests/referee/test_deploy.py` asks it.
const ASKED_ELSEWHERE: &str = "states:ListExecutions";

fn write(path: &Path, content: &str) {
    let written = fleetwright::files::write_atomically(path, |file| {
        std::io::Write::write_all(file, content.as_bytes())
    });
    written.expect("writable");
}

/// The files of a hub and of a spoke with a queue each; the hub's template is too large for a request.
fn files(directory: &Path) {
    let queue = json!({ "Queue": { "Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete" } });
    let text = json!({ "Type": "String" });
    let hub = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Metadata": { "Padding": "x".repeat(52_000) },
        "Parameters": { "CodeBucket": text, "CodeKey": text },
        "Resources": queue,
    });
    let spoke = json!({ "AWSTemplateFormatVersion": "2010-09-09", "Resources": queue });
    let given = |name: &str, value: &str| json!({ "ParameterKey": name, "ParameterValue": value });
    let parameters = json!([given("CodeBucket", BUCKET), given("CodeKey", "fleetwright/functions.zip")]);
    fleetwright::files::make_directory(&directory.join("parameters")).expect("writable");
    for (name, content) in [
        ("hub.template.json", hub.to_string()),
        ("spoke.template.json", spoke.to_string()),
        ("parameters/hub.prod.json", parameters.to_string()),
        ("parameters/spoke.prod.json", "[]".to_owned()),
        ("functions.zip", "PK".to_owned()),
    ] {
        write(&directory.join(name), &content);
    }
}

/// Has both templates judged; looks at what would be deployed, deploys a hub, and once more; makes and deletes a spoke;
/// everything that went wrong.
async fn stacks(missing: Option<&str>) -> (Vec<String>, BTreeSet<&'static str>, BTreeSet<String>) {
    let stage = world(SERVED, &[]).await;
    stage.world.estate.create_bucket(ACCOUNT, REGION, BUCKET);
    let zone = stage.fleet.zones[0].clone();
    let mut scope = scope(&stage.settings, &stage.fleet, &[Phase::Scan]);
    scope.uses.insert(Use::HubStacks);
    scope.stacks.insert("prod".to_owned());
    scope.code_buckets.insert(BUCKET.to_owned());
    let statements = of_zone(&scope);
    grant(&stage, &without(statements.clone(), missing));
    let directory = tempfile::tempdir().expect("a scratch directory");
    files(directory.path());
    let at = OnePlace {
        aws: stage.aws.clone(),
        clock: stage.clock.clone(),
        place: Place { zone, region: Region::new(REGION).expect("a region") },
        dry_run: false,
        format: OutputFormat::Jsonl,
        console: CONSOLE,
    };
    let hub = HubArgs { hub: "prod".to_owned(), output: None };
    let of_hub = DeployArgs {
        dir: directory.path().to_owned(),
        spoke: false,
        functions: Some(directory.path().join("functions.zip")),
        external_id_file: None,
        allow_replacement: Vec::new(),
        dry_run: false,
        yes: true,
        state_dir: None,
        hub: hub.clone(),
    };
    let shown = DeployArgs { dry_run: true, yes: false, ..of_hub.clone() };
    let of_spoke = DeployArgs { spoke: true, functions: None, ..of_hub.clone() };
    let delete =
        DestroyArgs { spoke: true, yes: true, confirm: Some("prod".to_owned()), state_dir: None, hub };
    let text = json!({ "Resources": { "Queue": { "Type": "AWS::SQS::Queue" } } }).to_string();
    let judged = at.aws.refusal(&at.place.cell(), &TemplateAt::Body(text)).await;
    let judged = judged.map(|refused| match refused {
        None => Exit::Success,
        Some(_) => Exit::Validation,
    });
    let ended = [
        (judged.map_err(CommandError::from), Exit::Success),
        (deploy::deploy(&at, "prod", &shown).await, Exit::Success),
        (deploy::deploy(&at, "prod", &of_hub).await, Exit::Success),
        (deploy::deploy(&at, "prod", &of_hub).await, Exit::Nothing),
        (deploy::deploy(&at, "prod", &of_spoke).await, Exit::Success),
        (destroy::destroy(&at, "prod", &delete).await, Exit::Success),
    ];
    let wrong = ended.into_iter().enumerate().filter_map(|(number, (ended, meant))| match ended {
        Ok(exit) if exit == meant => None,
        Ok(exit) => Some(format!("{number}: {exit:?}")),
        Err(error) => Some(format!("{number}: {} {:?}", error.message, error.details)),
    });
    let of_stacks = |action: &&str| {
        action.starts_with("cloudformation:") || action.starts_with("s3:") || action.starts_with("states:")
    };
    let wrong = wrong.collect();
    (wrong, actions(&statements).into_iter().filter(of_stacks).collect(), used(&stage))
}

#[tokio::test(start_paused = true)]
async fn stacks_need_what_the_policy_says_and_miss_what_it_does_not() {
    let (wrong, granted, used) = stacks(None).await;
    assert_eq!(wrong, [""; 0]);
    assert_eq!(granted.len(), 12, "{granted:?}");
    assert!(granted.contains(ASKED_ELSEWHERE));
    for action in granted.into_iter().filter(|action| *action != ASKED_ELSEWHERE) {
        assert!(used.contains(action), "{action} is never used");
        let (wrong, ..) = stacks(Some(action)).await;
        assert!(wrong.iter().any(|said| said.contains(action)), "without {action}: {wrong:?}");
    }
}
