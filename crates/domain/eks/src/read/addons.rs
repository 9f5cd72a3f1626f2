//! Add-ons and other software, as far as Kubernetes knows.

use std::collections::BTreeMap;

use fleetwright_kubernetes::{ImageRef, PodDisruptionBudget};
use serde_json::{Map, Value};

use super::network::{SYSTEM, container};
use super::value::{self, Fault, count, items, named, needed, reference, text};
use super::{Kind, Objects, Read, fact, pods, unread};
use crate::facts::addons::CoreDns;
use crate::facts::{Fact, Software, UnreadCause};

/// The Kubernetes half of what is known of add-ons.
#[derive(Clone, Debug, PartialEq)]
pub struct AddonObjects {
    /// Software that others made, by its images.
    pub software: Fact<Vec<Software>>,
    /// The image of kube-proxy; `None` where the cluster has none.
    pub kube_proxy: Fact<Option<ImageRef>>,
    /// CoreDNS; `None` where the cluster has none.
    pub core_dns: Fact<Option<CoreDns>>,
    /// Add-ons whose controllers are there, managed or not, by the add-on's name.
    pub present: Fact<Vec<String>>,
    /// Fields of add-ons' controllers that somebody else than EKS has set, by the add-on's name. One that is not there
    /// has none that are known.
    pub changed_fields: Fact<BTreeMap<String, Vec<String>>>,
}

impl AddonObjects {
    /// What runs without being among the managed add-ons.
    pub fn self_managed(&self, managed: &[String]) -> Fact<Vec<String>> {
        match &self.present {
            Fact::Known(present) => {
                Fact::Known(present.iter().filter(|name| !managed.contains(name)).cloned().collect())
            }
            Fact::NotRead(why) => Fact::NotRead(why.clone()),
        }
    }

    /// What somebody else has changed of a managed add-on.
    pub fn changed_fields_of(&self, addon: &str) -> Fact<Vec<String>> {
        match &self.changed_fields {
            Fact::NotRead(why) => Fact::NotRead(why.clone()),
            Fact::Known(all) => match all.get(addon) {
                Some(fields) => Fact::Known(fields.clone()),
                None => {
                    Fact::unread(UnreadCause::Incomplete, format!("the objects of {addon} are not known"))
                }
            },
        }
    }
}

/// Controllers of `kube-system` that tell an add-on. Source: EKS User Guide, "AWS add-ons".
const CONTROLLERS: [(&str, Kind, &str); 9] = [
    ("vpc-cni", Kind::DaemonSets, "aws-node"),
    ("kube-proxy", Kind::DaemonSets, "kube-proxy"),
    ("coredns", Kind::Deployments, "coredns"),
    ("aws-ebs-csi-driver", Kind::DaemonSets, "ebs-csi-node"),
    ("aws-efs-csi-driver", Kind::DaemonSets, "efs-csi-node"),
    ("aws-mountpoint-s3-csi-driver", Kind::DaemonSets, "s3-csi-node"),
    ("eks-pod-identity-agent", Kind::DaemonSets, "eks-pod-identity-agent"),
    ("metrics-server", Kind::Deployments, "metrics-server"),
    ("snapshot-controller", Kind::Deployments, "snapshot-controller"),
];

/// Reads add-ons and software.
pub(super) fn read(objects: &Objects, budgets: &Fact<Vec<PodDisruptionBudget>>) -> AddonObjects {
    AddonObjects {
        software: fact(software(objects)),
        kube_proxy: fact(kube_proxy(objects)),
        core_dns: fact(core_dns(objects, budgets)),
        present: fact(controllers(objects).map(|all| all.keys().map(|&name| name.to_owned()).collect())),
        changed_fields: fact(changed_fields(objects)),
    }
}

fn controllers(objects: &Objects) -> Read<BTreeMap<&'static str, &Value>> {
    let mut found = BTreeMap::new();
    for (addon, kind, name) in CONTROLLERS {
        if let Some(object) = named(objects.list(kind)?, SYSTEM, name) {
            found.insert(addon, object);
        }
    }
    Ok(found)
}

