//! DynamoDB of one region: tables, their items, and the transactions that were done lately.

pub mod attribute;
pub mod items;
pub mod number;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::timeline::{self, Change};
use attribute::{Item, KeyValue, Value};
use items::{Items, Place};

/// How long a transaction's token is remembered (DynamoDB API reference, "TransactWriteItems").
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// An item that expired is deleted within so many seconds: two days.
const EXPIRY_SECONDS: i64 = 48 * 3_600;

/// What expired longer ago than five years is not deleted (developer guide, "Using time to live").
const EXPIRED_TOO_LONG: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);

/// Tables and transactions of a region.
#[derive(Debug, Default)]
pub struct Tables {
    by_name: BTreeMap<String, Table>,
    transactions: BTreeMap<String, Transaction>,
}

/// A transaction that was done under a token of the client's.
#[derive(Clone, Debug)]
struct Transaction {
    /// What was asked for.
    request: [u8; 32],
    at: Timestamp,
}

/// A part of a table's primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPart {
    /// The attribute's name.
    pub name: String,
    /// Its type.
    pub kind: KeyKind,
}

/// The type of a key attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Text.
    S,
    /// A number.
    N,
    /// Bytes.
    B,
}

impl KeyKind {
    /// The type with that name on the wire.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::S, Self::N, Self::B].into_iter().find(|kind| kind.as_str() == name)
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
        }
    }

    /// Whether a value is of the type.
    #[must_use]
    pub fn holds(self, value: &Value) -> bool {
        self.as_str() == value.type_name()
    }
}

/// A table's primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// What chooses the partition.
    pub partition: KeyPart,
    /// What orders the items of a partition.
    pub sort: Option<KeyPart>,
}

impl Schema {
    /// The parts of the key.
    pub fn parts(&self) -> impl Iterator<Item = &KeyPart> {
        std::iter::once(&self.partition).chain(&self.sort)
    }

    /// The part with that name.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&KeyPart> {
        self.parts().find(|part| part.name == name)
    }

    /// The place of an item that has the whole key; none for any other.
    #[must_use]
    pub fn place(&self, item: &Item) -> Option<Place> {
        let value =
            |part: &KeyPart| item.get(&part.name).filter(|it| part.kind.holds(it)).and_then(KeyValue::of);
        let partition = value(&self.partition)?;
        match &self.sort {
            None => Some(Place::new(partition, None)),
            Some(sort) => Some(Place::new(partition, Some(value(sort)?))),
        }
    }

    /// The key of the item at a place.
    #[must_use]
    pub fn key(&self, place: &Place) -> Item {
        let values = std::iter::once(&place.partition).chain(&place.sort);
        self.parts().zip(values).map(|(part, value)| (part.name.clone(), value.to_value())).collect()
    }
}

/// How a table is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billing {
    /// Per request.
    OnDemand,
    /// For capacity units.
    Provisioned {
        /// Units of reading.
        read: u64,
        /// Units of writing.
        write: u64,
    },
}

/// Whether something is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// It is.
    On,
    /// It is not.
    #[default]
    Off,
}

/// How a table's items expire.
#[derive(Clone, Debug, Default)]
pub struct TimeToLive {
    /// The attribute with the second of expiry; none where items do not expire.
    pub attribute: Option<String>,
    /// When that was last changed.
    pub changed: Option<Timestamp>,
}

/// A table.
#[derive(Debug)]
pub struct Table {
    /// Its id, a UUID.
    pub id: String,
    /// Its primary key.
    pub schema: Schema,
    /// How it is paid for.
    pub billing: Billing,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it can be used.
    pub active: Timestamp,
    /// When it was last changed to be paid for as it is.
    pub billed: Timestamp,
    /// Until when its last update is being made.
    pub updating: Timestamp,
    /// From when on it is gone, once it is being deleted.
    pub gone: Option<Timestamp>,
    /// Whether it refuses to be deleted.
    pub deletion_protection: Protection,
    /// Whether it can be restored to any second of the last 35 days, and since when.
    pub point_in_time: Option<Timestamp>,
    /// How its items expire.
    pub time_to_live: TimeToLive,
    /// The key that items are encrypted with, where it is not DynamoDB's own.
    pub key: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its items.
    pub items: Items,
}

/// Where a table is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is being made.
    Creating,
    /// It can be used.
    Active,
    /// It can be used, and changes meanwhile.
    Updating,
    /// It is being deleted.
    Deleting,
}

impl Status {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
        }
    }
}

impl Table {
    /// An empty table on demand whose key is two texts.
    #[must_use]
    pub fn of_texts([partition, sort]: [&str; 2], made: Timestamp) -> Self {
        let text = |name: &str| KeyPart { name: name.to_owned(), kind: KeyKind::S };
        Self {
            id: "00000000-0000-4000-8000-000000000000".to_owned(),
            schema: Schema { partition: text(partition), sort: Some(text(sort)) },
            billing: Billing::OnDemand,
            created: made,
            active: made,
            billed: made,
            updating: made,
            gone: None,
            deletion_protection: Protection::default(),
            point_in_time: None,
            time_to_live: TimeToLive::default(),
            key: None,
            tags: BTreeMap::new(),
            items: Items::default(),
        }
    }

