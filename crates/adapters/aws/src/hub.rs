//! What the functions of a hub ask of AWS beside the journal: secrets, and executions that wait for a decision.
//!
//! Sources: AWS Secrets Manager API reference, "GetSecretValue"; AWS Step Functions API reference, "SendTaskSuccess".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetwright_model::{Failure, Region, Text, Zone};
use serde_json::json;

use crate::Aws;
use crate::clients::Connection;
use crate::operations::{GET_SECRET_VALUE, SEND_TASK_SUCCESS};
use crate::signed::{Request, Signer};

/// What Step Functions says where nobody waits for the token any longer.
const NOBODY_WAITS: [&str; 2] = ["TaskTimedOut", "TaskDoesNotExist"];

/// Whether an execution was there to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// It goes on.
    Yes,
    /// Nobody waits with that token: its time was over, or somebody was quicker.
    NobodyWaits,
}

impl Aws {
    /// The value of a secret, by its name or ARN.
    ///
    /// # Errors
    /// It cannot be read, or the answer has no value.
    pub async fn secret(&self, zone: &Zone, region: &Region, id: &str) -> Result<Vec<u8>, Failure> {
        let body = json!({ "SecretId": id });
        let request =
            Request::json("secretsmanager", "1.1", "secretsmanager.GetSecretValue".to_owned(), &body);
        let connection: Connection<'_, Signer> = self.at(zone, region);
        let send = |signer: &Signer| signer.clone().send(request.clone());
        let answered = connection.call(&GET_SECRET_VALUE, send).await?.json();
        let text = answered["SecretString"].as_str().map(|text| text.as_bytes().to_vec());
        let bytes = || STANDARD.decode(answered["SecretBinary"].as_str()?).ok();
        text.or_else(bytes).ok_or_else(|| {
            let words = "Secrets Manager answered without a value";
            Failure::new(
                fleetwright_model::ErrorClass::Permanent,
                &fleetwright_model::code::REQUEST_REFUSED,
                GET_SECRET_VALUE.iam,
                words,
            )
        })
    }

    /// Lets an execution go on that waits with this token.
    ///
    /// # Errors
    /// Step Functions refuses, or cannot be reached.
    pub async fn wake(&self, zone: &Zone, region: &Region, token: &str) -> Result<Woken, Failure> {
        let body = json!({ "taskToken": token, "output": "{}" });
        let request = Request::json("states", "1.0", "AWSStepFunctions.SendTaskSuccess".to_owned(), &body);
        let connection: Connection<'_, Signer> = self.at(zone, region);
        let send = |signer: &Signer| signer.clone().send(request.clone());
        let targets = [Text::from("a waiting execution")];
        match connection.change(&SEND_TASK_SUCCESS, &targets, send).await {
            Ok(_) => Ok(Woken::Yes),
            Err(failure) => match failure.service_code.as_deref() {
                Some(code) if NOBODY_WAITS.contains(&code) => Ok(Woken::NobodyWaits),
                _ => Err(failure),
            },
        }
    }
}
