//! Reading restXml requests, which only S3 speaks here: the bucket and the key from the address, the
//! operation from the method and the parameters, the body as it was meant.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

use crate::call::ApiError;
use crate::wire::aws_chunked;

/// A restXml request with its parts told apart.
#[derive(Clone, Debug, Default)]
pub struct RestRequest {
    /// The bucket; empty where the request is about all of them.
    pub bucket: String,
    /// The object's key; empty where the request is about the bucket.
    pub key: String,
    /// Parameters of the query string, decoded; one without a value is empty.
    pub query: BTreeMap<String, String>,
    /// The headers, and behind them the trailers of a chunked body.
    pub headers: HeaderMap,
    /// The body, out of its chunks.
    pub body: Bytes,
}

impl RestRequest {
    /// A header's value, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A parameter's value.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

/// Parameters that make another operation of the same method and address, none of which the estate
/// answers but `list-type`.
const SUBRESOURCES: [&str; 26] = [
    "acl",
    "attributes",
    "accelerate",
    "analytics",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "tagging",
    "uploadId",
    "uploads",
    "versioning",
];

/// Reads a request: the operation's name and its parts.
///
/// # Errors
/// What S3 answers to a request that cannot be read, or that the estate has no operation for.
pub fn read(parts: &Parts, body: &Bytes) -> Result<(String, RestRequest), ApiError> {
    let host = parts.headers.get(http::header::HOST).and_then(|value| value.to_str().ok());
    let host = host.or_else(|| parts.uri.host()).unwrap_or_default();
    let (bucket, key) = address(host, parts.uri.path())?;
    let query = query(parts.uri.query().unwrap_or_default())?;
    let (body, trailers) = aws_chunked::read(&parts.headers, body)?;
    let mut headers = parts.headers.clone();
    headers.extend(trailers);
    let request = RestRequest { bucket, key, query, headers, body };
    Ok((operation(&parts.method, &request)?.to_owned(), request))
}

fn operation(method: &Method, request: &RestRequest) -> Result<&'static str, ApiError> {
    if let Some(odd) = SUBRESOURCES.into_iter().find(|name| request.query.contains_key(*name)) {
        return Err(not_implemented(&format!("the parameter {odd}")));
    }
    match (method.as_str(), request.bucket.is_empty(), request.key.is_empty()) {
        ("GET", true, _) => Ok("ListBuckets"),
        ("PUT", false, true) => Ok("CreateBucket"),
        ("GET", false, true) if request.parameter("list-type") == Some("2") => Ok("ListObjectsV2"),
        ("PUT", false, false) => Ok("PutObject"),
        ("GET", false, false) => Ok("GetObject"),
        ("HEAD", false, false) => Ok("HeadObject"),
        ("DELETE", false, false) => Ok("DeleteObject"),
        (method, _, true) => Err(not_implemented(&format!("{method} of a bucket"))),
        (method, ..) => Err(not_implemented(&format!("{method} of an object"))),
    }
}

fn not_implemented(what: &str) -> ApiError {
    let message = format!(
        "A header you provided implies functionality that is not implemented: the estate's S3 does not answer {what}"
    );
    ApiError::new(501, "NotImplemented", message)
}

/// The bucket and the key: in the host name where that has one, else both in the path.
fn address(host: &str, path: &str) -> Result<(String, String), ApiError> {
    let invalid = || ApiError::new(400, "InvalidURI", "Couldn't parse the specified URI.");
    let path = path.strip_prefix('/').unwrap_or(path);
    let decoded = |text: &str| {
        percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| invalid())
    };
    match bucket_in_host(host) {
        Some(bucket) => Ok((bucket.to_owned(), decoded(path)?)),
        None => {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            Ok((decoded(bucket)?, decoded(key)?))
        }
    }
}

/// The bucket that a host name begins with: before `.localhost`, or before `.s3` of AWS's own names.
/// Bucket names may have dots themselves.
fn bucket_in_host(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let before = match name.strip_suffix(".amazonaws.com") {
        Some(ours) => {
            let region_off = match ours.rsplit_once('.') {
                Some((rest, last)) if last != "s3" => rest,
                _ => ours,
            };
            return region_off.strip_suffix(".s3").filter(|bucket| !bucket.is_empty());
        }
        None => name.strip_suffix(".localhost")?,
    };
    let bucket = before.strip_suffix(".s3").unwrap_or(before);
    (!bucket.is_empty() && bucket != "s3").then_some(bucket)
}

fn query(text: &str) -> Result<BTreeMap<String, String>, ApiError> {
    Ok(pairs(text)?.into_iter().collect())
}

/// The parameters of a query string, decoded, as they came.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, ApiError> {
    let decoded = |part: &str| {
        percent_decode_str(&part.replace('+', " "))
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| ApiError::new(400, "InvalidArgument", "The query string is not UTF-8."))
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| Ok((decoded(name)?, decoded(value)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_in_the_path_or_in_the_host_name() {
        let cases = [
            ("127.0.0.1:4566", "/b/k/l%20m", ("b", "k/l m")),
            ("localhost:4566", "/b", ("b", "")),
            ("b.localhost:4566", "/k/l", ("b", "k/l")),
            ("b.c.s3.localhost:4566", "/k", ("b.c", "k")),
            ("s3.localhost", "/b/k", ("b", "k")),
            ("s3.eu-central-1.amazonaws.com", "/b/k", ("b", "k")),
            ("b.c.s3.eu-central-1.amazonaws.com", "/k", ("b.c", "k")),
            ("b.s3.amazonaws.com", "/", ("b", "")),
            ("s3.amazonaws.com", "/", ("", "")),
        ];
        for (host, path, (bucket, key)) in cases {
            let found = address(host, path).expect("an address");
            assert_eq!((found.0.as_str(), found.1.as_str()), (bucket, key), "{host}{path}");
        }
    }

    #[test]
    fn what_the_estate_does_not_answer_is_refused_rather_than_mistaken() {
        let code = |request: http::request::Builder| {
            let parts = request.body(()).expect("a request").into_parts().0;
            read(&parts, &Bytes::new()).map(|(action, _)| action).map_err(|error| error.code)
        };
        assert_eq!(code(http::Request::put("/b/k")), Ok("PutObject".to_owned()));
        assert_eq!(code(http::Request::get("/b?list-type=2&prefix=a")), Ok("ListObjectsV2".to_owned()));
        assert_eq!(code(http::Request::get("/b?prefix=a")), Err("NotImplemented".into()));
        assert_eq!(code(http::Request::post("/b/k?uploads")), Err("NotImplemented".into()));
        assert_eq!(code(http::Request::get("/b/%ff")), Err("InvalidURI".into()));
    }
}
