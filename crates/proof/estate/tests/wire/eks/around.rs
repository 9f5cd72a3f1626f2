//! What EC2 says of what stands around a cluster: subnets, security groups.

use super::*;

const UPDATES: &str = "/clusters/c/updates";

/// Asks EC2; the page, or the error's code.
pub(super) async fn ec2(estate: &Estate, form: &str) -> Result<String, String> {
    let body = format!("{form}&Version=2016-11-15");
    let mut request = Request::post("/")
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
        .expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, "ec2", start());
    let response = estate.call(request).await.expect("an answer");
    let page = text(&response).to_owned();
    if response.status() == 200 { Ok(page) } else { Err(element(&page, "Code").to_owned()) }
}

/// The texts of every element of that name.
pub(super) fn all(page: &str, name: &str) -> Vec<String> {
    let open = format!("<{name}>");
    let parts = page.split(&open).skip(1).map(|rest| rest.split('<').next().unwrap_or_default());
    parts.map(str::to_owned).collect()
}

/// Addresses that are free in each of the region's subnets, by zone.
async fn free(estate: &Estate) -> Vec<(String, u32)> {
    let page = ec2(estate, "Action=DescribeSubnets").await.expect("subnets");
    let counts = all(&page, "availableIpAddressCount").into_iter().map(|it| it.parse().expect("a number"));
    let mut found: Vec<(String, u32)> = all(&page, "availabilityZone").into_iter().zip(counts).collect();
    found.sort();
    found
}

/// A subnet's section: zone, and what is said of it.
fn subnet(zone: usize, says: &str) -> String {
    format!("[[subnets]]\naccount = \"prod\"\nzone = {zone}\n{says}\n")
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(|it| it.as_str().expect("a text").to_owned()).collect()
}

/// The network of the cluster `c`, as EKS tells it.
async fn network(estate: &Estate) -> Value {
    get(estate, "/clusters/c").await["cluster"]["resourcesVpcConfig"].clone()
}

#[tokio::test]
async fn the_subnets_and_groups_that_a_cluster_names_exist() {
    let estate = cluster("1.33", "");
    let network = network(&estate).await;
    let ids = texts(&network["subnetIds"]);
    let named: String = ids.iter().enumerate().map(|(n, id)| format!("&SubnetId.{}={id}", n + 1)).collect();
    let page = ec2(&estate, &format!("Action=DescribeSubnets{named}")).await.expect("subnets");
    assert_eq!(all(&page, "subnetId").len(), 3);
    assert_eq!(all(&page, "cidrBlock").iter().filter(|it| it.ends_with("/18")).count(), 3);
    assert!(all(&page, "vpcId").iter().all(|it| network["vpcId"] == it.as_str()));
    let group = network["clusterSecurityGroupId"].as_str().expect("a group");
    let page = ec2(&estate, &format!("Action=DescribeSecurityGroups&GroupId.1={group}")).await;
    assert_eq!(element(&page.expect("the group"), "groupName").split('-').nth(3), Some("c"));
}

#[tokio::test]
async fn filters_and_pages_choose_among_subnets_and_groups() {
    let tagged = subnet(1, "tags = { Use = \"nodes\" }");
    let estate = cluster("1.33", &tagged);
    let filter = |name: &str, value: &str| format!("&Filter.1.Name={name}&Filter.1.Value.1={value}");
    let named = ["availability-zone", "availabilityZone", "tag:Use", "tag-key"].into_iter().zip([
        format!("{REGION}b"),
        format!("{REGION}b"),
        "nodes".to_owned(),
        "Use".to_owned(),
    ]);
    for (name, value) in named {
        let page = ec2(&estate, &format!("Action=DescribeSubnets{}", filter(name, &value))).await;
        assert_eq!(all(&page.expect("subnets"), "availabilityZone"), [format!("{REGION}b")], "{name}");
    }
    let vpc = network(&estate).await["vpcId"].as_str().expect("a VPC").to_owned();
    for (action, element, count) in
        [("DescribeSubnets", "subnetId", 3), ("DescribeSecurityGroups", "groupName", 6)]
    {
        let all_of_it = ec2(&estate, &format!("Action={action}{}", filter("vpc-id", &vpc))).await;
        assert_eq!(all(&all_of_it.expect("rows"), element).len(), count, "{action}");
        let none =
            ec2(&estate, &format!("Action={action}{}", filter("vpc-id", "vpc-00000000000000000"))).await;
        assert_eq!(all(&none.expect("rows"), element).len(), 0, "{action}");
    }
    let first = ec2(&estate, "Action=DescribeSecurityGroups&MaxResults=5").await.expect("groups");
    let token = element(&first, "nextToken");
    let second = format!("Action=DescribeSecurityGroups&MaxResults=5&NextToken={token}");
    let second = ec2(&estate, &second).await.expect("groups");
    assert_eq!((all(&first, "groupName").len(), all(&second, "groupName").len()), (5, 1));
    assert_eq!(all(&second, "nextToken").len(), 0, "it is the last page");
}

