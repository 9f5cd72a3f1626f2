//! Functions: the contract over the simulated estate, and what becomes of replies that are lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_estate::functions::{Functions as Handlers, Invocation, Invoked as Ran, Running};
use fleetwright_model::ErrorClass;
use fleetwright_ports::Functions;
use fleetwright_ports::conformance::functions::{Expected, check};
use fleetwright_ports::functions::{
    Code, Configuration, FunctionName, InvocationMode, Invoked, NewFunction, Payload, settle,
};
use serde_json::{Value, json};

use crate::estate;
use crate::fake::{self, Reply, Seen, assumed};

const FLEET: &str = "[fleet]\naccounts = 1\nregions = [\"eu-central-1\"]\ninstances_per_cell = 1\n";

/// Answers an event with itself, or fails where it is told to.
struct Echo;

impl Handlers for Echo {
    fn invoke(&self, invocation: Invocation) -> Running<'_> {
        Box::pin(async move {
            let event: Value = serde_json::from_slice(&invocation.payload).expect("JSON");
            match event["fail"] == true {
                true => Ran::failed("Refused", "as it was told"),
                false => Ran { log: "said\n".to_owned(), ..Ran::answered(invocation.payload) },
            }
        })
    }
}

async fn stage() -> estate::Stage {
    let stage = estate::stage(&format!("name = \"t\"\nseed = 31\n{FLEET}")).await;
    assert!(stage.estate.run_functions(Arc::new(Echo)));
    stage
}

