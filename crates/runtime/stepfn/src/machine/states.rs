//! States that both machines have.

use serde_json::{Map, Value, json};

use super::{ErrorName, Function, Shape};
use crate::turn::Answer;

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

/// A state by its name.
pub(super) type Named = (&'static str, Value);

/// A definition that begins with the first of these states.
pub(super) fn definition(shape: &Shape, comment: &str, states: Vec<Named>) -> Value {
    json!({
        "Comment": comment,
        "StartAt": states.first().map(|(name, _)| *name),
        "TimeoutSeconds": shape.lasts,
        "States": states.into_iter().map(|(name, state)| (name.to_owned(), state)).collect::<Map<_, _>>(),
    })
}

fn resource(shape: &Shape, service: &str) -> String {
    format!("arn:{}:states:::{service}", shape.partition)
}

/// What a function is told beside the execution's id, and where.
pub(super) enum Told {
    /// What the execution was started with.
    Input,
    /// The name of the run, by its path.
    Run(&'static str),
    /// That, and what the last turn said.
    RunAndTurn(&'static str),
}

/// What a function answers: these fields, kept at that path.
pub(super) struct Answers(pub(super) &'static [&'static str], pub(super) &'static str);

/// A state that calls a function.
pub(super) fn call(shape: &Shape, function: Function, told: &Told, answers: &Answers, next: &str) -> Value {
    let Answers(fields, path) = answers;
    let fields = fields.iter().map(|field| (format!("{field}.$"), format!("$.Payload.{field}").into()));
    let fields: Map<String, Value> = fields.collect();
    let mut payload = json!({ "execution.$": "$$.Execution.Id" });
    match told {
        Told::Input => payload["input.$"] = "$$.Execution.Input".into(),
        Told::Run(run) => payload["run.$"] = (*run).into(),
        Told::RunAndTurn(run) => {
            payload["run.$"] = (*run).into();
            payload["turn.$"] = "$.turn".into();
        }
    }
    json!({
        "Type": "Task",
        "Resource": resource(shape, "lambda:invoke"),
        "Parameters": { "FunctionName": function.substitution(), "Payload": payload },
        "ResultSelector": fields,
        "ResultPath": path,
        // The function has ended by then, whatever became of it.
        "TimeoutSeconds": function.seconds() + 30,
        "Retry": retry(function),
        "Catch": caught(),
        "Next": next,
    })
}

/// Every call may be made again: who comes second goes on where the first one was broken off.
pub(super) fn retry(function: Function) -> Value {
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

/// Turn after turn of a run.
pub(super) struct Turns {
    /// The state that takes one.
    pub(super) state: &'static str,
    /// The function that does.
    pub(super) function: Function,
    /// Where the run's name is.
    pub(super) run: &'static str,
    /// The state that follows when the run is over.
    pub(super) over: &'static str,
}

impl Turns {
    /// The states: a turn, what follows it, and the two ways to wait. `Begin` sets the number of turns to 0.
    pub(super) fn states(&self, shape: &Shape) -> Vec<Named> {
        let answers = Answers(&Answer::FIELDS, "$.turn");
        let told = Told::RunAndTurn(self.run);
        vec![
            (
                "Begin",
                json!({ "Type": "Pass", "Result": { "number": 0 }, "ResultPath": "$.turn", "Next": self.state }),
            ),
            (self.state, call(shape, self.function, &told, &answers, "What follows")),
            ("What follows", self.what_follows()),
            ("Wait", json!({ "Type": "Wait", "SecondsPath": "$.turn.seconds", "Next": self.state })),
            ("Decision", self.decision(shape)),
        ]
    }

    fn what_follows(&self) -> Value {
        let says =
            |what: &str, next: &str| json!({ "Variable": "$.turn.next", "StringEquals": what, "Next": next });
        json!({
            "Type": "Choice",
            "Choices": [says("wait", "Wait"), says("decision", "Decision"), says("over", self.over)],
            "Default": "Not understood",
        })
    }

    /// Waits until somebody gives the token back, or for as long as the turn said.
    fn decision(&self, shape: &Shape) -> Value {
        json!({
            "Type": "Task",
            "Resource": resource(shape, "lambda:invoke.waitForTaskToken"),
            "Parameters": {
                "FunctionName": Function::Gate.substitution(),
                "Payload": {
                    "run.$": self.run,
                    "execution.$": "$$.Execution.Id",
                    "token.$": "$$.Task.Token",
                    "turn.$": "$.turn",
                },
            },
            "ResultPath": "$.decision",
            "TimeoutSecondsPath": "$.turn.seconds",
            "Retry": [passing(&[ErrorName::Transient]), broken_off(&OF_THE_SANDBOX)],
            "Catch": [
                { "ErrorEquals": ["States.Timeout"], "ResultPath": "$.decision", "Next": self.state },
                { "ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Notify of failure" },
            ],
            "Next": self.state,
        })
    }
}

/// Tells a topic. That nobody could be told changes nothing about how the run ended.
pub(super) fn notify(shape: &Shape, what: &str, next: &str) -> Value {
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

/// How an execution ends that was of no use: a function failed for good, or answered what the machine does not know.
pub(super) fn failures(shape: &Shape) -> Vec<Named> {
    vec![
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

/// The run is over, and not as it was meant to be: what is at that path is the cause.
pub(super) fn ended(error: &str, comment: &str, cause: &str) -> Value {
    let cause = format!("States.JsonToString({cause})");
    json!({ "Type": "Fail", "Comment": comment, "Error": error, "CausePath": cause })
}
