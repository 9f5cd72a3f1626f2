//! From settings to how a plan goes through the fleet: waves, gates, budgets, order, windows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fleetwright_config::Settings;
use fleetwright_config::settings as configured;
use fleetwright_flow as flow;
use fleetwright_model::{CalendarState, Text, ZoneName, code};
use fleetwright_patch::plan::durations::Measure;
use fleetwright_patch::plan::policy::{Operation, RebootStrategy};
use fleetwright_patch::plan::roll_out::{
    Budgets, GateChecks, Issues, MetricLimit, OrderMode, OrderRequest, Probe, RollOut, Select, Side,
    Tolerance, Waiver, WaveRequest, ZoneByZone,
};
use fleetwright_patch::plan::{Amount, PlannedCalendars, Windows};
use fleetwright_patch::{InvalidPattern, Inventory, Patterns};
use fleetwright_window::{Calendar, Span, Unresolved, always_open};
use jiff::{SignedDuration, Timestamp};

use crate::failure::CommandError;
use crate::files;

/// How far ahead openings of windows are written into a plan.
const HORIZON: SignedDuration = SignedDuration::from_hours(24 * 35);

/// The window of hosts that have none, where there are freezes.
const OUTSIDE_FREEZES: &str = "outside freezes";

/// What the settings ask for.
///
/// # Errors
/// A pattern on a tag cannot be understood.
pub fn roll_out(settings: &Settings) -> Result<RollOut, CommandError> {
    let safety = &settings.safety;
    Ok(RollOut {
        waves: safety.waves.iter().map(wave).collect::<Result<_, _>>()?,
        canary: safety.canary,
        bake_seconds: seconds(safety.bake),
        zone_by_zone: zone_by_zone(safety.zone_by_zone),
        zones_at_once: safety.zones_at_once,
        issues: match safety.abort_on_issues {
            configured::AbortOnIssues::Never => Issues::Ignore,
            configured::AbortOnIssues::Gate => Issues::Gate,
            configured::AbortOnIssues::Any => Issues::Any,
        },
        ramp: safety.ramp,
        budgets: budgets(safety.budgets),
        gate: GateChecks {
            alarms: texts(&safety.gate.alarms),
            target_groups: safety.gate.target_groups,
            compliance: safety.gate.compliance,
            differences: safety.gate.differences,
            patch_list_bucket: safety.gate.patch_list_bucket.as_deref().map(Into::into),
        },
        approval: approval(&safety.approvals),
        ordering: settings.ordering.groups.iter().map(order).collect::<Result<_, _>>()?,
        waivers: settings.ordering.waivers.iter().map(waiver).collect(),
        calendars: calendars(settings),
    })
}

/// The change calendars that plans ask; none where the settings name none.
pub fn calendars(settings: &Settings) -> Option<PlannedCalendars> {
    let safety = &settings.safety;
    (!safety.change_calendars.is_empty()).then(|| PlannedCalendars {
        names: texts(&safety.change_calendars),
        unknown: match safety.change_calendar_unknown {
            configured::UnknownCalendar::Closed => CalendarState::Closed,
            configured::UnknownCalendar::Open => CalendarState::Open,
        },
        heard: Vec::new(),
    })
}

/// The windows and freezes of the settings, with the events of the calendars that freezes name.
fn calendar(settings: &Settings) -> Result<Calendar, CommandError> {
    let mut calendar = Calendar { windows: settings.windows.clone(), freezes: Vec::new() };
    for configured in settings.freezes.values() {
        let mut freeze = configured.freeze.clone();
        for path in &configured.calendars {
            let text = files::read_text(path.as_ref())?;
            freeze = freeze.with_icalendar(&text, &configured.time_zone).map_err(|faults| {
                let mut told = faults.iter().map(|fault| format!("{path}: {fault}"));
                let first = told.next().unwrap_or_else(|| path.clone());
                CommandError { details: told.collect(), ..CommandError::new(&code::INVALID_CALENDAR, first) }
            })?;
        }
        calendar.freezes.push(freeze);
    }
    Ok(calendar)
}

/// The first freeze of the settings that has something in common with a range, in words.
///
/// # Errors
/// A calendar of freezes cannot be read or understood.
pub fn freeze(settings: &Settings, range: Span) -> Result<Option<String>, CommandError> {
    let calendar = calendar(settings)?;
    let closed = calendar.freezes.iter().flat_map(|freeze| {
        freeze
            .closed(range)
            .into_iter()
            .map(|closed| (closed.span.from(), freeze.name().to_owned(), closed.what))
    });
    let first = closed.min();
    Ok(first.map(|(_, name, what)| if what.is_empty() { name } else { format!("{name}: {what}") }))
}

