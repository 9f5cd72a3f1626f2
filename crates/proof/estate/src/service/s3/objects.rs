//! PutObject, GetObject, HeadObject and DeleteObject.

use std::ops::Range;

use bytes::Bytes;
use http::Response;

use super::{answer, bucket, checksum, need, refuse_unmodelled};
use crate::call::{ApiError, Call, Requirement};
use crate::wire::rest::RestRequest;
use crate::world::World;
use crate::world::buckets::Object;

/// Bytes of a key, at most.
const KEY_BYTES_MAX: usize = 1_024;

/// Headers that an object keeps.
const KEPT: [&str; 8] = [
    "cache-control",
    "content-disposition",
    "content-language",
    "content-type",
    "expires",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
];

pub(super) fn put_needs(_: &World, request: &RestRequest) -> Vec<Requirement> {
    vec![need("s3:PutObject", request)]
}

/// Stores an object whole, and checks what the request says of it.
pub(super) fn put(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<Response<Bytes>, ApiError> {
    refuse_unmodelled(request)?;
    if request.key.len() > KEY_BYTES_MAX {
        return Err(ApiError::new(400, "KeyTooLongError", "Your key is too long"));
    }
    let bucket = bucket(world, call, request)?;
    check_condition(bucket.get(&request.key), request)?;
    let checksums = checksum::checked(request)?;
    if bucket.object_lock {
        check_lock(bucket.get(&request.key), request, checksums.is_empty())?;
    }
    let mut headers = kept(request)?;
    headers.extend(checksums.iter().cloned());
    let object = Object::new(request.body.clone(), headers, call.now);
    let mut told = vec![("etag", object.etag()), ("x-amz-server-side-encryption", encryption(&object))];
    told.extend(checksums.iter().map(|(name, value)| (name.as_str(), value.clone())));
    let response = answer(200, &told, Bytes::new());
    bucket.put(&request.key, object);
    Ok(response)
}

/// What Object Lock asks of an upload. A second one under the same key would be a second version, which is
/// not modelled.
/// Source: Amazon S3 User Guide, "Locking objects with Object Lock", uploading objects.
fn check_lock(known: Option<&Object>, request: &RestRequest, unchecked: bool) -> Result<(), ApiError> {
    if unchecked && request.header("content-md5").is_none() {
        let message = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object \
                       Lock parameters";
        return Err(ApiError::new(400, "InvalidRequest", message));
    }
    if known.is_some_and(|known| known.content != request.body) {
        return Err(ApiError::new(501, "NotImplemented", "Versions of locked objects are not implemented"));
    }
    Ok(())
}

/// Conditional writes: only if there is no such object yet, or only over a certain one.
fn check_condition(known: Option<&Object>, request: &RestRequest) -> Result<(), ApiError> {
    let failed = |condition: &str| {
        let mut error = ApiError::new(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        );
        error.details.push(("Condition", condition.to_owned()));
        Err(error)
    };
    match request.header("if-none-match") {
        Some("*") if known.is_some() => return failed("If-None-Match"),
        None | Some("*") => {}
        Some(_) => {
            let message = "A header you provided implies functionality that is not implemented: If-None-Match with \
                           anything but *";
            return Err(ApiError::new(501, "NotImplemented", message));
        }
    }
    match (request.header("if-match"), known) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(no_such_key(&request.key)),
        (Some(etag), Some(object)) if same(etag, object) => Ok(()),
        _ => failed("If-Match"),
    }
}

