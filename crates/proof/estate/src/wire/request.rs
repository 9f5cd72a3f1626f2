//! Reading requests: which service is meant, which operation, with which parameters.

use bytes::Bytes;
use http::request::Parts;
use percent_encoding::percent_decode;
use serde_json::Value;

use crate::call::{ApiError, Input, QueryParams, Service};
use crate::wire::cbor;
use crate::wire::protocol::Protocol;
use crate::wire::rest;
use crate::wire::rest_json;

/// The largest body read; AWS's gateways refuse larger ones.
pub const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// The largest object stored at once. S3 takes 5 GiB; the estate keeps objects in memory.
pub const OBJECT_LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// The largest request of DynamoDB's: a full batch (DynamoDB API reference, "BatchWriteItem").
const BATCH_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// The largest request of Lambda's: 50 MB of archive in base64, as its own error says it.
const ARCHIVE_LIMIT_BYTES: usize = 70_167_211;

/// The largest request of SQS's: a full batch of 1 MiB, escaped.
const MESSAGES_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// The largest body of this request, whose service its credential scope tells: S3's may be objects.
#[must_use]
pub fn body_limit_bytes(headers: &http::HeaderMap) -> usize {
    let scope = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let is_for =
        |service: &str| scope.is_some_and(|scope| scope.contains(&format!("/{service}/aws4_request")));
    match () {
        () if is_for("s3") => OBJECT_LIMIT_BYTES,
        () if is_for("dynamodb") => BATCH_LIMIT_BYTES,
        () if is_for("sqs") => MESSAGES_LIMIT_BYTES,
        () if is_for("lambda") => ARCHIVE_LIMIT_BYTES,
        () => BODY_LIMIT_BYTES,
    }
}

/// The most form parameters of one request, which bounds what a hostile one can cost.
const PARAMETERS_MAX: usize = 10_000;

/// An operation with its parameters.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The operation's name.
    pub action: String,
    /// Its parameters, without `Action`, `Version` and `DryRun`.
    pub input: Input,
    /// Whether the caller only asks for permission (EC2's `DryRun`).
    pub intent: Intent,
}

/// Whether a call is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Do it.
    Act,
    /// Say only whether it would be allowed: EC2's `DryRun=true`.
    DryRun,
}

/// The service a request without a readable credential scope probably means, so that even its
/// error speaks the right protocol.
#[must_use]
pub fn guess_service(parts: &Parts, body: &[u8]) -> Service {
    if let Some(target) = target(parts) {
        let found = Service::ALL
            .into_iter()
            .find(|s| !s.target_prefix().is_empty() && target.starts_with(s.target_prefix()));
        return found.unwrap_or(Service::Ssm);
    }
    let by_version =
        [Service::Sts, Service::Iam, Service::Sns, Service::AutoScaling, Service::ClassicElb, Service::Elbv2];
    by_version.into_iter().find(|s| names_version(parts, body, *s)).unwrap_or(Service::Ec2)
}

/// The generation of a service that a request speaks to, where several share a signing name.
#[must_use]
pub fn generation(service: Service, parts: &Parts, body: &[u8]) -> Service {
    let second = service == Service::ClassicElb && names_version(parts, body, Service::Elbv2);
    if second { Service::Elbv2 } else { service }
}

/// True where a form names the version of a service's model.
fn names_version(parts: &Parts, body: &[u8], service: Service) -> bool {
    let needle = format!("Version={}", service.version());
    parts.uri.query().is_some_and(|q| q.contains(&needle))
        || body.windows(needle.len()).take(BODY_LIMIT_BYTES).any(|w| w == needle.as_bytes())
}

