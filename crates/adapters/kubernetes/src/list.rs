//! Lists in pages.
//!
//! Source: Kubernetes API Concepts, "Retrieving large results sets in chunks". No `resourceVersion` is given: with
//! `resourceVersion=0` a server answers from its cache and leaves `limit` aside, so that all objects come at once.

use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::kubernetes::{Depth, Listing, Resource};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::answer::{failure, unexpected};
use crate::connection::{Call, Connection};

/// Metadata only, and JSON as a server words it that does not know how.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/// Pages of one list; more is a server that leads in a ring.
const PAGES_MAX: usize = 100_000;

/// All objects of a resource.
///
/// # Errors
/// The failure of a request, or an answer that is no list. Where a list is forgotten twice while it is read, that is
/// [`code::CHANGED_WHILE_LISTING`].
pub(crate) async fn list(
    connection: &Connection,
    resource: &Resource,
    listing: &Listing<'_>,
) -> Result<Vec<Value>, Failure> {
    let what = format!("list {}", resource.plural);
    match once(connection, resource, listing, &what).await {
        Err(failure) if failure.class == ErrorClass::Conflict => {
            once(connection, resource, listing, &what).await
        }
        done => done,
    }
}

async fn once(
    connection: &Connection,
    resource: &Resource,
    listing: &Listing<'_>,
    what: &str,
) -> Result<Vec<Value>, Failure> {
    let of = connection.of(what);
    let accept = match listing.depth {
        Depth::Whole => "application/json",
        Depth::Metadata => METADATA,
    };
    let (mut found, mut token) = (Vec::new(), String::new());
    for _ in 0..PAGES_MAX {
        let call = Call { accept, ..Call::get(path(resource, listing, &token), what) };
        let mut page = connection.send(&call).await?.json(of)?;
        let items = match page.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            // An empty list of Go's is null.
            None | Some(Value::Null) if page["metadata"].is_object() => Vec::new(),
            _ => return Err(unexpected(of, "the answer is no list")),
        };
        for mut object in items {
            if !object.is_object() {
                return Err(unexpected(of, "an item of the list is no object"));
            }
            object["apiVersion"] = resource.api.api_version.to_string().into();
            object["kind"] = resource.api.kind.as_str().into();
            (listing.trim)(&mut object);
            found.push(object);
        }
        match page["metadata"]["continue"].as_str().unwrap_or_default() {
            "" => return Ok(found),
            next if next == token => return Err(unexpected(of, "a page names itself as the next one")),
            next => next.clone_into(&mut token),
        }
    }
    let words = format!("more than {PAGES_MAX} pages");
    Err(failure((ErrorClass::Permanent, &code::UNEXPECTED_ANSWER), of, &words))
}

/// What is escaped in paths and queries: all but RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as a part of a path or a value of a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

fn path(resource: &Resource, listing: &Listing<'_>, token: &str) -> String {
    let version = &resource.api.api_version;
    let root = if version.group.is_empty() { "api" } else { "apis" };
    let place = match listing.namespace {
        "" => String::new(),
        namespace => format!("namespaces/{}/", encoded(namespace)),
    };
    let mut path = format!("/{root}/{version}/{place}{}?limit={}", resource.plural, listing.page.max(1));
    for (name, value) in [("labelSelector", listing.labels), ("continue", token)] {
        if !value.is_empty() {
            path.push_str(&format!("&{name}={}", encoded(value)));
        }
    }
    path
}
