//! The machine of runs that upgrade clusters.

use serde_json::{Value, json};

use super::states::{Answers, Named, Told, Turns, call, definition, ended, failures, notify};
use super::{Function, Shape};
use crate::pace::MOST_TURNS;

/// Where the name of the run is.
const RUN: &str = "$.reasoned.run";

/// What is known of the run that is driven: its name, whether it may be taken back where it fails, whether it is the way
/// back itself, and why there is none.
const REASONED: Answers = Answers(&["run", "rollback", "back", "why"], "$.reasoned");

/// The definition, in JSONPath, with `${PerceptionFunctionArn}`, `${ReasoningFunctionArn}`, `${ExecutionFunctionArn}`,
/// `${ValidationFunctionArn}`, `${RollbackFunctionArn}`, `${GateFunctionArn}` and `${NoticeTopicArn}` for what
/// CloudFormation puts in.
///
/// An execution's input is `{"cluster_name": NAME, "target_version": VERSION, "strategy": "in-place"}`; `account` and
/// `region` where several clusters have that name, and `"rollback": false` where a failed upgrade is not to be taken back.
/// The run has the name of the execution. The phases are perception, reasoning, execution (turn after turn) and
/// validation; where the upgrade fails, or clusters are worse than before, its last hop is taken back once, by a run of its
/// own that a person approves as any other. An upgrade that was taken back ends the execution as failed.
pub fn upgrade_machine(shape: &Shape) -> Value {
    let comment =
        format!("An upgrade of a cluster by fleetwright: turns until it is over, {MOST_TURNS} at most.");
    let perceived = Answers(&["run", "cluster", "from", "to", "standing"], "$.perceived");
    let validated = Answers(&["success", "ending", "worse", "reports"], "$.validated");
    let turns = Turns { state: "Execution", function: Function::Execution, run: RUN, over: "Validation" };
    let mut states: Vec<Named> = vec![
        ("Perception", call(shape, Function::Perception, &Told::Input, &perceived, "Reasoning")),
        ("Reasoning", call(shape, Function::Reasoning, &Told::Run("$.perceived.run"), &REASONED, "Begin")),
    ];
    states.extend(turns.states(shape));
    states.extend([
        ("Validation", call(shape, Function::Validation, &Told::RunAndTurn(RUN), &validated, "How it went")),
        ("How it went", how_it_went()),
        ("Rollback", call(shape, Function::Rollback, &Told::Run(RUN), &REASONED, "Is there a way back")),
        ("Is there a way back", is_there_a_way_back()),
        ("Notify", notify(shape, "$.validated", "How it ended")),
        ("How it ended", how_it_ended()),
        (
            "Success",
            json!({ "Type": "Succeed", "Comment": "The cluster is upgraded, and as well as before." }),
        ),
        (
            "Rolled back",
            ended("Fleetwright.RolledBack", "The upgrade failed and was taken back.", "$.validated"),
        ),
        ("Halted", ended("Fleetwright.Halted", "The upgrade failed.", "$.validated")),
        ("Rejected", ended("Fleetwright.Rejected", "A person rejected.", "$.validated")),
        ("Aborted", ended("Fleetwright.Aborted", "A person aborted.", "$.validated")),
        ("Stuck", ended("Fleetwright.Stuck", "The way back failed: a person is needed.", "$.validated")),
    ]);
    states.extend(failures(shape));
    definition(shape, &comment, states)
}

fn is(path: &str, value: bool) -> Value {
    json!({ "Variable": path, "BooleanEquals": value })
}

fn ends(ending: &str) -> Value {
    json!({ "Variable": "$.validated.ending", "StringEquals": ending })
}

/// A rule of a choice.
fn rule(mut condition: Value, next: &str) -> Value {
    condition["Next"] = next.into();
    condition
}

/// What a person stopped is not taken back: that is for the person to say.
fn how_it_went() -> Value {
    json!({
        "Type": "Choice",
        "Choices": [
            rule(json!({ "Or": [is("$.validated.success", true), ends("rejected"), ends("aborted")] }), "Notify"),
            rule(is("$.reasoned.rollback", true), "Rollback"),
        ],
        "Default": "Notify",
    })
}

fn is_there_a_way_back() -> Value {
    json!({ "Type": "Choice", "Choices": [rule(is("$.reasoned.back", true), "Execution")], "Default": "Notify" })
}

fn how_it_ended() -> Value {
    let taken_back = json!({ "And": [is("$.reasoned.back", true), is("$.validated.success", true)] });
    let endings = ["complete", "partial", "halted"].map(ends);
    json!({
        "Type": "Choice",
        "Choices": [
            rule(taken_back, "Rolled back"),
            rule(is("$.reasoned.back", true), "Stuck"),
            rule(is("$.validated.success", true), "Success"),
            rule(ends("rejected"), "Rejected"),
            rule(ends("aborted"), "Aborted"),
            rule(ends("stuck"), "Stuck"),
            rule(json!({ "Or": endings }), "Halted"),
        ],
        "Default": "Not understood",
    })
}
