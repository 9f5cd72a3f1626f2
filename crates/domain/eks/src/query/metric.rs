//! A metric of CloudWatch as a number: `AWS/ApplicationELB:HTTPCode_Target_5XX_Count{LoadBalancer=app/shop/1} Sum or 0`.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What a metric with its rule may look like.
pub const EXAMPLE: &str = "errors=AWS/ApplicationELB:HTTPCode_Target_5XX_Count{LoadBalancer=app/shop/50dc6c495c0c9188} \
                           Sum or 0 <= before +10%";

/// The time that a value is of: one period, at a multiple of its length, so that CloudWatch answers with one value.
/// Source: CloudWatch API reference, GetMetricData, StartTime: times that align with the period.
pub const METRIC_WINDOW: SignedDuration = SignedDuration::from_mins(5);
/// What is measured is there that much later, as a rule: load balancers report each minute.
pub const METRIC_DELAY: SignedDuration = SignedDuration::from_mins(2);

/// Characters of namespaces, of names of metrics and of dimensions, and of values of dimensions, at most.
/// Source: CloudWatch API reference, Metric and Dimension.
const LONGEST: (usize, usize) = (255, 1_024);
/// Dimensions of a metric at most. Source: CloudWatch API reference, Metric.
const MOST_DIMENSIONS: usize = 30;

/// A metric and what is made of its values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its namespace, such as `AWS/ApplicationELB`.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its dimensions: all of them, because another set of dimensions is another metric.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<String, String>,
    /// What is made of its values.
    pub statistic: Statistic,
    /// What no values mean.
    #[serde(default)]
    pub absent: Absent,
}

/// What no values mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absent {
    /// That nobody knows.
    #[default]
    Unknown,
    /// That there was nothing to count: load balancers report errors only where there are any.
    Zero,
}

/// What is made of the values of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Statistic {
    /// Their mean.
    Average,
    /// Their sum.
    Sum,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// How many there are.
    SampleCount,
    /// A percentile, in tenths: 999 is p99.9. Above 0 and below 1,000.
    Percentile(u16),
}

/// The last window that is over and whose values are there: its begin, and its end, which is left out.
pub fn window(now: Timestamp) -> (Timestamp, Timestamp) {
    let width = METRIC_WINDOW.as_secs();
    let end = (now.as_second() - METRIC_DELAY.as_secs()).div_euclid(width) * width;
    (second(end - width), second(end))
}

/// When the first window can be read that begins at a moment or later: what is read from then on is of what came after it.
pub fn settled(since: Timestamp) -> Timestamp {
    let width = METRIC_WINDOW.as_secs();
    let whole = since.as_second() + i64::from(since.subsec_nanosecond() > 0);
    let begin = (whole + width - 1).div_euclid(width) * width;
    second(begin + width + METRIC_DELAY.as_secs())
}

/// Times of runs are far from the ends of what can be told.
fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

impl Metric {
    /// Reads `NAMESPACE:METRIC{DIMENSION=VALUE,…} STATISTIC [or 0]`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (text, absent) =
            match text.strip_suffix('0').map(str::trim_end).and_then(|it| it.strip_suffix(" or")) {
                Some(text) => (text.trim_end(), Absent::Zero),
                None => (text, Absent::Unknown),
            };
        let (metric, statistic) = text.rsplit_once(char::is_whitespace).ok_or_else(|| {
            format!("behind the metric comes a statistic: {STATISTICS}; found {:?}", shown(text))
        })?;
        let statistic = Statistic::read(statistic)?;
        let (metric, dimensions) = match metric.trim_end().split_once('{') {
            None => (metric, BTreeMap::new()),
            Some((metric, rest)) => {
                let list = rest.strip_suffix('}');
                let list = list.ok_or("the dimensions end with '}', and the statistic comes behind it")?;
                (metric, dimensions(list)?)
            }
        };
        let (namespace, name) = metric
            .trim()
            .split_once(':')
            .ok_or_else(|| format!("{:?} is not NAMESPACE:METRIC", shown(metric.trim())))?;
        let namespace = word("the namespace", namespace, LONGEST.0)?;
        let name = word("the name of the metric", name, LONGEST.0)?;
        Ok(Self { namespace, name, dimensions, statistic, absent })
    }

    /// The number that what CloudWatch has stands for; none where nobody knows.
    pub fn number(&self, value: Option<f64>) -> Option<f64> {
        match self.absent {
            Absent::Unknown => value,
            Absent::Zero => Some(value.unwrap_or(0.0)),
        }
    }
}

