//! The [`Notifier`] port over SNS topics and EventBridge event buses: one signed POST each.
//!
//! As with S3, two SDK crates for one request each would cost more than they give: the requests are
//! signed as every other (Signature Version 4) and sent, paced, limited and classified as every other.
//!
//! Sources: Amazon SNS API reference, "Publish"; Amazon EventBridge API reference, "PutEvents".

use std::fmt;

use async_trait::async_trait;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_ec2::config::retry::RetryPartition;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation as Sending;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::request_id::RequestId;
use fleetwright_model::{ErrorClass, Failure, Region, Text, Zone};
use fleetwright_notify::{Message, shortened};
use fleetwright_ports::{Again, NotSent, Notifier};

use crate::Aws;
use crate::clients::{Connection, SdkClient};
use crate::operation::Operation;
use crate::operations::{PUBLISH, PUT_EVENTS};

/// Characters of a subject.
const SUBJECT: usize = 100;
/// Bytes of the text of an event; an entry may have 256 KiB with everything.
const DETAIL: usize = 32 * 1024;

/// An SNS topic.
pub struct Topic {
    aws: Aws,
    zone: Zone,
    region: Region,
    arn: Text,
}

/// An EventBridge event bus.
pub struct EventBus {
    aws: Aws,
    zone: Zone,
    region: Region,
    arn: Text,
}

impl Topic {
    /// The topic of that ARN, in that region, called as that landing zone.
    pub fn new(aws: Aws, zone: Zone, region: Region, arn: &str) -> Self {
        Self { aws, zone, region, arn: arn.into() }
    }
}

impl EventBus {
    /// The event bus of that ARN, in that region, called as that landing zone.
    pub fn new(aws: Aws, zone: Zone, region: Region, arn: &str) -> Self {
        Self { aws, zone, region, arn: arn.into() }
    }
}

/// What requests to both are made with.
#[derive(Clone)]
pub(crate) struct Messaging {
    config: SdkConfig,
}

impl SdkClient for Messaging {
    fn build(config: &SdkConfig, _: RetryPartition) -> Self {
        Self { config: config.clone() }
    }
}

/// A request on its way.
#[derive(Clone)]
struct Posting {
    service: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: String,
}

impl fmt::Debug for Posting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Posting").field("service", &self.service).finish_non_exhaustive()
    }
}

/// What a service answered.
#[derive(Debug)]
struct Posted {
    body: String,
    request_id: Option<String>,
}

impl RequestId for Posted {
    fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

type Answer = Result<Posted, SdkError<ErrorMetadata, HttpResponse>>;

impl Messaging {
    async fn post(self, posting: Posting) -> Answer {
        let region = self.config.region().map(ToString::to_string).unwrap_or_default();
        let endpoint = self.endpoint(posting.service, &region);
        let signed = self.signed(&region, &endpoint, &posting).await;
        let signed = signed.map_err(SdkError::construction_failure)?;
        let Some(http) = self.config.http_client() else {
            return Err(SdkError::construction_failure("no HTTP client is configured"));
        };
        let mut sending = Sending::builder()
            .service_name(posting.service)
            .operation_name("Post")
            .http_client(http)
            .endpoint_url(&endpoint)
            .no_auth()
            .no_retry()
            .timeout_config(TimeoutConfig::disabled());
        if let Some(sleep) = self.config.sleep_impl() {
            sending = sending.sleep_impl(sleep);
        }
        if let Some(time) = self.config.time_source() {
            sending = sending.time_source(time);
        }
        let sending = sending
            .serializer(move |posting: Posting| request(&posting, &signed))
            .deserializer(|answer: &HttpResponse| match answer.status().is_success() {
                true => Ok(Posted {
                    body: text(answer),
                    request_id: answer.headers().request_id().map(str::to_owned),
                }),
                false => Err(OrchestratorError::operation(refusal(answer))),
            })
            .build();
        sending.invoke(posting).await
    }

    /// Where the service is in that region.
    fn endpoint(&self, service: &str, region: &str) -> String {
        if let Some(url) = self.config.endpoint_url() {
            return url.trim_end_matches('/').to_owned();
        }
        let fips = if self.config.use_fips() == Some(true) { "-fips" } else { "" };
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://{service}{fips}.{region}.{suffix}")
    }

    /// The headers that sign the request.
    async fn signed(
        &self,
        region: &str,
        endpoint: &str,
        posting: &Posting,
    ) -> Result<Vec<(String, String)>, BoxError> {
        let provider = self.config.credentials_provider().ok_or("no credentials are configured")?;
        let identity = provider.provide_credentials().await?.into();
        let time = self.config.time_source().ok_or("no clock is configured")?;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(posting.service)
            .time(time.now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let body = SignableBody::Bytes(posting.body.as_bytes());
        let headers = posting.headers.iter().copied();
        let signable = SignableRequest::new("POST", format!("{endpoint}/"), headers, body)?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let (headers, _) = instructions.into_parts();
        Ok(headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect())
    }
}

fn request(posting: &Posting, signed: &[(String, String)]) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(posting.body.clone()));
    request.set_method("POST")?;
    request.set_uri("/")?;
    for (name, value) in posting.headers {
        request.headers_mut().insert(*name, *value);
    }
    for (name, value) in signed {
        request.headers_mut().insert(name.clone(), value.clone());
    }
    Ok(request)
}

