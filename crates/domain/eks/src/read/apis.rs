//! Who uses which API, and which fields.

use std::collections::BTreeSet;

use fleetwright_kubernetes::{ApiTable, ApiVersion, GroupVersionKind, ObjectRef, Resource, Verdict};
use serde_json::Value;

use super::trim::LAST_APPLIED;
use super::value::{self, Fault, items, labels, metadata, needed, parsed, reference, text, texts};
use super::{Kind, Objects, Read, calls, fact, helm, not_asked, webhooks};
use crate::facts::apis::{DroppedField, FieldUse};
use crate::facts::{ApiFacts, ApiUse, Fact};

/// Reads uses of APIs, and who stands between a request and its object.
pub(super) fn read(objects: &Objects) -> ApiFacts {
    ApiFacts {
        live: fact(live(objects)),
        managed_fields: fact(managed_fields(objects)),
        last_applied: fact(last_applied(objects)),
        helm: fact(helm::releases(objects)),
        manifests: Fact::NotRead(not_asked("manifests")),
        callers: fact(calls::callers(objects)),
        clients: fact(Err(super::not_asked("insights"))),
        custom_resources: fact(webhooks::custom_resources(objects)),
        rules: fact(rules(objects)),
        policies: fact(policies(objects)),
        fields: fact(fields(objects)),
        webhooks: fact(webhooks::webhooks(objects)),
        api_services: fact(webhooks::api_services(objects)),
    }
}

/// Whether Kubernetes has deprecated or removed an API, or says when it will. Nothing can be said of others.
fn is_of_note(api: &GroupVersionKind) -> bool {
    let table = ApiTable::bundled();
    let verdict = table.verdict(api, table.newest_minor());
    matches!(verdict, Verdict::Deprecated { .. } | Verdict::Removed { .. }) || table.removed_in(api).is_some()
}

/// Whether a version of a kind was ever deprecated or removed, or will be.
fn has_changed(kind: &str) -> bool {
    ApiTable::bundled().rows().iter().any(|row| row.api.kind == kind && is_of_note(&row.api))
}

/// Every list that was asked for, whole or as metadata. One that could not be read is the end where its kind has had
/// other versions: what lies in it may use them.
fn all(objects: &Objects) -> Read<Vec<&Value>> {
    let served = objects.served()?;
    let kind_of = |kind: &Kind| {
        let wanted = kind.wanted();
        let is = |of: &&Resource| of.plural == wanted.plural && of.api.api_version.group == wanted.group;
        served.iter().find(is).map(|of| of.api.kind.as_str())
    };
    let wanted = objects.lists.iter().map(|(kind, list)| (kind_of(kind), list));
    let others = objects.others.iter().map(|(of, list)| (Some(of.api.kind.as_str()), list));
    let mut found: Vec<&Value> = Vec::new();
    for (kind, list) in wanted.chain(others) {
        match list {
            Ok(list) => found.extend(list),
            Err(why) if kind.is_none_or(has_changed) => return Err(why.clone()),
            Err(_) => {}
        }
    }
    Ok(found)
}

/// Objects by the API that they were listed with: the most settled one that is served.
fn live(objects: &Objects) -> Read<Vec<ApiUse>> {
    let read = |object: &Value| Ok((api(object)?, reference(object)));
    let mut found = Vec::new();
    for object in all(objects)? {
        let (api, by) = value::of(object, read(object))?;
        if is_of_note(&api) {
            found.push(ApiUse { api, by });
        }
    }
    Ok(found)
}

fn api(object: &Value) -> Result<GroupVersionKind, Fault> {
    let api = GroupVersionKind::new(needed(object, "/apiVersion")?, needed(object, "/kind")?);
    api.map_err(|invalid| invalid.to_string())
}

