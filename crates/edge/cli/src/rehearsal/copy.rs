//! The simulated copy of the fleet a plan was made for.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_flow::PlaceId;
use fleetwright_model::{CalendarAnswer, CalendarState, InstanceState, OsFamily, Regions, Zone, code};
use fleetwright_patch::plan::{Backup, CalendarsSaid, PatchPlan, PlanDocument, PlannedHost, Work};
use fleetwright_report::safe;
use toml::{Table, Value};

use crate::failure::CommandError;

/// What goes wrong where nobody says otherwise: about one host in thirty has a bad night.
const LIGHT_FAULTS: &str = include_str!("light_faults.toml");

/// The copy: a scenario, the plan that is walked in it, and what it leaves out.
pub(super) struct FleetCopy {
    /// The scenario's text.
    pub(super) scenario: String,
    /// The plan as it is rehearsed.
    pub(super) plan: PlanDocument,
    /// What the copy knows nothing of, in words.
    pub(super) left_out: Vec<String>,
}

/// Makes the copy. `faults` is the text of a file with `[[faults]]` and `[[hosts]]`, with its name.
///
/// # Errors
/// The plan cannot be rehearsed, or the faults are no faults.
pub(super) fn of(document: &PlanDocument, faults: Option<(&str, &str)>) -> Result<FleetCopy, CommandError> {
    let mut plan = document.plan().clone();
    refuse(&plan)?;
    let left_out = simplify(&mut plan);
    let mut scenario = Table::new();
    scenario.insert("name".into(), "rehearsal".into());
    scenario.insert("start".into(), plan.flow.created_at.to_string().into());
    scenario.insert("accounts".into(), accounts(&plan));
    scenario.insert("instances".into(), instances(&plan));
    scenario.insert("alarms".into(), alarms(&plan));
    scenario.insert("documents".into(), documents(&plan));
    scenario.insert("calendars".into(), calendars(&plan));
    for (key, value) in read_faults(faults)? {
        scenario.insert(key, value);
    }
    let scenario = toml::to_string(&scenario).map_err(|error| {
        CommandError::new(&code::INTERNAL, format!("the copy cannot be written: {error}"))
    })?;
    Ok(FleetCopy { scenario, plan: PlanDocument::new(plan), left_out })
}

/// What a copy made from a plan cannot have.
fn refuse(plan: &PatchPlan) -> Result<(), CommandError> {
    let refused = |what: String| Err(CommandError::new(&code::NOT_REHEARSABLE, what));
    if hosts(plan).next().is_none() {
        return refused("the plan works on no instance".to_owned());
    }
    let earlier = hosts(plan).filter(|(_, host)| matches!(host.backup, Backup::Existing { .. })).count();
    if earlier > 0 {
        return refused(format!(
            "{earlier} of its instances rely on images of an earlier run, which a copy of the fleet does not have"
        ));
    }
    let macs = hosts(plan).find(|(_, host)| host.os == OsFamily::MacOs);
    match macs {
        Some((_, host)) => {
            refused(format!("{} runs macOS, which the simulated estate does not have", host.id))
        }
        None => Ok(()),
    }
}

fn hosts(plan: &PatchPlan) -> impl Iterator<Item = (PlaceId, &PlannedHost)> {
    let targets = plan.flow.targets.iter().zip(&plan.work);
    targets.filter_map(|(target, work)| Some((target.place, work.host()?)))
}

/// Takes out what simulated hosts know nothing of, and says so.
fn simplify(plan: &mut PatchPlan) -> Vec<String> {
    let mut left_out = Vec::new();
    let mut own_checks = 0;
    for work in &mut plan.work {
        if let Work::Host(host) = work
            && !host.checks.is_empty()
        {
            host.checks = Default::default();
            own_checks += 1;
        }
    }
    if own_checks > 0 {
        left_out.push(format!(
            "services, endpoints, databases and thresholds that {own_checks} instances name in tags: simulated hosts have an application of their own"
        ));
    }
    let precheck = &mut plan.policy.precheck;
    if !precheck.services.is_empty() || !precheck.security_agents.is_empty() {
        precheck.services.clear();
        precheck.security_agents.clear();
        left_out.push("services and security agents that the precheck asks for on every host".to_owned());
    }
    if plan.policy.validate.load.take().is_some() {
        left_out.push("the load test".to_owned());
    }
    let heard = plan.roll_out.calendars.iter().flat_map(|calendars| &calendars.heard);
    left_out.extend(heard.filter_map(|it| {
        let what = match &it.said {
            CalendarsSaid::Answer(CalendarAnswer { state: CalendarState::Closed, until: Some(_) }) => {
                return None;
            }
            CalendarsSaid::Answer(CalendarAnswer { state: CalendarState::Open, until }) => {
                format!("closes at {}, and nobody said for how long", (*until)?)
            }
            CalendarsSaid::Answer(_) => "is closed, and nobody said until when".to_owned(),
            CalendarsSaid::Unknown { .. } => "could not be read".to_owned(),
        };
        let names = it.of.names.join(", ");
        Some(format!("change calendar {names} in {} {} {what}: it is open here", it.of.zone, it.of.region))
    }));
    left_out
}

