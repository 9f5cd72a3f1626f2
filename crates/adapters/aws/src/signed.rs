//! Requests that are signed here (Signature Version 4), for services of which a handful of calls is needed: an SDK
//! crate for each would cost more than it gives. They are sent, paced, limited and classified as every other.
//!
//! Sources: AWS General Reference, "Signing AWS API requests"; Amazon S3 API reference, "Authenticating requests".

use std::fmt;
use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_ec2::config::retry::RetryPartition;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::request_id::RequestId;
use aws_types::service_config::ServiceConfigKey;

use jiff::Timestamp;

use crate::clients::SdkClient;

/// What requests are signed and sent with.
#[derive(Clone)]
pub(crate) struct Signer {
    config: SdkConfig,
}

impl SdkClient for Signer {
    fn build(config: &SdkConfig, _: RetryPartition) -> Self {
        Self { config: config.clone() }
    }
}

/// A request on its way.
#[derive(Clone)]
pub(crate) struct Request {
    /// As the service is named in its endpoint and in signatures.
    pub(crate) service: &'static str,
    pub(crate) method: &'static str,
    /// The path with the query, escaped already.
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A call in JSON of the service whose operations are named so: `Prefix.Operation`.
    pub(crate) fn json(
        service: &'static str,
        version: &'static str,
        target: String,
        body: &serde_json::Value,
    ) -> Self {
        let headers =
            vec![("content-type", format!("application/x-amz-json-{version}")), ("x-amz-target", target)];
        Self { service, method: "POST", path: "/".to_owned(), headers, body: body.to_string().into_bytes() }
    }
}

/// Headers and body may be anybody's business.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Request");
        shown.field("service", &self.service).field("path", &self.path).finish_non_exhaustive()
    }
}

/// What a service answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) body: Vec<u8>,
    request_id: Option<String>,
    /// The headers that are AWS's own.
    headers: Vec<(String, String)>,
}

impl Answered {
    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header that is AWS's own, by its name in small letters: `x-amz-…`.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl RequestId for Answered {
    fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

/// An answer, or why there is none.
pub(crate) type Answer = Result<Answered, SdkError<ErrorMetadata, HttpResponse>>;

impl Signer {
    /// The region requests go to where nothing else is said.
    pub(crate) fn region(&self) -> String {
        self.config.region().map(ToString::to_string).unwrap_or_default()
    }

    /// Sends a request to the region's endpoint.
    pub(crate) async fn send(self, request: Request) -> Answer {
        let region = self.region();
        self.send_to(&region, request).await
    }

    /// Sends a request to another region's endpoint.
    pub(crate) async fn send_to(&self, region: &str, request: Request) -> Answer {
        let endpoint = self.endpoint(request.service, region);
        let signed = self.signature(region, &endpoint, &request).await;
        let signed = signed.map_err(SdkError::construction_failure)?;
        let Some(http) = self.config.http_client() else {
            return Err(SdkError::construction_failure("no HTTP client is configured"));
        };
        let mut sending = Operation::builder()
            .service_name(request.service)
            .operation_name("Signed")
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
            .serializer(move |request: Request| on_the_wire(request, &signed))
            .deserializer(|answer: &HttpResponse| match answer.status().is_success() {
                true => Ok(Answered {
                    body: answer.body().bytes().unwrap_or_default().to_vec(),
                    request_id: answer.headers().request_id().map(str::to_owned),
                    headers: own_headers(answer),
                }),
                false => Err(OrchestratorError::operation(refusal(answer))),
            })
            .build();
        sending.invoke(request).await
    }

    /// Where the service is in that region, without a path.
    fn endpoint(&self, service: &str, region: &str) -> String {
        if let Some(url) = self.own_endpoint(service) {
            return url.trim_end_matches('/').to_owned();
        }
        if let Some(url) = self.config.endpoint_url() {
            return url.trim_end_matches('/').to_owned();
        }
        let fips = self.config.use_fips() == Some(true);
        // EKS names its FIPS endpoints the other way round (AWS General Reference, "Amazon EKS endpoints").
        let (before, fips) = match (fips, service) {
            (true, "eks") => ("fips.", ""),
            (true, _) => ("", "-fips"),
            (false, _) => ("", ""),
        };
        // Of these services, only S3 has dual-stack endpoints under the same domain.
        let dual = service == "s3" && self.config.use_dual_stack() == Some(true);
        let dual = if dual { ".dualstack" } else { "" };
        // Bedrock has another endpoint for what models do than the name that requests are signed with.
        let service = if service == "bedrock" { "bedrock-runtime" } else { service };
        format!("https://{before}{service}{fips}{dual}.{region}.{}", suffix(region))
    }

