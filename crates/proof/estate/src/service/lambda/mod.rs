//! Lambda: functions from archives, their versions, and their invocations.
//!
//! Rules: <https://docs.aws.amazon.com/lambda/latest/api/Welcome.html>. Aliases and images are
//! refused. Of an archive only size and hash are kept; what runs is the embedder's
//! ([`crate::functions`]).

mod change;
mod configuration;
mod invoke;
mod reading;
mod settings;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

use crate::call::{ApiError, Call, Operation, Reply, Requirement, Service};
use crate::calls::CallKind;
use crate::world::functions::Function;
use crate::world::timeline::Place;
use crate::world::{Region, World};

pub(crate) use invoke::{admit, event, waited_for};

/// Every Lambda operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    use CallKind::{Mutation, Read};
    let all = [
        ("CreateFunction", Mutation, change::create as Does),
        ("UpdateFunctionCode", Mutation, change::update_code),
        ("UpdateFunctionConfiguration", Mutation, change::update_configuration),
        ("PublishVersion", Mutation, change::publish),
        ("DeleteFunction", Mutation, change::delete),
        ("GetFunction", Read, reading::get),
        ("GetFunctionConfiguration", Read, reading::get_configuration),
        ("ListFunctions", Read, reading::list),
        ("ListVersionsByFunction", Read, reading::list_versions),
        ("Invoke", Mutation, invoke::invoke),
        ("PutFunctionConcurrency", Mutation, settings::put_concurrency),
        ("GetFunctionConcurrency", Read, settings::get_concurrency),
        ("TagResource", Mutation, settings::tag),
        ("ListTags", Read, settings::list_tags),
    ];
    all.map(|(name, kind, does)| Box::new(Action { name, kind, does }) as Box<dyn Operation>)
        .into_iter()
        .collect()
}

type Does = fn(&mut World, &Call) -> Result<Reply, ApiError>;

/// An operation: its name and what it does.
struct Action {
    name: &'static str,
    kind: CallKind,
    does: Does,
}

impl Operation for Action {
    fn service(&self) -> Service {
        Service::Lambda
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn mutates(&self) -> bool {
        self.kind == CallKind::Mutation
    }

    fn requirements(&self, _: &World, call: &Call) -> Vec<Requirement> {
        needs(call)
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        Ok(match (self.does)(world, call)? {
            Reply::Document(document) => document,
            Reply::Http(response) => String::from_utf8_lossy(response.body()).into_owned(),
            Reply::Function(_) => String::new(),
        })
    }

    fn reply(&self, world: &mut World, call: &Call) -> Result<Reply, ApiError> {
        (self.does)(world, call)
    }
}

/// The call's own action on the function it names, and passing the role where it names one.
fn needs(call: &Call) -> Vec<Requirement> {
    let action = match call.action.as_str() {
        "Invoke" => "lambda:InvokeFunction".to_owned(),
        other => format!("lambda:{other}"),
    };
    let document = call.json();
    let resource = match (call.action.as_str(), target(call)) {
        ("ListFunctions", _) => "*".to_owned(),
        (_, Ok(target)) => match (target.qualifier, call.action.as_str()) {
            (Some(qualifier), "Invoke" | "GetFunction" | "GetFunctionConfiguration") => {
                format!("{}:{qualifier}", arn(call, &target.name))
            }
            _ => arn(call, &target.name),
        },
        (_, Err(_)) => "*".to_owned(),
    };
    let mut context = Vec::new();
    if matches!(call.action.as_str(), "CreateFunction" | "TagResource") {
        for (key, value) in document["Tags"].as_object().into_iter().flatten() {
            context.push((format!("aws:RequestTag/{key}"), value.as_str().unwrap_or_default().to_owned()));
            context.push(("aws:TagKeys".to_owned(), key.clone()));
        }
    }
    let mut needed = vec![Requirement { action: action.into(), resource, context }];
    let archive = if call.action == "CreateFunction" { &document["Code"] } else { document };
    if let (Some(bucket), Some(key)) = (archive["S3Bucket"].as_str(), archive["S3Key"].as_str()) {
        let resource = format!("arn:aws:s3:::{bucket}/{key}");
        needed.push(Requirement { action: "s3:GetObject".into(), resource, context: Vec::new() });
    }
    if let Some(role) = document["Role"].as_str() {
        let context = vec![("iam:PassedToService".to_owned(), "lambda.amazonaws.com".to_owned())];
        needed.push(Requirement { action: "iam:PassRole".into(), resource: role.to_owned(), context });
    }
    needed
}

/// The ARN of a function.
fn arn(call: &Call, name: &str) -> String {
    format!("arn:aws:lambda:{}:{}:function:{name}", call.region, call.account)
}

/// The service's error for what makes no sense.
fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterValueException", message)
}

