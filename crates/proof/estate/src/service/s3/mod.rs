//! S3: buckets and objects, as far as Run Command's output and a run's evidence need them.
//!
//! There are no bucket policies, access control lists or versions: what only they could allow is
//! denied, and what asks for them is refused. Rules:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html>.

mod buckets;
mod checksum;
mod list_objects;
mod objects;

use bytes::Bytes;
use http::{HeaderValue, Response};

use crate::call::{ApiError, Call, Operation, Reply, Requirement, Service};
use crate::calls::CallKind;
use crate::wire::rest::RestRequest;
use crate::world::World;
use crate::world::buckets::Bucket;

/// Every S3 operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    let all = [
        ("CreateBucket", CallKind::Mutation, buckets::create_needs as Needs, buckets::create as Does),
        ("ListBuckets", CallKind::Read, buckets::list_needs, buckets::list),
        ("PutObject", CallKind::Mutation, objects::put_needs, objects::put),
        ("GetObject", CallKind::Read, objects::get_needs, objects::get),
        ("HeadObject", CallKind::Read, objects::get_needs, objects::head),
        ("DeleteObject", CallKind::Mutation, objects::delete_needs, objects::delete),
        ("ListObjectsV2", CallKind::Read, list_objects::needs, list_objects::list),
    ];
    all.map(|(name, kind, needs, does)| Box::new(Rest { name, kind, needs, does }) as Box<dyn Operation>)
        .into_iter()
        .collect()
}

type Needs = fn(&World, &RestRequest) -> Vec<Requirement>;
type Does = fn(&mut World, &Call, &RestRequest) -> Result<Response<Bytes>, ApiError>;

/// An operation: its name, what it does, and what it needs to be allowed.
struct Rest {
    name: &'static str,
    kind: CallKind,
    needs: Needs,
    does: Does,
}

impl Operation for Rest {
    fn service(&self) -> Service {
        Service::S3
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn mutates(&self) -> bool {
        self.kind == CallKind::Mutation
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        call.rest().map(|request| (self.needs)(world, request)).unwrap_or_default()
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let response = self.whole(world, call)?;
        Ok(String::from_utf8_lossy(response.body()).into_owned())
    }

    fn reply(&self, world: &mut World, call: &Call) -> Result<Reply, ApiError> {
        self.whole(world, call).map(Reply::Http)
    }
}

impl Rest {
    fn whole(&self, world: &mut World, call: &Call) -> Result<Response<Bytes>, ApiError> {
        let request = call.rest().ok_or_else(|| {
            ApiError::new(400, "InvalidRequest", "S3 speaks restXml, and this call came in another protocol")
        })?;
        (self.does)(world, call, request)
    }
}

/// A permission on a bucket or, with a key, on an object.
fn need(action: &'static str, request: &RestRequest) -> Requirement {
    let RestRequest { bucket, key, .. } = request;
    let resource = match key.as_str() {
        "" => format!("arn:aws:s3:::{bucket}"),
        key => format!("arn:aws:s3:::{bucket}/{key}"),
    };
    Requirement { action: action.into(), resource, context: Vec::new() }
}

fn no_such_bucket(name: &str) -> ApiError {
    let mut error = ApiError::new(404, "NoSuchBucket", "The specified bucket does not exist");
    error.details.push(("BucketName", name.to_owned()));
    error
}

/// The bucket a request is about, if the caller's account owns it and asks in its region.
fn bucket<'w>(world: &'w mut World, call: &Call, request: &RestRequest) -> Result<&'w mut Bucket, ApiError> {
    let name = &request.bucket;
    let bucket = world.buckets.get_mut(name).ok_or_else(|| no_such_bucket(name))?;
    if bucket.owner != call.account {
        return Err(ApiError::new(403, "AccessDenied", "Access Denied"));
    }
    let expected = request.header("x-amz-expected-bucket-owner");
    if expected.is_some_and(|expected| expected != bucket.owner) {
        return Err(ApiError::new(403, "AccessDenied", "Access Denied"));
    }
    if bucket.region != call.region {
        let mut error = ApiError::new(
            301,
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint. Please send \
             all future requests to this endpoint.",
        );
        error.details.push(("Endpoint", format!("{name}.s3.{}.amazonaws.com", bucket.region)));
        error.details.push(("Bucket", name.clone()));
        error.details.push(("Region", bucket.region.clone()));
        return Err(error);
    }
    Ok(bucket)
}

/// Headers that ask for what the estate's S3 has not, and that it refuses rather than ignores.
const NOT_MODELLED: [&str; 10] = [
    "x-amz-bucket-object-lock-enabled",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
];

fn refuse_unmodelled(request: &RestRequest) -> Result<(), ApiError> {
    let acl = request.header("x-amz-acl").is_some_and(|acl| acl != "private");
    let odd = NOT_MODELLED.into_iter().find(|name| request.headers.contains_key(*name));
    match odd.or(acl.then_some("x-amz-acl")) {
        None => Ok(()),
        Some(name) => {
            let mut error = ApiError::new(
                501,
                "NotImplemented",
                format!("A header you provided implies functionality that is not implemented: {name}"),
            );
            error.details.push(("Header", name.to_owned()));
            Err(error)
        }
    }
}

/// An answer with these headers; one that no header can carry is left out.
fn answer(status: u16, headers: &[(&str, String)], body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::OK);
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// An answer with a document, its root element around what `inner` writes.
fn document(root: &str, inner: impl FnOnce(&mut String)) -> Response<Bytes> {
    let namespace = Service::S3.namespace();
    let mut text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{namespace}\">");
    inner(&mut text);
    crate::wire::xml::close(&mut text, root);
    answer(200, &[("content-type", "application/xml".to_owned())], text.into())
}

/// A moment as S3's documents write it.
fn text_time(moment: jiff::Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}
