//! Clusters: the contract over the simulated estate, and tokens that a cluster takes.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fleetwright_kubernetes::Minor;
use fleetwright_ports::Clusters;
use fleetwright_ports::clusters::ClusterName;
use fleetwright_ports::conformance::clusters::{Expected, check, check_foundations};
use fleetwright_ports::kubernetes::KubernetesTokens;
use jiff::SignedDuration;

use crate::estate;

const SCENARIO: &str = "name = \"t\"\nseed = 41\n\
    [[accounts]]\nname = \"prod\"\nid = \"210987654321\"\nregions = [\"eu-central-1\"]\n\
    [fleet]\nregions = [\"eu-central-1\"]\ninstances = 1\n\
    [[clusters]]\nname = \"shop\"\naccount = \"prod\"\nversion = \"1.34\"\n\
    node_groups = [{ name = \"blue\" }, { name = \"green\", minimal = true }]\n\
    addons = [{ name = \"vpc-cni\" }, { name = \"coredns\" }]\n\
    [[clusters]]\nname = \"another\"\naccount = \"prod\"\nversion = \"1.33\"\n";

fn shop() -> ClusterName {
    "shop".parse().expect("a name")
}

fn names(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_clusters_and_of_what_they_stand_on() {
    let stage = estate::stage(SCENARIO).await;
    let expected = Expected {
        name: shop(),
        version: Minor::new(34),
        addons: names(&["vpc-cni", "coredns"]),
        node_groups: names(&["blue", "green"]),
    };
    let cell = &stage.cells()[0];
    check(&stage.aws, cell, &expected).await;
    let described = stage.aws.cluster(cell, &shop()).await.expect("a cluster");
    check_foundations(&stage.aws, cell, &described).await;
}

#[tokio::test(start_paused = true)]
async fn a_token_is_a_presigned_request_that_names_its_cluster_and_holds_for_minutes() {
    let stage = estate::stage(SCENARIO).await;
    let before = stage.clock.now();
    let (token, until) = stage.aws.cluster_tokens(&stage.cells()[0], &shop()).token().await.expect("a token");
    assert!(until.duration_since(before) <= SignedDuration::from_mins(15));
    let encoded = token.reveal().strip_prefix("k8s-aws-v1.").expect("the prefix");
    let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).expect("Base64")).expect("text");
    for part in [
        "Action=GetCallerIdentity",
        "X-Amz-Expires=60",
        "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
        "X-Amz-Signature=",
    ] {
        assert!(url.contains(part), "{part}");
    }
}
