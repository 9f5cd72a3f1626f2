//! Callers of deprecated APIs, by the API server's metric and by the client statistics of insights.

use fleetwright_kubernetes::{ApiTable, ApiVersion, GroupVersionKind, Resource};

use super::{Objects, Read, fact, unread};
use crate::facts::apis::DeprecatedUse;
use crate::facts::{Caller, Fact, UnreadCause};

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
    Ok(Some(Caller { api, user_agent: NOBODY.to_owned(), last_request: None, requests: None }))
}

/// Everybody that insights have seen call what is deprecated.
pub fn clients(uses: &[DeprecatedUse]) -> Fact<Vec<Caller>> {
    let named = |of: &DeprecatedUse| -> Read<Vec<Caller>> {
        let api = api_of(&of.path).ok_or_else(|| {
            let path: String = of.path.chars().take(200).collect();
            unread(UnreadCause::Incomplete, format!("an insight names {path}, which is no API in the table"))
        })?;
        let caller = |client: &crate::facts::apis::Client| Caller {
            api: api.clone(),
            user_agent: client.user_agent.clone(),
            last_request: Some(client.last_request),
            requests: Some(client.requests),
        };
        Ok(of.clients.iter().map(caller).collect())
    };
    fact(uses.iter().map(named).collect::<Read<Vec<_>>>().map(|all| all.into_iter().flatten().collect()))
}

/// The API of a path, `/apis/GROUP/VERSION/PLURAL` or `/api/VERSION/PLURAL`, if the table of APIs has it.
fn api_of(path: &str) -> Option<GroupVersionKind> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let (group, version, plural) = match parts[..] {
        ["apis", group, version, plural] => (group, version, plural),
        ["api", version, plural] => ("", version, plural),
        _ => return None,
    };
    let is_it = |api: &GroupVersionKind| {
        api.api_version.group == group && api.api_version.version == version && plural_of(&api.kind) == plural
    };
    ApiTable::bundled().rows().iter().map(|row| &row.api).find(|api| is_it(api)).cloned()
}

/// The plural of a kind of Kubernetes' own. Source: Kubernetes API conventions; all kinds in the table of APIs follow
/// English spelling.
fn plural_of(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix('y') {
        _ if kind.ends_with("endpoints") => kind,
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        None if kind.ends_with(['s', 'x']) || kind.ends_with("ch") => format!("{kind}es"),
        _ => format!("{kind}s"),
    }
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
    fn the_paths_of_insights_are_apis_of_the_table() {
        let named = |path: &str| api_of(path).map(|api| api.to_string());
        for (path, api) in [
            (
                "/apis/flowcontrol.apiserver.k8s.io/v1beta3/flowschemas",
                "flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema",
            ),
            ("/apis/policy/v1beta1/podsecuritypolicies", "policy/v1beta1 PodSecurityPolicy"),
            ("/apis/networking.k8s.io/v1beta1/ingresses", "networking.k8s.io/v1beta1 Ingress"),
            (
                "/apis/storage.k8s.io/v1beta1/volumeattributesclasses",
                "storage.k8s.io/v1beta1 VolumeAttributesClass",
            ),
        ] {
            assert_eq!(named(path).as_deref(), Some(api), "{path}");
        }
        for odd in ["", "/", "/apis/policy/v1beta1", "/apis/example.com/v1/shops", "/api/v1/pods/a/log"] {
            assert_eq!(named(odd), None, "{odd}");
        }
    }

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
