//! Jobs that somebody makes of a suite's CronJob: their pods, how they end, and how they are tried again.

use serde_json::{Value, json};

use super::super::kubernetes::{Said, ask};
use super::super::*;
use super::cluster_with;

const CRON_JOBS: &str = "/apis/batch/v1/namespaces/shop/cronjobs";
const JOBS: &str = "/apis/batch/v1/namespaces/shop/jobs";

/// A cluster of 1.33 with a suite that passes and one that fails.
fn cluster() -> Arc<Estate> {
    cluster_with(
        r#"
        access = [{ principal = "arn:aws:iam::098765432109:user/tester", policies = ["AmazonEKSClusterAdminPolicy"] }]
        node_groups = [{ name = "n", nodes = 2 }]
        suites = [
            { name = "smoke", namespace = "shop", seconds = 60, fails_from = "1.36", says = "never" },
            { name = "pay", namespace = "shop", seconds = 30, fails_from = "1.30", says = "no card is taken", backoff_limit = 1 },
        ]"#,
    )
}

async fn get(estate: &Estate, path: &str) -> Said {
    ask(estate, "GET", path, &[], Value::Null).await
}

/// Makes a Job of a CronJob, as kubectl does.
async fn made(estate: &Estate, suite: &str, name: &str) -> Said {
    let cron_job = get(estate, &format!("{CRON_JOBS}/{suite}")).await.document();
    assert_eq!(cron_job["spec"]["suspend"], true, "nobody runs it but who is asked to: {cron_job}");
    let owner = json!([{ "apiVersion": "batch/v1", "kind": "CronJob", "name": suite,
                         "uid": cron_job["metadata"]["uid"], "controller": true }]);
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": name, "namespace": "shop", "ownerReferences": owner },
        "spec": cron_job["spec"]["jobTemplate"]["spec"],
    });
    ask(estate, "POST", JOBS, &[], job).await
}

async fn status(estate: &Estate, job: &str) -> Value {
    get(estate, &format!("{JOBS}/{job}")).await.document()["status"].clone()
}

/// The condition that a Job has ended with.
fn ended(status: &Value) -> Option<&str> {
    let conditions = status["conditions"].as_array()?;
    conditions.last()?["type"].as_str()
}

async fn pods(estate: &Estate, job: &str) -> Vec<Value> {
    let selector = format!("labelSelector=batch.kubernetes.io%2Fjob-name%3D{job}");
    let list = get(estate, &format!("/api/v1/namespaces/shop/pods?{selector}")).await.document();
    list["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_job_is_complete_when_its_pod_has_run_its_time() {
    let estate = cluster();
    assert_eq!(made(&estate, "smoke", "smoke-1").await.status, 201);
    let again = made(&estate, "smoke", "smoke-1").await;
    assert_eq!((again.status, again.document()["reason"].as_str()), (409, Some("AlreadyExists")));
    estate.advance(30.0).expect("advanced");
    let running = status(&estate, "smoke-1").await;
    assert_eq!((ended(&running), &running["active"]), (None, &json!(1)), "{running}");
    estate.advance(60.0).expect("advanced");
    let done = status(&estate, "smoke-1").await;
    assert_eq!((ended(&done), &done["succeeded"]), (Some("Complete"), &json!(1)), "{done}");
    let pods = pods(&estate, "smoke-1").await;
    assert_eq!(pods.len(), 1);
    assert_eq!(pods[0]["status"]["phase"], "Succeeded");
    let statuses = &pods[0]["status"]["containerStatuses"];
    assert_eq!(statuses[0]["state"]["terminated"]["reason"], "Completed");
}

#[tokio::test]
async fn a_job_fails_when_more_pods_have_failed_than_it_lets() {
    let estate = cluster();
    assert_eq!(made(&estate, "pay", "pay-1").await.status, 201);
    estate.advance(55.0).expect("advanced");
    let once = status(&estate, "pay-1").await;
    assert_eq!((ended(&once), &once["failed"]), (None, &json!(1)), "{once}");
    estate.advance(120.0).expect("advanced");
    let failed = status(&estate, "pay-1").await;
    assert_eq!((ended(&failed), &failed["failed"]), (Some("Failed"), &json!(2)), "{failed}");
    let last = failed["conditions"].as_array().and_then(|all| all.last()).expect("a condition");
    assert_eq!(last["reason"], "BackoffLimitExceeded");
    let pods = pods(&estate, "pay-1").await;
    assert_eq!(pods.len(), 2);
    for pod in pods {
        let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
        assert_eq!((&ended["exitCode"], &ended["message"]), (&json!(1), &json!("no card is taken")), "{pod}");
    }
}

#[tokio::test]
async fn a_pod_that_is_evicted_counts_as_failed_and_is_followed_by_another() {
    let estate = cluster();
    made(&estate, "pay", "pay-1").await;
    estate.advance(25.0).expect("advanced");
    let name = pods(&estate, "pay-1").await[0]["metadata"]["name"].as_str().expect("a name").to_owned();
    let eviction = json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": name } });
    let path = format!("/api/v1/namespaces/shop/pods/{name}/eviction");
    assert_eq!(ask(&estate, "POST", &path, &[], eviction).await.status, 201);
    estate.advance(40.0).expect("advanced");
    let status = status(&estate, "pay-1").await;
    assert_eq!((ended(&status), &status["failed"]), (None, &json!(1)), "{status}");
    let left = pods(&estate, "pay-1").await;
    assert!(left.len() == 1 && left[0]["metadata"]["name"] != name.as_str(), "{left:?}");
}

#[tokio::test]
async fn jobs_go_with_their_cron_job_and_pods_with_their_job() {
    let estate = cluster();
    made(&estate, "smoke", "smoke-1").await;
    estate.advance(30.0).expect("advanced");
    let path = format!("{CRON_JOBS}/smoke");
    assert_eq!(ask(&estate, "DELETE", &path, &[], Value::Null).await.status, 200);
    estate.advance(60.0).expect("advanced");
    assert_eq!(get(&estate, &format!("{JOBS}/smoke-1")).await.status, 404);
    assert_eq!(pods(&estate, "smoke-1").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_suite_that_fails_from_a_version_that_is_none_is_refused() {
    let scenario = r#"
        name = "c"
        start = "2026-08-10T00:00:00Z"
        [[accounts]]
        name = "prod"
        id = "098765432109"
        environment = "prod"
        regions = ["eu-central-1"]
        [[clusters]]
        name = "c"
        account = "prod"
        version = "1.33"
        suites = [{ name = "smoke", fails_from = "2.0" }]
    "#;
    let parsed = fleetwright_estate::scenario::ScenarioFile::parse(scenario, "c.toml").expect("a scenario");
    let refused =
        parsed.prepare(&fleetwright_estate::scenario::Overrides::default()).err().map(|it| it.to_string());
    let refused = refused.expect("there is no such version");
    assert!(refused.contains("suites: smoke"), "{refused}");
}
