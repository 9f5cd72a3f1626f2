//! IAM is asked for actions on clusters, node groups and add-ons by their ARNs.

use super::*;

const CLUSTERS: &str = "[[clusters]]\nname = \"c\"\naccount = \"prod\"\nversion = \"1.33\"\ntags = { Team = \"web\" }\n\
    node_groups = [{ name = \"n\", nodes = 1 }]\naddons = [{ name = \"coredns\" }]\n\
    [[clusters]]\nname = \"other\"\naccount = \"prod\"\nversion = \"1.33\"";

async fn denied(estate: &Estate, method: &str, path: &str) -> bool {
    matches!(ask(estate, method, path, json!({})).await, Err((code, _)) if code == "AccessDeniedException")
}

#[tokio::test]
async fn permissions_hold_for_arns_of_clusters_groups_and_add_ons() {
    let policy = r#"{"Statement":[
        {"Effect":"Allow","Action":"eks:*","Resource":[
            "arn:aws:eks:*:*:cluster/c","arn:aws:eks:*:*:nodegroup/c/n/*"]},
        {"Effect":"Allow","Action":"eks:ListClusters","Resource":"*"}]}"#;
    let estate = estate_of(CLUSTERS, policy);
    let cases = [
        ("GET", "/clusters", false),
        ("GET", "/clusters/c", false),
        ("GET", "/clusters/other", true),
        ("GET", "/clusters/c/node-groups/n", false),
        ("GET", "/clusters/c/addons", false),
        ("GET", "/clusters/c/addons/coredns", true),
        ("GET", "/cluster-versions", true),
    ];
    for (method, path, expected) in cases {
        assert_eq!(denied(&estate, method, path).await, expected, "{path}");
    }
}

#[tokio::test]
async fn permissions_hold_for_tags() {
    let policy = r#"{"Statement":{"Effect":"Allow","Action":"eks:DescribeCluster","Resource":"*",
        "Condition":{"StringEquals":{"aws:ResourceTag/Team":"web"}}}}"#;
    let estate = estate_of(CLUSTERS, policy);
    assert!(!denied(&estate, "GET", "/clusters/c").await);
    assert!(denied(&estate, "GET", "/clusters/other").await);
}

#[tokio::test]
async fn what_is_not_there_answers_as_an_unknown_operation_does() {
    let estate = estate_of(CLUSTERS, ALL);
    for (method, path) in
        [("POST", "/clusters"), ("DELETE", "/clusters/c"), ("GET", "/clusters/c/capabilities")]
    {
        let (code, _) = ask(&estate, method, path, json!({})).await.expect_err("not there");
        assert_eq!(code, "UnknownOperationException", "{method} {path}");
    }
    let missing = ask(&estate, "GET", "/clusters/nobody", Value::Null).await.expect_err("no such cluster");
    assert_eq!(missing.0, "ResourceNotFoundException");
}
