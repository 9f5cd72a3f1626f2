//! Version and policy: whether there is a way, and whether this is the cluster.

use std::collections::BTreeMap;

use jiff::{Span, Timestamp};

use crate::check::{Applies, Check, Context, Examination, Scope, Severity};
use crate::facts::control_plane::SupportType;

pub(super) const CHECKS: &[Check] = &[
    Check {
        code: "EKS-V1",
        title: "EKS offers the version of every hop",
        why: "The control plane goes one minor version at a time, and only to versions in support.",
        severity: Severity::Blocking,
        scope: Scope::Hop,
        applies: Applies::Always,
        source: "eks:DescribeClusterVersions",
        remedy: "Choose a target that EKS offers, or wait until it does.",
        evaluate: is_offered,
    },
    Check {
        code: "EKS-V2",
        title: "The cluster's version is in standard support",
        why: "Extended support costs 0.50 dollars an hour more for each cluster, and ends as well.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeClusterVersions",
        remedy: "Upgrade before standard support ends.",
        evaluate: is_in_standard_support,
    },
    Check {
        code: "EKS-V3",
        title: "EKS is not about to upgrade the cluster by itself",
        why: "At the end of support EKS upgrades the control plane at a time of its own.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeCluster upgradePolicy, eks:DescribeClusterVersions",
        remedy: "Upgrade before that day, or set the upgrade policy to EXTENDED.",
        evaluate: is_not_upgraded_by_itself,
    },
    Check {
        code: "EKS-V4",
        title: "The cluster is active and nothing is being updated",
        why: "EKS refuses an update while another one is in progress.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeCluster, eks:ListUpdates, eks:DescribeUpdate",
        remedy: "Wait until the update has ended; look at the cluster's health issues if it does not.",
        evaluate: is_at_rest,
    },
    Check {
        code: "EKS-V5",
        title: "The Kubernetes API that is asked is this cluster's",
        why: "A context that leads to another cluster makes every other check worthless.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeCluster, the context's endpoint and authority, /version",
        remedy: "Use the endpoint and the certificate authority that DescribeCluster names.",
        evaluate: is_this_cluster,
    },
    Check {
        code: "EKS-V6",
        title: "The cluster is of a kind that is upgraded in place",
        why: "Clusters on Outposts are upgraded in another way, and Auto Mode replaces its nodes by itself.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeCluster",
        remedy: "For Outposts follow the guide for local clusters; with Auto Mode expect nodes to be replaced.",
        evaluate: is_upgraded_in_place,
    },
    Check {
        code: "EKS-V7",
        title: "The caller may make every call of the plan",
        why: "An upgrade that lacks a right stops half-way.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "iam:SimulatePrincipalPolicy, SelfSubjectAccessReview",
        remedy: "Grant the actions that are named.",
        evaluate: has_rights,
    },
];

/// Days before the end of standard support from which on it is told.
const SUPPORT_NOTICE_DAYS: i64 = 60;

fn is_offered(context: &Context<'_>, exam: &mut Examination) {
    let Some(offers) = exam.read(&context.facts.control_plane.offers) else { return };
    let offer = offers.iter().find(|offer| offer.version == context.hop.to);
    match offer {
        Some(offer) if offer.supported => {}
        Some(_) => exam.find(context.hop.to, "the version is out of support", "status UNSUPPORTED"),
        None => {
            let known: Vec<_> = offers.iter().map(|offer| offer.version.to_string()).collect();
            exam.find(
                context.hop.to,
                "EKS does not offer the version",
                format!("offered: {}", known.join(", ")),
            );
        }
    }
}

/// The time some days from now.
fn in_days(at: Timestamp, days: i64) -> Timestamp {
    at.checked_add(Span::new().hours(days * 24)).unwrap_or(Timestamp::MAX)
}

