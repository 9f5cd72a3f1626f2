//! One change to a good definition each: it is found, where it is, and nothing else is.

use fleetwright_asl::{MOST_BYTES, Rules, check};
use serde_json::{Value, json};

use crate::found;
use crate::good::{jsonata, jsonpath};

/// Puts a value at a pointer, or takes away what is there.
fn change(machine: &mut Value, pointer: &str, value: Option<Value>) {
    let (parent, name) = pointer.rsplit_once('/').expect("below the root");
    let parent = machine.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}: nothing to change in"));
    match parent {
        Value::Object(members) => {
            members.remove(name);
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        }
        Value::Array(items) => items[name.parse::<usize>().expect("an index")] = value.expect("a value"),
        other => panic!("{pointer}: {other} has no parts"),
    }
}

/// A change, and the code, state and pointer it is to be found by.
type Case = (&'static str, Option<Value>, &'static str, Option<&'static str>, &'static str);

fn each(good: &Value, rules: Rules, cases: Vec<Case>) {
    for (pointer, value, code, state, at) in cases {
        let mut machine = good.clone();
        change(&mut machine, pointer, value.clone());
        let expected = vec![(code, state.map(str::to_owned), at.to_owned())];
        assert_eq!(found(&machine, rules), expected, "{pointer} = {value:?}: {:#?}", check(&machine, rules));
    }
}

