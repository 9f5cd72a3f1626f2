//! The table of hosts, column by column: distinct values once, and which of them each host has.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::evidence::RunRecord;
use crate::fields::{Column, Instances, Kind, Subject, Value};

use super::dictionary::Dictionary;

/// Where the data of a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// With what the first picture needs.
    Core,
    /// With the rest.
    Rest,
}

/// The columns that the first picture and the first look at the table need.
const CORE: [&str; 20] = [
    "instance_id",
    "name",
    "platform",
    "region",
    "account_id",
    "landing_zone",
    "private_ip",
    "application",
    "environment",
    "wave",
    "outcome",
    "step",
    "code",
    "class",
    "started_at",
    "ended_at",
    "seconds",
    "patches_installed",
    "patches_missing",
    "patches_installed_before",
];

/// The column each part of the table begins with; people choose columns part by part.
const PARTS: [(&str, &str); 11] = [
    ("instance_id", "inventory"),
    ("wave", "outcome"),
    ("backup", "backup"),
    ("start", "precheck"),
    ("drain", "service"),
    ("patch", "patching"),
    ("reboot", "reboot"),
    ("verify", "compliance"),
    ("validate", "validation"),
    ("return", "way_back"),
    ("patches_installed_before", "compliance_before"),
];

/// What the file says of a column.
#[derive(Serialize)]
pub(super) struct Head {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    doc: &'static str,
    group: &'static str,
    block: u8,
}

/// Every column, in order.
pub(super) fn heads() -> Vec<Head> {
    let mut part = PARTS[0].1;
    let columns = Instances::columns();
    columns
        .iter()
        .map(|column| {
            part = PARTS.iter().find(|(first, _)| *first == column.name).map_or(part, |(_, part)| part);
            Head {
                name: column.name,
                kind: kind(column),
                doc: column.doc,
                group: part,
                block: u8::from(block(column) == Block::Rest),
            }
        })
        .collect()
}

fn block(column: &Column<Instances>) -> Block {
    if CORE.contains(&column.name) { Block::Core } else { Block::Rest }
}

fn kind(column: &Column<Instances>) -> &'static str {
    match column.kind {
        Kind::Text | Kind::Word(_) if column.name == "code" => "code",
        Kind::Text | Kind::Word(_) => "text",
        Kind::Integer if column.name.ends_with("seconds") => "seconds",
        Kind::Integer => "integer",
        Kind::Number => "number",
        Kind::Boolean => "boolean",
        Kind::Time => "timestamp",
        Kind::List => "list",
        Kind::Map => "tags",
    }
}

/// Writes the columns of a block as the properties of an object, without its braces.
///
/// # Errors
/// What the writer says.
pub(super) fn write_data(json: &mut impl Write, record: &RunRecord<'_>, wanted: Block) -> io::Result<()> {
    let columns = Instances::columns();
    let mut packed = Packed::default();
    for (place, column) in columns.iter().filter(|column| block(column) == wanted).enumerate() {
        let comma = if place == 0 { "" } else { "," };
        write!(json, "{comma}\"{}\":", column.name)?;
        packed.fill(record, column)?;
        packed.write(json)?;
    }
    Ok(())
}

/// One column; its memory serves one after the other.
#[derive(Default)]
struct Packed {
    distinct: Dictionary,
    /// Which of the distinct values each host has.
    indices: Vec<u32>,
    text: Vec<u8>,
}

