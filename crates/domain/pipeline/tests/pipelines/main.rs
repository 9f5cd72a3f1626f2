//! Pipelines of a workflow, on every platform.

mod platforms;
mod texts;

use fleetwright_config::{Located, SourceText};
use fleetwright_pipeline::{Environment, File, Platform, Program, Reports, Workflow, write};
use serde_json::Value;

/// A workflow with everything in it.
fn workflow() -> Workflow {
    let role = Some("arn:aws:iam::111122223333:role/fleetwright".to_owned());
    let environment = |name: &str, role| Environment { name: name.to_owned(), role };
    let mut workflow = Workflow::new(vec![environment("nonprod", None), environment("prod", role)]);
    workflow.waves = 3;
    workflow.change_records = true;
    workflow.schedule = Some("0 2 * * 0".to_owned());
    workflow.notified = vec!["ops@example.com".to_owned()];
    workflow.reports =
        Reports { directory: "reports".to_owned(), address: Some("s3://reports/fleet".to_owned()) };
    workflow.matrix.zones = vec!["payments".to_owned()];
    workflow.matrix.regions = vec!["eu-central-1".to_owned(), "eu-west-1".to_owned()];
    workflow
}

/// The same in a container, with two people to approve and one wave.
fn in_a_container() -> Workflow {
    let mut workflow = workflow();
    workflow.program = Program::Image("registry.example.com/fleetwright@sha256:00".to_owned());
    workflow.approvals.needed = 2;
    workflow.approvals.groups = vec!["account.operators".to_owned()];
    workflow.waves = 1;
    workflow
}

fn files(workflow: &Workflow, platform: Platform) -> Vec<File> {
    write(workflow, platform).expect("nothing of it is refused")
}

fn text(workflow: &Workflow, platform: Platform, path: &str) -> String {
    let found = files(workflow, platform).into_iter().find(|file| file.path == path);
    found.unwrap_or_else(|| panic!("{path} is written")).text
}

fn yaml(text: &str) -> Value {
    let read = Located::read(&SourceText::new("pipeline", text));
    read.unwrap_or_else(|errors| panic!("{errors:?}\n{text}")).json()
}

/// Every mapping of a document with the path to it.
fn mappings<'a>(value: &'a Value, path: &str, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(members) => {
            found.push((path.to_owned(), value));
            members.iter().for_each(|(name, value)| mappings(value, &format!("{path}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| mappings(item, &format!("{path}/{at}"), found));
        }
        _ => {}
    }
}