fn not_found(arn: &str) -> ApiError {
    ApiError::new(404, "ResourceNotFoundException", format!("Function not found: {arn}"))
}

/// The function and the version that a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    name: String,
    qualifier: Option<String>,
}

/// The function a call names: by its name, its ARN or a part of that, with a version or without.
fn target(call: &Call) -> Result<Target, ApiError> {
    let path = call.path();
    let in_path = path.and_then(|it| it.path.get("FunctionName").or_else(|| it.path.get("Resource")));
    let given =
        in_path.map(String::as_str).or_else(|| call.json()["FunctionName"].as_str()).unwrap_or_default();
    let refused = || {
        ApiError::new(
            400,
            "ValidationException",
            format!(
                "1 validation error detected: Value '{given}' at 'functionName' failed to satisfy constraint: Member \
                 must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{{2}}(-gov)?-[a-z]+-\\d{{1}}:)?\
                 (\\d{{12}}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?"
            ),
        )
    };
    let whole = arn(call, "");
    let partial = format!("{}:function:", call.account);
    let rest =
        [whole.as_str(), partial.as_str(), "function:"].into_iter().find_map(|it| given.strip_prefix(it));
    let (name, inner) = match rest.unwrap_or(given).split_once(':') {
        Some((name, version)) => (name, Some(version)),
        None => (rest.unwrap_or(given), None),
    };
    let is_word = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let outer = path.and_then(|it| it.query.get("Qualifier")).map(String::as_str);
    if !is_word(name) || name.len() > 64 {
        return Err(refused());
    }
    if let (Some(inner), Some(outer)) = (inner, outer)
        && inner != outer
    {
        return Err(invalid(
            "The derived qualifier from the function name does not match the specified qualifier.",
        ));
    }
    let qualifier = outer.or(inner);
    if qualifier.is_some_and(|it| it != "$LATEST" && !is_word(it)) {
        return Err(refused());
    }
    Ok(Target { name: name.to_owned(), qualifier: qualifier.map(str::to_owned) })
}

/// The region a call is for.
fn region<'w>(world: &'w World, call: &Call) -> Result<&'w Region, ApiError> {
    let region = world.accounts.get(&call.account).and_then(|account| account.regions.get(&call.region));
    region.filter(|region| region.enabled).ok_or_else(no_region)
}

/// The same, with all that changes depend on.
fn place<'w>(world: &'w mut World, call: &Call) -> Result<Place<'w>, ApiError> {
    world.place(&call.account, &call.region).filter(|place| place.region.enabled).ok_or_else(no_region)
}

fn no_region() -> ApiError {
    ApiError::new(
        403,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
}

/// The function that a call names.
fn function<'w>(region: &'w Region, call: &Call, target: &Target) -> Result<&'w Function, ApiError> {
    region.functions.by_name.get(&target.name).ok_or_else(|| not_found(&arn(call, &target.name)))
}

/// The same, to be changed.
fn function_mut<'w>(
    region: &'w mut Region,
    call: &Call,
    target: &Target,
) -> Result<&'w mut Function, ApiError> {
    region.functions.by_name.get_mut(&target.name).ok_or_else(|| not_found(&arn(call, &target.name)))
}

/// An answer with another status than 200.
fn with_status(status: StatusCode, document: Option<&Value>) -> Reply {
    let body = document.map(Value::to_string).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    Reply::Http(response)
}
