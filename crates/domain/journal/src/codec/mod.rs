//! Format 1.1 of records, as bytes: a batch is what one append writes.
//!
//! ```text
//! batch  = epoch seconds nanoseconds { length record }     the time of the first record
//! record = tag time event-fields                           see `event`
//! time   = zigzag(seconds since the record before) << 1 | flag [ zigzag(nanoseconds) where flag ]
//! ```
//!
//! All numbers are LEB128. A record's sequence is the batch's first plus its place in it. A target
//! is written as the (zigzag) distance from the batch's last one plus one, because records of one
//! batch tell of neighbours; a text is written whole once in a batch, then by its number.
//!
//! Each record carries its length: a later minor version may add fields to its end, which this one
//! passes over (texts in such fields must not refer to, nor be referred to by, others). Minor 1 added the
//! last letter read to `gate_reached` and `signalled`. An event with an unknown tag is refused, because
//! nobody can carry on a run without knowing what happened.

mod bytes;
mod event;

pub use bytes::Malformed;

use fleetwright_flow::{Epoch, Format, Record, Sequence};
use fleetwright_model::Text;
use jiff::Timestamp;

use crate::{Letter, Mail};
use bytes::{Reader, TextsOut, put_number, unzigzag, zigzag};

/// The format this version writes.
pub const FORMAT: Format = Record::FORMAT;

/// The records of one append. They share their epoch and follow one another.
pub fn encode(records: &[Record]) -> Vec<u8> {
    let mut into = Vec::with_capacity(16 + 24 * records.len());
    let Some(first) = records.first() else { return into };
    put_number(&mut into, u64::from(first.epoch.0));
    put_time(&mut into, first.at);

    let (mut texts, mut one) = (TextsOut::default(), Vec::new());
    let (mut before, mut target) = (first.at, 0);
    for record in records {
        one.clear();
        one.push(event::tag(&record.event));
        let seconds = zigzag(record.at.as_second() - before.as_second()) << 1;
        let moved = record.at.subsec_nanosecond() != before.subsec_nanosecond();
        put_number(&mut one, seconds | u64::from(moved));
        if moved {
            put_number(&mut one, zigzag(i64::from(record.at.subsec_nanosecond())));
        }
        before = record.at;
        event::put(&mut one, &record.event, &mut texts, &mut target);
        put_number(&mut into, one.len() as u64);
        into.extend_from_slice(&one);
    }
    into
}

/// Reads a batch and appends its records, of which the first has the sequence `first`.
pub fn decode(bytes: &[u8], first: u64, records: &mut Vec<Record>) -> Result<u64, Malformed> {
    let mut reader = Reader::new(bytes);
    let epoch = Epoch(reader.narrow()?);
    let mut at = time(&mut reader)?;
    let (mut texts, mut target, mut seq) = (Vec::new(), 0, first);
    while !reader.is_empty() {
        let length = reader.narrow()?;
        let mut one = Reader::new(reader.take(length)?);
        let tag = one.byte()?;
        at = moved(&mut one, at)?;
        let event = event::take(tag, &mut one, &mut texts, &mut target)?;
        records.push(Record { seq: Sequence(seq), epoch, at, event });
        seq += 1;
    }
    Ok(seq - first)
}

fn moved(reader: &mut Reader<'_>, before: Timestamp) -> Result<Timestamp, Malformed> {
    let head = reader.number()?;
    if head == 0 {
        return Ok(before);
    }
    let seconds = before.as_second().checked_add(unzigzag(head >> 1));
    let nanoseconds = match head & 1 {
        1 => narrow_signed(reader)?,
        _ => before.subsec_nanosecond(),
    };
    timestamp(seconds, nanoseconds)
}

fn put_time(into: &mut Vec<u8>, at: Timestamp) {
    put_number(into, zigzag(at.as_second()));
    put_number(into, zigzag(i64::from(at.subsec_nanosecond())));
}

fn time(reader: &mut Reader<'_>) -> Result<Timestamp, Malformed> {
    let seconds = unzigzag(reader.number()?);
    timestamp(Some(seconds), narrow_signed(reader)?)
}

fn narrow_signed(reader: &mut Reader<'_>) -> Result<i32, Malformed> {
    i32::try_from(unzigzag(reader.number()?)).map_err(|_| Malformed::Broken("a number is out of range"))
}

fn timestamp(seconds: Option<i64>, nanoseconds: i32) -> Result<Timestamp, Malformed> {
    seconds
        .and_then(|seconds| Timestamp::new(seconds, nanoseconds).ok())
        .ok_or(Malformed::Broken("a time is out of range"))
}

/// A letter of the mailbox, without its number. Basis and mark were added by minor 1; a letter without
/// them is written as minor 0 did.
pub fn encode_mail(letter: &Letter) -> Vec<u8> {
    let (mut into, mut texts) = (Vec::new(), TextsOut::default());
    put_time(&mut into, letter.at);
    event::put_signal(&mut into, letter.signal);
    texts.put(&mut into, &letter.by);
    event::put_optional(&mut into, &mut texts, letter.reason.as_deref());
    if letter.basis.is_some() || letter.once.is_some() {
        event::put_optional(&mut into, &mut texts, letter.basis.as_deref());
        event::put_optional(&mut into, &mut texts, letter.once.as_deref());
    }
    into
}

/// Reads a letter of the mailbox.
pub fn decode_mail(number: u64, bytes: &[u8]) -> Result<Mail, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut texts: Vec<Text> = Vec::new();
    let at = time(&mut reader)?;
    let signal = event::signal(&mut reader)?;
    let by = reader.text(&mut texts)?;
    let reason = event::optional(&mut reader, &mut texts)?;
    let (basis, once) = match reader.is_empty() {
        true => (None, None),
        false => (event::optional(&mut reader, &mut texts)?, event::optional(&mut reader, &mut texts)?),
    };
    Ok(Mail { number, at, signal, by, reason, basis, once })
}

#[cfg(test)]
mod tests;
