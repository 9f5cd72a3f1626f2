//! The machine of runs that patch hosts.

use serde_json::{Value, json};

use super::states::{Answers, Named, Told, Turns, call, definition, ended, failures, notify};
use super::{Function, Shape};
use crate::pace::MOST_TURNS;

/// Where the name of the run is.
const RUN: &str = "$.prepared.run";

/// The definition, in JSONPath. `${PrepareFunctionArn}`, `${TurnFunctionArn}`, `${GateFunctionArn}`,
/// `${ReportFunctionArn}` and `${NoticeTopicArn}` stand for what CloudFormation puts in (`DefinitionSubstitutions`).
///
/// An execution's input is `{"run": NAME}`, and the name of the execution is that of the run, so that a
/// run is started once; a schedule says `{"scheduled": TIME}`, of which the run's name is made, so that a schedule that is
/// tried again starts no second run. With `"resume": true` another execution goes on with a run. Its output has what the
/// last turn answered ([`crate::Answer`]) in `turn`: `status` is 200 where everything was done and 206 where a part was. A
/// run that ended otherwise ends the execution as failed, with the reason as its error and the answer, its status 500, as
/// its cause.
pub fn machine(shape: &Shape) -> Value {
    let comment = format!("A run of fleetwright: turns until it is over, {MOST_TURNS} at most.");
    let turns = Turns { state: "Turn", function: Function::Turn, run: RUN, over: "Report" };
    let prepared = Answers(&["run", "hosts", "stages"], "$.prepared");
    let mut states: Vec<Named> =
        vec![("Prepare", call(shape, Function::Prepare, &Told::Input, &prepared, "Begin"))];
    states.extend(turns.states(shape));
    let reported = Answers(&["reports"], "$.report");
    states.extend([
        ("Report", call(shape, Function::Report, &Told::RunAndTurn(RUN), &reported, "Notify")),
        ("Notify", notify(shape, "$.turn", "How it ended")),
        ("How it ended", how_it_ended()),
        ("Done", json!({ "Type": "Succeed", "Comment": "Everything was done." })),
        (
            "Partly done",
            json!({ "Type": "Succeed", "Comment": "A part was done; the report names the rest." }),
        ),
        ("Halted", ended("Fleetwright.Halted", "More failures than the plan allows.", "$.turn")),
        ("Rejected", ended("Fleetwright.Rejected", "A person rejected.", "$.turn")),
        ("Aborted", ended("Fleetwright.Aborted", "A person aborted.", "$.turn")),
        ("Stuck", ended("Fleetwright.Stuck", "A way back failed: a person is needed.", "$.turn")),
    ]);
    states.extend(failures(shape));
    definition(shape, &comment, states)
}

fn how_it_ended() -> Value {
    let says =
        |what: &str, next: &str| json!({ "Variable": "$.turn.ending", "StringEquals": what, "Next": next });
    json!({
        "Type": "Choice",
        "Choices": [
            says("complete", "Done"),
            says("partial", "Partly done"),
            says("halted", "Halted"),
            says("rejected", "Rejected"),
            says("aborted", "Aborted"),
            says("stuck", "Stuck"),
        ],
        "Default": "Not understood",
    })
}
