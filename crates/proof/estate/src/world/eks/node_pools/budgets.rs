//! Disruption budgets of node pools: how many nodes may be replaced now.
//!
//! Rules: karpenter.sh, "Disruption", "NodePool disruption budgets". Schedules are those of cron, in UTC.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Why nodes are replaced for whom this is.
const DRIFTED: &str = "Drifted";
/// What is let go where nothing is said.
const USUAL: &str = "10%";

/// How many nodes of so many may be gone for drift at once.
#[must_use]
pub fn allowed(pool: &Value, nodes: usize, now: Timestamp) -> usize {
    let Some(budgets) = pool["spec"]["disruption"]["budgets"].as_array() else {
        return scaled(USUAL, nodes).unwrap_or(0);
    };
    let holds = |budget: &&Value| {
        let about = budget["reasons"].as_array();
        about.is_none_or(|reasons| reasons.is_empty() || reasons.iter().any(|it| it == DRIFTED))
            && is_active(budget, now)
    };
    // A budget that cannot be read lets nobody go, as the controller has it.
    let each = budgets.iter().filter(holds);
    each.map(|it| it["nodes"].as_str().and_then(|text| scaled(text, nodes)).unwrap_or(0))
        .min()
        .unwrap_or(nodes)
}

/// A number of nodes, or a share of so many, rounded up.
fn scaled(text: &str, nodes: usize) -> Option<usize> {
    match text.strip_suffix('%') {
        Some(percent) => Some((nodes * percent.parse::<usize>().ok()?).div_ceil(100)),
        None => text.parse().ok(),
    }
}

/// Whether a budget holds now: always where it has no schedule, else for a while after each time of the schedule.
fn is_active(budget: &Value, now: Timestamp) -> bool {
    let Some(schedule) = budget["schedule"].as_str() else { return true };
    let lasts = budget["duration"].as_str().and_then(duration).unwrap_or(SignedDuration::ZERO);
    let Some(cron) = Cron::read(schedule) else { return true };
    let minutes = lasts.as_mins().clamp(0, 7 * 24 * 60);
    (0..minutes.max(1)).any(|ago| {
        let at = now.checked_sub(SignedDuration::from_mins(ago)).unwrap_or(now);
        cron.fires_at(at.to_zoned(TimeZone::UTC).datetime())
    })
}

/// A length of time as Go writes it, such as `1h30m`.
#[must_use]
pub fn duration(text: &str) -> Option<SignedDuration> {
    let (mut seconds, mut number) = (0_i64, String::new());
    for letter in text.chars() {
        let unit = match letter {
            '0'..='9' => {
                number.push(letter);
                continue;
            }
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds += number.parse::<i64>().ok()? * unit;
        number.clear();
    }
    number.is_empty().then(|| SignedDuration::from_secs(seconds))
}

/// Minutes, hours, days of the month, months, days of the week, as bits.
struct Cron([u64; 5]);

/// The first and the last of each field.
const FIELDS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];

impl Cron {
    fn read(text: &str) -> Option<Self> {
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let mut bits = [0; 5];
        if fields.len() != bits.len() {
            return None;
        }
        for ((field, range), bits) in fields.iter().zip(FIELDS).zip(&mut bits) {
            *bits = of_field(field, range)?;
        }
        Some(Self(bits))
    }

    fn fires_at(&self, at: DateTime) -> bool {
        let [minutes, hours, days, months, week] = self.0;
        let has = |bits: u64, value: i8| bits >> value & 1 == 1;
        let weekday = at.weekday().to_sunday_zero_offset();
        let day = has(days, at.day());
        let of_week = has(week, weekday) || (weekday == 0 && has(week, 7));
        // Where both kinds of days are limited, either will do.
        let limited = |bits: u64, (first, last): (u32, u32)| bits != every((first, last), 1);
        let on_day = match (limited(days, FIELDS[2]), limited(week, FIELDS[4])) {
            (true, true) => day || of_week,
            _ => day && of_week,
        };
        has(minutes, at.minute()) && has(hours, at.hour()) && has(months, at.month()) && on_day
    }
}

fn every((first, last): (u32, u32), step: u32) -> u64 {
    (first..=last).step_by(step.max(1) as usize).fold(0, |bits, value| bits | 1 << value)
}

fn of_field(text: &str, range: (u32, u32)) -> Option<u64> {
    text.split(',').try_fold(0, |bits, part| {
        let (span, step) = part.split_once('/').map_or((part, None), |(span, step)| (span, Some(step)));
        let number = |text: &str| {
            let value = text.parse().ok().or_else(|| named(text))?;
            (range.0..=range.1).contains(&value).then_some(value)
        };
        let span = match span {
            "*" | "?" => range,
            span => match span.split_once('-') {
                Some((first, last)) => (number(first)?, number(last)?),
                None if step.is_some() => (number(span)?, range.1),
                None => (number(span)?, number(span)?),
            },
        };
        Some(bits | every(span, step.map_or(Some(1), |it| it.parse().ok())?))
    })
}

/// The number of a day of the week or of a month by its name.
fn named(text: &str) -> Option<u32> {
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let text = text.to_lowercase();
    let day = DAYS.iter().position(|it| *it == text);
    let month = MONTHS.iter().position(|it| *it == text).map(|it| it + 1);
    day.or(month).and_then(|it| u32::try_from(it).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn allowed_at(budgets: Value, nodes: usize, at: &str) -> usize {
        let pool = json!({ "spec": { "disruption": { "budgets": budgets } } });
        allowed(&pool, nodes, at.parse().expect("a moment"))
    }

    #[test]
    fn the_tightest_budget_for_drift_holds_and_shares_are_rounded_up() {
        let monday = "2026-11-09T10:00:00Z";
        let cases = [
            (Value::Null, 25, 3),
            (json!([]), 25, 25),
            (json!([{ "nodes": "0" }]), 25, 0),
            (json!([{ "nodes": "20%" }, { "nodes": "3" }]), 25, 3),
            (json!([{ "nodes": "0", "reasons": ["Empty"] }, { "nodes": "5" }]), 25, 5),
            (json!([{ "nodes": "0", "reasons": ["Drifted"] }, { "nodes": "5" }]), 25, 0),
            (json!([{ "nodes": "many" }]), 25, 0),
        ];
        for (budgets, nodes, expected) in cases {
            assert_eq!(allowed_at(budgets.clone(), nodes, monday), expected, "{budgets}");
        }
    }

    #[test]
    fn a_budget_with_a_schedule_holds_for_its_duration() {
        let budgets = json!([{ "nodes": "0", "schedule": "0 9 * * mon-fri", "duration": "8h" }]);
        let at = |moment: &str| allowed_at(budgets.clone(), 4, moment);
        assert_eq!(at("2026-11-09T08:59:00Z"), 4, "before it");
        assert_eq!(at("2026-11-09T09:00:00Z"), 0, "a Monday");
        assert_eq!(at("2026-11-09T16:59:59Z"), 0);
        assert_eq!(at("2026-11-09T17:00:00Z"), 4, "after it");
        assert_eq!(at("2026-11-08T10:00:00Z"), 4, "a Sunday");
        let daily = json!([{ "nodes": "1", "schedule": "@daily", "duration": "10m" }]);
        assert_eq!(allowed_at(daily, 4, "2026-11-09T00:05:00Z"), 1);
    }

    #[test]
    fn lengths_of_time_are_read_as_go_writes_them() {
        assert_eq!(duration("1h30m"), Some(SignedDuration::from_mins(90)));
        assert_eq!(duration("45s"), Some(SignedDuration::from_secs(45)));
        for wrong in ["90", "1d", "h"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
