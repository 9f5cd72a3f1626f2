//! What every definition keeps to.

use std::collections::BTreeSet;

use fleetwright_asl::{Rules, check};
use fleetwright_flow::Ending;
use fleetwright_model::Exit;

use serde_json::{Value, json};

use super::states::retry;
use super::{Function, Shape, machine, upgrade_machine};
use crate::turn::{Answer, Next};

fn definition() -> Value {
    machine(&Shape::default())
}

fn state<'a>(definition: &'a Value, name: &str) -> &'a Value {
    &definition["States"][name]
}

#[test]
fn the_definition_is_one_that_step_functions_takes_and_that_can_be_run_at_night_by_nobody() {
    for partition in ["aws", "aws-us-gov", "aws-cn"] {
        let shape = Shape { partition: partition.to_owned(), ..Shape::default() };
        assert_eq!(check(&machine(&shape), Rules::Ours), [], "{partition}");
        assert_eq!(check(&upgrade_machine(&shape), Rules::Ours), [], "{partition}");
    }
}

/// The names of what the rules of a choice compare with, of which each must be said by some answer.
fn compared(definition: &Value, name: &str) -> BTreeSet<String> {
    let rules = state(definition, name)["Choices"].as_array().expect("rules").iter();
    rules.map(|rule| rule["StringEquals"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn the_machine_understands_every_answer_of_a_turn() {
    let nexts = [Next::Wait { seconds: 9 }, Next::Decision { seconds: 9 }];
    let endings = [Ending::Complete, Ending::Halted, Ending::Rejected, Ending::Aborted];
    let nexts = nexts.into_iter().chain(endings.map(|ending| Next::Over { ending }));
    let answers: Vec<Answer> =
        nexts.flat_map(|next| Exit::ALL.map(|exit| Answer::of(next, 1, exit))).collect();
    let said = |field: fn(&Answer) -> &str| -> BTreeSet<String> {
        answers.iter().map(|answer| field(answer).to_owned()).filter(|text| !text.is_empty()).collect()
    };
    assert_eq!(compared(&definition(), "What follows"), said(|answer| &answer.next));
    assert_eq!(compared(&definition(), "How it ended"), said(|answer| &answer.ending));
    let written = serde_json::to_value(&answers[0]).expect("an answer");
    let fields: BTreeSet<&str> = written.as_object().expect("fields").keys().map(String::as_str).collect();
    assert_eq!(fields, BTreeSet::from(Answer::FIELDS));
}

#[test]
fn whoever_was_broken_off_is_waited_for_until_the_function_would_have_ended() {
    for function in Function::ALL {
        let rules = retry(function);
        let owned = &rules[0];
        assert_eq!(owned["ErrorEquals"], json!(["Fleetwright.Owned"]));
        let waits = owned["IntervalSeconds"].as_u64().zip(owned["MaxAttempts"].as_u64());
        let waits = waits.map(|(seconds, times)| seconds * times);
        assert!(waits >= Some(u64::from(function.seconds())), "{function:?}: {waits:?}");
    }
}

#[test]
fn no_task_gives_its_function_up_before_it_has_ended() {
    let definition = definition();
    for (name, function) in
        [("Prepare", Function::Prepare), ("Turn", Function::Turn), ("Report", Function::Report)]
    {
        let given = state(&definition, name)["TimeoutSeconds"].as_u64().expect("a number");
        assert!(given > u64::from(function.seconds()), "{name}");
    }
}

#[test]
fn only_what_was_done_in_part_or_in_full_is_a_success() {
    let definition = definition();
    let states = definition["States"].as_object().expect("states").iter();
    let succeed = states.filter(|(_, state)| state["Type"] == "Succeed").map(|(name, _)| name.as_str());
    assert_eq!(succeed.collect::<Vec<_>>(), ["Done", "Partly done"]);
    for exit in Exit::ALL {
        for ending in [Ending::Halted, Ending::Rejected, Ending::Aborted] {
            assert_eq!(Answer::of(Next::Over { ending }, 1, exit).status, 500);
        }
    }
}

#[test]
fn a_definition_is_small() {
    let size = definition().to_string().len();
    assert!(size < 16 * 1_024, "{size} bytes; CloudFormation and Step Functions take 1 MiB");
}
