//! iCalendar texts (RFC 5545), as far as calendars of freezes use them; everything else is refused.

mod event;
mod line;
mod moment;
mod rule;

pub(crate) use event::Event;

use event::Draft;
use line::Line;

use crate::fault::{Fault, quoted};
use crate::zone::Zone;

/// Bounds that keep a broken or hostile text from exhausting memory or time.
const MAX_BYTES: usize = 4 << 20;
const MAX_EVENTS: usize = 5_000;
/// Faults after which the text is something else altogether.
const MAX_FAULTS: usize = 100;

/// Properties of a calendar that say nothing of times.
const OF_CALENDAR: [&str; 12] = [
    "PRODID",
    "METHOD",
    "NAME",
    "DESCRIPTION",
    "UID",
    "URL",
    "SOURCE",
    "COLOR",
    "IMAGE",
    "CATEGORIES",
    "LAST-MODIFIED",
    "REFRESH-INTERVAL",
];

/// The events of a text. Days and times without a zone are in `zone`.
pub(crate) fn parse(text: &str, zone: &Zone) -> Result<Vec<Event>, Vec<Fault>> {
    if text.len() > MAX_BYTES {
        let reason = format!("the calendar has {} bytes; {MAX_BYTES} are read at most", text.len());
        return Err(vec![Fault::at(1, reason).on_line(1)]);
    }
    let (lines, faults) = line::unfold(text);
    let mut reader = Reader { zone, drafts: Vec::new(), faults, calendars: 0, skipping: 0 };
    reader.read(&lines);
    let Reader { drafts, mut faults, .. } = reader;
    let events = event::finish(drafts, &mut faults);
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults.truncate(MAX_FAULTS);
    if faults.is_empty() { Ok(events) } else { Err(faults) }
}

struct Reader<'z> {
    zone: &'z Zone,
    drafts: Vec<Draft>,
    faults: Vec<Fault>,
    calendars: usize,
    /// How many components deep we are in one that is passed over.
    skipping: usize,
}

impl Reader<'_> {
    fn read(&mut self, lines: &[Line]) {
        let mut open: Vec<&Line> = Vec::new();
        for line in lines {
            match line.name.as_str() {
                "BEGIN" => {
                    self.begin(line, &open);
                    open.push(line);
                }
                "END" => match open.pop() {
                    Some(begin) if begin.value.eq_ignore_ascii_case(&line.value) => {
                        self.skipping = self.skipping.saturating_sub(1);
                    }
                    Some(begin) => {
                        let reason = format!(
                            "END:{} does not close BEGIN:{}",
                            quoted(&line.value),
                            quoted(&begin.value)
                        );
                        return self.fault(line, reason);
                    }
                    None => return self.fault(line, "END without BEGIN"),
                },
                _ if self.skipping > 0 => {}
                _ => self.property(line, &open),
            }
        }
        match (open.first(), self.calendars) {
            (Some(begin), _) => self.fault(begin, format!("BEGIN:{} is not closed", begin.value)),
            (None, 0) => self.faults.push(Fault::at(1, "there is no BEGIN:VCALENDAR in the text").on_line(1)),
            (None, _) => {}
        }
    }

    fn begin(&mut self, line: &Line, open: &[&Line]) {
        if self.skipping > 0 {
            self.skipping += 1;
            return;
        }
        let above = open.last().map(|begin| begin.value.to_ascii_uppercase());
        match (above.as_deref(), line.value.to_ascii_uppercase().as_str()) {
            (None, "VCALENDAR") => self.calendars += 1,
            (Some("VCALENDAR"), "VEVENT") if self.drafts.len() < MAX_EVENTS => {
                self.drafts.push(Draft::new(line.number));
            }
            (Some("VCALENDAR"), "VEVENT") => {
                self.fault(line, format!("more than {MAX_EVENTS} events"));
                self.skipping = 1;
            }
            // Only IANA names are taken, whose rules we have; reminders move nothing.
            (Some("VCALENDAR"), "VTIMEZONE") | (Some("VEVENT"), "VALARM") => self.skipping = 1,
            (_, other) => {
                let reason = format!(
                    "{} is not understood here: a freeze is made of VEVENTs in a VCALENDAR",
                    quoted(other)
                );
                self.fault(line, reason);
                self.skipping = 1;
            }
        }
    }

    fn property(&mut self, line: &Line, open: &[&Line]) {
        let of = open.last().map(|begin| begin.value.to_ascii_uppercase());
        let read = match (of.as_deref(), self.drafts.last_mut()) {
            (Some("VEVENT"), Some(draft)) => draft.property(line, self.zone),
            (Some(_), _) => of_calendar(line),
            (None, _) => Err(line.fault("stands outside BEGIN:VCALENDAR")),
        };
        if let Err(fault) = read {
            self.faults.push(fault);
        }
    }

    fn fault(&mut self, line: &Line, reason: impl Into<String>) {
        self.faults.push(Fault::at(1, reason).on_line(line.number));
    }
}

fn of_calendar(line: &Line) -> Result<(), Fault> {
    let is = |expected: &str| line.value.trim().eq_ignore_ascii_case(expected);
    match line.name.as_str() {
        "VERSION" if is("2.0") => Ok(()),
        "VERSION" => Err(line.fault(format!("version {} is not understood, only 2.0", quoted(&line.value)))),
        "CALSCALE" if is("GREGORIAN") => Ok(()),
        "CALSCALE" => {
            Err(line.fault(format!("the calendar {} is not understood, only GREGORIAN", quoted(&line.value))))
        }
        // Of a calendar of Systems Manager: the events of such a one say when changes are allowed.
        "X-CALENDAR-TYPE" if !is("DEFAULT_OPEN") => Err(line
            .fault(format!("{}: only events of a DEFAULT_OPEN calendar are freezes", quoted(&line.value)))),
        name if name.starts_with("X-") || OF_CALENDAR.contains(&name) => Ok(()),
        name => Err(line.fault(format!("the property {} is not understood", quoted(name)))),
    }
}
