//! Systems Manager's reads.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{Stage, code};

fn ids(list: &Value) -> Vec<String> {
    list.as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["InstanceId"].as_str().expect("an id").to_owned())
        .collect()
}

fn agents(stage: &mut Stage, filters: &Value, size: u64) -> Vec<Value> {
    let mut all = Vec::new();
    let mut token = Value::Null;
    loop {
        let mut document = json!({"MaxResults": size, "Filters": filters});
        if !token.is_null() {
            document["NextToken"] = token;
        }
        let answer = stage.ssm("DescribeInstanceInformation", document).expect("it answers");
        let page = answer["InstanceInformationList"].as_array().expect("a list").clone();
        assert!(page.len() as u64 <= size);
        all.extend(page);
        token = answer["NextToken"].clone();
        if token.is_null() {
            return all;
        }
    }
}

#[test]
fn pages_cover_every_registered_agent_once() {
    let mut stage = Stage::of(230);
    let region = &stage.prepared.world.accounts[&stage.account].regions[&stage.region];
    let registered: BTreeSet<String> = region
        .instances
        .iter()
        .filter(|it| it.agent.is_some() && it.state.name() != "terminated")
        .map(|it| it.id.to_string())
        .collect();
    let listed = ids(&Value::from(agents(&mut stage, &json!([]), 50)));
    assert_eq!(listed.len(), registered.len());
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), registered);
    assert!(registered.len() < 230, "some agents never registered");
}

#[test]
fn a_page_holds_ten_agents_unless_asked_otherwise() {
    let mut stage = Stage::of(60);
    let answer = stage.ssm("DescribeInstanceInformation", json!({})).expect("it answers");
    assert_eq!(ids(&answer["InstanceInformationList"]).len(), 10);
}

#[test]
fn stopped_instances_have_lost_their_connection() {
    let mut stage = Stage::of(300);
    let region = &stage.prepared.world.accounts[&stage.account].regions[&stage.region];
    let stopped: BTreeSet<String> = region
        .instances
        .iter()
        .filter(|it| it.state.name() == "stopped")
        .map(|it| it.id.to_string())
        .collect();
    let online = agents(&mut stage, &json!([{"Key": "PingStatus", "Values": ["Online"]}]), 50);
    assert!(!online.is_empty() && !stopped.is_empty());
    assert!(ids(&Value::from(online)).iter().all(|id| !stopped.contains(id)));
}

#[test]
fn what_the_service_refuses_about_agents_is_refused() {
    let mut stage = Stage::of(20);
    let tag = json!({"Key": "tag:Tier", "Values": ["web"]});
    let ping = json!({"Key": "PingStatus", "Values": ["Online"]});
    let cases = [
        (json!({"MaxResults": 4}), "ValidationException"),
        (json!({"MaxResults": 51}), "ValidationException"),
        (json!({"MaxResults": "many"}), "SerializationException"),
        (json!({"NextToken": "nonsense"}), "InvalidNextToken"),
        (json!({"Filters": [{"Key": "Colour", "Values": ["red"]}]}), "InvalidFilterKey"),
        (
            json!({"Filters": [{"Key": "PingStatus", "Values": ["Asleep"]}]}),
            "InvalidInstanceInformationFilterValue",
        ),
        (json!({"Filters": [{"Key": "PingStatus", "Values": []}]}), "ValidationException"),
        (json!({"Filters": [{"Key": "InstanceIds", "Values": ["web-1"]}]}), "InvalidInstanceId"),
        (json!({"Filters": [tag, ping]}), "ValidationException"),
        (
            json!({"Filters": [ping], "InstanceInformationFilterList": [{"key": "PingStatus", "valueSet": ["Online"]}]}),
            "ValidationException",
        ),
        (
            json!({"InstanceInformationFilterList": [{"key": "tag:Tier", "valueSet": ["web"]}]}),
            "InvalidFilterKey",
        ),
    ];
    for (document, expected) in cases {
        assert_eq!(code(stage.ssm("DescribeInstanceInformation", document.clone())), expected, "{document}");
    }
}

#[test]
fn agents_are_found_by_tag_and_by_id() {
    let mut stage = Stage::of(120);
    let by_tag = agents(&mut stage, &json!([{"Key": "tag:Tier", "Values": ["web", "app"]}]), 50);
    assert!(!by_tag.is_empty());
    let wanted = ids(&Value::from(by_tag))[..7].to_vec();
    let by_id = agents(&mut stage, &json!([{"Key": "InstanceIds", "Values": wanted}]), 5);
    assert_eq!(ids(&Value::from(by_id)), wanted);
}

