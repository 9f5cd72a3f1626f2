//! What change calendars say: asked when a plan is made, and again while it is carried out.

use std::sync::Arc;

use async_trait::async_trait;
use fleetwright_flow::Place;
use fleetwright_model::{CalendarAnswer, CalendarState, Cell, ErrorClass, Failure, Text, Zone, code};
use fleetwright_patch::plan::{CalendarQuestion, CalendarsHeard, CalendarsSaid, PlannedCalendars};
use fleetwright_ports::{Announced, ChangeCalendars, Freezes, Standstill};
use futures::future::join_all;

/// What the calendars of a plan say now, for a run in these places.
pub async fn calendars(
    port: &dyn ChangeCalendars,
    zones: &[Zone],
    planned: &PlannedCalendars,
    places: &[Place],
) -> Vec<CalendarsHeard> {
    ask(port, zones, planned.questions(places)).await
}

async fn ask(
    port: &dyn ChangeCalendars,
    zones: &[Zone],
    questions: Vec<CalendarQuestion>,
) -> Vec<CalendarsHeard> {
    let heard = questions.into_iter().map(|of| async move {
        let said = match answer(port, zones, &of).await {
            Ok(answer) => CalendarsSaid::Answer(answer),
            Err(failure) => {
                CalendarsSaid::Unknown { code: failure.code.id.into(), message: failure.to_string().into() }
            }
        };
        CalendarsHeard { of, said }
    });
    join_all(heard).await
}

async fn answer(
    port: &dyn ChangeCalendars,
    zones: &[Zone],
    of: &CalendarQuestion,
) -> Result<CalendarAnswer, Failure> {
    let Some(zone) = zones.iter().find(|zone| zone.name == of.zone) else {
        let words = format!("{} is not among the landing zones", of.zone);
        return Err(Failure::new(
            ErrorClass::Permanent,
            &code::PLAN_ELSEWHERE,
            "ssm:GetCalendarState",
            &words,
        ));
    };
    port.state(&Cell { zone, region: of.region.clone() }, &of.names).await
}

/// Asks the calendars of a plan while it is carried out.
pub struct CalendarWatch {
    port: Arc<dyn ChangeCalendars>,
    zones: Vec<Zone>,
    unknown: CalendarState,
    questions: Vec<CalendarQuestion>,
}

impl CalendarWatch {
    /// Asks for a run in these places.
    pub fn new(
        port: Arc<dyn ChangeCalendars>,
        zones: &[Zone],
        planned: &PlannedCalendars,
        places: &[Place],
    ) -> Self {
        let questions = planned.questions(places);
        Self { port, zones: zones.to_vec(), unknown: planned.unknown, questions }
    }
}

#[async_trait]
impl Freezes for CalendarWatch {
    async fn standstill(&self) -> Standstill {
        let heard = ask(self.port.as_ref(), &self.zones, self.questions.clone()).await;
        for it in heard.iter().filter(|it| matches!(it.said, CalendarsSaid::Unknown { .. })) {
            tracing::warn!(code = code::CALENDAR_UNKNOWN.id, "{}", in_words(it));
        }
        standstill(&heard, self.unknown)
    }
}

/// What calendars come to for a run: one that is closed closes all of it.
fn standstill(heard: &[CalendarsHeard], unknown: CalendarState) -> Standstill {
    let mut result = Standstill::default();
    for it in heard {
        let open_until = match &it.said {
            CalendarsSaid::Answer(CalendarAnswer { state: CalendarState::Open, until }) => *until,
            CalendarsSaid::Unknown { .. } if unknown == CalendarState::Open => None,
            CalendarsSaid::Answer(CalendarAnswer { state: CalendarState::Closed, .. })
            | CalendarsSaid::Unknown { .. } => {
                result.closed.push(in_words(it));
                None
            }
        };
        if let Some(at) = open_until.filter(|at| result.closes.as_ref().is_none_or(|first| *at < first.at)) {
            let why = format!("{} {} closes at {at}", code::CALENDAR_CLOSED.id, subject(&it.of));
            result.closes = Some(Announced { at, why: why.into() });
        }
        if let CalendarsSaid::Answer(CalendarAnswer { until: Some(at), .. }) = it.said {
            result.changes_at = Some(result.changes_at.map_or(at, |first| first.min(at)));
        }
    }
    if !result.closed.is_empty() {
        result.closes = None;
    }
    result
}

