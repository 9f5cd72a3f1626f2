//! The world changes as the estate's time passes, whoever asks, and a run is judged by that.

use fleetwright_estate::checkers::{Invariant, Run};
use fleetwright_estate::scenario::{Overrides, ScenarioFile};

use super::*;

const STORY: &str = r#"
name = "change"
seed = 3
[[accounts]]
name = "one"
[fleet]
regions = ["eu-central-1"]
instances_per_cell = 3
[fleet.shares]
stopped = 0.0
terminated = 0.0
spot = 0.0
instance_store = 0.0
[[faults]]
kind = "image_slow"
seconds = 600
"#;

async fn role(estate: &Estate, arn: &str, external_id: &str) -> Credentials {
    let form = format!("Action=AssumeRole&RoleArn={arn}&RoleSessionName=run-1&ExternalId={external_id}");
    let response = estate.call(query(estate.credentials(), "sts", REGION, &form)).await.expect("an answer");
    let page = text(&response);
    Credentials {
        access_key: element(page, "AccessKeyId").to_owned(),
        secret: element(page, "SecretAccessKey").to_owned(),
        token: Some(element(page, "SessionToken").to_owned()),
        expires: None,
    }
}

#[tokio::test]
async fn an_image_is_ready_when_its_time_has_come_and_the_estate_knows_what_was_done_twice() {
    let prepared = ScenarioFile::parse(STORY, "change")
        .and_then(|file| file.prepare(&Overrides::default()))
        .expect("a scenario");
    let (zone, start) = (prepared.landing_zones[0].clone(), prepared.start);
    let options = EstateOptions::from_scenario(prepared, ClockMode::Virtual { start });
    let estate = Estate::new(options).expect("an estate");
    let session = role(&estate, &zone.role_arn, &zone.external_id).await;
    let ask = async |form: &str| {
        let response = estate.call(query(&session, "ec2", REGION, form)).await.expect("an answer");
        text(&response).to_owned()
    };
    let listed = ask("Action=DescribeInstances").await;
    let instance = element(&listed, "instanceId").to_owned();
    let create = format!("Action=CreateImage&InstanceId={instance}&Name=run-1&NoReboot=true");
    let image = element(&ask(&create).await, "imageId").to_owned();
    let show = format!("Action=DescribeImages&ImageId.1={image}");
    estate.advance(599.0).expect("advanced");
    assert_eq!(element(&ask(&show).await, "imageState"), "pending");
    estate.advance(1.0).expect("advanced");
    assert_eq!(element(&ask(&show).await, "imageState"), "available");
    assert!(ask(&create).await.contains("InvalidAMIName.Duplicate"));

    let run: Run =
        serde_json::from_value(serde_json::json!({ "since": start, "retention": "1h" })).expect("a run");
    assert_eq!(estate.check_run(&run), []);
    let verdict = estate.check(Purpose::Real);
    assert_eq!(verdict.findings, [], "a name that is taken is not an illegal request");
    ask(&format!("Action=DeregisterImage&ImageId={image}")).await;
    ask(&create).await;
    let found: Vec<Invariant> = estate.check_run(&run).into_iter().map(|finding| finding.invariant).collect();
    assert_eq!(found, [Invariant::I8, Invariant::I19]);
}