fn role(stage: &estate::Stage) -> String {
    stage.zones[0].access.role.clone().expect("the zone has a role").into()
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_functions() {
    let stage = stage().await;
    let expected = Expected {
        role: role(&stage),
        archive: b"PK\x03\x04one".to_vec(),
        other: b"PK\x03\x04another".to_vec(),
    };
    check((&stage.aws, &*stage.clock), &stage.cells()[0], &expected).await;
    let runs = stage.estate.function_runs(stage.zones[0].account.as_str(), "eu-central-1");
    let requests: BTreeSet<&str> = runs.iter().map(|run| run.request_id.as_str()).collect();
    // The event that nobody waited for may find its function deleted.
    assert!((3..=4).contains(&runs.len()), "none that was only judged: {runs:?}");
    assert_eq!(requests.len(), runs.len(), "each invocation once");
}

#[tokio::test(start_paused = true)]
async fn every_function_and_every_version_is_listed_however_many_pages_there_are() {
    let stage = stage().await;
    let cell = &stage.cells()[0];
    let configuration = Configuration { role: role(&stage), ..Configuration::default() };
    for number in 0..53 {
        let name = format!("turn-{number:02}").parse().expect("a name");
        let code = Code::Archive(b"PK\x03\x04one".to_vec());
        let new = NewFunction { name, code, configuration: configuration.clone() };
        stage.aws.create_function(cell, &new).await.expect("it is new");
    }
    let listed = stage.aws.functions(cell).await;
    assert_eq!((listed.failure, listed.items.len()), (None, 53));
    let name: FunctionName = "turn-00".parse().expect("a name");
    for number in 1..=51 {
        let minute = Duration::from_secs(60);
        let function = settle((&stage.aws, &*stage.clock), cell, &name, minute).await.expect("ready");
        let put = stage.aws.publish_version(cell, &name, None, &function.revision).await.expect("ready");
        assert_eq!(put.version, Some(number));
        let other = Configuration { memory_mib: 128 + number, ..function.configuration };
        let put = stage.aws.update_configuration(cell, &name, &other, &function.revision).await;
        put.expect("of that revision");
    }
    let versions = stage.aws.function_versions(cell, &name).await;
    let numbers: Vec<u32> = versions.items.iter().map(|it| it.number).collect();
    assert_eq!((versions.failure, numbers), (None, (1..=51).rev().collect()));
}

/// A function as the scripted service tells it.
fn told() -> String {
    json!({
        "FunctionName": "turn", "Version": "$LATEST", "CodeSha256": "4u5+MnHssTkZ9th+ZPvF/6i5Vjhi/uXJJfLijABAWD8=",
        "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": "arn:aws:iam::011122223333:role/hub",
        "Architectures": ["arm64"], "State": "Active", "LastUpdateStatus": "Successful", "RevisionId": "r-1",
    })
    .to_string()
}

#[tokio::test(start_paused = true)]
async fn an_invocation_whose_reply_is_lost_is_not_sent_again_and_nobody_says_it_was_not_made() {
    let stage = fake::stage(|seen: &Seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => Reply::Lost,
    })
    .await;
    let zone = fake::zone("011122223333", None);
    let cell = fake::cell(&zone);
    let which = "turn".parse().expect("a name");
    let payload = Payload::new("{}");
    for mode in [InvocationMode::Wait { log_tail: false }, InvocationMode::Async] {
        let before = stage.fake.asked("lambda:").len();
        let failure = stage.aws.invoke(&cell, (&which, &payload), mode, Duration::from_secs(900)).await;
        assert_eq!(failure.expect_err("nobody knows").class, ErrorClass::Ambiguous);
        assert_eq!(stage.fake.asked("lambda:").len() - before, 1, "once: {mode:?}");
    }
    let before = stage.fake.asked("lambda:").len();
    let check = stage.aws.invoke(&cell, (&which, &payload), InvocationMode::Check, Duration::ZERO).await;
    assert_eq!(check.expect_err("never an answer").class, ErrorClass::Transient);
    assert!(stage.fake.asked("lambda:").len() - before > 1, "a question may be asked again");
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_waited_for_as_long_as_was_said_and_no_longer() {
    let stage = fake::stage(|seen: &Seen| match seen.action.as_str() {
        "sts:AssumeRole" => assumed(seen),
        _ => Reply::Silence,
    })
    .await;
    let zone = fake::zone("011122223333", None);
    let (which, payload) = ("turn".parse().expect("a name"), Payload::new("{}"));
    let mode = InvocationMode::Wait { log_tail: false };
    let cell = fake::cell(&zone);
    let failure = stage.aws.invoke(&cell, (&which, &payload), mode, Duration::from_secs(900));
    assert_eq!(failure.await.expect_err("never an answer").class, ErrorClass::Ambiguous);
    assert!((900.0..901.0).contains(&stage.seconds()), "{} s", stage.seconds());
}

#[tokio::test(start_paused = true)]
async fn a_function_whose_making_was_not_heard_of_is_found_again_and_another_one_is_not_taken_for_it() {
    let stage = fake::stage(|seen: &Seen| match (seen.action.as_str(), seen.before) {
        ("sts:AssumeRole", _) => assumed(seen),
        ("lambda:", 0) => Reply::Lost,
        ("lambda:", 1 | 3) => {
            fake::json_error(409, "ResourceConflictException", "Function already exist: turn")
        }
        _ => Reply::Answer(200, told()),
    })
    .await;
    let zone = fake::zone("011122223333", None);
    let cell = fake::cell(&zone);
    let new = |memory_mib: u32| NewFunction {
        name: "turn".parse().expect("a name"),
        code: Code::Archive(b"PK\x03\x04one".to_vec()),
        configuration: Configuration {
            role: "arn:aws:iam::011122223333:role/hub".to_owned(),
            memory_mib,
            ..Configuration::default()
        },
    };
    let found = stage.aws.create_function(&cell, &new(128)).await.expect("the one that was made");
    assert_eq!(found.revision, "r-1");
    let other = stage.aws.create_function(&cell, &new(256)).await.expect_err("another one");
    assert_eq!(other.class, ErrorClass::Conflict, "{other}");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_log_comes_with_an_answer_and_without_what_looks_like_a_secret() {
    struct Careless;
    impl Handlers for Careless {
        fn invoke(&self, _: Invocation) -> Running<'_> {
            Box::pin(async { Ran { log: "password=hunter2\n".to_owned(), ..Ran::answered("{}") } })
        }
    }
    let stage = estate::stage(&format!("name = \"t\"\nseed = 32\n{FLEET}")).await;
    assert!(stage.estate.run_functions(Arc::new(Careless)));
    let cell = &stage.cells()[0];
    let configuration = Configuration { role: role(&stage), ..Configuration::default() };
    let (name, code) = ("turn".parse().expect("a name"), Code::Archive(b"PK\x03\x04one".to_vec()));
    let new = NewFunction { name, code, configuration };
    stage.aws.create_function(cell, &new).await.expect("it is new");
    let minute = Duration::from_secs(60);
    settle((&stage.aws, &*stage.clock), cell, &new.name, minute).await.expect("ready");
    let (which, payload) = (new.name.into(), Payload::new("{}"));
    let mode = InvocationMode::Wait { log_tail: true };
    let invoked = stage.aws.invoke(cell, (&which, &payload), mode, minute).await.expect("it can be");
    let Invoked::Answered(answer) = invoked else { panic!("{invoked:?} is no answer") };
    let log = answer.log.expect("it was asked for");
    assert!(log.contains("password=") && !log.contains("hunter2"), "{log}");
}