/// The openings of every window that hosts of the inventory name, freezes cut out. A tag that leads to
/// no window is left out here, and its hosts by the planner.
///
/// # Errors
/// A calendar of freezes cannot be read or understood.
pub fn windows(settings: &Settings, inventory: &Inventory, now: Timestamp) -> Result<Windows, CommandError> {
    let calendar = calendar(settings)?;
    let default: Option<Text> = settings.safety.window.as_deref().map(Into::into);
    let tags = inventory.hosts.iter().filter_map(|host| host.labels.maintenance_window.as_ref());
    let asked: BTreeSet<&Text> = tags.chain(&default).collect();
    let mut windows = Windows {
        default: default.clone(),
        reserve: match settings.safety.window_reserve {
            configured::WindowReserve::Usual => Measure::Usual,
            configured::WindowReserve::TimeOuts => Measure::TimeOuts,
        },
        lead_seconds: seconds(settings.phases.backup.lead),
        ..Windows::default()
    };
    let until = now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
    let Some(range) = Span::new(now, until) else { return Ok(windows) };
    if default.is_none() && !calendar.freezes.is_empty() {
        // Freezes hold for everybody, those without a window included.
        let open = always_open(&calendar.freezes, range).open.iter().map(to_flow).collect();
        windows.spans.insert(OUTSIDE_FREEZES.into(), open);
        windows.default = Some(OUTSIDE_FREEZES.into());
    }
    for tag in asked {
        let Ok((spans, cutoff)) = openings(&calendar, tag, range) else { continue };
        windows.spans.insert(tag.clone(), spans);
        if cutoff > 0 {
            windows.cutoffs.insert(tag.clone(), cutoff);
        }
    }
    Ok(windows)
}

/// The window of that name, or of the settings' default, freezes cut out; none where neither there is one nor freezes.
///
/// # Errors
/// No window has the name, what it describes cannot be understood, or a calendar of freezes cannot be read or understood.
pub fn window(
    settings: &Settings,
    name: Option<&str>,
    now: Timestamp,
) -> Result<Option<flow::Window>, CommandError> {
    let calendar = calendar(settings)?;
    let until = now.checked_add(HORIZON).unwrap_or(Timestamp::MAX);
    let Some(range) = Span::new(now, until) else { return Ok(None) };
    let Some(name) = name.or(settings.safety.window.as_deref()) else {
        let outside = || {
            let open = always_open(&calendar.freezes, range).open.iter().map(to_flow).collect();
            flow::Window::new(OUTSIDE_FREEZES, open)
        };
        return Ok((!calendar.freezes.is_empty()).then(outside));
    };
    let (open, cutoff_seconds) = openings(&calendar, name, range).map_err(|why| {
        let known: Vec<&str> = calendar.windows.keys().map(String::as_str).collect();
        let known = match (&why, known.is_empty()) {
            (Unresolved::Faulty(_), _) => String::new(),
            (Unresolved::Unknown(_), true) => ": the configuration describes none".to_owned(),
            (Unresolved::Unknown(_), false) => format!(": the configuration describes {}", known.join(", ")),
        };
        CommandError::new(&code::USAGE, format!("window {name:?} cannot be used: {why}{known}"))
    })?;
    Ok(Some(flow::Window { cutoff_seconds, ..flow::Window::new(name, open) }))
}

fn to_flow(span: &Span) -> flow::Span {
    flow::Span { from: span.from(), until: span.until() }
}

/// The openings of a window, and its cutoff in seconds.
///
/// # Errors
/// Nothing is called or described so.
fn openings(calendar: &Calendar, name: &str, range: Span) -> Result<(Vec<flow::Span>, u32), Unresolved> {
    let opening = calendar.opening(name, range)?;
    // The longest cutoff of any opening holds for all of them: the safe reading of several.
    let cutoffs = opening.open.iter().map(|open| {
        let starts = opening.starts.iter().filter(|start| open.contains(start.from()));
        let last = starts.map(|start| start.until()).max().unwrap_or(open.from());
        open.until().as_second() - last.as_second()
    });
    let cutoff = cutoffs.max().and_then(|cutoff| u32::try_from(cutoff).ok()).unwrap_or(0);
    Ok((opening.open.iter().map(to_flow).collect(), cutoff))
}

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

fn texts(texts: &[String]) -> Vec<Text> {
    texts.iter().map(|text| text.as_str().into()).collect()
}

fn amount(amount: configured::Amount) -> Amount {
    match amount {
        configured::Amount::Count(count) => Amount::Count(count),
        configured::Amount::Percent(percent) => Amount::Percent(percent),
    }
}

fn zone_by_zone(zones: configured::ZoneByZone) -> ZoneByZone {
    match zones {
        configured::ZoneByZone::None => ZoneByZone::Off,
        configured::ZoneByZone::LandingZone => ZoneByZone::LandingZone,
        configured::ZoneByZone::Region => ZoneByZone::Region,
        configured::ZoneByZone::AvailabilityZone => ZoneByZone::AvailabilityZone,
    }
}