#[test]
fn what_the_language_refuses_is_found() {
    const PREPARE: Option<&str> = Some("Prepare");
    const DECIDE: Option<&str> = Some("Decide");
    const SHARDS: Option<&str> = Some("Shards");
    let cases: Vec<Case> = vec![
        // The machine.
        ("/Title", Some(json!("x")), "FW-D0003", None, "/Title"),
        ("/QueryLanguage", Some(json!("JQ")), "FW-D0004", None, "/QueryLanguage"),
        (
            "/States/Both/Branches/0/Version",
            Some(json!("1.0")),
            "FW-D0003",
            Some("Both"),
            "/States/Both/Branches/0/Version",
        ),
        ("/TimeoutSeconds", Some(json!("soon")), "FW-D0004", None, "/TimeoutSeconds"),
        ("/Comment", Some(json!(1)), "FW-D0004", None, "/Comment"),
        // Fields.
        ("/States/Prepare/Resource", None, "FW-D0002", PREPARE, "/States/Prepare"),
        ("/States/Prepare/Timeout", Some(json!(3)), "FW-D0003", PREPARE, "/States/Prepare/Timeout"),
        ("/States/Prepare/Output", Some(json!({})), "FW-D0003", PREPARE, "/States/Prepare/Output"),
        ("/States/Prepare/End", Some(json!(true)), "FW-D0003", PREPARE, "/States/Prepare/End"),
        ("/States/Done/Next", Some(json!("Halted")), "FW-D0003", Some("Done"), "/States/Done/Next"),
        ("/States/Named/Next", None, "FW-D0002", Some("Named"), "/States/Named"),
        ("/States/Named/Type", Some(json!("Poss")), "FW-D0004", Some("Named"), "/States/Named/Type"),
        ("/States/Named/Type", None, "FW-D0002", Some("Named"), "/States/Named"),
        ("/States/Halted/Cause", Some(json!("x")), "FW-D0003", Some("Halted"), "/States/Halted/CausePath"),
        // Values.
        (
            "/States/Prepare/TimeoutSeconds",
            Some(json!("soon")),
            "FW-D0004",
            PREPARE,
            "/States/Prepare/TimeoutSeconds",
        ),
        (
            "/States/Prepare/HeartbeatSeconds",
            Some(json!(900)),
            "FW-D0004",
            PREPARE,
            "/States/Prepare/HeartbeatSeconds",
        ),
        (
            "/States/Prepare/ResultPath",
            Some(json!("$$.a")),
            "FW-D0004",
            PREPARE,
            "/States/Prepare/ResultPath",
        ),
        (
            "/States/Prepare/ResultSelector",
            Some(json!([])),
            "FW-D0004",
            PREPARE,
            "/States/Prepare/ResultSelector",
        ),
        (
            "/States/Prepare/Parameters/Payload/run.$",
            Some(json!("run")),
            "FW-D0004",
            PREPARE,
            "/States/Prepare/Parameters/Payload/run.$",
        ),
        (
            "/States/Prepare/Parameters/Payload/run",
            Some(json!("run")),
            "FW-D0003",
            PREPARE,
            "/States/Prepare/Parameters/Payload/run.$",
        ),
        (
            "/States/Shards/ItemSelector/at.$",
            Some(json!("States.Formt('{}')")),
            "FW-D0004",
            SHARDS,
            "/States/Shards/ItemSelector/at.$",
        ),
        (
            "/States/Shards/ItemsPath",
            Some(json!("$.shards[*]")),
            "FW-D0004",
            SHARDS,
            "/States/Shards/ItemsPath",
        ),
        (
            "/States/Shards/ToleratedFailurePercentage",
            Some(json!(101)),
            "FW-D0004",
            SHARDS,
            "/States/Shards/ToleratedFailurePercentage",
        ),
        ("/States/Shards/Label", Some(json!("my shards")), "FW-D0004", SHARDS, "/States/Shards/Label"),
        (
            "/States/Both/Branches/1/States/Bake/Timestamp",
            Some(json!("tonight")),
            "FW-D0004",
            Some("Bake"),
            "/States/Both/Branches/1/States/Bake/Timestamp",
        ),
        (
            "/States/Both/Branches/1/States/Bake/Timestamp",
            None,
            "FW-D0002",
            Some("Bake"),
            "/States/Both/Branches/1/States/Bake",
        ),
        ("/States/Both/Branches", Some(json!([])), "FW-D0004", Some("Both"), "/States/Both/Branches"),
        (
            "/States/Both/Branches/0/States",
            Some(json!({})),
            "FW-D0001",
            Some("Both"),
            "/States/Both/Branches/0",
        ),
        // Where states lead.
        ("/StartAt", Some(json!("Prepared")), "FW-D0005", None, "/StartAt"),
        ("/States/Named/Next", Some(json!("Dome")), "FW-D0005", Some("Named"), "/States/Named/Next"),
        (
            "/States/Decide/Choices/1/Next",
            Some(json!("Bake")),
            "FW-D0005",
            DECIDE,
            "/States/Decide/Choices/1/Next",
        ),
        (
            "/States/Decide/Choices/1/Next",
            Some(json!("")),
            "FW-D0005",
            DECIDE,
            "/States/Decide/Choices/1/Next",
        ),
        (
            "/States/Prepare/Catch/1/Next",
            Some(json!("Fail")),
            "FW-D0005",
            PREPARE,
            "/States/Prepare/Catch/1/Next",
        ),
        (
            "/States/Forgotten",
            Some(json!({ "Type": "Succeed" })),
            "FW-D0006",
            Some("Forgotten"),
            "/States/Forgotten",
        ),
        (
            "/States/Both/Branches/0/States/Left",
            Some(json!({ "Type": "Succeed" })),
            "FW-D0006",
            Some("Left"),
            "/States/Both/Branches/0/States/Left",
        ),
        // Choices.
        ("/States/Decide/Choices", Some(json!([])), "FW-D0004", DECIDE, "/States/Decide/Choices"),
        (
            "/States/Decide/Choices/0/IsPresent",
            Some(json!("yes")),
            "FW-D0004",
            DECIDE,
            "/States/Decide/Choices/0/IsPresent",
        ),
        (
            "/States/Decide/Choices/0/IsNull",
            Some(json!(true)),
            "FW-D0004",
            DECIDE,
            "/States/Decide/Choices/0",
        ),
        ("/States/Decide/Choices/0/Variable", None, "FW-D0002", DECIDE, "/States/Decide/Choices/0"),
        (
            "/States/Decide/Choices/1/And/0",
            Some(json!({ "Variable": "$.wave", "NumericMoreThan": 3 })),
            "FW-D0003",
            DECIDE,
            "/States/Decide/Choices/1/And/0/NumericMoreThan",
        ),
        (
            "/States/Decide/Choices/1/And/1/Next",
            Some(json!("Done")),
            "FW-D0003",
            DECIDE,
            "/States/Decide/Choices/1/And/1/Next",
        ),
        (
            "/States/Decide/Choices/1/And/2/Or/1/TimestampEqualsPath",
            Some(json!("now")),
            "FW-D0004",
            DECIDE,
            "/States/Decide/Choices/1/And/2/Or/1/TimestampEqualsPath",
        ),
        // Errors.
        (
            "/States/Prepare/Retry/0/ErrorEquals",
            Some(json!([])),
            "FW-D0002",
            PREPARE,
            "/States/Prepare/Retry/0/ErrorEquals",
        ),
        (
            "/States/Prepare/Retry/0/ErrorEquals",
            Some(json!(["States.TimeOut"])),
            "FW-D0004",
            PREPARE,
            "/States/Prepare/Retry/0/ErrorEquals",
        ),
        (
            "/States/Prepare/Retry/0/ErrorEquals",
            Some(json!(["a", "a"])),
            "FW-D0011",
            PREPARE,
            "/States/Prepare/Retry/0/ErrorEquals",
        ),
        (
            "/States/Prepare/Retry/1/ErrorEquals",
            Some(json!(["a", "States.ALL"])),
            "FW-D0011",
            PREPARE,
            "/States/Prepare/Retry/1/ErrorEquals",
        ),
        (
            "/States/Prepare/Retry/0/BackoffRate",
            Some(json!(0.5)),
            "FW-D0004",
            PREPARE,
            "/States/Prepare/Retry/0/BackoffRate",
        ),
        (
            "/States/Prepare/Retry/0/MaxDelaySeconds",
            Some(json!(2)),
            "FW-D0004",
            PREPARE,
            "/States/Prepare/Retry/0/MaxDelaySeconds",
        ),
        (
            "/States/Prepare/Retry/0/JitterStrategy",
            Some(json!("SOME")),
            "FW-D0004",
            PREPARE,
            "/States/Prepare/Retry/0/JitterStrategy",
        ),
        (
            "/States/Prepare/Retry/0/MaxAttempt",
            Some(json!(3)),
            "FW-D0003",
            PREPARE,
            "/States/Prepare/Retry/0/MaxAttempt",
        ),
        (
            "/States/Prepare/Catch/0/Output",
            Some(json!(3)),
            "FW-D0003",
            PREPARE,
            "/States/Prepare/Catch/0/Output",
        ),
        // Tasks and Maps.
        (
            "/States/Prepare/Resource",
            Some(json!("arn:aws:states:::lambda:call.sync")),
            "FW-D0009",
            PREPARE,
            "/States/Prepare/Resource",
        ),
        (
            "/States/Approved/Parameters/Payload",
            Some(json!({})),
            "FW-D0010",
            Some("Approved"),
            "/States/Approved",
        ),
        (
            "/States/Shards/ItemProcessor/ProcessorConfig/ExecutionType",
            None,
            "FW-D0002",
            SHARDS,
            "/States/Shards/ItemProcessor/ProcessorConfig",
        ),
        (
            "/States/Shards/ItemProcessor/ProcessorConfig/Mode",
            Some(json!("BOTH")),
            "FW-D0004",
            SHARDS,
            "/States/Shards/ItemProcessor/ProcessorConfig/Mode",
        ),
    ];
    each(&jsonpath(), Rules::Language, cases);
}