/// Versions that field managers wrote with, as far as these are served still: nobody can write with others any more.
fn managed_fields(objects: &Objects) -> Read<Vec<ApiUse>> {
    let served: BTreeSet<&GroupVersionKind> = objects.served()?.iter().map(|of| &of.api).collect();
    let mut found = Vec::new();
    for object in all(objects)? {
        for (api, manager) in value::of(object, managers(object))? {
            if served.contains(&api) && is_of_note(&api) {
                let by = format!("{} (field manager {manager})", reference(object));
                found.push(ApiUse { api, by });
            }
        }
    }
    Ok(found)
}

fn managers(object: &Value) -> Result<BTreeSet<(GroupVersionKind, String)>, Fault> {
    let kind = needed(object, "/kind")?;
    let mut found = BTreeSet::new();
    for entry in items(object, "/metadata/managedFields")? {
        let Some(version) = text(entry, "/apiVersion")? else { continue };
        let api = GroupVersionKind::new(version, kind)
            .map_err(|invalid| format!("metadata.managedFields: {invalid}"))?;
        found.insert((api, text(entry, "/manager")?.unwrap_or_default().to_owned()));
    }
    Ok(found)
}

fn last_applied(objects: &Objects) -> Read<Vec<ApiUse>> {
    let read = |object: &Value| {
        let Some(applied) = labels(object, "/metadata/annotations")?.remove(LAST_APPLIED) else {
            return Ok(None);
        };
        let applied: Value =
            serde_json::from_str(&applied).map_err(|_| format!("{LAST_APPLIED} is no JSON"))?;
        api(&applied).map(Some).map_err(|fault| format!("{LAST_APPLIED}: {fault}"))
    };
    let mut found = Vec::new();
    for object in all(objects)? {
        if let Some(api) = value::of(object, read(object))?.filter(is_of_note) {
            found.push(ApiUse { api, by: reference(object) });
        }
    }
    Ok(found)
}

/// APIs that rules of webhooks name. Rules of roles name no versions.
fn rules(objects: &Objects) -> Read<Vec<ApiUse>> {
    let served = objects.served()?;
    let mut found = Vec::new();
    for kind in [Kind::MutatingWebhooks, Kind::ValidatingWebhooks] {
        for configuration in objects.list(kind)? {
            let read = || {
                let mut uses = Vec::new();
                for webhook in items(configuration, "/webhooks")? {
                    let by = format!("{} of {}", needed(webhook, "/name")?, reference(configuration));
                    uses.extend(ruled(items(webhook, "/rules")?, served, &by)?);
                }
                Ok(uses)
            };
            found.extend(value::of(configuration, read())?);
        }
    }
    Ok(found)
}

/// What rules name explicitly. A rule that names a settled version of the same group beside it goes on to match.
fn ruled(rules: &[Value], served: &[Resource], by: &str) -> Result<Vec<ApiUse>, Fault> {
    let mut found = Vec::new();
    for rule in rules {
        let (groups, versions) = (texts(rule, "/apiGroups")?, texts(rule, "/apiVersions")?);
        let resources = texts(rule, "/resources")?;
        for resource in served {
            let group = &resource.api.api_version.group;
            let names =
                |of: &String| of == "*" || of == "*/*" || of.split('/').next() == Some(&resource.plural);
            if !groups.contains(group) || !resources.iter().any(names) {
                continue;
            }
            let apis = versions.iter().map(|version| GroupVersionKind {
                api_version: ApiVersion { group: group.clone(), version: version.clone() },
                kind: resource.api.kind.clone(),
            });
            let (of_note, others): (Vec<_>, Vec<_>) = apis.partition(is_of_note);
            if others.is_empty() {
                found.extend(of_note.into_iter().map(|api| ApiUse { api, by: by.to_owned() }));
            }
        }
    }
    found.sort_by(|a, b| a.api.cmp(&b.api));
    found.dedup();
    Ok(found)
}

