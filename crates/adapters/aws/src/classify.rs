//! From the SDK's errors to ours: what kind of failure, under which code, in whose words.
//!
//! Sources: EC2 API reference "Error codes", Systems Manager and STS "Common errors".

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use fleetwright_model::code::{self, Code};
use fleetwright_model::{ErrorClass, Failure};

use crate::connector::{ConnectionLost, EndpointError};
use crate::operation::Operation;

/// An error of the SDK without its types: everything classification looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) stage: Stage,
    /// HTTP status of the answer, where there was one.
    pub(crate) status: Option<u16>,
    /// The service's error code.
    pub(crate) service_code: Option<String>,
    /// The service's message, or the chain of causes.
    pub(crate) message: String,
    pub(crate) request_id: Option<String>,
}

/// How far a request came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It was never built.
    #[default]
    Building,
    /// No connection, so that nothing was sent.
    Connecting,
    /// It was not delivered, and the SDK does not say whether nothing of it was sent.
    Dispatching,
    /// The connection broke.
    Transfer,
    /// No answer in time.
    Waiting,
    /// An answer that cannot be read.
    Reading,
    /// The service said no.
    Refused,
}

/// How much of a body that cannot be read is shown, in characters.
const BODY_EXCERPT: usize = 160;

/// Takes an error of the SDK apart.
pub(crate) fn trouble<E>(error: SdkError<E, HttpResponse>) -> Trouble
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let request_id = error.request_id().map(str::to_owned);
    match error {
        SdkError::TimeoutError(_) => {
            Trouble { stage: Stage::Waiting, message: chain(&error), ..Trouble::default() }
        }
        SdkError::DispatchFailure(_) => undelivered(&error),
        SdkError::ResponseError(_) => {
            let cause = error.source().map(chain);
            match error.raw_response() {
                Some(raw) => unreadable(raw, cause.as_deref(), request_id),
                None => Trouble {
                    stage: Stage::Reading,
                    message: cause.unwrap_or_default(),
                    ..Trouble::default()
                },
            }
        }
        SdkError::ServiceError(context) => {
            let meta = context.err().meta();
            if meta.code().is_none() {
                return unreadable(context.raw(), None, request_id);
            }
            Trouble {
                stage: Stage::Refused,
                status: Some(context.raw().status().as_u16()),
                service_code: meta.code().map(str::to_owned),
                message: meta.message().unwrap_or("no message").to_owned(),
                request_id: request_id.or_else(|| meta.request_id().map(str::to_owned)),
            }
        }
        _ => Trouble { stage: Stage::Building, message: chain(&error), ..Trouble::default() },
    }
}

