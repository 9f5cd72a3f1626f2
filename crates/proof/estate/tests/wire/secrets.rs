//! Secrets Manager on the wire: versions and labels, deletion and recovery, and values that nobody sees.

use serde_json::{Value, json};

use super::*;

const POLICY: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":"secretsmanager:*","Resource":"*"},
    {"Effect":"Deny","Action":"secretsmanager:GetSecretValue","Resource":"*",
     "Condition":{"StringEquals":{"secretsmanager:ResourceTag/closed":"yes"}}},
    {"Effect":"Deny","Action":"secretsmanager:*","Resource":"arn:aws:secretsmanager:*:*:secret:theirs/*"}]}"#;

const DAY: f64 = 86_400.0;

fn estate_of_secrets() -> Arc<Estate> {
    estate_allowing(POLICY, world())
}

async fn ask(estate: &Estate, action: &str, document: Value) -> (u16, Value) {
    ask_json(estate, ("secretsmanager", &format!("secretsmanager.{action}"), "1.1"), document).await
}

async fn done(estate: &Estate, action: &str, document: Value) -> Value {
    let (status, answer) = ask(estate, action, document).await;
    assert_eq!(status, 200, "{action}: {answer}");
    answer
}

async fn value(estate: &Estate, asked: Value) -> Value {
    done(estate, "GetSecretValue", asked).await["SecretString"].clone()
}

#[tokio::test]
async fn labels_move_from_version_to_version() {
    let estate = estate_of_secrets();
    done(&estate, "CreateSecret", json!({ "Name": "s", "SecretString": "one" })).await;
    done(&estate, "PutSecretValue", json!({ "SecretId": "s", "SecretString": "two" })).await;
    let pending = json!({ "SecretId": "s", "SecretString": "three", "VersionStages": ["AWSPENDING"] });
    done(&estate, "PutSecretValue", pending).await;
    for (stage, expected) in [("AWSCURRENT", "two"), ("AWSPREVIOUS", "one"), ("AWSPENDING", "three")] {
        assert_eq!(
            value(&estate, json!({ "SecretId": "s", "VersionStage": stage })).await,
            expected,
            "{stage}"
        );
    }
    done(&estate, "PutSecretValue", json!({ "SecretId": "s", "SecretString": "four" })).await;
    for (stage, expected) in [("AWSCURRENT", "four"), ("AWSPREVIOUS", "two"), ("AWSPENDING", "three")] {
        assert_eq!(
            value(&estate, json!({ "SecretId": "s", "VersionStage": stage })).await,
            expected,
            "{stage}"
        );
    }
}

#[tokio::test]
async fn a_deleted_secret_can_be_had_back_until_its_window_is_over() {
    let estate = estate_of_secrets();
    let made = done(&estate, "CreateSecret", json!({ "Name": "s", "SecretString": "one" })).await;
    let delete = json!({ "SecretId": "s", "RecoveryWindowInDays": 7 });
    done(&estate, "DeleteSecret", delete.clone()).await;
    let marked = (400, json!("InvalidRequestException"));
    assert_eq!(ask(&estate, "GetSecretValue", json!({ "SecretId": "s" })).await, marked);
    estate.advance(6.0 * DAY).expect("advanced");
    done(&estate, "RestoreSecret", json!({ "SecretId": made["ARN"] })).await;
    assert_eq!(value(&estate, json!({ "SecretId": "s" })).await, "one");
    done(&estate, "DeleteSecret", delete).await;
    estate.advance(7.0 * DAY).expect("advanced");
    let gone = (400, json!("ResourceNotFoundException"));
    assert_eq!(ask(&estate, "RestoreSecret", json!({ "SecretId": "s" })).await, gone);
    let again = done(&estate, "CreateSecret", json!({ "Name": "s", "SecretString": "two" })).await;
    assert_ne!(again["ARN"], made["ARN"], "it is another secret");
    assert_eq!(ask(&estate, "DescribeSecret", json!({ "SecretId": made["ARN"] })).await, gone);
}

#[tokio::test]
async fn permissions_hold_for_arns_and_tags() {
    let estate = estate_of_secrets();
    let tags = json!([{ "Key": "closed", "Value": "yes" }]);
    done(&estate, "CreateSecret", json!({ "Name": "s", "SecretString": "one", "Tags": tags })).await;
    let denied = (400, json!("AccessDeniedException"));
    assert_eq!(ask(&estate, "GetSecretValue", json!({ "SecretId": "s" })).await, denied);
    done(&estate, "DescribeSecret", json!({ "SecretId": "s" })).await;
    assert_eq!(ask(&estate, "CreateSecret", json!({ "Name": "theirs/s" })).await, denied);
}

#[tokio::test]
async fn a_value_is_in_no_log_and_no_debug() {
    let estate = estate_of_secrets();
    done(&estate, "CreateSecret", json!({ "Name": "s", "SecretString": "canary-1" })).await;
    done(&estate, "PutSecretValue", json!({ "SecretId": "s", "SecretBinary": "Y2FuYXJ5" })).await;
    let long = json!({ "SecretId": "s", "SecretString": "canary-2".repeat(10_000) });
    assert_eq!(ask(&estate, "PutSecretValue", long).await.0, 400);
    done(&estate, "GetSecretValue", json!({ "SecretId": "s" })).await;
    let log = serde_json::to_string(&estate.calls(0, 100)).expect("JSON");
    let debug = estate.with_world(|world| format!("{:?}", world.accounts[HUB].regions[REGION].secrets));
    for text in [log, debug] {
        assert!(text.contains("hidden") && !text.contains("canary") && !text.contains("Y2FuYXJ5"), "{text}");
    }
}
