//! The fields of each event, in the order of its declaration.
//!
//! `target step·direction …`: step and direction share a number, `step << 1 | undo`. Optional texts
//! begin with a byte that says whether they are there. What a later minor added stands last, and is not
//! there in records of an earlier one.

use fleetwright_flow::{
    Direction, Ending, Event, FailedStep, Format, GroupId, Signal, SkipScope, StageId, StepIndex, TargetId,
    WindowId,
};
use fleetwright_model::{ErrorClass, Text};

use super::bytes::{Malformed, Reader, TextsOut, put_number, unzigzag, zigzag};

const OPENED: u8 = 1;
const OWNER: u8 = 2;
const STARTED: u8 = 3;
const ACCEPTED: u8 = 4;
const SUCCEEDED: u8 = 5;
const FAILED: u8 = 6;
const SKIPPED: u8 = 7;
const GATE_REACHED: u8 = 8;
const SIGNALLED: u8 = 9;
const CLOSED: u8 = 10;
const DECIDED: u8 = 11;
const WINDOW_TURNED: u8 = 12;
const OBSERVED: u8 = 13;
const GATE_EXPIRED: u8 = 14;
const FOUND_DOWN: u8 = 15;

/// Error classes by their number in the format ([`class_number`]).
const CLASSES: [ErrorClass; 7] = [
    ErrorClass::Throttled,
    ErrorClass::Transient,
    ErrorClass::Ambiguous,
    ErrorClass::Denied,
    ErrorClass::Conflict,
    ErrorClass::NotFound,
    ErrorClass::Permanent,
];

/// Endings by their number in the format ([`ending_number`]).
const ENDINGS: [Ending; 4] = [Ending::Complete, Ending::Halted, Ending::Rejected, Ending::Aborted];

/// Numbers are for ever: a new class takes the next one and its place in [`CLASSES`].
fn class_number(class: ErrorClass) -> u64 {
    match class {
        ErrorClass::Throttled => 0,
        ErrorClass::Transient => 1,
        ErrorClass::Ambiguous => 2,
        ErrorClass::Denied => 3,
        ErrorClass::Conflict => 4,
        ErrorClass::NotFound => 5,
        ErrorClass::Permanent => 6,
    }
}

/// Numbers are for ever: a new ending takes the next one and its place in [`ENDINGS`].
fn ending_number(ending: Ending) -> u64 {
    match ending {
        Ending::Complete => 0,
        Ending::Halted => 1,
        Ending::Rejected => 2,
        Ending::Aborted => 3,
    }
}

/// The number of the event's kind.
pub(super) fn tag(event: &Event) -> u8 {
    match event {
        Event::Opened { .. } => OPENED,
        Event::Owner { .. } => OWNER,
        Event::Started { .. } => STARTED,
        Event::Accepted { .. } => ACCEPTED,
        Event::Succeeded { .. } => SUCCEEDED,
        Event::Failed { .. } => FAILED,
        Event::Skipped { .. } => SKIPPED,
        Event::GateReached { .. } => GATE_REACHED,
        Event::Signalled { basis: None, .. } => SIGNALLED,
        Event::Signalled { basis: Some(_), .. } => DECIDED,
        Event::WindowTurned { .. } => WINDOW_TURNED,
        Event::Observed { .. } => OBSERVED,
        Event::GateExpired { .. } => GATE_EXPIRED,
        Event::FoundDown { .. } => FOUND_DOWN,
        Event::Closed { .. } => CLOSED,
    }
}

