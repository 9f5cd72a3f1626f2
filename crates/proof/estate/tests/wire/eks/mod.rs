//! EKS on the wire: every rule of an upgrade, in virtual time.

mod addons;
mod around;
mod control_plane;
mod fargate;
mod insights;
mod instances;
mod jobs;
mod named;
mod node_groups;
mod node_pools;
mod permissions;
mod refreshes;

use fleetwright_estate::scenario::{Overrides, ScenarioFile};
use serde_json::{Value, json};

use super::*;

pub(super) const ACCOUNT: &str = "098765432109";
const ALL: &str = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
const MINUTE: f64 = 60.0;
const DAY: f64 = 86_400.0;

/// An estate with clusters, and a user who may do what a policy says.
fn estate_of(clusters: &str, policy: &str) -> Arc<Estate> {
    let text = format!(
        r#"
        name = "clusters"
        start = "2026-08-10T00:00:00Z"
        [[accounts]]
        name = "prod"
        id = "{ACCOUNT}"
        environment = "prod"
        regions = ["{REGION}"]
        instances_per_region = 0
        [limits]
        enforcement = "off"
        {clusters}
        "#
    );
    let prepared = ScenarioFile::parse(&text, "test").expect("a scenario");
    let prepared = prepared.prepare(&Overrides::default()).expect("a world");
    let clock = ClockMode::Virtual { start: prepared.start };
    let mut options = EstateOptions::from_scenario(prepared, clock);
    let account = options.world.accounts.get_mut(ACCOUNT).expect("the account");
    let policy = NamedPolicy::parse("work", policy).expect("a policy");
    account.iam.add_user(&ACCOUNT.to_owned(), "tester", vec![policy]);
    options.hub = Hub {
        account: ACCOUNT.to_owned(),
        user: "tester".to_owned(),
        region: REGION.to_owned(),
        roles: [].into(),
    };
    Arc::new(Estate::new(options).expect("an estate"))
}

/// A cluster with a control plane, and what else is given.
fn cluster(version: &str, more: &str) -> Arc<Estate> {
    let text = format!("[[clusters]]\nname = \"c\"\naccount = \"prod\"\nversion = \"{version}\"\n{more}");
    estate_of(&text, ALL)
}

/// The same at 1.33.
pub(super) fn cluster_with(more: &str) -> Arc<Estate> {
    cluster("1.33", more)
}

/// Asks EKS; the answer's document, or the error's code and message.
async fn ask(estate: &Estate, method: &str, path: &str, document: Value) -> Result<Value, (String, String)> {
    let body = if document.is_null() { String::new() } else { document.to_string() };
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .body(Bytes::from(body))
        .expect("a request");
    sigv4::sign(&mut request, estate.credentials(), REGION, "eks", start());
    let response = estate.call(request).await.expect("an answer");
    let document: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    if response.status() == 200 {
        return Ok(document);
    }
    let code = response.headers()["x-amzn-errortype"].to_str().expect("ASCII").to_owned();
    Err((code, document["message"].as_str().unwrap_or_default().to_owned()))
}

async fn get(estate: &Estate, path: &str) -> Value {
    ask(estate, "GET", path, Value::Null).await.unwrap_or_else(|error| panic!("{path}: {error:?}"))
}

async fn post(estate: &Estate, path: &str, document: Value) -> Value {
    ask(estate, "POST", path, document).await.unwrap_or_else(|error| panic!("{path}: {error:?}"))
}

/// The code of the error that a request gets; its message has to say something of what is wrong.
async fn code(estate: &Estate, path: &str, document: Value, says: &str) -> String {
    let (code, message) = ask(estate, "POST", path, document).await.expect_err("it is refused");
    assert!(message.contains(says), "{message:?} says nothing of {says:?}");
    code
}

/// The update that an answer tells of, after some minutes: status, and the code it failed with.
async fn after(estate: &Estate, begun: &Value, query: &str, minutes: f64) -> (String, String) {
    estate.advance(minutes * MINUTE).expect("advanced");
    let id = begun["update"]["id"].as_str().expect("an id");
    let update = get(estate, &format!("/clusters/c/updates/{id}{query}")).await["update"].clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&update["status"]), text(&update["errors"][0]["errorCode"]))
}

fn done() -> (String, String) {
    ("Successful".to_owned(), String::new())
}

fn going_on() -> (String, String) {
    ("InProgress".to_owned(), String::new())
}

fn to(version: &str) -> Value {
    json!({ "version": version })
}
