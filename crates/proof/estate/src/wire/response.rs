//! Answers in AWS's envelopes: bodies, errors, request ids and content types.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::call::{ApiError, Reply, Service};
use crate::wire::cbor;
use crate::wire::protocol::Protocol;
use crate::wire::sigv4::AuthProblem;
use crate::wire::xml;

/// The answer to a call that succeeded; `body` is what the operation rendered.
#[must_use]
pub fn success(service: Service, action: &str, request_id: &str, reply: Reply) -> Response<Bytes> {
    let body = match reply {
        Reply::Document(body) => body,
        Reply::Http(response) => return identified(service, request_id, response),
        // What a function answers is waited for elsewhere.
        Reply::Function(_) => String::new(),
    };
    let text = match service.protocol() {
        Protocol::Json10
        | Protocol::Json11
        | Protocol::RpcV2Cbor
        | Protocol::RestJson
        | Protocol::RestXml => body,
        Protocol::Ec2Query => {
            let mut text = envelope_start(service, action, body.len());
            xml::text(&mut text, "requestId", request_id);
            text.push_str(&body);
            xml::close(&mut text, &format!("{action}Response"));
            text
        }
        Protocol::AwsQuery => {
            let mut text = envelope_start(service, action, body.len());
            xml::element(&mut text, &format!("{action}Result"), |out| out.push_str(&body));
            xml::element(&mut text, "ResponseMetadata", |out| {
                xml::text(out, "RequestId", request_id);
            });
            xml::close(&mut text, &format!("{action}Response"));
            text
        }
    };
    response(service, StatusCode::OK, request_id, text)
}

fn envelope_start(service: Service, action: &str, body_bytes: usize) -> String {
    let mut text = String::with_capacity(body_bytes + 512);
    text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
    text.push_str(action);
    text.push_str("Response xmlns=\"");
    text.push_str(service.namespace());
    text.push_str("\">");
    text
}

/// The answer to a call that failed.
#[must_use]
pub fn failure(service: Service, request_id: &str, error: &ApiError) -> Response<Bytes> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = match service.protocol() {
        Protocol::Json10 => qualified_json_error(service, error),
        Protocol::Json11 => json_error(error),
        Protocol::RestJson => rest_json_error(service, error),
        Protocol::RpcV2Cbor => json!({ "__type": error.code, "message": error.message }).to_string(),
        Protocol::Ec2Query => {
            let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
            xml::element(&mut text, "Response", |out| {
                xml::element(out, "Errors", |out| {
                    xml::element(out, "Error", |out| code_and_message(out, error));
                });
                xml::text(out, "RequestID", request_id);
            });
            text
        }
        Protocol::RestXml => {
            let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
            xml::element(&mut text, "Error", |out| {
                code_and_message(out, error);
                for (name, value) in &error.details {
                    xml::text(out, name, value);
                }
                xml::text(out, "RequestId", request_id);
                xml::text(out, "HostId", HOST_ID);
            });
            text
        }
        Protocol::AwsQuery => {
            let mut text = format!("<ErrorResponse xmlns=\"{}\">", service.namespace());
            xml::element(&mut text, "Error", |out| {
                xml::text(out, "Type", if error.status < 500 { "Sender" } else { "Receiver" });
                code_and_message(out, error);
            });
            xml::text(&mut text, "RequestId", request_id);
            xml::close(&mut text, "ErrorResponse");
            text
        }
    };
    let mut response = response(service, status, request_id, text);
    if service.protocol() == Protocol::RestJson
        && let Ok(code) = HeaderValue::from_str(&error.code)
    {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    if service == Service::Sqs {
        let known = error.details.iter().find(|(name, _)| *name == "QueryError");
        let code = match (known, error.code.as_ref()) {
            (Some((_, code)), _) => code.as_str(),
            (None, "AccessDeniedException") => "AccessDenied",
            (None, code) => code,
        };
        let whose = if error.status < 500 { "Sender" } else { "Receiver" };
        if let Ok(value) = HeaderValue::from_str(&format!("{code};{whose}")) {
            response.headers_mut().insert("x-amzn-query-error", value);
        }
    }
    let region = error.details.iter().find(|(name, _)| *name == "Region");
    if let Some(region) = region.and_then(|(_, region)| HeaderValue::from_str(region).ok()) {
        response.headers_mut().insert("x-amz-bucket-region", region);
    }
    response
}

/// What S3 calls the host that answered.
const HOST_ID: &str = "estate";

