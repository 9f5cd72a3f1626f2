//! Events: from their properties to the times they take.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::line::Line;
use super::moment::{self, Length, Moment, MomentKind};
use super::rule::Rule;
use crate::fault::{Fault, quoted};
use crate::span::Span;
use crate::zone::Zone;

/// Properties of an event that say nothing of when it is. An event that is TRANSPARENT leaves people
/// free, which a freeze is not about.
const DESCRIBING: [&str; 24] = [
    "DTSTAMP",
    "CREATED",
    "LAST-MODIFIED",
    "SEQUENCE",
    "DESCRIPTION",
    "LOCATION",
    "CATEGORIES",
    "CLASS",
    "TRANSP",
    "ORGANIZER",
    "ATTENDEE",
    "URL",
    "PRIORITY",
    "COMMENT",
    "CONTACT",
    "GEO",
    "RESOURCES",
    "ATTACH",
    "RELATED-TO",
    "COLOR",
    "IMAGE",
    "CONFERENCE",
    "REQUEST-STATUS",
    "NAME",
];

/// An event that was read and can be asked when it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    summary: String,
    start: Moment,
    length: Length,
    rule: Option<Rule>,
    /// Further times.
    also: Vec<Moment>,
    /// When single times would begin that are not.
    except: BTreeSet<Timestamp>,
}

impl Event {
    /// What it is called.
    pub(crate) fn summary(&self) -> &str {
        &self.summary
    }

    /// Its times that have something in common with a range, in order.
    pub(crate) fn spans(&self, range: Span) -> Vec<Span> {
        let wall = |at| self.start.zone.wall(at).date();
        let first = wall(range.from()).saturating_sub(self.length.days_at_most().days());
        let last = wall(range.until()).saturating_add(1.day());
        let mut spans: Vec<Span> = self
            .times(first, last)
            .into_iter()
            .map(|time| (&self.start, time))
            .chain(self.also.iter().map(|moment| (moment, moment.wall)))
            .filter_map(|(moment, wall)| {
                let from = moment.with_wall(wall);
                let until = self.length.after(moment, wall)?;
                Span::new(from, until).filter(|_| !self.except.contains(&from))
            })
            .filter(|span| span.overlap(range).is_some())
            .collect();
        spans.sort_unstable();
        spans.dedup();
        spans
    }

    fn times(&self, first: Date, last: Date) -> Vec<DateTime> {
        match &self.rule {
            Some(rule) => rule.times(&self.start, first, last),
            None => vec![self.start.wall],
        }
    }
}

/// An event while its lines are read.
#[derive(Debug)]
pub(super) struct Draft {
    /// The line of its BEGIN.
    number: u32,
    summary: Option<String>,
    uid: Option<String>,
    start: Option<Moment>,
    end: Option<(Line, Moment)>,
    duration: Option<(Line, Length)>,
    rule: Option<Line>,
    also: Vec<(Line, Moment)>,
    except: Vec<(Line, Moment)>,
    /// Which time of another event it stands for.
    instead_of: Option<(Line, Moment)>,
    cancelled: bool,
    /// Properties that may stand once, as far as they were given.
    given: BTreeSet<String>,
    faulty: bool,
}

