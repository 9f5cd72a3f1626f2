//! Insights are found out from the cluster, are as fresh as the last look, and forget.

use super::*;

async fn status(estate: &Estate, name: &str) -> String {
    let found = post(estate, "/clusters/c/insights", json!({})).await["insights"].clone();
    let mut all = found.as_array().expect("insights").iter();
    let found = all.find(|it| it["name"] == name).unwrap_or_else(|| panic!("no {name} in {found}"));
    found["insightStatus"]["status"].as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn a_finding_about_calls_ends_thirty_days_after_the_last() {
    let more = r#"
        [[clusters.insights]]
        name = "Deprecated APIs"
        category = "UPGRADE_READINESS"
        version = "1.34"
        status = "ERROR"
        [[clusters.insights.deprecations]]
        usage = "/apis/flowcontrol.apiserver.k8s.io/v1beta3/flowschemas"
        replaced_with = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
        stops = "1.34"
        replacement_since = "1.29"
        callers = [{ user_agent = "old-controller", requests = 12, days_ago = 28.5 }]"#;
    let estate = cluster("1.33", more);
    assert_eq!(status(&estate, "Deprecated APIs").await, "ERROR");
    estate.advance(1.0 * DAY).expect("advanced");
    assert_eq!(status(&estate, "Deprecated APIs").await, "ERROR", "29.5 days ago");
    estate.advance(1.0 * DAY).expect("advanced");
    assert_eq!(status(&estate, "Deprecated APIs").await, "PASSING", "30.5 days ago");
}

#[tokio::test]
async fn who_calls_what_is_described_with_the_last_time() {
    let more = r#"
        [[clusters.insights]]
        name = "Deprecated APIs"
        category = "UPGRADE_READINESS"
        version = "1.34"
        status = "ERROR"
        deprecations = [{ usage = "/old", replaced_with = "/new", stops = "1.34", replacement_since = "1.29", callers = [
            { user_agent = "old-controller", requests = 12, days_ago = 1.0 } ] }]"#;
    let estate = cluster("1.33", more);
    let filter = json!({ "filter": { "statuses": ["ERROR"], "kubernetesVersions": ["1.34"] } });
    let found = post(&estate, "/clusters/c/insights", filter).await["insights"].clone();
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    let path = format!("/clusters/c/insights/{}", found[0]["id"].as_str().expect("an id"));
    let insight = get(&estate, &path).await["insight"].clone();
    let caller = &insight["categorySpecificSummary"]["deprecationDetails"][0]["clientStats"][0];
    assert_eq!(
        (&caller["userAgent"], &caller["numberOfRequestsLast30Days"]),
        (&json!("old-controller"), &json!(12))
    );
    assert_eq!(caller["lastRequestTime"], 1_786_233_600.0, "a day before the start");
}

#[tokio::test]
async fn what_was_found_out_stands_until_somebody_asks_to_look_again() {
    let more = "[[clusters.node_groups]]\nname = \"n\"\nnodes = 1\nversion = \"1.31\"";
    let estate = cluster("1.34", more);
    assert_eq!(status(&estate, "Kubelet version skew").await, "ERROR");
    let begun = post(&estate, "/clusters/c/node-groups/n/update-version", to("1.34")).await;
    assert_eq!(after(&estate, &begun, "?nodegroupName=n", 20.0).await, done());
    assert_eq!(status(&estate, "Kubelet version skew").await, "ERROR", "not looked at since");
    post(&estate, "/clusters/c/insights-refresh", Value::Null).await;
    let refresh = get(&estate, "/clusters/c/insights-refresh").await;
    assert_eq!(refresh["status"], "IN_PROGRESS");
    estate.advance(4.0 * MINUTE).expect("advanced");
    assert_eq!(get(&estate, "/clusters/c/insights-refresh").await["status"], "COMPLETED");
    assert_eq!(status(&estate, "Kubelet version skew").await, "PASSING");
}

#[tokio::test]
async fn add_ons_that_do_not_fit_the_next_version_are_named_with_those_that_would() {
    let more = "addons = [{ name = \"coredns\", version = \"v1.11.4-eksbuild.22\" }]";
    let estate = cluster("1.34", more);
    assert_eq!(status(&estate, "EKS add-on version compatibility").await, "WARNING");
}
