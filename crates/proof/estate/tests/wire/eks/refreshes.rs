//! Auto Scaling groups of one's own: their nodes go and come with instance refreshes.

use fleetwright_estate::world::kube::{NODES, nodes};

use super::around::{all, ec2};
use super::*;

/// Two nodes a minor behind, whose launch template's latest version is for the control plane's.
const GROUP: &str = "self_managed = [{ name = \"own\", nodes = 2, version = \"1.32\", image = \"1.33\"";

fn with_group(more: &str, rest: &str) -> Arc<Estate> {
    cluster("1.33", &format!("{GROUP}{more} }}]\n{rest}"))
}

/// A workload of two, none of which may be missing.
const HELD: &str = "workloads = [{ name = \"web\", namespace = \"shop\", replicas = 2, min_available = 2 }]";

/// Asks Auto Scaling; the error's document where it refuses.
async fn scaling(estate: &Estate, form: &str) -> Result<String, String> {
    let mut request = Request::post("/")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(format!("{form}&Version=2011-01-01&AutoScalingGroupName=own")))
        .expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, "autoscaling", start());
    let response = estate.call(request).await.expect("an answer");
    let body = text(&response).to_owned();
    if response.status() == 200 { Ok(body) } else { Err(body) }
}

const BEGIN: &str = "Action=StartInstanceRefresh&Preferences.MinHealthyPercentage=100\
     &Preferences.MaxHealthyPercentage=110&Preferences.SkipMatching=true";

async fn begin(estate: &Estate) {
    scaling(estate, BEGIN).await.expect("a refresh");
}

/// How the latest refresh stands, after some minutes.
async fn stands(estate: &Estate, minutes: f64) -> String {
    estate.advance(minutes * MINUTE).expect("advanced");
    let body = scaling(estate, "Action=DescribeInstanceRefreshes").await.expect("refreshes");
    all(&body, "Status").swap_remove(0)
}

/// The kubelets' versions and whether each node is closed to new pods.
fn kubelets(estate: &Estate) -> Vec<(String, bool)> {
    estate.with_world(|world| {
        let kube = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name["c"].kube;
        let each = kube.list(NODES, None).map(|(_, node)| {
            let version = node["status"]["nodeInfo"]["kubeletVersion"].as_str().expect("a version");
            (version[..5].to_owned(), node["spec"]["unschedulable"] == true)
        });
        each.collect()
    })
}

fn pods_of_web(estate: &Estate) -> usize {
    estate.with_world(|world| {
        let kube = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name["c"].kube;
        kube.list("pods", Some("shop"))
            .filter(|(_, pod)| fleetwright_estate::world::kube::pods::is_ready(pod))
            .count()
    })
}

fn all_at(version: &str) -> Vec<(String, bool)> {
    vec![(version.to_owned(), false); 2]
}

#[tokio::test]
async fn a_refresh_replaces_the_nodes_by_those_of_the_templates_version() {
    let estate = with_group(", hook = true", "");
    assert_eq!(kubelets(&estate), all_at("v1.32"));
    begin(&estate).await;
    assert_eq!(stands(&estate, 30.0).await, "Successful");
    assert_eq!(kubelets(&estate), all_at("v1.33"));
    let form = "Action=DescribeInstances&Filter.1.Name=instance-state-name&Filter.1.Value.1=running";
    assert_eq!(all(&ec2(&estate, form).await.expect("instances"), "instanceId").len(), 2);
    // Nothing is left to do.
    begin(&estate).await;
    assert_eq!(stands(&estate, 1.0).await, "Successful");
}

