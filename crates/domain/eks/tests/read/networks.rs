//! kube-proxy's mode and the settings of the VPC CNI.

use fleetwright_eks::facts::nodes::CniMode;
use fleetwright_eks::read::{CniSettings, Kind};
use serde_json::{Value, json};

use crate::cluster::{Cluster, cluster, controller, detail, known, object};

fn proxy(command: &[&str]) -> Cluster {
    let container = json!({ "name": "kube-proxy", "image": "x:1", "command": command });
    cluster().with(Kind::DaemonSets, [controller("kube-proxy", container)])
}

fn config(text: &str) -> Value {
    object("kube-system", "kube-proxy-config", json!({ "data": { "config": text } }))
}

#[test]
fn the_mode_of_kube_proxy_is_in_its_file_or_its_flags() {
    let mode = |cluster: Cluster| known(cluster.read().nodes.proxy_mode);
    let with_file = ["kube-proxy", "--v=2", "--config=/etc/config", "--proxy-mode=iptables"];
    let file = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: \"ipvs\"\n";
    assert_eq!(mode(proxy(&with_file).with(Kind::SystemConfigMaps, [config(file)])), "ipvs");
    let silent = file.replace("ipvs", "");
    assert_eq!(mode(proxy(&with_file).with(Kind::SystemConfigMaps, [config(&silent)])), "iptables");
    assert_eq!(mode(proxy(&["kube-proxy", "--proxy-mode", "nftables"])), "nftables");
    assert_eq!(mode(proxy(&["kube-proxy", "--proxy-mode=ipvs"])), "ipvs");
    assert_eq!(mode(cluster()), "none");
    let missing = detail(proxy(&with_file).read().nodes.proxy_mode);
    assert_eq!(missing, "there is no ConfigMap kube-proxy-config, which kube-proxy reads");
    let odd = proxy(&with_file).with(Kind::SystemConfigMaps, [config("kind: [")]);
    assert_eq!(detail(odd.read().nodes.proxy_mode), "ConfigMap kube-proxy-config: no KubeProxyConfiguration");
}

fn cni(env: &[(&str, &str)]) -> Cluster {
    let env: Vec<Value> = env.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    cluster().with(
        Kind::DaemonSets,
        [controller("aws-node", json!({ "name": "aws-node", "image": "x:1", "env": env }))],
    )
}

#[test]
fn settings_of_the_vpc_cni_say_how_pods_get_addresses() {
    let settings = |env: &[(&str, &str)]| known(cni(env).read().nodes.cni);
    let addresses =
        |warm_addresses, minimum_addresses| CniSettings::Addresses { warm_addresses, minimum_addresses };
    assert_eq!(settings(&[("ENABLE_PREFIX_DELEGATION", "true")]), CniSettings::Prefixes);
    assert_eq!(
        settings(&[("ENABLE_PREFIX_DELEGATION", "false"), ("WARM_ENI_TARGET", "1")]),
        addresses(None, 0)
    );
    assert_eq!(settings(&[("WARM_IP_TARGET", "5"), ("MINIMUM_IP_TARGET", "20")]), addresses(Some(5), 20));
    assert_eq!(settings(&[("MINIMUM_IP_TARGET", "20")]), addresses(Some(0), 20));
    let mode = CniMode::Addresses { per_interface: 15, warm_addresses: Some(5), minimum_addresses: 0 };
    assert_eq!(addresses(Some(5), 0).mode(15), mode);
    let odd = detail(cni(&[("WARM_IP_TARGET", "many")]).read().nodes.cni);
    assert_eq!(odd, "DaemonSet kube-system/aws-node: WARM_IP_TARGET is \"many\"");
}

#[test]
fn a_network_that_is_not_known_is_not_taken_for_another() {
    let nothing = detail(cluster().read().nodes.cni);
    assert_eq!(nothing, "there is no DaemonSet aws-node, and no other network that is known");
    let calico = controller("calico-node", json!({ "name": "calico-node", "image": "x:1" }));
    assert_eq!(known(cluster().with(Kind::DaemonSets, [calico]).read().nodes.cni), CniSettings::Overlay);
}

#[test]
fn pods_have_subnets_of_their_own_where_the_cni_is_told_so() {
    let custom = [("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")];
    let zone = |name: &str, subnet: &str| object("", name, json!({ "spec": { "subnet": subnet } }));
    let zones = || [zone("a", "subnet-2"), zone("b", "subnet-1"), zone("c", "subnet-1")];
    let ids = |cluster: Cluster| known(cluster.read().nodes.pod_subnet_ids);
    assert_eq!(ids(cni(&custom).with(Kind::EniConfigs, zones())), ["subnet-1", "subnet-2"]);
    assert_eq!(ids(cni(&[]).with(Kind::EniConfigs, zones())), Vec::<String>::new(), "nobody uses them");
    let none = detail(cni(&custom).read().nodes.pod_subnet_ids);
    assert_eq!(none, "custom networking is on, and there is no ENIConfig");
}
