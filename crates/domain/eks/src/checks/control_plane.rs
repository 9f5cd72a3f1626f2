//! What the control plane stands on, and what AWS says of it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::check::{Applies, Check, Context, Examination, Scope, Severity};
use crate::facts::control_plane::{Insight, InsightCategory, InsightStatus};

pub(super) const CHECKS: &[Check] = &[
    Check {
        code: "EKS-C1",
        title: "EKS reports no health issues of the cluster",
        why: "EKS refuses to update a cluster whose network, role or key is broken, or fails half-way.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeCluster health",
        remedy: "Mend what the issue names.",
        evaluate: is_healthy,
    },
    Check {
        code: "EKS-C2",
        title: "The cluster's subnets have five free addresses in two zones",
        why: "EKS makes new network interfaces for the new control plane before it takes the old ones away.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeCluster, ec2:DescribeSubnets",
        remedy: "Free addresses, or add subnets to the cluster.",
        evaluate: has_addresses,
    },
    Check {
        code: "EKS-C3",
        title: "The cluster's subnets and security groups exist",
        why: "EKS cannot place the new control plane's interfaces in what was deleted.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeCluster, ec2:DescribeSubnets, ec2:DescribeSecurityGroups",
        remedy: "Give the cluster subnets and security groups that exist (UpdateClusterConfig).",
        evaluate: network_exists,
    },
    Check {
        code: "EKS-C4",
        title: "The cluster's role exists and trusts EKS",
        why: "EKS acts in the account as that role.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "iam:GetRole",
        remedy: "Make the role again under its name, with eks.amazonaws.com in its trust policy.",
        evaluate: has_role,
    },
    Check {
        code: "EKS-C5",
        title: "The key that encrypts Secrets is enabled",
        why: "Without it the new API servers cannot read Secrets; a deleted key cannot be replaced.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "kms:DescribeKey",
        remedy: "Enable the key, or cancel its deletion.",
        evaluate: has_key,
    },
    Check {
        code: "EKS-C6",
        title: "The quota of network interfaces leaves room",
        why: "The new control plane and surging nodes need interfaces before old ones go.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "servicequotas:GetServiceQuota, ec2:DescribeNetworkInterfaces",
        remedy: "Ask for a higher quota, or delete interfaces that nothing uses.",
        evaluate: has_interfaces,
    },
    Check {
        code: "EKS-C7",
        title: "Fresh insights see the cluster ready for the version",
        why: "EKS refuses an upgrade over an insight with status ERROR.",
        severity: Severity::Blocking,
        scope: Scope::Hop,
        applies: Applies::Always,
        source: "eks:StartInsightsRefresh, eks:ListInsights, eks:DescribeInsight",
        remedy: "Do what the insight recommends, then refresh the insights.",
        evaluate: is_ready_to_upgrade,
    },
    Check {
        code: "EKS-C8",
        title: "Insights see no misconfiguration",
        why: "What is configured wrongly today fails while nodes are replaced.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:ListInsights, eks:DescribeInsight",
        remedy: "Do what the insight recommends.",
        evaluate: is_configured_well,
    },
    Check {
        code: "EKS-C9",
        title: "Audit logs are kept",
        why: "Without them nobody can tell afterwards who called which API.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeCluster logging",
        remedy: "Turn the audit log on, at least for the time of the upgrade.",
        evaluate: keeps_audit_logs,
    },
    Check {
        code: "EKS-C10",
        title: "The Kubernetes API can be reached from here",
        why: "Nodes cannot be drained and watched without it.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "/version of the cluster's endpoint",
        remedy: "Run from a network that reaches the endpoint, or open its public access to this address.",
        evaluate: is_reachable,
    },
    Check {
        code: "EKS-C11",
        title: "Insights see the way back open after the hop",
        why: "A version rollback within seven days is refused over ROLLBACK_READINESS with ERROR or UNKNOWN.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:ListInsights, eks:DescribeInsight",
        remedy: "Do what the insight recommends while the rollback window is open.",
        evaluate: is_ready_to_go_back,
    },
];

/// Free addresses that an update takes, at most. Source: EKS User Guide, "Update existing cluster".
const ADDRESSES_MIN: u32 = 5;
/// Interfaces that an update makes: one for each address.
const INTERFACES_MIN: u32 = 5;
/// Insights that are older are refreshed before anybody decides by them.
const INSIGHTS_AGE_MAX: SignedDuration = SignedDuration::from_hours(24);

fn is_healthy(context: &Context<'_>, exam: &mut Examination) {
    let Some(cluster) = exam.read(&context.facts.control_plane.cluster) else { return };
    for issue in &cluster.health_issues {
        exam.find(&cluster.name, "EKS reports a health issue", issue);
    }
}

fn has_addresses(context: &Context<'_>, exam: &mut Examination) {
    let facts = &context.facts.control_plane;
    let (Some(cluster), Some(subnets)) = (exam.read(&facts.cluster), exam.read(&facts.subnets)) else {
        return;
    };
    let own: Vec<_> = subnets.iter().filter(|subnet| cluster.subnet_ids.contains(&subnet.id)).collect();
    let free: u32 = own.iter().map(|subnet| subnet.free_addresses).sum();
    let usable: BTreeSet<_> =
        own.iter().filter(|subnet| subnet.free_addresses > 0).map(|subnet| subnet.zone.as_str()).collect();
    let listed: Vec<_> =
        own.iter().map(|of| format!("{} in {}: {}", of.id, of.zone, of.free_addresses)).collect();
    if free < ADDRESSES_MIN {
        let what = format!("{free} addresses are free, and an update takes up to {ADDRESSES_MIN}");
        exam.find(&cluster.name, what, listed.join(", "));
    }
    if usable.len() < 2 {
        exam.find(&cluster.name, "free addresses lie in fewer than two zones", listed.join(", "));
    }
}

