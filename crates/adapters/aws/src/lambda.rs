//! The [`Functions`](fleetwright_ports::Functions) port: Lambda, one signed request for each call.
//!
//! Code, variables and payloads, which may hold anything, are in no record of a call: what is recorded are ARNs.
//!
//! Sources: Lambda API reference; Smithy, "AWS restJson1 protocol".

mod functions;
mod shapes;

use std::time::Duration;

use fleetwright_model::{Cell, ErrorClass, Failure, Text};
use fleetwright_ports::functions::FunctionRef;
use serde_json::Value;

use crate::Aws;
use crate::clients::Connection;
use crate::json_service::object;
use crate::operation::Operation;
use crate::signed::{Answered, Request, Signer, form};

/// The version of the interface, which its paths begin with.
const FUNCTIONS: &str = "/2015-03-31/functions";

/// What is asked of Lambda.
struct Call<'c> {
    method: &'static str,
    /// Below [`FUNCTIONS`].
    path: String,
    query: &'c [(&'static str, &'c str)],
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl<'c> Call<'c> {
    fn get(path: String, query: &'c [(&'static str, &'c str)]) -> Self {
        Self { method: "GET", path, query, headers: Vec::new(), body: Vec::new() }
    }

    fn with(method: &'static str, path: String, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { method, path, query: &[], headers, body: body.to_string().into_bytes() }
    }

    fn request(self) -> Request {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", form(self.query)) };
        Request {
            service: "lambda",
            method: self.method,
            path: format!("{FUNCTIONS}{}{query}", self.path),
            headers: self.headers,
            body: self.body,
        }
    }
}

/// Lambda in one cell.
struct Service<'a> {
    connection: Connection<'a, Signer>,
}

impl<'a> Service<'a> {
    fn of(aws: &'a Aws, cell: &Cell<'a>) -> Self {
        Self { connection: aws.at(cell.zone, &cell.region) }
    }

    async fn read(&self, operation: &'static Operation, call: Call<'_>) -> Result<Value, Failure> {
        object(operation, &self.ask(operation, call).await?.body)
    }

    async fn ask(&self, operation: &'static Operation, call: Call<'_>) -> Result<Answered, Failure> {
        let request = call.request();
        let send = |signer: &Signer| signer.clone().send(request.clone());
        self.connection.call(operation, send).await
    }

    /// Makes a call that changes the function, for up to `limit` an attempt.
    async fn change(
        &self,
        operation: &'static Operation,
        (arn, limit): (&str, Duration),
        call: Call<'_>,
    ) -> Result<Answered, Failure> {
        let request = call.request();
        let send = |signer: &Signer| signer.clone().send(request.clone());
        self.connection.change_within(operation, (&[Text::from(arn)], limit), send).await
    }

    /// The same for one that answers with an object.
    async fn change_shown(
        &self,
        operation: &'static Operation,
        target: (&str, Duration),
        call: Call<'_>,
    ) -> Result<Value, Failure> {
        let answered = self.change(operation, target, call).await?;
        object(operation, &answered.body)
            .map_err(|failure| Failure { class: ErrorClass::Ambiguous, ..failure })
    }
}

/// Source: Service Authorization Reference, "Resource types defined by AWS Lambda".
fn arn(cell: &Cell<'_>, function: &FunctionRef) -> String {
    let (partition, account) = (cell.region.partition(), &cell.zone.account);
    format!("arn:{partition}:lambda:{}:{account}:function:{function}", cell.region)
}
