//! CloudFormation templates of the hub and of its spokes, with their parameter files.
//!
//! The hub is what runs: a state machine, a function for each of its handlers, all of them from one archive, the
//! journal, the artefacts, approvals by link, a schedule, alarms and a dashboard ([`hub()`]). A spoke is one role in an
//! account that is patched ([`spoke()`]); it may do exactly what `fleetwright policy` says, and only the hub's functions
//! that need it may take it.
//!
//! Templates name no account, region or partition, so that one text serves every environment and StackSets; what differs
//! is in [`hub_parameters`] and [`spoke_parameters`]. No secret is in either: the functions are told the names of
//! secrets, and an external id is a parameter that is never shown.
//!
//! Documents are [`serde_json`] values with sorted members: the same options give the same bytes ([`text`]).

mod check;
mod hub;
mod parameters;
mod policy;
mod ready;
mod spoke;

use serde_json::Value;

pub use check::{Fault, check_definition, check_parameters, check_template};
pub use hub::{
    Definition, Definitions, FUNCTIONS, Figure, Function, Grant, Hub, MACHINES, Machine, TableKeys, Workflow,
    hub,
};
pub use parameters::{hub_parameters, spoke_parameters};
pub use ready::{Missing, Values, ready_function, values_of, variables_of};
pub use spoke::{MadeFor, spoke};

/// The namespace of the figures that alarms look at (REQUIREMENTS RE-8).
pub const NAMESPACE: &str = "Fleetwright";

/// A document as it lies in a file: indented, with a line break at the end.
pub fn text(document: &Value) -> String {
    format!("{document:#}\n")
}

/// `Fn::Sub` of a text.
fn sub(text: &str) -> Value {
    serde_json::json!({ "Fn::Sub": text })
}

/// `Ref`.
fn reference(name: &str) -> Value {
    serde_json::json!({ "Ref": name })
}

/// `Fn::GetAtt`.
fn attribute(name: &str, attribute: &str) -> Value {
    serde_json::json!({ "Fn::GetAtt": [name, attribute] })
}

/// The tags of everything that is made.
fn tags() -> Value {
    serde_json::json!([
        { "Key": "application", "Value": "fleetwright" },
        { "Key": "environment", "Value": reference("Environment") },
    ])
}
