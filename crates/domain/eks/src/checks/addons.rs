//! Add-ons and other software that follow the cluster's version.

use fleetwright_kubernetes::{Minor, Skew, version::skew};

use crate::check::{Applies, Check, Context, Examination, Scope, Severity};
use crate::facts::addons::addon_minor;

pub(super) const CHECKS: &[Check] = &[
    Check {
        code: "EKS-D1",
        title: "Every add-on has a version for the hop",
        why: "An add-on that is not compatible with the new version stops working, and EKS refuses to update it.",
        severity: Severity::Blocking,
        scope: Scope::Hop,
        applies: Applies::Always,
        source: "eks:DescribeAddonVersions",
        remedy: "Update the add-on to a version that is compatible; remove one that has none.",
        evaluate: has_version,
    },
    Check {
        code: "EKS-D2",
        title: "Every add-on is active and healthy",
        why: "An add-on that is not healthy before an upgrade tells nothing after it.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeAddon",
        remedy: "Mend what the issue names.",
        evaluate: is_healthy,
    },
    Check {
        code: "EKS-D3",
        title: "Configurations of add-ons fit the schema to come",
        why: "An update with values that the new version does not know is refused.",
        severity: Severity::Blocking,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeAddonConfiguration",
        remedy: "Change the values that are named.",
        evaluate: configuration_fits,
    },
    Check {
        code: "EKS-D4",
        title: "Nobody else changed fields of an add-on",
        why: "An update that resolves conflicts with NONE fails over them, with OVERWRITE it undoes them.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "metadata.managedFields of the add-on's objects",
        remedy: "Move the change into the add-on's configuration, or update with PRESERVE.",
        evaluate: is_unchanged,
    },
    Check {
        code: "EKS-D5",
        title: "The VPC CNI goes one minor version at a time",
        why: "The VPC CNI is updated one minor version at a time.",
        severity: Severity::Warning,
        scope: Scope::Hop,
        applies: Applies::Always,
        source: "eks:DescribeAddon, eks:DescribeAddonVersions",
        remedy: "Update it through the minor versions between.",
        evaluate: cni_goes_step_by_step,
    },
    Check {
        code: "EKS-D6",
        title: "kube-proxy is within the version skew of the hop",
        why: "kube-proxy must not be newer than the API server, nor more than three minors older.",
        severity: Severity::Blocking,
        scope: Scope::Hop,
        applies: Applies::Always,
        source: "image of the DaemonSet kube-proxy",
        remedy: "Update kube-proxy before the hop.",
        evaluate: kube_proxy_skew,
    },
    Check {
        code: "EKS-D7",
        title: "CoreDNS keeps answering",
        why: "While its nodes are drained every name depends on the replicas that are left.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "Deployment, disruption budget and ConfigMap of CoreDNS",
        remedy: "Run at least two replicas under a disruption budget; remove plugins that are gone.",
        evaluate: core_dns,
    },
    Check {
        code: "EKS-D8",
        title: "Add-ons are managed",
        why: "Nobody updates a copy that was installed by hand, and no version of it is checked.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "DaemonSets and Deployments of kube-system, eks:ListAddons",
        remedy: "Adopt it as a managed add-on, or plan its update.",
        evaluate: is_managed,
    },
    Check {
        code: "EKS-D9",
        title: "Add-ons have the permissions they need",
        why: "An add-on without its role falls back to the node's, which a new node may not have.",
        severity: Severity::Warning,
        scope: Scope::Cluster,
        applies: Applies::Always,
        source: "eks:DescribeAddonVersions requiresIamPermissions, eks:DescribeAddon",
        remedy: "Give it a role by pod identity or by its service account.",
        evaluate: has_permissions,
    },
    Check {
        code: "EKS-D10",
        title: "An add-on version serves before and after the hop",
        why: "Add-ons are not rolled back with the control plane: only a version for both keeps the way back open.",
        severity: Severity::Warning,
        scope: Scope::Hop,
        applies: Applies::Always,
        source: "eks:DescribeAddonVersions",
        remedy: "Plan to take the add-on back by hand before a rollback.",
        evaluate: serves_both,
    },
    Check {
        code: "EKS-D11",
        title: "Software that follows the version of Kubernetes is new enough",
        why: "Karpenter and the Cluster Autoscaler are made for certain versions of Kubernetes.",
        severity: Severity::Blocking,
        scope: Scope::Hop,
        applies: Applies::Always,
        source: "images of Deployments",
        remedy: "Update it before the hop.",
        evaluate: software,
    },
];

