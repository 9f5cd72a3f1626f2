//! Who uses APIs and fields that a version does not serve any more.

use fleetwright_kubernetes::{ApiTable, GroupVersionKind, Hop, Minor, Replacement, Verdict};
use jiff::SignedDuration;

use crate::check::{Applies, Check, Context, Examination, Scope, Severity};
use crate::facts::Fact;
use crate::facts::apis::{ApiFacts, ApiUse, DroppedField};

/// A check that a source names no API which the hop removes.
macro_rules! no_removed_api_in {
    ($code:literal, $title:literal, $severity:ident, $source:literal, $evaluate:ident) => {
        Check {
            code: $code,
            title: $title,
            why: "Requests to a version that is not served are answered with 404: deployments fail, and \
                  controllers lose sight of their objects.",
            severity: Severity::$severity,
            scope: Scope::Hop,
            applies: Applies::Always,
            source: $source,
            remedy: "Move it to the version that is named before the hop; `rewrite` offers a patch where one is \
                     mechanical.",
            evaluate: $evaluate,
        }
    };
}

pub(super) const CHECKS: &[Check] = &[
    no_removed_api_in!(
        "EKS-A1",
        "No object lies in an API that the hop removes",
        Blocking,
        "discovery, metadata lists of every served group",
        live
    ),
    no_removed_api_in!(
        "EKS-A2",
        "No field manager writes with an API that the hop removes",
        Blocking,
        "metadata.managedFields",
        managed_fields
    ),
    no_removed_api_in!(
        "EKS-A3",
        "Nothing was last applied with an API that the hop removes",
        Warning,
        "annotation kubectl.kubernetes.io/last-applied-configuration",
        last_applied
    ),
    no_removed_api_in!(
        "EKS-A4",
        "No deployed Helm release names an API that the hop removes",
        Blocking,
        "Secrets and ConfigMaps with owner=helm, status=deployed",
        helm
    ),
    no_removed_api_in!(
        "EKS-A5",
        "No manifest names an API that the hop removes",
        Blocking,
        "files, directories, rendered kustomizations and charts",
        manifests
    ),
    no_removed_api_in!(
        "EKS-A6",
        "Nobody calls an API that the hop removes",
        Blocking,
        "client statistics of insights, apiserver_requested_deprecated_apis",
        callers
    ),
    Check {
        code: "EKS-A7",
        title: "What is deprecated can be moved now",
        why: "A version that is deprecated goes in a later hop, and its replacement may be served already.",
        severity: Severity::Warning,
        scope: Scope::Hop,
        applies: Applies::Always,
        source: "every source of API uses, the table of APIs",
        remedy: "Move it to the version that is named.",
        evaluate: deprecated,
    },
    Check {
        code: "EKS-A8",
        title: "Custom resources are stored in versions that are served, and can be converted",
        why: "Objects in a version that is not served cannot be read; a conversion webhook that does not answer \
              hides all of them.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "apiextensions.k8s.io/v1, EndpointSlices",
        remedy: "Migrate stored objects, then take the version from status.storedVersions; mend the webhook.",
        evaluate: custom_resources,
    },
    no_removed_api_in!(
        "EKS-A9",
        "No rule of a webhook or a role names an API that the hop removes",
        Warning,
        "admissionregistration.k8s.io/v1, rbac.authorization.k8s.io/v1",
        rules
    ),
    Check {
        code: "EKS-A10",
        title: "No field or annotation is relied on that the version drops",
        why: "What a version does not read any more is without effect, and nothing says so.",
        severity: Severity::Warning,
        scope: Scope::Hop,
        applies: Applies::Always,
        source: "pods, service accounts, Services, Endpoints",
        remedy: "Use what replaces it: securityContext, EndpointSlices, a load balancer.",
        evaluate: fields,
    },
    no_removed_api_in!(
        "EKS-A11",
        "No policy names an API that the hop removes",
        Warning,
        "ValidatingAdmissionPolicies, constraints and policies of policy engines",
        policies
    ),
];

/// A caller that was last seen longer ago may be gone: insights remember it for 30 days.
const CALLER_IS_LIVE: SignedDuration = SignedDuration::from_hours(48);

/// The minor that removes an API within the hop, and what replaces it.
fn removed(api: &GroupVersionKind, hop: Hop) -> Option<(Minor, Option<Replacement>)> {
    match ApiTable::bundled().verdict(api, hop.to) {
        Verdict::Removed { removed_in, replacement } => Some((removed_in, replacement)),
        _ => None,
    }
}

