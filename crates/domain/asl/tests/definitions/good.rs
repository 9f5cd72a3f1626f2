//! Definitions without a fault.

use fleetwright_asl::{Rules, check};
use serde_json::{Value, json};

/// A machine in JSONPath with every type of state, as fleetwright asks for it.
pub(crate) fn jsonpath() -> Value {
    serde_json::from_str(include_str!("jsonpath.json")).expect("JSON")
}

/// A machine in JSONata.
pub(crate) fn jsonata() -> Value {
    serde_json::from_str(include_str!("jsonata.json")).expect("JSON")
}

#[test]
fn a_good_machine_is_good_by_both_rules() {
    for machine in [jsonpath(), jsonata()] {
        for rules in [Rules::Language, Rules::Ours] {
            assert_eq!(check(&machine, rules), []);
        }
    }
}

#[test]
fn an_older_map_is_read_as_well() {
    let machine = json!({ "StartAt": "M", "States": { "M": { "Type": "Map", "End": true,
        "Parameters": { "x.$": "$.x" },
        "Iterator": { "StartAt": "P", "States": { "P": { "Type": "Pass", "End": true } } } } } });
    assert_eq!(check(&machine, Rules::Language), []);
}
