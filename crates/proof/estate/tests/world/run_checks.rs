//! Invariants about whole runs: each holds for a good run, and a run that breaks it is found out.

use std::collections::BTreeMap;

use fleetwright_estate::call::{Input, QueryParams, Service};
use fleetwright_estate::calls::{CallFacts, CallKind, CallRecord, describe_request};
use fleetwright_estate::checkers::{Invariant, Phase, Run, check_run};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::life::Day;

const WORKER: &str = "arn:aws:sts::098765432109:assumed-role/Fleet/worker-1";

/// A run over one region, whose calls are logged as the estate logs them.
struct Story {
    day: Day,
    log: Vec<CallRecord>,
    run: Run,
}

impl Story {
    fn new(rule: &str) -> Self {
        let day = Day::with(rule);
        let run = Run { since: day.moment(0), retention: SignedDuration::from_hours(24), ..Run::default() };
        Self { day, log: Vec::new(), run }
    }

    fn log(&mut self, second: i64, service: Service, action: &str, input: &Input) {
        let call = self.day.stage.call(service, action, input.clone());
        self.log.push(CallRecord {
            at: self.day.moment(second),
            account: call.account.into(),
            region: call.region.into(),
            service,
            action: action.into(),
            request: describe_request(service, input),
            ok: true,
            error: None,
            request_id: format!("call-{}", self.log.len()).into(),
            principal: WORKER.into(),
            facts: CallFacts { kind: CallKind::Mutation, ..CallFacts::default() },
        });
    }

    fn ec2(&mut self, second: i64, action: &str, params: &[(&str, &str)]) -> String {
        let body = self.day.ok(second, action, params);
        let values = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.log(second, Service::Ec2, action, &Input::Query(QueryParams { values }));
        body
    }

    fn image(&mut self, second: i64, instance: &str, name: &str) -> String {
        let params = [("InstanceId", instance), ("Name", name), ("NoReboot", "true")];
        crate::texts(&self.ec2(second, "CreateImage", &params), "imageId").remove(0)
    }

    /// An install that was asked for; whether it happens is another matter.
    fn install(&mut self, second: i64, instance: &str) {
        let request = json!({
            "DocumentName": "AWS-RunPatchBaseline",
            "InstanceIds": [instance],
            "Parameters": { "Operation": ["Install"], "RebootOption": ["NoReboot"] },
        });
        self.log(second, Service::Ssm, "SendCommand", &Input::Json(request));
    }

    /// What the checkers find when so many seconds have passed.
    fn found(&mut self, second: i64) -> Vec<Invariant> {
        let world = &mut self.day.stage.prepared.world;
        world.advance_all(self.run.since + SignedDuration::from_secs(second));
        check_run(&self.log, world, &self.run).into_iter().map(|finding| finding.invariant).collect()
    }
}

#[test]
fn an_install_needs_a_usable_backup_of_this_run() {
    let mut good = Story::new("kind = \"image_slow\"\nseconds = 600");
    let id = good.day.instance(0);
    good.image(0, &id, "run-1");
    good.install(600, &id);
    assert_eq!(good.found(700), []);

    let mut early = Story::new("kind = \"image_slow\"\nseconds = 600");
    early.image(0, &id, "run-1");
    early.install(599, &id);
    assert_eq!(early.found(700), [Invariant::I7]);
    early.run.without_backup = [id.clone()].into();
    assert_eq!(early.found(700), []);

    let mut failed = Story::new("kind = \"snapshot_fails\"");
    failed.image(0, &id, "run-1");
    failed.install(10_000, &id);
    assert_eq!(failed.found(10_000), [Invariant::I7]);

    let mut gone = Story::new("kind = \"image_slow\"\nseconds = 600");
    gone.run.retention = SignedDuration::ZERO;
    let image = gone.image(0, &id, "run-1");
    gone.ec2(700, "DeregisterImage", &[("ImageId", &image)]);
    gone.install(800, &id);
    assert_eq!(gone.found(800), [Invariant::I7]);

    let mut old = Story::new("kind = \"image_slow\"\nseconds = 600");
    old.image(0, &id, "run-0");
    old.install(800, &id);
    old.run.since = old.day.moment(100);
    assert_eq!(old.found(800), [Invariant::I7]);
}