/// A request that did not arrive, or whose answer did not.
fn undelivered(error: &(dyn Error + 'static)) -> Trouble {
    let text = chain(endpoint_error(error).map_or(error, |endpoint| endpoint as &dyn Error));
    match unusable_endpoint(&text) {
        Some(message) => Trouble { stage: Stage::Building, message, ..Trouble::default() },
        None => Trouble { stage: dispatch_stage(error), message: text, ..Trouble::default() },
    }
}

/// What names the endpoint, somewhere among the causes.
fn endpoint_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e EndpointError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// An endpoint setting that is no URL. The SDK's words for it show the whole request, which may hold
/// an external id: they are left out.
fn unusable_endpoint(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("failed to apply endpoint `")?;
    let (endpoint, rest) = rest.split_once('`')?;
    let cause = rest.rsplit("`: ").next().filter(|cause| !cause.contains("Request {")).unwrap_or("not a URL");
    Some(format!("endpoint {endpoint:?} cannot be used: {cause}"))
}

/// No answer within our own limit.
pub(crate) fn timed_out(limit: std::time::Duration) -> Trouble {
    let message = format!("no answer within {} s", limit.as_secs_f64());
    Trouble { stage: Stage::Waiting, message, ..Trouble::default() }
}

fn unreadable(raw: &HttpResponse, cause: Option<&str>, request_id: Option<String>) -> Trouble {
    let status = raw.status().as_u16();
    let mut message = format!("HTTP {status} with an answer that cannot be read");
    if let Some(cause) = cause {
        message = format!("{message}: {cause}");
    }
    // What was meant to be a success may hold credentials.
    let shown = if raw.status().is_success() { None } else { raw.body().bytes() };
    let body = shown.map(String::from_utf8_lossy).unwrap_or_default();
    let words: Vec<&str> = body.split_whitespace().collect();
    let excerpt: String = words.join(" ").chars().take(BODY_EXCERPT).collect();
    if !excerpt.is_empty() {
        message = format!("{message}: {excerpt}");
    }
    Trouble { stage: Stage::Reading, status: Some(status), message, request_id, ..Trouble::default() }
}

/// The error and its causes, without repeating what a cause says again.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// Whether a failed dispatch never connected, broke off or waited too long.
fn dispatch_stage(error: &(dyn Error + 'static)) -> Stage {
    let mut stage = Stage::Dispatching;
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<ConnectionLost>() {
            return Stage::Transfer;
        }
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            stage = broken(io.kind()).unwrap_or(stage);
        }
        // hyper names the phase only in words: "client error (Connect)" or "(SendRequest)".
        let text = error.to_string();
        if text.contains("(Connect)") || text.contains("connect timeout") {
            return Stage::Connecting;
        }
        if text.contains("(SendRequest)") {
            return Stage::Transfer;
        }
        if text.contains("read timeout") {
            return Stage::Waiting;
        }
        cause = error.source();
    }
    stage
}

fn broken(kind: std::io::ErrorKind) -> Option<Stage> {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        .then_some(Stage::Transfer)
}

impl Trouble {
    /// True unless the request cannot have had an effect: never sent, or clearly refused.
    pub(crate) fn may_have_taken_effect(&self) -> bool {
        match self.stage {
            Stage::Building | Stage::Connecting => false,
            Stage::Dispatching | Stage::Transfer | Stage::Waiting => true,
            Stage::Reading => self.status != Some(429),
            Stage::Refused => {
                let refusal = self.service_code.as_deref().is_some_and(is_capacity);
                !refusal && refused(self).0 == ErrorClass::Transient
            }
        }
    }
}

/// Refusals for want of machines: nothing was begun, and later there may be some.
fn is_capacity(service_code: &str) -> bool {
    matches!(
        service_code,
        "InsufficientInstanceCapacity" | "InsufficientHostCapacity" | "InsufficientCapacity"
    )
}

/// The failure a trouble amounts to.
pub(crate) fn classify(operation: &Operation, trouble: Trouble) -> Failure {
    let (class, code) = judge(&trouble);
    Failure {
        service_code: trouble.service_code,
        request_id: trouble.request_id,
        ..Failure::new(class, code, operation.iam, &trouble.message)
    }
}

fn judge(trouble: &Trouble) -> (ErrorClass, &'static Code) {
    match trouble.stage {
        Stage::Building => building(&trouble.message),
        Stage::Connecting | Stage::Dispatching => (ErrorClass::Transient, &code::UNREACHABLE),
        Stage::Transfer => (ErrorClass::Transient, &code::SERVICE_FAULT),
        Stage::Waiting => (ErrorClass::Transient, &code::CALL_TIMEOUT),
        Stage::Reading => match trouble.status {
            Some(429) => (ErrorClass::Throttled, &code::THROTTLED),
            Some(500..) => (ErrorClass::Transient, &code::SERVICE_FAULT),
            _ => (ErrorClass::Transient, &code::UNEXPECTED_ANSWER),
        },
        Stage::Refused => refused(trouble),
    }
}

/// Requests that could not be built: endpoint settings, or a fault of ours.
fn building(message: &str) -> (ErrorClass, &'static Code) {
    let endpoint = message.to_lowercase().contains("endpoint");
    (ErrorClass::Permanent, if endpoint { &code::UNREACHABLE } else { &code::REQUEST_REFUSED })
}

