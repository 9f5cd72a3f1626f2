//! State machines and executions over a Step Functions that is just enough to hold the contract: pages of two rows,
//! names that are taken, and executions that stay or succeed at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use fleetwright_model::{Cell, ErrorClass};
use fleetwright_ports::conformance::state_machines::{Expected, check};
use fleetwright_ports::executions::{NewExecution, Payload, Started};
use fleetwright_ports::state_machines::NewMachine;
use fleetwright_ports::{Executions, StateMachines};
use serde_json::{Value, json};

use crate::fake::{self, Reply, Seen, assumed, json_error};

const STAYING: &str = r#"{"StartAt":"Stay","States":{"Stay":{"Type":"Wait","Seconds":9000,"End":true}}}"#;
const ENDING: &str = r#"{"StartAt":"Look","States":{"Look":{"Type":"Pass","End":true}}}"#;
const ROWS: usize = 2;

#[derive(Default)]
struct Service {
    machines: BTreeMap<String, Value>,
    executions: Vec<Value>,
}

type Answer = Result<Value, &'static str>;

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

/// A page of rows, as the service cuts them.
fn page(body: &Value, name: &str, rows: &[Value]) -> Value {
    let from: usize = text(body, "nextToken").parse().unwrap_or(0);
    let to = rows.len().min(from + ROWS);
    let next = (to < rows.len()).then(|| to.to_string());
    json!({ name: rows[from..to], "nextToken": next })
}

impl Service {
    fn answer(&mut self, seen: &Seen) -> Answer {
        let body: Value = serde_json::from_str(&seen.body).expect("JSON");
        let now = 1_793_498_400.0 + seen.at;
        match seen.action.strip_prefix("states:").expect("Step Functions") {
            "CreateStateMachine" => self.create(&body, now),
            "UpdateStateMachine" => self.update(&body, now),
            "DeleteStateMachine" => {
                self.machines.remove(text(&body, "stateMachineArn"));
                Ok(json!({}))
            }
            "DescribeStateMachine" => {
                self.machines.get(text(&body, "stateMachineArn")).cloned().ok_or("StateMachineDoesNotExist")
            }
            "ListStateMachines" => {
                let whole = self.machines.values().filter(|machine| machine["version"].is_null());
                Ok(page(&body, "stateMachines", &whole.cloned().collect::<Vec<_>>()))
            }
            "ListStateMachineVersions" => {
                let of = format!("{}:", text(&body, "stateMachineArn"));
                let versions = self.machines.iter().filter(|(arn, _)| arn.starts_with(&of));
                let rows = versions.map(
                    |(arn, it)| json!({ "stateMachineVersionArn": arn, "creationDate": it["creationDate"] }),
                );
                Ok(page(&body, "stateMachineVersions", &rows.collect::<Vec<_>>()))
            }
            "StartExecution" => self.start(&body, now),
            "StopExecution" => {
                let execution = self.find(&body)?;
                if execution["status"] == "RUNNING" {
                    execution["status"] = "ABORTED".into();
                    execution["error"] = body["error"].clone();
                    execution["stopDate"] = now.into();
                }
                Ok(json!({ "stopDate": execution["stopDate"] }))
            }
            "DescribeExecution" => self.find(&body).cloned(),
            "GetExecutionHistory" => {
                let input = self.find(&body)?["input"].clone();
                let kinds = ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"];
                let rows = (1..).zip(kinds).map(|(id, kind)| {
                    json!({ "id": id, "previousEventId": id - 1, "timestamp": now, "type": kind,
                            "stateEnteredEventDetails": { "name": "Look", "input": input } })
                });
                Ok(page(&body, "events", &rows.collect::<Vec<_>>()))
            }
            "ListExecutions" => {
                let fits = |it: &&Value| {
                    it["stateMachineArn"] == body["stateMachineArn"]
                        && (body["statusFilter"].is_null() || it["status"] == body["statusFilter"])
                };
                let rows: Vec<Value> = self.executions.iter().rev().filter(fits).cloned().collect();
                Ok(page(&body, "executions", &rows))
            }
            other => panic!("{other} is not called"),
        }
    }

    fn create(&mut self, body: &Value, now: f64) -> Answer {
        let arn = format!("arn:aws:states:eu-central-1:011122223333:stateMachine:{}", text(body, "name"));
        let there = self.machines.entry(arn.clone()).or_insert_with(|| {
            let mut machine = body.clone();
            machine["stateMachineArn"] = arn.as_str().into();
            machine["status"] = "ACTIVE".into();
            machine["creationDate"] = now.into();
            machine
        });
        if there["definition"] != body["definition"] {
            return Err("StateMachineAlreadyExists");
        }
        Ok(json!({ "stateMachineArn": arn, "creationDate": there["creationDate"] }))
    }

