//! The definition of the state machine.

use serde_json::{Map, Value, json};

use crate::pace::MOST_TURNS;
use crate::turn::Answer;

/// What does the work of a state: one function of Lambda each, of the same code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Looks at the fleet, makes the plan, makes the run.
    Prepare,
    /// Takes a turn.
    Turn,
    /// Keeps the token of a state that waits for a decision, and asks for one.
    Gate,
    /// Writes the reports.
    Report,
}

impl Function {
    /// Each.
    pub const ALL: [Self; 4] = [Self::Prepare, Self::Turn, Self::Gate, Self::Report];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Turn => "turn",
            Self::Gate => "gate",
            Self::Report => "report",
        }
    }

    /// How long it may take, as its state and the function itself have it.
    pub fn seconds(self) -> u32 {
        match self {
            Self::Prepare | Self::Report => 900,
            Self::Turn => 300,
            Self::Gate => 60,
        }
    }
}

/// What an error of a function is called in `Retry` and `Catch`, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorName {
    /// Another turn of the run is being taken, or was broken off a moment ago.
    Owned,
    /// The run was taken over while the turn was taken.
    TakenOver,
    /// The journal did not answer.
    Transient,
    /// The run, its plan or its record cannot be used.
    Unusable,
    /// The execution has no room for more turns.
    HistoryFull,
}

impl ErrorName {
    /// Each.
    pub const ALL: [Self; 5] =
        [Self::Owned, Self::TakenOver, Self::Transient, Self::Unusable, Self::HistoryFull];

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owned => "Fleetwright.Owned",
            Self::TakenOver => "Fleetwright.TakenOver",
            Self::Transient => "Fleetwright.Transient",
            Self::Unusable => "Fleetwright.Unusable",
            Self::HistoryFull => "Fleetwright.HistoryFull",
        }
    }
}

/// What Lambda says when it could not carry a call out, or does not know. Source: Step Functions Developer Guide,
/// "Handling transient Lambda service exceptions".
const OF_LAMBDA: [&str; 6] = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
];

/// What Lambda calls it that a function ended, or was ended, before it answered.
const OF_THE_SANDBOX: [&str; 2] = ["Sandbox.Timedout", "Runtime.ExitError"];

/// What differs between one machine and another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The partition of AWS: `aws`, `aws-us-gov`, `aws-cn`.
    pub partition: String,
    /// Seconds an execution may take.
    pub lasts: u32,
}

impl Default for Shape {
    /// Two weeks: room for windows of two weekends.
    fn default() -> Self {
        Self { partition: "aws".to_owned(), lasts: 14 * 86_400 }
    }
}