    /// Where environment or profile say that this service alone is: `AWS_ENDPOINT_URL_SFN` and the like (AWS SDKs and Tools
    /// Reference Guide, "Service-specific endpoints").
    fn own_endpoint(&self, service: &str) -> Option<String> {
        let id = match service {
            "bedrock" => "Bedrock Runtime",
            "cloudformation" => "CloudFormation",
            "dynamodb" => "DynamoDB",
            "eks" => "EKS",
            "events" => "EventBridge",
            "kms" => "KMS",
            "lambda" => "Lambda",
            "logs" => "CloudWatch Logs",
            "s3" => "S3",
            "secretsmanager" => "Secrets Manager",
            "servicequotas" => "Service Quotas",
            "sns" => "SNS",
            "states" => "SFN",
            _ => return None,
        };
        let key = ServiceConfigKey::builder().service_id(id).env("AWS_ENDPOINT_URL").profile("endpoint_url");
        self.config.service_config()?.load_config(key.build().ok()?)
    }

    /// The URL of AWS's own endpoint of the service in the region, wherever requests of ours go, that holds for a time,
    /// signed with these headers; and when it was signed. Whoever sends them to it is answered as if we had asked.
    pub(crate) async fn presigned(
        &self,
        service: &'static str,
        path: &str,
        headers: &[(&'static str, &str)],
        holds: Duration,
    ) -> Result<(String, Timestamp), BoxError> {
        let region = self.region();
        let url = format!("https://{service}.{region}.{}{path}", suffix(&region));
        let mut settings = settings(service);
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(holds);
        let provider = self.config.credentials_provider().ok_or("no credentials are configured")?;
        let identity = provider.provide_credentials().await?.into();
        let now = self.config.time_source().ok_or("no clock is configured")?.now();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&region)
            .name(service)
            .time(now)
            .settings(settings)
            .build()?
            .into();
        let signable = SignableRequest::new("GET", &url, headers.iter().copied(), SignableBody::Bytes(&[]))?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let (_, query) = instructions.into_parts();
        let pairs: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        Ok((format!("{url}&{}", form(&pairs)), Timestamp::try_from(now)?))
    }

    /// The headers that sign the request.
    async fn signature(
        &self,
        region: &str,
        endpoint: &str,
        request: &Request,
    ) -> Result<Vec<(String, String)>, BoxError> {
        let provider = self.config.credentials_provider().ok_or("no credentials are configured")?;
        let identity = provider.provide_credentials().await?.into();
        let time = self.config.time_source().ok_or("no clock is configured")?;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(request.service)
            .time(time.now())
            .settings(settings(request.service))
            .build()?
            .into();
        let body = SignableBody::Bytes(&request.body);
        let headers = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let url = format!("{endpoint}{}", request.path);
        let signable = SignableRequest::new(request.method, url, headers, body)?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let (headers, _) = instructions.into_parts();
        Ok(headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect())
    }
}

/// What endpoints of a region end with.
fn suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// A text as a part of a path or of a form: whatever is not unreserved (RFC 3986) by its bytes.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

/// A form (application/x-www-form-urlencoded), or a query.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// S3 signs paths as they are, and the checksum of what is sent.
fn settings(service: &str) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    settings
}

fn on_the_wire(request: Request, signed: &[(String, String)]) -> Result<HttpRequest, BoxError> {
    let mut wire = HttpRequest::new(SdkBody::from(request.body));
    wire.set_method(request.method)?;
    wire.set_uri(request.path)?;
    for (name, value) in request.headers {
        wire.headers_mut().insert(name, value);
    }
    for (name, value) in signed {
        wire.headers_mut().insert(name.clone(), value.clone());
    }
    Ok(wire)
}

fn own_headers(answer: &HttpResponse) -> Vec<(String, String)> {
    let own = answer.headers().iter().filter(|(name, _)| name.starts_with("x-amz-"));
    own.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect()
}

/// A text of XML without the entities that XML itself has.
fn unescaped(text: &str) -> String {
    let entities =
        [("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, meant)| text.replace(entity, meant))
}

/// What the service said: some in XML, others in JSON. Those that are asked by path name the error in a header.
/// Source: Smithy, "AWS restJson1 protocol", operation error serialization.
fn refusal(answer: &HttpResponse) -> ErrorMetadata {
    let body = answer.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| unescaped(text))
    };
    let json: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    let member = |name: &str| json.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let header = answer.headers().get("x-amzn-errortype");
    let named = header.and_then(|named| named.split(':').next()).map(str::to_owned);
    let code = element("Code").or_else(|| member("__type")).or(named);
    let code = code.map(|code| code.rsplit('#').next().unwrap_or_default().to_owned());
    let said = element("Message").or_else(|| member("message")).or_else(|| member("Message"));
    ErrorMetadata::builder()
        .code(code.unwrap_or_else(|| format!("HTTP{}", answer.status().as_u16())))
        .message(said.unwrap_or_else(|| "no message".to_owned()))
        .build()
}