/// The same answer as it goes out to a request of this method: none has a body to HEAD.
#[must_use]
pub fn to_method(method: &http::Method, mut response: Response<Bytes>) -> Response<Bytes> {
    if method == http::Method::HEAD {
        response.body_mut().clear();
    }
    response
}

/// The answer of a service with several protocols in the one that the request speaks: CBOR, or
/// awsJson 1.0, which botocore prefers. Others are left as they are.
#[must_use]
pub fn spoken(request: &http::HeaderMap, service: Service, mut response: Response<Bytes>) -> Response<Bytes> {
    if service.protocol() != Protocol::RpcV2Cbor {
        return response;
    }
    let mut document: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let headers = response.headers_mut();
    if request.contains_key("smithy-protocol") {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
        *response.body_mut() = cbor::write(&document).into();
    } else {
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
        cbor::flatten_moments(&mut document);
        *response.body_mut() = document.to_string().into();
    }
    response
}

fn code_and_message(out: &mut String, error: &ApiError) {
    xml::text(out, "Code", &error.code);
    xml::text(out, "Message", &error.message);
}

/// Errors every JSON service shares spell the message in lower case; those of a service's own
/// model, and denials, capitalise it.
fn json_error(error: &ApiError) -> String {
    const SHARED: [&str; 12] = [
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InternalServerException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "RequestEntityTooLargeException",
        "SerializationException",
        "ServiceUnavailableException",
        "ThrottlingException",
        "UnknownOperationException",
        "UnrecognizedClientException",
        "ValidationException",
    ];
    let code = error.code.as_ref();
    if code == "UnknownOperationException" {
        return json!({ "__type": code }).to_string();
    }
    let member = if SHARED.contains(&code) { "message" } else { "Message" };
    json!({ "__type": code, member: error.message }).to_string()
}

/// Errors of Lambda and EKS: the code is in a header, and here with Lambda whose fault it is.
fn rest_json_error(service: Service, error: &ApiError) -> String {
    if matches!(service, Service::Bedrock | Service::Eks) {
        let mut members = error.members.clone();
        members.insert("message".to_owned(), error.message.as_str().into());
        return Value::from(members).to_string();
    }
    let whose = if error.status < 500 { "User" } else { "Service" };
    let member = match error.code.as_ref() {
        "ResourceNotFoundException" | "ServiceException" | "AccessDeniedException" => "Message",
        _ => "message",
    };
    let mut document = json!({ "Type": whose, member: error.message });
    for (name, value) in &error.members {
        document[name] = value.clone();
    }
    document.to_string()
}

/// Errors of DynamoDB and SQS: the code behind the name of the model it is from, the message in lower case but
/// where there is more to say.
fn qualified_json_error(service: Service, error: &ApiError) -> String {
    let code = error.code.as_ref();
    let of = match code {
        "ValidationException" => "com.amazon.coral.validate",
        "AccessDeniedException"
        | "ExpiredTokenException"
        | "IncompleteSignatureException"
        | "InternalServerError"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException"
        | "SerializationException"
        | "ServiceUnavailableException"
        | "UnknownOperationException"
        | "UnrecognizedClientException" => "com.amazon.coral.service",
        _ if service == Service::Sqs => "com.amazonaws.sqs",
        _ => "com.amazonaws.dynamodb.v20120810",
    };
    let member = match code {
        "TransactionCanceledException" | "IdempotentParameterMismatchException" => "Message",
        _ => "message",
    };
    let mut document = json!({ "__type": format!("{of}#{code}"), member: error.message });
    for (name, value) in &error.members {
        document[name] = value.clone();
    }
    document.to_string()
}

fn response(service: Service, status: StatusCode, request_id: &str, body: String) -> Response<Bytes> {
    let content_type = match service.protocol() {
        Protocol::Ec2Query => "text/xml;charset=UTF-8",
        Protocol::AwsQuery => "text/xml",
        Protocol::Json10 => "application/x-amz-json-1.0",
        Protocol::Json11 => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::RpcV2Cbor => "application/cbor",
        Protocol::RestXml => "application/xml",
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    identified(service, request_id, response)
}

/// Adds the request's id, in the header where the service has it.
#[must_use]
pub fn identified(service: Service, request_id: &str, mut response: Response<Bytes>) -> Response<Bytes> {
    let name = match service.protocol() {
        Protocol::RestXml => "x-amz-request-id",
        _ => "x-amzn-requestid",
    };
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(name, id);
    }
    if service == Service::DynamoDb {
        let sum = crc32fast::hash(response.body());
        response.headers_mut().insert("x-amz-crc32", HeaderValue::from(sum));
    }
    response
}

