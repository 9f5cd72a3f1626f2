//! The fake hosts fulfil the contracts of the ports they stand for, and fail as they are told.

use std::sync::Arc;
use std::time::Duration;

use fleetwright_clock::VirtualClock;
use fleetwright_eks::query::{Asks, Query};
use fleetwright_model::{Cell, ErrorClass, Failure, InstanceState, PingStatus, Zone, code};
use fleetwright_ports::conformance::{balancers, commands, images, metrics, objects, power};
use fleetwright_ports::{
    Alarm, AlarmState, Clock, CommandRequest, HostCommands, ImageQuery, ImageRequest, Images,
    InvocationStatus, Machines, Power, ScalingGroup,
};
use fleetwright_testkit::{CommandOutcome, FakeCell, FakeFleet, FakeHosts, Fault, sample};

const DOCUMENT: &str = "AWS-RunShellScript";

struct Stage {
    zone: Zone,
    clock: Arc<dyn Clock>,
    hosts: FakeHosts,
}

impl Stage {
    /// Hosts 1 and 2 run, host 3 is stopped.
    fn new() -> Self {
        let zone = sample::zone("shop", "111122223333", &["eu-central-1"]);
        let mut stopped = sample::instance(3, "batch");
        stopped.state = InstanceState::Stopped;
        let cell = FakeCell::default();
        let cell = cell.with(sample::instance(1, "web")).with(sample::instance(2, "db")).with(stopped);
        let fleet = FakeFleet::default().with(&zone, "eu-central-1", cell);
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(sample::now()));
        let hosts = FakeHosts::of(fleet, Arc::clone(&clock));
        Self { zone, clock, hosts }
    }

    fn cell(&self) -> Cell<'_> {
        Cell { zone: &self.zone, region: sample::region("eu-central-1") }
    }

    async fn pass(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }
}

fn command(hosts: &[u64], mark: &str) -> CommandRequest {
    CommandRequest {
        document: DOCUMENT.into(),
        parameters: vec![("commands".into(), vec!["true".to_owned()])],
        hosts: hosts.iter().map(|number| sample::id(*number)).collect(),
        mark: mark.into(),
        delivery_timeout: Duration::from_secs(600),
    }
}

fn image(name: &str) -> ImageRequest {
    ImageRequest {
        instance: sample::id(1),
        name: name.into(),
        description: "".into(),
        tags: Default::default(),
        reboot: false,
    }
}