impl Draft {
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            summary: None,
            uid: None,
            start: None,
            end: None,
            duration: None,
            rule: None,
            also: Vec::new(),
            except: Vec::new(),
            instead_of: None,
            cancelled: false,
            given: BTreeSet::new(),
            faulty: false,
        }
    }

    /// Takes one property.
    pub(super) fn property(&mut self, line: &Line, local: &Zone) -> Result<(), Fault> {
        let taken = self.take(line, local);
        self.faulty |= taken.is_err();
        taken
    }

    fn take(&mut self, line: &Line, local: &Zone) -> Result<(), Fault> {
        let name = line.name.as_str();
        if name.starts_with("X-") || DESCRIBING.contains(&name) {
            return Ok(());
        }
        let several = matches!(name, "RDATE" | "EXDATE");
        if !several && !self.given.insert(line.name.clone()) {
            return Err(line.fault("stands twice in one event"));
        }
        let with_line = |moments: Vec<Moment>| moments.into_iter().map(|moment| (line.clone(), moment));
        match name {
            "SUMMARY" => self.summary = Some(unescaped(&line.value)),
            "UID" => self.uid = Some(line.value.clone()),
            "DTSTART" => self.start = Some(moment::moment_of(line, local)?),
            "DTEND" => self.end = Some((line.clone(), moment::moment_of(line, local)?)),
            "DURATION" => {
                line.only(&[])?;
                let length = Length::parse(line.value.trim());
                let wrong = || {
                    let reason = "is not a length of time such as P1D or PT8H, of up to ten years";
                    line.fault(format!("{} {reason}", quoted(&line.value)))
                };
                self.duration = Some((line.clone(), length.ok_or_else(wrong)?));
            }
            "RRULE" => self.rule = Some(line.clone()),
            "RDATE" => self.also.extend(with_line(moment::moments(line, local)?)),
            "EXDATE" => self.except.extend(with_line(moment::moments(line, local)?)),
            // RANGE=THISANDFUTURE would move all that follow; the parameter is refused.
            "RECURRENCE-ID" => self.instead_of = Some((line.clone(), moment::moment_of(line, local)?)),
            "STATUS" => match line.value.trim().to_ascii_uppercase().as_str() {
                "CANCELLED" => self.cancelled = true,
                "CONFIRMED" | "TENTATIVE" => {}
                other => return Err(line.fault(format!("{} is not understood", quoted(other)))),
            },
            _ => return Err(line.fault("the property is not understood")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Event, Fault> {
        let Some(start) = self.start else {
            return Err(Fault::at(1, "the event has no DTSTART").on_line(self.number));
        };
        let length = match (&self.end, &self.duration) {
            (Some(_), Some((line, _))) => {
                return Err(line.fault("stands beside DTEND; one of the two is allowed"));
            }
            (Some((line, end)), None) if end.kind != start.kind => {
                return Err(line.fault("is a day where DTSTART is a time, or a time where it is a day"));
            }
            (Some((line, end)), None) => Length::between(&start, end)
                .ok_or_else(|| line.fault("is not after DTSTART, or more than ten years after it"))?,
            (None, Some((line, length)))
                if start.kind == MomentKind::Day && length.time != SignedDuration::ZERO =>
            {
                return Err(line.fault("has hours where DTSTART is a day"));
            }
            (None, Some((_, length))) => *length,
            (None, None) if start.kind == MomentKind::Day => Length { days: 1, time: SignedDuration::ZERO },
            (None, None) => {
                return Err(Fault::at(1, "the event has neither DTEND nor DURATION").on_line(self.number));
            }
        };
        let other_kind = self.also.iter().chain(&self.except).find(|(_, moment)| moment.kind != start.kind);
        if let Some((line, _)) = other_kind {
            return Err(line.fault("is a day where DTSTART is a time, or a time where it is a day"));
        }
        let rule = self.rule.map(|line| Rule::parse(&line, &start)).transpose()?;
        Ok(Event {
            summary: self.summary.unwrap_or_else(|| "event without a summary".to_owned()),
            rule,
            length,
            also: self.also.into_iter().map(|(_, moment)| moment).collect(),
            except: self.except.into_iter().map(|(_, moment)| moment.at()).collect(),
            start,
        })
    }
}

/// The events of the drafts. One that stands for a time of another takes that time out of it.
pub(super) fn finish(drafts: Vec<Draft>, faults: &mut Vec<Fault>) -> Vec<Event> {
    let mut events: Vec<(Option<String>, Event)> = Vec::new();
    let mut replaced: Vec<(Option<String>, Line, Moment)> = Vec::new();
    // Those that are replaced come first, whatever their order in the text.
    let (instead, own): (Vec<Draft>, Vec<Draft>) =
        drafts.into_iter().filter(|draft| !draft.faulty).partition(|draft| draft.instead_of.is_some());
    for mut draft in own.into_iter().chain(instead) {
        let (uid, cancelled) = (draft.uid.clone(), draft.cancelled);
        if let Some((line, moment)) = draft.instead_of.take() {
            replaced.push((uid, line, moment));
            match draft.finish() {
                Ok(event) if !cancelled => events.push((None, event)),
                Ok(_) => {}
                Err(fault) => faults.push(fault),
            }
            continue;
        }
        match draft.finish() {
            Ok(event) if !cancelled => events.push((uid, event)),
            Ok(_) => {}
            Err(fault) => faults.push(fault),
        }
    }
    for (uid, line, moment) in replaced {
        let mut of = events.iter_mut().filter(|(other, _)| uid.is_some() && *other == uid).peekable();
        if uid.is_none() {
            faults.push(line.fault("the event has no UID that would say of which event"));
        } else if of.peek().is_some_and(|(_, event)| event.start.kind != moment.kind) {
            faults.push(
                line.fault("is a day where the event's DTSTART is a time, or a time where it is a day"),
            );
        }
        // Without the event it belongs to it stands for itself.
        of.for_each(|(_, event)| {
            event.except.insert(moment.at());
        });
    }
    events.into_iter().map(|(_, event)| event).collect()
}

/// A TEXT value (3.3.11) in one line.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                plain.extend(characters.next().map(|next| if matches!(next, 'n' | 'N') { ' ' } else { next }))
            }
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain.trim().to_owned()
}
