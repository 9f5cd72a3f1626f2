//! Add-ons go by the versions that fit the cluster's.

use super::*;

const CNI: &str = "/clusters/c/addons/vpc-cni";

fn with_cni(more: &str) -> Arc<Estate> {
    cluster("1.33", &format!("[[clusters.addons]]\nname = \"vpc-cni\"\n{more}"))
}

fn version(name: &str) -> Value {
    json!({ "addonVersion": name })
}

#[tokio::test]
async fn an_add_on_is_updated_and_says_so_meanwhile() {
    let estate = with_cni("version = \"v1.19.6-eksbuild.7\"");
    let begun = post(&estate, &format!("{CNI}/update"), version("v1.20.4-eksbuild.2")).await;
    let addon = get(&estate, CNI).await["addon"].clone();
    assert_eq!(
        (&addon["status"], &addon["addonVersion"]),
        (&json!("UPDATING"), &json!("v1.19.6-eksbuild.7"))
    );
    assert_eq!(after(&estate, &begun, "?addonName=vpc-cni", 3.0).await, done());
    assert_eq!(get(&estate, CNI).await["addon"]["addonVersion"], "v1.20.4-eksbuild.2");
}

#[tokio::test]
async fn a_version_that_does_not_fit_the_cluster_is_refused() {
    let estate = with_cni("");
    let update = format!("{CNI}/update");
    let refused = "InvalidParameterException";
    assert_eq!(code(&estate, &update, version("v1.18.5-eksbuild.1"), "with Kubernetes 1.33").await, refused);
    assert_eq!(code(&estate, &update, version("v9"), "not supported").await, refused);
    let odd = json!({ "configurationValues": "{\"nothing\": 1}" });
    assert_eq!(code(&estate, &update, odd, "nothing is not in the schema").await, refused);
}

#[tokio::test]
async fn the_cni_is_updated_by_one_minor_version_at_a_time() {
    let estate = with_cni("version = \"v1.19.6-eksbuild.7\"");
    let refused =
        code(&estate, &format!("{CNI}/update"), version("v1.21.1-eksbuild.1"), "one minor version").await;
    assert_eq!(refused, "InvalidParameterException");
}

#[tokio::test]
async fn changes_that_others_made_are_a_conflict_until_somebody_decides() {
    let estate = with_cni("version = \"v1.19.6-eksbuild.7\"\ndrifted = true");
    let update = format!("{CNI}/update");
    let begun = post(&estate, &update, version("v1.20.4-eksbuild.2")).await;
    let failed = ("Failed".to_owned(), "ConfigurationConflict".to_owned());
    assert_eq!(after(&estate, &begun, "?addonName=vpc-cni", 3.0).await, failed);
    assert_eq!(get(&estate, CNI).await["addon"]["status"], "UPDATE_FAILED");
    let decided = json!({ "addonVersion": "v1.20.4-eksbuild.2", "resolveConflicts": "PRESERVE" });
    let begun = post(&estate, &update, decided).await;
    assert_eq!(after(&estate, &begun, "?addonName=vpc-cni", 3.0).await, done());
}

