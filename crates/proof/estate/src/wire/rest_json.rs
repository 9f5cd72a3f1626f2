//! Reading restJson requests, which Lambda and EKS speak here: the operation and some members from method
//! and path, others from the query string, the rest from a JSON document.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{rest, routes};
use crate::call::{ApiError, Service};

/// A restJson request with its parts told apart.
#[derive(Clone, Debug, Default)]
pub struct PathRequest {
    /// Members that are parts of the path, by name.
    pub path: BTreeMap<&'static str, String>,
    /// Parameters of the query string, decoded; one without a value is empty, of one that is repeated the last counts.
    pub query: BTreeMap<String, String>,
    /// The same as they came, for those that are lists.
    pub listed: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
    /// The body as a document; null where it is something else to the operation.
    pub document: Value,
}

impl PathRequest {
    /// A header's value, where it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Every value of a parameter that is a list.
    pub fn list<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.listed.iter().filter(move |it| it.0 == name).map(|it| it.1.as_str())
    }
}

/// Reads a request: the operation's name and its parts.
///
/// # Errors
/// What Lambda answers to a request that cannot be read, or that the estate has no operation for.
pub fn read(parts: &Parts, body: &Bytes, service: Service) -> Result<(String, PathRequest), ApiError> {
    let path = parts.uri.path();
    let path = path.strip_suffix('/').unwrap_or(path);
    let fits = |(method, pattern, action): &(&str, &'static str, &'static str)| {
        (parts.method.as_str() == *method).then(|| Some((members(pattern, path)?, *action))).flatten()
    };
    let (path, action) = routes::of(service).iter().find_map(fits).ok_or_else(|| {
        ApiError::new(404, "UnknownOperationException", "no operation has this method and path")
    })?;
    let document = match action {
        "Invoke" => Value::Null,
        _ if body.is_empty() => Value::Object(Map::new()),
        _ => serde_json::from_slice(body)
            .map_err(|error| ApiError::new(400, "SerializationException", error.to_string()))?,
    };
    let listed = rest::pairs(parts.uri.query().unwrap_or_default())?;
    let query = listed.iter().cloned().collect();
    let request =
        PathRequest { path, query, listed, headers: parts.headers.clone(), body: body.clone(), document };
    Ok((action.to_owned(), request))
}

/// The members in a path, where it fits the pattern.
fn members(pattern: &'static str, path: &str) -> Option<BTreeMap<&'static str, String>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut members = BTreeMap::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(members),
            (Some(part), Some(text)) => {
                match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                    Some(name) if !text.is_empty() => {
                        let text = percent_decode_str(text).decode_utf8().ok()?.into_owned();
                        members.insert(name, text);
                    }
                    None if part == text => {}
                    _ => return None,
                }
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_and_path_name_the_operation_and_some_of_its_members() {
        let read = |method: &str, path: &str| {
            let request = http::Request::builder().method(method).uri(path).body(()).expect("a request");
            read(&request.into_parts().0, &Bytes::new(), Service::Lambda)
                .map(|(action, request)| (action, request.path))
        };
        let named = |name: &str| BTreeMap::from([("FunctionName", name.to_owned())]);
        assert_eq!(read("GET", "/2015-03-31/functions/"), Ok(("ListFunctions".to_owned(), BTreeMap::new())));
        let invoked = read("POST", "/2015-03-31/functions/a%3A1/invocations?Qualifier=1");
        assert_eq!(invoked, Ok(("Invoke".to_owned(), named("a:1"))));
        assert_eq!(read("DELETE", "/2015-03-31/functions/a"), Ok(("DeleteFunction".to_owned(), named("a"))));
        let unknown = read("GET", "/2015-03-31/functions/a/aliases").expect_err("there is none");
        assert_eq!((unknown.status, unknown.code.as_ref()), (404, "UnknownOperationException"));
    }
}
