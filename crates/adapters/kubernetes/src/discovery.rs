//! What a server serves: aggregated discovery, and the older kind group by group.
//!
//! Source: Kubernetes documentation, "The Kubernetes API", "Discovery API"; `apidiscovery.k8s.io/v2`.

use fleetwright_kubernetes::{ApiVersion, GroupVersionKind};
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::kubernetes::{Discovered, Resource};
use serde_json::Value;

use crate::answer::{failure, unexpected};
use crate::connection::{Call, Connection};

/// Aggregated discovery where the server has it, the older kind where it has not.
const BOTH: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
/// How failures name these requests.
const WHAT: &str = "discovery";

/// Everything that is served.
///
/// # Errors
/// The groups cannot be listed.
pub(crate) async fn discover(connection: &Connection) -> Result<Discovered, Failure> {
    let mut found = Discovered::default();
    for root in ["/api", "/apis"] {
        let call = Call { accept: BOTH, ..Call::get(root, WHAT) };
        let document = connection.send(&call).await?.json(connection.of(WHAT))?;
        if document["kind"] == "APIGroupDiscoveryList" {
            aggregated(connection, &document, &mut found)?;
            continue;
        }
        for version in versions(connection, &document)? {
            match one_by_one(connection, root, &version).await {
                Ok(resources) => found.resources.extend(resources),
                Err(failure) => found.gaps.push((version, failure)),
            }
        }
    }
    found.resources.sort();
    found.resources.dedup();
    Ok(found)
}

/// A member that is a list; one that is absent or null is empty.
fn list<'v>(connection: &Connection, of: &'v Value, member: &str) -> Result<&'v [Value], Failure> {
    match &of[member] {
        Value::Null => Ok(&[]),
        Value::Array(items) => Ok(items),
        _ => Err(unexpected(connection.of(WHAT), &format!("{member} is no list"))),
    }
}

fn text<'v>(connection: &Connection, of: &'v Value, member: &str) -> Result<&'v str, Failure> {
    let words = || unexpected(connection.of(WHAT), &format!("{member} is no text"));
    of[member].as_str().ok_or_else(words)
}

fn texts(of: &Value) -> Vec<String> {
    of.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn api_version(connection: &Connection, group: &str, version: &str) -> Result<ApiVersion, Failure> {
    let text = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    text.parse().map_err(|invalid| unexpected(connection.of(WHAT), &format!("{invalid}")))
}

fn aggregated(connection: &Connection, document: &Value, found: &mut Discovered) -> Result<(), Failure> {
    for group in list(connection, document, "items")? {
        // The core group has no name.
        let name = group["metadata"]["name"].as_str().unwrap_or_default();
        for version in list(connection, group, "versions")? {
            let api_version = api_version(connection, name, text(connection, version, "version")?)?;
            for entry in list(connection, version, "resources")? {
                let kind = text(connection, &entry["responseKind"], "kind")?.to_owned();
                found.resources.push(Resource {
                    api: GroupVersionKind { api_version: api_version.clone(), kind },
                    plural: text(connection, entry, "resource")?.to_owned(),
                    namespaced: entry["scope"] == "Namespaced",
                    verbs: texts(&entry["verbs"]),
                });
            }
            if version["freshness"] == "Stale" {
                let words =
                    format!("{api_version}: its API service does not answer, and is told as it last was");
                let stale = (ErrorClass::Transient, &code::SERVICE_FAULT);
                found.gaps.push((api_version, failure(stale, connection.of(WHAT), &words)));
            }
        }
    }
    Ok(())
}

/// Versions that the older kind of `/api` or `/apis` names.
fn versions(connection: &Connection, document: &Value) -> Result<Vec<ApiVersion>, Failure> {
    let core = list(connection, document, "versions")?.iter().filter_map(Value::as_str);
    let mut found =
        core.map(|version| api_version(connection, "", version)).collect::<Result<Vec<_>, _>>()?;
    for group in list(connection, document, "groups")? {
        let name = text(connection, group, "name")?;
        for version in list(connection, group, "versions")? {
            found.push(api_version(connection, name, text(connection, version, "version")?)?);
        }
    }
    match found.is_empty() {
        true => Err(unexpected(connection.of(WHAT), "the answer names no version of an API")),
        false => Ok(found),
    }
}

async fn one_by_one(
    connection: &Connection,
    root: &str,
    version: &ApiVersion,
) -> Result<Vec<Resource>, Failure> {
    let call = Call::get(format!("{root}/{version}"), WHAT);
    let document = connection.send(&call).await?.json(connection.of(WHAT))?;
    let mut found = Vec::new();
    for entry in list(connection, &document, "resources")? {
        let plural = text(connection, entry, "name")?;
        if plural.contains('/') {
            continue;
        }
        let kind = text(connection, entry, "kind")?.to_owned();
        found.push(Resource {
            api: GroupVersionKind { api_version: version.clone(), kind },
            plural: plural.to_owned(),
            namespaced: entry["namespaced"] == true,
            verbs: texts(&entry["verbs"]),
        });
    }
    Ok(found)
}
