//! Definitions of state machines in the Amazon States Language, checked before Step Functions sees them.
//!
//! [`check`] walks a definition as JSON and returns what is wrong with it, each fault with a code, the state
//! it is in and a JSON pointer (RFC 6901) to the place. It knows two sets of rules ([`Rules`]): what the
//! language asks for, and what a machine must have beside that to be run at night by nobody.
//!
//! What the language asks for is taken from <https://states-language.net/spec.html> and the Step Functions
//! Developer Guide, "Amazon States Language" (both query languages, JSONPath and JSONata). The
//! texts of JSONata expressions are not parsed; a definition may hold `${Name}` where CloudFormation puts a
//! value in (`DefinitionSubstitutions`), and such a text is taken for whatever its field needs, but for names of states.
//!
//! Nothing here reads files: who has one, has its lines as well.

mod choice;
mod fields;
mod findings;
mod graph;
mod machine;
mod ours;
mod paths;
mod recovery;
mod state;
mod task;
mod values;

use serde_json::Value;

pub use findings::Finding;

use findings::{Findings, Place};

/// What a definition is checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// What the language asks for: with a finding, Step Functions refuses the definition, or a part of it can
    /// never work.
    Language,
    /// That, and what fleetwright asks of a machine: every error is caught, calls are tried again and have an
    /// end, input is kept, failures have a name.
    Ours,
}

/// Bytes of a definition at most (Step Functions quotas: 1 MiB).
pub const MOST_BYTES: usize = 1 << 20;

/// What is wrong with a definition, state by state; nothing where it is good. Where something leads nowhere or does
/// not say where it leads, states that are not reached are told of only once that is mended. Takes time in proportion
/// to its size.
pub fn check(definition: &Value, rules: Rules) -> Vec<Finding> {
    let mut findings = Findings::new(rules);
    machine::whole(&mut findings, &Place::root(), definition);
    findings.into_list()
}
