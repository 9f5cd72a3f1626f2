//! The control plane goes up by one version, and back within seven days.

use super::*;

const UPDATES: &str = "/clusters/c/updates";

async fn version(estate: &Estate) -> String {
    get(estate, "/clusters/c").await["cluster"]["version"].as_str().expect("a version").to_owned()
}

#[tokio::test]
async fn an_upgrade_takes_its_time_and_the_cluster_serves_meanwhile() {
    let estate = cluster("1.33", "");
    let begun = post(&estate, UPDATES, to("1.34")).await;
    assert_eq!(begun["update"]["type"], "VersionUpdate");
    assert_eq!(after(&estate, &begun, "", 1.0).await, going_on());
    let meanwhile = get(&estate, "/clusters/c").await["cluster"].clone();
    assert_eq!((&meanwhile["status"], &meanwhile["version"]), (&json!("UPDATING"), &json!("1.33")));
    assert_eq!(after(&estate, &begun, "", 15.0).await, done());
    let then = get(&estate, "/clusters/c").await["cluster"].clone();
    assert_eq!((&then["status"], &then["version"]), (&json!("ACTIVE"), &json!("1.34")));
}

#[tokio::test]
async fn a_version_that_is_not_offered_and_a_jump_are_refused() {
    let estate = cluster("1.33", "");
    let refused = "InvalidParameterException";
    for (version, says) in [
        ("1.37", "unsupported Kubernetes version 1.37"),
        ("1.30", "unsupported Kubernetes version 1.30"),
        ("one", "unsupported Kubernetes version one"),
        ("1.35", "from 1.33 to 1.35"),
        ("1.33", "already at"),
    ] {
        assert_eq!(code(&estate, UPDATES, to(version), says).await, refused, "{version}");
    }
    assert_eq!(get(&estate, UPDATES).await["updateIds"], json!([]), "nothing was begun");
}

#[tokio::test]
async fn a_second_update_waits_for_the_end_of_the_first() {
    let estate = cluster("1.33", "");
    let begun = post(&estate, UPDATES, to("1.34")).await;
    let id = begun["update"]["id"].as_str().expect("an id");
    assert_eq!(code(&estate, UPDATES, to("1.34"), id).await, "ResourceInUseException");
    assert_eq!(after(&estate, &begun, "", 16.0).await, done());
    post(&estate, UPDATES, to("1.35")).await;
}

#[tokio::test]
async fn the_same_token_is_the_same_update_also_when_it_is_over() {
    let estate = cluster("1.33", "");
    let asked = json!({ "version": "1.34", "clientRequestToken": "t-1" });
    let first = post(&estate, UPDATES, asked.clone()).await;
    assert_eq!(post(&estate, UPDATES, asked.clone()).await["update"]["id"], first["update"]["id"]);
    after(&estate, &first, "", 16.0).await;
    let again = post(&estate, UPDATES, asked).await;
    assert_eq!(
        (&again["update"]["id"], &again["update"]["status"]),
        (&first["update"]["id"], &json!("Successful"))
    );
    let other = json!({ "version": "1.35", "clientRequestToken": "t-1" });
    assert_eq!(code(&estate, UPDATES, other, "t-1").await, "InvalidParameterException");
}

#[tokio::test]
async fn an_error_among_the_insights_stands_against_an_upgrade_that_is_not_forced() {
    let insight = r#"
        [[clusters.insights]]
        name = "Deprecated APIs removed in Kubernetes version 1.34"
        category = "UPGRADE_READINESS"
        version = "1.34"
        status = "ERROR""#;
    let estate = cluster("1.33", insight);
    assert_eq!(code(&estate, UPDATES, to("1.34"), "Deprecated APIs").await, "InvalidStateException");
    let forced = post(&estate, UPDATES, json!({ "version": "1.34", "force": true })).await;
    assert_eq!(after(&estate, &forced, "", 16.0).await, done());
}

#[tokio::test]
async fn nodes_may_be_three_versions_behind_and_no_more() {
    let nodes = "[[clusters.node_groups]]\nname = \"n\"\nnodes = 1\nversion = \"1.31\"";
    let estate = cluster("1.34", nodes);
    assert_eq!(
        code(&estate, UPDATES, to("1.35"), "at most 3 minor versions").await,
        "InvalidParameterException"
    );
    let estate = cluster("1.33", nodes);
    post(&estate, UPDATES, to("1.34")).await;
}

#[tokio::test]
async fn a_failed_health_check_leaves_the_old_version() {
    let estate = cluster("1.33", "next_upgrade_fails = \"IpNotAvailable\"");
    let begun = post(&estate, UPDATES, to("1.34")).await;
    assert_eq!(after(&estate, &begun, "", 16.0).await, ("Failed".to_owned(), "IpNotAvailable".to_owned()));
    assert_eq!(version(&estate).await, "1.33");
}

#[tokio::test]
async fn the_way_back_is_open_for_seven_days_after_an_upgrade_in_place() {
    let estate = cluster("1.33", "");
    let begun = post(&estate, UPDATES, to("1.34")).await;
    after(&estate, &begun, "", 16.0).await;
    estate.advance(6.9 * DAY).expect("advanced");
    let back = post(&estate, UPDATES, to("1.33")).await;
    assert_eq!(back["update"]["type"], "VersionRollback");
    assert_eq!(after(&estate, &back, "", 16.0).await, done());
    assert_eq!(version(&estate).await, "1.33");
    assert_eq!(code(&estate, UPDATES, to("1.32"), "not upgraded in place").await, "InvalidRequestException");
}