#[tokio::test]
async fn ids_that_do_not_exist_are_refused_with_their_codes() {
    let estate = cluster("1.33", "");
    for (form, code) in [
        ("Action=DescribeSubnets&SubnetId.1=subnet-0123456789abcdef0", "InvalidSubnetID.NotFound"),
        ("Action=DescribeSubnets&SubnetId.1=net-1", "InvalidSubnetId.Malformed"),
        ("Action=DescribeSubnets&MaxResults=4", "InvalidParameterValue"),
        ("Action=DescribeSubnets&NextToken=mine", "InvalidNextToken"),
        ("Action=DescribeSecurityGroups&GroupId.1=sg-0123456789abcdef0", "InvalidGroup.NotFound"),
        ("Action=DescribeSecurityGroups&GroupName.1=nobody", "InvalidGroup.NotFound"),
        ("Action=DescribeSecurityGroups&GroupId.1=group", "InvalidGroupId.Malformed"),
    ] {
        assert_eq!(ec2(&estate, form).await, Err(code.to_owned()), "{form}");
    }
}

#[tokio::test]
async fn addresses_go_with_the_nodes_that_come_and_come_back_with_those_that_go() {
    let nodes = "[[clusters.node_groups]]\nname = \"n\"\nnodes = 1\nmax = 4\nzones = 1";
    let estate = cluster("1.33", nodes);
    let (before, size) = (free(&estate).await, (1 << 14) - 5);
    // m6i.large: ten addresses to an interface; and the control plane has one in each of two zones.
    assert_eq!(before[0].1, size - 10 - 1);
    assert_eq!((before[1].1, before[2].1), (size - 1, size));
    let wish = |nodes: u32| json!({ "scalingConfig": { "desiredSize": nodes } });
    for (nodes, held) in [(3, 30), (1, 10)] {
        let path = "/clusters/c/node-groups/n/update-config";
        let begun = post(&estate, path, wish(nodes)).await;
        assert_eq!(after(&estate, &begun, "?nodegroupName=n", 10.0).await, done());
        assert_eq!(free(&estate).await[0].1, size - held - 1, "{nodes} nodes");
    }
}

#[tokio::test]
async fn a_control_plane_goes_up_where_five_addresses_are_free_in_two_zones() {
    let estate_of = |free: [u32; 3]| {
        let said: Vec<String> = free
            .iter()
            .enumerate()
            .map(|(zone, it)| subnet(zone, &format!("free_addresses = {it}")))
            .collect();
        cluster("1.33", &said.concat())
    };
    for (addresses, expected) in [
        ([2, 2, 1], done()),
        ([2, 2, 0], ("Failed".to_owned(), "InsufficientFreeAddresses".to_owned())),
        ([200, 0, 0], ("Failed".to_owned(), "InsufficientFreeAddresses".to_owned())),
    ] {
        let estate = estate_of(addresses);
        assert_eq!(free(&estate).await.iter().map(|it| it.1).collect::<Vec<_>>(), addresses);
        let begun = post(&estate, UPDATES, to("1.34")).await;
        assert_eq!(after(&estate, &begun, "", 16.0).await, expected, "{addresses:?}");
    }
}

#[tokio::test]
async fn a_roll_fails_in_subnets_that_are_too_small_for_the_surge_and_keeps_the_old_nodes() {
    // Two zones: a surge of four nodes with ten addresses each.
    let nodes = "[[clusters.node_groups]]\nname = \"n\"\nnodes = 2\nversion = \"1.32\"\n";
    let path = "/clusters/c/node-groups/n/update-version";
    for (free_addresses, expected) in
        [(20, done()), (19, ("Failed".to_owned(), "InsufficientFreeAddresses".to_owned()))]
    {
        let says = format!("free_addresses = {free_addresses}");
        let estate = cluster("1.33", &[nodes, &subnet(0, &says), &subnet(1, &says)].concat());
        let begun = post(&estate, path, to("1.33")).await;
        assert_eq!(after(&estate, &begun, "?nodegroupName=n", 45.0).await, expected, "{says}");
        let left: u32 = free(&estate).await.iter().take(2).map(|it| it.1).sum();
        assert_eq!(left, 2 * free_addresses, "as many nodes are there as before");
        let group = get(&estate, "/clusters/c/node-groups/n").await["nodegroup"].clone();
        assert_eq!(group["version"], if expected == done() { "1.33" } else { "1.32" });
    }
}

