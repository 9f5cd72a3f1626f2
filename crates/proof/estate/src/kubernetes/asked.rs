//! Requests: what is asked for, by method, path and parameters.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::PREFIX;
use super::answer::Status;

/// A request, read.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The method.
    pub(super) method: String,
    /// The path below the cluster.
    pub(super) path: String,
    /// Parameters, decoded.
    pub(super) query: BTreeMap<String, String>,
    /// The document; null where there is none.
    pub(super) body: Value,
    /// What the client understands.
    pub(super) accept: String,
    /// What it sends.
    pub(super) content_type: String,
    /// The object or objects that it is about; none where it is about something else.
    pub(super) target: Option<Target>,
    /// True for a watch over a connection that stays open.
    pub(super) stays: bool,
}

/// What a request for resources is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The API group, empty for the core group.
    pub(super) group: String,
    /// The version.
    pub(super) version: String,
    /// The plural.
    pub(super) plural: String,
    /// The namespace.
    pub(super) namespace: Option<String>,
    /// The name.
    pub(super) name: Option<String>,
    /// The subresource, empty where it is about the object itself.
    pub(super) subresource: String,
}

impl Target {
    /// The resource as the store names it.
    pub(super) fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}/{}", self.group, self.plural) }
    }

    /// Group and version as objects carry them.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl Asked {
    /// Reads a request to the cluster with that id.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(parts: &Parts, body: &Bytes, id: &str) -> Result<Self, Status> {
        let header = |name: http::HeaderName| {
            parts.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned()
        };
        let whole = parts.uri.path();
        let path = whole.strip_prefix(PREFIX).and_then(|it| it.strip_prefix(id)).unwrap_or(whole);
        let path = path.trim_end_matches('/').to_owned();
        let decoded =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = parts.uri.query().unwrap_or_default().split('&').filter(|it| !it.is_empty());
        let query = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect();
        let body = match body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(body).map_err(|error| {
                Status::bad(format!("the body is not JSON, which is all the estate reads: {error}"))
            })?,
        };
        Ok(Self {
            method: parts.method.as_str().to_owned(),
            target: target(&path),
            path,
            query,
            body,
            accept: header(http::header::ACCEPT),
            content_type: header(http::header::CONTENT_TYPE),
            stays: false,
        })
    }

    /// True where a parameter says so.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.query.get(name).is_some_and(|it| it == "true" || it == "1")
    }

    /// True where it is only tried.
    pub(super) fn is_dry(&self) -> bool {
        let options = [&self.body["dryRun"], &self.body["deleteOptions"]["dryRun"]];
        self.query.get("dryRun").is_some_and(|it| it == "All")
            || options.iter().any(|it| it.as_array().is_some_and(|it| it.iter().any(|it| it == "All")))
    }

    /// Kubernetes' verb.
    pub(super) fn verb(&self) -> &'static str {
        let named = self.target.as_ref().is_some_and(|it| it.name.is_some());
        match (self.method.as_str(), named) {
            ("GET", _) if self.is_set("watch") => "watch",
            ("GET" | "HEAD", true) => "get",
            ("GET" | "HEAD", false) => "list",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "delete",
            _ => "deletecollection",
        }
    }

    /// The name of the request in call log and fault rules.
    pub(super) fn action(&self) -> String {
        match &self.target {
            None => "kubernetes:read".to_owned(),
            Some(target) if target.subresource == "eviction" => "kubernetes:evict".to_owned(),
            Some(_) => format!("kubernetes:{}", self.verb()),
        }
    }

    /// Whether it changes something: reviews do not.
    pub(super) fn changes(&self) -> bool {
        let review = self.target.as_ref().is_some_and(|it| it.plural.ends_with("reviews"));
        !review && !matches!(self.method.as_str(), "GET" | "HEAD") && !self.is_dry()
    }

    /// Whether anybody may ask (EKS from 1.32 on: health only).
    pub(super) fn is_open(&self) -> bool {
        ["/livez", "/readyz", "/healthz"].iter().any(|it| self.path.starts_with(it))
    }
}

fn target(path: &str) -> Option<Target> {
    let parts: Vec<String> = path
        .trim_start_matches('/')
        .split('/')
        .map(|it| percent_decode_str(it).decode_utf8_lossy().into_owned())
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (group, version, rest) = match &parts[..] {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return None,
    };
    let (namespace, rest) = match rest {
        // A namespace itself, or its status.
        ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => (None, rest),
        ["namespaces", namespace, rest @ ..] => (Some((*namespace).to_owned()), rest),
        rest => (None, rest),
    };
    let (plural, name, subresource) = match rest {
        [plural] => (*plural, None, String::new()),
        [plural, name] => (*plural, Some((*name).to_owned()), String::new()),
        [plural, name, subresource @ ..] => (*plural, Some((*name).to_owned()), subresource.join("/")),
        [] => return None,
    };
    let (group, version, plural) = (group.to_owned(), version.to_owned(), plural.to_owned());
    Some(Target { group, version, plural, namespace, name, subresource })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_group_version_namespace_resource_name_and_subresource() {
        let read = |path: &str| {
            target(path).map(|it| {
                let of = [it.namespace.unwrap_or_default(), it.name.unwrap_or_default(), it.subresource];
                (it.group, it.version, it.plural, of.join("|"))
            })
        };
        let expected = |group: &str, version: &str, plural: &str, rest: &str| {
            Some((group.to_owned(), version.to_owned(), plural.to_owned(), rest.to_owned()))
        };
        assert_eq!(read("/api/v1/nodes"), expected("", "v1", "nodes", "||"));
        assert_eq!(read("/api/v1/namespaces/n"), expected("", "v1", "namespaces", "|n|"));
        let eviction = "/api/v1/namespaces/n/pods/p/eviction";
        assert_eq!(read(eviction), expected("", "v1", "pods", "n|p|eviction"));
        assert_eq!(
            read("/apis/apps/v1/namespaces/n/deployments"),
            expected("apps", "v1", "deployments", "n||")
        );
        for other in ["/api", "/api/v1", "/apis", "/apis/apps/v1", "/version", "/metrics"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