/// The least version of Karpenter for a version of Kubernetes. Source: karpenter.sh, "Compatibility".
const KARPENTER: [(u16, (u32, u32, u32)); 7] = [
    (29, (0, 34, 0)),
    (30, (0, 37, 0)),
    (31, (1, 0, 5)),
    (32, (1, 2, 0)),
    (33, (1, 5, 0)),
    (34, (1, 6, 0)),
    (35, (1, 9, 0)),
];

fn has_version(context: &Context<'_>, exam: &mut Examination) {
    for addon in exam.read(&context.facts.addons.addons).into_iter().flatten() {
        let Some(offers) = exam.read(&addon.offers) else { continue };
        let versions = offers.get(&context.hop.to).map_or(&[][..], Vec::as_slice);
        if versions.is_empty() {
            let what = format!("the add-on has no version for {}", context.hop.to);
            exam.find(format!("add-on {}", addon.name), what, "DescribeAddonVersions names none");
        } else if !versions.iter().any(|version| version.version == addon.version) {
            let default = versions.iter().find(|version| version.default).or(versions.first());
            let what = format!("{} is not compatible with {}", addon.version, context.hop.to);
            let to =
                default.map_or_else(String::new, |version| format!("the default is {}", version.version));
            exam.warn(format!("add-on {}", addon.name), what, to);
        }
    }
}

fn is_healthy(context: &Context<'_>, exam: &mut Examination) {
    for addon in exam.read(&context.facts.addons.addons).into_iter().flatten() {
        if addon.status != "ACTIVE" {
            exam.find(
                format!("add-on {}", addon.name),
                "the add-on is not active",
                format!("status {}", addon.status),
            );
        }
        for issue in &addon.health_issues {
            exam.find(format!("add-on {}", addon.name), "EKS reports a health issue", issue);
        }
    }
}

fn configuration_fits(context: &Context<'_>, exam: &mut Examination) {
    for addon in exam.read(&context.facts.addons.addons).into_iter().flatten() {
        let Some(verdict) = exam.read(&addon.configuration) else { continue };
        for fault in &verdict.faults {
            exam.find(format!("add-on {}", addon.name), "a configuration value does not fit", fault);
        }
        for unclear in &verdict.unknown {
            exam.incomplete(format!("the configuration of {}: {unclear}", addon.name));
        }
    }
}

fn is_unchanged(context: &Context<'_>, exam: &mut Examination) {
    for addon in exam.read(&context.facts.addons.addons).into_iter().flatten() {
        for field in exam.read(&addon.changed_fields).into_iter().flatten() {
            exam.find(format!("add-on {}", addon.name), "somebody else changed a field of it", field);
        }
    }
}

fn cni_goes_step_by_step(context: &Context<'_>, exam: &mut Examination) {
    for addon in exam.read(&context.facts.addons.addons).into_iter().flatten() {
        if addon.name != "vpc-cni" {
            continue;
        }
        let Some(offers) = exam.read(&addon.offers) else { continue };
        let versions = offers.get(&context.hop.to).map_or(&[][..], Vec::as_slice);
        let Some(target) = versions.iter().find(|version| version.default).or(versions.first()) else {
            continue;
        };
        let (Some(from), Some(to)) = (addon_minor(&addon.version), addon_minor(&target.version)) else {
            exam.incomplete(format!("{} or {} is no version", addon.version, target.version));
            continue;
        };
        if from.0 != to.0 || to.1 > from.1 + 1 {
            let what = format!("{} to {} are several minor versions", addon.version, target.version);
            exam.find("add-on vpc-cni", what, format!("the default for {}", context.hop.to));
        }
    }
}

