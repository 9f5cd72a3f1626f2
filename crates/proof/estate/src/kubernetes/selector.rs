//! Label and field selectors, as parameters spell them.

use serde_json::{Value, json};

use super::answer::Status;
use crate::world::kube::selects;

/// A selector of objects.
#[derive(Clone, Debug)]
pub(super) struct Selector {
    labels: Value,
    fields: Vec<(String, String, bool)>,
}

impl Selector {
    /// Reads both parameters.
    ///
    /// # Errors
    /// One cannot be read.
    pub(super) fn read(labels: Option<&String>, fields: Option<&String>) -> Result<Self, Status> {
        let labels = labels.map_or("", String::as_str);
        let expressions =
            split(labels).into_iter().map(expression).collect::<Result<Vec<Value>, Status>>()?;
        let fields = fields.map_or("", String::as_str).split(',').filter(|it| !it.is_empty());
        let fields = fields.map(field).collect::<Result<Vec<_>, Status>>()?;
        Ok(Self { labels: json!({ "matchExpressions": expressions }), fields })
    }

    /// Whether an object is meant.
    pub(super) fn fits(&self, object: &Value) -> bool {
        let value = |path: &str| {
            let found = path.split('.').fold(object, |it, part| &it[part]);
            found.as_str().map_or_else(
                || if found.is_null() { String::new() } else { found.to_string() },
                str::to_owned,
            )
        };
        selects(&self.labels, &object["metadata"]["labels"])
            && self.fields.iter().all(|(path, wanted, equal)| (value(path) == *wanted) == *equal)
    }
}

/// The parts of a label selector: commas within parentheses do not part them.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0_u32, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|it| !it.is_empty());
    parts
}

fn expression(text: &str) -> Result<Value, Status> {
    let of = |key: &str, operator: &str, values: Vec<&str>| {
        Ok(json!({ "key": key.trim(), "operator": operator, "values": values }))
    };
    if let Some((head, values)) = text.split_once('(') {
        let mut words = head.split_whitespace();
        let (key, word) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let operator = match word {
            "in" => "In",
            "notin" => "NotIn",
            _ => return Err(Status::bad(format!("unable to parse requirement: {text}"))),
        };
        return of(key, operator, values.trim_end_matches(')').split(',').map(str::trim).collect());
    }
    match (text.split_once("!="), text.split_once("=="), text.split_once('=')) {
        (Some((key, value)), ..) => of(key, "NotIn", vec![value.trim()]),
        (_, Some((key, value)), _) | (_, _, Some((key, value))) => of(key, "In", vec![value.trim()]),
        _ => match text.strip_prefix('!') {
            Some(key) => of(key, "DoesNotExist", Vec::new()),
            None => of(text, "Exists", Vec::new()),
        },
    }
}

fn field(text: &str) -> Result<(String, String, bool), Status> {
    let (path, value, equal) = match (text.split_once("!="), text.split_once("=="), text.split_once('=')) {
        (Some((path, value)), ..) => (path, value, false),
        (_, Some((path, value)), _) | (_, _, Some((path, value))) => (path, value, true),
        _ => return Err(Status::bad(format!("invalid field selector: {text}"))),
    };
    const KNOWN: [&str; 7] = [
        "metadata.name",
        "metadata.namespace",
        "spec.nodeName",
        "spec.unschedulable",
        "status.phase",
        "type",
        "involvedObject.name",
    ];
    match KNOWN.contains(&path) {
        true => Ok((path.to_owned(), value.to_owned(), equal)),
        false => Err(Status::bad(format!("field label not supported: {path}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read_as_kubectl_writes_them() {
        let pod = json!({ "metadata": { "name": "p", "labels": { "app": "web", "tier": "front" } },
                          "spec": { "nodeName": "n" } });
        let fits = |labels: &str, fields: &str| {
            let selector = Selector::read(Some(&labels.to_owned()), Some(&fields.to_owned()));
            selector.expect("it can be read").fits(&pod)
        };
        for labels in
            ["app=web", "app==web,tier!=back", "app in (api,web)", "app,!zone", "tier notin (a, b)", ""]
        {
            assert!(fits(labels, ""), "{labels}");
        }
        for labels in ["app=api", "!app", "app notin (web)"] {
            assert!(!fits(labels, ""), "{labels}");
        }
        assert!(fits("", "spec.nodeName=n,metadata.name!=q"));
        assert!(!fits("", "spec.nodeName=m"));
        assert!(Selector::read(None, Some(&"spec.colour=red".to_owned())).is_err());
    }
}
