//! The [`Objects`] port: one signed PUT.
//!
//! S3's own SDK crate turns on features of the crates that all services share, and is large; one small
//! file needs one request.
//!
//! Source: Amazon S3 API reference, "PutObject".

use async_trait::async_trait;
use aws_smithy_runtime_api::client::result::SdkError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fleetwright_model::{Cell, Failure};
use fleetwright_ports::Objects;
use sha2::{Digest, Sha256};

use crate::Aws;
use crate::clients::Connection;
use crate::operations::PUT_OBJECT;
use crate::signed::{Answer, Request, Signer};

/// The header in which S3 names the region a bucket is in, where it was asked in another.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// The header with the content's SHA-256, in base64. Buckets with Object Lock take nothing without a checksum.
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// Sends the file, a second time where S3 says that the bucket is in another region.
async fn put(signer: Signer, upload: Request) -> Answer {
    let here = signer.region();
    let answer = signer.send_to(&here, upload.clone()).await;
    let elsewhere = match &answer {
        Err(SdkError::ServiceError(refused)) => refused.raw().headers().get(BUCKET_REGION),
        _ => None,
    };
    match elsewhere.filter(|region| *region != here).map(str::to_owned) {
        Some(region) => signer.send_to(&region, upload).await,
        None => answer,
    }
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
        let connection: Connection<'_, Signer> = self.at(cell.zone, &cell.region);
        let checksum = STANDARD.encode(Sha256::digest(content));
        let headers = vec![(CHECKSUM, checksum)];
        let upload = Request { service: "s3", method: "PUT", path, headers, body: content.to_vec() };
        let object = format!("arn:{}:s3:::{bucket}/{key}", cell.region.partition()).into();
        let send = |signer: &Signer| put(signer.clone(), upload.clone());
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
