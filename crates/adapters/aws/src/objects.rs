//! The [`Objects`] port: one signed PUT.
//!
//! S3's own SDK crate turns on features of the crates that all services share, and is large; one small
//! file needs one request. It is signed as every other (Signature Version 4) and sent, paced, limited
//! and classified as every other.
//!
//! Source: Amazon S3 API reference, "PutObject", "Authenticating requests".

use std::fmt;

use async_trait::async_trait;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_ec2::config::retry::RetryPartition;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
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
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleetwright_model::{Cell, Failure};
use fleetwright_ports::Objects;
use sha2::{Digest, Sha256};

use crate::Aws;
use crate::clients::{Connection, SdkClient};
use crate::operations::PUT_OBJECT;

/// The header in which S3 names the region a bucket is in, where it was asked in another.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// The header with the content's SHA-256, in base64. Buckets with Object Lock take nothing without a checksum.
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// What requests to S3 are made with.
#[derive(Clone)]
pub(crate) struct Storage {
    config: SdkConfig,
}

impl SdkClient for Storage {
    fn build(config: &SdkConfig, _: RetryPartition) -> Self {
        Self { config: config.clone() }
    }
}

/// A file on its way.
#[derive(Clone)]
struct Upload {
    path: String,
    content: Vec<u8>,
}

impl Upload {
    fn checksum(&self) -> String {
        STANDARD.encode(Sha256::digest(&self.content))
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What S3 answers to a file that it has taken.
#[derive(Debug)]
struct Stored {
    request_id: Option<String>,
}

impl RequestId for Stored {
    fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

type Answer = Result<Stored, SdkError<ErrorMetadata, HttpResponse>>;

impl Storage {
    /// Sends the file, a second time where S3 says that the bucket is in another region.
    async fn put(self, upload: Upload) -> Answer {
        let here = self.config.region().map(ToString::to_string).unwrap_or_default();
        let answer = self.put_in(&here, upload.clone()).await;
        let elsewhere = match &answer {
            Err(SdkError::ServiceError(refused)) => refused.raw().headers().get(BUCKET_REGION),
            _ => None,
        };
        match elsewhere.filter(|region| *region != here).map(str::to_owned) {
            Some(region) => self.put_in(&region, upload).await,
            None => answer,
        }
    }

    async fn put_in(&self, region: &str, upload: Upload) -> Answer {
        let signed = self.signed(region, &upload).await.map_err(SdkError::construction_failure)?;
        let Some(http) = self.config.http_client() else {
            return Err(SdkError::construction_failure("no HTTP client is configured"));
        };
        let mut operation = Operation::builder()
            .service_name("s3")
            .operation_name("PutObject")
            .http_client(http)
            .endpoint_url(&self.endpoint(region))
            .no_auth()
            .no_retry()
            .timeout_config(TimeoutConfig::disabled());
        if let Some(sleep) = self.config.sleep_impl() {
            operation = operation.sleep_impl(sleep);
        }
        if let Some(time) = self.config.time_source() {
            operation = operation.time_source(time);
        }
        let operation = operation
            .serializer(move |upload: Upload| request(&upload, &signed))
            .deserializer(|answer: &HttpResponse| match answer.status().is_success() {
                true => Ok(Stored { request_id: answer.headers().request_id().map(str::to_owned) }),
                false => Err(OrchestratorError::operation(refusal(answer))),
            })
            .build();
        operation.invoke(upload).await
    }

    /// Where S3 is in that region, without a path.
    fn endpoint(&self, region: &str) -> String {
        if let Some(url) = self.config.endpoint_url() {
            return url.trim_end_matches('/').to_owned();
        }
        let fips = if self.config.use_fips() == Some(true) { "-fips" } else { "" };
        let dual = if self.config.use_dual_stack() == Some(true) { ".dualstack" } else { "" };
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://s3{fips}{dual}.{region}.{suffix}")
    }

    /// The headers that sign the request.
    async fn signed(&self, region: &str, upload: &Upload) -> Result<Vec<(String, String)>, BoxError> {
        let provider = self.config.credentials_provider().ok_or("no credentials are configured")?;
        let identity = provider.provide_credentials().await?.into();
        let time = self.config.time_source().ok_or("no clock is configured")?;
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("s3")
            .time(time.now())
            .settings(settings)
            .build()?
            .into();
        let url = format!("{}{}", self.endpoint(region), upload.path);
        let body = SignableBody::Bytes(&upload.content);
        let checksum = upload.checksum();
        let headers = std::iter::once((CHECKSUM, checksum.as_str()));
        let signable = SignableRequest::new("PUT", url, headers, body)?;
        let (instructions, _) = sign(signable, &parameters)?.into_parts();
        let (headers, _) = instructions.into_parts();
        Ok(headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned())).collect())
    }
}

fn request(upload: &Upload, signed: &[(String, String)]) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(upload.content.clone()));
    request.set_method("PUT")?;
    request.set_uri(upload.path.as_str())?;
    request.headers_mut().insert(CHECKSUM, upload.checksum());
    for (name, value) in signed {
        request.headers_mut().insert(name.clone(), value.clone());
    }
    Ok(request)
}

/// What S3 said: an XML document of a handful of elements.
fn refusal(answer: &HttpResponse) -> ErrorMetadata {
    let body = answer.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text.to_owned())
    };
    let mut meta = ErrorMetadata::builder();
    let message = element("Message").unwrap_or_else(|| "no message".to_owned());
    let status = answer.status().as_u16();
    meta = meta.code(element("Code").unwrap_or_else(|| format!("HTTP{status}"))).message(message);
    meta.build()
}

/// The path of a key, where nothing in it needs escaping: neither buckets nor our keys do.
fn path(bucket: &str, key: &str) -> Option<String> {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    };
    let segments = key.split('/').all(|segment| plain(segment) && segment != "." && segment != "..");
    (plain(bucket) && segments).then(|| format!("/{bucket}/{key}"))
}

#[async_trait]
impl Objects for Aws {
    async fn put(&self, cell: &Cell<'_>, bucket: &str, key: &str, content: &[u8]) -> Result<(), Failure> {
        let Some(path) = path(bucket, key) else {
            let words =
                format!("s3://{bucket}/{key} is not a name of letters, digits, '-', '.', '_' and '/'");
            return Err(Failure::new(
                fleetwright_model::ErrorClass::Permanent,
                &fleetwright_model::code::REQUEST_REFUSED,
                PUT_OBJECT.iam,
                &words,
            ));
        };
        let connection: Connection<'_, Storage> = self.at(cell.zone, &cell.region);
        let upload = Upload { path, content: content.to_vec() };
        let object = format!("arn:{}:s3:::{bucket}/{key}", cell.region.partition()).into();
        let send = |storage: &Storage| storage.clone().put(upload.clone());
        connection.change(&PUT_OBJECT, &[object], send).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn only_names_that_need_no_escaping_have_a_path() {
        assert_eq!(path("lists", "a/b-1.yaml").as_deref(), Some("/lists/a/b-1.yaml"));
        for (bucket, key) in
            [("", "a"), ("lists", ""), ("lists", "a//b"), ("lists", "../a"), ("l/x", "a"), ("l", "ä")]
        {
            assert_eq!(path(bucket, key), None, "{bucket} {key}");
        }
    }
}