#[tokio::test(start_paused = true)]
async fn they_fulfil_the_contracts_of_commands_and_images_however_late_a_listing_is() {
    for lag in [0, 40] {
        let stage = Stage::new();
        stage.hosts.set_lag(Duration::from_secs(lag));
        let (cell, clock) = (stage.cell(), &*stage.clock);
        let expected =
            commands::Expected { hosts: vec![sample::id(1), sample::id(2)], command: command(&[], "") };
        commands::check(&stage.hosts, &cell, clock, &expected).await;
        let expected = images::Expected { instance: sample::id(1) };
        images::check(&stage.hosts, &cell, clock, &expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn they_fulfil_the_contracts_of_power_and_metrics() {
    let stage = Stage::new();
    let (cell, clock) = (stage.cell(), &*stage.clock);
    let made = stage.hosts.create(&cell, &image("before")).await.expect("made");
    stage.pass(600).await;
    let expected = power::Expected { running: sample::id(1), stopped: sample::id(3), image: made };
    power::check(&stage.hosts, &cell, clock, &expected).await;
    power::check_replacement(&stage.hosts, &cell, clock, &expected).await;
    stage.hosts.set_alarm(&cell, Alarm { name: "errors".into(), state: AlarmState::Ok });
    let Asks::Metric(errors) = Query::of_cloudwatch("e=Shop:errors Sum <= 5").expect("a metric").asks else {
        panic!("a metric of CloudWatch")
    };
    stage.hosts.set_value(&cell, errors.clone(), 3.0);
    let reporting = vec![sample::id(1), sample::id(2)];
    let expected =
        metrics::Expected { reporting, alarm: ("errors".into(), AlarmState::Ok), value: (errors, 3.0) };
    metrics::check(&stage.hosts, &cell, clock, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn they_fulfil_the_contract_of_objects() {
    let stage = Stage::new();
    stage.hosts.add_bucket("lists");
    objects::check(&stage.hosts, &stage.cell(), "lists", &|key| stage.hosts.object("lists", key)).await;
}

#[tokio::test(start_paused = true)]
async fn they_fulfil_the_contract_of_balancers() {
    let stage = Stage::new();
    let (cell, clock) = (stage.cell(), &*stage.clock);
    let arn = |name: &str| format!("arn:aws:elasticloadbalancing:eu-central-1:111122223333:{name}");
    let (pool, classic) = (arn("targetgroup/web/0123456789abcdef"), arn("loadbalancer/old"));
    let drain = Duration::from_secs(300);
    stage.hosts.add_pool(&cell, &pool, drain, &[sample::id(1), sample::id(2)]);
    stage.hosts.add_pool(&cell, &classic, drain, &[sample::id(1)]);
    let group = ScalingGroup {
        name: "web".into(),
        min: 1,
        desired: 2,
        suspended: Vec::new(),
        pools: vec![pool.as_str().into()],
    };
    stage.hosts.add_scaling_group(&cell, group, &[sample::id(2)]);
    let expected = balancers::Expected {
        pool: pool.into(),
        classic: classic.into(),
        registered: sample::id(1),
        member: sample::id(2),
        group: "web".into(),
    };
    balancers::check(&stage.hosts, &cell, clock, &expected).await;
    assert_eq!(stage.hosts.out_of_service(), [] as [String; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_host_answers_a_document_as_its_script_says_and_the_last_answer_stays() {
    let stage = Stage::new();
    let cell = stage.cell();
    stage.hosts.script(&sample::id(2), |script| {
        script.on(DOCUMENT, CommandOutcome::failure(2, "disk full"));
        script.on(DOCUMENT, CommandOutcome::not_run(InvocationStatus::Undeliverable));
    });
    stage.hosts.respond(Arc::new(|request, host| {
        CommandOutcome::success(&format!("{} on {host}", request.document))
    }));
    let mut seen = Vec::new();
    for round in 0..3 {
        let sent = stage.hosts.send(&cell, &command(&[1, 2], &format!("round {round}"))).await.expect("sent");
        stage.pass(10).await;
        let parts = stage.hosts.invocations(&cell, &sent).await.items;
        assert_eq!(&*parts[0].output, "AWS-RunShellScript on i-00000000000000001");
        seen.push((parts[1].status, parts[1].exit_code));
    }
    let undeliverable = (InvocationStatus::Undeliverable, None);
    assert_eq!(seen, [(InvocationStatus::Failed, Some(2)), undeliverable, undeliverable]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_off_receives_nothing_until_the_delivery_is_given_up() {
    let stage = Stage::new();
    let cell = stage.cell();
    let sent = stage.hosts.send(&cell, &command(&[3], "to nobody")).await.expect("taken");
    stage.pass(599).await;
    let parts = stage.hosts.invocations(&cell, &sent).await.items;
    assert_eq!(parts[0].status, InvocationStatus::InProgress);
    stage.pass(1).await;
    let parts = stage.hosts.invocations(&cell, &sent).await.items;
    assert_eq!(parts[0].status, InvocationStatus::DeliveryTimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_ambiguous_and_the_effect_is_there_but_a_refusal_has_none() {
    let stage = Stage::new();
    let cell = stage.cell();
    stage.hosts.fail_next("ssm:SendCommand", Fault::LostReply);
    let throttled = Failure::new(ErrorClass::Throttled, &code::THROTTLED, "ssm:SendCommand", "slow down");
    stage.hosts.fail_next("ssm:SendCommand", Fault::Refused(throttled.clone()));
    let lost = stage.hosts.send(&cell, &command(&[1], "one")).await.expect_err("lost");
    assert_eq!((lost.class, lost.code), (ErrorClass::Ambiguous, &code::REPLY_LOST));
    let refused = stage.hosts.send(&cell, &command(&[1], "two")).await.expect_err("refused");
    assert_eq!(refused, throttled);
    let marks: Vec<_> = stage.hosts.effects().into_iter().map(|effect| effect.mark).collect();
    assert_eq!(marks, ["one".into()]);
    assert_eq!(stage.hosts.calls("ssm:SendCommand"), 2);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_fails_says_why() {
    let stage = Stage::new();
    let cell = stage.cell();
    stage.hosts.script(&sample::id(1), |script| script.image_fails = Some("key is disabled".into()));
    let id = stage.hosts.create(&cell, &image("doomed")).await.expect("begun");
    stage.pass(600).await;
    let listed = stage.hosts.images(&cell, &ImageQuery::Ids(vec![id])).await.items;
    assert_eq!(listed[0].reason.as_deref(), Some("key is disabled"));
}

#[tokio::test(start_paused = true)]
async fn after_a_reboot_the_old_ping_stands_until_the_agent_is_back() {
    let stage = Stage::new();
    let (cell, one) = (stage.cell(), [sample::id(1)]);
    let agent = async || stage.hosts.agents(&cell, &one).await.found.remove(0).1;
    stage.pass(100).await;
    let before = agent().await;
    stage.hosts.reboot(&cell, &one).await.expect("it runs");
    assert_eq!(stage.hosts.boots(&one[0]), 2);
    let meanwhile = agent().await;
    assert_eq!((meanwhile.ping, meanwhile.last_ping), (PingStatus::Online, before.last_ping));
    stage.pass(45).await;
    assert!(agent().await.last_ping > before.last_ping, "the agent pings when it is back");
    stage.hosts.terminate(&one[0]);
    assert_eq!(agent().await.ping, PingStatus::ConnectionLost);
}