/// Appends the event's fields; `last` is the target of the batch's event before.
pub(super) fn put<'a>(into: &mut Vec<u8>, event: &'a Event, texts: &mut TextsOut<'a>, last: &mut i64) {
    match event {
        Event::Opened { format, plan } => {
            put_number(into, u64::from(format.major));
            put_number(into, u64::from(format.minor));
            texts.put(into, plan);
        }
        Event::Owner { name } => texts.put(into, name),
        Event::Started { target, step, direction, attempt } => {
            put_place(into, last, *target, *step, *direction);
            put_number(into, u64::from(*attempt));
        }
        Event::Accepted { target, step, direction, handle } => {
            put_place(into, last, *target, *step, *direction);
            texts.put(into, handle);
        }
        Event::Succeeded { target, step, direction, note, finding } => {
            put_place(into, last, *target, *step, *direction);
            put_optional(into, texts, note.as_deref());
            put_optional(into, texts, finding.as_deref());
        }
        Event::Failed { target, step, direction, failure } => {
            put_place(into, last, *target, *step, *direction);
            put_failure(into, texts, failure);
        }
        Event::Skipped { target, step, direction, scope, code } => {
            put_place(into, last, *target, *step, *direction);
            into.push(match scope {
                SkipScope::Step => 0,
                SkipScope::Target => 1,
            });
            texts.put(into, code);
        }
        Event::GateReached { stage, mail } => {
            put_number(into, u64::from(stage.0));
            put_last(into, *mail);
        }
        Event::Signalled { signal, by, basis, reason, mail } => {
            put_signal(into, *signal);
            texts.put(into, by);
            // Where there is one, the kind of the record says so.
            if let Some(basis) = basis {
                texts.put(into, basis);
            }
            put_optional(into, texts, reason.as_deref());
            put_last(into, *mail);
        }
        Event::WindowTurned { window } => put_number(into, u64::from(window.0)),
        Event::Observed { group, elsewhere } => {
            put_number(into, u64::from(group.0));
            put_number(into, u64::from(*elsewhere));
        }
        Event::GateExpired { stage } => put_number(into, u64::from(stage.0)),
        Event::FoundDown { target } => put_number(into, u64::from(target.0)),
        Event::Closed { ending } => put_number(into, ending_number(*ending)),
    }
}

/// Reads the fields of an event of this kind.
pub(super) fn take(
    tag: u8,
    reader: &mut Reader<'_>,
    texts: &mut Vec<Text>,
    last: &mut i64,
) -> Result<Event, Malformed> {
    Ok(match tag {
        OPENED => {
            let format = Format { major: reader.narrow()?, minor: reader.narrow()? };
            Event::Opened { format, plan: reader.text(texts)? }
        }
        OWNER => Event::Owner { name: reader.text(texts)? },
        STARTED => {
            let (target, step, direction) = place(reader, last)?;
            Event::Started { target, step, direction, attempt: reader.narrow()? }
        }
        ACCEPTED => {
            let (target, step, direction) = place(reader, last)?;
            Event::Accepted { target, step, direction, handle: reader.text(texts)? }
        }
        SUCCEEDED => {
            let (target, step, direction) = place(reader, last)?;
            let (note, finding) = (optional(reader, texts)?, optional(reader, texts)?);
            Event::Succeeded { target, step, direction, note, finding }
        }
        FAILED => {
            let (target, step, direction) = place(reader, last)?;
            Event::Failed { target, step, direction, failure: failure(reader, texts)? }
        }
        SKIPPED => {
            let (target, step, direction) = place(reader, last)?;
            let scope = match reader.byte()? {
                0 => SkipScope::Step,
                1 => SkipScope::Target,
                other => return Err(Malformed::Unknown("scope", other.into())),
            };
            Event::Skipped { target, step, direction, scope, code: reader.text(texts)? }
        }
        GATE_REACHED => {
            let stage = StageId(reader.narrow()?);
            Event::GateReached { stage, mail: last_number(reader)? }
        }
        SIGNALLED => {
            let signal = signal(reader)?;
            let (by, reason) = (reader.text(texts)?, optional(reader, texts)?);
            Event::Signalled { signal, by, basis: None, reason, mail: last_number(reader)? }
        }
        DECIDED => {
            let signal = signal(reader)?;
            let (by, basis) = (reader.text(texts)?, Some(reader.text(texts)?));
            let reason = optional(reader, texts)?;
            Event::Signalled { signal, by, basis, reason, mail: last_number(reader)? }
        }
        WINDOW_TURNED => Event::WindowTurned { window: WindowId(reader.narrow()?) },
        OBSERVED => Event::Observed { group: GroupId(reader.narrow()?), elsewhere: reader.narrow()? },
        GATE_EXPIRED => Event::GateExpired { stage: StageId(reader.narrow()?) },
        FOUND_DOWN => Event::FoundDown { target: TargetId(reader.narrow()?) },
        CLOSED => Event::Closed { ending: listed(&ENDINGS, "ending", reader)? },
        other => return Err(Malformed::Unknown("event", other.into())),
    })
}

fn put_place(into: &mut Vec<u8>, last: &mut i64, target: TargetId, step: StepIndex, direction: Direction) {
    let target = i64::from(target.0);
    // Ascending neighbours are the rule: they cost a zero.
    put_number(into, zigzag(target - *last - 1));
    *last = target;
    let undo = match direction {
        Direction::Do => 0,
        Direction::Undo => 1,
    };
    put_number(into, u64::from(step.0) << 1 | undo);
}

