//! The same for functions of Lambda.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fleetwright::policy_scope::scope;
use fleetwright_aws::policy::{Use, of_zone};
use fleetwright_estate::functions::{Functions as Handlers, Invocation, Invoked as Ran, Running};
use fleetwright_model::{Cell, Failure, Phase, Region};
use fleetwright_ports::Functions;
use fleetwright_ports::functions::{
    Architecture, Code, Configuration, FunctionName, FunctionRef, InvocationMode, NewFunction, Payload,
    settle,
};

use super::{REGION, SERVED, actions, grant, used, without, world};

struct Silent;

impl Handlers for Silent {
    fn invoke(&self, _: Invocation) -> Running<'_> {
        Box::pin(async { Ran::answered("null") })
    }
}

/// Makes a function, changes, publishes, shows, runs and deletes it; everything that went wrong.
async fn functions(missing: Option<&str>) -> (Vec<String>, BTreeSet<&'static str>, BTreeSet<String>) {
    let stage = world(SERVED, &[]).await;
    assert!(stage.world.estate.run_functions(Arc::new(Silent)));
    let zone = stage.fleet.zones[0].clone();
    let mut scope = scope(&stage.settings, &stage.fleet, &[Phase::Scan]);
    scope.uses.insert(Use::Functions);
    scope.functions.insert("fleetwright-*".to_owned());
    let statements = of_zone(&scope);
    grant(&stage, &without(statements.clone(), missing));
    let cell = &Cell { zone: &zone, region: Region::new(REGION).expect("a region") };
    let (aws, minute) = (&stage.aws, Duration::from_secs(60));
    let name: FunctionName = "fleetwright-turn".parse().expect("a name");
    let which: FunctionRef = name.clone().into();
    let role = zone.access.role.clone().expect("the zone has a role");
    let configuration = Configuration { role: role.into(), ..Configuration::default() };
    let code = |text: &str| Code::Archive([b"PK\x03\x04", text.as_bytes()].concat());
    let mut wrong: Vec<Failure> = Vec::new();
    let new = NewFunction { name: name.clone(), code: code("one"), configuration: configuration.clone() };
    wrong.extend(aws.create_function(cell, &new).await.err());
    // What cannot be looked at is of no known revision, and taken for ready.
    let revision = async || match settle((aws, &*stage.clock), cell, &name, minute).await {
        Ok(function) => (function.revision, None),
        Err(failure) => (String::new(), Some(failure)),
    };
    let (known, failed) = revision().await;
    wrong.extend(failed);
    let more = Configuration { memory_mib: 256, ..configuration };
    wrong.extend(aws.update_configuration(cell, &name, &more, &known).await.err());
    let (known, _) = revision().await;
    let other = code("two");
    wrong.extend(aws.update_code(cell, &name, (&other, Architecture::Arm64), &known).await.err());
    let (known, _) = revision().await;
    wrong.extend(aws.publish_version(cell, &name, None, &known).await.err());
    wrong.extend(aws.functions(cell).await.failure);
    wrong.extend(aws.function_versions(cell, &name).await.failure);
    for mode in [InvocationMode::Check, InvocationMode::Async, InvocationMode::Wait { log_tail: true }] {
        wrong.extend(aws.invoke(cell, (&which, &Payload::new("{}")), mode, minute).await.err());
    }
    wrong.extend(aws.delete_function(cell, &which).await.err());
    let wrong = wrong.iter().map(ToString::to_string).collect();
    let of_functions = |action: &&str| action.starts_with("lambda:") || *action == "iam:PassRole";
    (wrong, actions(&statements).into_iter().filter(of_functions).collect(), used(&stage))
}

#[tokio::test(start_paused = true)]
async fn functions_need_what_the_policy_says_and_miss_what_it_does_not() {
    let (wrong, granted, used) = functions(None).await;
    assert_eq!(wrong, [""; 0]);
    assert_eq!(granted.len(), 10);
    for action in granted {
        assert!(used.contains(action), "{action} is never used");
        let (wrong, ..) = functions(Some(action)).await;
        assert!(wrong.iter().any(|said| said.contains(action)), "without {action}: {wrong:?}");
    }
}