/// What a request says of its object, in the names it is given back with.
fn kept(request: &RestRequest) -> Result<Vec<(String, String)>, ApiError> {
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        let name = name.as_str();
        let Ok(value) = value.to_str() else { continue };
        if name == "content-encoding" {
            // The chunks of the request are not the object's.
            let own: Vec<&str> =
                value.split(',').map(str::trim).filter(|c| *c != "aws-chunked" && !c.is_empty()).collect();
            if !own.is_empty() {
                headers.push((name.to_owned(), own.join(",")));
            }
        } else if KEPT.contains(&name) || name.starts_with("x-amz-meta-") {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    let algorithm = headers.iter().find(|(name, _)| name == "x-amz-server-side-encryption");
    if let Some((_, algorithm)) = algorithm
        && !matches!(algorithm.as_str(), "AES256" | "aws:kms" | "aws:kms:dsse")
    {
        return Err(ApiError::new(
            400,
            "InvalidEncryptionAlgorithmError",
            "The encryption request you specified is not valid. The valid value is AES256, aws:kms or aws:kms:dsse.",
        ));
    }
    Ok(headers)
}

/// How the object is encrypted: by S3's own keys where nothing else was asked for.
fn encryption(object: &Object) -> String {
    let asked = object.headers.iter().find(|(name, _)| name == "x-amz-server-side-encryption");
    asked.map_or_else(|| "AES256".to_owned(), |(_, value)| value.clone())
}

/// To learn that there is no such object, one has to be allowed to list the bucket.
pub(super) fn get_needs(world: &World, request: &RestRequest) -> Vec<Requirement> {
    let mut needed = vec![need("s3:GetObject", request)];
    let absent = world.buckets.get(&request.bucket).is_some_and(|bucket| bucket.get(&request.key).is_none());
    if absent {
        let whole = RestRequest { bucket: request.bucket.clone(), ..RestRequest::default() };
        needed.push(need("s3:ListBucket", &whole));
    }
    needed
}

/// Gives an object, or a range of it.
pub(super) fn get(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<Response<Bytes>, ApiError> {
    let object = found(world, call, request)?;
    let whole = object.content.len();
    let checksums =
        request.header("x-amz-checksum-mode").is_some_and(|mode| mode.eq_ignore_ascii_case("enabled"));
    let mut headers = facts(object);
    let Some(range) = range(request.header("range"), whole)? else {
        let kept =
            object.headers.iter().filter(|(name, _)| checksums || !name.starts_with("x-amz-checksum-"));
        headers.extend(kept.map(|(name, value)| (name.as_str(), value.clone())));
        return Ok(answer(200, &headers, object.content.clone()));
    };
    let kept = object.headers.iter().filter(|(name, _)| !name.starts_with("x-amz-checksum-"));
    headers.extend(kept.map(|(name, value)| (name.as_str(), value.clone())));
    headers.push(("content-range", format!("bytes {}-{}/{whole}", range.start, range.end - 1)));
    Ok(answer(206, &headers, object.content.slice(range)))
}

/// Tells of an object what GetObject would, without its content.
pub(super) fn head(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<Response<Bytes>, ApiError> {
    let mut response = get(world, call, request)?;
    let length = response.body().len().to_string();
    if let Ok(length) = http::HeaderValue::from_str(&length) {
        response.headers_mut().insert(http::header::CONTENT_LENGTH, length);
    }
    response.body_mut().clear();
    Ok(response)
}

fn facts(object: &Object) -> Vec<(&'static str, String)> {
    vec![
        ("accept-ranges", "bytes".to_owned()),
        ("content-type", "binary/octet-stream".to_owned()),
        ("etag", object.etag()),
        ("last-modified", object.modified_at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        ("x-amz-server-side-encryption", "AES256".to_owned()),
    ]
}

fn found<'w>(world: &'w mut World, call: &Call, request: &RestRequest) -> Result<&'w Object, ApiError> {
    let bucket = bucket(world, call, request)?;
    let object = bucket.get(&request.key).ok_or_else(|| no_such_key(&request.key))?;
    if request.header("if-match").is_some_and(|etag| !same(etag, object)) {
        return Err(ApiError::new(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        ));
    }
    if request.header("if-none-match").is_some_and(|etag| same(etag, object)) {
        return Err(ApiError::new(304, "NotModified", "Not Modified"));
    }
    Ok(object)
}

fn no_such_key(key: &str) -> ApiError {
    let mut error = ApiError::new(404, "NoSuchKey", "The specified key does not exist.");
    error.details.push(("Key", key.to_owned()));
    error
}

fn same(etag: &str, object: &Object) -> bool {
    etag == "*" || etag.trim_matches('"') == object.md5
}

/// The bytes that a `Range` header asks for; none for the whole. S3 takes one range, and ignores what
/// is not a range of bytes.
fn range(header: Option<&str>, whole: usize) -> Result<Option<Range<usize>>, ApiError> {
    let Some((first, last)) = header.and_then(|text| text.strip_prefix("bytes=")?.split_once('-')) else {
        return Ok(None);
    };
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let (start, end) = match (number(first), number(last)) {
        (Some(start), Some(last)) if last < start => return Ok(None),
        (Some(start), Some(last)) => (start, last.saturating_add(1).min(whole)),
        (Some(start), None) if last.is_empty() => (start, whole),
        (None, Some(count)) if first.is_empty() => (whole.saturating_sub(count), whole),
        _ => return Ok(None),
    };
    if start >= end {
        let mut error = ApiError::new(416, "InvalidRange", "The requested range is not satisfiable");
        error.details.push(("ActualObjectSize", whole.to_string()));
        return Err(error);
    }
    Ok(Some(start..end))
}

pub(super) fn delete_needs(_: &World, request: &RestRequest) -> Vec<Requirement> {
    vec![need("s3:DeleteObject", request)]
}

/// Deletes an object; one that is not there is as good as deleted.
pub(super) fn delete(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<Response<Bytes>, ApiError> {
    bucket(world, call, request)?.delete(&request.key);
    Ok(answer(204, &[], Bytes::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_the_object_and_refused_behind_it() {
        let of_ten = |text| range(Some(text), 10).map_err(|error| error.code);
        assert_eq!(of_ten("bytes=0-3"), Ok(Some(0..4)));
        assert_eq!(of_ten("bytes=4-"), Ok(Some(4..10)));
        assert_eq!(of_ten("bytes=-3"), Ok(Some(7..10)));
        assert_eq!(of_ten("bytes=8-99"), Ok(Some(8..10)));
        assert_eq!(of_ten("bytes=10-"), Err("InvalidRange".into()));
        for ignored in ["bytes=5-2", "lines=1-2", "bytes=a-b"] {
            assert_eq!(of_ten(ignored), Ok(None), "{ignored}");
        }
    }
}