/// Whether the request goes where its credential scope says; the text says what is wrong.
///
/// Only AWS's own host names say anything; any other (an address, a name of the user's own) is
/// an endpoint for everything.
///
/// # Errors
/// What AWS says of a signature for another service or region.
pub fn check_scope(parts: &Parts, service: Service, region: &str) -> Result<(), String> {
    if let Some(target) = target(parts)
        && matches!(service.protocol(), Protocol::Json10 | Protocol::Json11)
        && let Some(other) = Service::ALL
            .into_iter()
            .find(|s| *s != service && !s.target_prefix().is_empty() && target.starts_with(s.target_prefix()))
    {
        return Err(wrong_service(other.signing_name()));
    }
    let host = parts
        .headers
        .get(http::header::HOST)
        .and_then(|v| v.to_str().ok())
        .or_else(|| parts.uri.host())
        .unwrap_or("");
    let host = host.split(':').next().unwrap_or("");
    let Some(name) = host.strip_suffix(".amazonaws.com") else {
        return Ok(());
    };
    // A bucket's name may stand before S3's.
    let name = match service {
        Service::S3 => name.rfind("s3").map_or(name, |at| &name[at..]),
        _ => name,
    };
    let mut labels = name.split('.');
    let named = match labels.next().unwrap_or("") {
        // Models are asked at an endpoint of their own, under the service's name (AWS General Reference, "Amazon Bedrock
        // endpoints").
        "bedrock-runtime" => Service::Bedrock.signing_name(),
        other => other,
    };
    if named != service.signing_name() {
        return Err(wrong_service(named));
    }
    let expected = labels.next().unwrap_or("us-east-1");
    if expected != region {
        return Err(format!("Credential should be scoped to a valid region, not '{region}'. "));
    }
    Ok(())
}

fn wrong_service(expected: &str) -> String {
    format!("Credential should be scoped to correct service: '{expected}'. ")
}

/// Reads the operation and its parameters.
///
/// # Errors
/// The error AWS answers to a request that cannot be read.
pub fn read(parts: &Parts, body: &Bytes, service: Service) -> Result<Operation, ApiError> {
    match service.protocol() {
        Protocol::Json10 | Protocol::Json11 => read_json(parts, body, service),
        Protocol::RpcV2Cbor if parts.headers.contains_key("smithy-protocol") => read_cbor(parts, body),
        Protocol::RpcV2Cbor => read_json(parts, body, service),
        Protocol::Ec2Query | Protocol::AwsQuery => read_query(parts, body, service),
        Protocol::RestJson => {
            let (action, request) = rest_json::read(parts, body, service)?;
            Ok(Operation { action, input: Input::RestJson(Box::new(request)), intent: Intent::Act })
        }
        Protocol::RestXml => {
            let (action, request) = rest::read(parts, body)?;
            Ok(Operation { action, input: Input::Rest(Box::new(request)), intent: Intent::Act })
        }
    }
}

fn read_json(parts: &Parts, body: &Bytes, service: Service) -> Result<Operation, ApiError> {
    let unknown = || ApiError::new(400, "UnknownOperationException", "");
    let (prefix, action) = target(parts).and_then(|t| t.split_once('.')).ok_or_else(unknown)?;
    if prefix != service.target_prefix() {
        return Err(unknown());
    }
    let content_type =
        parts.headers.get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    let expected = match service.protocol() {
        Protocol::RpcV2Cbor | Protocol::Json10 => "application/x-amz-json-1.0",
        _ => "application/x-amz-json-1.1",
    };
    if !content_type.starts_with(expected) {
        return Err(unknown());
    }
    let refused = |detail: String| ApiError::new(400, "SerializationException", detail);
    let document: Value = if body.is_empty() {
        Value::Object(serde_json::Map::new())
    } else {
        serde_json::from_slice(body).map_err(|e| refused(e.to_string()))?
    };
    if !document.is_object() {
        return Err(refused("Unexpected value type in payload".to_owned()));
    }
    Ok(Operation { action: action.to_owned(), input: Input::Json(document), intent: Intent::Act })
}