/// The definition, in JSONPath. `${PrepareFunctionArn}`, `${TurnFunctionArn}`, `${GateFunctionArn}`,
/// `${ReportFunctionArn}` and `${NoticeTopicArn}` stand for what CloudFormation puts in (`DefinitionSubstitutions`).
///
/// An execution's input is `{"run": NAME}`, and the name of the execution is that of the run, so that a
/// run is started once; a schedule says `{"scheduled": TIME}`, of which the run's name is made, so that a schedule that is
/// tried again starts no second run. With `"resume": true` another execution goes on with a run. Its output has what the last turn answered ([`Answer`]) in `turn`: `status` is 200 where
/// everything was done and 206 where a part was. A run that ended otherwise ends the execution as failed, with
/// the reason as its error and the answer, its status 500, as its cause.
pub fn machine(shape: &Shape) -> Value {
    let states: Map<String, Value> = [
        ("Prepare", call(shape, Function::Prepare, &["run", "hosts", "stages"], "$.prepared", "Begin")),
        (
            "Begin",
            json!({ "Type": "Pass", "Result": { "number": 0 }, "ResultPath": "$.turn", "Next": "Turn" }),
        ),
        ("Turn", call(shape, Function::Turn, &Answer::FIELDS, "$.turn", "What follows")),
        ("What follows", what_follows()),
        ("Wait", json!({ "Type": "Wait", "SecondsPath": "$.turn.seconds", "Next": "Turn" })),
        ("Decision", decision(shape)),
        ("Report", call(shape, Function::Report, &["reports"], "$.report", "Notify")),
        ("Notify", notify(shape, "$.turn", "How it ended")),
        ("How it ended", how_it_ended()),
        ("Done", json!({ "Type": "Succeed", "Comment": "Everything was done." })),
        (
            "Partly done",
            json!({ "Type": "Succeed", "Comment": "A part was done; the report names the rest." }),
        ),
        ("Halted", ended("Fleetwright.Halted", "More failures than the plan allows.")),
        ("Rejected", ended("Fleetwright.Rejected", "A person rejected.")),
        ("Aborted", ended("Fleetwright.Aborted", "A person aborted.")),
        ("Stuck", ended("Fleetwright.Stuck", "A way back failed: a person is needed.")),
        ("Not understood", not_understood()),
        ("Notify of failure", notify(shape, "$.error", "Failed")),
        (
            "Failed",
            json!({
                "Type": "Fail",
                "Comment": "The execution failed; the run is on record and can be gone on with.",
                "ErrorPath": "$.error.Error",
                "CausePath": "$.error.Cause",
            }),
        ),
    ]
    .map(|(name, state)| (name.to_owned(), state))
    .into_iter()
    .collect();
    json!({
        "Comment": format!("A run of fleetwright: turns until it is over, {MOST_TURNS} at most."),
        "StartAt": "Prepare",
        "TimeoutSeconds": shape.lasts,
        "States": states,
    })
}

fn resource(shape: &Shape, service: &str) -> String {
    format!("arn:{}:states:::{service}", shape.partition)
}

/// What stands for the ARN of a function.
fn substitution(function: Function) -> &'static str {
    match function {
        Function::Prepare => "${PrepareFunctionArn}",
        Function::Turn => "${TurnFunctionArn}",
        Function::Gate => "${GateFunctionArn}",
        Function::Report => "${ReportFunctionArn}",
    }
}

/// A state that calls a function with the execution's id, and what it was started with, or the run's name and what the last
/// turn said.
fn call(shape: &Shape, function: Function, answers: &[&str], result: &str, next: &str) -> Value {
    let answers = answers.iter().map(|field| (format!("{field}.$"), format!("$.Payload.{field}").into()));
    let answers: Map<String, Value> = answers.collect();
    let mut payload = json!({ "execution.$": "$$.Execution.Id" });
    match function {
        Function::Prepare => payload["input.$"] = "$$.Execution.Input".into(),
        Function::Turn | Function::Gate | Function::Report => {
            payload["run.$"] = "$.prepared.run".into();
            payload["turn.$"] = "$.turn".into();
        }
    }
    json!({
        "Type": "Task",
        "Resource": resource(shape, "lambda:invoke"),
        "Parameters": { "FunctionName": substitution(function), "Payload": payload },
        "ResultSelector": answers,
        "ResultPath": result,
        // The function has ended by then, whatever became of it.
        "TimeoutSeconds": function.seconds() + 30,
        "Retry": retry(function),
        "Catch": caught(),
        "Next": next,
    })
}

/// Every call may be made again: who comes second goes on where the first one was broken off.
fn retry(function: Function) -> Value {
    let timed_out = [&["States.Timeout"], &OF_THE_SANDBOX[..]].concat();
    json!([
        {
            // Whoever was broken off holds the run until its function would have ended.
            "ErrorEquals": [ErrorName::Owned.as_str()],
            "IntervalSeconds": 30,
            "MaxAttempts": 2 * function.seconds() / 30,
            "BackoffRate": 1.0,
        },
        passing(&[ErrorName::Transient, ErrorName::TakenOver]),
        broken_off(&timed_out),
    ])
}