#[test]
fn what_the_language_refuses_in_jsonata_is_found() {
    let cases: Vec<Case> = vec![
        ("/States/Turn/ResultPath", Some(json!("$.x")), "FW-D0003", Some("Turn"), "/States/Turn/ResultPath"),
        (
            "/States/Turn/Arguments/run",
            Some(json!("{% $x")),
            "FW-D0004",
            Some("Turn"),
            "/States/Turn/Arguments/run",
        ),
        ("/TimeoutSeconds", Some(json!("{% 1 %}")), "FW-D0004", None, "/TimeoutSeconds"),
        ("/States/Turn/Assign", Some(json!("{% {} %}")), "FW-D0004", Some("Turn"), "/States/Turn/Assign"),
        ("/States/Wait/Seconds", Some(json!("soon")), "FW-D0004", Some("Wait"), "/States/Wait/Seconds"),
        (
            "/States/Over/Choices/0/Condition",
            Some(json!("$wait > 0")),
            "FW-D0004",
            Some("Over"),
            "/States/Over/Choices/0/Condition",
        ),
        ("/States/Over/Choices/0/Condition", None, "FW-D0002", Some("Over"), "/States/Over/Choices/0"),
        (
            "/States/Over/Choices/0/Variable",
            Some(json!("$.x")),
            "FW-D0003",
            Some("Over"),
            "/States/Over/Choices/0/Variable",
        ),
        (
            "/States/Turn/Catch/0/ResultPath",
            Some(json!("$.x")),
            "FW-D0003",
            Some("Turn"),
            "/States/Turn/Catch/0/ResultPath",
        ),
    ];
    each(&jsonata(), Rules::Language, cases);
}

