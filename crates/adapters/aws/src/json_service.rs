//! Services that are asked in JSON and answer in JSON, one signed POST for each call.
//!
//! Source: Smithy, "AWS JSON 1.0 protocol" and "AWS JSON 1.1 protocol".

use fleetwright_model::{Cell, ErrorClass, Failure, Region, Text, Zone};
use jiff::Timestamp;
use serde_json::Value;

use crate::Aws;
use crate::clients::Connection;
use crate::operation::Operation;
use crate::pages::unexpected;
use crate::signed::{Request, Signer};

/// A service in one cell.
pub(crate) struct JsonService<'a> {
    /// As it is named in its endpoint and in signatures.
    service: &'static str,
    /// Of the protocol.
    version: &'static str,
    /// What the names of its operations begin with on the wire.
    prefix: &'static str,
    connection: Connection<'a, Signer>,
}

impl<'a> JsonService<'a> {
    /// Step Functions.
    pub(crate) fn step_functions(aws: &'a Aws, cell: &Cell<'a>) -> Self {
        let connection = aws.at(cell.zone, &cell.region);
        Self { service: "states", version: "1.0", prefix: "AWSStepFunctions", connection }
    }

    /// EventBridge.
    pub(crate) fn event_bridge(aws: &'a Aws, zone: &'a Zone, region: &Region) -> Self {
        Self { service: "events", version: "1.1", prefix: "AWSEvents", connection: aws.at(zone, region) }
    }

    /// Key Management Service.
    pub(crate) fn kms(aws: &'a Aws, cell: &Cell<'a>) -> Self {
        Self {
            service: "kms",
            version: "1.1",
            prefix: "TrentService",
            connection: aws.at(cell.zone, &cell.region),
        }
    }

    /// Service Quotas.
    pub(crate) fn service_quotas(aws: &'a Aws, cell: &Cell<'a>) -> Self {
        let connection = aws.at(cell.zone, &cell.region);
        Self { service: "servicequotas", version: "1.1", prefix: "ServiceQuotasV20190624", connection }
    }

    /// CloudWatch Logs.
    pub(crate) fn logs(aws: &'a Aws, cell: &Cell<'a>) -> Self {
        let connection = aws.at(cell.zone, &cell.region);
        Self { service: "logs", version: "1.1", prefix: "Logs_20140328", connection }
    }

    /// Makes a call that changes nothing.
    ///
    /// # Errors
    /// As [`Connection::call`]; or the answer is no JSON object.
    pub(crate) async fn read(&self, operation: &'static Operation, body: &Value) -> Result<Value, Failure> {
        let request = self.request(operation, body);
        let send = |signer: &Signer| signer.clone().send(request.clone());
        object(operation, &self.connection.call(operation, send).await?.body)
    }

    /// Makes a call that changes `target`, its name or ARN.
    ///
    /// # Errors
    /// As [`Connection::change`]; or the answer is no JSON object, so that nobody knows what became of it
    /// ([`ErrorClass::Ambiguous`]).
    pub(crate) async fn change(
        &self,
        operation: &'static Operation,
        target: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        let request = self.request(operation, body);
        let send = |signer: &Signer| signer.clone().send(request.clone());
        let answered = self.connection.change(operation, &[Text::from(target)], send).await?;
        object(operation, &answered.body)
            .map_err(|failure| Failure { class: ErrorClass::Ambiguous, ..failure })
    }

    fn request(&self, operation: &Operation, body: &Value) -> Request {
        Request::json(self.service, self.version, format!("{}.{}", self.prefix, operation.name), body)
    }
}

/// An answer as JSON. One without members may be empty.
pub(crate) fn object(operation: &Operation, body: &[u8]) -> Result<Value, Failure> {
    if body.trim_ascii().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    match serde_json::from_slice(body) {
        Ok(object @ Value::Object(_)) => Ok(object),
        _ => Err(unexpected(operation, "the answer is no JSON object")),
    }
}

/// A body without what is not said.
pub(crate) fn without_nulls(mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    body
}

/// A text of an answer, where there is one.
pub(crate) fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

/// A moment as these protocols write it: seconds since 1970, with a fraction.
pub(crate) fn moment(value: &Value) -> Option<Timestamp> {
    let milliseconds = (value.as_f64()? * 1_000.0).round();
    // Beyond what a timestamp holds there is nothing a service could mean.
    (milliseconds.abs() < 2.0e14).then(|| Timestamp::from_millisecond(milliseconds as i64).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::operations::LIST_EXECUTIONS;

    #[test]
    fn moments_are_seconds_with_a_fraction() {
        let at = moment(&json!(1_793_498_400.25)).expect("a moment");
        assert_eq!(at.to_string(), "2026-11-01T02:00:00.25Z");
        assert_eq!((moment(&json!(1e300)), moment(&json!("x"))), (None, None));
    }

    #[test]
    fn an_answer_that_is_no_object_is_no_empty_one() {
        assert_eq!(object(&LIST_EXECUTIONS, b" "), Ok(json!({})));
        for body in ["<html>", "[]", "{\"executions\":["] {
            let failure = object(&LIST_EXECUTIONS, body.as_bytes()).expect_err("no object");
            assert_eq!(failure.code.id, "FW-A0012", "{body}: {failure}");
        }
    }
}