/// `/service/NAME/operation/OPERATION`, with a CBOR document (Smithy RPC v2 protocol).
fn read_cbor(parts: &Parts, body: &Bytes) -> Result<Operation, ApiError> {
    let mut path = parts.uri.path().rsplit('/');
    let (action, word) = (path.next().unwrap_or_default(), path.next().unwrap_or_default());
    let spoken = parts.headers.get("smithy-protocol").and_then(|v| v.to_str().ok());
    if action.is_empty() || word != "operation" || spoken != Some("rpc-v2-cbor") {
        return Err(ApiError::new(400, "UnknownOperationException", ""));
    }
    let document = match body.is_empty() {
        true => Value::Object(serde_json::Map::new()),
        false => cbor::read(body)
            .map_err(|error| ApiError::new(400, "SerializationException", error.to_string()))?,
    };
    Ok(Operation { action: action.to_owned(), input: Input::Json(document), intent: Intent::Act })
}

fn read_query(parts: &Parts, body: &Bytes, service: Service) -> Result<Operation, ApiError> {
    let mut params = QueryParams::default();
    collect(parts.uri.query().unwrap_or("").as_bytes(), &mut params, service)?;
    if parts.method == http::Method::POST {
        collect(body, &mut params, service)?;
    }
    let Some(action) = params.values.remove("Action").filter(|a| !a.is_empty()) else {
        return Err(match service {
            Service::Ec2 => ApiError::new(
                400,
                "MissingAction",
                "The request is missing an action or a required parameter.",
            ),
            _ => ApiError::new(400, "MissingAction", "The request must contain the parameter Action"),
        });
    };
    check_version(&mut params, service, &action)?;
    let intent = match service {
        Service::Ec2 => dry_run(&mut params)?,
        _ => Intent::Act,
    };
    Ok(Operation { action, input: Input::Query(params), intent })
}

fn check_version(params: &mut QueryParams, service: Service, action: &str) -> Result<(), ApiError> {
    let version = params.values.remove("Version");
    match (service, version) {
        (_, Some(version)) if version == service.version() => Ok(()),
        (Service::Ec2, Some(version)) => Err(ApiError::new(
            400,
            "NoSuchVersion",
            format!("The requested version ({version}) of service AmazonEC2 does not exist"),
        )),
        (Service::Ec2, None) => {
            Err(ApiError::new(400, "MissingParameter", "The request must contain the parameter Version"))
        }
        (_, version) => {
            let version = version.unwrap_or_else(|| "NO_VERSION_SPECIFIED".to_owned());
            Err(invalid_action(service, action, &version))
        }
    }
}

/// The error for an operation the service does not have.
#[must_use]
pub fn unknown_operation(service: Service, action: &str) -> ApiError {
    match service.protocol() {
        Protocol::Json10 | Protocol::Json11 | Protocol::RpcV2Cbor | Protocol::RestJson => {
            ApiError::new(400, "UnknownOperationException", "")
        }
        _ => invalid_action(service, action, service.version()),
    }
}

fn invalid_action(service: Service, action: &str, version: &str) -> ApiError {
    let message = match service {
        Service::Ec2 => format!("The action {action} is not valid for this web service."),
        _ => format!("Could not find operation {action} for version {version}"),
    };
    ApiError::new(400, "InvalidAction", message)
}

fn dry_run(params: &mut QueryParams) -> Result<Intent, ApiError> {
    match params.values.remove("DryRun").as_deref() {
        None => Ok(Intent::Act),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(Intent::DryRun),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(Intent::Act),
        Some(other) => Err(ApiError::new(
            400,
            "InvalidParameterValue",
            format!("Invalid value '{other}' for DryRun. Must be true or false"),
        )),
    }
}

/// Decodes form parameters; a repeated one is refused, as it would be dropped silently otherwise.
fn collect(form: &[u8], params: &mut QueryParams, service: Service) -> Result<(), ApiError> {
    let malformed = |detail: String| {
        let code = match service {
            Service::Ec2 => "InvalidParameterValue",
            _ => "MalformedInput",
        };
        ApiError::new(400, code, detail)
    };
    for pair in form.split(|b| *b == b'&').filter(|p| !p.is_empty()) {
        let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
        let name = decode(&pair[..at]);
        let value = decode(pair.get(at + 1..).unwrap_or(&[]));
        let (Some(name), Some(value)) = (name, value) else {
            return Err(malformed("The request is not valid UTF-8".to_owned()));
        };
        if params.values.len() >= PARAMETERS_MAX {
            return Err(malformed(format!("More than {PARAMETERS_MAX} parameters")));
        }
        if params.values.contains_key(&name) {
            return Err(malformed(format!("Duplicate parameter {name}")));
        }
        params.values.insert(name, value);
    }
    Ok(())
}

