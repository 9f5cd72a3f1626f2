//! Reading waves, sets of dependent instances and waivers.

use std::time::Duration;

use fleetwright_model::{InstanceId, PLATFORM_NAMES, Region, code};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::keys::TextForm;
use crate::record::{Form, Member, Record, Spelling, list, twice};
use crate::settings::{
    MetricLimit, OrderGroup, OrderMode, PatchOperation, ProbeSettings, Reboot, Waiver, WaveSelection,
    WaveSettings, ZoneByZone,
};
use crate::value::{self, Fault};
use crate::yaml::{Content, Node};

const DAY: Duration = Duration::from_secs(86_400);

const FILTERS: &[Member] = &[
    Member::new("tags", "tags", Form::Tags, "Tags an instance must carry, each with one of the values."),
    Member::new(
        "platforms",
        "platforms",
        Form::List(TextForm::OneOf(PLATFORM_NAMES)),
        "Operating-system families or distributions.",
    ),
];

/// Systems Manager's own words, as SendCommand and AWS-RunPatchBaseline take them.
const SSM: &[Member] = &[
    Member::new(
        "operation",
        "operation",
        Form::Text(TextForm::OneOf(&["Install", "Scan"])),
        "What Patch Manager is asked to do.",
    ),
    Member::new(
        "reboot_option",
        "rebootOption",
        Form::Text(TextForm::OneOf(&["RebootIfNeeded", "NoReboot"])),
        "Whether instances are rebooted after installing.",
    ),
    Member::new(
        "max_concurrency",
        "maxConcurrency",
        Form::Text(TextForm::Amount),
        "Instances of one account and region under installation at once.",
    ),
    Member::new(
        "max_errors",
        "maxErrors",
        Form::Tolerance,
        "Failures allowed before nothing further is started, as a number from 0 on or a share.",
    ),
];

macro_rules! selection {
    ($($more:expr),* $(,)?) => {
        &[
            Member::new("accounts", "accounts", Form::Accounts, "Only instances of these accounts."),
            Member::new(
                "landing_zones",
                "landingZones",
                Form::List(TextForm::ZoneName),
                "Only instances of these landing zones.",
            ),
            Member::new("regions", "regions", Form::List(TextForm::Region), "Only instances of these regions."),
            Member::new(
                "availability_zones",
                "availabilityZones",
                Form::List(TextForm::Name),
                "Only instances of these availability zones.",
            ),
            Member::new("filters", "filters", Form::Record(FILTERS), "Only instances with these tags and platforms."),
            Member::new(
                "instance_ids",
                "instanceIds",
                Form::List(TextForm::InstanceId),
                "Exactly these instances.",
            ),
            $($more),*
        ]
    };
}

/// The members of a wave.
pub(crate) const WAVE: &[Member] = selection![
    Member::new("name", "name", Form::Text(TextForm::Name), "What people call the wave."),
    Member::new(
        "size",
        "size",
        Form::Text(TextForm::Amount),
        "How many, as a number or a share of the whole run; without it all that are left.",
    ),
    Member::new(
        "canary",
        "canary",
        Form::Bool,
        "Whether the least critical are taken, spread over platforms and zones; `size` then counts per operating-system family.",
    ),
    Member::new("ssm", "ssm", Form::Record(SSM), "Settings of Systems Manager for this wave alone."),
    Member::new(
        "bake",
        "bakeSeconds",
        Form::Length { max: DAY },
        "How long to wait after the wave before its results are looked at.",
    ),
    Member::new(
        "min_verified",
        "minVerified",
        Form::Text(TextForm::Amount),
        "Instances that must be verified healthy before the next wave, as a number or a share of the wave.",
    ),
    Member::new("approval", "approvalRequired", Form::Bool, "Whether a person approves before the wave.",),
    Member::new(
        "zone_by_zone",
        "zoneByZone",
        Form::Text(TextForm::OneOf(&["none", "landing-zone", "region", "availability-zone"])),
        "Whether the wave goes on one zone at a time.",
    ),
];

/// The members of a probe.
const PROBE: &[Member] = &[
    Member::new(
        "command",
        "command",
        Form::Text(TextForm::Command),
        "A command that must end with 0 on the instance: of the shell on Linux, of PowerShell on Windows.",
    ),
    Member::new(
        "http",
        "http",
        Form::Text(TextForm::Url),
        "An address as the instance sees it; it must answer with 200 to 399.",
    ),
    Member::new(
        "metric",
        "metric",
        Form::Text(TextForm::MetricLimit),
        "What the mean of a metric of AWS/EC2 must be over the last ten minutes, the time before it was patched left out, such as `CPUUtilization <= 80`.",
    ),
    Member::new(
        "timeout",
        "timeout",
        Form::Length { max: DAY },
        "How long it may take until all of it holds; where nothing is said 10 minutes, with a metric 30.",
    ),
];