/// How each family of services words a failed authentication.
#[must_use]
pub fn authentication_error(service: Service, problem: &AuthProblem) -> ApiError {
    if service == Service::S3 {
        return s3_authentication_error(problem);
    }
    const MISMATCH: &str = "The request signature we calculated does not match the signature you \
                            provided. Check your AWS Secret Access Key and signing method. Consult \
                            the service documentation for details.";
    const EC2_REFUSED: &str = "AWS was not able to validate the provided access credentials";
    const PRESIGNED: &str = "The estate does not accept presigned requests; sign with the \
                             Authorization header";
    let (ec2, query, json) = match problem {
        AuthProblem::Missing => (
            (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
            (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
            (400, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        ),
        AuthProblem::Presigned => (
            (400, "IncompleteSignature", PRESIGNED),
            (400, "IncompleteSignature", PRESIGNED),
            (400, "IncompleteSignatureException", PRESIGNED),
        ),
        AuthProblem::Incomplete(what) => (
            (400, "IncompleteSignature", what.as_str()),
            (400, "IncompleteSignature", what.as_str()),
            (400, "IncompleteSignatureException", what.as_str()),
        ),
        AuthProblem::UnknownKey => (
            (401, "AuthFailure", EC2_REFUSED),
            (403, "InvalidClientTokenId", "The security token included in the request is invalid."),
            (400, "UnrecognizedClientException", "The security token included in the request is invalid."),
        ),
        AuthProblem::WrongSignature => (
            (401, "AuthFailure", EC2_REFUSED),
            (403, "SignatureDoesNotMatch", MISMATCH),
            (400, "InvalidSignatureException", MISMATCH),
        ),
        AuthProblem::WrongScope(why) => (
            (401, "AuthFailure", why.as_str()),
            (403, "SignatureDoesNotMatch", why.as_str()),
            (400, "InvalidSignatureException", why.as_str()),
        ),
        AuthProblem::Skewed(how) => (
            (400, "RequestExpired", "Request has expired."),
            (403, "SignatureDoesNotMatch", how.as_str()),
            (400, "InvalidSignatureException", how.as_str()),
        ),
        AuthProblem::Expired => (
            (400, "RequestExpired", "Request has expired."),
            (403, "ExpiredToken", "The security token included in the request is expired"),
            (400, "ExpiredTokenException", "The security token included in the request is expired"),
        ),
    };
    let (status, code, message) = match service.protocol() {
        Protocol::Ec2Query => ec2,
        Protocol::AwsQuery => query,
        Protocol::RestJson => (403, json.1, json.2),
        Protocol::Json10 | Protocol::Json11 | Protocol::RpcV2Cbor | Protocol::RestXml => json,
    };
    ApiError::new(status, code, message)
}

/// S3's own words (S3 API reference, "Error responses").
fn s3_authentication_error(problem: &AuthProblem) -> ApiError {
    let (status, code, message) = match problem {
        AuthProblem::Missing => (403, "AccessDenied", "Access Denied"),
        AuthProblem::Presigned => (
            501,
            "NotImplemented",
            "The estate does not accept presigned requests; sign with the Authorization header",
        ),
        AuthProblem::Incomplete(what) => (400, "AuthorizationHeaderMalformed", what.as_str()),
        AuthProblem::UnknownKey => {
            (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
        }
        AuthProblem::WrongSignature => (
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and \
             signing method.",
        ),
        AuthProblem::WrongScope(why) => (400, "AuthorizationHeaderMalformed", why.as_str()),
        AuthProblem::Skewed(_) => (
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        ),
        AuthProblem::Expired => (400, "ExpiredToken", "The provided token has expired."),
    };
    ApiError::new(status, code, message)
}

/// How each family of services words an error of its own making.
#[must_use]
pub fn server_error(service: Service, status: u16) -> ApiError {
    let (internal, unavailable) = match service.protocol() {
        Protocol::Ec2Query => ("InternalError", "Unavailable"),
        Protocol::RestXml => ("InternalError", "ServiceUnavailable"),
        Protocol::AwsQuery => ("InternalFailure", "ServiceUnavailable"),
        Protocol::RestJson if service == Service::Bedrock => {
            ("InternalServerException", "ServiceUnavailableException")
        }
        Protocol::RestJson if service == Service::Eks => ("ServerException", "ServiceUnavailableException"),
        Protocol::RestJson => ("ServiceException", "ServiceUnavailableException"),
        Protocol::Json10 | Protocol::Json11 | Protocol::RpcV2Cbor => {
            ("InternalServerError", "ServiceUnavailableException")
        }
    };
    if status == 503 {
        ApiError::new(503, unavailable, "The service is unavailable. Please try again shortly.")
    } else {
        ApiError::new(status, internal, "An internal error has occurred")
    }
}

/// How each service words an expired page token.
#[must_use]
pub fn bad_token(service: Service) -> ApiError {
    match service {
        Service::CloudWatch => ApiError::new(400, "InvalidNextToken", "The next token specified is invalid."),
        Service::Ec2 => ApiError::new(400, "InvalidNextToken", "The specified token has expired"),
        Service::DynamoDb => {
            ApiError::new(400, "ValidationException", "The provided starting key is invalid")
        }
        Service::Ssm => ApiError::new(400, "InvalidNextToken", "The specified token isn't valid."),
        Service::Organizations => ApiError::new(
            400,
            "InvalidInputException",
            "You provided invalid values for one or more of the request parameters. Reason: \
             INVALID_NEXT_TOKEN",
        ),
        Service::ClassicElb | Service::CloudFormation | Service::Elbv2 | Service::Iam | Service::Sts => {
            ApiError::new(400, "ValidationError", "Invalid Marker.")
        }
        Service::AutoScaling => ApiError::new(400, "InvalidNextToken", "The token provided is not valid."),
        Service::Lambda => ApiError::new(400, "InvalidParameterValueException", "Invalid pagination token"),
        Service::Eks => ApiError::new(400, "InvalidParameterException", "Invalid nextToken"),
        Service::Bedrock => ApiError::new(400, "ValidationException", "Invalid nextToken"),
        Service::S3 => ApiError::new(400, "InvalidArgument", "The continuation token provided is incorrect"),
        Service::Sns => ApiError::new(400, "InvalidParameter", "Invalid parameter: NextToken"),
        Service::Logs => {
            ApiError::new(400, "InvalidParameterException", "The specified nextToken is invalid.")
        }
        Service::Kms => ApiError::new(400, "InvalidMarkerException", "The marker is not valid"),
        Service::SecretsManager => {
            ApiError::new(400, "InvalidNextTokenException", "Invalid pagination token")
        }
        Service::ServiceQuotas => {
            ApiError::new(400, "InvalidPaginationTokenException", "Invalid NextToken was provided.")
        }
        Service::Sqs => ApiError::new(400, "InvalidParameterValue", "Invalid or expired next token"),
        Service::EventBridge => ApiError::new(400, "ValidationException", "NextToken is not valid"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(response: Response<Bytes>) -> String {
        String::from_utf8(response.into_body().to_vec()).expect("UTF-8")
    }

    #[test]
    fn each_protocol_has_its_own_envelope() {
        let ec2 = success(Service::Ec2, "DescribeTags", "id-1", Reply::Document("<tagSet/>".to_owned()));
        assert_eq!(ec2.headers()["x-amzn-requestid"], "id-1");
        assert_eq!(
            text(ec2),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeTagsResponse \
             xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>id-1</requestId>\
             <tagSet/></DescribeTagsResponse>"
        );
        let sts = text(success(Service::Sts, "GetX", "id-1", Reply::Document("<Arn>a</Arn>".to_owned())));
        assert!(sts.ends_with(
            "<GetXResult><Arn>a</Arn></GetXResult><ResponseMetadata><RequestId>id-1</RequestId>\
             </ResponseMetadata></GetXResponse>"
        ));
    }

    #[test]
    fn each_protocol_words_an_error_its_own_way() {
        let error = ApiError::new(403, "Nope", "a < b");
        assert_eq!(
            text(failure(Service::Ec2, "id-1", &error)),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>\
             <Code>Nope</Code><Message>a &lt; b</Message></Error></Errors>\
             <RequestID>id-1</RequestID></Response>"
        );
        assert_eq!(
            text(failure(Service::Iam, "id-1", &error)),
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error>\
             <Type>Sender</Type><Code>Nope</Code><Message>a &lt; b</Message></Error>\
             <RequestId>id-1</RequestId></ErrorResponse>"
        );
        assert_eq!(text(failure(Service::Ssm, "id-1", &error)), r#"{"Message":"a < b","__type":"Nope"}"#);
    }
}