#[tokio::test]
async fn a_second_refresh_is_refused_while_one_goes_on() {
    let estate = with_group(", hook = true", "");
    begin(&estate).await;
    let refused = scaling(&estate, BEGIN).await.expect_err("refused");
    assert_eq!(all(&refused, "Code"), ["InstanceRefreshInProgress"]);
    scaling(&estate, "Action=CancelInstanceRefresh").await.expect("cancelled");
    assert_eq!(stands(&estate, 1.0).await, "Cancelled");
    let refused = scaling(&estate, "Action=CancelInstanceRefresh").await.expect_err("refused");
    assert_eq!(all(&refused, "Code"), ["ActiveInstanceRefreshNotFound"]);
}

#[tokio::test]
async fn a_refresh_may_name_the_version_that_the_group_is_made_from_when_it_is_through() {
    let estate = with_group(", hook = true", "");
    let with = |version: &str| {
        let template = "DesiredConfiguration.LaunchTemplate";
        format!("{BEGIN}&{template}.LaunchTemplateName=lt-own&{template}.Version={version}")
    };
    let refused = scaling(&estate, &with("3")).await.expect_err("there is no third version");
    assert_eq!(all(&refused, "Code"), ["ValidationError"]);
    begin(&estate).await;
    assert_eq!(stands(&estate, 30.0).await, "Successful");
    assert_eq!(kubelets(&estate), all_at("v1.33"));
    scaling(&estate, &with("1")).await.expect("a refresh");
    assert_eq!(stands(&estate, 30.0).await, "Successful");
    assert_eq!(kubelets(&estate), all_at("v1.32"));
    let shown = scaling(&estate, "Action=DescribeInstanceRefreshes").await.expect("refreshes");
    assert_eq!(all(&shown, "Version"), ["1"], "one of the two named a version");
    // The next one without a word goes by what the last one made of the group.
    begin(&estate).await;
    assert_eq!(stands(&estate, 1.0).await, "Successful");
    assert_eq!(kubelets(&estate), all_at("v1.32"));
}

#[tokio::test]
async fn with_a_hook_pods_are_evicted_by_their_budget_until_its_heartbeat_is_over() {
    let estate = with_group(", hook = true, heartbeat = 1800", HELD);
    begin(&estate).await;
    assert_eq!(stands(&estate, 20.0).await, "InProgress");
    assert_eq!(pods_of_web(&estate), 2, "the budget lets nobody go");
    assert!(kubelets(&estate).contains(&("v1.32".to_owned(), true)), "{:?}", kubelets(&estate));
    assert_eq!(stands(&estate, 180.0).await, "Successful");
    assert_eq!(kubelets(&estate), all_at("v1.33"));
}

#[tokio::test]
async fn without_a_hook_nodes_end_with_their_pods() {
    let estate = with_group("", HELD);
    begin(&estate).await;
    assert_eq!(stands(&estate, 20.0).await, "Successful");
    assert_eq!(kubelets(&estate), all_at("v1.33"));
}

#[tokio::test]
async fn what_is_protected_or_suspended_keeps_a_refresh_from_its_end() {
    for more in [", protected = 1", ", suspended = [\"Terminate\"]"] {
        let estate = with_group(more, "");
        begin(&estate).await;
        assert_eq!(stands(&estate, 30.0).await, "InProgress", "{more}");
        assert_eq!(stands(&estate, 90.0).await, "Failed", "{more}");
    }
}

#[tokio::test]
async fn nodes_of_ones_own_groups_have_no_label_of_a_node_group() {
    let estate = with_group("", "");
    estate.with_world(|world| {
        let kube = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name["c"].kube;
        for (_, node) in kube.list(NODES, None) {
            assert_eq!(nodes::group_of(node), None);
        }
    });
    let form = "Action=DescribeInstances&Filter.1.Name=tag:kubernetes.io/cluster/c&Filter.1.Value.1=owned";
    assert_eq!(all(&ec2(&estate, form).await.expect("instances"), "instanceId").len(), 2);
    let form = "Action=DescribeInstances&Filter.1.Name=tag-key&Filter.1.Value.1=eks:nodegroup-name";
    assert!(all(&ec2(&estate, form).await.expect("instances"), "instanceId").is_empty());
}