/// How long a probe may take where nobody says.
const PROBE_TIMEOUT: Duration = Duration::from_secs(600);
/// The same with a metric: the first mean is there after five to ten minutes.
const METRIC_TIMEOUT: Duration = Duration::from_secs(1_800);

/// The members of a set of dependent instances.
pub(crate) const ORDER_GROUP: &[Member] = selection![
    Member::new("name", "name", Form::Text(TextForm::Name), "What people call the group."),
    Member::new(
        "per",
        "per",
        Form::List(TextForm::TagKey),
        "Tag keys whose values cut it into sets of their own."
    ),
    Member::new(
        "mode",
        "mode",
        Form::Text(TextForm::OneOf(&["together", "one-at-a-time", "quorum", "singleton"])),
        "How many members may be out of service at once.",
    ),
    Member::new("leaders", "leaders", Form::Tags, "Tags of the members that go last."),
    Member::new("after", "after", Form::List(TextForm::Name), "Groups that must have ended well before."),
    Member::new(
        "probe",
        "probe",
        Form::Record(PROBE),
        "What must hold on a member before the next one begins: everything that is given."
    ),
];

/// The members of a waiver.
pub(crate) const WAIVER: &[Member] = &[
    Member::new("group", "group", Form::Text(TextForm::Name), "The group it is for."),
    Member::new(
        "until",
        "until",
        Form::Moment,
        "The last day (in UTC) on which it holds, or the moment at which it ends.",
    ),
    Member::new("reason", "reason", Form::Text(TextForm::Name), "Why it was given."),
];

/// Reads a list of waves.
pub(crate) fn waves(
    node: &Node,
    path: &str,
    spelling: Spelling,
    faults: &mut Vec<Fault>,
) -> Vec<WaveSettings> {
    let waves = list(node, path, faults, |item, path, faults| wave(item, path, spelling, faults));
    if let Some(name) = twice(waves.iter().filter_map(|wave| wave.name.as_deref())) {
        faults.push(Fault::new(&code::DUPLICATE_KEY, node, format!("two waves are called `{name}`")));
    }
    waves
}

fn wave(node: &Node, path: String, spelling: Spelling, faults: &mut Vec<Fault>) -> Option<WaveSettings> {
    let mut record = Record::open(node, path, WAVE, spelling, faults)?;
    let mut wave = WaveSettings {
        name: record.text("name"),
        select: selection(&mut record),
        size: record.amount("size"),
        canary: record.bool("canary").unwrap_or(false),
        bake: record.length("bake"),
        min_verified: record.amount("min_verified"),
        approval: record.bool("approval"),
        zone_by_zone: record.text("zone_by_zone").and_then(|word| ZoneByZone::from_word(&word)),
        ..WaveSettings::default()
    };
    if let Some(mut ssm) = record.record("ssm") {
        wave.operation = ssm.text("operation").map(|word| match word.as_str() {
            "Scan" => PatchOperation::Scan,
            _ => PatchOperation::Install,
        });
        wave.reboot = ssm.text("reboot_option").map(|word| match word.as_str() {
            "NoReboot" => Reboot::Skip,
            _ => Reboot::Conditional,
        });
        wave.max_concurrent = ssm.amount("max_concurrency");
        wave.max_errors = ssm.tolerance("max_errors");
    }
    Some(wave)
}

/// Reads who may be in a wave or a group.
fn selection(record: &mut Record<'_, '_>) -> WaveSelection {
    const CHECKED: &str = "its form was checked when it was read";
    let mut selection = WaveSelection {
        accounts: record.accounts("accounts"),
        landing_zones: record.texts("landing_zones"),
        regions: record.texts("regions").into_iter().map(|it| Region::new(it).expect(CHECKED)).collect(),
        availability_zones: record.texts("availability_zones"),
        instance_ids: record
            .texts("instance_ids")
            .into_iter()
            .map(|it| InstanceId::new(it).expect(CHECKED))
            .collect(),
        ..WaveSelection::default()
    };
    if let Some(mut filters) = record.record("filters") {
        selection.tags = filters.read("tags", value::tag_filter).unwrap_or_default();
        selection.platforms = filters.texts("platforms");
    }
    selection
}