/// Which calendars, and where.
fn subject(of: &CalendarQuestion) -> String {
    let s = if of.names.len() == 1 { "" } else { "s" };
    format!("change calendar{s} {} in {} {}", of.names.join(", "), of.zone, of.region)
}

/// What calendars said, with its code: `FW-R0060 change calendar freeze in shop eu-central-1 is closed
/// until 2027-01-04T00:00:00Z`.
fn in_words(heard: &CalendarsHeard) -> Text {
    let subject = subject(&heard.of);
    match &heard.said {
        CalendarsSaid::Unknown { message, .. } => {
            format!("{} {subject} could not be read: {message}", code::CALENDAR_UNKNOWN.id).into()
        }
        CalendarsSaid::Answer(CalendarAnswer { state: CalendarState::Open, .. }) => {
            format!("{subject} is open").into()
        }
        CalendarsSaid::Answer(CalendarAnswer { until, .. }) => {
            let until = until.map_or(String::new(), |at| format!(" until {at}"));
            format!("{} {subject} is closed{until}", code::CALENDAR_CLOSED.id).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use fleetwright_model::{Region, ZoneName};
    use jiff::Timestamp;

    use super::*;

    fn heard(region: &str, said: CalendarsSaid) -> CalendarsHeard {
        let zone = ZoneName::new("shop").expect("a name");
        let region = Region::new(region).expect("a region");
        CalendarsHeard { of: CalendarQuestion { zone, region, names: vec!["freeze".into()] }, said }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn said(state: CalendarState, until: &str) -> CalendarsSaid {
        CalendarsSaid::Answer(CalendarAnswer { state, until: Some(at(until)) })
    }

    fn unreadable() -> CalendarsSaid {
        CalendarsSaid::Unknown { code: "FW-A0003".into(), message: "access denied".into() }
    }

    #[test]
    fn one_closed_calendar_closes_the_run_and_says_until_when() {
        let open = heard("eu-central-1", said(CalendarState::Open, "2026-11-02T03:00:00Z"));
        let closed = heard("us-east-1", said(CalendarState::Closed, "2026-11-02T04:00:00Z"));
        let found = standstill(&[open, closed], CalendarState::Closed);
        let words = "FW-R0060 change calendar freeze in shop us-east-1 is closed until 2026-11-02T04:00:00Z";
        assert_eq!(found.closed, [Text::from(words)]);
        assert_eq!(found.closes, None);
        assert_eq!(found.changes_at, Some(at("2026-11-02T03:00:00Z")), "asked again when either changes");
    }

    #[test]
    fn where_all_are_open_the_first_closing_is_announced() {
        let later = heard("eu-central-1", said(CalendarState::Open, "2026-11-02T05:00:00Z"));
        let sooner = heard("us-east-1", said(CalendarState::Open, "2026-11-02T03:00:00Z"));
        let found = standstill(&[later, sooner], CalendarState::Closed);
        assert_eq!(found.closed, [""; 0].map(Text::from));
        let closes = found.closes.expect("announced");
        assert_eq!(closes.at, at("2026-11-02T03:00:00Z"));
        assert!(closes.why.contains("us-east-1 closes at"), "{}", closes.why);
    }

    #[test]
    fn what_could_not_be_read_is_closed_unless_it_was_said_otherwise() {
        let found = standstill(&[heard("eu-central-1", unreadable())], CalendarState::Closed);
        assert_eq!(found.closed.len(), 1);
        assert!(found.closed[0].starts_with("FW-R0061 "), "{}", found.closed[0]);
        assert_eq!(
            standstill(&[heard("eu-central-1", unreadable())], CalendarState::Open),
            Standstill::default()
        );
    }
}