#[tokio::test]
async fn no_way_leads_back_after_seven_days_or_from_where_nobody_came() {
    let late = cluster("1.34", "upgraded = { from = \"1.33\", days_ago = 7.1 }");
    assert_eq!(code(&late, UPDATES, to("1.33"), "more than 7 days").await, "InvalidRequestException");
    let new = cluster("1.34", "");
    assert_eq!(code(&new, UPDATES, to("1.33"), "not upgraded in place").await, "InvalidRequestException");
    let far = cluster("1.34", "upgraded = { from = \"1.33\", days_ago = 1.0 }");
    assert_eq!(code(&far, UPDATES, to("1.32"), "1.33 only").await, "InvalidParameterException");
    let bound = "upgraded = { from = \"1.33\", days_ago = 1.0 }\nblocks_rollback = [\"a feature\"]";
    let bound = cluster("1.34", bound);
    let forced = json!({ "version": "1.33", "force": true });
    assert_eq!(code(&bound, UPDATES, forced, "a feature").await, "InvalidRequestException");
}

#[tokio::test]
async fn newer_nodes_stand_against_the_way_back_until_they_are_rolled_back() {
    let more =
        "upgraded = { from = \"1.33\", days_ago = 1.0 }\n[[clusters.node_groups]]\nname = \"n\"\nnodes = 1";
    let estate = cluster("1.34", more);
    assert_eq!(code(&estate, UPDATES, to("1.33"), "Kubelet version skew").await, "InvalidStateException");
    let nodes = post(&estate, "/clusters/c/node-groups/n/update-version", to("1.33")).await;
    assert_eq!(after(&estate, &nodes, "?nodegroupName=n", 20.0).await, done());
    let asked = post(&estate, "/clusters/c/insights-refresh", Value::Null).await;
    assert_eq!(asked["status"], "IN_PROGRESS");
    estate.advance(5.0 * MINUTE).expect("advanced");
    let back = post(&estate, UPDATES, to("1.33")).await;
    assert_eq!(after(&estate, &back, "", 16.0).await, done());
}

#[tokio::test]
async fn a_rollback_can_be_cancelled_while_auto_mode_rolls_its_nodes_back() {
    let more = "auto_mode = true\nupgraded = { from = \"1.33\", days_ago = 1.0 }";
    let estate = cluster("1.34", more);
    let asked = json!({ "version": "1.33", "rollbackConfig": { "timeoutMinutes": 60 } });
    assert_eq!(code(&estate, UPDATES, asked, "between 120 and 10080").await, "InvalidParameterException");
    let back = post(&estate, UPDATES, to("1.33")).await;
    let cancel = format!("{UPDATES}/{}/cancel-update", back["update"]["id"].as_str().expect("an id"));
    let asked = json!({ "clientRequestToken": "t" });
    let cancelled = post(&estate, &cancel, asked.clone()).await;
    assert_eq!(cancelled["update"]["cancellation"]["status"], "Successful");
    assert_eq!(post(&estate, &cancel, asked).await, cancelled, "the same token is the same cancellation");
    assert_eq!(after(&estate, &back, "", 300.0).await.0, "Cancelled");
    assert_eq!(version(&estate).await, "1.34");
    assert_eq!(code(&estate, &cancel, json!({}), "not in progress").await, "InvalidRequestException");
    let again = post(&estate, UPDATES, to("1.33")).await;
    assert_eq!(after(&estate, &again, "", 90.0).await, done());
}

#[tokio::test]
async fn an_upgrade_cannot_be_cancelled() {
    let estate = cluster("1.33", "");
    let begun = post(&estate, UPDATES, to("1.34")).await;
    let cancel = format!("{UPDATES}/{}/cancel-update", begun["update"]["id"].as_str().expect("an id"));
    assert_eq!(code(&estate, &cancel, json!({}), "cannot be cancelled").await, "InvalidRequestException");
}

#[tokio::test]
async fn the_calendar_says_what_is_offered_and_until_when() {
    let estate = cluster("1.33", "");
    let all = get(&estate, "/cluster-versions").await["clusterVersions"].clone();
    let named: Vec<(&str, &str)> = all
        .as_array()
        .expect("versions")
        .iter()
        .map(|it| {
            (it["clusterVersion"].as_str().expect("a text"), it["versionStatus"].as_str().expect("a text"))
        })
        .collect();
    let (standard, extended) = ("STANDARD_SUPPORT", "EXTENDED_SUPPORT");
    let expected = [("1.36", standard), ("1.35", standard), ("1.34", standard), ("1.33", extended)];
    assert_eq!(named[..4], expected);
    assert_eq!(named.len(), 6, "1.30 is not supported any more");
    let chosen = get(&estate, "/cluster-versions?clusterVersions=1.30&clusterVersions=1.34").await;
    assert_eq!(chosen["clusterVersions"].as_array().expect("versions").len(), 2);
    let default = get(&estate, "/cluster-versions?defaultOnly=true").await["clusterVersions"].clone();
    assert_eq!((&default[0]["clusterVersion"], &default[1]), (&json!("1.36"), &Value::Null));
}

#[tokio::test]
async fn listings_come_in_pages() {
    let many = (0..5)
        .map(|nth| format!("[[clusters]]\nname = \"c{nth}\"\naccount = \"prod\"\nversion = \"1.33\"\n"));
    let estate = estate_of(&many.collect::<String>(), ALL);
    let first = get(&estate, "/clusters?maxResults=2").await;
    assert_eq!(first["clusters"], json!(["c0", "c1"]));
    let token = first["nextToken"].as_str().expect("a token");
    let second = get(&estate, &format!("/clusters?maxResults=2&nextToken={token}")).await;
    assert_eq!(second["clusters"], json!(["c2", "c3"]));
    let foreign = ask(&estate, "GET", &format!("/clusters/c0/updates?nextToken={token}"), Value::Null).await;
    assert_eq!(foreign.expect_err("not its token").0, "InvalidParameterException");
}