fn kube_proxy(objects: &Objects) -> Read<Option<ImageRef>> {
    let Some(proxy) = named(objects.list(Kind::DaemonSets)?, SYSTEM, "kube-proxy") else { return Ok(None) };
    let image = || {
        let container = container(proxy, "kube-proxy").ok_or("it has no container kube-proxy")?;
        let image = needed(container, "/image")?;
        ImageRef::parse(image).ok_or_else(|| format!("its image {image:?} is no reference"))
    };
    value::of(proxy, image()).map(Some)
}

/// Software that is known by the end of its image's repository.
const SOFTWARE: [(&str, &str); 14] = [
    ("karpenter", "karpenter/controller"),
    ("cluster-autoscaler", "cluster-autoscaler"),
    ("ingress-nginx", "ingress-nginx/controller"),
    ("aws-load-balancer-controller", "aws-load-balancer-controller"),
    ("cert-manager", "cert-manager-controller"),
    ("metrics-server", "metrics-server"),
    ("aws-ebs-csi-driver", "aws-ebs-csi-driver"),
    ("aws-efs-csi-driver", "aws-efs-csi-driver"),
    ("argocd", "argoproj/argocd"),
    ("istio", "istio/pilot"),
    ("external-dns", "external-dns"),
    ("keda", "kedacore/keda"),
    ("kyverno", "kyverno/kyverno"),
    ("velero", "velero/velero"),
];

fn software(objects: &Objects) -> Read<Vec<Software>> {
    let mut found: Vec<Software> = Vec::new();
    for kind in [Kind::Deployments, Kind::DaemonSets, Kind::StatefulSets] {
        for software in value::each(objects.list(kind)?, software_of)?.into_iter().flatten() {
            if !found.contains(&software) {
                found.push(software);
            }
        }
    }
    Ok(found)
}

fn software_of(controller: &Value) -> Result<Vec<Software>, Fault> {
    let mut found = Vec::new();
    for container in items(controller, "/spec/template/spec/containers")? {
        let Some(image) = ImageRef::parse(needed(container, "/image")?) else { continue };
        let ends = |end: &str| {
            image
                .repository
                .strip_suffix(end)
                .is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        let Some((name, _)) = SOFTWARE.iter().find(|(_, end)| ends(end)) else { continue };
        // A mirror may drop the tag; charts say the version as a label.
        let label = controller["metadata"]["labels"]["app.kubernetes.io/version"].as_str();
        let label = || ImageRef::parse(&format!("image:{}", label?))?.version();
        let version = image.version().or_else(label);
        let version = version.ok_or_else(|| format!("the image {image} of {name} says no version"))?;
        found.push(Software { name: (*name).to_owned(), version });
    }
    Ok(found)
}

/// Plugins that CoreDNS is built with. Source: coredns/coredns, `plugin.cfg`, 1.9 to 1.12.
const PLUGINS: &[&str] = &[
    "acl",
    "any",
    "auto",
    "autopath",
    "azure",
    "bind",
    "bufsize",
    "cache",
    "cancel",
    "chaos",
    "clouddns",
    "debug",
    "dns64",
    "dnssec",
    "dnstap",
    "erratic",
    "errors",
    "etcd",
    "file",
    "forward",
    "geoip",
    "grpc",
    "grpc_server",
    "header",
    "health",
    "hosts",
    "https",
    "https3",
    "import",
    "k8s_external",
    "kubernetes",
    "loadbalance",
    "local",
    "log",
    "loop",
    "metadata",
    "minimal",
    "multisocket",
    "nomad",
    "nsid",
    "on",
    "pprof",
    "prometheus",
    "quic",
    "ready",
    "reload",
    "rewrite",
    "root",
    "route53",
    "secondary",
    "sign",
    "template",
    "timeouts",
    "tls",
    "trace",
    "transfer",
    "tsig",
    "view",
    "whoami",
];
fn core_dns(objects: &Objects, budgets: &Fact<Vec<PodDisruptionBudget>>) -> Read<Option<CoreDns>> {
    let Some(dns) = named(objects.list(Kind::Deployments)?, SYSTEM, "coredns") else { return Ok(None) };
    let budgets = match budgets {
        Fact::Known(budgets) => budgets,
        Fact::NotRead(why) => return Err(why.clone()),
    };
    let labels = value::of(dns, pods::template_labels(dns))?;
    let covers = |budget: &PodDisruptionBudget| {
        let selects = budget.selector.as_ref().is_some_and(|selector| selector.matches(&labels));
        budget.metadata.namespace == SYSTEM && selects
    };
    let map = named(objects.list(Kind::SystemConfigMaps)?, SYSTEM, "coredns");
    let missing = || unread(UnreadCause::Incomplete, "there is no ConfigMap coredns, which CoreDNS reads");
    let map = map.ok_or_else(missing)?;
    let file = value::of(map, needed(map, "/data/Corefile"))?;
    let known = |name: &&str| PLUGINS.contains(name);
    Ok(Some(CoreDns {
        replicas: value::of(dns, count(dns, "/spec/replicas"))?.unwrap_or(1),
        has_budget: budgets.iter().any(covers),
        plugins_known: plugins(file).iter().all(known),
    }))
}

/// The plugins that a Corefile names: the first word of each line directly inside a block.
///
/// Source: CoreDNS manual, "Configuration".
fn plugins(file: &str) -> Vec<&str> {
    let (mut found, mut depth) = (Vec::new(), 0_usize);
    for line in file.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        match words.next() {
            Some(word) if depth == 1 && !word.starts_with(['{', '}']) => {
                found.push(word.trim_end_matches('{'))
            }
            _ => {}
        }
        // Placeholders such as {remote} open and close on their line.
        depth = (depth + line.matches('{').count()).saturating_sub(line.matches('}').count());
    }
    found
}

