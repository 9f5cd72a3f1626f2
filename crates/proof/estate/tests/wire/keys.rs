//! KMS on the wire: who may use which key for what, and what becomes of one that is deleted.

use serde_json::{Value, json};

use super::*;

const POLICY: &str = r#"{"Statement":[
    {"Effect":"Allow","Action":"kms:*","Resource":"*"},
    {"Effect":"Deny","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:run":"theirs"}}},
    {"Effect":"Deny","Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"kms:RequestAlias":"alias/closed"}}}]}"#;

fn estate_of_keys() -> Arc<Estate> {
    estate_allowing(POLICY, world())
}

async fn ask(estate: &Estate, action: &str, document: Value) -> (u16, Value) {
    ask_json(estate, ("kms", &format!("TrentService.{action}"), "1.1"), document).await
}

async fn done(estate: &Estate, action: &str, document: Value) -> Value {
    let (status, answer) = ask(estate, action, document).await;
    assert_eq!(status, 200, "{action}: {answer}");
    answer
}

async fn with_key(estate: &Estate, alias: &str) -> String {
    let made = done(estate, "CreateKey", json!({})).await;
    let id = made["KeyMetadata"]["KeyId"].as_str().expect("an id").to_owned();
    done(estate, "CreateAlias", json!({ "AliasName": alias, "TargetKeyId": id })).await;
    id
}

#[tokio::test]
async fn contexts_and_aliases_are_judged() {
    let estate = estate_of_keys();
    with_key(&estate, "alias/open").await;
    with_key(&estate, "alias/closed").await;
    let denied = (400, json!("AccessDeniedException"));
    let encrypt = |key: &str, run: &str| json!({ "KeyId": key, "Plaintext": "b25l", "EncryptionContext": { "run": run } });
    assert_eq!(ask(&estate, "Encrypt", encrypt("alias/closed", "ours")).await, denied);
    for (run, allowed) in [("ours", true), ("theirs", false)] {
        let encrypted = done(&estate, "Encrypt", encrypt("alias/open", run)).await;
        let decrypt =
            json!({ "CiphertextBlob": encrypted["CiphertextBlob"], "EncryptionContext": { "run": run } });
        let (status, answer) = ask(&estate, "Decrypt", decrypt).await;
        match allowed {
            true => assert_eq!((status, &answer["Plaintext"]), (200, &json!("b25l"))),
            false => assert_eq!((status, answer), denied),
        }
    }
    let log = serde_json::to_string(&estate.calls(0, 100)).expect("JSON");
    assert!(!log.contains("b25l"), "{log}");
}

#[tokio::test]
async fn a_key_does_nothing_while_it_waits_and_is_gone_with_its_alias_afterwards() {
    let estate = estate_of_keys();
    let id = with_key(&estate, "alias/doomed").await;
    done(&estate, "EnableKeyRotation", json!({ "KeyId": id })).await;
    let encrypted = done(&estate, "Encrypt", json!({ "KeyId": id, "Plaintext": "b25l" })).await;
    done(&estate, "ScheduleKeyDeletion", json!({ "KeyId": id, "PendingWindowInDays": 7 })).await;
    let decrypt = json!({ "CiphertextBlob": encrypted["CiphertextBlob"] });
    let waits = (400, json!("KMSInvalidStateException"));
    assert_eq!(ask(&estate, "Decrypt", decrypt.clone()).await, waits);
    let status = done(&estate, "GetKeyRotationStatus", json!({ "KeyId": id })).await;
    assert_eq!(status["KeyRotationEnabled"], false);
    estate.advance(7.0 * 86_400.0).expect("advanced");
    let gone = (400, json!("NotFoundException"));
    assert_eq!(ask(&estate, "DescribeKey", json!({ "KeyId": "alias/doomed" })).await, gone);
    assert_eq!(ask(&estate, "Decrypt", decrypt).await, (400, json!("InvalidCiphertextException")));
    let again = with_key(&estate, "alias/doomed").await;
    assert_ne!(again, id);
}
