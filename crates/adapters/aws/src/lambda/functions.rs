//! The port.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetwright_model::{Cell, ErrorClass, Failure, Partial};
use fleetwright_ports::Functions;
use fleetwright_ports::executions::Payload;
use fleetwright_ports::functions::{
    Architecture, Code, Configuration, Function, FunctionName, FunctionRef, FunctionRow, FunctionVersion,
    InvocationMode, Invoked, NewFunction, write,
};
use futures::FutureExt;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{arn, shapes};
use crate::Aws;
use crate::json_service::text;
use crate::operation::Operation;
use crate::operations::{
    CHECK_INVOCATION, CREATE_FUNCTION, DELETE_FUNCTION, GET_FUNCTION_CONFIGURATION, INVOKE_FUNCTION,
    LIST_FUNCTIONS, LIST_VERSIONS_BY_FUNCTION, PUBLISH_VERSION, UPDATE_FUNCTION_CODE,
    UPDATE_FUNCTION_CONFIGURATION,
};
use crate::pages::{Page, pages, unexpected};
use crate::rest_service::{Call, RestService};

/// Rows of a page. Source: Lambda API reference, ListFunctions and ListVersionsByFunction.
const PAGE: &str = "50";
/// How long an attempt at a change may take.
const CHANGE: Duration = Duration::from_secs(60);
/// And one that carries up to 70 MB.
const UPLOAD: Duration = Duration::from_secs(600);

/// The members of a body that say what is run.
fn code(code: &Code) -> Value {
    match code {
        Code::Archive(bytes) => json!({ "ZipFile": STANDARD.encode(bytes) }),
        Code::Object { bucket, key, version: None } => json!({ "S3Bucket": bucket, "S3Key": key }),
        Code::Object { bucket, key, version: Some(version) } => {
            json!({ "S3Bucket": bucket, "S3Key": key, "S3ObjectVersion": version })
        }
    }
}

/// Whether a function runs that code, as far as can be known without fetching it.
fn runs(function: &Function, code: &Code) -> bool {
    match code {
        Code::Archive(bytes) => function.code_sha256 == STANDARD.encode(Sha256::digest(bytes)),
        Code::Object { .. } => false,
    }
}

/// A body without members that say nothing: what is made has nothing to be taken away.
fn without_empties(body: Value) -> Value {
    let is_empty = |value: &Value| match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    let Value::Object(members) = body else { return body };
    let kept = members.into_iter().filter_map(|(name, value)| match value {
        Value::Object(inner) => {
            let inner: Map<String, Value> = inner.into_iter().filter(|(_, value)| !is_empty(value)).collect();
            (!inner.is_empty()).then_some((name, Value::Object(inner)))
        }
        value => (!is_empty(&value)).then_some((name, value)),
    });
    Value::Object(kept.collect())
}

fn shown(operation: &'static Operation, answer: &Value) -> Result<Function, Failure> {
    shapes::function(answer).map_err(|odd| unexpected(operation, &odd))
}

/// What a change made of a function. Where that cannot be read, the change was made all the same.
fn changed(operation: &'static Operation, answer: &Value) -> Result<Function, Failure> {
    shown(operation, answer).map_err(|failure| Failure { class: ErrorClass::Ambiguous, ..failure })
}

fn query_of(which: &FunctionRef) -> Option<String> {
    which.version.map(|version| version.to_string())
}

