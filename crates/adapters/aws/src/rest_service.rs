//! Services that are asked by method and path and answer in JSON, one signed request for each call.
//!
//! Source: Smithy, "AWS restJson1 protocol".

use std::time::Duration;

use fleetwright_model::{Cell, ErrorClass, Failure, Text};
use serde_json::Value;

use crate::Aws;
use crate::clients::Connection;
use crate::json_service::object;
use crate::operation::Operation;
use crate::signed::{Answered, Request, Signer, form};

/// What is asked.
#[derive(Debug)]
pub(crate) struct Call<'c> {
    pub(crate) method: &'static str,
    /// Below the service's base, escaped already.
    pub(crate) path: String,
    pub(crate) query: &'c [(&'static str, &'c str)],
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl<'c> Call<'c> {
    pub(crate) fn get(path: String, query: &'c [(&'static str, &'c str)]) -> Self {
        Self { method: "GET", path, query, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with(method: &'static str, path: String, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { method, path, query: &[], headers, body: body.to_string().into_bytes() }
    }
}

/// A service in one cell.
pub(crate) struct RestService<'a> {
    /// As it is named in its endpoint and in signatures.
    service: &'static str,
    /// What its paths begin with.
    base: &'static str,
    connection: Connection<'a, Signer>,
}

impl<'a> RestService<'a> {
    /// Lambda; its paths begin with the version of the interface.
    pub(crate) fn lambda(aws: &'a Aws, cell: &Cell<'a>) -> Self {
        let connection = aws.at(cell.zone, &cell.region);
        Self { service: "lambda", base: "/2015-03-31/functions", connection }
    }

    /// EKS.
    pub(crate) fn eks(aws: &'a Aws, cell: &Cell<'a>) -> Self {
        Self { service: "eks", base: "", connection: aws.at(cell.zone, &cell.region) }
    }

    /// Bedrock, as far as models write.
    pub(crate) fn bedrock(aws: &'a Aws, cell: &Cell<'a>) -> Self {
        Self { service: "bedrock", base: "", connection: aws.at(cell.zone, &cell.region) }
    }

    fn request(&self, call: Call<'_>) -> Request {
        let query = if call.query.is_empty() { String::new() } else { format!("?{}", form(call.query)) };
        Request {
            service: self.service,
            method: call.method,
            path: format!("{}{}{query}", self.base, call.path),
            headers: call.headers,
            body: call.body,
        }
    }

    /// Makes a call that changes nothing, and answers with an object.
    ///
    /// # Errors
    /// As [`Connection::call`]; or the answer is no JSON object.
    pub(crate) async fn read(&self, operation: &'static Operation, call: Call<'_>) -> Result<Value, Failure> {
        object(operation, &self.ask(operation, call).await?.body)
    }

    /// Makes a call that changes nothing.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub(crate) async fn ask(
        &self,
        operation: &'static Operation,
        call: Call<'_>,
    ) -> Result<Answered, Failure> {
        let request = self.request(call);
        let send = |signer: &Signer| signer.clone().send(request.clone());
        self.connection.call(operation, send).await
    }

    /// Makes a call that changes what the ARN names, for up to `limit` an attempt.
    ///
    /// # Errors
    /// As [`Connection::change`].
    pub(crate) async fn change(
        &self,
        operation: &'static Operation,
        (arn, limit): (&str, Duration),
        call: Call<'_>,
    ) -> Result<Answered, Failure> {
        let request = self.request(call);
        let send = |signer: &Signer| signer.clone().send(request.clone());
        self.connection.change_within(operation, (&[Text::from(arn)], limit), send).await
    }

    /// The same for one that answers with an object.
    ///
    /// # Errors
    /// As [`RestService::change`]; or the answer is no JSON object, so that nobody knows what became of it
    /// ([`ErrorClass::Ambiguous`]).
    pub(crate) async fn change_shown(
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