/// Who writes to an add-on's objects besides people: EKS, and Kubernetes' own controllers.
const OWN_MANAGERS: [&str; 4] = ["eks", "kube-controller-manager", "kube-apiserver", "kubelet"];
/// Fields that tools leave behind and EKS does not set.
const HARMLESS: [&str; 3] = [
    "metadata.annotations.deprecated.daemonset.template.generation",
    "metadata.annotations.deployment.kubernetes.io/revision",
    "spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt",
];

fn changed_fields(objects: &Objects) -> Read<BTreeMap<String, Vec<String>>> {
    let all = controllers(objects)?.into_iter();
    all.map(|(addon, object)| Ok((addon.to_owned(), value::of(object, changed(object))?))).collect()
}

fn changed(object: &Value) -> Result<Vec<String>, Fault> {
    let entries = items(object, "/metadata/managedFields")?;
    if entries.is_empty() {
        return Err("nothing tells who set its fields (metadata.managedFields)".to_owned());
    }
    let mut found = Vec::new();
    for entry in entries {
        let manager = text(entry, "/manager")?.unwrap_or_default();
        let status = text(entry, "/subresource")?.is_some_and(|of| !of.is_empty());
        if status || OWN_MANAGERS.contains(&manager) {
            continue;
        }
        let fields =
            entry["fieldsV1"].as_object().ok_or_else(|| format!("fields of {manager} are missing"))?;
        let mut paths = Vec::new();
        leaves(fields, "", &mut paths);
        paths.retain(|path| !HARMLESS.contains(&path.as_str()) && !path.starts_with("status"));
        found.extend(paths.iter().map(|path| format!("{}: {path}, set by {manager}", reference(object))));
    }
    Ok(found)
}

/// The fields of a set, as paths. Source: Kubernetes, structured-merge-diff, "fieldpath": `f:` names a field, `k:` an
/// item by its keys, `v:` a value, `i:` an index, `.` the thing itself.
fn leaves(fields: &Map<String, Value>, path: &str, found: &mut Vec<String>) {
    for (key, inner) in fields {
        let Some((kind, name)) = key.split_once(':') else { continue };
        let here = match kind {
            "f" if path.is_empty() => name.to_owned(),
            "f" => format!("{path}.{name}"),
            _ => format!("{path}[{name}]"),
        };
        match inner.as_object() {
            Some(inner) if inner.keys().any(|key| key.contains(':')) => leaves(inner, &here, found),
            _ => found.push(here),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_the_first_words_inside_a_block() {
        let file = ".:53 {\n    errors\n    health {\n       lameduck 5s\n    }\n    kubernetes cluster.local {\n      \
                    pods insecure\n    }\n    log . {remote}\n    forward . /etc/resolv.conf # x\n    proxy . 8.8.8.8\n}\n";
        assert_eq!(plugins(file), ["errors", "health", "kubernetes", "log", "forward", "proxy"]);
        assert!(!PLUGINS.contains(&"proxy"), "it went with CoreDNS 1.5");
    }
}