fn refused(trouble: &Trouble) -> (ErrorClass, &'static Code) {
    let service_code = trouble.service_code.as_deref().unwrap_or_default();
    // Some services append ":" and details, some the word "Exception".
    let name = service_code.split(':').next().unwrap_or_default();
    match name.strip_suffix("Exception").unwrap_or(name) {
        "RequestLimitExceeded"
        | "Throttling"
        | "Throttled"
        | "ThrottledRequest"
        | "KmsThrottling"
        | "RequestThrottled"
        | "TooManyRequests"
        | "RateExceeded"
        | "SlowDown"
        | "BandwidthLimitExceeded"
        | "EC2Throttled"
        | "PriorRequestNotComplete"
        | "ProvisionedThroughputExceeded" => (ErrorClass::Throttled, &code::THROTTLED),
        "SignatureDoesNotMatch" if trouble.message.starts_with("Signature expired") => skewed(),
        "SignatureDoesNotMatch" if trouble.message.starts_with("Signature not yet current") => skewed(),
        "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => skewed(),
        "InvalidSignature" if trouble.message.contains("Signature expired") => skewed(),
        "InvalidSignature" if trouble.message.contains("Signature not yet current") => skewed(),
        "ExpiredToken" | "TokenRefreshRequired" => (ErrorClass::Denied, &code::EXPIRED_CREDENTIALS),
        "UnauthorizedOperation" | "AccessDenied" | "UnauthorizedAccess" | "NotAuthorized" | "Forbidden" => {
            (ErrorClass::Denied, &code::DENIED)
        }
        "OptInRequired" | "RegionDisabled" => (ErrorClass::Denied, &code::REGION_DISABLED),
        "AuthFailure"
        | "UnrecognizedClient"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "IncompleteSignature"
        | "InvalidAccessKeyId"
        | "MissingAuthenticationToken"
        | "InvalidSecurityToken"
        | "Blocked"
        | "PendingVerification" => (ErrorClass::Denied, &code::REJECTED_CREDENTIALS),
        name if is_capacity(name) => (ErrorClass::Transient, &code::LIMIT_REACHED),
        "InvalidAMIName.Duplicate" => (ErrorClass::Conflict, &code::IMAGE_EXISTS),
        "IncorrectInstanceState"
        | "IncorrectState"
        | "IncorrectSpotRequestState"
        | "InvalidSnapshot.InUse"
        | "ScalingActivityInProgress"
        | "InstanceRefreshInProgress"
        | "InvalidAMIID.Unavailable"
        | "Conflict"
        | "PreconditionFailed"
        | "ResourceConflict"
        | "ResourceInUse"
        | "ConcurrentModification"
        | "ExecutionAlreadyExists"
        | "StateMachineAlreadyExists"
        | "StateMachineDeleting" => (ErrorClass::Conflict, &code::RESOURCE_STATE),
        "InstanceLimitExceeded"
        | "VcpuLimitExceeded"
        | "ResourceLimitExceeded"
        | "SnapshotLimitExceeded"
        | "VolumeLimitExceeded"
        | "AMILimitExceeded"
        | "ResourceCountExceeded"
        | "ConcurrentSnapshotLimitExceeded"
        | "SnapshotCreationPerVolumeRateExceeded"
        | "PendingSnapshotLimitExceeded"
        | "LimitExceeded"
        | "LimitExceededFault"
        | "CodeStorageExceeded"
        | "ENILimitReached"
        | "ExecutionLimitExceeded"
        | "StateMachineLimitExceeded"
        | "ServiceQuotaExceeded"
        | "MaxSpotInstanceCountExceeded" => (ErrorClass::Conflict, &code::LIMIT_REACHED),
        // Systems Manager says so of what is to be tagged.
        "InvalidResourceId" | "InvalidInstanceId" | "InvalidCommandId" => {
            (ErrorClass::NotFound, &code::NOT_FOUND)
        }
        "AWSOrganizationsNotInUse" => (ErrorClass::NotFound, &code::NO_ORGANIZATION),
        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "InternalServer"
        | "InternalService"
        | "Unavailable"
        | "ServiceUnavailable"
        | "RequestTimeout"
        | "ResourceContention"
        | "ServerUnavailable" => (ErrorClass::Transient, &code::SERVICE_FAULT),
        _ if trouble.status == Some(429) => (ErrorClass::Throttled, &code::THROTTLED),
        _ if trouble.status.is_some_and(|status| status >= 500) => {
            (ErrorClass::Transient, &code::SERVICE_FAULT)
        }
        name if name.ends_with("NotFound") || name.ends_with("DoesNotExist") || name == "NoSuchEntity" => {
            (ErrorClass::NotFound, &code::NOT_FOUND)
        }
        _ => (ErrorClass::Permanent, &code::REQUEST_REFUSED),
    }
}