fn text(answer: &HttpResponse) -> String {
    answer.body().bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

/// What the service said: SNS in XML, EventBridge in JSON.
fn refusal(answer: &HttpResponse) -> ErrorMetadata {
    let body = text(answer);
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text.to_owned())
    };
    let json: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    let member = |name: &str| json.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let code = element("Code").or_else(|| member("__type"));
    let code = code.map(|code| code.rsplit('#').next().unwrap_or_default().to_owned());
    let said = element("Message").or_else(|| member("message")).or_else(|| member("Message"));
    ErrorMetadata::builder()
        .code(code.unwrap_or_else(|| format!("HTTP{}", answer.status().as_u16())))
        .message(said.unwrap_or_else(|| "no message".to_owned()))
        .build()
}

/// A form (application/x-www-form-urlencoded).
fn form(pairs: &[(&str, &str)]) -> String {
    let encoded = |text: &str| {
        text.bytes().fold(String::new(), |mut encoded, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    encoded.push(char::from(byte))
                }
                _ => encoded.push_str(&format!("%{byte:02X}")),
            }
            encoded
        })
    };
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// A subject: at most a hundred printable ASCII characters.
fn subject(title: &str) -> String {
    let plain = title.trim_start().chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' });
    plain.take(SUBJECT).collect::<String>().trim_end().to_owned()
}

fn publication(arn: &str, message: &Message) -> Posting {
    let text = format!("{}\n\n{}\n", message.title, message.text);
    let subject = subject(&message.title);
    let mut pairs = vec![
        ("Action", "Publish"),
        ("Version", "2010-03-31"),
        ("TopicArn", arn),
        ("Message", text.as_str()),
        ("MessageAttributes.entry.1.Name", "severity"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", message.severity.as_str()),
    ];
    if !subject.is_empty() {
        pairs.push(("Subject", &subject));
    }
    Posting {
        service: "sns",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: form(&pairs),
    }
}

fn events(arn: &str, message: &Message) -> Posting {
    let detail = serde_json::json!({
        "id": message.id,
        "run": &*message.run,
        "severity": message.severity.as_str(),
        "title": message.title,
        "text": shortened(&message.text, DETAIL),
        "facts": message.facts,
        "count": message.count(),
    });
    let entry = serde_json::json!({
        "Source": "fleetwright",
        "DetailType": "fleetwright notification",
        "Detail": detail.to_string(),
        "EventBusName": arn,
        "Time": message.at.as_second(),
    });
    Posting {
        service: "events",
        headers: &[("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "AWSEvents.PutEvents")],
        body: serde_json::json!({ "Entries": [entry] }).to_string(),
    }
}

/// An entry that was not taken although the request was.
fn refused_entry(body: &str) -> Option<NotSent> {
    let answer: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    if answer["FailedEntryCount"] == 0 {
        return None;
    }
    let entry = &answer["Entries"][0];
    let code = entry["ErrorCode"].as_str().unwrap_or("no error code");
    let again = match code {
        "ThrottlingException" | "InternalFailure" => Again::Later,
        _ => Again::Never,
    };
    let said = entry["ErrorMessage"].as_str().unwrap_or_default();
    let message =
        shortened(&fleetwright_notify::line(&format!("events:PutEvents: {code} {said}")), 600).into_owned();
    Some(NotSent { again, message })
}

fn not_sent(failure: &Failure) -> NotSent {
    let again = match failure.class {
        // Being told twice is better than not at all.
        ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::Ambiguous => Again::Later,
        ErrorClass::Denied | ErrorClass::Conflict | ErrorClass::NotFound | ErrorClass::Permanent => {
            Again::Never
        }
    };
    let message = fleetwright_model::redaction::redact(&failure.to_string()).into_owned();
    NotSent { again, message }
}

async fn post(
    aws: &Aws,
    zone: &Zone,
    region: &Region,
    operation: &'static Operation,
    target: &Text,
    posting: Posting,
) -> Result<Posted, NotSent> {
    let connection: Connection<'_, Messaging> = aws.at(zone, region);
    let send = |messaging: &Messaging| messaging.clone().post(posting.clone());
    connection
        .change(operation, std::slice::from_ref(target), send)
        .await
        .map_err(|failure| not_sent(&failure))
}

#[async_trait]
impl Notifier for Topic {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let posting = publication(&self.arn, message);
        post(&self.aws, &self.zone, &self.region, &PUBLISH, &self.arn, posting).await.map(drop)
    }
}

#[async_trait]
impl Notifier for EventBus {
    async fn send(&self, message: &Message) -> Result<(), NotSent> {
        let posting = events(&self.arn, message);
        let posted = post(&self.aws, &self.zone, &self.region, &PUT_EVENTS, &self.arn, posting).await?;
        refused_entry(&posted.body).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_short_and_plain_and_a_form_is_escaped() {
        assert_eq!(subject(" größe\n✓ x "), "gr??e?? x");
        assert_eq!(subject(&"x".repeat(300)).len(), SUBJECT);
        assert_eq!(form(&[("a", "b c&d=é"), ("e", "~")]), "a=b%20c%26d%3D%C3%A9&e=~");
    }

    #[test]
    fn an_event_that_was_not_taken_is_no_success() {
        assert_eq!(refused_entry(r#"{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}"#), None);
        let refused =
            r#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"slow"}]}"#;
        assert_eq!(refused_entry(refused).map(|it| it.again), Some(Again::Later));
        let refused = r#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"NotAuthorizedForSourceException"}]}"#;
        assert_eq!(refused_entry(refused).map(|it| it.again), Some(Again::Never));
        assert!(refused_entry("<html>").is_some());
    }
}