/// Reads a list of sets of dependent instances.
pub(crate) fn order_groups(node: &Node, path: &str, faults: &mut Vec<Fault>) -> Vec<OrderGroup> {
    let groups = list(node, path, faults, order_group);
    if let Some(name) = twice(groups.iter().map(|group| group.name.as_str())) {
        faults.push(Fault::new(&code::DUPLICATE_KEY, node, format!("two groups are called `{name}`")));
    }
    for group in &groups {
        for after in &group.after {
            if !groups.iter().any(|other| other.name == *after) {
                let known = groups.iter().map(|group| group.name.as_str());
                let hint = fleetwright_model::nearest(after, known)
                    .map_or(String::new(), |nearest| format!("; did you mean `{nearest}`?"));
                let message = format!("`{}` comes after `{after}`, which is no group{hint}", group.name);
                faults.push(Fault::new(&code::CONFLICTING_KEYS, node, message));
            }
        }
    }
    if let Some(name) = circle(&groups) {
        let message = format!("the group `{name}` comes after itself, by way of others");
        faults.push(Fault::new(&code::CONFLICTING_KEYS, node, message));
    }
    groups
}

/// A group that waits for itself: takes away who waits for nobody, again and again.
fn circle(groups: &[OrderGroup]) -> Option<&str> {
    let mut left: Vec<&OrderGroup> = groups.iter().collect();
    loop {
        let waits = |group: &OrderGroup| {
            group.after.iter().any(|after| left.iter().any(|other| other.name == *after))
        };
        let next: Vec<&OrderGroup> = left.iter().copied().filter(|group| waits(group)).collect();
        if next.len() == left.len() {
            return next.first().map(|group| group.name.as_str());
        }
        left = next;
    }
}

fn order_group(node: &Node, path: String, faults: &mut Vec<Fault>) -> Option<OrderGroup> {
    let mut record = Record::open(node, path, ORDER_GROUP, Spelling::Snake, faults)?;
    let group = OrderGroup {
        name: required(&mut record, node, "name")?,
        select: selection(&mut record),
        per: record.texts("per"),
        mode: record.text("mode").and_then(|word| OrderMode::from_word(&word)).unwrap_or(OrderMode::Together),
        leaders: record.read("leaders", value::tag_filter).unwrap_or_default(),
        after: record.texts("after"),
        probe: probe(&mut record, node),
    };
    if group.select == WaveSelection::default() {
        let message = format!("the group `{}` takes every instance: say which by tags or ids", group.name);
        record.faults().push(Fault::new(&code::MISSING_KEY, node, message));
    }
    Some(group)
}

fn probe(record: &mut Record<'_, '_>, node: &Node) -> Option<ProbeSettings> {
    let path = record.path_of("probe");
    let mut probe = record.record("probe")?;
    let metric = probe.text("metric").and_then(|text| MetricLimit::read(&text));
    let unsaid = if metric.is_some() { METRIC_TIMEOUT } else { PROBE_TIMEOUT };
    let settings = ProbeSettings {
        command: probe.text("command"),
        http: probe.text("http"),
        metric,
        timeout: probe.length("timeout").unwrap_or(unsaid).max(Duration::from_secs(60)),
    };
    let given = ["command", "http", "metric"].iter().any(|name| probe.node(name).is_some());
    if !given {
        let message = format!("`{path}` asks nothing: give it a command, http or metric");
        record.faults().push(Fault::new(&code::MISSING_KEY, node, message));
    }
    Some(settings)
}

/// Reads a list of waivers.
pub(crate) fn waivers(node: &Node, path: &str, faults: &mut Vec<Fault>) -> Vec<Waiver> {
    list(node, path, faults, |item, path, faults| {
        let mut record = Record::open(item, path, WAIVER, Spelling::Snake, faults)?;
        let (group, reason) = (required(&mut record, item, "group"), required(&mut record, item, "reason"));
        if record.node("until").is_none() {
            missing(&mut record, item, "until");
        }
        let until = record.read("until", moment);
        Some(Waiver { group: group?, until: until?, reason: reason? })
    })
}

fn required(record: &mut Record<'_, '_>, node: &Node, name: &str) -> Option<String> {
    if record.node(name).is_none() {
        missing(record, node, name);
        return None;
    }
    record.text(name)
}

fn missing(record: &mut Record<'_, '_>, node: &Node, name: &str) {
    let message = format!("`{}` is missing", record.path_of(name));
    record.faults().push(Fault::new(&code::MISSING_KEY, node, message));
}

/// A day, which ends with its last moment in UTC, or a moment.
fn moment(node: &Node) -> Result<Timestamp, Fault> {
    const EXPECTED: &str = "a day such as 2026-12-31 or a moment such as 2026-12-31T18:00:00Z";
    let Content::Scalar { text, .. } = &node.content else { return Err(Fault::wrong(node, EXPECTED)) };
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let end = |day: Date| day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse::<Date>()
        .ok()
        .and_then(end)
        .map(|end| end.timestamp())
        .ok_or_else(|| Fault::wrong(node, EXPECTED))
}
