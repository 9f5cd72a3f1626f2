//! The plan's file: read back as it was, and refused when anything in it was changed.

use fleetwright_eks::plan::{PlanDocument, PlanError};
use serde_json::Value;

use super::planned;
use super::world::healthy;

fn document() -> PlanDocument {
    let mut facts = healthy(33);
    facts.control_plane.role =
        fleetwright_eks::Fact::unread(fleetwright_eks::UnreadCause::Denied, "iam:GetRole");
    PlanDocument::new(planned(&facts, 34))
}

#[test]
fn what_is_written_is_read_back() {
    let document = document();
    let read = PlanDocument::read(&document.write()).expect("a plan");
    assert_eq!(read, document);
    assert_eq!(read.digest().len(), 64);
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    assert_eq!(document().write(), document().write());
}

/// Every text, number and boolean of a value, as paths.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, it)| leaves(it, &format!("{path}/{}", escaped(name)), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, it)| leaves(it, &format!("{path}/{index}"), found));
        }
        _ => found.push(path.to_owned()),
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[test]
fn no_field_can_be_changed_without_being_found() {
    let file: Value = serde_json::from_slice(&document().write()).expect("JSON");
    let mut paths = Vec::new();
    leaves(&file["upgrade"], "/upgrade", &mut paths);
    assert!(paths.len() > 200, "{}", paths.len());
    for path in paths {
        let mut changed = file.clone();
        let leaf = changed.pointer_mut(&path).expect("a leaf");
        *leaf = match &*leaf {
            Value::String(text) => format!("{text}x").into(),
            Value::Number(number) => (number.as_u64().expect("whole") + 1).into(),
            Value::Bool(it) => (!*it).into(),
            _ => Value::from("x"),
        };
        let bytes = serde_json::to_vec(&changed).expect("JSON");
        assert!(PlanDocument::read(&bytes).is_err(), "{path} was changed, and nobody noticed");
    }
}

#[test]
fn a_number_that_was_changed_is_told_as_changed_and_a_later_format_as_such() {
    let mut file: Value = serde_json::from_slice(&document().write()).expect("JSON");
    let mut later = file.clone();
    file["upgrade"]["steps"][0]["expected_seconds"] = 7.into();
    let read = |file: &Value| PlanDocument::read(&serde_json::to_vec(file).expect("JSON"));
    assert!(matches!(read(&file), Err(PlanError::Changed { .. })));
    later["upgrade"]["format"]["major"] = 2.into();
    let error = read(&later).expect_err("a later format");
    assert_eq!(error.to_string(), "the plan has format 2.0, this version reads 1.0");
    assert_eq!(error.code().id, "FW-R0003");
}

#[test]
fn a_plan_that_breaks_a_rule_is_not_read_even_with_its_digest() {
    let mut plan = planned(&healthy(33), 34);
    plan.steps.retain(|step| !step.id.as_str().starts_with("approve"));
    let error = PlanDocument::read(&PlanDocument::new(plan).write()).expect_err("nobody is asked");
    assert!(matches!(&error, PlanError::Inconsistent { what } if what.contains("approve-1.34")), "{error}");
}
