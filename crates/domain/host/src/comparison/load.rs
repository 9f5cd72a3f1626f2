//! Endpoints under load, before and after.

use crate::comparison::changes::push;
use crate::comparison::{Change, ChangeKind, Weight};
use crate::load::{LoadFigures, LoadLimits, LoadTarget};
use crate::survey::SurveyReport;

/// Milliseconds by which the 95th percentile must grow at least to count: below that, it is the
/// machine's own jitter.
const LATENCY_FLOOR_MS: u32 = 20;
/// Milliseconds by which the mean time of a good answer must grow at least for a lower throughput to
/// count, for the same reason.
const MEAN_FLOOR_MS: u64 = 10;

/// What is compared of the load test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadCheck {
    /// The endpoints that were to be measured; those that were not are named in the comparison.
    pub targets: Vec<LoadTarget>,
    /// How much worse they may be.
    pub limits: LoadLimits,
}

/// The endpoints that were to be measured.
pub(super) fn under_load(
    before: &SurveyReport,
    after: &SurveyReport,
    check: &LoadCheck,
    changes: &mut Vec<Change>,
) {
    for target in &check.targets {
        let figures = |report: &SurveyReport| report.load.iter().find(|load| load.url == target.url)?.figures;
        match (figures(before), figures(after)) {
            (Some(then), Some(now)) => endpoint(&target.url, then, now, &check.limits, changes),
            (then, now) => {
                let said =
                    |it: Option<LoadFigures>| it.map_or("not measured".to_owned(), |it| it.to_string());
                push(changes, Weight::NotEvaluated, ChangeKind::Load, &target.url, said(then), said(now));
            }
        }
    }
}

fn endpoint(url: &str, then: LoadFigures, now: LoadFigures, limits: &LoadLimits, changes: &mut Vec<Change>) {
    let mut worse = |before: String, after: String| {
        push(changes, Weight::Worse, ChangeKind::Load, url, before, after);
    };
    let allowed = then.failed_permille().saturating_add(limits.error_points.saturating_mul(10));
    if now.failed_permille() > allowed {
        let failed = |it: LoadFigures| format!("{} of {} failed", it.failed, it.ok + it.failed);
        worse(failed(then), failed(now));
    }
    if now.ok > 0 && then.ok > 0 {
        if slower(then.p95_ms, now.p95_ms, limits.latency_rise_percent) {
            worse(format!("p95 {} ms", then.p95_ms), format!("p95 {} ms", now.p95_ms));
        }
        if fewer(then.per_second_tenths, now.per_second_tenths, limits.throughput_drop_percent) {
            let rate = |tenths: u32| format!("{}.{}/s", tenths / 10, tenths % 10);
            worse(rate(then.per_second_tenths), rate(now.per_second_tenths));
        }
    } else if then.ok == 0 {
        // What did not answer well before has no latency to compare with.
        push(changes, Weight::NotEvaluated, ChangeKind::Load, url, then, now);
    }
}

fn slower(then: u32, now: u32, rise_percent: u32) -> bool {
    let most = u64::from(then) * (100 + u64::from(rise_percent));
    u64::from(now) * 100 > most && now.saturating_sub(then) > LATENCY_FLOOR_MS
}

fn fewer(then: u32, now: u32, drop_percent: u32) -> bool {
    // Tenths of good answers per second of waiting: their mean time is the inverse.
    let mean_ms = |tenths: u32| 10_000_u64.checked_div(u64::from(tenths)).unwrap_or(u64::MAX);
    let least = u64::from(then) * u64::from(100_u32.saturating_sub(drop_percent));
    u64::from(now) * 100 < least && mean_ms(now).saturating_sub(mean_ms(then)) > MEAN_FLOOR_MS
}