/// APIs that policies name: those of Kubernetes itself, and Kyverno's.
fn policies(objects: &Objects) -> Read<Vec<ApiUse>> {
    let served = objects.served()?;
    let mut found = Vec::new();
    for policy in objects.list(Kind::AdmissionPolicies)? {
        let rules = items(policy, "/spec/matchConstraints/resourceRules");
        found.extend(value::of(policy, rules.and_then(|rules| ruled(rules, served, &reference(policy))))?);
    }
    for kind in [Kind::ClusterPolicies, Kind::Policies] {
        for policy in objects.list(kind)? {
            let apis = value::of(policy, matched_kinds(policy))?.into_iter().filter(is_of_note);
            found.extend(apis.map(|api| ApiUse { api, by: reference(policy) }));
        }
    }
    Ok(found)
}

/// APIs that a policy of Kyverno's matches by group, version and kind, such as `apps/v1/Deployment`. Most name the kind
/// alone. Source: Kyverno documentation, "Match/Exclude".
fn matched_kinds(policy: &Value) -> Result<Vec<GroupVersionKind>, Fault> {
    let mut kinds = Vec::new();
    for rule in items(policy, "/spec/rules")? {
        kinds.extend(texts(rule, "/match/resources/kinds")?);
        for list in ["/match/any", "/match/all"] {
            for of in items(rule, list)? {
                kinds.extend(texts(of, "/resources/kinds")?);
            }
        }
    }
    let api = |kind: &String| {
        let (version, kind) = kind.rsplit_once('/')?;
        GroupVersionKind::new(version, kind).ok()
    };
    Ok(kinds.iter().filter_map(api).collect())
}

/// Prefixes of annotations that are dropped.
const ANNOTATIONS: [(&str, DroppedField); 2] = [
    ("seccomp.security.alpha.kubernetes.io/", DroppedField::SeccompAnnotation),
    ("container.apparmor.security.beta.kubernetes.io/", DroppedField::AppArmorAnnotation),
];
/// The annotation of service accounts that is dropped.
const MOUNTABLE_SECRETS: &str = "kubernetes.io/enforce-mountable-secrets";

fn fields(objects: &Objects) -> Read<Vec<FieldUse>> {
    let mut found = Vec::new();
    let annotations = |of: &Value| {
        Ok((metadata(of)?.reference(needed(of, "/kind")?), labels(of, "/metadata/annotations")?))
    };
    for (object, annotations) in value::each(objects.list(Kind::Pods)?, annotations)? {
        for (prefix, field) in ANNOTATIONS {
            if annotations.keys().any(|key| key.starts_with(prefix)) {
                found.push(FieldUse { field, object: object.clone() });
            }
        }
    }
    for (object, annotations) in value::each(objects.list(Kind::ServiceAccounts)?, annotations)? {
        if annotations.get(MOUNTABLE_SECRETS).is_some_and(|value| value == "true") {
            found.push(FieldUse { field: DroppedField::EnforceMountableSecrets, object });
        }
    }
    let services = value::each(objects.list(Kind::Services)?, service)?;
    let external = services.iter().filter(|of| of.external_ips);
    found.extend(external.map(|of| FieldUse { field: DroppedField::ExternalIps, object: of.object.clone() }));
    let made: BTreeSet<(&str, &str)> = services
        .iter()
        .filter(|of| of.selects)
        .map(|of| (of.object.namespace.as_str(), of.object.name.as_str()))
        .collect();
    for (object, _) in value::each(objects.list(Kind::Endpoints)?, annotations)? {
        // The API server writes those of its own Service.
        let own = (object.namespace.as_str(), object.name.as_str()) == ("default", "kubernetes");
        if !own && !made.contains(&(object.namespace.as_str(), object.name.as_str())) {
            found.push(FieldUse { field: DroppedField::Endpoints, object });
        }
    }
    Ok(found)
}

struct Service {
    object: ObjectRef,
    external_ips: bool,
    /// A controller makes its Endpoints.
    selects: bool,
}

fn service(of: &Value) -> Result<Service, Fault> {
    let selector: Option<fleetwright_kubernetes::Labels> = parsed(of, "/spec/selector")?;
    Ok(Service {
        object: metadata(of)?.reference("Service"),
        external_ips: !items(of, "/spec/externalIPs")?.is_empty(),
        selects: selector.is_some_and(|selector| !selector.is_empty()),
    })
}