#[test]
fn patch_states_are_given_for_nodes_that_have_one() {
    let mut stage = Stage::of(200);
    let asked: Vec<String> = stage.instance_ids()[..50].to_vec();
    let answer = stage.ssm("DescribeInstancePatchStates", json!({"InstanceIds": asked})).expect("it answers");
    let states = answer["InstancePatchStates"].as_array().expect("a list");
    assert!(!states.is_empty() && states.len() < 50);
    for state in states {
        let count = |name: &str| state[name].as_u64().expect("a count");
        assert_eq!(
            count("CriticalNonCompliantCount")
                + count("SecurityNonCompliantCount")
                + count("OtherNonCompliantCount"),
            count("MissingCount")
                + count("FailedCount")
                + count("InstalledPendingRebootCount")
                + count("InstalledRejectedCount"),
        );
        assert!(state["OperationStartTime"].as_f64() <= state["OperationEndTime"].as_f64());
    }
}

#[test]
fn patch_states_page_without_loss() {
    let mut stage = Stage::of(60);
    let asked: Vec<String> = stage.instance_ids()[..50].to_vec();
    let whole = stage.ssm("DescribeInstancePatchStates", json!({"InstanceIds": asked})).expect("it answers");
    let mut paged = Vec::new();
    let mut document = json!({"InstanceIds": asked, "MaxResults": 10});
    loop {
        let answer = stage.ssm("DescribeInstancePatchStates", document.clone()).expect("it answers");
        paged.extend(answer["InstancePatchStates"].as_array().expect("a list").clone());
        if answer["NextToken"].is_null() {
            break;
        }
        document["NextToken"] = answer["NextToken"].clone();
    }
    assert_eq!(Value::from(paged), whole["InstancePatchStates"]);
}

#[test]
fn what_the_service_refuses_about_patch_states_is_refused() {
    let mut stage = Stage::of(60);
    let too_many: Vec<String> = stage.instance_ids()[..51].to_vec();
    for document in [
        json!({}),
        json!({"InstanceIds": too_many}),
        json!({"InstanceIds": ["web-1"]}),
        json!({"InstanceIds": ["i-00123456789abcdef"], "MaxResults": 9}),
        json!({"InstanceIds": ["i-00123456789abcdef"], "MaxResults": 101}),
    ] {
        assert_eq!(
            code(stage.ssm("DescribeInstancePatchStates", document.clone())),
            "ValidationException",
            "{document}"
        );
    }
    let unknown = json!({"InstanceIds": ["i-00123456789abcdef", "mi-00123456789abcdef"]});
    let answer = stage.ssm("DescribeInstancePatchStates", unknown).expect("unknown nodes are no error");
    assert_eq!(answer["InstancePatchStates"], json!([]));
}

#[test]
fn baselines_are_told_apart_by_owner_and_page() {
    let mut stage = Stage::of(1);
    let names = |answer: &Value| -> Vec<String> {
        let list = answer["BaselineIdentities"].as_array().expect("a list");
        list.iter().map(|entry| entry["BaselineName"].as_str().expect("a name").to_owned()).collect()
    };
    let own = json!({"Filters": [{"Key": "OWNER", "Values": ["Self"]}]});
    assert_eq!(names(&stage.ssm("DescribePatchBaselines", own).expect("it answers")), ["critical-al2023"]);
    let windows = json!({"Filters": [
        {"Key": "OWNER", "Values": ["AWS"]},
        {"Key": "OPERATING_SYSTEM", "Values": ["WINDOWS"]},
        {"Key": "NAME_PREFIX", "Values": ["AWS-"]}
    ]});
    let windows = stage.ssm("DescribePatchBaselines", windows).expect("it answers");
    assert_eq!(names(&windows), ["AWS-DefaultPatchBaseline"]);
    assert!(
        windows["BaselineIdentities"][0]["BaselineId"].as_str().expect("an id").starts_with("arn:aws:ssm:")
    );
    let mut all = Vec::new();
    let mut document = json!({"MaxResults": 6});
    loop {
        let answer = stage.ssm("DescribePatchBaselines", document.clone()).expect("it answers");
        all.extend(names(&answer));
        if answer["NextToken"].is_null() {
            break;
        }
        document["NextToken"] = answer["NextToken"].clone();
    }
    assert_eq!(all.len(), 16);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 16);
    let unknown = json!({"Filters": [{"Key": "COLOUR", "Values": ["red"]}]});
    assert_eq!(code(stage.ssm("DescribePatchBaselines", unknown)), "ValidationException");
}