/// What passes by itself: Lambda's own trouble, and these.
fn passing(ours: &[ErrorName]) -> Value {
    let errors: Vec<&str> = OF_LAMBDA.into_iter().chain(ours.iter().map(|name| name.as_str())).collect();
    json!({
        "ErrorEquals": errors,
        "IntervalSeconds": 5,
        "MaxAttempts": 6,
        "BackoffRate": 2.0,
        "MaxDelaySeconds": 120,
        "JitterStrategy": "FULL",
    })
}

/// A function that ended before it answered.
fn broken_off(errors: &[&str]) -> Value {
    json!({ "ErrorEquals": errors, "IntervalSeconds": 30, "MaxAttempts": 3, "BackoffRate": 2.0 })
}

fn caught() -> Value {
    json!([{ "ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Notify of failure" }])
}

fn what_follows() -> Value {
    let says =
        |what: &str, next: &str| json!({ "Variable": "$.turn.next", "StringEquals": what, "Next": next });
    json!({
        "Type": "Choice",
        "Choices": [says("wait", "Wait"), says("decision", "Decision"), says("over", "Report")],
        "Default": "Not understood",
    })
}

/// An answer of a function that is newer than the machine, or older.
fn not_understood() -> Value {
    json!({
        "Type": "Fail",
        "Comment": "The machine and the function are of different versions; the run is on record.",
        "Error": ErrorName::Unusable.as_str(),
        "CausePath": "States.JsonToString($.turn)",
    })
}

/// Waits until somebody gives the token back, or for as long as the turn said.
fn decision(shape: &Shape) -> Value {
    json!({
        "Type": "Task",
        "Resource": resource(shape, "lambda:invoke.waitForTaskToken"),
        "Parameters": {
            "FunctionName": substitution(Function::Gate),
            "Payload": {
                "run.$": "$.prepared.run",
                "execution.$": "$$.Execution.Id",
                "token.$": "$$.Task.Token",
                "turn.$": "$.turn",
            },
        },
        "ResultPath": "$.decision",
        "TimeoutSecondsPath": "$.turn.seconds",
        "Retry": [passing(&[ErrorName::Transient]), broken_off(&OF_THE_SANDBOX)],
        "Catch": [
            { "ErrorEquals": ["States.Timeout"], "ResultPath": "$.decision", "Next": "Turn" },
            { "ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Notify of failure" },
        ],
        "Next": "Turn",
    })
}

/// Tells a topic. That nobody could be told changes nothing about how the run ended.
fn notify(shape: &Shape, what: &str, next: &str) -> Value {
    json!({
        "Type": "Task",
        "Resource": resource(shape, "sns:publish"),
        "Parameters": {
            "TopicArn": "${NoticeTopicArn}",
            "Message": { "input.$": "$$.Execution.Input", "execution.$": "$$.Execution.Id", "said.$": what },
        },
        "ResultPath": "$.notified",
        "TimeoutSeconds": 60,
        "Retry": [{
            "ErrorEquals": ["States.TaskFailed", "States.Timeout"],
            "IntervalSeconds": 2,
            "MaxAttempts": 4,
            "BackoffRate": 2.0,
        }],
        "Catch": [{ "ErrorEquals": ["States.ALL"], "ResultPath": "$.notified", "Next": next }],
        "Next": next,
    })
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

/// The run is over, and not as it was meant to be: what it came to is the cause.
fn ended(error: &str, comment: &str) -> Value {
    json!({ "Type": "Fail", "Comment": comment, "Error": error, "CausePath": "States.JsonToString($.turn)" })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fleetwright_asl::{Rules, check};
    use fleetwright_flow::Ending;
    use fleetwright_model::Exit;

    use super::*;
    use crate::turn::Next;

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
        let fields: BTreeSet<&str> =
            written.as_object().expect("fields").keys().map(String::as_str).collect();
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
}
