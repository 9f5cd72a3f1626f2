//! The part of JSONPath that EventBridge takes: names behind dots, indices and `*`.
//!
//! Source: EventBridge user guide, "Amazon EventBridge input transformation".

use serde_json::Value;

/// A path to values of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
    All,
}

impl Path {
    /// Reads a path; none where it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (index, behind) = inner.split_once(']')?;
                steps.push(if index == "*" { Step::All } else { Step::Element(index.parse().ok()?) });
                rest = behind;
                continue;
            }
            let inner = rest.strip_prefix('.')?;
            let end = inner.find(['.', '[']).unwrap_or(inner.len());
            let (name, behind) = inner.split_at(end);
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | ':');
            match name {
                "*" => steps.push(Step::All),
                _ if !name.is_empty() && name.chars().all(plain) => steps.push(Step::Member(name.to_owned())),
                _ => return None,
            }
            rest = behind;
        }
        Some(Self(steps))
    }

    /// What the path leads to; with `*` the list of all that it leads to. None where it leads nowhere.
    #[must_use]
    pub fn find(&self, event: &Value) -> Option<Value> {
        let mut found = vec![event];
        for step in &self.0 {
            found = found.into_iter().flat_map(|value| step.from(value)).collect();
        }
        match self.0.contains(&Step::All) {
            true => (!found.is_empty()).then(|| found.into_iter().cloned().collect()),
            false => found.first().map(|value| (*value).clone()),
        }
    }
}

impl Step {
    fn from<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match (self, value) {
            (Self::Member(name), Value::Object(members)) => members.get(name).into_iter().collect(),
            (Self::Element(index), Value::Array(elements)) => elements.get(*index).into_iter().collect(),
            (Self::All, Value::Object(members)) => members.values().collect(),
            (Self::All, Value::Array(elements)) => elements.iter().collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_through_members_and_elements() {
        let event = json!({ "detail": { "hosts": [{ "id": "i-1" }, { "id": "i-2" }], "detail-type": 3 } });
        for (path, found) in [
            ("$.detail.hosts[1].id", Some(json!("i-2"))),
            ("$.detail.hosts[*].id", Some(json!(["i-1", "i-2"]))),
            ("$.detail.detail-type", Some(json!(3))),
            ("$.detail.none", None),
            ("$.detail.hosts[7]", None),
        ] {
            assert_eq!(Path::parse(path).expect("a path").find(&event), found, "{path}");
        }
        assert_eq!(Path::parse("$").expect("a path").find(&event), Some(event));
    }

    #[test]
    fn other_texts_are_no_paths() {
        for text in ["", "detail", "$.", "$detail", "$.a b", "$.a[", "$.a[x]", "$..a", "$['a']"] {
            assert_eq!(Path::parse(text), None, "{text}");
        }
    }
}
