//! Parameters of Systems Manager.

use serde_json::{Value, json};

use crate::balancing::Scene;
use crate::code;

fn put(scene: &mut Scene, document: Value) -> Result<Value, String> {
    let answer = scene.ssm(0, "PutParameter", document);
    match answer {
        Ok(answer) => Ok(answer),
        refused => Err(code(refused)),
    }
}

fn string(name: &str, value: &str) -> Value {
    json!({ "Name": name, "Value": value, "Type": "String" })
}

fn value(scene: &mut Scene, asked: Value) -> Value {
    let answer = scene.ssm(0, "GetParameter", asked).expect("it is there");
    answer["Parameter"]["Value"].clone()
}

#[test]
fn a_parameter_is_put_once_and_overwritten_only_where_that_is_asked_for() {
    let mut scene = Scene::new("");
    let first = put(&mut scene, string("/fleet/a", "1")).expect("it is new");
    assert_eq!(first, json!({ "Version": 1, "Tier": "Standard" }));
    assert_eq!(put(&mut scene, string("/fleet/a", "2")), Err("ParameterAlreadyExists".into()));
    let over = json!({ "Name": "/fleet/a", "Value": "2", "Overwrite": true });
    assert_eq!(put(&mut scene, over).expect("it is overwritten")["Version"], 2);
    assert_eq!(value(&mut scene, json!({ "Name": "/fleet/a" })), "2");
    assert_eq!(value(&mut scene, json!({ "Name": "/fleet/a:1" })), "1");
    let other = json!({ "Name": "/fleet/a", "Value": "2", "Type": "StringList", "Overwrite": true });
    assert_eq!(put(&mut scene, other), Err("HierarchyTypeMismatchException".into()));
    let tagged = json!({ "Name": "/fleet/a", "Value": "3", "Overwrite": true, "Tags": [{ "Key": "a", "Value": "b" }] });
    assert_eq!(
        put(&mut scene, tagged),
        Err("ValidationException".into()),
        "tags are given at the beginning only"
    );
    let history = scene.ssm(0, "GetParameterHistory", json!({ "Name": "/fleet/a" })).expect("a history");
    let numbers: Vec<&Value> =
        history["Parameters"].as_array().expect("a list").iter().map(|it| &it["Version"]).collect();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn a_hundred_versions_are_kept() {
    let mut scene = Scene::new("");
    for turn in 0..103 {
        let document =
            json!({ "Name": "/a", "Value": turn.to_string(), "Type": "String", "Overwrite": true });
        put(&mut scene, document).expect("it is taken");
    }
    assert_eq!(value(&mut scene, json!({ "Name": "/a:4" })), "3");
    assert_eq!(code(scene.ssm(0, "GetParameter", json!({ "Name": "/a:3" }))), "ParameterVersionNotFound");
}

#[test]
fn a_secure_string_is_shown_to_those_who_ask_for_it_decrypted() {
    let mut scene = Scene::new("");
    put(&mut scene, json!({ "Name": "/secret", "Value": "canary", "Type": "SecureString" }))
        .expect("it is taken");
    let hidden = value(&mut scene, json!({ "Name": "/secret" }));
    assert!(!hidden.to_string().contains("canary"), "{hidden}");
    assert_eq!(value(&mut scene, json!({ "Name": "/secret", "WithDecryption": true })), "canary");
    let keyed = json!({ "Name": "/plain", "Value": "x", "Type": "String", "KeyId": "alias/mine" });
    assert_eq!(put(&mut scene, keyed), Err("ValidationException".into()));
}

#[test]
fn names_and_values_have_the_services_bounds() {
    let mut scene = Scene::new("");
    let deep = "/a".repeat(16);
    for (name, expected) in [
        ("a/b", "ValidationException"),
        ("/a/", "ValidationException"),
        ("/a b", "ValidationException"),
        ("/ssm-x", "ValidationException"),
        ("/aws/x", "AccessDeniedException"),
        (deep.as_str(), "HierarchyLevelLimitExceededException"),
    ] {
        assert_eq!(put(&mut scene, string(name, "1")), Err(expected.into()), "{name}");
    }
    let long = "x".repeat(4_097);
    for document in [
        string("/a", ""),
        string("/a", "{{ssm:b}}"),
        string("/a", &long),
        json!({ "Name": "/a", "Value": "x".repeat(8_193), "Type": "String", "Tier": "Advanced" }),
        json!({ "Name": "/a", "Value": "a,,b", "Type": "StringList" }),
        json!({ "Name": "/a", "Value": "1" }),
    ] {
        assert_eq!(put(&mut scene, document), Err("ValidationException".into()));
    }
    let advanced = json!({ "Name": "/a", "Value": long, "Type": "String", "Tier": "Intelligent-Tiering" });
    assert_eq!(put(&mut scene, advanced).expect("it has room")["Tier"], "Advanced");
    let smaller = json!({ "Name": "/a", "Value": "x", "Overwrite": true });
    assert_eq!(put(&mut scene, smaller), Err("ValidationException".into()), "nobody goes back to standard");
}

#[test]
fn a_path_is_listed_page_by_page_and_a_neighbour_is_not_on_it() {
    let mut scene = Scene::new("");
    for number in 0..23 {
        put(&mut scene, string(&format!("/fleet/prod/p{number:02}"), "1")).expect("it is new");
    }
    for other in ["/fleet/production/x", "/fleet/prod/deep/er"] {
        put(&mut scene, string(other, "1")).expect("it is new");
    }
    let mut listed = |recursive: bool| {
        let (mut sizes, mut token) = (Vec::new(), Value::Null);
        loop {
            let asked = json!({ "Path": "/fleet/prod", "Recursive": recursive, "NextToken": token });
            let page = scene.ssm(0, "GetParametersByPath", asked).expect("a page");
            sizes.push(page["Parameters"].as_array().expect("a list").len());
            token = page["NextToken"].clone();
            if token.is_null() {
                return sizes;
            }
        }
    };
    assert_eq!(listed(false), [10, 10, 3]);
    assert_eq!(listed(true), [10, 10, 4]);
    let many = json!({ "Path": "/fleet/prod", "MaxResults": 11 });
    assert_eq!(code(scene.ssm(0, "GetParametersByPath", many)), "ValidationException");
}

#[test]
fn ten_names_at_once_are_read_and_deleted_and_the_missing_are_told_apart() {
    let mut scene = Scene::new("");
    for name in ["/a", "/b"] {
        put(&mut scene, string(name, "1")).expect("it is new");
    }
    let read = scene.ssm(0, "GetParameters", json!({ "Names": ["/a", "/x"] })).expect("an answer");
    assert_eq!((&read["Parameters"][0]["Name"], &read["InvalidParameters"]), (&json!("/a"), &json!(["/x"])));
    let gone = scene.ssm(0, "DeleteParameters", json!({ "Names": ["/a", "/x"] })).expect("an answer");
    assert_eq!(gone, json!({ "DeletedParameters": ["/a"], "InvalidParameters": ["/x"] }));
    scene.ssm(0, "DeleteParameter", json!({ "Name": "/b" })).expect("it is there");
    assert_eq!(code(scene.ssm(0, "DeleteParameter", json!({ "Name": "/b" }))), "ParameterNotFound");
    let eleven: Vec<String> = (0..11).map(|number| format!("/n{number}")).collect();
    for action in ["GetParameters", "DeleteParameters"] {
        assert_eq!(code(scene.ssm(0, action, json!({ "Names": eleven }))), "ValidationException");
    }
}
