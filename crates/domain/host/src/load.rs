//! The load test: requests one after another against an endpoint of the host, on the host itself, as fast as
//! it answers or at a rate, for a bounded time.
//!
//! One client that waits for each answer is a gentle load: it shows an application that has become
//! slower or fails now and then, not how much it can take. The same test before and after patching is
//! what makes its figures worth comparing; what is expected of an endpoint in any case holds without.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most requests of one endpoint.
pub const REQUESTS_MAX: u32 = 2_000;
/// Seconds after which no further request is made, all endpoints together, where nothing else is asked for.
pub const TEST_SECONDS: u32 = 15;
/// The most seconds that may be asked for: the rest of the survey needs its time too.
pub const TEST_SECONDS_MAX: u32 = 120;
/// The most requests a second that may be asked for.
pub const RATE_MAX: u32 = 1_000;
/// Seconds a single request may take; the test ends at most so long after its time.
pub const REQUEST_SECONDS: u32 = 5;
/// The longest address, in characters: it shares an answer's line with the figures.
pub const URL_MAX: usize = 120;

/// What to ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadTarget {
    /// The address as the host sees it: `http://localhost:8080/search`.
    pub url: String,
    /// How many requests: 1 to [`REQUESTS_MAX`].
    pub requests: u32,
    /// The status that a good answer has, 100 to 599; none takes any from 200 to 399.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl LoadTarget {
    /// Reads `URL` or `STATUS=URL`: `http://localhost:8080/old` or `301=http://localhost:8080/old`.
    pub fn read(address: &str, requests: u32) -> Self {
        let status = address.split_once('=').and_then(|(status, url)| Some((status_of(status)?, url)));
        match status {
            Some((status, url)) => Self { url: url.to_owned(), requests, status: Some(status) },
            None => Self { url: address.to_owned(), requests, status: None },
        }
    }

    /// The address as [`LoadTarget::read`] takes it.
    pub fn address(&self) -> String {
        match self.status {
            Some(status) => format!("{status}={}", self.url),
            None => self.url.clone(),
        }
    }
}

fn status_of(word: &str) -> Option<u16> {
    let three = word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit());
    word.parse().ok().filter(|status| three && (100..=599).contains(status))
}

/// How fast and how long. The same for all endpoints of a survey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadPace {
    /// Requests that may begin in one second, at most [`RATE_MAX`]; 0 begins each when the one before it was
    /// answered.
    pub per_second: u32,
    /// Seconds after which no further request is made, all endpoints together: 1 to [`TEST_SECONDS_MAX`].
    pub seconds: u32,
}

impl Default for LoadPace {
    fn default() -> Self {
        Self { per_second: 0, seconds: TEST_SECONDS }
    }
}

/// What came of it at one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// The address as it was asked for.
    pub url: String,
    /// The figures; `None` where the host could not measure.
    pub figures: Option<LoadFigures>,
}

/// The figures of one endpoint. Latencies are those of good answers (200 to 399).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadFigures {
    /// Good answers.
    pub ok: u32,
    /// Other answers, and requests without one.
    pub failed: u32,
    /// The median latency in milliseconds, rounded; 0 without good answers.
    pub p50_ms: u32,
    /// The 95th percentile in milliseconds, nearest rank, rounded; 0 without good answers.
    pub p95_ms: u32,
    /// Good answers per second spent waiting for them, in tenths; 0 without good answers.
    pub per_second_tenths: u32,
}

impl LoadFigures {
    /// Requests that were made.
    pub fn all(&self) -> u32 {
        self.ok.saturating_add(self.failed)
    }

    /// Requests that failed, in thousandths of all.
    pub fn failed_permille(&self) -> u32 {
        let all = u64::from(self.ok) + u64::from(self.failed);
        let permille = (u64::from(self.failed) * 1_000).checked_div(all).unwrap_or(0);
        u32::try_from(permille).unwrap_or(1_000)
    }

    /// Reads `OK FAILED P50 P95 RATE`; `None` where it makes no sense.
    pub(crate) fn read(words: [&str; 5]) -> Option<Self> {
        let [ok, failed, p50, p95, rate] = words;
        let read = Self {
            ok: ok.parse().ok()?,
            failed: failed.parse().ok()?,
            p50_ms: p50.parse().ok()?,
            p95_ms: p95.parse().ok()?,
            per_second_tenths: rate.parse().ok()?,
        };
        let asked = read.ok.checked_add(read.failed)?;
        // A clock that is set meanwhile may spoil a figure, and then all of them.
        let longest = (REQUEST_SECONDS + 1) * 1_000;
        let possible = asked <= REQUESTS_MAX && read.p50_ms <= read.p95_ms && read.p95_ms <= longest;
        possible.then_some(read)
    }
}

impl fmt::Display for LoadFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ok, failed, p50_ms, p95_ms, per_second_tenths } = self;
        write!(f, "{ok} good, {failed} failed, p50 {p50_ms} ms, p95 {p95_ms} ms, ")?;
        write!(f, "{}.{}/s", per_second_tenths / 10, per_second_tenths % 10)
    }
}

/// How much worse an endpoint may be than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadLimits {
    /// Percent by which the median and the 95th percentile may grow.
    pub latency_rise_percent: u32,
    /// Percentage points by which the share of failed requests may grow.
    pub error_points: u32,
    /// Percent by which the throughput may fall.
    pub throughput_drop_percent: u32,
    /// What must hold whatever was before.
    #[serde(default, skip_serializing_if = "LoadExpected::is_nothing")]
    pub expected: LoadExpected,
}

impl Default for LoadLimits {
    fn default() -> Self {
        let expected = LoadExpected::default();
        Self { latency_rise_percent: 50, error_points: 1, throughput_drop_percent: 30, expected }
    }
}

/// What is expected of an endpoint under load, whatever it did before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadExpected {
    /// The 95th percentile of the latency at most, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ms_max: Option<u32>,
    /// The share of failed requests at most, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_percent_max: Option<u32>,
    /// Good answers per second of waiting at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second_min: Option<u32>,
}

impl LoadExpected {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}
