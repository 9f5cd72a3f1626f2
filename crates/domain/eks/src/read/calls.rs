//! Callers of deprecated APIs, by the API server's metric.

use fleetwright_kubernetes::{ApiVersion, GroupVersionKind, Resource};

use super::{Objects, Read, unread};
use crate::facts::{Caller, UnreadCause};

/// What stands for the caller: the metric counts, and names nobody.
const NOBODY: &str = "a caller that the API server's metric does not name";

/// Everybody that the metric counted since the server started.
pub(super) fn callers(objects: &Objects) -> Read<Vec<Caller>> {
    let lines = objects.calls.as_ref().map_err(Clone::clone)?;
    let served = objects.served()?;
    lines.iter().filter_map(|line| caller(line, served).transpose()).collect()
}

fn caller(line: &str, served: &[Resource]) -> Read<Option<Caller>> {
    let unclear = |why: &str| {
        let line: String = line.chars().take(200).collect();
        unread(UnreadCause::Incomplete, format!("{}: {why}: {line}", super::DEPRECATED_CALLS))
    };
    let (labels, value) = taken_apart(line).ok_or_else(|| unclear("not a line of a metric"))?;
    if value == 0.0 {
        return Ok(None);
    }
    let label = |name: &str| labels.iter().find(|(of, _)| *of == name).map(|(_, value)| value.as_str());
    let (Some(group), Some(version), Some(plural)) = (label("group"), label("version"), label("resource"))
    else {
        return Err(unclear("without group, version or resource"));
    };
    let same = |of: &&Resource| of.api.api_version.group == group && of.plural == plural;
    let kind = served.iter().find(same).map(|of| of.api.kind.clone());
    let kind = kind.ok_or_else(|| unclear("nothing tells the kind of the resource"))?;
    let api_version = ApiVersion { group: group.to_owned(), version: version.to_owned() };
    let api = GroupVersionKind { api_version, kind };
    Ok(Some(Caller { api, user_agent: NOBODY.to_owned(), last_request: None }))
}

/// Labels and value of a line `name{label="value",…} 1`.
///
/// Source: Prometheus documentation, "Exposition formats", text-based format.
fn taken_apart(line: &str) -> Option<(Vec<(&str, String)>, f64)> {
    let (_, rest) = line.split_once('{')?;
    let (mut rest, mut labels) = (rest, Vec::new());
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(value) = rest.strip_prefix('}') {
            let value = value.split_whitespace().next()?.parse().ok()?;
            return Some((labels, value));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (value, after) = unquoted(quoted)?;
        labels.push((name.trim(), value));
        rest = after;
    }
}

/// A value up to its closing quote, and what follows.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut escaped) = (String::new(), false);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => {
                value.push(if c == 'n' { '\n' } else { c });
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((value, &text[index + 1..])),
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_metric_is_taken_apart() {
        let line = r#"calls{group="a.b",note="x\"},{y",version="v1"} 1e0 1700000000"#;
        let labels =
            [("group", "a.b"), ("note", "x\"},{y"), ("version", "v1")].map(|(of, is)| (of, is.to_owned()));
        assert_eq!(taken_apart(line), Some((labels.to_vec(), 1.0)));
        for line in ["calls 1", "calls{a=\"b\"", "calls{a=\"b\"}", "calls{a=b} 1", "calls{a=\"b\"} x"] {
            assert_eq!(taken_apart(line), None, "{line}");
        }
    }
}