/// The calendars the plan asks, closed as long as they said.
fn calendars(plan: &PatchPlan) -> Value {
    let heard = plan.roll_out.calendars.iter().flat_map(|calendars| &calendars.heard);
    let mut all = Vec::new();
    for it in heard {
        let place = plan.flow.places.iter().find(|place| place.zone == it.of.zone);
        let account = place.map_or("*", |place| place.account.as_str());
        let closed = match &it.said {
            CalendarsSaid::Answer(CalendarAnswer { state: CalendarState::Closed, until }) => *until,
            _ => None,
        };
        let event = closed.filter(|until| *until > plan.flow.created_at).map(|until| {
            let ends = [("from", plan.flow.created_at), ("until", until)];
            Value::Table(ends.map(|(key, at)| (key.to_owned(), at.to_string().into())).into_iter().collect())
        });
        for name in &it.of.names {
            let mut calendar = Table::new();
            let plain = name.rsplit("document/").next().unwrap_or(name);
            calendar.insert("name".into(), plain.into());
            calendar.insert("account".into(), account.into());
            calendar.insert("region".into(), it.of.region.as_str().into());
            calendar.insert("events".into(), event.iter().cloned().collect::<Vec<_>>().into());
            all.push(Value::Table(calendar));
        }
    }
    all.into()
}

fn accounts(plan: &PatchPlan) -> Value {
    let mut regions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for place in &plan.flow.places {
        regions.entry(place.account.as_str()).or_default().insert(place.region.as_str());
    }
    let account = |(id, regions): (&str, BTreeSet<&str>)| {
        let mut account = Table::new();
        account.insert("name".into(), name_of(id).into());
        account.insert("id".into(), id.into());
        account.insert("regions".into(), regions.into_iter().map(Value::from).collect::<Vec<_>>().into());
        account.insert("instances_per_region".into(), 0.into());
        Value::Table(account)
    };
    regions.into_iter().map(account).collect::<Vec<_>>().into()
}

/// What the copy calls an account: names of landing zones need not be names of accounts.
fn name_of(account: &str) -> String {
    format!("account-{account}")
}

fn instances(plan: &PatchPlan) -> Value {
    let instance = |(place, host): (PlaceId, &PlannedHost)| {
        let place = &plan.flow.places[place.index()];
        let mut it = Table::new();
        it.insert("account".into(), name_of(place.account.as_str()).into());
        it.insert("region".into(), place.region.as_str().into());
        it.insert("id".into(), host.id.as_str().into());
        if let Some(at) = host.launch_time {
            it.insert("launched_at".into(), at.to_string().into());
        }
        it.insert("platform".into(), platform(host).into());
        it.insert("state".into(), state(host.state).into());
        it.insert("zone".into(), zone_number(host.availability_zone.as_deref()).into());
        // What is missing is known by number only; installing everything takes longest.
        let missing: Vec<Value> = if host.missing == Some(0) { Vec::new() } else { vec!["*".into()] };
        it.insert("missing".into(), missing.into());
        if let Some(name) = &host.name {
            let tags = Table::from_iter([("Name".to_owned(), Value::from(&**name))]);
            it.insert("tags".into(), tags.into());
        }
        Value::Table(it)
    };
    hosts(plan).map(instance).collect::<Vec<_>>().into()
}