#[test]
fn what_fleetwright_asks_beside_the_language_is_found_by_its_rules_only() {
    let cases = || -> Vec<Case> {
        vec![
            ("/TimeoutSeconds", None, "FW-D0015", None, ""),
            (
                "/States/Prepare/Catch/1/ErrorEquals",
                Some(json!(["States.Timeout"])),
                "FW-D0013",
                Some("Prepare"),
                "/States/Prepare",
            ),
            ("/States/Prepare/Retry", None, "FW-D0014", Some("Prepare"), "/States/Prepare"),
            ("/States/Approved/TimeoutSecondsPath", None, "FW-D0015", Some("Approved"), "/States/Approved"),
            ("/States/Prepare/ResultPath", None, "FW-D0016", Some("Prepare"), "/States/Prepare"),
            ("/States/Both/ResultPath", Some(json!("$")), "FW-D0016", Some("Both"), "/States/Both"),
            ("/States/Shards/Catch/1/ResultPath", None, "FW-D0016", Some("Shards"), "/States/Shards/Catch/1"),
            ("/States/Failed/Error", None, "FW-D0018", Some("Failed"), "/States/Failed"),
        ]
    };
    each(&jsonpath(), Rules::Ours, cases());
    for (pointer, value, ..) in cases() {
        let mut machine = jsonpath();
        change(&mut machine, pointer, value);
        assert_eq!(check(&machine, Rules::Language), [], "{pointer}");
    }
    // Without its default, the Choice no longer leads to `Both`.
    let mut machine = jsonpath();
    change(&mut machine, "/States/Decide/Default", None);
    change(&mut machine, "/States/Decide/Choices/1/Next", Some(json!("Both")));
    let expected = ("FW-D0017", Some("Decide".to_owned()), "/States/Decide".to_owned());
    assert_eq!(found(&machine, Rules::Ours), [expected]);
}

#[test]
fn a_map_that_is_not_distributed_has_no_fields_of_one_that_is() {
    let mut machine = jsonpath();
    change(&mut machine, "/States/Shards/ItemProcessor/ProcessorConfig", None);
    let places: Vec<String> = found(&machine, Rules::Language).into_iter().map(|(.., at)| at).collect();
    assert_eq!(places, ["/States/Shards/ToleratedFailurePercentage", "/States/Shards/Label"]);
}

#[test]
fn a_circle_without_a_way_out_is_found_with_every_state_of_it() {
    let machine = json!({ "StartAt": "A", "States": {
        "A": { "Type": "Wait", "Seconds": 1, "Next": "B" },
        "B": { "Type": "Pass", "Next": "A" },
    } });
    let states: Vec<_> =
        found(&machine, Rules::Language).into_iter().map(|(code, state, _)| (code, state)).collect();
    assert_eq!(states, [("FW-D0007", Some("A".to_owned())), ("FW-D0007", Some("B".to_owned()))]);
}

#[test]
fn names_and_labels_are_unique_in_the_whole_machine() {
    let mut machine = jsonpath();
    let inner = json!({ "StartAt": "Done", "States": { "Done": { "Type": "Succeed" } } });
    change(&mut machine, "/States/Both/Branches/0", Some(inner));
    let expected = ("FW-D0008", Some("Done".to_owned()), "/States/Done".to_owned());
    assert_eq!(found(&machine, Rules::Language), [expected]);
    let long = "x".repeat(81);
    let machine = json!({ "StartAt": long, "States": { long.clone(): { "Type": "Succeed" } } });
    assert_eq!(found(&machine, Rules::Language)[0].0, "FW-D0004");
}

#[test]
fn a_definition_of_more_than_a_mebibyte_is_too_large() {
    let mut machine = jsonpath();
    change(&mut machine, "/Comment", Some("x".repeat(MOST_BYTES).into()));
    assert_eq!(found(&machine, Rules::Language), [("FW-D0012", None, String::new())]);
}

#[test]
fn a_message_names_the_state_and_what_is_near() {
    let mut machine = jsonpath();
    change(&mut machine, "/States/Named/Next", Some(json!("Dome")));
    let told = check(&machine, Rules::Ours)[0].to_string();
    assert_eq!(told, "state `Named`: leads to `Dome`, which is not there; is `Done` meant?");
}

#[test]
fn names_that_try_to_be_more_than_names_stay_on_their_line() {
    let machine =
        json!({ "StartAt": "A", "States": { "A": { "Type": "Pass", "Next": "\u{1b}[2J\r\n\u{202e}x\"" } } });
    let told = check(&machine, Rules::Language)[0].to_string();
    assert_eq!(told, r#"state `A`: leads to `\u{1b}[2J\r\n\u{202e}x"`, which is not there"#);
}
