//! The contracts of the ports that change something, over the simulated estate.

use std::collections::BTreeSet;
use std::time::Duration;

use fleetwright_eks::query::{Asks, Metric, Query, Statistic, metric::window};
use fleetwright_model::{
    CalendarAnswer, CalendarState, Cell, HealthCheck, Instance, InstanceState, OsFamily, PingStatus,
};
use fleetwright_ports::conformance::{
    commands, event_rules, images, language_models, logs, maintenance, metrics, parameters, power, stacks,
};
use fleetwright_ports::logs::{Follower, LogQuery};
use fleetwright_ports::{
    ChangeCalendars, CommandRequest, Figure, FigureSink, FigureUnit, ImageQuery, ImageRequest, ImageState,
    Images, InstanceQuery, Machines, Metrics, Power,
};

use jiff::{SignedDuration, Timestamp};

use crate::estate::{Stage, stage};

const FLEET: &str = "[fleet]\naccounts = 1\nregions = [\"eu-central-1\"]\ninstances_per_cell = 60\n";

/// The Linux hosts on EBS, those first whose agents answer and whose status checks are passed.
struct Hosts {
    well: Vec<Instance>,
    stopped: Vec<Instance>,
}

async fn hosts(stage: &Stage, cell: &Cell<'_>) -> Hosts {
    let listed = stage.aws.instances(cell, &InstanceQuery::default()).await;
    assert_eq!(listed.failure, None);
    let linux: Vec<Instance> =
        listed.items.into_iter().filter(|it| it.os == OsFamily::Linux && it.root_on_ebs).collect();
    let ids: Vec<_> = linux.iter().map(|it| it.id.clone()).collect();
    let agents = stage.aws.agents(cell, &ids).await.found.into_iter();
    let online: BTreeSet<_> =
        agents.filter(|(_, agent)| agent.ping == PingStatus::Online).map(|(id, _)| id).collect();
    let healthy = |id: &_| online.contains(id);
    let checks = stage.aws.status_checks(cell).await.items.into_iter();
    let passed: BTreeSet<_> = checks
        .filter(|(_, health)| (health.system, health.instance) == (HealthCheck::Ok, HealthCheck::Ok))
        .map(|(id, _)| id)
        .collect();
    let (well, rest): (Vec<_>, Vec<_>) = linux
        .into_iter()
        .partition(|it| it.state == InstanceState::Running && healthy(&it.id) && passed.contains(&it.id));
    let stopped = rest.into_iter().filter(|it| it.state == InstanceState::Stopped).collect();
    Hosts { well, stopped }
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_commands() {
    let stage = stage(&format!("name = \"t\"\nseed = 21\n{FLEET}")).await;
    let cell = &stage.cells()[0];
    let hosts = hosts(&stage, cell).await.well.into_iter().take(5).map(|it| it.id).collect();
    let command = CommandRequest {
        document: "AWS-RunShellScript".into(),
        parameters: vec![("commands".into(), vec!["true".to_owned()])],
        hosts: Vec::new(),
        mark: "".into(),
        delivery_timeout: Duration::from_secs(600),
    };
    let expected = commands::Expected { hosts, command };
    commands::check(&stage.aws, cell, &*stage.clock, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_images() {
    let stage = stage(&format!("name = \"t\"\nseed = 22\n{FLEET}")).await;
    let cell = &stage.cells()[0];
    let instance = hosts(&stage, cell).await.well[0].id.clone();
    images::check(&stage.aws, cell, &*stage.clock, &images::Expected { instance }).await;
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_power() {
    let stage = stage(&format!("name = \"t\"\nseed = 23\n{FLEET}")).await;
    let cell = &stage.cells()[0];
    let hosts = hosts(&stage, cell).await;
    let (running, stopped) = (hosts.well[0].id.clone(), hosts.stopped[0].id.clone());
    let request = ImageRequest {
        instance: running.clone(),
        name: "before".into(),
        description: "".into(),
        tags: Default::default(),
        reboot: false,
    };
    let image = stage.aws.create(cell, &request).await.expect("an image can be made");
    let query = ImageQuery::Ids(vec![image.clone()]);
    while stage.aws.images(cell, &query).await.items.iter().all(|it| it.state != ImageState::Available) {
        stage.clock.sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(stage.aws.pulses(cell, std::slice::from_ref(&running)).await.items.len(), 1);
    let expected = power::Expected { running, stopped, image };
    power::check(&stage.aws, cell, &*stage.clock, &expected).await;
    power::check_replacement(&stage.aws, cell, &*stage.clock, &expected).await;
}

/// The sum of a metric that has these values in the last window, and others around it.
async fn kept(stage: &Stage, cell: &Cell<'_>, now: Timestamp, values: &[f64]) -> Metric {
    let (from, until) = window(now);
    let minute = SignedDuration::from_mins(1);
    let inside = values.iter().zip(1..).map(|(value, minutes)| (from + minute * minutes, *value));
    for (at, value) in inside.chain([(from - minute, 100.0), (until, 100.0)]) {
        let figure = Figure { name: "errors", value, unit: FigureUnit::Count };
        stage.aws.put(cell, "Shop", &[figure], at).await.expect("it is kept");
    }
    match Query::of_cloudwatch("errors=Shop:errors Sum <= 5").expect("a metric").asks {
        Asks::Metric(metric) => metric,
        Asks::Promql(promql) => panic!("{promql}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_percentile_of_a_metric_is_answered_and_a_metric_without_values_has_none() {
    let stage = stage(&format!("name = \"t\"\nseed = 24\n{FLEET}")).await;
    let cell = &stage.cells()[0];
    let now = stage.clock.now();
    let sum = kept(&stage, cell, now, &[1.0, 2.0, 3.0, 4.0]).await;
    for (statistic, value) in
        [(Statistic::Average, 2.5), (Statistic::Percentile(999), 4.0), (Statistic::SampleCount, 4.0)]
    {
        let metric = Metric { statistic, ..sum.clone() };
        assert_eq!(stage.aws.value(cell, &metric, window(now)).await, Ok(Some(value)), "{statistic}");
    }
    let of_another = Metric { dimensions: [("Shop".into(), "b".into())].into(), ..sum };
    assert_eq!(stage.aws.value(cell, &of_another, window(now)).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_metrics() {
    let alarm = "[[alarms]]\nname = \"load\"\nwatches = \"cpu\"\n";
    let stage = stage(&format!("name = \"t\"\nseed = 24\n{FLEET}{alarm}")).await;
    let cell = &stage.cells()[0];
    let known = stage.aws.alarms(cell, &["load".into()]).await;
    assert_eq!((known.items.len(), known.failure), (1, None));
    let mut reporting = hosts(&stage, cell).await.well;
    let earlier = stage.clock.now().checked_sub(SignedDuration::from_hours(1)).expect("after 1970");
    reporting.retain(|it| it.launch_time.is_some_and(|launched| launched < earlier));
    assert!(reporting.len() > 10);
    let reporting = reporting.into_iter().map(|it| it.id).collect();
    let now = stage.clock.now();
    let expected = metrics::Expected {
        reporting,
        alarm: ("load".into(), known.items[0].state),
        value: (kept(&stage, cell, now, &[2.0, 3.0]).await, 5.0),
    };
    metrics::check(&stage.aws, cell, &*stage.clock, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_maintenance_windows() {
    let stage = stage(&format!("name = \"t\"\nseed = 25\n{FLEET}")).await;
    maintenance::check(&stage.aws, &stage.cells()[0], &*stage.clock).await;
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_parameters() {
    let stage = stage(&format!("name = \"t\"\nseed = 27\n{FLEET}")).await;
    parameters::check(&stage.aws, &stage.cells()[0]).await;
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_events_and_rules() {
    let stage = stage(&format!("name = \"t\"\nseed = 28\n{FLEET}")).await;
    let cell = &stage.cells()[0];
    let account = cell.zone.account.as_str();
    assert!(stage.estate.create_topic(account, "eu-central-1", "upgrades"));
    let expected = event_rules::Expected {
        target: format!("arn:aws:sns:eu-central-1:{account}:upgrades"),
        role: format!("arn:aws:iam::{account}:role/events"),
    };
    event_rules::check((&stage.aws, &stage.aws, &*stage.clock), cell, &expected).await;
    let records = stage.estate.events(Some(account)).expect("the account is there");
    assert_eq!(records.events.len(), 23, "each once");
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_stacks() {
    let fault = "[[faults]]\nkind = \"stack_resource_fails\"\ninstance = \"fleetwright-conformance-failed/Bad\"\ntimes = 1\n";
    let stage = stage(&format!("name = \"t\"\nseed = 32\n{FLEET}{fault}")).await;
    stacks::check((&stage.aws, &*stage.clock), &stage.cells()[0]).await;
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_language_models() {
    let stage = stage(&format!("name = \"t\"\nseed = 33\n{FLEET}")).await;
    let id = |text: &str| text.parse().expect("an id");
    let (model, nobody) = (id("eu.amazon.nova-lite-v1:0"), id("amazon.nobody-v1:0"));
    language_models::check(&stage.aws, &stage.cells()[0], &model, &nobody).await;
}

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_logs() {
    let stage = stage(&format!("name = \"t\"\nseed = 29\n{FLEET}")).await;
    let cell = &stage.cells()[0];
    let begin = stage.clock.now().checked_sub(SignedDuration::from_hours(1)).expect("after 1970");
    let event = |number: i64| {
        let text = if number % 700 == 0 { "ERROR: it failed" } else { "INFO: it went on" };
        (begin + SignedDuration::from_secs(number), text.to_owned())
    };
    // More than the estate looks at for one page.
    let events: Vec<_> = (0..2_500).map(event).collect();
    let place = (cell.zone.account.as_str(), "eu-central-1");
    assert!(stage.estate.write_logs(place, ("/aws/lambda/hub-turn", "one"), &events));
    let expected = logs::Expected { group: "/aws/lambda/hub-turn".parse().expect("a name"), events };
    logs::check(&stage.aws, cell, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_written_late_and_what_is_a_secret_is_followed_as_it_should_be() {
    let stage = stage(&format!("name = \"t\"\nseed = 30\n{FLEET}")).await;
    let cell = &stage.cells()[0];
    let place = (cell.zone.account.as_str(), "eu-central-1");
    let names = ["/aws/lambda/hub-gate", "/aws/lambda/hub-turn"];
    let begin = stage.clock.now();
    let write = |group: usize, after: i64, text: &str| {
        let event = (begin + SignedDuration::from_secs(after), text.to_owned());
        assert!(stage.estate.write_logs(place, (names[group], "one"), &[event]));
    };
    let groups = names.iter().map(|name| name.parse().expect("a name")).collect();
    let mut follower = Follower::new(groups, LogQuery { since: Some(begin), ..LogQuery::default() });
    let mut look = async || {
        let look = follower.look(&stage.aws, cell, 100).await;
        assert!(look.failures.is_empty() && look.cut.is_empty(), "{look:?}");
        look.events.into_iter().map(|(group, event)| (group, event.message)).collect::<Vec<_>>()
    };
    write(1, 100, "turn");
    write(0, 90, "gate, password=hunter2");
    let first = look().await;
    assert_eq!(first.iter().map(|(group, _)| *group).collect::<Vec<_>>(), [0, 1], "by time: {first:?}");
    assert!(!first[0].1.contains("hunter2"), "{first:?}");
    write(1, 60, "late");
    write(1, 110, "next");
    assert_eq!(look().await, [(1, "late".to_owned()), (1, "next".to_owned())], "late by less than a minute");
    assert_eq!(look().await, []);
}

#[tokio::test(start_paused = true)]
async fn change_calendars_say_what_they_are_and_until_when() {
    let calendar = "[[calendars]]\nname = \"freeze\"\nevents = [{ from = \"2026-11-02T03:00:00Z\", until = \"2026-11-02T04:00:00Z\" }]\n";
    let text = format!("name = \"t\"\nseed = 26\nstart = \"2026-11-02T02:00:00Z\"\n{FLEET}{calendar}");
    let stage = stage(&text).await;
    let cell = &stage.cells()[0];
    let at = |text: &str| Some(text.parse().expect("a time"));
    let arn = format!("arn:aws:ssm:eu-central-1:{}:document/freeze", cell.zone.account);
    let names = [arn.as_str().into(), "freeze".into()];
    let open = CalendarAnswer { state: CalendarState::Open, until: at("2026-11-02T03:00:00Z") };
    assert_eq!(stage.aws.state(cell, &names).await, Ok(open));
    stage.clock.sleep(Duration::from_secs(3_600)).await;
    let closed = CalendarAnswer { state: CalendarState::Closed, until: at("2026-11-02T04:00:00Z") };
    assert_eq!(stage.aws.state(cell, &names[1..]).await, Ok(closed));
    stage.clock.sleep(Duration::from_secs(3_600)).await;
    let open = CalendarAnswer { state: CalendarState::Open, until: None };
    assert_eq!(stage.aws.state(cell, &names[1..]).await, Ok(open), "nothing is announced any more");
    let unknown = stage.aws.state(cell, &["other".into()]).await.expect_err("there is none");
    assert!(unknown.to_string().contains("other"), "{unknown}");
}