/// One percent-encoded part of a form, where a plus is a space.
fn decode(part: &[u8]) -> Option<String> {
    if part.contains(&b'+') {
        let spaced: Vec<u8> = part.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
        return String::from_utf8(percent_decode(&spaced).collect()).ok();
    }
    String::from_utf8(percent_decode(part).collect()).ok()
}

fn target(parts: &Parts) -> Option<&str> {
    parts.headers.get("x-amz-target").and_then(|v| v.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::post("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    fn form(text: &'static str, service: Service) -> Result<Operation, ApiError> {
        read(&parts(&[]), &Bytes::from_static(text.as_bytes()), service)
    }

    #[test]
    fn a_form_loses_its_protocol_parameters_and_keeps_the_rest() {
        let text = "Action=DescribeTags&Version=2016-11-15&DryRun=true&Filter.1.Name=a%2Bb+c";
        let op = form(text, Service::Ec2).expect("an operation");
        assert_eq!((op.action.as_str(), op.intent), ("DescribeTags", Intent::DryRun));
        let Input::Query(params) = op.input else {
            panic!("a form is not JSON");
        };
        assert_eq!(params.values.len(), 1);
        assert_eq!(params.get("Filter.1.Name"), Some("a+b c"));
    }

    #[test]
    fn what_cannot_be_read_has_awss_code() {
        let code = |text, service| form(text, service).expect_err("refused").code;
        assert_eq!(code("Version=2016-11-15", Service::Ec2), "MissingAction");
        assert_eq!(code("Action=A&Version=2001-01-01", Service::Ec2), "NoSuchVersion");
        assert_eq!(code("Action=A&Version=2001-01-01", Service::Sts), "InvalidAction");
        assert_eq!(code("Action=A&Version=2016-11-15&DryRun=maybe", Service::Ec2), "InvalidParameterValue");
        assert_eq!(code("Action=A&Action=B&Version=2016-11-15", Service::Ec2), "InvalidParameterValue");
    }

    #[test]
    fn json_needs_its_content_type_and_an_object() {
        let ssm = |content_type, body: &'static str| {
            let headers = [("x-amz-target", "AmazonSSM.DescribeX"), ("content-type", content_type)];
            read(&parts(&headers), &Bytes::from_static(body.as_bytes()), Service::Ssm)
                .map(|op| op.action)
                .map_err(|e| e.code)
        };
        assert_eq!(ssm("application/x-amz-json-1.1", "{}"), Ok("DescribeX".to_owned()));
        assert_eq!(ssm("application/json", "{}"), Err("UnknownOperationException".into()));
        assert_eq!(ssm("application/x-amz-json-1.1", "[]"), Err("SerializationException".into()));
        assert_eq!(ssm("application/x-amz-json-1.1", "{\"a\""), Err("SerializationException".into()));
    }

    #[test]
    fn awss_own_host_names_bind_service_and_region() {
        let to = |host: &str, service, region| check_scope(&parts(&[("host", host)]), service, region);
        assert_eq!(to("127.0.0.1:4566", Service::Ec2, "eu-west-1"), Ok(()));
        assert_eq!(to("ec2.eu-west-1.amazonaws.com", Service::Ec2, "eu-west-1"), Ok(()));
        assert_eq!(to("bedrock-runtime.eu-west-1.amazonaws.com", Service::Bedrock, "eu-west-1"), Ok(()));
        assert_eq!(to("iam.amazonaws.com", Service::Iam, "us-east-1"), Ok(()));
        assert!(to("iam.amazonaws.com", Service::Iam, "eu-west-1").is_err());
        assert!(to("ssm.eu-west-1.amazonaws.com", Service::Ec2, "eu-west-1").is_err());
    }
}
