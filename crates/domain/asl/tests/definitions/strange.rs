//! Whatever is handed in, something is said and nothing breaks.

use fleetwright_asl::{Rules, check};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::good::{jsonata, jsonpath};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[$.A-Za-z{%}()\\[\\]' ]{0,12}".prop_map(Value::from),
        Just(json!("Prepare")),
        Just(json!("States.ALL")),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof!["[A-Za-z]{0,6}", Just("Type".to_owned()), Just("Next".to_owned())];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..4).prop_map(|it| it.into_iter().collect()),
        ]
    })
}

/// Every place of a definition.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                places(member, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{at}/{index}"), all));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stands_in_a_place_every_finding_leads_to_somewhere(
        other in any_json(), at in any::<prop::sample::Index>(), in_jsonata in any::<bool>(),
    ) {
        let mut machine = if in_jsonata { jsonata() } else { jsonpath() };
        let mut all = Vec::new();
        places(&machine, "", &mut all);
        *machine.pointer_mut(&all[at.index(all.len())]).expect("it is one of them") = other;
        for finding in check(&machine, Rules::Ours) {
            let parent = finding.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            prop_assert!(machine.pointer(parent).is_some(), "{}: {finding}", finding.pointer);
            prop_assert!(finding.state.is_none() || finding.pointer.contains("/States/"));
        }
    }

    #[test]
    fn what_is_no_machine_is_never_good(other in any_json()) {
        prop_assert!(!check(&other, Rules::Language).is_empty());
    }
}