    fn update(&mut self, body: &Value, now: f64) -> Answer {
        let arn = text(body, "stateMachineArn");
        let machine = self.machines.get_mut(arn).ok_or("StateMachineDoesNotExist")?;
        for name in ["definition", "roleArn", "tracingConfiguration"] {
            if let Some(value) = body.get(name) {
                machine[name] = value.clone();
            }
        }
        let mut answer = json!({ "updateDate": now, "revisionId": "r-1" });
        if body["publish"] == true {
            let mut version = machine.clone();
            let number = 1 + self.machines.keys().filter(|it| it.starts_with(&format!("{arn}:"))).count();
            version["version"] = number.into();
            version["description"] = body["versionDescription"].clone();
            answer["stateMachineVersionArn"] = format!("{arn}:{number}").into();
            self.machines.insert(format!("{arn}:{number}"), version);
        }
        Ok(answer)
    }

    fn start(&mut self, body: &Value, now: f64) -> Answer {
        let machine = text(body, "stateMachineArn");
        let stays =
            text(self.machines.get(machine).ok_or("StateMachineDoesNotExist")?, "definition") == STAYING;
        let arn = format!("{}:{}", machine.replace("stateMachine", "execution"), text(body, "name"));
        if let Some(first) = self.executions.iter().find(|it| it["executionArn"] == arn.as_str()) {
            let same = first["status"] == "RUNNING" && first["input"] == body["input"];
            let started = json!({ "executionArn": arn, "startDate": first["startDate"] });
            return if same { Ok(started) } else { Err("ExecutionAlreadyExists") };
        }
        let mut execution = body.clone();
        execution["executionArn"] = arn.as_str().into();
        execution["startDate"] = now.into();
        execution["status"] = if stays { "RUNNING" } else { "SUCCEEDED" }.into();
        execution["output"] = "{}".into();
        self.executions.push(execution);
        Ok(json!({ "executionArn": arn, "startDate": now }))
    }

    fn find(&mut self, body: &Value) -> Result<&mut Value, &'static str> {
        let arn = &body["executionArn"];
        self.executions.iter_mut().find(|it| it["executionArn"] == *arn).ok_or("ExecutionDoesNotExist")
    }
}

/// The service, as fallible as `happens` says.
async fn stage(happens: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static) -> fake::Stage {
    let service = Arc::new(Mutex::new(Service::default()));
    fake::stage(move |seen: &Seen| {
        if seen.action == "sts:AssumeRole" {
            return assumed(seen);
        }
        let answer = service.lock().expect("no panic before").answer(seen);
        match (happens(seen), answer) {
            (Some(reply), _) => reply,
            (None, Ok(answer)) => Reply::Answer(200, answer.to_string()),
            (None, Err(refused)) => json_error(400, refused, "no"),
        }
    })
    .await
}

fn expected() -> Expected {
    let role = "arn:aws:iam::011122223333:role/hub".to_owned();
    Expected { role, staying: STAYING.to_owned(), ending: ENDING.to_owned() }
}

/// An execution that could be started, of a machine that was made.
async fn made(stage: &fake::Stage, cell: &Cell<'_>) -> NewExecution {
    let new = NewMachine {
        name: "nightly".parse().expect("a name"),
        kind: Default::default(),
        definition: ENDING.to_owned(),
        role: expected().role,
        tracing: Default::default(),
        publication: Default::default(),
    };
    stage.aws.create_machine(cell, &new).await.expect("it is new");
    let (name, input) = ("run-1".parse().expect("a name"), Payload::new("{}"));
    NewExecution { machine: new.name.into(), name, input }
}

#[tokio::test(start_paused = true)]
async fn the_adapter_fulfils_the_contract_of_state_machines_and_executions() {
    let stage = stage(|_| None).await;
    let zone = fake::zone("011122223333", None);
    check(&stage.aws, &stage.aws, &*stage.clock, &fake::cell(&zone), &expected()).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_whose_reply_is_lost_is_sent_again_and_starts_nothing_twice() {
    let stage =
        stage(|seen| (seen.action == "states:StartExecution" && seen.before == 0).then_some(Reply::Lost));
    let stage = stage.await;
    let zone = fake::zone("011122223333", None);
    let cell = fake::cell(&zone);
    let execution = made(&stage, &cell).await;
    let started = stage.aws.start_execution(&cell, &execution).await.expect("found again");
    assert!(matches!(started, Started::Ended(_)), "{started:?}");
    assert_eq!(stage.fake.asked("states:StartExecution").len(), 2);
    let listed = stage.aws.executions(&cell, &execution.machine.name, &Default::default()).await;
    assert_eq!(listed.items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_history_that_breaks_off_says_so_and_keeps_what_was_read() {
    let stage = stage(|seen| {
        let second = seen.action == "states:GetExecutionHistory" && seen.before == 1;
        second.then(|| json_error(400, "AccessDeniedException", "not any more"))
    });
    let stage = stage.await;
    let zone = fake::zone("011122223333", None);
    let cell = fake::cell(&zone);
    let execution = made(&stage, &cell).await;
    stage.aws.start_execution(&cell, &execution).await.expect("it is new");
    let history = stage.aws.history(&cell, &execution.id(), Default::default()).await;
    assert_eq!(history.items.len(), ROWS);
    assert_eq!(history.failure.expect("it broke off").class, ErrorClass::Denied);
}
