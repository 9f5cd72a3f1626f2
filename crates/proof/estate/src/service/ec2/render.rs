//! Parts of EC2's answers that several operations share.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::wire::xml;
use crate::world::tags::Tags;

/// Appends a moment in EC2's form, `2026-11-02T02:00:00.000Z`.
pub(super) fn push_time(out: &mut String, moment: Timestamp) {
    let at = Offset::UTC.to_datetime(moment);
    let (date, time) = (at.date(), at.time());
    push_number(out, date.year().unsigned_abs().into(), 4);
    out.push('-');
    push_number(out, date.month().unsigned_abs().into(), 2);
    out.push('-');
    push_number(out, date.day().unsigned_abs().into(), 2);
    out.push('T');
    push_number(out, time.hour().unsigned_abs().into(), 2);
    out.push(':');
    push_number(out, time.minute().unsigned_abs().into(), 2);
    out.push(':');
    push_number(out, time.second().unsigned_abs().into(), 2);
    out.push('.');
    push_number(out, time.millisecond().unsigned_abs().into(), 3);
    out.push('Z');
}

/// Appends a number with at least `width` digits; written out because a page holds thousands.
fn push_number(out: &mut String, number: u32, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        out.push(char::from(b'0' + digit as u8));
    }
}

/// Appends an element with a moment.
pub(super) fn time(out: &mut String, name: &str, moment: Timestamp) {
    xml::open(out, name);
    push_time(out, moment);
    xml::close(out, name);
}

/// Appends a `tagSet`; nothing where there are no tags, as EC2 does.
pub(super) fn tags(out: &mut String, tags: &Tags) {
    if tags.is_empty() {
        return;
    }
    out.push_str("<tagSet>");
    for (key, value) in tags.iter() {
        out.push_str("<item><key>");
        xml::escape(out, key);
        out.push_str("</key><value>");
        xml::escape(out, value);
        out.push_str("</value></item>");
    }
    out.push_str("</tagSet>");
}

/// Appends the token of the next page where there is one.
pub(super) fn next_token(out: &mut String, token: Option<String>) {
    if let Some(token) = token {
        xml::text(out, "nextToken", &token);
    }
}

/// Appends a list of plain words as `item`s.
pub(super) fn words(out: &mut String, name: &str, words: &[&str]) {
    xml::open(out, name);
    for word in words {
        xml::text(out, "item", word);
    }
    xml::close(out, name);
}

/// Appends formatted text that needs no escaping.
pub(super) fn push(out: &mut String, parts: std::fmt::Arguments<'_>) {
    out.write_fmt(parts).expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_milliseconds_and_utc() {
        let mut out = String::new();
        push_time(&mut out, "2026-01-05T07:08:09.0123Z".parse().expect("a moment"));
        assert_eq!(out, "2026-01-05T07:08:09.012Z");
    }
}
