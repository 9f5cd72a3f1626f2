//! kube-proxy and the VPC CNI: how Services and pods get their addresses.
//!
//! Source: EKS User Guide, "Managing kube-proxy"; amazon-vpc-cni-k8s, "ENI Configuration Variables".

use fleetwright_kubernetes::Manifests;
use serde_json::Value;

use super::value::{self, Fault, items, named, needed, text, texts};
use super::{Kind, Objects, Read, unread};
use crate::facts::nodes::CniMode;
use crate::facts::{Unread, UnreadCause};

/// The namespace of what EKS installs.
pub(super) const SYSTEM: &str = "kube-system";

/// How the network gives addresses to pods, without what depends on the instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CniSettings {
    /// Single addresses of network interfaces.
    Addresses {
        /// `WARM_IP_TARGET`; `None` keeps a whole interface warm.
        warm_addresses: Option<u32>,
        /// `MINIMUM_IP_TARGET`.
        minimum_addresses: u32,
    },
    /// Prefixes of 16 addresses (`ENABLE_PREFIX_DELEGATION`).
    Prefixes,
    /// Another network: pods take no addresses of the VPC.
    Overlay,
}

impl CniSettings {
    /// With the addresses of one interface of the usual instance type.
    pub fn mode(self, per_interface: u32) -> CniMode {
        match self {
            Self::Addresses { warm_addresses, minimum_addresses } => {
                CniMode::Addresses { per_interface, warm_addresses, minimum_addresses }
            }
            Self::Prefixes => CniMode::Prefixes,
            Self::Overlay => CniMode::Overlay,
        }
    }
}

fn incomplete(detail: impl Into<String>) -> Unread {
    unread(UnreadCause::Incomplete, detail)
}

/// A container of a controller's pods.
pub(super) fn container<'v>(controller: &'v Value, name: &str) -> Option<&'v Value> {
    let containers = controller.pointer("/spec/template/spec/containers")?.as_array()?;
    containers.iter().find(|of| of["name"] == name)
}

/// kube-proxy's mode; `none` where there is no kube-proxy.
pub(super) fn proxy_mode(objects: &Objects) -> Read<String> {
    let Some(proxy) = named(objects.list(Kind::DaemonSets)?, SYSTEM, "kube-proxy") else {
        return Ok("none".to_owned());
    };
    let mode = match value::of(proxy, proxy_flags(proxy))? {
        ProxyMode::Given(mode) => mode,
        ProxyMode::InFile => configured_mode(objects)?,
    };
    // kube-proxy takes iptables where nothing is said.
    Ok(if mode.is_empty() { "iptables".to_owned() } else { mode })
}

enum ProxyMode {
    Given(String),
    /// In its configuration file, beside which flags do not count.
    InFile,
}

fn proxy_flags(proxy: &Value) -> Result<ProxyMode, Fault> {
    let container = container(proxy, "kube-proxy").ok_or("it has no container kube-proxy")?;
    let mut words = texts(container, "/command")?;
    words.extend(texts(container, "/args")?);
    let mut mode = String::new();
    for (index, word) in words.iter().enumerate() {
        let (flag, value) = word.split_once('=').unwrap_or((word, ""));
        let next = words.get(index + 1).map(String::as_str).unwrap_or_default();
        match flag {
            "--config" => return Ok(ProxyMode::InFile),
            "--proxy-mode" => mode = if value.is_empty() { next } else { value }.to_owned(),
            _ => {}
        }
    }
    Ok(ProxyMode::Given(mode))
}

fn configured_mode(objects: &Objects) -> Read<String> {
    const NAME: &str = "kube-proxy-config";
    let map = named(objects.list(Kind::SystemConfigMaps)?, SYSTEM, NAME);
    let map =
        map.ok_or_else(|| incomplete("there is no ConfigMap kube-proxy-config, which kube-proxy reads"))?;
    let config = value::of(map, needed(map, "/data/config"))?;
    let manifests = Manifests::read(NAME, config);
    let object = manifests.objects.first().filter(|of| of.api.kind == "KubeProxyConfiguration");
    let object =
        object.ok_or_else(|| incomplete("ConfigMap kube-proxy-config: no KubeProxyConfiguration"))?;
    value::of(map, text(&object.object, "/mode").map(Option::unwrap_or_default)).map(str::to_owned)
}

/// DaemonSets of networks that give pods addresses of their own.
const OVERLAYS: [&str; 5] = ["calico-node", "kube-flannel-ds", "weave-net", "antrea-agent", "kube-router"];

/// How the VPC CNI gives addresses to pods.
pub(super) fn settings(objects: &Objects) -> Read<CniSettings> {
    let sets = objects.list(Kind::DaemonSets)?;
    let Some(cni) = named(sets, SYSTEM, "aws-node") else {
        let overlay =
            |of: &Value| of["metadata"]["name"].as_str().is_some_and(|name| OVERLAYS.contains(&name));
        return match sets.iter().any(overlay) {
            true => Ok(CniSettings::Overlay),
            false => Err(incomplete("there is no DaemonSet aws-node, and no other network that is known")),
        };
    };
    let number = |name: &str| {
        let value = setting(cni, name)?;
        let read = |value: &str| value.trim().parse::<u32>().map_err(|_| format!("{name} is {value:?}"));
        value.filter(|value| !value.trim().is_empty()).map(read).transpose()
    };
    let read = || {
        if setting(cni, "ENABLE_PREFIX_DELEGATION")? == Some("true") {
            return Ok(CniSettings::Prefixes);
        }
        let minimum = number("MINIMUM_IP_TARGET")?;
        // A minimum alone keeps nothing warm beyond it.
        let warm_addresses = number("WARM_IP_TARGET")?.or(minimum.map(|_| 0));
        let minimum_addresses = minimum.unwrap_or_default();
        Ok(CniSettings::Addresses { warm_addresses, minimum_addresses })
    };
    value::of(cni, read())
}

/// A variable of the CNI's environment.
fn setting<'v>(cni: &'v Value, name: &str) -> Result<Option<&'v str>, Fault> {
    let container = container(cni, "aws-node").ok_or("it has no container aws-node")?;
    let Some(variable) = items(container, "/env")?.iter().find(|of| of["name"] == name) else {
        return Ok(None);
    };
    if variable["valueFrom"].is_object() {
        return Err(format!("{name} is taken from another object"));
    }
    text(variable, "/value")
}

/// Subnets of pods, where the CNI is told to use them.
pub(super) fn pod_subnets(objects: &Objects) -> Read<Vec<String>> {
    let Some(cni) = named(objects.list(Kind::DaemonSets)?, SYSTEM, "aws-node") else { return Ok(Vec::new()) };
    if value::of(cni, setting(cni, "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG"))? != Some("true") {
        return Ok(Vec::new());
    }
    let subnet = |of: &Value| needed(of, "/spec/subnet").map(str::to_owned);
    let mut ids = value::each(objects.list(Kind::EniConfigs)?, subnet)?;
    ids.sort();
    ids.dedup();
    match ids.is_empty() {
        true => Err(incomplete("custom networking is on, and there is no ENIConfig")),
        false => Ok(ids),
    }
}
