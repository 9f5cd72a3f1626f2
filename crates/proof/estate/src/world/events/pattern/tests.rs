use proptest::prelude::*;
use serde_json::{Value, json};

use super::Pattern;

fn pattern(document: &Value) -> Pattern {
    Pattern::parse(&document.to_string()).unwrap_or_else(|error| panic!("{document}: {error}"))
}

fn refused(text: &str) -> String {
    Pattern::parse(text).map_or_else(|error| error.to_string(), |_| format!("{text} was taken"))
}

/// What the field `f` of an event is held against, values that fit, and values that do not.
fn table() -> Vec<(Value, Vec<Value>, Vec<Value>)> {
    vec![
        (json!(["a", "b"]), vec![json!("a"), json!(["x", "b"])], vec![json!("A"), json!(""), json!(null)]),
        (
            json!([1, true, null]),
            vec![json!(1), json!(true), json!(null)],
            vec![json!("1"), json!(1.0), json!(0)],
        ),
        (json!([""]), vec![json!("")], vec![json!(" "), json!(null)]),
        (json!([{"prefix": "eu-"}]), vec![json!("eu-west-1"), json!("eu-")], vec![json!("EU-"), json!(1)]),
        (json!([{"prefix": {"equals-ignore-case": "Eu-"}}]), vec![json!("eU-1")], vec![json!("us-1")]),
        (json!([{"suffix": ".png"}]), vec![json!("a.png")], vec![json!("a.PNG"), json!("png")]),
        (json!([{"suffix": {"equals-ignore-case": ".PNG"}}]), vec![json!("a.png")], vec![json!("a.jpg")]),
        (json!([{"equals-ignore-case": "Done"}]), vec![json!("dONE")], vec![json!("done "), json!(true)]),
        (
            json!([{"wildcard": "a/*/c*"}]),
            vec![json!("a/b/c"), json!("a//cd/c/c")],
            vec![json!("a/c"), json!("xa/b/c")],
        ),
        (json!([{"wildcard": "1\\*2\\\\"}]), vec![json!("1*2\\")], vec![json!("1x2\\")]),
        (
            json!([{"anything-but": "a"}]),
            vec![json!("b"), json!(1), json!(["a", "b"])],
            vec![json!("a"), json!(["a"])],
        ),
        (json!([{"anything-but": [1, 2]}]), vec![json!(3), json!("1")], vec![json!(1), json!(2)]),
        (json!([{"anything-but": {"prefix": ["a", "b"]}}]), vec![json!("c")], vec![json!("ab"), json!("ba")]),
        (json!([{"anything-but": {"suffix": ".log"}}]), vec![json!("a.txt")], vec![json!("a.log")]),
        (json!([{"anything-but": {"equals-ignore-case": ["A"]}}]), vec![json!("b")], vec![json!("a")]),
        (
            json!([{"anything-but": {"wildcard": "*/lib/*"}}]),
            vec![json!("/usr/x")],
            vec![json!("/usr/lib/x")],
        ),
        (
            json!([{"numeric": [">", 0, "<=", 5]}]),
            vec![json!(0.1), json!(5)],
            vec![json!(0), json!(5.1), json!("3")],
        ),
        (json!([{"numeric": ["=", 3.0e2]}]), vec![json!(300), json!(300.0)], vec![json!(301)]),
        (json!([{"numeric": ["<", 10]}]), vec![json!(-1)], vec![json!(10)]),
        (
            json!([{"cidr": "10.0.0.0/24"}]),
            vec![json!("10.0.0.255")],
            vec![json!("10.0.1.0"), json!("::1"), json!("x")],
        ),
        (json!([{"cidr": "0.0.0.0/0"}]), vec![json!("203.0.113.7")], vec![json!("::1")]),
        (json!([{"cidr": "2001:db8::/32"}]), vec![json!("2001:db8::1")], vec![json!("2001:db9::1")]),
        (json!([{"exists": true}]), vec![json!(null), json!("")], vec![json!({"g": 1}), json!([])]),
        (json!([{"exists": false}]), vec![json!({"g": 1}), json!([])], vec![json!(null), json!(0)]),
        (json!([{"exists": false}, "a"]), vec![json!("a")], vec![json!("b")]),
    ]
}

#[test]
fn each_operator_takes_what_the_guide_says() {
    for (tests, fitting, others) in table() {
        let pattern = pattern(&json!({ "detail": { "f": tests } }));
        for value in fitting {
            assert!(pattern.matches(&json!({ "detail": { "f": value } })), "{tests} takes {value}");
        }
        for value in others {
            assert!(!pattern.matches(&json!({ "detail": { "f": value } })), "{tests} does not take {value}");
        }
        let absent = tests.to_string().contains("{\"exists\":false}");
        for event in [json!({ "detail": {} }), json!({}), json!({ "detail": "text" })] {
            assert_eq!(pattern.matches(&event), absent, "{tests} of {event}");
        }
    }
}