fn budgets(budgets: configured::BudgetSettings) -> Budgets {
    Budgets {
        zone: budgets.zone.map(amount),
        application: budgets.application.map(amount),
        availability_zone: budgets.availability_zone.map(amount),
        auto_scaling_group: budgets.auto_scaling_group.map(amount),
        target_group: budgets.target_group.map(amount),
    }
}

/// Who decides at gates; none where any one person may, whenever.
pub fn approval(approvals: &configured::ApprovalSettings) -> Option<flow::ApprovalRule> {
    let anybody = approvals.needed <= 1 && approvals.approvers.is_empty() && approvals.expires.is_none();
    (!anybody).then(|| flow::ApprovalRule {
        needed: u16::try_from(approvals.needed).unwrap_or(u16::MAX),
        approvers: texts(&approvals.approvers),
        expires_seconds: approvals.expires.map(seconds),
        on_expiry: match approvals.on_expiry {
            configured::Expiry::Reject => flow::OnExpiry::Reject,
            configured::Expiry::Skip => flow::OnExpiry::Skip,
        },
    })
}

fn wave(wave: &configured::WaveSettings) -> Result<WaveRequest, CommandError> {
    Ok(WaveRequest {
        name: wave.name.as_deref().map(Into::into),
        select: select(&wave.select)?,
        size: wave.size.map(amount),
        canary: wave.canary,
        operation: wave.operation.map(|operation| match operation {
            configured::PatchOperation::Install => Operation::Install,
            configured::PatchOperation::Scan => Operation::Scan,
        }),
        reboot: wave.reboot.map(|reboot| match reboot {
            configured::Reboot::Conditional => RebootStrategy::Conditional,
            configured::Reboot::Force => RebootStrategy::Force,
            configured::Reboot::Skip => RebootStrategy::Skip,
        }),
        max_concurrent: wave.max_concurrent.map(amount),
        max_failures: wave.max_errors.map(|most| match most {
            configured::Tolerance::Count(count) => Tolerance::Count(count),
            configured::Tolerance::Percent(percent) => Tolerance::Percent(percent),
        }),
        bake_seconds: wave.bake.map(seconds),
        min_verified: wave.min_verified.map(amount),
        approval: wave.approval,
        zone_by_zone: wave.zone_by_zone.map(zone_by_zone),
    })
}

fn select(select: &configured::WaveSelection) -> Result<Select, CommandError> {
    let zone = |name: &String| ZoneName::new(name.as_str()).expect("its form was checked when it was read");
    Ok(Select {
        accounts: select.accounts.clone(),
        zones: select.landing_zones.iter().map(zone).collect(),
        regions: select.regions.clone(),
        availability_zones: texts(&select.availability_zones),
        tags: tags(&select.tags)?,
        platforms: select.platforms.clone(),
        ids: select.instance_ids.iter().cloned().collect(),
    })
}

fn tags(tags: &BTreeMap<String, Vec<String>>) -> Result<Vec<(String, Patterns)>, CommandError> {
    let invalid = |error: InvalidPattern| CommandError::new(&code::INVALID_PATTERN, error.to_string());
    Select::tags(tags).map_err(invalid)
}

fn order(group: &configured::OrderGroup) -> Result<OrderRequest, CommandError> {
    Ok(OrderRequest {
        name: group.name.as_str().into(),
        select: select(&group.select)?,
        per: group.per.clone(),
        mode: match group.mode {
            configured::OrderMode::Together => OrderMode::Together,
            configured::OrderMode::OneAtATime => OrderMode::OneAtATime,
            configured::OrderMode::Quorum => OrderMode::Quorum,
            configured::OrderMode::Singleton => OrderMode::Singleton,
        },
        leaders: tags(&group.leaders)?,
        after: texts(&group.after),
        probe: group.probe.as_ref().map(probe),
    })
}

fn probe(probe: &configured::ProbeSettings) -> Probe {
    Probe {
        command: probe.command.as_deref().map(Into::into),
        http: probe.http.as_deref().map(Into::into),
        metric: probe.metric.as_ref().map(|metric| MetricLimit {
            name: metric.name.as_str().into(),
            side: match metric.side {
                configured::MetricSide::AtMost => Side::AtMost,
                configured::MetricSide::AtLeast => Side::AtLeast,
            },
            number: metric.number,
        }),
        seconds: seconds(probe.timeout),
    }
}

fn waiver(waiver: &configured::Waiver) -> Waiver {
    Waiver { group: waiver.group.as_str().into(), until: waiver.until, reason: waiver.reason.as_str().into() }
}