fn instead(replacement: Option<&Replacement>, hop: Hop) -> String {
    match replacement {
        Some(to) if to.since <= hop.from => {
            format!("move to {}, served since {}", to.api.api_version, to.since)
        }
        Some(to) => format!("move to {}, served only from {} on", to.api.api_version, to.since),
        None => "nothing replaces it".to_owned(),
    }
}

/// Finds a use of an API that the hop removes.
fn find_removed(context: &Context<'_>, exam: &mut Examination, api: &GroupVersionKind, by: &str) {
    find_removed_with(context, exam, api, by, "");
}

/// The same with more to say.
fn find_removed_with(
    context: &Context<'_>,
    exam: &mut Examination,
    api: &GroupVersionKind,
    by: &str,
    more: &str,
) {
    if let Some((minor, replacement)) = removed(api, context.hop) {
        let what =
            format!("{api} is not served from {minor} on; {}", instead(replacement.as_ref(), context.hop));
        exam.find(by, what, format!("used by {by}{more}"));
    }
}

/// The table must know the version, or nothing can be said of it.
fn is_known(context: &Context<'_>, exam: &mut Examination) {
    let newest = ApiTable::bundled().newest_minor();
    if context.hop.to > newest {
        exam.incomplete(format!("the table of APIs ends with {newest}: use a newer program"));
    }
}

fn uses(context: &Context<'_>, exam: &mut Examination, fact: fn(&ApiFacts) -> &Fact<Vec<ApiUse>>) {
    is_known(context, exam);
    for of in exam.read(fact(&context.facts.apis)).into_iter().flatten() {
        find_removed(context, exam, &of.api, &of.by);
    }
}

fn live(context: &Context<'_>, exam: &mut Examination) {
    uses(context, exam, |apis| &apis.live);
}

fn managed_fields(context: &Context<'_>, exam: &mut Examination) {
    uses(context, exam, |apis| &apis.managed_fields);
}

fn last_applied(context: &Context<'_>, exam: &mut Examination) {
    uses(context, exam, |apis| &apis.last_applied);
}

fn rules(context: &Context<'_>, exam: &mut Examination) {
    uses(context, exam, |apis| &apis.rules);
}

fn policies(context: &Context<'_>, exam: &mut Examination) {
    uses(context, exam, |apis| &apis.policies);
}

fn helm(context: &Context<'_>, exam: &mut Examination) {
    is_known(context, exam);
    let Some(helm) = exam.read(&context.facts.apis.helm) else { return };
    for unreadable in &helm.unreadable {
        exam.incomplete(unreadable.to_string());
    }
    for release in &helm.releases {
        let name = format!("Helm release {}/{} ({})", release.namespace, release.name, release.chart);
        for gap in &release.manifests.gaps {
            exam.incomplete(format!("{name}, line {}: {}", gap.line, gap.reason));
        }
        for object in &release.manifests.objects {
            find_removed(context, exam, &object.api, &format!("{name}: {}", object.reference()));
        }
    }
}

fn manifests(context: &Context<'_>, exam: &mut Examination) {
    is_known(context, exam);
    let Some(manifests) = exam.read(&context.facts.apis.manifests) else { return };
    for gap in &manifests.gaps {
        exam.incomplete(format!("{}:{}: {}", gap.file, gap.line, gap.reason));
    }
    for object in &manifests.objects {
        let by = format!("{}:{}: {}", object.file, object.api_version_line, object.reference());
        let live = live_use(&context.facts.apis, &object.api);
        find_removed_with(context, exam, &object.api, &by, live);
    }
}

