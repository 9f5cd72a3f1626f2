//! The table: its calls, and what is to be done where an answer was lost.

use std::sync::Arc;
use std::time::Duration;

use fleetwright_model::{ErrorClass, Failure, Text};
use fleetwright_ports::{Clock, JournalError};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::Aws;
use crate::clients::Connection;
use crate::operation::Operation;
use crate::operations::{GET_ITEM, PUT_ITEM, QUERY, UPDATE_ITEM};
use crate::signed::{Request, Signer};

use super::{JournalTable, item};

/// What DynamoDB says where a condition does not hold.
const CONDITION: &str = "ConditionalCheckFailedException";

/// A table, and whoever calls it.
pub(super) struct Table {
    aws: Aws,
    clock: Arc<dyn Clock>,
    at: JournalTable,
}

/// Why DynamoDB did not do what was asked.
pub(super) enum Refused {
    /// The condition does not hold.
    Condition,
    /// Anything else.
    Error(JournalError),
}

impl From<Refused> for JournalError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Error(error) => error,
            Refused::Condition => Self::Storage {
                place: "DynamoDB".into(),
                cause: "somebody else writes to the same item all the time".into(),
            },
        }
    }
}

impl Table {
    pub(super) fn new(aws: Aws, clock: Arc<dyn Clock>, at: JournalTable) -> Self {
        Self { aws, clock, at }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Where it is, for messages.
    pub(super) fn place(&self) -> Text {
        format!("table {} ({}, {})", self.at.table, self.at.zone.account, self.at.region).into()
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> JournalError {
        JournalError::Storage { place: self.place(), cause: what.into().into() }
    }

    /// The second from which on a claim of this moment holds no longer.
    pub(super) fn lease_ends(&self) -> i64 {
        later(self.now(), self.at.lease).as_second()
    }

    /// When an item that is written at that moment may be deleted.
    pub(super) fn expires(&self, at: Timestamp) -> Value {
        item::number(later(at, self.at.keep).as_second())
    }

    async fn call(&self, operation: &'static Operation, mut body: Value) -> Result<Value, Refused> {
        body["TableName"] = Value::from(&*self.at.table);
        let target = format!("DynamoDB_20120810.{}", operation.name);
        let request = Request::json("dynamodb", "1.0", target, &body);
        let connection: Connection<'_, Signer> = self.aws.at(&self.at.zone, &self.at.region);
        let send = |signer: &Signer| signer.clone().send(request.clone());
        let answered = match operation.mutates() {
            true => connection.change(operation, std::slice::from_ref(&self.at.table), send).await,
            false => connection.call(operation, send).await,
        };
        answered.map(|answered| answered.json()).map_err(|failure| self.refused(failure))
    }

    fn refused(&self, failure: Failure) -> Refused {
        if failure.service_code.as_deref() == Some(CONDITION) {
            return Refused::Condition;
        }
        let (place, cause) = (self.place(), failure.to_string().into());
        Refused::Error(match failure.class {
            ErrorClass::Denied | ErrorClass::NotFound => JournalError::Refused { place, cause },
            _ => JournalError::Storage { place, cause },
        })
    }

    /// An item, or null.
    pub(super) async fn get(&self, key: Value) -> Result<Value, JournalError> {
        let answer = self.call(&GET_ITEM, json!({ "Key": key, "ConsistentRead": true })).await?;
        Ok(answer["Item"].clone())
    }

    pub(super) async fn put(&self, key: Value, fields: Value) -> Result<(), JournalError> {
        Ok(self.call(&PUT_ITEM, json!({ "Item": item::whole(key, fields) })).await.map(drop)?)
    }

    /// Puts an item where none is.
    pub(super) async fn put_new(&self, key: Value, fields: Value) -> Result<(), Refused> {
        let body = json!({
            "Item": item::whole(key, fields),
            "ConditionExpression": "attribute_not_exists(#item)",
            "ExpressionAttributeNames": { "#item": "item" },
        });
        self.call(&PUT_ITEM, body).await.map(drop)
    }

    /// Changes an item where it is as it was read.
    pub(super) async fn update(
        &self,
        key: Value,
        change: &str,
        condition: &str,
        values: Value,
    ) -> Result<(), Refused> {
        let body = json!({
            "Key": key,
            "UpdateExpression": change,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names(&[change, condition]),
            "ExpressionAttributeValues": values,
        });
        self.call(&UPDATE_ITEM, body).await.map(drop)
    }

    /// Every item of a partition from one key to another, in order.
    pub(super) async fn query(
        &self,
        partition: &str,
        from: &str,
        to: &str,
    ) -> Result<Vec<Value>, JournalError> {
        let mut items = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut body = between(partition, from, to);
            if !start.is_null() {
                body["ExclusiveStartKey"] = start;
            }
            let mut answer = self.call(&QUERY, body).await?;
            if let Some(page) = answer["Items"].as_array_mut() {
                items.append(page);
            }
            start = answer["LastEvaluatedKey"].take();
            if start.is_null() {
                return Ok(items);
            }
        }
    }

    /// The last item of a partition from one key to another.
    pub(super) async fn last(
        &self,
        partition: &str,
        from: &str,
        to: &str,
    ) -> Result<Option<Value>, JournalError> {
        let mut body = between(partition, from, to);
        body["ScanIndexForward"] = false.into();
        body["Limit"] = 1.into();
        let mut answer = self.call(&QUERY, body).await?;
        Ok(answer["Items"].as_array_mut().and_then(Vec::pop))
    }
}

fn between(partition: &str, from: &str, to: &str) -> Value {
    json!({
        "ConsistentRead": true,
        "KeyConditionExpression": "#run = :run AND #item BETWEEN :from AND :to",
        "ExpressionAttributeNames": { "#run": "run", "#item": "item" },
        "ExpressionAttributeValues": {
            ":run": item::text(partition),
            ":from": item::text(from),
            ":to": item::text(to),
        },
    })
}

/// That much later, or the end of time.
fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

/// The names that expressions mark with `#`; DynamoDB reserves hundreds of words.
fn names(expressions: &[&str]) -> Value {
    let marked = expressions.iter().flat_map(|text| text.split(|c: char| !(c.is_alphanumeric() || c == '#')));
    let names = marked.filter_map(|word| Some((word.to_owned(), word.strip_prefix('#')?.into())));
    Value::Object(names.collect())
}
