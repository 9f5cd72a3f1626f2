//! Reads that answer from a while ago, as a client meets them.

use fleetwright_estate::landing_zones::LandingZone;
use fleetwright_estate::scenario::{Overrides, ScenarioFile};
use fleetwright_estate::world::ids::InstanceId;

use super::*;

const FLEET: &str = "name = \"stale\"\nseed = 3\nstart = \"2026-03-02T08:00:00Z\"\n\
    [fleet]\naccounts = 1\nregions = [\"eu-central-1\"]\ninstances = 10\n[fleet.shares]\nterminated = 0.0\n";
const STALE: &str =
    "[[faults]]\nkind = \"stale_read\"\nseconds = 30\nservice = \"ec2\"\naction = \"Describe*\"\n";

/// An estate where one instance has just been launched; its zone, and all ids, the new one last.
fn stage(scenario: &str) -> (Estate, LandingZone, Vec<String>) {
    let file = ScenarioFile::parse(scenario, "stale.toml").expect("a scenario");
    let mut prepared = file.prepare(&Overrides::default()).expect("a world");
    let zone = prepared.landing_zones[0].clone();
    let account = prepared.world.accounts.get_mut(&zone.account_id).expect("the account");
    let region = account.regions.get_mut(REGION).expect("the region");
    let mut fresh = region.instances.iter().next().expect("an instance").clone();
    fresh.id = InstanceId(fresh.id.0 ^ 1);
    fresh.launched_at = prepared.start;
    region.instances.insert(fresh);
    let ids = region.instances.iter().map(|it| it.id.to_string()).collect();
    let options = EstateOptions::from_scenario(prepared, ClockMode::Virtual { start: start() });
    (Estate::new(options).expect("an estate"), zone, ids)
}

async fn session(estate: &Estate, zone: &LandingZone) -> Credentials {
    let form = format!(
        "Action=AssumeRole&RoleArn={}&RoleSessionName=run-1&ExternalId={}",
        zone.role_arn, zone.external_id
    );
    let response = estate.call(query(estate.credentials(), "sts", REGION, &form)).await.expect("an answer");
    let page = text(&response);
    assert_eq!(response.status(), 200, "{page}");
    Credentials {
        access_key: element(page, "AccessKeyId").to_owned(),
        secret: element(page, "SecretAccessKey").to_owned(),
        token: Some(element(page, "SessionToken").to_owned()),
        expires: None,
    }
}

async fn ask(estate: &Estate, session: &Credentials, form: &str) -> String {
    let response = estate.call(query(session, "ec2", REGION, form)).await.expect("an answer");
    text(&response).to_owned()
}

#[tokio::test]
async fn a_stale_read_shows_the_tags_of_a_while_ago_and_then_the_new_ones() {
    let (estate, zone, ids) = stage(&format!("{FLEET}{STALE}"));
    let session = session(&estate, &zone).await;
    estate.advance(60.0).expect("advanced");
    let tag = format!("Action=CreateTags&ResourceId.1={}&Tag.1.Key=Run&Tag.1.Value=r-1", ids[0]);
    assert!(ask(&estate, &session, &tag).await.contains("<return>true</return>"));
    let list = format!("Action=DescribeInstances&InstanceId.1={}", ids[0]);
    let tagged = |page: &str| page.contains("<key>Run</key><value>r-1</value>");
    assert!(!tagged(&ask(&estate, &session, &list).await));
    estate.advance(29.0).expect("advanced");
    assert!(!tagged(&ask(&estate, &session, &list).await));
    estate.advance(1.0).expect("advanced");
    assert!(tagged(&ask(&estate, &session, &list).await));
}

#[tokio::test]
async fn a_just_launched_instance_is_hidden_for_as_long_as_reads_are_stale() {
    let (estate, zone, ids) = stage(&format!("{FLEET}{STALE}"));
    let session = session(&estate, &zone).await;
    let fresh = ids.last().expect("the new one");
    let by_id = format!("Action=DescribeInstances&InstanceId.1={fresh}");
    let refused = ask(&estate, &session, &by_id).await;
    assert_eq!(element(&refused, "Code"), "InvalidInstanceID.NotFound");
    let listed = ask(&estate, &session, "Action=DescribeInstances").await;
    assert!(!listed.contains(fresh.as_str()) && listed.contains(&ids[0]));
    // Reads that cannot be stale are not touched by a rule for all of `Describe*`.
    assert!(ask(&estate, &session, "Action=DescribeRegions").await.contains("eu-central-1"));
    estate.advance(30.0).expect("advanced");
    assert!(ask(&estate, &session, &by_id).await.contains(fresh.as_str()));
    assert!(estate.check(Purpose::Real).ok);
}

#[tokio::test]
async fn the_control_api_adds_stale_reads_and_refuses_them_for_other_services() {
    let (estate, zone, ids) = stage(FLEET);
    let (estate, server) = serve(estate);
    let session = session(&estate, &zone).await;
    for (rule, problem) in [
        (r#"{"kind":"stale_read","seconds":30,"service":"ssm"}"#, "fault: service: `ssm` has no stale_read"),
        (
            r#"{"kind":"stale_read","seconds":30,"service":"ec2","action":"CreateTags"}"#,
            "fault: action: `CreateTags` has no stale_read",
        ),
        (r#"{"kind":"stale_read","seconds":3601}"#, "fault: seconds: give 1 to 3600"),
    ] {
        let refused = control(&server, "POST", "/_estate/faults", rule).await;
        assert!(refused.starts_with("HTTP/1.1 400") && refused.contains(problem), "{refused}");
    }
    let list = query(&session, "ec2", REGION, "Action=DescribeInstances");
    let fresh = ids.last().expect("the new one");
    assert!(exchange(&server, &bytes_of(&list)).await.contains(fresh.as_str()));
    let added = control(&server, "POST", "/_estate/faults", r#"{"kind":"stale_read","seconds":30}"#).await;
    assert!(added.contains(r#""added":1"#), "{added}");
    let told = control(&server, "GET", "/_estate/faults", "").await;
    assert!(told.contains(r#""kind":"stale_read""#) && told.contains(r#""seconds":30"#), "{told}");
    assert!(!exchange(&server, &bytes_of(&list)).await.contains(fresh.as_str()));
    server.stop().await;
}

#[test]
fn a_scenario_with_a_stale_read_that_could_never_strike_is_refused_at_its_line() {
    let text = format!("{FLEET}{}", STALE.replace("\"ec2\"", "\"ssm\""));
    let error = ScenarioFile::parse(&text, "stale.toml").expect_err("must be refused");
    assert!(error.problem.contains("fault: service: `ssm` has no stale_read"), "{error}");
    assert_eq!(error.place.map(|(line, _)| line), Some(10), "{error}");
}
