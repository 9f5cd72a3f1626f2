//! `run.json`: every table of a run in one document, a row to a line.

use std::convert::Infallible;
use std::io::{self, Write};

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::RUN_FORMAT;
use crate::evidence::RunRecord;
use crate::fields::{self, Column, Subject, Summary, Value, Visitor};

/// What a document of this kind says it is.
pub fn format() -> String {
    format!("fleetwright.run/{RUN_FORMAT}")
}

/// Writes the document. It is never in memory as a whole.
///
/// # Errors
/// What the writer says.
pub fn write(out: &mut dyn Write, record: &RunRecord<'_>) -> io::Result<()> {
    write!(out, "{{\"format\":{},\n\"run\":", quoted(&format()))?;
    for row in Summary::rows(record) {
        serde_json::to_writer(&mut *out, &Row::<Summary> { columns: &Summary::columns(), record, row })?;
    }
    let outcomes = record.outcomes().into_iter().map(|(outcome, hosts)| (outcome.as_str(), hosts));
    let outcomes: std::collections::BTreeMap<&str, u32> = outcomes.collect();
    write!(out, ",\n\"outcomes\":{}", serde_json::to_string(&outcomes)?)?;
    fields::each(&mut Tables { out, record })?;
    write!(out, ",\n\"view\":")?;
    serde_json::to_writer(&mut *out, &record.view)?;
    write!(out, ",\n\"milestones\":")?;
    serde_json::to_writer(&mut *out, &record.milestones)?;
    out.write_all(b"}\n")
}

/// Writes the closing object of a stream of events.
///
/// # Errors
/// What the writer says.
pub fn write_line(out: &mut dyn Write, record: &RunRecord<'_>) -> io::Result<()> {
    let outcomes = record.outcomes().into_iter().map(|(outcome, hosts)| (outcome.as_str(), hosts));
    let outcomes: std::collections::BTreeMap<&str, u32> = outcomes.collect();
    write!(out, "{{\"type\":\"summary\",\"run\":")?;
    for row in Summary::rows(record) {
        serde_json::to_writer(&mut *out, &Row::<Summary> { columns: &Summary::columns(), record, row })?;
    }
    writeln!(out, ",\"outcomes\":{}}}", serde_json::to_string(&outcomes)?)
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("texts always serialise")
}

struct Tables<'w, 'a> {
    out: &'w mut dyn Write,
    record: &'a RunRecord<'a>,
}

impl Visitor for Tables<'_, '_> {
    type Error = io::Error;

    fn visit<S: Subject>(&mut self) -> io::Result<()> {
        write!(self.out, ",\n\"{}\":[", S::NAME)?;
        let columns = S::columns();
        for (index, row) in S::rows(self.record).enumerate() {
            self.out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
            let row = Row::<S> { columns: &columns, record: self.record, row };
            serde_json::to_writer(&mut *self.out, &row)?;
        }
        self.out.write_all(b"]")
    }
}

/// One row as an object; every column is there, `null` where there is no such thing.
struct Row<'c, 'a, S: Subject> {
    columns: &'c [Column<S>],
    record: &'a RunRecord<'a>,
    row: S::Row<'a>,
}

impl<S: Subject> Serialize for Row<'_, '_, S> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for column in self.columns {
            map.serialize_entry(column.name, &Cell(column.value(self.record, self.row)))?;
        }
        map.end()
    }
}

struct Cell<'a>(Value<'a>);

impl Serialize for Cell<'_> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        match &self.0 {
            Value::Absent => serializer.serialize_none(),
            Value::NotChecked => serializer.serialize_str("not_checked"),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Integer(number) => serializer.serialize_u64(*number),
            Value::Number(number) => serializer.serialize_f64(*number),
            Value::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Value::Time(time) => serializer.collect_str(time),
            Value::List(texts) => {
                let mut sequence = serializer.serialize_seq(Some(texts.len()))?;
                texts.iter().try_for_each(|text| sequence.serialize_element(text))?;
                sequence.end()
            }
            Value::Map(pairs) => {
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                pairs.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}

/// The names of all tables, in order.
pub fn tables() -> Vec<&'static str> {
    struct Names(Vec<&'static str>);
    impl Visitor for Names {
        type Error = Infallible;
        fn visit<S: Subject>(&mut self) -> Result<(), Infallible> {
            self.0.push(S::NAME);
            Ok(())
        }
    }
    let mut names = Names(Vec::new());
    let Ok(()) = fields::each(&mut names);
    names.0
}