fn platform(host: &PlannedHost) -> &'static str {
    match (&*host.platform, host.os) {
        ("windows", _) | (_, OsFamily::Windows) => "windows-2022",
        ("ubuntu" | "debian" | "raspberry-pi-os", _) => "ubuntu-2204",
        ("rhel" | "almalinux" | "centos" | "oracle-linux" | "rocky" | "sles", _) => "rhel-9",
        _ => "amazon-linux-2023",
    }
}

fn state(state: InstanceState) -> &'static str {
    match state {
        InstanceState::Stopped | InstanceState::Stopping => "stopped",
        _ => "running",
    }
}

/// The last letter of `eu-central-1b`, counted from 0; the estate has three zones in a region.
fn zone_number(zone: Option<&str>) -> i64 {
    let letter = zone.and_then(|zone| zone.bytes().last()).filter(u8::is_ascii_lowercase);
    letter.map_or(0, |letter| i64::from(letter - b'a') % 3)
}

/// Alarms the plan names, which nothing rings here unless a host is in trouble.
fn alarms(plan: &PatchPlan) -> Value {
    let names = &plan.policy.validate.alarms;
    let alarm = |name: &fleetwright_model::Text| {
        Value::Table(Table::from_iter([
            ("name".to_owned(), Value::from(&**name)),
            ("watches".to_owned(), Value::from("health")),
        ]))
    };
    names.iter().map(alarm).collect::<Vec<_>>().into()
}

/// The organisation's own documents, which do nothing here.
fn documents(plan: &PatchPlan) -> Value {
    let policy = &plan.policy;
    let hooks = policy.patch.parameters.iter().filter(|(name, _)| name.ends_with("HookDocName"));
    let named = hooks.map(|(_, document)| document).chain(policy.validate.check_document.as_ref());
    let own: BTreeSet<&str> =
        named.chain([&policy.patch.document]).map(|name| &**name).filter(|name| !is_amazons(name)).collect();
    let document = |name: &str| {
        let step = Table::from_iter([
            ("action".to_owned(), Value::from("aws:runShellScript")),
            ("name".to_owned(), Value::from("nothing")),
            (
                "inputs".to_owned(),
                Table::from_iter([("runCommand".to_owned(), Value::from(vec!["exit 0"]))]).into(),
            ),
        ]);
        let content = Table::from_iter([
            ("schemaVersion".to_owned(), Value::from("2.2")),
            ("mainSteps".to_owned(), Value::from(vec![Value::Table(step)])),
        ]);
        Value::Table(Table::from_iter([
            ("name".to_owned(), Value::from(name)),
            ("content".to_owned(), content.into()),
        ]))
    };
    own.into_iter().map(document).collect::<Vec<_>>().into()
}

fn is_amazons(document: &str) -> bool {
    document.starts_with("AWS-") || document.starts_with("Amazon")
}

/// The sections of a file of faults.
fn read_faults(faults: Option<(&str, &str)>) -> Result<Table, CommandError> {
    let (text, name) = faults.unwrap_or((LIGHT_FAULTS, "light faults"));
    let wrong = |what: String| CommandError::new(&code::SCENARIO, format!("{}: {what}", safe::line(name)));
    let table: Table = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    const KNOWN: [&str; 3] = ["faults", "hosts", "pace"];
    match table.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        Some(key) => Err(wrong(format!(
            "\"{key}\" is not for a rehearsal; it takes [[faults]], [[hosts]] and [pace] of a scenario"
        ))),
        None => Ok(table),
    }
}

/// The plan's landing zones as the copy is entered: those of the same account.
///
/// # Errors
/// Never for a copy that was made by [`of`].
pub(super) fn zones(plan: &PatchPlan, simulated: &[Zone]) -> Result<Vec<Zone>, CommandError> {
    let found = plan.zones.iter().map(|planned| {
        let zone = simulated.iter().find(|zone| zone.account == planned.account)?;
        let places = plan.flow.places.iter().filter(|place| place.zone == planned.name);
        let regions: BTreeSet<_> = places.map(|place| place.region.clone()).collect();
        let regions = Regions::Listed(regions.into_iter().collect());
        Some(Zone { name: planned.name.clone(), regions, ..zone.clone() })
    });
    found.collect::<Option<_>>().ok_or_else(|| {
        CommandError::new(&code::INTERNAL, "the copy of the fleet lacks an account of the plan")
    })
}