fn place(reader: &mut Reader<'_>, last: &mut i64) -> Result<(TargetId, StepIndex, Direction), Malformed> {
    let out_of_range = Malformed::Broken("a target is out of range");
    let target = unzigzag(reader.number()?).checked_add(*last + 1).ok_or(out_of_range.clone())?;
    *last = target;
    let target = TargetId(u32::try_from(target).map_err(|_| out_of_range)?);
    let head = reader.number()?;
    let step = u8::try_from(head >> 1).map_err(|_| Malformed::Broken("a step is out of range"))?;
    let direction = if head & 1 == 0 { Direction::Do } else { Direction::Undo };
    Ok((target, StepIndex(step), direction))
}

fn put_failure<'a>(into: &mut Vec<u8>, texts: &mut TextsOut<'a>, failure: &'a FailedStep) {
    put_number(into, class_number(failure.class));
    texts.put(into, &failure.code);
    texts.put(into, &failure.message);
    into.push(u8::from(failure.retry_at.is_some()));
    if let Some(at) = failure.retry_at {
        super::put_time(into, at);
    }
}

fn failure(reader: &mut Reader<'_>, texts: &mut Vec<Text>) -> Result<FailedStep, Malformed> {
    let class = listed(&CLASSES, "error class", reader)?;
    let (code, message) = (reader.text(texts)?, reader.text(texts)?);
    let retry_at = match reader.byte()? {
        0 => None,
        _ => Some(super::time(reader)?),
    };
    Ok(FailedStep { class, code, message, retry_at })
}

/// Appends a decision.
pub(super) fn put_signal(into: &mut Vec<u8>, signal: Signal) {
    let (number, stage) = match signal {
        Signal::Approve(stage) => (0, Some(stage)),
        Signal::Reject(stage) => (1, Some(stage)),
        Signal::Pause => (2, None),
        Signal::Resume => (3, None),
        Signal::Abort => (4, None),
        Signal::AbortNow => (5, None),
        Signal::Freeze => (6, None),
        Signal::Thaw => (7, None),
    };
    into.push(number);
    if let Some(stage) = stage {
        put_number(into, u64::from(stage.0));
    }
}

/// Reads a decision.
pub(super) fn signal(reader: &mut Reader<'_>) -> Result<Signal, Malformed> {
    Ok(match reader.byte()? {
        0 => Signal::Approve(StageId(reader.narrow()?)),
        1 => Signal::Reject(StageId(reader.narrow()?)),
        2 => Signal::Pause,
        3 => Signal::Resume,
        4 => Signal::Abort,
        5 => Signal::AbortNow,
        6 => Signal::Freeze,
        7 => Signal::Thaw,
        other => return Err(Malformed::Unknown("signal", other.into())),
    })
}

/// Appends a text that may be missing.
pub(super) fn put_optional<'a>(into: &mut Vec<u8>, texts: &mut TextsOut<'a>, text: Option<&'a str>) {
    into.push(u8::from(text.is_some()));
    if let Some(text) = text {
        texts.put(into, text);
    }
}

/// Reads a text that may be missing.
pub(super) fn optional(reader: &mut Reader<'_>, texts: &mut Vec<Text>) -> Result<Option<Text>, Malformed> {
    match reader.byte()? {
        0 => Ok(None),
        _ => reader.text(texts).map(Some),
    }
}

/// Appends a number that minor 1 added to the end of the record.
fn put_last(into: &mut Vec<u8>, number: Option<u64>) {
    if let Some(number) = number {
        put_number(into, number);
    }
}

/// Reads a number that minor 1 added to the end of the record; none in records of minor 0.
fn last_number(reader: &mut Reader<'_>) -> Result<Option<u64>, Malformed> {
    if reader.is_empty() { Ok(None) } else { reader.number().map(Some) }
}

fn listed<T: Copy>(list: &[T], what: &'static str, reader: &mut Reader<'_>) -> Result<T, Malformed> {
    let number = reader.number()?;
    usize::try_from(number)
        .ok()
        .and_then(|place| list.get(place).copied())
        .ok_or(Malformed::Unknown(what, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_endings_stand_where_their_numbers_say() {
        for (number, class) in CLASSES.into_iter().enumerate() {
            assert_eq!(class_number(class), number as u64);
        }
        for (number, ending) in ENDINGS.into_iter().enumerate() {
            assert_eq!(ending_number(ending), number as u64);
        }
    }
}
