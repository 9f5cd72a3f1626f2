//! `windows` and `freezes`: from values, by the names their users gave them, to schedules.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetwright_model::{Code, code};
use fleetwright_window::{Freeze, Schedule, Shape, Zone};
use jiff::SignedDuration;

use crate::value::Value;

/// `freezes.NAME`: when nothing is changed.
#[derive(Clone, Debug, PartialEq)]
pub struct FreezeSettings {
    /// The freeze, with its dates. The events of its calendars are added by whoever reads the files
    /// ([`Freeze::with_icalendar`]).
    pub freeze: Freeze,
    /// iCalendar files, as written; relative to the file that names them, see
    /// [`crate::Resolved::origin`].
    pub calendars: Vec<String>,
    /// The time zone of what names none.
    pub time_zone: Zone,
}

/// The values of one window or freeze, by the last part of their path.
pub(crate) type Values = BTreeMap<String, Value>;

/// Why values do not make a window or a freeze: the key that is to blame, where there is one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unfit {
    pub(crate) key: Option<&'static str>,
    pub(crate) code: &'static Code,
    pub(crate) message: String,
}

/// The values below a section, by the names its users chose.
pub(crate) fn by_name<'v>(
    values: impl Iterator<Item = (&'v String, &'v Value)>,
    section: &str,
) -> BTreeMap<String, Values> {
    let mut named: BTreeMap<String, Values> = BTreeMap::new();
    for (path, value) in values {
        let below = path.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
        if let Some((name, key)) = below.and_then(|below| below.rsplit_once('.')) {
            named.entry(name.to_owned()).or_default().insert(key.to_owned(), value.clone());
        }
    }
    named
}

/// The schedules of a window.
pub(crate) fn schedules(values: &Values) -> Result<Vec<Schedule>, Unfit> {
    let texts = texts(values, "schedule");
    if texts.is_empty() {
        let message = "has no `schedule`: nobody knows when it opens".to_owned();
        return Err(Unfit { key: None, code: &code::MISSING_KEY, message });
    }
    let shape =
        Shape { zone: zone(values), duration: length(values, "duration"), cutoff: length(values, "cutoff") };
    let one = |text: &String| {
        Schedule::parse(text, shape.clone()).map_err(|fault| Unfit {
            key: Some("schedule"),
            code: &code::INVALID_SCHEDULE,
            message: format!("`{}`: {}", crate::error::shorten(text), fault.reason),
        })
    };
    texts.iter().map(one).collect()
}

/// A freeze.
pub(crate) fn freeze(name: &str, values: &Values) -> Result<FreezeSettings, Unfit> {
    let (dates, calendars) = (texts(values, "dates"), texts(values, "calendars"));
    if dates.is_empty() && calendars.is_empty() {
        let message = "has neither `dates` nor `calendars`: it would freeze nothing".to_owned();
        return Err(Unfit { key: None, code: &code::MISSING_KEY, message });
    }
    let time_zone = zone(values).unwrap_or_else(Zone::utc);
    let mut freeze = Freeze::new(name);
    for text in &dates {
        // In another zone than the one it was checked in the range may be empty.
        freeze = freeze.with_dates(text, &time_zone).map_err(|fault| Unfit {
            key: Some("dates"),
            code: &code::INVALID_SCHEDULE,
            message: format!("`{}`: {}", crate::error::shorten(text), fault.reason),
        })?;
    }
    Ok(FreezeSettings { freeze, calendars, time_zone })
}

fn texts(values: &Values, key: &str) -> Vec<String> {
    match values.get(key) {
        Some(Value::Texts(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn zone(values: &Values) -> Option<Zone> {
    match values.get("time_zone") {
        Some(Value::Text(name)) => Some(Zone::named(name).expect("its form was checked when it was read")),
        _ => None,
    }
}

fn length(values: &Values, key: &str) -> Option<SignedDuration> {
    let Some(Value::Duration(length)) = values.get(key) else { return None };
    let bounded =
        |length: Duration| SignedDuration::try_from(length).expect("no bound of the table is larger");
    Some(bounded(*length))
}
