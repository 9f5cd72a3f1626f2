//! ListObjectsV2.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Response;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{bucket, document, text_time};
use crate::call::{ApiError, Call, Requirement};
use crate::wire::rest::RestRequest;
use crate::wire::xml;
use crate::world::World;
use crate::world::buckets::{Bucket, Object};

/// Keys of a page, at most.
const PAGE_MAX: usize = 1_000;

/// What `encoding-type=url` leaves as it is.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/').remove(b'*');

pub(super) fn needs(_: &World, request: &RestRequest) -> Vec<Requirement> {
    let mut needed = super::need("s3:ListBucket", request);
    for (parameter, key) in
        [("prefix", "s3:prefix"), ("delimiter", "s3:delimiter"), ("max-keys", "s3:max-keys")]
    {
        if let Some(value) = request.parameter(parameter) {
            needed.context.push((key.to_owned(), value.to_owned()));
        }
    }
    vec![needed]
}

/// One entry of a listing.
enum Entry<'b> {
    /// An object.
    Key(&'b str, &'b Object),
    /// All keys up to the delimiter behind the prefix.
    Common(&'b str),
}

impl Entry<'_> {
    const fn name(&self) -> &str {
        match self {
            Self::Key(name, _) | Self::Common(name) => name,
        }
    }
}

/// Lists a bucket's keys page by page, those with a common prefix once where a delimiter asks for it.
pub(super) fn list(
    world: &mut World,
    call: &Call,
    request: &RestRequest,
) -> Result<Response<Bytes>, ApiError> {
    let bucket = bucket(world, call, request)?;
    let invalid = |what: &str| ApiError::new(400, "InvalidArgument", what.to_owned());
    let size = match request.parameter("max-keys").filter(|text| !text.is_empty()).map(str::parse::<u32>) {
        None => PAGE_MAX,
        Some(Ok(size)) => PAGE_MAX.min(size as usize),
        Some(Err(_)) => return Err(invalid("Provided max-keys not an integer or within integer range")),
    };
    let encoded = match request.parameter("encoding-type") {
        None | Some("") => false,
        Some("url") => true,
        Some(_) => return Err(invalid("Invalid Encoding Method specified in Request")),
    };
    let prefix = request.parameter("prefix").unwrap_or_default();
    let delimiter = request.parameter("delimiter").unwrap_or_default();
    let token = request.parameter("continuation-token");
    let after = match token {
        None | Some("") => request.parameter("start-after").unwrap_or_default().to_owned(),
        Some(token) => {
            position(token).ok_or_else(|| invalid("The continuation token provided is incorrect"))?
        }
    };
    let mut entries = entries(bucket, prefix, delimiter, &after, size + 1);
    let truncated = size > 0 && entries.len() > size;
    entries.truncate(size);
    let shown = |text: &str| match encoded {
        true => utf8_percent_encode(text, PLAIN).to_string(),
        false => text.to_owned(),
    };
    Ok(document("ListBucketResult", |out| {
        xml::text(out, "Name", &request.bucket);
        xml::text(out, "Prefix", &shown(prefix));
        if !delimiter.is_empty() {
            xml::text(out, "Delimiter", &shown(delimiter));
        }
        xml::plain(out, "MaxKeys", size);
        xml::plain(out, "KeyCount", entries.len());
        xml::plain(out, "IsTruncated", truncated);
        if encoded {
            xml::text(out, "EncodingType", "url");
        }
        xml::text_if(out, "ContinuationToken", token);
        if let Some(start) = request.parameter("start-after") {
            xml::text(out, "StartAfter", &shown(start));
        }
        if let Some(last) = entries.last().filter(|_| truncated) {
            xml::text(out, "NextContinuationToken", &token_at(last.name()));
        }
        for entry in &entries {
            render(out, entry, &shown);
        }
    }))
}

fn render(out: &mut String, entry: &Entry<'_>, shown: &impl Fn(&str) -> String) {
    match entry {
        Entry::Key(key, object) => xml::element(out, "Contents", |out| {
            xml::text(out, "Key", &shown(key));
            xml::plain(out, "LastModified", text_time(object.modified_at));
            xml::text(out, "ETag", &object.etag());
            xml::plain(out, "Size", object.content.len());
            xml::text(out, "StorageClass", "STANDARD");
        }),
        Entry::Common(prefix) => {
            xml::element(out, "CommonPrefixes", |out| xml::text(out, "Prefix", &shown(prefix)));
        }
    }
}

/// Up to `most` entries behind `after`, a key or a common prefix. Of a common prefix's keys only the
/// first is looked at.
fn entries<'b>(
    bucket: &'b Bucket,
    prefix: &str,
    delimiter: &str,
    after: &str,
    most: usize,
) -> Vec<Entry<'b>> {
    let mut found: Vec<Entry<'_>> = Vec::new();
    let is_common =
        |name: &str| !delimiter.is_empty() && name.len() > prefix.len() && name.ends_with(delimiter);
    let mut rest = match (after < prefix, is_common(after) && after.starts_with(prefix)) {
        (true, _) => bucket.from(prefix),
        (false, true) => bucket.from(&behind(after)),
        (false, false) => bucket.after(after),
    };
    while let Some((key, object)) =
        rest.next().filter(|(key, _)| key.starts_with(prefix) && found.len() < most)
    {
        let tail = &key[prefix.len()..];
        match tail.find(delimiter).filter(|_| !delimiter.is_empty()) {
            None => found.push(Entry::Key(key, object)),
            Some(at) => {
                let common = &key[..prefix.len() + at + delimiter.len()];
                found.push(Entry::Common(common));
                rest = bucket.from(&behind(common));
            }
        }
    }
    found
}

/// A text that comes after every key beginning with `prefix`, as far as keys have ordinary characters.
fn behind(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

fn token_at(name: &str) -> String {
    format!("1{}", URL_SAFE_NO_PAD.encode(name))
}

fn position(token: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token.strip_prefix('1')?).ok()?).ok()
}