#[test]
fn a_backup_stays_for_its_retention_and_while_its_instance_is_not_healthy() {
    const DAY: i64 = 86_400;
    let mut story = Story::new("kind = \"image_slow\"\nseconds = 600");
    let id = story.day.instance(0);
    let image = story.image(0, &id, "run-1");
    story.ec2(DAY, "DeregisterImage", &[("ImageId", &image), ("DeleteAssociatedSnapshots", "true")]);
    assert_eq!(story.found(DAY), []);

    let mut early = Story::new("kind = \"image_slow\"\nseconds = 600");
    let image = early.image(0, &id, "run-1");
    early.ec2(DAY - 1, "DeregisterImage", &[("ImageId", &image)]);
    assert_eq!(early.found(DAY), [Invariant::I8]);

    let mut sick = Story::new("kind = \"boot_hangs\"");
    let image = sick.image(0, &id, "run-1");
    sick.ec2(2_000, "RebootInstances", &[("InstanceId.1", &id)]);
    sick.ec2(DAY, "DeregisterImage", &[("ImageId", &image)]);
    assert_eq!(sick.found(DAY), [Invariant::I8]);
}

#[test]
fn one_image_per_name_and_one_reboot_per_instance() {
    let mut story = Story::new("kind = \"image_slow\"\nseconds = 600");
    let (first, second) = (story.day.instance(0), story.day.instance(1));
    story.run.retention = SignedDuration::ZERO;
    let image = story.image(0, &first, "run-1");
    story.image(0, &second, "run-2");
    story.ec2(1_000, "RebootInstances", &[("InstanceId.1", &first)]);
    story.ec2(1_000, "RebootInstances", &[("InstanceId.1", &second)]);
    assert_eq!(story.found(3_000), []);
    story.ec2(3_000, "RebootInstances", &[("InstanceId.1", &first)]);
    assert_eq!(story.found(4_000), [Invariant::I9]);
    story.ec2(4_000, "DeregisterImage", &[("ImageId", &image)]);
    story.image(4_001, &first, "run-1");
    assert_eq!(story.found(5_000), [Invariant::I19, Invariant::I9]);
}

#[test]
fn nothing_changes_after_a_stop() {
    let mut story = Story::new("kind = \"image_slow\"\nseconds = 600");
    let id = story.day.instance(0);
    story.image(0, &id, "run-1");
    story.run.stops = vec![(story.day.moment(10), "*/worker-1".to_owned())];
    assert_eq!(story.found(20), []);
    story.image(11, &id, "run-2");
    assert_eq!(story.found(20), [Invariant::I15]);
    story.run.stops[0].1 = "*/worker-2".to_owned();
    assert_eq!(story.found(20), []);
}

#[test]
fn only_the_instances_of_the_plan_are_changed() {
    let mut story = Story::new("kind = \"image_slow\"\nseconds = 600");
    let (planned, other) = (story.day.instance(0), story.day.instance(1));
    story.run.planned = BTreeMap::from([(planned.clone(), story.day.facts(&planned).launched_at)]);
    story.image(0, &planned, "run-1");
    story.ec2(1, "StopInstances", &[("InstanceId.1", &planned)]);
    story.ec2(200, "StartInstances", &[("InstanceId.1", &planned)]);
    story.image(300, &planned, "run-2");
    assert_eq!(story.found(400), [], "its own restart does not make it another");
    story.image(400, &other, "run-3");
    assert_eq!(story.found(400), [Invariant::I23]);

    let mut restarted = Story::new("kind = \"image_slow\"\nseconds = 600");
    restarted.run.planned = BTreeMap::from([(planned.clone(), Timestamp::UNIX_EPOCH)]);
    restarted.run.planned.insert(planned.clone(), restarted.day.facts(&planned).launched_at);
    restarted.day.ok(0, "StopInstances", &[("InstanceId.1", &planned)]);
    restarted.day.ok(200, "StartInstances", &[("InstanceId.1", &planned)]);
    restarted.image(300, &planned, "run-1");
    assert_eq!(restarted.found(400), [Invariant::I23], "somebody else restarted it");
}

#[test]
fn what_was_started_is_stopped_at_the_end() {
    let mut story = Story::new("kind = \"image_slow\"\nseconds = 600");
    let id = story.day.instance(0);
    story.day.ok(0, "StopInstances", &[("InstanceId.1", &id)]);
    story.ec2(200, "StartInstances", &[("InstanceId.1", &id)]);
    assert_eq!(story.found(300), [], "it goes on");
    story.run.phase = Phase::Ended;
    assert_eq!(story.found(300), [Invariant::I33]);
    story.ec2(300, "StopInstances", &[("InstanceId.1", &id)]);
    assert_eq!(story.found(400), []);
}