fn skewed() -> (ErrorClass, &'static Code) {
    (ErrorClass::Denied, &code::CLOCK_SKEW)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::DESCRIBE_INSTANCES;

    fn refusal(status: u16, service_code: &str, message: &str) -> Failure {
        let trouble = Trouble {
            stage: Stage::Refused,
            status: Some(status),
            service_code: Some(service_code.to_owned()),
            message: message.to_owned(),
            request_id: Some("r-1".to_owned()),
        };
        classify(&DESCRIBE_INSTANCES, trouble)
    }

    #[test]
    fn the_services_words_for_the_same_thing_are_one_class_and_code() {
        let table: &[(u16, &str, ErrorClass, &Code)] = &[
            (503, "RequestLimitExceeded", ErrorClass::Throttled, &code::THROTTLED),
            (400, "ThrottlingException", ErrorClass::Throttled, &code::THROTTLED),
            (400, "TooManyRequestsException", ErrorClass::Throttled, &code::THROTTLED),
            (400, "RateExceeded", ErrorClass::Throttled, &code::THROTTLED),
            (409, "ResourceInUseException", ErrorClass::Conflict, &code::RESOURCE_STATE),
            (400, "InvalidStateException", ErrorClass::Permanent, &code::REQUEST_REFUSED),
            (500, "InternalError", ErrorClass::Transient, &code::SERVICE_FAULT),
            (503, "Unavailable", ErrorClass::Transient, &code::SERVICE_FAULT),
            (502, "SomethingNew", ErrorClass::Transient, &code::SERVICE_FAULT),
            (403, "UnauthorizedOperation", ErrorClass::Denied, &code::DENIED),
            (400, "AccessDeniedException", ErrorClass::Denied, &code::DENIED),
            (401, "AuthFailure", ErrorClass::Denied, &code::REJECTED_CREDENTIALS),
            (400, "UnrecognizedClientException", ErrorClass::Denied, &code::REJECTED_CREDENTIALS),
            (403, "InvalidClientTokenId", ErrorClass::Denied, &code::REJECTED_CREDENTIALS),
            (401, "OptInRequired", ErrorClass::Denied, &code::REGION_DISABLED),
            (400, "ExpiredTokenException", ErrorClass::Denied, &code::EXPIRED_CREDENTIALS),
            (400, "InvalidInstanceID.NotFound", ErrorClass::NotFound, &code::NOT_FOUND),
            (400, "InvalidInstanceId", ErrorClass::NotFound, &code::NOT_FOUND),
            (400, "InvocationDoesNotExist", ErrorClass::NotFound, &code::NOT_FOUND),
            (400, "ExecutionDoesNotExist", ErrorClass::NotFound, &code::NOT_FOUND),
            (400, "StateMachineDoesNotExist", ErrorClass::NotFound, &code::NOT_FOUND),
            (400, "StateMachineAlreadyExists", ErrorClass::Conflict, &code::RESOURCE_STATE),
            (400, "ExecutionLimitExceeded", ErrorClass::Conflict, &code::LIMIT_REACHED),
            (400, "InvalidAMIID.NotFound", ErrorClass::NotFound, &code::NOT_FOUND),
            (400, "InvalidAMIName.Duplicate", ErrorClass::Conflict, &code::IMAGE_EXISTS),
            (400, "InstanceRefreshInProgress", ErrorClass::Conflict, &code::RESOURCE_STATE),
            (400, "ActiveInstanceRefreshNotFound", ErrorClass::NotFound, &code::NOT_FOUND),
            (400, "IncorrectInstanceState", ErrorClass::Conflict, &code::RESOURCE_STATE),
            (400, "InvalidSnapshot.InUse", ErrorClass::Conflict, &code::RESOURCE_STATE),
            (400, "InstanceLimitExceeded", ErrorClass::Conflict, &code::LIMIT_REACHED),
            (500, "InsufficientInstanceCapacity", ErrorClass::Transient, &code::LIMIT_REACHED),
            (400, "InvalidParameterValue", ErrorClass::Permanent, &code::REQUEST_REFUSED),
        ];
        for (status, name, class, code) in table {
            let failure = refusal(*status, name, "words");
            assert_eq!((failure.class, failure.code.id), (*class, code.id), "{name}");
            assert_eq!(failure.service_code.as_deref(), Some(*name));
            assert_eq!(failure.request_id.as_deref(), Some("r-1"));
        }
    }

    #[test]
    fn only_what_was_never_sent_or_clearly_refused_is_sure_to_have_no_effect() {
        let refusal = |status: u16, service_code: &str| Trouble {
            stage: Stage::Refused,
            status: Some(status),
            service_code: Some(service_code.to_owned()),
            ..Trouble::default()
        };
        let at = |stage: Stage, status: Option<u16>| Trouble { stage, status, ..Trouble::default() };
        for (trouble, doubt) in [
            (at(Stage::Building, None), false),
            (at(Stage::Connecting, None), false),
            (at(Stage::Dispatching, None), true),
            (at(Stage::Transfer, None), true),
            (at(Stage::Waiting, None), true),
            (at(Stage::Reading, Some(200)), true),
            (at(Stage::Reading, Some(502)), true),
            (at(Stage::Reading, Some(429)), false),
            (refusal(503, "RequestLimitExceeded"), false),
            (refusal(400, "InvalidAMIName.Duplicate"), false),
            (refusal(400, "ExpiredTokenException"), false),
            (refusal(500, "InsufficientInstanceCapacity"), false),
            (refusal(500, "InternalError"), true),
            (refusal(503, "Unavailable"), true),
        ] {
            assert_eq!(trouble.may_have_taken_effect(), doubt, "{trouble:?}");
        }
    }

    #[test]
    fn a_signature_that_is_out_of_time_is_a_wrong_clock_not_a_wrong_secret() {
        let late = refusal(
            403,
            "SignatureDoesNotMatch",
            "Signature expired: 20261101T000000Z is now earlier than …",
        );
        assert_eq!(late.code.id, code::CLOCK_SKEW.id);
        let wrong =
            refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match");
        assert_eq!(wrong.code.id, code::REJECTED_CREDENTIALS.id);
    }

    #[test]
    fn an_endpoint_that_is_no_url_is_named_without_the_request() {
        let words = "dispatch failure: other: failed to apply endpoint `nowhere` to request `Request { body: \
                     SdkBody { inner: Once(Some(b\"Action=AssumeRole&ExternalId=canary\")) } }`: endpoint must contain scheme";
        let message = unusable_endpoint(words).expect("recognised");
        assert_eq!(message, "endpoint \"nowhere\" cannot be used: endpoint must contain scheme");
        let cut = unusable_endpoint(&words[..words.len() - 40]).expect("recognised");
        assert!(!cut.contains("canary"), "{cut}");
        let failure =
            classify(&DESCRIBE_INSTANCES, Trouble { stage: Stage::Building, message, ..Trouble::default() });
        assert_eq!((failure.class, failure.code.id), (ErrorClass::Permanent, code::UNREACHABLE.id));
    }

    #[test]
    fn a_cause_that_repeats_its_effect_is_told_once() {
        let inner = std::io::Error::other("connection refused");
        let outer = std::io::Error::other(inner);
        assert_eq!(chain(&outer), "connection refused");
    }
}
