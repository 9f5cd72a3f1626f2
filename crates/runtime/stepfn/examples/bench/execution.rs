//! A walk through the definition of the state machine, as Step Functions walks it, as far as ours goes: what is
//! called and waited for is done by who is handed in, and every event of the history is counted.
//!
//! Sources: Amazon States Language; AWS Step Functions API reference, `HistoryEvent`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::Failed;

/// What a machine's states do.
#[async_trait(?Send)]
pub(crate) trait Services {
    /// Calls a function.
    async fn invoke(&mut self, function: &str, payload: &Value) -> Result<Value, Failed>;
    /// Waits.
    async fn wait(&mut self, seconds: u64) -> Result<(), Failed>;
    /// Waits until somebody gives the token back; false where nobody did for so long.
    async fn decided(&mut self, seconds: u64) -> Result<bool, Failed>;
}

/// What an execution came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Events of its history.
    pub(crate) events: u64,
    /// How often each state was entered: the transitions that are paid for.
    pub(crate) entered: BTreeMap<String, u64>,
    /// Bytes of the largest input, output or result of a state, and of which one.
    pub(crate) largest: (usize, String),
    /// The state it ended in.
    pub(crate) ended: String,
}

impl Tally {
    /// States entered.
    pub(crate) fn transitions(&self) -> u64 {
        self.entered.values().sum()
    }

    fn carries(&mut self, state: &str, payload: &Value) {
        let bytes = payload.to_string().len();
        if bytes > self.largest.0 {
            self.largest = (bytes, state.to_owned());
        }
    }
}

/// Walks a definition from its start to its end.
///
/// # Errors
/// What a function answers with, or a state that is of no kind known here.
pub(crate) async fn execute(
    definition: &Value,
    input: Value,
    services: &mut dyn Services,
) -> Result<Tally, Failed> {
    let context = json!({
        "Execution": {
            "Id": "arn:aws:states:us-east-1:111122223333:execution:fleetwright-production:run-20261101T020000Z-4f1a",
            "Input": input,
        },
        // As long as tokens are. Source: Step Functions API reference, `SendTaskSuccess`, taskToken: 2,048 at most.
        "Task": { "Token": "t".repeat(700) },
    });
    // ExecutionStarted.
    let mut tally = Tally { events: 1, ..Tally::default() };
    let (mut data, mut name) = (input, text(&definition["StartAt"])?);
    loop {
        let state = &definition["States"][&name];
        *tally.entered.entry(name.clone()).or_default() += 1;
        tally.carries(&name, &data);
        let next = match text(&state["Type"])?.as_str() {
            "Pass" => {
                // PassStateEntered, PassStateExited.
                tally.events += 2;
                put(&mut data, &state["ResultPath"], state["Result"].clone())?;
                text(&state["Next"])?
            }
            "Choice" => {
                tally.events += 2;
                chosen(state, &data)?
            }
            "Wait" => {
                tally.events += 2;
                let seconds = at(&text(&state["SecondsPath"])?, &data, &context)?;
                services.wait(seconds.as_u64().ok_or("no number of seconds")?).await?;
                text(&state["Next"])?
            }
            "Task" => task(&name, state, &mut data, &context, services, &mut tally).await?,
            "Succeed" => {
                // SucceedStateEntered, SucceedStateExited, ExecutionSucceeded.
                tally.events += 3;
                tally.ended = name;
                return Ok(tally);
            }
            "Fail" => {
                // FailStateEntered, ExecutionFailed.
                tally.events += 2;
                tally.ended = name;
                return Ok(tally);
            }
            other => {
                return Err(format!("{name} is of the type {other}, which this walk does not know").into());
            }
        };
        tally.carries(&name, &data);
        name = next;
    }
}

async fn task(
    name: &str,
    state: &Value,
    data: &mut Value,
    context: &Value,
    services: &mut dyn Services,
    tally: &mut Tally,
) -> Result<String, Failed> {
    let parameters = filled(&state["Parameters"], data, context)?;
    tally.carries(name, &parameters);
    let resource = text(&state["Resource"])?;
    // TaskStateEntered, TaskScheduled, TaskStarted, TaskSucceeded, TaskStateExited.
    tally.events += 5;
    let service = resource.rsplit(":::").next().unwrap_or_default();
    let result = match service {
        "lambda:invoke" => json!({ "Payload": called(&parameters, services).await?, "StatusCode": 200 }),
        "lambda:invoke.waitForTaskToken" => {
            // TaskSubmitted; and TaskTimedOut in place of TaskSucceeded where nobody decides.
            tally.events += 1;
            called(&parameters, services).await?;
            let seconds = at(&text(&state["TimeoutSecondsPath"])?, data, context)?;
            if !services.decided(seconds.as_u64().ok_or("no number of seconds")?).await? {
                return caught(state, data);
            }
            json!({})
        }
        "sns:publish" => json!({ "MessageId": "0".repeat(36) }),
        other => return Err(format!("{name} calls {other}, which this walk does not know").into()),
    };
    tally.carries(name, &result);
    let selected = match &state["ResultSelector"] {
        Value::Null => result,
        selector => filled(selector, &result, context)?,
    };
    put(data, &state["ResultPath"], selected)?;
    text(&state["Next"])
}

