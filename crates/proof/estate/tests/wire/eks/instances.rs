//! Nodes are instances, in the Auto Scaling groups of their node groups.

use super::around::{all, ec2};
use super::*;

const GROUP: &str = "[[clusters.node_groups]]\nname = \"n\"\nnodes = 2\nmax = 5\nversion = \"1.32\"";

/// The node group's Auto Scaling group, as Auto Scaling shows it.
async fn scaling_group(estate: &Estate) -> String {
    let name = get(estate, "/clusters/c/node-groups/n").await["nodegroup"]["resources"]["autoScalingGroups"]
        [0]["name"]
        .as_str()
        .expect("a name")
        .to_owned();
    let body =
        format!("Action=DescribeAutoScalingGroups&AutoScalingGroupNames.member.1={name}&Version=2011-01-01");
    let mut request = Request::post("/")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, "autoscaling", start());
    let response = estate.call(request).await.expect("an answer");
    text(&response).to_owned()
}

/// The instances of the node group in a state, as EC2 shows them.
async fn instances(estate: &Estate, state: &str) -> String {
    let form = format!(
        "Action=DescribeInstances&Filter.1.Name=tag:eks:nodegroup-name&Filter.1.Value.1=n\
         &Filter.2.Name=instance-state-name&Filter.2.Value.1={state}"
    );
    ec2(estate, &form).await.expect("instances")
}

/// Names and instances of the nodes, as Kubernetes has them.
fn nodes(estate: &Estate) -> Vec<(String, String)> {
    use fleetwright_estate::world::kube::{NODES, nodes};
    estate.with_world(|world| {
        let kube = &world.accounts[ACCOUNT].regions[REGION].clusters.by_name["c"].kube;
        let each = kube.list(NODES, None).map(|((_, name), node)| {
            (name.clone(), nodes::instance_of(node).expect("an instance").to_owned())
        });
        each.collect()
    })
}

/// The ids of instances on a page, each once.
fn ids(page: &str) -> Vec<String> {
    let mut ids = all(page, "instanceId");
    ids.extend(all(page, "InstanceId"));
    ids.sort();
    ids.dedup();
    ids
}

#[tokio::test]
async fn nodes_are_instances_with_the_tags_that_eks_gives_them() {
    let estate = cluster("1.33", GROUP);
    let page = instances(&estate, "running").await;
    let (mut names, mut of_nodes): (Vec<String>, Vec<String>) = nodes(&estate).into_iter().unzip();
    of_nodes.sort();
    assert_eq!(ids(&page), of_nodes);
    let mut shown: Vec<String> = all(&page, "privateDnsName");
    shown.sort();
    shown.dedup();
    names.sort();
    assert_eq!(shown, names);
    for (key, value) in
        [("eks:cluster-name", "c"), ("eks:nodegroup-name", "n"), ("kubernetes.io/cluster/c", "owned")]
    {
        assert!(page.contains(&format!("<key>{key}</key><value>{value}</value>")), "{key}");
    }
    assert_eq!(all(&page, "instanceType"), ["m6i.large"; 2]);
    let image = &all(&page, "imageId")[0];
    let image = ec2(&estate, &format!("Action=DescribeImages&ImageId.1={image}")).await.expect("the image");
    assert_eq!(all(&image, "name"), ["amazon-eks-node-al2023-x86_64-standard-1.32-v20260801"]);
}

#[tokio::test]
async fn a_roll_launches_new_instances_and_terminates_the_old_ones() {
    let estate = cluster("1.33", GROUP);
    let old = ids(&instances(&estate, "running").await);
    let begun = post(&estate, "/clusters/c/node-groups/n/update-version", to("1.33")).await;
    assert_eq!(after(&estate, &begun, "?nodegroupName=n", 45.0).await, done());
    let new = ids(&instances(&estate, "running").await);
    assert_eq!(new.len(), 2);
    assert!(old.iter().all(|id| !new.contains(id)));
    let mut of_nodes: Vec<String> = nodes(&estate).into_iter().map(|it| it.1).collect();
    of_nodes.sort();
    assert_eq!(new, of_nodes);
    assert_eq!(ids(&scaling_group(&estate).await), new);
}

#[tokio::test]
async fn the_auto_scaling_group_of_a_node_group_has_its_size_and_its_instances() {
    let estate = cluster("1.33", GROUP);
    let page = scaling_group(&estate).await;
    let size = |page: &str| ["MinSize", "DesiredCapacity", "MaxSize"].map(|name| all(page, name)[0].clone());
    assert_eq!(size(&page), ["0", "2", "5"]);
    assert_eq!(ids(&page), ids(&instances(&estate, "running").await));
    assert_eq!(all(&page, "LifecycleState"), ["InService"; 2]);
    let wish = json!({ "scalingConfig": { "desiredSize": 4 } });
    let begun = post(&estate, "/clusters/c/node-groups/n/update-config", wish).await;
    assert_eq!(after(&estate, &begun, "?nodegroupName=n", 10.0).await, done());
    let page = scaling_group(&estate).await;
    assert_eq!((size(&page), ids(&page).len()), (["0", "4", "5"].map(str::to_owned), 4));
}