#[tokio::test]
async fn the_same_token_is_the_same_update_of_an_add_on_and_the_same_add_on() {
    let estate = with_cni("version = \"v1.19.6-eksbuild.7\"");
    let update = format!("{CNI}/update");
    let asked = |version: &str| json!({ "addonVersion": version, "clientRequestToken": "t" });
    let first = post(&estate, &update, asked("v1.20.4-eksbuild.2")).await;
    let again = post(&estate, &update, asked("v1.20.4-eksbuild.2")).await;
    assert_eq!(again["update"]["id"], first["update"]["id"]);
    let going = code(&estate, &update, version("v1.20.4-eksbuild.2"), "is being changed").await;
    assert_eq!(going, "ResourceInUseException");
    let of_cni = "?addonName=vpc-cni";
    assert_eq!(after(&estate, &first, of_cni, 3.0).await, done());
    let ended = post(&estate, &update, asked("v1.20.4-eksbuild.2")).await["update"].clone();
    assert_eq!((&ended["id"], &ended["status"]), (&first["update"]["id"], &json!("Successful")));
    let other = code(&estate, &update, asked("v1.21.1-eksbuild.1"), "other parameters").await;
    assert_eq!(other, "InvalidParameterException");
    let listed = get(&estate, &format!("/clusters/c/updates{of_cni}")).await["updateIds"].clone();
    assert_eq!(listed, json!([first["update"]["id"]]), "one update, under the add-on");
    assert_eq!(get(&estate, "/clusters/c/updates").await["updateIds"], json!([]), "and not the cluster's");

    let made = json!({ "addonName": "metrics-server", "clientRequestToken": "m" });
    let first = post(&estate, "/clusters/c/addons", made.clone()).await["addon"].clone();
    estate.advance(3.0 * MINUTE).expect("advanced");
    let again = post(&estate, "/clusters/c/addons", made).await["addon"].clone();
    assert_eq!((&again["createdAt"], &again["status"]), (&first["createdAt"], &json!("ACTIVE")));
    for other in [
        json!({ "addonName": "metrics-server", "clientRequestToken": "m", "configurationValues": "{}" }),
        json!({ "addonName": "metrics-server", "clientRequestToken": "n" }),
        json!({ "addonName": "metrics-server" }),
    ] {
        let refused = code(&estate, "/clusters/c/addons", other, "already exists").await;
        assert_eq!(refused, "ResourceInUseException");
    }
}

#[tokio::test]
async fn versions_are_listed_by_the_kubernetes_version_that_they_fit() {
    let estate = cluster("1.33", "");
    let path = "/addons/supported-versions?addonName=kube-proxy&kubernetesVersion=1.34";
    let found = get(&estate, path).await["addons"][0]["addonVersions"].clone();
    let minors: Vec<&str> = found
        .as_array()
        .expect("versions")
        .iter()
        .map(|it| &it["addonVersion"].as_str().expect("a text")[..5])
        .collect();
    assert_eq!(minors, ["v1.34", "v1.33", "v1.32", "v1.31"], "never newer, at most three older");
    assert_eq!(found[0]["compatibilities"][0]["defaultVersion"], true);
}

#[tokio::test]
async fn an_add_on_of_the_scenario_may_have_no_version_for_the_next_hop() {
    let kind = "[[addon_kinds]]\nname = \"mesh\"\npublisher = \"acme\"\nversions = [{ name = \"v1\", first = \"1.32\", last = \"1.34\" }]\n\
                [[clusters]]\nname = \"c\"\naccount = \"prod\"\nversion = \"1.33\"\naddons = [{ name = \"mesh\" }]";
    let estate = estate_of(kind, ALL);
    let versions =
        |minor: &str| format!("/addons/supported-versions?addonName=mesh&kubernetesVersion={minor}");
    assert_eq!(get(&estate, &versions("1.34")).await["addons"][0]["addonVersions"][0]["addonVersion"], "v1");
    assert_eq!(get(&estate, &versions("1.35")).await["addons"], json!([]));
}

#[tokio::test]
async fn an_add_on_is_made_and_deleted() {
    let estate = cluster("1.33", "");
    let asked = json!({ "addonName": "metrics-server", "tags": { "Team": "a" } });
    let made = post(&estate, "/clusters/c/addons", asked.clone()).await["addon"].clone();
    assert_eq!((&made["status"], &made["addonVersion"]), (&json!("CREATING"), &json!("v0.8.0-eksbuild.6")));
    assert_eq!(code(&estate, "/clusters/c/addons", asked, "already exists").await, "ResourceInUseException");
    estate.advance(3.0 * MINUTE).expect("advanced");
    let path = "/clusters/c/addons/metrics-server";
    assert_eq!(get(&estate, path).await["addon"]["status"], "ACTIVE");
    ask(&estate, "DELETE", path, Value::Null).await.expect("deleted");
    let gone = ask(&estate, "GET", path, Value::Null).await.expect_err("it is gone");
    assert_eq!(gone.0, "ResourceNotFoundException");
}
