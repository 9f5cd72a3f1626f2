//! Rules that go by the clock.
//!
//! Source: EventBridge user guide, "Setting a schedule pattern for scheduled rules (legacy) in Amazon EventBridge".

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::{DEFAULT_BUS, Rule, State, deliver};
use crate::world::Region;
use crate::world::schedule::Schedule;
use crate::world::timeline::{Change, Place};

/// A rule of the default bus is due, unless it was changed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The rule.
    pub rule: String,
    /// Its revision when this was planned.
    pub revision: u64,
}

/// Reads a rule's schedule: `cron(…)` with six fields, or `rate(…)`, whose unit is plural but for one.
#[must_use]
pub fn parse(text: &str) -> Option<Schedule> {
    let schedule = Schedule::parse(text)?;
    let inner = text.split_once('(')?.1.trim_end_matches(')').trim();
    let fits = match &schedule {
        Schedule::Cron(_) => inner.split_whitespace().count() == 6,
        Schedule::Rate(_) => inner.strip_prefix("1 ").is_none_or(|unit| !unit.ends_with('s')),
        Schedule::At(_) => false,
    };
    fits.then_some(schedule)
}

impl Region {
    /// Plans when a rule of the default bus is next due after `after`, where it goes by the clock.
    pub fn plan_firing(&mut self, name: &str, after: Timestamp) {
        let rule = self.events.buses.get(DEFAULT_BUS).and_then(|bus| bus.rules.get(name));
        let Some((rule, (_, schedule))) = rule.and_then(|rule| Some((rule, rule.schedule.as_ref()?))) else {
            return;
        };
        let firing = Firing { rule: name.to_owned(), revision: rule.revision };
        if rule.state != State::Disabled
            && let Some(next) = schedule.next(after, &TimeZone::UTC, rule.made)
        {
            self.schedule(next, Change::Rule(firing));
        }
    }
}

/// Makes the event of a rule that is due, and plans its next one.
pub(in crate::world) fn apply(place: &mut Place<'_>, firing: &Firing, at: Timestamp) {
    let rules = place.region.events.buses.get(DEFAULT_BUS).map(|bus| &bus.rules);
    let known = |rule: &&Rule| rule.revision == firing.revision && rule.state != State::Disabled;
    if rules.and_then(|rules| rules.get(&firing.rule)).filter(known).is_none() {
        return;
    }
    let rule = format!("arn:aws:events:{}:{}:rule/{}", place.code, place.account, firing.rule);
    let number = place.region.events.put.len() as u64;
    let event = json!({
        "version": "0",
        "id": deliver::event_id(place, number, at),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": place.account,
        "time": deliver::to_the_second(at),
        "region": place.code,
        "resources": [rule],
        "detail": {},
    });
    deliver::from_schedule(place, &firing.rule, event, at);
    place.region.plan_firing(&firing.rule, at);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_the_unit_that_fits_and_crons_six_fields() {
        for good in ["rate(1 hour)", "rate(5 minutes)", "rate(2 days)", "cron(0 8 ? * MON-FRI *)"] {
            assert!(parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "rate(5 minute)",
            "rate(1 hours)",
            "rate(0 minutes)",
            "rate(1 week)",
            "cron(0 8 * * * *)",
            "cron(0 0 8 ? * MON *)",
            "at(2026-03-02T08:00:00)",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
