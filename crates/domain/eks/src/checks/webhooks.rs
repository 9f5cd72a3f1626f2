//! Webhooks and aggregated APIs: what stands between a request and its answer.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::check::{Applies, Check, Context, Examination, Scope, Severity};
use crate::facts::apis::Webhook;

pub(super) const CHECKS: &[Check] = &[
    Check {
        code: "EKS-W1",
        title: "Webhooks that requests depend on have endpoints to spare",
        why: "With failurePolicy Fail every request it is asked about fails while it does not answer, and pods that \
              are drained cannot come back.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "admissionregistration.k8s.io/v1, EndpointSlices",
        remedy: "Run at least two replicas, or set failurePolicy to Ignore for the time of the upgrade.",
        evaluate: has_endpoints,
    },
    Check {
        code: "EKS-W2",
        title: "Webhooks leave evictions, nodes and kube-system alone",
        why: "A webhook that refuses or does not answer stops drains, and the add-ons that bring it back.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "admissionregistration.k8s.io/v1",
        remedy: "Narrow its rules, and leave kube-system out by its namespace selector.",
        evaluate: is_narrow,
    },
    Check {
        code: "EKS-W3",
        title: "Aggregated APIs answer",
        why: "Discovery and the deletion of namespaces wait for every aggregated API.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "apiregistration.k8s.io/v1",
        remedy: "Mend the service behind it, or delete the APIService.",
        evaluate: apis_answer,
    },
    Check {
        code: "EKS-W4",
        title: "Webhooks answer quickly and are trusted for long enough",
        why: "Slow webhooks add up in a drain, and one whose certificate authority ran out does not answer at all.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "admissionregistration.k8s.io/v1",
        remedy: "Set timeoutSeconds to 10 or less; renew the certificate and caBundle.",
        evaluate: is_quick_and_trusted,
    },
    Check {
        code: "EKS-W5",
        title: "Webhooks do not stand on one node",
        why: "When that node is drained nobody answers, and what is evicted cannot come back.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "EndpointSlices",
        remedy: "Spread its pods over nodes (topologySpreadConstraints, a disruption budget).",
        evaluate: is_spread,
    },
];

/// Seconds that a webhook may take before it is told of.
const TIMEOUT_SECONDS_MAX: u32 = 10;
/// What a certificate must last at least: the upgrade and the time in which it can be rolled back.
const TRUST_MIN: SignedDuration = SignedDuration::from_hours(14 * 24);

fn subject(webhook: &Webhook) -> String {
    format!("{} of {}", webhook.name, webhook.configuration)
}

fn has_endpoints(context: &Context<'_>, exam: &mut Examination) {
    let Some(webhooks) = exam.read(&context.facts.apis.webhooks) else { return };
    for webhook in webhooks.iter().filter(|webhook| webhook.fails_closed) {
        match webhook.endpoint_nodes.as_ref().map(Vec::len) {
            Some(0) => {
                exam.find(subject(webhook), "no endpoint of the webhook is ready", "its EndpointSlices")
            }
            Some(1) => {
                exam.warn(subject(webhook), "one endpoint of the webhook is ready", "its EndpointSlices")
            }
            _ => {}
        }
    }
}

fn is_narrow(context: &Context<'_>, exam: &mut Examination) {
    let Some(webhooks) = exam.read(&context.facts.apis.webhooks) else { return };
    for webhook in webhooks.iter().filter(|webhook| webhook.fails_closed) {
        let needed = ["pods/eviction", "nodes", "leases", "pods/*", "*", "*/*"];
        let asked: Vec<&str> = webhook
            .resources
            .iter()
            .map(String::as_str)
            .filter(|resource| needed.contains(resource))
            .collect();
        if !asked.is_empty() {
            let what = "the webhook is asked about what a drain does";
            exam.find(subject(webhook), what, format!("rules name {}", asked.join(", ")));
        }
        let pods = webhook.resources.iter().any(|resource| resource == "pods" || resource == "*");
        if pods && !webhook.spares_kube_system {
            let what = "the webhook is asked about pods of kube-system";
            exam.find(subject(webhook), what, "its namespace selector takes kube-system in");
        }
    }
}

fn apis_answer(context: &Context<'_>, exam: &mut Examination) {
    let Some(services) = exam.read(&context.facts.apis.api_services) else { return };
    for service in services.iter().filter(|service| !service.available) {
        exam.find(
            &service.name,
            "the aggregated API does not answer",
            format!("condition Available: {}", service.message),
        );
    }
}

fn is_quick_and_trusted(context: &Context<'_>, exam: &mut Examination) {
    for webhook in exam.read(&context.facts.apis.webhooks).into_iter().flatten() {
        if webhook.timeout_seconds > TIMEOUT_SECONDS_MAX {
            let what = format!("the webhook may take {} seconds", webhook.timeout_seconds);
            exam.find(subject(webhook), what, "timeoutSeconds");
        }
        if let Some(&Some(expires)) = exam.read(&webhook.ca_expires_at)
            && expires.duration_since(context.at) < TRUST_MIN
        {
            let what = "the webhook's certificate authority runs out before the upgrade is past its way back";
            exam.find(subject(webhook), what, format!("valid until {expires}"));
        }
    }
}

fn is_spread(context: &Context<'_>, exam: &mut Examination) {
    for webhook in exam.read(&context.facts.apis.webhooks).into_iter().flatten() {
        let Some(nodes) = webhook.endpoint_nodes.as_ref().filter(|nodes| nodes.len() > 1) else { continue };
        let distinct: BTreeSet<_> = nodes.iter().collect();
        if let (1, Some(node)) = (distinct.len(), nodes.first()) {
            exam.find(
                subject(webhook),
                "all endpoints of the webhook are on one node",
                format!("node {node}"),
            );
        }
    }
}
