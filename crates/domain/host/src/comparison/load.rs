//! Endpoints under load, before and after.

use crate::comparison::changes::push;
use crate::comparison::{Change, ChangeKind, Weight};
use crate::load::{LoadExpected, LoadFigures, LoadLimits, LoadTarget};
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
        // What is expected in any case needs no figures from before.
        if let Some(now) = figures(after) {
            expected(&target.url, now, &check.limits.expected, changes);
        }
    }
}

fn endpoint(url: &str, then: LoadFigures, now: LoadFigures, limits: &LoadLimits, changes: &mut Vec<Change>) {
    let mut worse = |before: String, after: String| {
        push(changes, Weight::Worse, ChangeKind::Load, url, before, after);
    };
    let allowed = then.failed_permille().saturating_add(limits.error_points.saturating_mul(10));
    if now.failed_permille() > allowed {
        let failed = |it: LoadFigures| format!("{} of {} failed", it.failed, it.all());
        worse(failed(then), failed(now));
    }
    if now.ok > 0 && then.ok > 0 {
        for (name, then, now) in [("p50", then.p50_ms, now.p50_ms), ("p95", then.p95_ms, now.p95_ms)] {
            if slower(then, now, limits.latency_rise_percent) {
                worse(format!("{name} {then} ms"), format!("{name} {now} ms"));
            }
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

/// What must hold whatever was before.
fn expected(url: &str, now: LoadFigures, expected: &LoadExpected, changes: &mut Vec<Change>) {
    let mut worse = |before: String, after: String| {
        push(changes, Weight::Worse, ChangeKind::Load, url, before, after);
    };
    let LoadExpected { p95_ms_max, failed_percent_max, per_second_min } = *expected;
    if let Some(most) = failed_percent_max.filter(|most| now.failed_permille() > most.saturating_mul(10)) {
        worse(format!("at most {most} % may fail"), format!("{} of {} failed", now.failed, now.all()));
    }
    // Without a good answer there is neither latency nor throughput: what failed says it.
    if now.ok == 0 {
        return;
    }
    if let Some(most) = p95_ms_max.filter(|most| now.p95_ms > *most) {
        worse(format!("p95 {most} ms expected"), format!("p95 {} ms", now.p95_ms));
    }
    if let Some(least) = per_second_min.filter(|least| now.per_second_tenths < least.saturating_mul(10)) {
        let tenths = now.per_second_tenths;
        worse(format!("{least}/s expected"), format!("{}.{}/s", tenths / 10, tenths % 10));
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
