//! Templates as CloudFormation judges them: what they lack, and what is read of one that is good.

use fleetwright_estate::world::buckets::Object;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::*;

const POLICY: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":"cloudformation:ValidateTemplate","Resource":"*"},
    {"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::code/*"}]}"#;

fn estate_of_templates() -> Arc<Estate> {
    let mut world = world();
    let good = Object::new(Bytes::from(json!({ "Resources": bucket() }).to_string()), Vec::new(), start());
    let known = world.buckets.create("code", HUB, REGION, start());
    known.put("good.json", good.clone());
    world.buckets.create("theirs", SPOKE, REGION, start()).put("good.json", good);
    estate_allowing(POLICY, world)
}

fn bucket() -> Value {
    json!({ "Bucket": { "Type": "AWS::S3::Bucket" } })
}

async fn judged(estate: &Estate, parameter: &str, value: &str) -> (u16, String) {
    let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
    let form = format!("Action=ValidateTemplate&{parameter}={value}");
    let answer = estate.call(query(estate.credentials(), "cloudformation", REGION, &form)).await;
    let answer = answer.expect("an answer");
    (answer.status().as_u16(), text(&answer).to_owned())
}

#[tokio::test]
async fn a_good_template_is_described() {
    let estate = estate_of_templates();
    let template = json!({
        "Description": "a <role>",
        "Parameters": { "Name": { "Type": "String", "Default": "x", "NoEcho": true } },
        "Conditions": { "Is": { "Fn::Equals": [{ "Ref": "Name" }, "x"] } },
        "Resources": { "Role": { "Type": "AWS::IAM::Role", "Condition": "Is", "Properties": {
            "RoleName": { "Fn::Sub": "${Name}-${AWS::Region}-${!Literal}" } } } },
        "Outputs": { "Arn": { "Value": { "Fn::GetAtt": ["Role", "Arn"] } } },
    });
    let (status, answer) = judged(&estate, "TemplateBody", &template.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(element(&answer, "Description"), "a &lt;role&gt;");
    assert_eq!((element(&answer, "ParameterKey"), element(&answer, "NoEcho")), ("Name", "true"));
    assert!(answer.contains("<member>CAPABILITY_NAMED_IAM</member>"), "{answer}");
}

#[tokio::test]
async fn what_is_wrong_with_a_template_is_told_in_cloudformations_words() {
    let estate = estate_of_templates();
    let with = |resource: Value| json!({ "Resources": { "A": resource } });
    let unnamed = |properties: Value| with(json!({ "Type": "AWS::S3::Bucket", "Properties": properties }));
    let circle = json!({ "Resources": {
        "A": { "Type": "AWS::S3::Bucket", "DependsOn": "B" },
        "B": { "Type": "AWS::S3::Bucket", "DependsOn": ["A"] },
    } });
    for (template, words) in [
        (json!({}), "At least one Resources member must be defined."),
        (
            json!({ "Resource": {}, "Resources": bucket() }),
            "Invalid template property or properties [Resource]",
        ),
        (with(json!({})), "Every Resources object must contain a Type member."),
        (with(json!({ "Type": "Bucket" })), "Unrecognized resource types: [Bucket]"),
        (
            unnamed(json!({ "x": { "Ref": "Nobody" } })),
            "Unresolved resource dependencies [Nobody] in the Resources block",
        ),
        (unnamed(json!({ "x": { "Fn::Sub": "${No}${Not}" } })), "Unresolved resource dependencies [No, Not]"),
        (unnamed(json!({ "x": { "Fn::GetAtt": "No.Arn" } })), "Fn::GetAtt references undefined resource No"),
        (unnamed(json!({ "x": { "Fn::If": ["No", 1, 2] } })), "Unresolved condition dependency No"),
        (
            unnamed(json!({ "x": null })),
            "[/Resources/A/Properties/x] 'null' values are not allowed in templates",
        ),
        (circle, "Circular dependency between resources: [A, B]"),
    ] {
        let (status, answer) = judged(&estate, "TemplateBody", &template.to_string()).await;
        assert_eq!((status, element(&answer, "Code")), (400, "ValidationError"), "{template}");
        let told = answer.replace("&apos;", "'");
        assert!(told.contains(words), "{template}: {told}");
    }
    let (status, answer) = judged(&estate, "TemplateBody", "{\"Resources\":").await;
    assert!(status == 400 && answer.contains("JSON not well-formed. (line 1, column 13)"), "{answer}");
}

#[tokio::test]
async fn a_template_in_a_bucket_may_be_larger_and_is_read_as_its_caller_may() {
    let estate = estate_of_templates();
    let large = json!({ "Description": "x".repeat(60_000), "Resources": bucket() }).to_string();
    let (status, answer) = judged(&estate, "TemplateBody", &large).await;
    assert!(status == 400 && answer.contains("less than or equal to 51200"), "{answer}");
    for (url, status) in [
        ("https://code.s3.eu-central-1.amazonaws.com/good.json", 200),
        ("https://s3.eu-central-1.amazonaws.com/code/good.json", 200),
        ("https://code.s3.eu-central-1.amazonaws.com/none.json", 400),
        ("https://theirs.s3.eu-central-1.amazonaws.com/good.json", 403),
        ("http://elsewhere.example/good.json", 400),
    ] {
        assert_eq!(judged(&estate, "TemplateURL", url).await.0, status, "{url}");
    }
}