async fn called(parameters: &Value, services: &mut dyn Services) -> Result<Value, Failed> {
    services.invoke(&text(&parameters["FunctionName"])?, &parameters["Payload"]).await
}

/// Where a time-out leads.
fn caught(state: &Value, data: &mut Value) -> Result<String, Failed> {
    let rules = state["Catch"].as_array().into_iter().flatten();
    let named = |rule: &&Value| {
        rule["ErrorEquals"].as_array().is_some_and(|it| it.contains(&"States.Timeout".into()))
    };
    let rule = rules.into_iter().find(named).ok_or("nobody catches the time-out")?;
    put(data, &rule["ResultPath"], json!({ "Error": "States.Timeout", "Cause": "" }))?;
    text(&rule["Next"])
}

fn chosen(state: &Value, data: &Value) -> Result<String, Failed> {
    for rule in state["Choices"].as_array().into_iter().flatten() {
        if at(&text(&rule["Variable"])?, data, &Value::Null)? == rule["StringEquals"] {
            return text(&rule["Next"]);
        }
    }
    text(&state["Default"])
}

fn text(value: &Value) -> Result<String, Failed> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{value} is no text").into())
}

/// What a path leads to, in the state's data or, after `$$`, in the context.
fn at(path: &str, data: &Value, context: &Value) -> Result<Value, Failed> {
    let (of, rest) = match path.strip_prefix("$$") {
        Some(rest) => (context, rest),
        None => (data, path.strip_prefix('$').ok_or_else(|| format!("{path} is no path"))?),
    };
    let mut names = rest.split('.').filter(|name| !name.is_empty());
    let found = names.try_fold(of, |value, name| value.get(name));
    found.cloned().ok_or_else(|| format!("{path} leads nowhere in {of}").into())
}

/// A template with its paths followed.
fn filled(template: &Value, data: &Value, context: &Value) -> Result<Value, Failed> {
    let Some(fields) = template.as_object() else { return Ok(template.clone()) };
    let mut whole = Map::new();
    for (name, value) in fields {
        match name.strip_suffix(".$") {
            Some(name) => whole.insert(name.to_owned(), at(&text(value)?, data, context)?),
            None => whole.insert(name.clone(), filled(value, data, context)?),
        };
    }
    Ok(Value::Object(whole))
}

/// Puts a result where its path says; ours are one name deep.
fn put(data: &mut Value, path: &Value, result: Value) -> Result<(), Failed> {
    let path = text(path)?;
    let name = path.strip_prefix("$.").ok_or_else(|| format!("{path} is no place for a result"))?;
    data.as_object_mut().ok_or("the data of a state is no object")?.insert(name.to_owned(), result);
    Ok(())
}

#[cfg(test)]
mod tests {
    use fleetwright_flow::Ending;
    use fleetwright_model::Exit;
    use fleetwright_stepfn::{Answer, EVENTS_PER_TURN, Next, Shape, machine};

    use super::*;

    /// Turns that answer as they are told.
    struct Told {
        answers: Vec<Next>,
        decides: bool,
    }

    #[async_trait(?Send)]
    impl Services for Told {
        async fn invoke(&mut self, function: &str, _: &Value) -> Result<Value, Failed> {
            Ok(match function {
                "${TurnFunctionArn}" => {
                    serde_json::to_value(Answer::of(self.answers.remove(0), 1, Exit::Success))?
                }
                "${PrepareFunctionArn}" => json!({ "run": "r", "hosts": 1, "stages": 1 }),
                _ => json!({ "reports": 1 }),
            })
        }

        async fn wait(&mut self, _: u64) -> Result<(), Failed> {
            Ok(())
        }

        async fn decided(&mut self, _: u64) -> Result<bool, Failed> {
            Ok(self.decides)
        }
    }

    async fn walk(between: &[Next], ending: Ending, decides: bool) -> Tally {
        let answers = between.iter().copied().chain([Next::Over { ending }]).collect();
        let mut told = Told { answers, decides };
        execute(&machine(&Shape::default()), json!({ "run": "run-1" }), &mut told).await.expect("walked")
    }

    #[tokio::test]
    async fn a_turn_and_its_wait_take_the_events_that_the_pace_counts_with() {
        let at_once = walk(&[], Ending::Complete, true).await;
        let waits = walk(&[Next::Wait { seconds: 15 }; 10], Ending::Complete, true).await;
        assert_eq!(waits.events - at_once.events, u64::from(10 * EVENTS_PER_TURN));
        assert_eq!((waits.transitions(), at_once.transitions()), (38, 8), "three states for each turn");
        assert_eq!((waits.entered["Turn"], waits.entered["Wait"], &*waits.ended), (11, 10, "Done"));
    }

    #[tokio::test]
    async fn a_decision_takes_four_events_more_than_a_wait_whether_somebody_decides_or_not() {
        let at_once = walk(&[], Ending::Complete, true).await;
        for decides in [true, false] {
            let waits = walk(&[Next::Decision { seconds: 15 }], Ending::Complete, decides).await;
            assert_eq!(waits.events - at_once.events, u64::from(EVENTS_PER_TURN + 4));
            assert_eq!(waits.entered["Decision"], 1);
        }
    }

    #[tokio::test]
    async fn a_run_that_was_halted_ends_in_the_state_that_says_so() {
        assert_eq!(walk(&[], Ending::Halted, true).await.ended, "Halted");
    }
}