fn callers(context: &Context<'_>, exam: &mut Examination) {
    is_known(context, exam);
    let apis = &context.facts.apis;
    let counted = exam.read(&apis.callers).map_or(&[][..], Vec::as_slice);
    let clients = exam.read(&apis.clients).map_or(&[][..], Vec::as_slice);
    // The server's metric says that somebody calls; where an insight says who, that is what is told.
    let unnamed = counted.iter().filter(|of| clients.iter().all(|client| client.api != of.api));
    for caller in clients.iter().chain(unnamed) {
        let Some((minor, replacement)) = removed(&caller.api, context.hop) else { continue };
        let instead = instead(replacement.as_ref(), context.hop);
        let what = format!("{} is not served from {minor} on; {instead}", caller.api);
        let files = if is_in_no_file(apis, &caller.api) { "; no file that was read names it" } else { "" };
        let requests = caller.requests.map_or_else(String::new, |of| format!(", {of} requests in 30 days"));
        match caller.last_request {
            Some(last) if context.at.duration_since(last) > CALLER_IS_LIVE => {
                let evidence = format!("last called {last}{requests}: it may be gone by now{files}");
                exam.warn(&caller.user_agent, what, evidence);
            }
            Some(last) => exam.find(&caller.user_agent, what, format!("last called {last}{requests}{files}")),
            None => exam.find(
                &caller.user_agent,
                what,
                format!("called since the API server started{files}; see the audit log for who calls"),
            ),
        }
    }
}

/// Files and releases were read, and none names an API that is called: the caller is somewhere else.
fn is_in_no_file(apis: &ApiFacts, api: &GroupVersionKind) -> bool {
    let Some(manifests) = apis.manifests.known() else { return false };
    let releases = apis.helm.known().into_iter().flat_map(|helm| &helm.releases);
    let mut of_releases = releases.flat_map(|release| &release.manifests.objects);
    !manifests.objects.is_empty()
        && manifests.objects.iter().all(|of| of.api != *api)
        && of_releases.all(|of| of.api != *api)
}

/// What live use says of an API that a file names, where both were looked at: nothing where somebody calls it.
fn live_use(apis: &ApiFacts, api: &GroupVersionKind) -> &'static str {
    match (apis.callers.known(), apis.clients.known()) {
        (Some(callers), Some(clients)) if callers.iter().chain(clients).all(|of| of.api != *api) => {
            "; nobody called it in the last 30 days, so that it may not be in use"
        }
        _ => "",
    }
}

fn deprecated(context: &Context<'_>, exam: &mut Examination) {
    is_known(context, exam);
    let apis = &context.facts.apis;
    let mut used: Vec<(GroupVersionKind, String)> = Vec::new();
    for fact in [&apis.live, &apis.managed_fields, &apis.last_applied] {
        used.extend(exam.read(fact).into_iter().flatten().map(|of| (of.api.clone(), of.by.clone())));
    }
    for object in exam.read(&apis.manifests).into_iter().flat_map(|manifests| &manifests.objects) {
        used.push((object.api.clone(), format!("{}:{}", object.file, object.api_version_line)));
    }
    for (api, by) in used {
        let Verdict::Deprecated { since, removed_in, replacement } =
            ApiTable::bundled().verdict(&api, context.hop.to)
        else {
            continue;
        };
        let end = removed_in.map_or_else(String::new, |minor| format!(" and goes in {minor}"));
        let what =
            format!("{api} is deprecated since {since}{end}; {}", instead(replacement.as_ref(), context.hop));
        exam.find(&by, what, format!("used by {by}"));
    }
}

fn custom_resources(context: &Context<'_>, exam: &mut Examination) {
    for resource in exam.read(&context.facts.apis.custom_resources).into_iter().flatten() {
        for version in resource.stored_versions.iter().filter(|of| !resource.served_versions.contains(of)) {
            let what = format!("objects may be stored as {version}, which is not served");
            exam.find(&resource.name, what, format!("served: {}", resource.served_versions.join(", ")));
        }
        if resource.conversion_endpoints == Some(0) {
            exam.find(&resource.name, "the conversion webhook has no ready endpoint", "its EndpointSlices");
        }
    }
}

fn fields(context: &Context<'_>, exam: &mut Examination) {
    for of in exam.read(&context.facts.apis.fields).into_iter().flatten() {
        let (since, what) = match of.field {
            DroppedField::SeccompAnnotation => (27, "seccomp annotations are without effect since 1.27"),
            DroppedField::AppArmorAnnotation => (30, "AppArmor annotations are deprecated since 1.30"),
            DroppedField::EnforceMountableSecrets => {
                (32, "the annotation enforce-mountable-secrets is deprecated since 1.32")
            }
            DroppedField::Endpoints => (33, "Endpoints are deprecated since 1.33"),
            DroppedField::ExternalIps => (36, "externalIPs of Services are deprecated since 1.36"),
        };
        if context.hop.to.number() >= since {
            exam.find(&of.object, what, of.object.to_string());
        }
    }
}