impl Packed {
    fn fill(&mut self, record: &RunRecord<'_>, column: &Column<Instances>) -> io::Result<()> {
        self.distinct.clear();
        self.indices.clear();
        self.indices.reserve_exact(record.hosts.len());
        let mut last: Option<(Value<'_>, u32)> = None;
        for host in Instances::rows(record) {
            let value = column.value(record, host);
            // Neighbours are often alike, and comparing is quicker than writing down.
            let place = match &last {
                Some((before, place)) if *before == value => *place,
                _ => {
                    self.text.clear();
                    write_value(&mut self.text, &value)?;
                    let place = self.distinct.place(&self.text)?;
                    last = Some((value, place));
                    place
                }
            };
            self.indices.push(place);
        }
        Ok(())
    }

    fn write(&mut self, json: &mut impl Write) -> io::Result<()> {
        // Where every host has its own, the indices would only count up.
        if self.distinct.len() == self.indices.len() {
            json.write_all(b"{\"v\":[")?;
            json.write_all(self.distinct.json())?;
            return json.write_all(b"]}");
        }
        json.write_all(b"{\"d\":[")?;
        json.write_all(self.distinct.json())?;
        json.write_all(b"],\"i\":")?;
        // Number by number, the packer would have to be called for each.
        self.text.clear();
        serde_json::to_writer(&mut self.text, &self.indices)?;
        json.write_all(&self.text)?;
        json.write_all(b"}")
    }
}

/// A cell as JSON: none is null, and what could not be read is the text `not_checked`.
fn write_value(cell: &mut Vec<u8>, value: &Value<'_>) -> io::Result<()> {
    let cell = &mut *cell;
    match value {
        Value::Absent => cell.extend_from_slice(b"null"),
        Value::NotChecked => cell.extend_from_slice(b"\"not_checked\""),
        Value::Text(text) => serde_json::to_writer(cell, text)?,
        Value::Integer(number) => serde_json::to_writer(cell, number)?,
        Value::Number(number) => serde_json::to_writer(cell, number)?,
        Value::Boolean(yes) => serde_json::to_writer(cell, yes)?,
        Value::Time(at) => serde_json::to_writer(cell, &seconds(*at))?,
        Value::List(texts) => serde_json::to_writer(cell, texts)?,
        Value::Map(pairs) => {
            // Text within text: an object would lose the order of keys that look like numbers.
            let mut map = Vec::new();
            let mut object = serde_json::Serializer::new(&mut map);
            serde::Serializer::collect_map(&mut object, pairs.iter().map(|(key, value)| (key, value)))?;
            serde_json::to_writer(cell, &String::from_utf8_lossy(&map))?;
        }
    }
    Ok(())
}

/// Seconds since 1970, whole where they are.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Seconds {
    /// Without a fraction.
    Whole(i64),
    /// To the millisecond.
    Part(f64),
}

/// A moment as the file tells it.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^52")]
pub(super) fn seconds(at: Timestamp) -> Seconds {
    match at.as_millisecond() {
        whole if whole % 1000 == 0 => Seconds::Whole(whole / 1000),
        part => Seconds::Part(part as f64 / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_that_are_named_here_are_columns_of_the_table() {
        let names: Vec<_> = Instances::columns().iter().map(|column| column.name).collect();
        for name in CORE.iter().chain(PARTS.iter().map(|(first, _)| first)) {
            assert!(names.contains(name), "{name}");
        }
    }

    #[test]
    fn values_are_told_apart_from_what_is_not_there_and_what_could_not_be_read() {
        let cell = |value: Value<'_>| {
            let mut cell = Vec::new();
            write_value(&mut cell, &value).expect("memory");
            String::from_utf8(cell).expect("JSON is UTF-8")
        };
        assert_eq!(cell(Value::Absent), "null");
        assert_eq!(cell(Value::NotChecked), "\"not_checked\"");
        assert_eq!(cell(Value::Text("a\"\u{0}".into())), r#""a\"\u0000""#);
        assert_eq!(cell(Value::List(vec!["a".into(), "b".into()])), r#"["a","b"]"#);
        assert_eq!(
            cell(Value::Map(vec![("2", "b".into()), ("1", "a".into())])),
            r#""{\"2\":\"b\",\"1\":\"a\"}""#
        );
        assert_eq!(cell(Value::Time("2026-11-21T01:00:00Z".parse().expect("a time"))), "1795222800");
        assert_eq!(cell(Value::Time("2026-11-21T01:00:00.25Z".parse().expect("a time"))), "1795222800.25");
    }
}
