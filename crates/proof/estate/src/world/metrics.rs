//! CloudWatch's series and alarms: what instances report by themselves, and what clients put.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::Region;
use super::host::HostView;
use super::host::fault::HostFaultKind;
use super::ids::InstanceId;
use super::instance::{Instance, InstanceState};
use crate::policy::pattern;

/// A metric: its namespace, its name and its dimensions, sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricName {
    /// E.g. `AWS/EC2`.
    pub namespace: String,
    /// E.g. `CPUUtilization`.
    pub name: String,
    /// Names and values, sorted.
    pub dimensions: Vec<(String, String)>,
}

/// What a period's values are made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Their mean.
    Average,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// Their sum.
    Sum,
    /// Their number.
    SampleCount,
    /// A percentile, in tenths: 999 is p99.9.
    Percentile(u16),
}

impl Statistic {
    /// The statistic of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "Average" => Self::Average,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "Sum" => Self::Sum,
            "SampleCount" => Self::SampleCount,
            _ => Self::Percentile(tenths(text.strip_prefix('p')?)?),
        })
    }

    fn of(self, values: &[f64]) -> f64 {
        let sum = || values.iter().sum::<f64>();
        match self {
            Self::Average => sum() / values.len() as f64,
            Self::Minimum => values.iter().copied().fold(f64::INFINITY, f64::min),
            Self::Maximum => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Self::Sum => sum(),
            Self::SampleCount => values.len() as f64,
            Self::Percentile(tenths) => {
                let mut sorted = values.to_vec();
                sorted.sort_by(f64::total_cmp);
                let rank = (values.len() * usize::from(tenths)).div_ceil(1_000);
                sorted[rank.clamp(1, sorted.len()) - 1]
            }
        }
    }
}

/// A percentile in tenths; CloudWatch's finer ones are not played.
fn tenths(text: &str) -> Option<u16> {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let plain = digits(whole) && digits(tenth) && tenth.len() == 1;
    let tenths = plain.then(|| format!("{whole}{tenth}").parse().ok()).flatten()?;
    (tenths <= 1_000).then_some(tenths)
}

/// What clients put, by metric.
#[derive(Debug, Default)]
pub struct Metrics {
    put: BTreeMap<MetricName, Vec<(Timestamp, f64)>>,
}

impl Metrics {
    /// Adds a value.
    pub fn put(&mut self, name: MetricName, at: Timestamp, value: f64) {
        self.put.entry(name).or_default().push((at, value));
    }
}

/// What an alarm looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// The application's health endpoint.
    Health,
    /// The use of the processors: above 90 %.
    Cpu,
}

impl Watched {
    /// The metric it stands for.
    #[must_use]
    pub const fn metric(self) -> &'static str {
        match self {
            Self::Health => "StatusCheckFailed",
            Self::Cpu => "CPUUtilization",
        }
    }
}

/// An alarm; an `[[alarms]]` table of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// Accounts by id; `*` and `?` are wildcards.
    #[serde(default = "any")]
    pub account: String,
    /// Regions by code, with wildcards.
    #[serde(default = "any")]
    pub region: String,
    /// Instances by id or `Name` tag, with wildcards: one in trouble is enough.
    #[serde(default = "any")]
    pub instance: String,
    /// What it looks at.
    pub watches: Watched,
}

fn any() -> String {
    "*".to_owned()
}

/// An alarm's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// All is well.
    Ok,
    /// Something is not.
    Alarm,
    /// No running instance is watched.
    InsufficientData,
}

impl AlarmState {
    /// CloudWatch's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

impl Region {
    /// The points of a series, one for each period that has values, the oldest first; `range` is in
    /// seconds, its end left out.
    #[must_use]
    pub fn metric_points(
        &self,
        metric: &MetricName,
        statistic: Statistic,
        period: i64,
        (start, end): (i64, i64),
    ) -> Vec<(Timestamp, f64)> {
        let period = period.max(1);
        let first = start.div_euclid(period) * period;
        let moment = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        if let Some(it) = self.measured(metric) {
            let point = |second| {
                let at = moment(second);
                (it.launched_at <= at).then(|| (at, self.cpu(it, at)))
            };
            let starts =
                std::iter::successors(Some(first), |at| Some(at + period)).take_while(|at| *at < end);
            return starts.filter_map(point).collect();
        }
        let mut periods: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (at, value) in self.metrics.put.get(metric).into_iter().flatten() {
            if (start..end).contains(&at.as_second()) {
                periods.entry(at.as_second().div_euclid(period) * period).or_default().push(*value);
            }
        }
        periods.into_iter().map(|(at, values)| (moment(at), statistic.of(&values))).collect()
    }

    /// The running instance whose processors a metric is about.
    fn measured(&self, metric: &MetricName) -> Option<&Instance> {
        let [(name, value)] = metric.dimensions.as_slice() else { return None };
        let about = metric.namespace == "AWS/EC2" && metric.name == "CPUUtilization" && name == "InstanceId";
        let it = about.then(|| self.instances.get(InstanceId::parse(value).ok()?)).flatten()?;
        (it.state == InstanceState::Running).then_some(it)
    }

    /// The use of an instance's processors at a moment, in percent.
    fn cpu(&self, it: &Instance, at: Timestamp) -> f64 {
        let view = HostView::new(self, it, at);
        let patched = view.host.patched_at.is_some_and(|patched| patched <= at);
        if patched && view.suffers(HostFaultKind::CpuHighAfterPatch) {
            return 97.0;
        }
        if view.suffers(HostFaultKind::LoadHigh) {
            return 99.0;
        }
        let seed = self.hosts.environment().seed_of(it.id).child("cpu").nth(at.as_second() as usize / 60);
        14.0 + f64::from(seed.stream().random_range(-30..30)) / 10.0
    }

    /// The region's alarms with their states at a moment, in the scenario's order.
    #[must_use]
    pub fn alarm_states(&self, at: Timestamp) -> Vec<(&Alarm, AlarmState)> {
        let alarms = self.hosts.environment().alarms();
        let here = |alarm: &&Alarm| self.hosts.is_within(&alarm.account, &alarm.region);
        alarms.iter().filter(here).map(|alarm| (alarm, self.alarm_state(alarm, at))).collect()
    }

    fn alarm_state(&self, alarm: &Alarm, at: Timestamp) -> AlarmState {
        let watched = |it: &&Instance| {
            it.state == InstanceState::Running
                && (pattern::matches(&alarm.instance, it.tags.get("Name").unwrap_or_default())
                    || pattern::matches(&alarm.instance, &it.id.to_string()))
        };
        let mut state = AlarmState::InsufficientData;
        for it in self.instances.iter().filter(watched) {
            let in_trouble = match alarm.watches {
                Watched::Health => HostView::new(self, it, at).health_status() != Some(200),
                Watched::Cpu => self.cpu(it, at) > 90.0,
            };
            if in_trouble {
                return AlarmState::Alarm;
            }
            state = AlarmState::Ok;
        }
        state
    }
}