fn is_in_standard_support(context: &Context<'_>, exam: &mut Examination) {
    let facts = &context.facts.control_plane;
    let (Some(cluster), Some(offers)) = (exam.read(&facts.cluster), exam.read(&facts.offers)) else { return };
    let Some(offer) = offers.iter().find(|offer| offer.version == cluster.version) else {
        return exam.incomplete(format!("EKS says nothing of support for {}", cluster.version));
    };
    let ends = offer.standard_support_ends;
    let evidence = format!(
        "standard support of {} ends {ends}, extended {}",
        offer.version, offer.extended_support_ends
    );
    if context.at >= ends {
        exam.find(
            &cluster.name,
            "the cluster is in extended support, for 0.50 dollars an hour more",
            evidence,
        );
    } else if in_days(context.at, SUPPORT_NOTICE_DAYS) >= ends {
        exam.find(&cluster.name, "standard support is about to end", evidence);
    }
}

fn is_not_upgraded_by_itself(context: &Context<'_>, exam: &mut Examination) {
    let facts = &context.facts.control_plane;
    let (Some(cluster), Some(offers)) = (exam.read(&facts.cluster), exam.read(&facts.offers)) else { return };
    let Some(offer) = offers.iter().find(|offer| offer.version == cluster.version) else {
        return exam.incomplete(format!("EKS says nothing of support for {}", cluster.version));
    };
    let day = match cluster.support {
        SupportType::Standard => offer.standard_support_ends,
        SupportType::Extended => offer.extended_support_ends,
    };
    if in_days(context.at, SUPPORT_NOTICE_DAYS) >= day {
        let what = "EKS will upgrade the control plane by itself";
        exam.find(&cluster.name, what, format!("support of {} ends for it {day}", cluster.version));
    }
}

fn is_at_rest(context: &Context<'_>, exam: &mut Examination) {
    let facts = &context.facts.control_plane;
    if let Some(cluster) = exam.read(&facts.cluster)
        && cluster.status != "ACTIVE"
    {
        exam.find(&cluster.name, "the cluster is not active", format!("status {}", cluster.status));
    }
    for update in exam.read(&facts.updates_in_progress).into_iter().flatten() {
        exam.find(update, "an update is in progress", update.clone());
    }
}

fn is_this_cluster(context: &Context<'_>, exam: &mut Examination) {
    let facts = &context.facts.control_plane;
    let (Some(cluster), Some(endpoint)) = (exam.read(&facts.cluster), exam.read(&facts.endpoint)) else {
        return;
    };
    let bare = |address: &str| address.trim_end_matches('/').to_ascii_lowercase();
    if bare(&endpoint.address) != bare(&cluster.endpoint) {
        let evidence = format!("asked {}, the cluster is at {}", endpoint.address, cluster.endpoint);
        exam.find(&cluster.name, "another endpoint is asked", evidence);
    }
    if !endpoint.certificate_authority.eq_ignore_ascii_case(&cluster.certificate_authority) {
        let evidence =
            format!("SHA-256 {} and {}", endpoint.certificate_authority, cluster.certificate_authority);
        exam.find(&cluster.name, "another certificate authority is trusted", evidence);
    }
    if endpoint.version != cluster.version {
        let evidence = format!("/version says {}, DescribeCluster {}", endpoint.version, cluster.version);
        exam.find(&cluster.name, "the API server has another version than the cluster", evidence);
    }
}

fn is_upgraded_in_place(context: &Context<'_>, exam: &mut Examination) {
    let Some(cluster) = exam.read(&context.facts.control_plane.cluster) else { return };
    if cluster.on_outpost {
        exam.find(&cluster.name, "the cluster runs on an Outpost", "outpostConfig is set");
    }
    if cluster.auto_mode {
        let what = "Auto Mode replaces its nodes by itself when the control plane changes";
        exam.warn(&cluster.name, what, "computeConfig is enabled");
    }
}

fn has_rights(context: &Context<'_>, exam: &mut Examination) {
    let facts = &context.facts.control_plane;
    for (rights, asked) in
        [(&facts.rights, "iam:SimulatePrincipalPolicy"), (&facts.cluster_rights, "SelfSubjectAccessReview")]
    {
        let mut denied: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for right in exam.read(rights).into_iter().flatten().filter(|right| !right.allowed) {
            denied.entry(&right.action).or_default().push(&right.on);
        }
        for (action, on) in denied {
            let evidence = format!("{asked} says so for {}", on.join(", "));
            exam.find(action, "the caller may not do what the plan needs", evidence);
        }
    }
}
