//! CreateBucket and ListBuckets.

use bytes::Bytes;
use http::Response;
use quick_xml::events::Event;

use super::{answer, document, need, refuse_unmodelled, text_time};
use crate::call::{ApiError, Call, Requirement};
use crate::service::page;
use crate::wire::rest::RestRequest;
use crate::wire::xml;
use crate::world::World;
use crate::world::buckets::is_bucket_name;

/// The region where S3 began, which has rules of its own.
const FIRST_REGION: &str = "us-east-1";

pub(super) fn create_needs(_: &World, request: &RestRequest) -> Vec<Requirement> {
    vec![need("s3:CreateBucket", request)]
}

/// Makes a bucket in the region that is asked.
pub(super) fn create(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<Response<Bytes>, ApiError> {
    let name = request.bucket.as_str();
    refuse_unmodelled(request)?;
    let refuse = |status, code: &'static str, message: &str| {
        let mut error = ApiError::new(status, code, message);
        error.details.push(("BucketName", name.to_owned()));
        Err(error)
    };
    if !is_bucket_name(name) {
        return refuse(400, "InvalidBucketName", "The specified bucket is not valid.");
    }
    check_location(location(&request.body)?.as_deref(), &call.region)?;
    match world.buckets.get(name) {
        Some(known) if known.owner != call.account => {
            return refuse(
                409,
                "BucketAlreadyExists",
                "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                 system. Please select a different name and try again.",
            );
        }
        // In the first region a second creation is no error, for the sake of old clients.
        Some(known) if known.region != FIRST_REGION || call.region != FIRST_REGION => {
            return refuse(
                409,
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            );
        }
        _ => {}
    }
    world.buckets.create(name, &call.account, &call.region, call.now);
    Ok(answer(200, &[("location", format!("/{name}"))], Bytes::new()))
}

/// The location constraint of a request's document; none where there is no document.
fn location(body: &[u8]) -> Result<Option<String>, ApiError> {
    let malformed = || {
        ApiError::new(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut within = false;
    let mut found = None;
    loop {
        match reader.read_event().map_err(|_| malformed())? {
            Event::Start(element) => within = element.local_name().as_ref() == "LocationConstraint",
            Event::Text(text) if within => found = Some(text.xml10_content().into_owned()),
            Event::End(_) => within = false,
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

fn check_location(asked: Option<&str>, region: &str) -> Result<(), ApiError> {
    let asked = asked.unwrap_or(FIRST_REGION);
    if asked == region {
        return Ok(());
    }
    let asked = if asked == FIRST_REGION { "unspecified" } else { asked };
    let message = format!(
        "The {asked} location constraint is incompatible for the region specific endpoint this request was sent to."
    );
    Err(ApiError::new(400, "IllegalLocationConstraintException", message))
}

pub(super) fn list_needs(_: &World, _: &RestRequest) -> Vec<Requirement> {
    vec![Requirement::any_resource("s3:ListAllMyBuckets")]
}

/// The account's buckets of every region, by name.
pub(super) fn list(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<Response<Bytes>, ApiError> {
    let invalid = |what: &str| ApiError::new(400, "InvalidArgument", format!("Invalid value for {what}"));
    let size = match request.parameter("max-buckets").map(str::parse::<usize>) {
        None => 10_000,
        Some(Ok(size @ 1..=10_000)) => size,
        Some(_) => return Err(invalid("max-buckets")),
    };
    let from = match request.parameter("continuation-token") {
        None | Some("") => 0,
        Some(token) => {
            page::cursor(call, token).ok_or_else(|| invalid("continuation-token"))?.try_into().unwrap_or(0)
        }
    };
    let prefix = request.parameter("prefix").unwrap_or_default();
    let region = request.parameter("bucket-region");
    let mut chosen = world
        .buckets
        .of(&call.account)
        .filter(|(name, bucket)| name.starts_with(prefix) && region.is_none_or(|r| r == bucket.region))
        .skip(from)
        .peekable();
    Ok(document("ListAllMyBucketsResult", |out| {
        xml::element(out, "Buckets", |out| {
            for (name, bucket) in chosen.by_ref().take(size) {
                xml::element(out, "Bucket", |out| {
                    xml::text(out, "Name", name);
                    xml::plain(out, "CreationDate", text_time(bucket.created_at));
                    xml::text(out, "BucketRegion", &bucket.region);
                });
            }
        });
        xml::element(out, "Owner", |out| xml::text(out, "ID", &call.account));
        if chosen.peek().is_some() {
            xml::text(out, "ContinuationToken", &page::token(call, (from + size) as u64));
        }
        if !prefix.is_empty() {
            xml::text(out, "Prefix", prefix);
        }
    }))
}