    /// Where it is in its life.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        match self.gone {
            Some(_) => Status::Deleting,
            None if now < self.active => Status::Creating,
            None if now < self.updating => Status::Updating,
            None => Status::Active,
        }
    }

    /// When an item expires; none where it never does.
    fn expiry(&self, item: &Item, now: Timestamp) -> Option<Timestamp> {
        let name = self.time_to_live.attribute.as_ref()?;
        let Value::N(number) = item.get(name)? else { return None };
        let expiry = Timestamp::from_second(number.whole_seconds()?).ok()?;
        (now.duration_since(expiry) < EXPIRED_TOO_LONG).then_some(expiry)
    }
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// It is new.
    New,
    /// The same was done under it.
    Done,
    /// Something else was done under it.
    OfAnother,
}

impl Tables {
    /// The table of that name, in whatever state.
    #[must_use]
    pub fn get(&self, name: &str, now: Timestamp) -> Option<&Table> {
        self.by_name.get(name).filter(|table| table.gone.is_none_or(|gone| now < gone))
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str, now: Timestamp) -> Option<&mut Table> {
        self.by_name.get_mut(name).filter(|table| table.gone.is_none_or(|gone| now < gone))
    }

    /// The names of all tables, in order.
    pub fn names(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let there = move |table: &Table| table.gone.is_none_or(|gone| now < gone);
        self.by_name.iter().filter(move |(_, table)| there(table)).map(|(name, _)| name.as_str())
    }

    /// Adds a table in place of one that is gone.
    pub fn add(&mut self, name: &str, table: Table) {
        self.by_name.insert(name.to_owned(), table);
    }

    /// What a token is good for now.
    #[must_use]
    pub fn token(&self, token: &str, request: &[u8; 32], now: Timestamp) -> Token {
        match self.transactions.get(token) {
            Some(done) if now.duration_since(done.at) >= TOKEN_LIFE => Token::New,
            Some(done) if done.request == *request => Token::Done,
            Some(_) => Token::OfAnother,
            None => Token::New,
        }
    }

    /// Remembers what was done under a token.
    pub fn remember(&mut self, token: &str, request: [u8; 32], now: Timestamp) {
        self.transactions.retain(|_, done| now.duration_since(done.at) < TOKEN_LIFE);
        self.transactions.insert(token.to_owned(), Transaction { request, at: now });
    }
}

impl timeline::Place<'_> {
    /// Puts an item in its place of a table, or nothing, and sees to it that it expires; returns
    /// what was there.
    pub fn set_item(
        &mut self,
        table: &str,
        place: &Place,
        item: Option<Item>,
        now: Timestamp,
    ) -> Option<std::sync::Arc<Item>> {
        let found = self.region.tables.get_mut(table, now)?;
        let expiry = item.as_ref().and_then(|item| found.expiry(item, now));
        let before = found.items.set(place, item, now);
        if let Some(expiry) = expiry {
            self.expire_later(table, place, expiry.max(now));
        }
        before
    }

    /// Sees to it that everything in a table that has a time expires, from now on.
    pub fn expire_table(&mut self, table: &str, now: Timestamp) {
        let Some(found) = self.region.tables.get(table, now) else { return };
        let all = found.items.all(None);
        let due: Vec<(Place, Timestamp)> = all
            .iter()
            .filter_map(|(place, item)| Some((place.clone(), found.expiry(item, now)?.max(now))))
            .collect();
        for (place, expiry) in due {
            self.expire_later(table, &place, expiry);
        }
    }

    fn expire_later(&mut self, table: &str, place: &Place, expiry: Timestamp) {
        let of = format!("{table}/{place:?}");
        let late = self.seed.child("expiry").child(&of).stream().random_range(1..=EXPIRY_SECONDS);
        let at = expiry.checked_add(SignedDuration::from_secs(late)).unwrap_or(Timestamp::MAX);
        self.region
            .schedule(at, Change::Expiry(Box::new(Expiry { table: table.to_owned(), place: place.clone() })));
    }
}

/// An item whose time to live is over.
#[derive(Clone, Debug)]
pub struct Expiry {
    table: String,
    place: Place,
}

/// Deletes an item that has expired, unless it was given more time since.
pub(super) fn apply(place: &mut timeline::Place<'_>, due: &Expiry, at: Timestamp) {
    let Some(table) = place.region.tables.get_mut(&due.table, at) else { return };
    let expired = table.items.get(&due.place).and_then(|item| table.expiry(item, at));
    if expired.is_some_and(|expiry| expiry <= at) {
        table.items.set(&due.place, None, at);
    }
}
