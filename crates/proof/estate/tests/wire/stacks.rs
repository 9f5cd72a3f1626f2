//! Stacks as CloudFormation makes and changes them: in order of what depends on what, and back where something fails.

use fleetwright_estate::world::pace::Span;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::*;

const POLICY: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":"cloudformation:*","Resource":"arn:aws:cloudformation:*:*:stack/ours-*/*"}]}"#;

fn estate_of_stacks() -> Arc<Estate> {
    let mut world = world();
    world.pace.change_set = Span::exactly(1);
    world.pace.stack_resource = Span::exactly(2);
    estate_allowing(POLICY, world)
}

async fn asked(estate: &Estate, action: &str, pairs: &[(&str, &str)]) -> (u16, String) {
    let mut form = format!("Action={action}");
    for (name, value) in pairs {
        form.push_str(&format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    }
    let answer = estate.call(query(estate.credentials(), "cloudformation", REGION, &form)).await;
    let answer = answer.expect("an answer");
    (answer.status().as_u16(), text(&answer).to_owned())
}

/// A bucket that keeps the artefacts of another one's making, and a queue that waits for both.
fn template(bucket: &str, delay: u32) -> Value {
    json!({ "Resources": {
        "Bucket": { "Type": "AWS::S3::Bucket", "UpdateReplacePolicy": "Delete", "Properties": { "BucketName": bucket } },
        "Queue": { "Type": "AWS::SQS::Queue", "DependsOn": "Topic", "Properties": { "DelaySeconds": delay } },
        "Topic": { "Type": "AWS::SNS::Topic", "Properties": { "DisplayName": { "Ref": "Bucket" } } },
    } })
}

/// Carries a change set of that template out, and waits until nothing happens any more; what is refused, else none.
async fn carried_out(estate: &Estate, kind: &str, name: &str, template: &Value) -> Option<String> {
    let named = [("StackName", "ours-hub"), ("ChangeSetName", name)];
    let body = template.to_string();
    let made = [named[0], named[1], ("ChangeSetType", kind), ("TemplateBody", &body)];
    let (status, said) = asked(estate, "CreateChangeSet", &made).await;
    assert_eq!(status, 200, "{said}");
    estate.advance(1.0).expect("advanced");
    let (status, said) = asked(estate, "ExecuteChangeSet", &named).await;
    estate.advance(30.0).expect("advanced");
    (status != 200).then_some(said)
}

/// What happened since, from old to new: resource, status, whether it was given up for another.
async fn told(estate: &Estate, since: usize) -> Vec<(String, String)> {
    let (status, said) = asked(estate, "DescribeStackEvents", &[("StackName", "ours-hub")]).await;
    assert_eq!(status, 200, "{said}");
    let of = |name: &str| {
        let open = format!("<{name}>");
        let parts = said.split(open.as_str()).skip(1);
        parts.filter_map(|it| it.split('<').next().map(str::to_owned)).collect::<Vec<_>>()
    };
    let all = of("LogicalResourceId").into_iter().zip(of("ResourceStatus"));
    let mut all: Vec<(String, String)> = all.collect();
    all.reverse();
    all.split_off(since)
}

fn of<'e>(events: &'e [(String, String)], status: &str) -> Vec<&'e str> {
    events.iter().filter(|(_, found)| found == status).map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn resources_are_made_after_those_they_refer_to_and_replaced_ones_go_last() {
    let estate = estate_of_stacks();
    assert_eq!(carried_out(&estate, "CREATE", "c1", &template("one", 1)).await, None);
    let events = told(&estate, 0).await;
    assert_eq!(of(&events, "CREATE_COMPLETE"), ["Bucket", "Topic", "Queue", "ours-hub"]);
    assert_eq!(carried_out(&estate, "UPDATE", "c2", &template("two", 1)).await, None);
    let events = told(&estate, events.len()).await;
    assert_eq!(of(&events, "UPDATE_COMPLETE"), ["Bucket", "Topic", "ours-hub"], "the queue is as it was");
    assert_eq!(of(&events, "DELETE_COMPLETE"), ["Bucket"], "the one whose place was taken");
    let place = |wanted: &str| events.iter().position(|(_, status)| status == wanted);
    assert!(place("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS") < place("DELETE_COMPLETE"), "{events:?}");
    assert!(
        carried_out(&estate, "UPDATE", "c3", &template("two", 1))
            .await
            .is_some_and(|it| it.contains("[FAILED]"))
    );
}

#[tokio::test]
async fn what_fails_takes_everything_back_to_what_it_was() {
    let estate = estate_of_stacks();
    assert_eq!(carried_out(&estate, "CREATE", "c1", &template("one", 1)).await, None);
    let before = told(&estate, 0).await.len();
    let fault = r#"[{"kind": "stack_resource_fails", "instance": "ours-hub/Queue", "times": 1}]"#;
    let rules: Vec<FaultRule> = serde_json::from_str(fault).expect("a rule");
    estate.add_faults(rules);
    assert_eq!(carried_out(&estate, "UPDATE", "c2", &template("two", 9)).await, None);
    let events = told(&estate, before).await;
    assert_eq!(of(&events, "UPDATE_FAILED"), ["Queue"]);
    assert_eq!(events.last().map(|(_, status)| status.as_str()), Some("UPDATE_ROLLBACK_COMPLETE"));
    let (_, shown) = asked(&estate, "GetTemplate", &[("StackName", "ours-hub")]).await;
    assert!(shown.contains("one") && !shown.contains("two"), "{shown}");
    let (_, listed) = asked(&estate, "ListStackResources", &[("StackName", "ours-hub")]).await;
    assert!(listed.contains("<PhysicalResourceId>one</PhysicalResourceId>"), "{listed}");
}

#[tokio::test]
async fn policies_tell_stacks_apart_by_their_names() {
    let estate = estate_of_stacks();
    let (status, said) = asked(&estate, "DescribeStacks", &[("StackName", "theirs")]).await;
    assert_eq!((status, element(&said, "Code")), (403, "AccessDenied"));
    let (status, said) = asked(&estate, "DescribeStacks", &[("StackName", "ours-hub")]).await;
    assert_eq!((status, element(&said, "Message")), (400, "Stack with id ours-hub does not exist"));
}