fn kube_proxy_skew(context: &Context<'_>, exam: &mut Examination) {
    let Some(Some(image)) = exam.read(&context.facts.addons.kube_proxy) else { return };
    let minor = match image.version() {
        Some((1, minor, _)) => u16::try_from(minor).ok().map(Minor::new),
        _ => None,
    };
    let Some(minor) = minor else {
        return exam.incomplete(format!("the image {image} says no version of kube-proxy"));
    };
    // A later hop leaves time to update it; it must not start too new.
    match skew(minor, context.hop.to) {
        Skew::Supported => {}
        Skew::Newer => exam.find("kube-proxy", "kube-proxy is newer than the API server", image.to_string()),
        Skew::TooOld { oldest } => {
            let what = format!("kube-proxy {minor} is too old for {}: at least {oldest}", context.hop.to);
            if context.is_first_hop() {
                exam.find("kube-proxy", what, image.to_string());
            } else {
                exam.warn("kube-proxy", what, image.to_string());
            }
        }
    }
}

fn core_dns(context: &Context<'_>, exam: &mut Examination) {
    let Some(Some(dns)) = exam.read(&context.facts.addons.core_dns) else { return };
    if dns.replicas < 2 {
        exam.find("CoreDNS", "CoreDNS has no replica to spare", format!("{} replicas", dns.replicas));
    }
    if !dns.has_budget {
        exam.find("CoreDNS", "no disruption budget covers CoreDNS", "budgets of kube-system");
    }
    if !dns.plugins_known {
        exam.find("CoreDNS", "the Corefile names a plugin that CoreDNS does not have", "ConfigMap coredns");
    }
}

fn is_managed(context: &Context<'_>, exam: &mut Examination) {
    for name in exam.read(&context.facts.addons.self_managed).into_iter().flatten() {
        exam.find(name, "the add-on runs without being managed", "it is not in ListAddons");
    }
}

fn has_permissions(context: &Context<'_>, exam: &mut Examination) {
    for addon in exam.read(&context.facts.addons.addons).into_iter().flatten() {
        if addon.needs_permissions && !addon.has_role {
            let what = "the add-on needs permissions and has no role of its own";
            exam.find(format!("add-on {}", addon.name), what, "requiresIamPermissions");
        }
    }
}

fn serves_both(context: &Context<'_>, exam: &mut Examination) {
    for addon in exam.read(&context.facts.addons.addons).into_iter().flatten() {
        let Some(offers) = exam.read(&addon.offers) else { continue };
        let of = |minor| offers.get(&minor).map_or(&[][..], Vec::as_slice);
        let (before, after) = (of(context.hop.from), of(context.hop.to));
        if !after.is_empty() && !after.iter().any(|new| before.iter().any(|old| old.version == new.version)) {
            let what = format!("no version serves {} and {}", context.hop.from, context.hop.to);
            exam.find(format!("add-on {}", addon.name), what, "DescribeAddonVersions of both");
        }
    }
}

fn software(context: &Context<'_>, exam: &mut Examination) {
    for software in exam.read(&context.facts.addons.software).into_iter().flatten() {
        let (major, minor, patch) = software.version;
        let version = format!("version {major}.{minor}.{patch}");
        let target = context.hop.to;
        match software.name.as_str() {
            "karpenter" => match KARPENTER.iter().rev().find(|(minor, _)| *minor <= target.number()) {
                Some((_, least)) if software.version < *least => {
                    let what = format!(
                        "Karpenter is too old for {target}: at least {}.{}.{}",
                        least.0, least.1, least.2
                    );
                    exam.find("karpenter", what, version);
                }
                Some((known, _)) if *known < target.number() => {
                    exam.incomplete(format!("the table of Karpenter's versions ends with 1.{known}"));
                }
                Some(_) | None => {}
            },
            "cluster-autoscaler" if (major, minor) != (1, u32::from(target.number())) => {
                let what = format!("the Cluster Autoscaler should have the minor version {target}");
                exam.warn("cluster-autoscaler", what, version);
            }
            "ingress-nginx" => {
                exam.warn("ingress-nginx", "ingress-nginx is retired and not kept up", version)
            }
            _ => {}
        }
    }
}