#[tokio::test]
async fn a_subnet_that_was_deleted_is_not_found_and_fails_the_update() {
    let estate = cluster("1.33", &subnet(2, "gone = true"));
    let ids = texts(&network(&estate).await["subnetIds"]);
    let asked = ec2(&estate, &format!("Action=DescribeSubnets&SubnetId.1={}", ids[2])).await;
    assert_eq!(asked, Err("InvalidSubnetID.NotFound".to_owned()));
    assert_eq!(free(&estate).await.len(), 2);
    let begun = post(&estate, UPDATES, to("1.34")).await;
    assert_eq!(after(&estate, &begun, "", 16.0).await, ("Failed".to_owned(), "SubnetNotFound".to_owned()));
}

#[tokio::test]
async fn offerings_leave_out_what_a_zone_does_not_have_and_nodes_go_elsewhere() {
    let nodes = "[[clusters.node_groups]]\nname = \"n\"\nnodes = 1\nmax = 4\n";
    let estate = cluster("1.33", &[nodes, &subnet(0, "not_offered = [\"m6i.large\"]")].concat());
    let asked = "Action=DescribeInstanceTypeOfferings&Filter.1.Name=instance-type&Filter.1.Value.1=m6i.large";
    for (kind, places) in [
        ("", vec![REGION.to_owned()]),
        ("&LocationType=region", vec![REGION.to_owned()]),
        ("&LocationType=availability-zone", vec![format!("{REGION}b"), format!("{REGION}c")]),
    ] {
        let page = ec2(&estate, &format!("{asked}{kind}")).await.expect("offerings");
        assert_eq!(all(&page, "location"), places, "{kind}");
    }
    let before = free(&estate).await;
    let wish = json!({ "scalingConfig": { "desiredSize": 3 } });
    let begun = post(&estate, "/clusters/c/node-groups/n/update-config", wish).await;
    assert_eq!(after(&estate, &begun, "?nodegroupName=n", 10.0).await, done());
    let after = free(&estate).await;
    assert_eq!((before[0].1 - after[0].1, before[1].1 - after[1].1), (0, 20));
    let odd = ec2(&estate, "Action=DescribeInstanceTypeOfferings&LocationType=planet").await;
    assert_eq!(odd, Err("InvalidParameterValue".to_owned()));
}

#[tokio::test]
async fn a_roll_fails_where_no_zone_of_the_group_offers_its_type() {
    let nodes = "[[clusters.node_groups]]\nname = \"n\"\nnodes = 1\nzones = 1\nversion = \"1.32\"\n";
    let estate = cluster("1.33", &[nodes, &subnet(0, "not_offered = [\"m6i.large\"]")].concat());
    let begun = post(&estate, "/clusters/c/node-groups/n/update-version", to("1.33")).await;
    let failed = ("Failed".to_owned(), "NodeCreationFailure".to_owned());
    assert_eq!(after(&estate, &begun, "?nodegroupName=n", 45.0).await, failed);
}

#[tokio::test]
async fn interfaces_are_those_of_control_planes_and_of_nodes() {
    let nodes = "[[clusters.node_groups]]\nname = \"n\"\nnodes = 4\n";
    let estate = cluster("1.33", nodes);
    let asked = "Action=DescribeNetworkInterfaces";
    let page = ec2(&estate, asked).await.expect("interfaces");
    assert_eq!(all(&page, "networkInterfaceId").len(), 2 + 4);
    let own = format!("{asked}&Filter.1.Name=description&Filter.1.Value.1=Amazon EKS c");
    let own = ec2(&estate, &own.replace(' ', "%20")).await.expect("interfaces");
    assert_eq!(all(&own, "requesterManaged"), ["true", "true"]);
    let first = ec2(&estate, &format!("{asked}&MaxResults=5")).await.expect("interfaces");
    let token = element(&first, "nextToken");
    let second = ec2(&estate, &format!("{asked}&MaxResults=5&NextToken={token}")).await.expect("interfaces");
    assert_eq!(all(&second, "networkInterfaceId").len(), 1);
    let nobody = ec2(&estate, &format!("{asked}&NetworkInterfaceId.1=eni-0123456789abcdef0")).await;
    assert_eq!(nobody, Err("InvalidNetworkInterfaceID.NotFound".to_owned()));
}
