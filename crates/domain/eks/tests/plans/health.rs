//! How a cluster is, compared with how it was.

use fleetwright_eks::endpoint::Unwell;
use fleetwright_eks::health::{Health, Worse};
use fleetwright_eks::query::Query;
use fleetwright_eks::{Fact, UnreadCause};

use crate::{of, world};

#[test]
fn a_cluster_is_as_healthy_as_itself() {
    let health = Health::of(&world::healthy(34)).expect("everything is known");
    assert!(health.nodes > 0 && !health.workloads.is_empty());
    assert_eq!(health.worse_than(&health), []);
}

#[test]
fn what_got_worse_is_named_and_what_was_bad_before_is_not() {
    let mut facts = world::healthy(34);
    of(&mut facts.nodes.nodes)[0].ready = false;
    let before = Health::of(&facts).expect("everything is known");
    let nodes = of(&mut facts.nodes.nodes);
    nodes[1].ready = false;
    nodes[1].unschedulable = true;
    let name = nodes[1].metadata.name.clone();
    of(&mut facts.workloads.pods).iter_mut().for_each(|pod| pod.ready = false);
    let worse = Health::of(&facts).expect("everything is known").worse_than(&before);
    assert_eq!(worse[..2], [Worse::NodeNotReady(name.clone()), Worse::NodeCordoned(name)]);
    assert!(worse[2..].iter().all(|it| matches!(it, Worse::Workload { now: 0, .. })) && worse.len() > 2);
}

#[test]
fn an_alarm_that_went_off_is_worse_and_one_that_had_is_not() {
    let alarm = |names: &[&str]| Health {
        alarms: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Health::default()
    };
    let worse = alarm(&["errors", "latency"]).worse_than(&alarm(&["latency"]));
    assert_eq!(worse, [Worse::Alarm("errors".to_owned())]);
    assert_eq!(worse[0].to_string(), "alarm errors has gone off");
}

#[test]
fn an_endpoint_that_was_well_is_worse_and_one_that_was_not_is_as_it_was() {
    let unwell = |all: &[(&str, Unwell)]| Health {
        unwell: all.iter().map(|(name, how)| ((*name).to_owned(), how.clone())).collect(),
        ..Health::default()
    };
    let before = unwell(&[("bank", Unwell::Status(500))]);
    let now = unwell(&[("bank", Unwell::Late), ("shop", Unwell::Status(503))]);
    let worse = now.worse_than(&before);
    assert_eq!(worse, [Worse::Endpoint { name: "shop".to_owned(), how: Unwell::Status(503) }]);
    assert_eq!(worse[0].to_string(), "endpoint shop answers 503");
    assert_eq!(before.worse_than(&now), []);
    // What is kept of it is read back.
    let kept = serde_json::to_vec(&now).expect("plain data");
    assert_eq!(serde_json::from_slice::<Health>(&kept).expect("health"), now);
}

#[test]
fn metrics_are_held_to_their_rules_as_queries_are() {
    let figures = |errors: Option<f64>| Health {
        figures: errors.map(|value| ("errors".to_owned(), value)).into_iter().collect(),
        ..Health::default()
    };
    let queries = [Query::of_cloudwatch("errors=Shop:errors Sum <= before +10%").expect("a metric")];
    let broken = |now, before| figures(now).broken(&figures(before), &queries);
    assert_eq!(broken(Some(110.0), Some(100.0)), [""; 0]);
    let said = ["metric errors is 111, 100 before; it must be <= before +10%"];
    assert_eq!(broken(Some(111.0), Some(100.0)), said);
    assert_eq!(broken(None, Some(100.0)), ["metric errors has no value"]);
}

#[test]
fn a_workload_that_wants_less_is_not_worse() {
    let mut facts = world::healthy(34);
    let before = Health::of(&facts).expect("everything is known");
    of(&mut facts.workloads.workloads).iter_mut().for_each(|workload| workload.replicas = 0);
    of(&mut facts.workloads.pods).clear();
    assert_eq!(Health::of(&facts).expect("everything is known").worse_than(&before), []);
}

#[test]
fn what_could_not_be_read_is_no_health() {
    let mut facts = world::healthy(34);
    facts.workloads.pods = Fact::unread(UnreadCause::Failed, "the server is gone");
    assert_eq!(Health::of(&facts).expect_err("pods are not known").detail, "the server is gone");
    let mut facts = world::healthy(34);
    facts.apis.api_services = Fact::unread(UnreadCause::Unsupported, "no such API");
    assert!(Health::of(&facts).is_ok());
}