#[test]
fn every_field_has_to_fit_and_of_alternatives_one() {
    let both = pattern(&json!({ "a": [1], "b": { "c": [2] } }));
    assert!(both.matches(&json!({ "a": 1, "b": { "c": 2 }, "d": 3 })));
    assert!(!both.matches(&json!({ "a": 1, "b": { "c": 3 } })));
    let either = pattern(&json!({ "s": ["x"], "$or": [{ "a": [1] }, { "b": { "c": [2] } }] }));
    for (event, fits) in [
        (json!({ "s": "x", "a": 1 }), true),
        (json!({ "s": "x", "b": { "c": 2 } }), true),
        (json!({ "s": "x" }), false),
        (json!({ "s": "y", "a": 1 }), false),
    ] {
        assert_eq!(either.matches(&event), fits, "{event}");
    }
    let field = pattern(&json!({ "$or": ["x"] }));
    assert!(field.matches(&json!({ "$or": "x" })), "without two patterns it is a field like another");
}

#[test]
fn of_an_array_of_objects_one_fits_as_a_whole() {
    let pattern = pattern(&json!({ "hosts": { "id": ["i-1"], "state": ["failed"] } }));
    let event = |first: &str, second: &str| json!({ "hosts": [{ "id": "i-1", "state": first }, { "id": "i-2", "state": second }] });
    assert!(pattern.matches(&event("failed", "patched")));
    assert!(!pattern.matches(&event("patched", "failed")));
}

#[test]
fn what_is_no_pattern_is_refused_with_its_reason() {
    for (text, reason) in [
        ("", "Invalid JSON"),
        ("[]", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        (r#"{"detail":{}}"#, "Empty objects are not allowed"),
        (r#"{"source":[]}"#, "Empty arrays are not allowed"),
        (r#"{"source":"a"}"#, "\"source\" must be an object or an array"),
        (r#"{"source":[["a"]]}"#, "Match value must be"),
        (r#"{"source":[{}]}"#, "Empty objects are not allowed"),
        (r#"{"source":[{"prefix":"a","suffix":"b"}]}"#, "Only one key allowed"),
        (r#"{"source":[{"prefix":1}]}"#, "prefix match pattern must be a string"),
        (r#"{"source":[{"colour":"red"}]}"#, "Unrecognized match type colour"),
        (r#"{"source":[{"exists":"yes"}]}"#, "exists match pattern must be either true or false"),
        (r#"{"source":[{"anything-but":["a",1]}]}"#, "mixed type is not supported"),
        (r#"{"source":[{"anything-but":[]}]}"#, "Empty arrays are not allowed"),
        (r#"{"source":[{"anything-but":{"numeric":["=",1]}}]}"#, "Unsupported anything-but pattern: numeric"),
        (r#"{"source":[{"numeric":[]}]}"#, "Invalid member in numeric match"),
        (r#"{"source":[{"numeric":["~",1]}]}"#, "Invalid member in numeric match"),
        (r#"{"source":[{"numeric":[">",5,"<",1]}]}"#, "Bottom must be less than top"),
        (r#"{"source":[{"numeric":["<",5,">",1]}]}"#, "Bad numeric range operator"),
        (r#"{"source":[{"numeric":["<",5000000001]}]}"#, "Value must be between"),
        (r#"{"source":[{"cidr":"10.0.0.0/33"}]}"#, "Malformed CIDR"),
        (r#"{"source":[{"wildcard":"a**"}]}"#, "Consecutive wildcard characters at pos 1"),
        (r#"{"source":[{"wildcard":"a\\b"}]}"#, "Invalid escape character at pos 1"),
        (r#"{"$or":[{"a":[1]},{}]}"#, "Empty objects are not allowed"),
    ] {
        let told = refused(text);
        assert!(
            told.starts_with("Event pattern is not valid. Reason: ") && told.contains(reason),
            "{text}: {told}"
        );
    }
}

/// Values that are leaves.
fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        "[ab*]{0,3}".prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn an_event_fits_the_pattern_of_its_own_leaves(values in prop::collection::vec(leaf(), 1..5)) {
        let names = ["a", "b", "c", "d"];
        let pairs = || names.iter().zip(&values);
        let event: Value = pairs().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let own: Value = pairs().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect();
        prop_assert!(pattern(&own).matches(&event));
    }

    #[test]
    fn anything_but_is_the_opposite_of_exact_wherever_there_is_a_value(value in leaf(), text in "[ab*]{0,3}") {
        let event = json!({ "f": value });
        let exact = pattern(&json!({ "f": [text] })).matches(&event);
        prop_assert_eq!(pattern(&json!({ "f": [{ "anything-but": text }] })).matches(&event), !exact);
    }

    #[test]
    fn a_wildcard_agrees_with_the_search_for_its_pieces(pieces in prop::collection::vec("[ab]{0,2}", 1..4), text in "[ab]{0,6}") {
        let joined = pieces.iter().filter(|it| !it.is_empty()).cloned().collect::<Vec<_>>().join("*");
        let wildcard = pattern(&json!({ "f": [{ "wildcard": format!("*{joined}*").replace("**", "*") }] }));
        let mut rest = text.as_str();
        let found = pieces.iter().filter(|it| !it.is_empty()).all(|piece| match rest.split_once(piece.as_str()) {
            Some((_, behind)) => {
                rest = behind;
                true
            }
            None => false,
        });
        prop_assert_eq!(wildcard.matches(&json!({ "f": text })), found);
    }
}
