//! Change calendars that a plan respects: which are asked, where, and what they said.

use fleetwright_flow::Place;
use fleetwright_model::{CalendarAnswer, CalendarState, Region, Text, ZoneName};
use serde::{Deserialize, Serialize};

/// Change calendars of Systems Manager; while one of them is closed no host is begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCalendars {
    /// Their names or ARNs.
    pub names: Vec<Text>,
    /// What one that could not be read is taken for.
    pub unknown: CalendarState,
    /// What they said when the plan was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<CalendarsHeard>,
}

impl PlannedCalendars {
    /// What is asked, and where, for a run in these places: a name in each of them, an ARN in its own
    /// region, with the access of its account where the run has that.
    pub fn questions(&self, places: &[Place]) -> Vec<CalendarQuestion> {
        let mut questions: Vec<CalendarQuestion> = Vec::new();
        let mut ask = |zone: &ZoneName, region: &Region, name: &Text| {
            let known = questions.iter_mut().find(|it| it.zone == *zone && it.region == *region);
            match known {
                Some(question) => question.names.push(name.clone()),
                None => questions.push(CalendarQuestion {
                    zone: zone.clone(),
                    region: region.clone(),
                    names: vec![name.clone()],
                }),
            }
        };
        for name in &self.names {
            match Home::of(name) {
                None => places.iter().for_each(|place| ask(&place.zone, &place.region, name)),
                Some(home) => {
                    let same_account = |place: &&Place| place.account.as_str() == home.account;
                    let same_region = |place: &&Place| place.region == home.region;
                    let place = places.iter().find(same_account);
                    let place = place.or_else(|| places.iter().find(same_region)).or(places.first());
                    if let Some(place) = place {
                        ask(&place.zone, &home.region, name);
                    }
                }
            }
        }
        questions
    }
}

/// Where the calendar of an ARN is.
struct Home<'a> {
    region: Region,
    account: &'a str,
}

impl<'a> Home<'a> {
    /// None where it is no ARN.
    fn of(name: &'a str) -> Option<Self> {
        let mut parts = name.split(':');
        let (arn, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account) = (parts.next()?, parts.next()?);
        let region = Region::new(region).ok()?;
        (arn == "arn" && service == "ssm").then_some(Self { region, account })
    }
}

/// Calendars that are asked for together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarQuestion {
    /// The landing zone they are asked with.
    pub zone: ZoneName,
    /// The region they are asked in.
    pub region: Region,
    /// Their names or ARNs.
    pub names: Vec<Text>,
}

/// What calendars said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarsHeard {
    /// Which, and where.
    #[serde(flatten)]
    pub of: CalendarQuestion,
    /// What they said.
    #[serde(flatten)]
    pub said: CalendarsSaid,
}

/// What calendars said, or why nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarsSaid {
    /// They answered.
    Answer(CalendarAnswer),
    /// They could not be read.
    Unknown {
        /// The code of the cause.
        code: Text,
        /// The cause in words. Untrusted text.
        message: Text,
    },
}

#[cfg(test)]
mod tests {
    use fleetwright_model::AccountId;

    use super::*;

    fn place(zone: &str, account: &str, region: &str) -> Place {
        Place {
            zone: ZoneName::new(zone).expect("a name"),
            account: AccountId::new(account).expect("an account"),
            region: Region::new(region).expect("a region"),
        }
    }

    fn asked(names: &[&str]) -> Vec<String> {
        let names = names.iter().map(|name| (*name).into()).collect();
        let calendars = PlannedCalendars { names, unknown: CalendarState::Closed, heard: Vec::new() };
        let places = [
            place("shop", "111122223333", "eu-central-1"),
            place("shop", "111122223333", "us-east-1"),
            place("bank", "444455556666", "eu-central-1"),
        ];
        let shown = |it: CalendarQuestion| format!("{} {} {}", it.zone, it.region, it.names.join("+"));
        calendars.questions(&places).into_iter().map(shown).collect()
    }

    #[test]
    fn a_name_is_asked_for_in_every_place() {
        let expected = ["shop eu-central-1 a+b", "shop us-east-1 a+b", "bank eu-central-1 a+b"];
        assert_eq!(asked(&["a", "b"]), expected);
    }

    #[test]
    fn an_arn_is_asked_for_in_its_region_once_and_with_its_account_where_the_run_has_it() {
        let of_bank = "arn:aws:ssm:us-east-1:444455556666:document/freeze";
        assert_eq!(asked(&[of_bank]), [format!("bank us-east-1 {of_bank}")]);
        let shared = "arn:aws:ssm:us-east-1:777788889999:document/freeze";
        assert_eq!(asked(&[shared]), [format!("shop us-east-1 {shared}")]);
    }
}