fn network_exists(context: &Context<'_>, exam: &mut Examination) {
    let facts = &context.facts.control_plane;
    let Some(cluster) = exam.read(&facts.cluster) else { return };
    if let Some(subnets) = exam.read(&facts.subnets) {
        for id in cluster.subnet_ids.iter().filter(|id| !subnets.iter().any(|subnet| subnet.id == **id)) {
            exam.find(id, "a subnet of the cluster does not exist", "DescribeSubnets does not know it");
        }
    }
    if let Some(groups) = exam.read(&facts.security_groups) {
        for id in cluster.security_group_ids.iter().filter(|id| !groups.contains(id)) {
            exam.find(
                id,
                "a security group of the cluster does not exist",
                "DescribeSecurityGroups does not know it",
            );
        }
    }
}

fn has_role(context: &Context<'_>, exam: &mut Examination) {
    match exam.read(&context.facts.control_plane.role) {
        None => {}
        Some(None) => exam.find("cluster role", "the cluster's role does not exist", "GetRole: NoSuchEntity"),
        Some(Some(role)) if !role.trusts_eks => {
            exam.find(&role.name, "the role does not trust eks.amazonaws.com", "its trust policy");
        }
        Some(Some(_)) => {}
    }
}

fn has_key(context: &Context<'_>, exam: &mut Examination) {
    if let Some(Some(key)) = exam.read(&context.facts.control_plane.key)
        && key.state != "Enabled"
    {
        exam.find(&key.id, "the key that encrypts Secrets cannot be used", format!("state {}", key.state));
    }
}

fn has_interfaces(context: &Context<'_>, exam: &mut Examination) {
    let Some(usage) = exam.read(&context.facts.control_plane.network_interfaces) else { return };
    if usage.free() < INTERFACES_MIN {
        let what = format!("{} network interfaces are left of the quota", usage.free());
        exam.find("network interfaces", what, format!("{} of {} in use", usage.used, usage.quota));
    }
}

/// Insights of a category, judged by their status; old ones count as not read.
fn judge(context: &Context<'_>, exam: &mut Examination, category: InsightCategory) {
    let Some(insights) = exam.read(&context.facts.control_plane.insights) else { return };
    if is_old(context.at, insights.refreshed_at) {
        exam.incomplete(format!("insights were refreshed at {}: refresh them", insights.refreshed_at));
    }
    let of_hop = |insight: &&Insight| {
        insight.category == category && insight.version.is_none_or(|version| version == context.hop.to)
    };
    for insight in insights.list.iter().filter(of_hop) {
        match insight.status {
            InsightStatus::Passing => {}
            InsightStatus::Error => exam.find(&insight.name, "an insight has status ERROR", &insight.reason),
            InsightStatus::Warning => {
                exam.warn(&insight.name, "an insight has status WARNING", &insight.reason)
            }
            InsightStatus::Unknown => exam.incomplete(format!("insight {}: UNKNOWN", insight.name)),
        }
    }
}

fn is_old(at: Timestamp, refreshed: Timestamp) -> bool {
    at.duration_since(refreshed) > INSIGHTS_AGE_MAX
}

fn is_ready_to_upgrade(context: &Context<'_>, exam: &mut Examination) {
    judge(context, exam, InsightCategory::UpgradeReadiness);
}

fn is_configured_well(context: &Context<'_>, exam: &mut Examination) {
    judge(context, exam, InsightCategory::Misconfiguration);
}

fn keeps_audit_logs(context: &Context<'_>, exam: &mut Examination) {
    if let Some(cluster) = exam.read(&context.facts.control_plane.cluster)
        && !cluster.audit_logging
    {
        exam.find(&cluster.name, "the audit log is off", "logging has no type audit");
    }
}

fn is_reachable(context: &Context<'_>, exam: &mut Examination) {
    use crate::facts::{Fact, UnreadCause};
    match &context.facts.control_plane.endpoint {
        Fact::NotRead(unread) if unread.cause == UnreadCause::Failed => {
            exam.find("endpoint", "the Kubernetes API does not answer", &unread.detail);
        }
        endpoint => {
            exam.read(endpoint);
        }
    }
}

fn is_ready_to_go_back(context: &Context<'_>, exam: &mut Examination) {
    let Some(insights) = exam.read(&context.facts.control_plane.insights) else { return };
    for insight in insights.list.iter().filter(|of| of.category == InsightCategory::RollbackReadiness) {
        match insight.status {
            InsightStatus::Passing => {}
            InsightStatus::Warning | InsightStatus::Error => {
                exam.find(&insight.name, "an insight sees the way back closing", &insight.reason);
            }
            InsightStatus::Unknown => exam.incomplete(format!("insight {}: UNKNOWN", insight.name)),
        }
    }
}
