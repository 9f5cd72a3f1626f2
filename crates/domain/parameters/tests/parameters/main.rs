//! Whatever is spread comes back, and Parameter Store takes all of it.

use fleetwright_parameters::{
    Fault, Kind, MOST_BYTES, MOST_BYTES_ADVANCED, MOST_LEVELS, MOST_NAME, Parameter, Prefix, Stored, gather,
    spread,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn prefix() -> Prefix {
    Prefix::new("/fleetwright/prod").expect("good")
}

fn back(parameters: &[Parameter]) -> Result<Option<Value>, Vec<Fault>> {
    let stored = |it: &Parameter| Stored { name: leak(&it.name), kind: it.kind, value: leak(&it.value) };
    gather(parameters.iter().map(stored), &prefix())
}

/// Texts of a test live as long as it.
fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// What the service refuses, and we never send.
fn legal(parameter: &Parameter) -> Result<(), String> {
    let Parameter { name, value, .. } = parameter;
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte));
    let levels = name.matches('/').count();
    let named = letters && !name.contains("//") && levels <= MOST_LEVELS && name.len() <= MOST_NAME;
    let valued = (1..=MOST_BYTES_ADVANCED).contains(&value.len()) && !value.contains("{{");
    if named && valued { Ok(()) } else { Err(format!("{parameter:?}")) }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_./:{} ,\"-]{0,16}",
        any::<String>(),
        Just("true".to_owned()),
        Just("{{ssm:x}}".to_owned()),
        "[ab{]{4000,4200}",
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |it| it.is_finite()).prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        let key = prop_oneof![3 => "[a-z_]{1,8}", 1 => "\\PC{0,6}", 1 => Just("password".to_owned())];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..6).prop_map(|it| it.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_value_comes_back_equal_and_every_parameter_is_legal(value in any_value()) {
        let parameters = spread(&value, &prefix()).expect("there is room");
        for parameter in &parameters {
            prop_assert_eq!(legal(parameter), Ok(()));
        }
        prop_assert!(parameters.is_sorted_by(|a, b| a.name < b.name), "names are unique");
        prop_assert_eq!(back(&parameters), Ok(Some(value)));
    }
}

fn put(value: &Value) -> Vec<(String, &'static str, String)> {
    let parameters = spread(value, &prefix()).expect("there is room");
    let short = |name: &str| name.strip_prefix("/fleetwright/prod").expect("below it").to_owned();
    parameters.into_iter().map(|it| (short(&it.name), it.kind.as_str(), it.value)).collect()
}

#[test]
fn types_are_kept_in_a_form_that_people_can_read() {
    let value = json!({
        "agent": { "name": "fleetwright", "enabled": true, "version": "1.10", "retries": 3 },
        "regions": ["eu-central-1", "us-east-1"],
        "intervals": [10, 25, 50],
        "empty": {},
    });
    let expected = [
        ("/agent/enabled", "String", "true"),
        ("/agent/name", "String", "fleetwright"),
        ("/agent/retries", "String", "3"),
        ("/agent/version", "String", "\"1.10\""),
        ("/empty", "String", "{}"),
        ("/intervals", "String", "[10,25,50]"),
        ("/regions", "StringList", "eu-central-1,us-east-1"),
    ];
    assert_eq!(put(&value), expected.map(|(name, kind, value)| (name.into(), kind, value.into())));
}

#[test]
fn what_is_named_a_secret_is_encrypted_with_everything_below_it() {
    let value =
        json!({ "itsm": { "api_token": "canary-1", "user": "ann" }, "secrets": { "a": ["canary-2"] } });
    let kinds: Vec<_> = put(&value).into_iter().map(|(name, kind, _)| (name, kind)).collect();
    let expected =
        [("/itsm/api_token", "SecureString"), ("/itsm/user", "String"), ("/secrets/a", "SecureString")];
    assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind)));
    let told = format!("{:?}", spread(&value, &prefix()));
    assert!(!told.contains("canary") && told.contains("ann"), "{told}");
}

#[test]
fn a_long_list_is_spread_and_a_deep_value_is_not() {
    let list: Vec<Value> = (0..40).map(|place| json!({ "name": "x".repeat(200), "at": place })).collect();
    let parameters = put(&json!({ "waves": list }));
    assert_eq!(parameters.len(), 80);
    assert_eq!(parameters[0], ("/waves/.n0/at".to_owned(), "String", "0".to_owned()));
    let deep = (0..30).fold(json!(1), |inner, _| json!({ "a": inner }));
    let [(name, _, value)] = &put(&deep)[..] else { panic!("one parameter") };
    assert_eq!(name.matches('/').count(), MOST_LEVELS - 2);
    assert!(value.starts_with("{\"a\":{"), "{value}");
}

#[test]
fn what_has_no_room_is_named_with_every_other_that_has_none() {
    let key = "k".repeat(MOST_NAME);
    let value = json!({ "note": "x".repeat(MOST_BYTES_ADVANCED + 1), key.clone(): 1, "good": "y".repeat(MOST_BYTES + 1) });
    let faults = spread(&value, &prefix()).expect_err("two have no room");
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2);
    assert!(told[0].contains(&key) && told[0].ends_with("and a name takes 931"), "{}", told[0]);
    assert_eq!(told[1], "`/fleetwright/prod/note` has 8193 bytes, and a parameter takes 8192");
    let only = spread(&json!({ "good": "y".repeat(MOST_BYTES + 1) }), &prefix()).expect("there is room");
    assert!(only[0].is_advanced());
}

#[test]
fn parameters_that_are_no_value_are_named() {
    let of = |named: &[(&'static str, Kind, &'static str)]| {
        gather(named.iter().map(|(name, kind, value)| Stored { name, kind: *kind, value }), &prefix())
    };
    let string = Kind::String;
    assert_eq!(of(&[]), Ok(None));
    assert_eq!(of(&[("/fleetwright/production/a", string, "1")]), Ok(None), "of somebody else");
    for named in [
        vec![("/fleetwright/prod/a b", string, "1")],
        vec![("/fleetwright/prod/a", string, "1"), ("/fleetwright/prod/a/b", string, "2")],
        vec![("/fleetwright/prod/a/.n0", string, "1"), ("/fleetwright/prod/a/.n2", string, "2")],
        vec![("/fleetwright/prod/a/.n0", string, "1"), ("/fleetwright/prod/a/b", string, "2")],
    ] {
        let faults = of(&named).expect_err("it is no value");
        assert!(matches!(&faults[..], [Fault::Strange { .. }]), "{faults:?}");
    }
}
