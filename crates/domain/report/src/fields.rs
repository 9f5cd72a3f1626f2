//! The tables of a run: what every machine-readable report of it says, column by column.
//!
//! A [`Subject`] is one table: instances, backups, waves, errors. Its columns are written down once; the
//! CSV header, the properties of the JSON and their schema, the elements of the XML and theirs are all
//! made from them, so that no report has a column that another lacks.

mod compliance;
mod evidence;
mod instances;
mod inventory;
mod phases;
mod run;

use std::borrow::Cow;

use jiff::Timestamp;

use crate::evidence::RunRecord;
use crate::record::HostRecord;

pub use compliance::{Compliance, ComplianceTotals, Dimension, Standing, Trend, standings};
pub use evidence::{Differences, Findings, Outputs, Patches, Timelines};
pub use instances::Instances;
pub use inventory::{INVENTORY, InventoryColumn, PATCH_STATE};
pub use phases::{Backups, Patching, Prechecks, Reboots, Rollbacks, Validations};
pub use run::{
    Approvals, Calls, CleanUps, Errors, Freezes, Gaps, GateChecks, Gates, LeftOuts, Owners, Summary, Waves,
    percent,
};

/// What a cell holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing: there is no such thing here.
    Absent,
    /// Nobody could look.
    NotChecked,
    /// Text, untrusted.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(u64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Boolean(bool),
    /// A moment, in UTC.
    Time(Timestamp),
    /// Texts, untrusted.
    List(Vec<Cow<'a, str>>),
    /// Names with values, untrusted; names are unique.
    Map(Vec<(&'a str, Cow<'a, str>)>),
}

impl<'a> Value<'a> {
    /// A text, or nothing.
    pub fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, |text| Self::Text(Cow::Borrowed(text)))
    }

    /// A number, or nothing.
    pub fn integer(number: Option<impl Into<u64>>) -> Self {
        number.map_or(Self::Absent, |number| Self::Integer(number.into()))
    }

    /// A moment, or nothing.
    pub fn time(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Absent, Self::Time)
    }

    /// Yes, no, or nothing.
    pub fn boolean(boolean: Option<bool>) -> Self {
        boolean.map_or(Self::Absent, Self::Boolean)
    }

    /// A list of texts.
    pub fn list<T: AsRef<str> + 'a + ?Sized>(texts: impl IntoIterator<Item = &'a T>) -> Self {
        Self::List(texts.into_iter().map(|text| Cow::Borrowed(text.as_ref())).collect())
    }
}

/// What kind of value a column holds; any may be absent but those of [`Need::Always`].
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// A whole number from 0 on.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// A moment, as RFC 3339 in UTC.
    Time,
    /// Texts.
    List,
    /// Names with values.
    Map,
}

/// Whether a column always holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It does.
    Always,
    /// There may be none.
    Sometimes,
    /// There may be none, and it may not have been possible to look: `not_checked`.
    MayBeUnread,
}

/// How a column finds its value.
pub enum Get<S: Subject + ?Sized> {
    /// From the row.
    Row(for<'a> fn(&'a RunRecord<'a>, S::Row<'a>) -> Value<'a>),
    /// From what was known of the row's host when the fleet was read.
    Inventory(for<'a> fn(&'a HostRecord) -> Value<'a>),
}

impl<S: Subject + ?Sized> Clone for Get<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Subject + ?Sized> Copy for Get<S> {}

/// One column.
pub struct Column<S: Subject + ?Sized> {
    /// Its name: in the CSV header, as a JSON property and as an XML element.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it always holds a value.
    pub need: Need,
    /// What it says, one sentence.
    pub doc: &'static str,
    /// How it finds its value.
    pub get: Get<S>,
}

impl<S: Subject + ?Sized> Clone for Column<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Subject + ?Sized> Copy for Column<S> {}

impl<S: Subject + ?Sized> Column<S> {
    /// A column that may hold nothing.
    pub const fn new(
        name: &'static str,
        kind: Kind,
        doc: &'static str,
        get: for<'a> fn(&'a RunRecord<'a>, S::Row<'a>) -> Value<'a>,
    ) -> Self {
        Self { name, kind, need: Need::Sometimes, doc, get: Get::Row(get) }
    }

    /// The same, always holding a value.
    pub const fn always(mut self) -> Self {
        self.need = Need::Always;
        self
    }

    /// Its value in a row.
    pub fn value<'a>(&self, record: &'a RunRecord<'a>, row: S::Row<'a>) -> Value<'a> {
        match self.get {
            Get::Row(get) => get(record, row),
            Get::Inventory(get) => S::inventory(row).map_or(Value::NotChecked, get),
        }
    }
}

/// The rows of a table.
pub type Rows<'a, S> = Box<dyn Iterator<Item = <S as Subject>::Row<'a>> + 'a>;

/// One table of a run.
pub trait Subject {
    /// What a row is.
    type Row<'a>: Copy;

    /// Its name: of the CSV file, the JSON property and the XML element around its rows.
    const NAME: &'static str;

    /// The name of the XML element of one row.
    const ROW: &'static str;

    /// What it is a table of, one sentence.
    const DOC: &'static str;

    /// Its columns, in order.
    fn columns() -> Vec<Column<Self>>;

    /// Its rows, in order.
    fn rows<'a>(record: &'a RunRecord<'a>) -> Rows<'a, Self>;

    /// What was known of a row's host when the fleet was read, for tables that say it.
    fn inventory<'a>(_row: Self::Row<'a>) -> Option<&'a HostRecord> {
        None
    }
}

/// Goes through every table.
pub trait Visitor {
    /// What can go wrong.
    type Error;

    /// Looks at one table.
    ///
    /// # Errors
    /// The visitor's own.
    fn visit<S: Subject>(&mut self) -> Result<(), Self::Error>;
}

/// Shows every table but [`Summary`], in the order in which reports have them.
///
/// # Errors
/// The first one of the visitor.
pub fn each<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.visit::<Waves>()?;
    visitor.visit::<Gates>()?;
    visitor.visit::<Approvals>()?;
    visitor.visit::<GateChecks>()?;
    visitor.visit::<Freezes>()?;
    visitor.visit::<Instances>()?;
    visitor.visit::<Backups>()?;
    visitor.visit::<Prechecks>()?;
    visitor.visit::<Findings>()?;
    visitor.visit::<Patching>()?;
    visitor.visit::<Reboots>()?;
    visitor.visit::<Compliance>()?;
    visitor.visit::<ComplianceTotals>()?;
    visitor.visit::<Trend>()?;
    visitor.visit::<Patches>()?;
    visitor.visit::<Validations>()?;
    visitor.visit::<Differences>()?;
    visitor.visit::<Rollbacks>()?;
    visitor.visit::<Timelines>()?;
    visitor.visit::<Outputs>()?;
    visitor.visit::<CleanUps>()?;
    visitor.visit::<Errors>()?;
    visitor.visit::<LeftOuts>()?;
    visitor.visit::<Gaps>()?;
    visitor.visit::<Owners>()?;
    visitor.visit::<Calls>()
}