fn dimensions(list: &str) -> Result<BTreeMap<String, String>, String> {
    let mut dimensions = BTreeMap::new();
    for (index, pair) in list.split(',').enumerate() {
        let number = index + 1;
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("dimension {number} is {:?}, not DIMENSION=VALUE", shown(pair)))?;
        let name = word(&format!("the name of dimension {number}"), name, LONGEST.0)?;
        let value = word(&format!("the value of dimension {number}"), value, LONGEST.1)?;
        if dimensions.insert(name.clone(), value).is_some() {
            return Err(format!("dimension {name} is there twice"));
        }
    }
    match dimensions.len() {
        ..=MOST_DIMENSIONS => Ok(dimensions),
        several => Err(format!("{several} dimensions, and a metric has {MOST_DIMENSIONS} at most")),
    }
}

/// A name or a value: printable ASCII without braces.
fn word(what: &str, text: &str, longest: usize) -> Result<String, String> {
    let text = text.trim();
    let plain = |c: char| (c.is_ascii_graphic() || c == ' ') && !matches!(c, '{' | '}');
    match text.is_empty() || text.len() > longest || text.starts_with(':') || !text.chars().all(plain) {
        true => Err(format!(
            "{what} has 1 to {longest} printable ASCII characters, no braces and no ':' at first; found {:?}",
            shown(text)
        )),
        false => Ok(text.to_owned()),
    }
}

/// As much of a text as an error shows.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

const STATISTICS: &str = "Average, Sum, Minimum, Maximum, SampleCount, or a percentile such as p99 or p99.9";

impl Statistic {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("{:?} is no statistic: {STATISTICS}", shown(text));
        Ok(match text {
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            "SampleCount" => Self::SampleCount,
            _ => {
                let digits = text.strip_prefix('p').ok_or_else(wrong)?;
                let (whole, tenth) = digits.split_once('.').unwrap_or((digits, "0"));
                let is = |text: &str, longest| {
                    (1..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
                };
                if !is(whole, 2) || !is(tenth, 1) {
                    return Err(wrong());
                }
                match format!("{whole}{tenth}").parse::<u16>() {
                    Ok(tenths @ 1..) => Self::Percentile(tenths),
                    _ => return Err(wrong()),
                }
            }
        })
    }
}

impl TryFrom<String> for Statistic {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::read(&text)
    }
}

impl From<Statistic> for String {
    fn from(statistic: Statistic) -> Self {
        statistic.to_string()
    }
}

impl fmt::Display for Statistic {
    /// As CloudWatch calls it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(tenths) if tenths % 10 == 0 => write!(f, "p{}", tenths / 10),
            Self::Percentile(tenths) => write!(f, "p{}.{}", tenths / 10, tenths % 10),
            // The names of the others are those of CloudWatch.
            named => fmt::Debug::fmt(named, f),
        }
    }
}

impl fmt::Display for Metric {
    /// As it is written on a command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace, self.name)?;
        for (index, (name, value)) in self.dimensions.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { '{' } else { ',' })?;
        }
        let closed = if self.dimensions.is_empty() { "" } else { "}" };
        let absent = if self.absent == Absent::Zero { " or 0" } else { "" };
        write!(f, "{closed} {}{absent}", self.statistic)
    }
}

#[cfg(test)]
mod tests;