#[async_trait]
impl Functions for Aws {
    async fn functions(&self, cell: &Cell<'_>) -> Partial<FunctionRow> {
        let service = &RestService::lambda(self, cell);
        let mut found = pages(
            &LIST_FUNCTIONS,
            |row: &FunctionRow| row.name.as_str(),
            |marker| {
                async move {
                    let mut query = vec![("MaxItems", PAGE)];
                    query.extend(marker.as_deref().map(|marker| ("Marker", marker)));
                    // The path of the listing ends with a slash (API reference, ListFunctions).
                    let answer = service.read(&LIST_FUNCTIONS, Call::get("/".to_owned(), &query)).await?;
                    let rows = answer["Functions"].as_array().into_iter().flatten().map(shapes::row);
                    Ok(Page::of(rows, text(&answer, "NextMarker")))
                }
                .boxed()
            },
        )
        .await;
        found.items.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    async fn function(&self, cell: &Cell<'_>, which: &FunctionRef) -> Result<Function, Failure> {
        let service = RestService::lambda(self, cell);
        let version = query_of(which);
        let query: Vec<(&str, &str)> = version.as_deref().map(|it| ("Qualifier", it)).into_iter().collect();
        let call = Call::get(format!("/{}/configuration", which.name), &query);
        shown(&GET_FUNCTION_CONFIGURATION, &service.read(&GET_FUNCTION_CONFIGURATION, call).await?)
    }

    async fn function_versions(&self, cell: &Cell<'_>, name: &FunctionName) -> Partial<FunctionVersion> {
        let service = &RestService::lambda(self, cell);
        let found = pages(
            &LIST_VERSIONS_BY_FUNCTION,
            |(key, _): &(String, FunctionVersion)| key,
            |marker| {
                async move {
                    let mut query = vec![("MaxItems", PAGE)];
                    query.extend(marker.as_deref().map(|marker| ("Marker", marker)));
                    let call = Call::get(format!("/{name}/versions"), &query);
                    let answer = service.read(&LIST_VERSIONS_BY_FUNCTION, call).await?;
                    let rows = answer["Versions"].as_array().into_iter().flatten();
                    let rows = rows.filter_map(|row| shapes::version(row).transpose());
                    Ok(Page::of(rows, text(&answer, "NextMarker")))
                }
                .boxed()
            },
        )
        .await;
        let mut items: Vec<FunctionVersion> = found.items.into_iter().map(|(_, version)| version).collect();
        items.sort_by_key(|version| std::cmp::Reverse(version.number));
        Partial { items, failure: found.failure }
    }

    /// A name that is taken is no error where the function is the one that is wanted: the reply to the call that made
    /// it may have been lost.
    async fn create_function(&self, cell: &Cell<'_>, new: &NewFunction) -> Result<Function, Failure> {
        let service = RestService::lambda(self, cell);
        let which: FunctionRef = new.name.clone().into();
        let mut body = without_empties(write(&new.name, &new.configuration));
        body["Code"] = code(&new.code);
        let call = Call::with("POST", String::new(), &body);
        let made = service.change_shown(&CREATE_FUNCTION, (&arn(cell, &which), UPLOAD), call).await;
        match made {
            Ok(answer) => changed(&CREATE_FUNCTION, &answer),
            Err(failure) if failure.service_code.as_deref() == Some("ResourceConflictException") => {
                match self.function(cell, &which).await {
                    Ok(there) if there.configuration == new.configuration && runs(&there, &new.code) => {
                        Ok(there)
                    }
                    _ => Err(Failure { class: ErrorClass::Conflict, ..failure }),
                }
            }
            Err(failure) => Err(failure),
        }
    }

    async fn update_configuration(
        &self,
        cell: &Cell<'_>,
        name: &FunctionName,
        configuration: &Configuration,
        revision: &str,
    ) -> Result<Function, Failure> {
        let service = RestService::lambda(self, cell);
        let mut body = write(name, configuration);
        if let Some(members) = body.as_object_mut() {
            members.retain(|member, _| !["FunctionName", "Architectures"].contains(&member.as_str()));
        }
        body["RevisionId"] = revision.into();
        let operation = &UPDATE_FUNCTION_CONFIGURATION;
        let arn = arn(cell, &name.clone().into());
        let call = Call::with("PUT", format!("/{name}/configuration"), &body);
        changed(operation, &service.change_shown(operation, (&arn, CHANGE), call).await?)
    }

    async fn update_code(
        &self,
        cell: &Cell<'_>,
        name: &FunctionName,
        (wanted, architecture): (&Code, Architecture),
        revision: &str,
    ) -> Result<Function, Failure> {
        let service = RestService::lambda(self, cell);
        let mut body = code(wanted);
        body["Architectures"] = json!([architecture.as_str()]);
        body["RevisionId"] = revision.into();
        let arn = arn(cell, &name.clone().into());
        let call = Call::with("PUT", format!("/{name}/code"), &body);
        let answer = service.change_shown(&UPDATE_FUNCTION_CODE, (&arn, UPLOAD), call).await?;
        changed(&UPDATE_FUNCTION_CODE, &answer)
    }

    async fn publish_version(
        &self,
        cell: &Cell<'_>,
        name: &FunctionName,
        description: Option<&str>,
        revision: &str,
    ) -> Result<Function, Failure> {
        let service = RestService::lambda(self, cell);
        let mut body = json!({ "RevisionId": revision });
        if let Some(description) = description {
            body["Description"] = description.into();
        }
        let arn = arn(cell, &name.clone().into());
        let call = Call::with("POST", format!("/{name}/versions"), &body);
        let answer = service.change_shown(&PUBLISH_VERSION, (&arn, CHANGE), call).await?;
        changed(&PUBLISH_VERSION, &answer)
    }

    async fn delete_function(&self, cell: &Cell<'_>, which: &FunctionRef) -> Result<(), Failure> {
        let service = RestService::lambda(self, cell);
        let version = query_of(which);
        let query: Vec<(&str, &str)> = version.as_deref().map(|it| ("Qualifier", it)).into_iter().collect();
        let call = Call { method: "DELETE", ..Call::get(format!("/{}", which.name), &query) };
        match service.change(&DELETE_FUNCTION, (&arn(cell, which), CHANGE), call).await {
            Err(failure) if failure.class == ErrorClass::NotFound => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    async fn invoke(
        &self,
        cell: &Cell<'_>,
        (which, payload): (&FunctionRef, &Payload),
        mode: InvocationMode,
        patience: Duration,
    ) -> Result<Invoked, Failure> {
        let service = RestService::lambda(self, cell);
        let version = query_of(which);
        let query: Vec<(&str, &str)> = version.as_deref().map(|it| ("Qualifier", it)).into_iter().collect();
        let (kind, log) = match mode {
            InvocationMode::Wait { log_tail } => ("RequestResponse", if log_tail { "Tail" } else { "None" }),
            InvocationMode::Async => ("Event", "None"),
            InvocationMode::Check => ("DryRun", "None"),
        };
        let call = Call {
            method: "POST",
            path: format!("/{}/invocations", which.name),
            query: &query,
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("x-amz-invocation-type", kind.to_owned()),
                ("x-amz-log-type", log.to_owned()),
            ],
            body: payload.reveal().as_bytes().to_vec(),
        };
        let arn = arn(cell, which);
        Ok(match mode {
            InvocationMode::Wait { .. } => {
                let answered = service.change(&INVOKE_FUNCTION, (&arn, patience), call).await?;
                Invoked::Answered(shapes::answer(&answered))
            }
            InvocationMode::Async => {
                service.change(&INVOKE_FUNCTION, (&arn, CHANGE), call).await?;
                Invoked::Queued
            }
            InvocationMode::Check => {
                service.ask(&CHECK_INVOCATION, call).await?;
                Invoked::Possible
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_names_nothing_that_is_empty() {
        let name: FunctionName = "turn".parse().expect("a name");
        let body = without_empties(write(&name, &Configuration::default()));
        let members: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
        for absent in ["DeadLetterConfig", "Environment", "KMSKeyArn", "Layers", "Role", "VpcConfig"] {
            assert!(!members.contains(&absent), "{absent}: {members:?}");
        }
        assert_eq!((&body["MemorySize"], &body["EphemeralStorage"]["Size"]), (&json!(128), &json!(512)));
    }
}
