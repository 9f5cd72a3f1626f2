//! What is in items of the table, and how DynamoDB writes it in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleetwright_journal::{Mail, decode, decode_mail};
use fleetwright_model::Text;
use fleetwright_ports::journal::Standing;
use fleetwright_ports::{HandOver, RunId};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The item of a run that says how it stands.
pub(super) const HEAD: &str = "head";
/// The item of a run that is its mailbox.
pub(super) const MAIL: &str = "mail";
/// The item of a run that says which execution it is of.
pub(super) const EXECUTION: &str = "execution";
/// The item of a run with which an execution waits.
pub(super) const TOKEN: &str = "token";
/// The key under which every run is listed.
pub(super) const RUNS: &str = "runs";

pub(super) fn text(text: impl AsRef<str>) -> Value {
    json!({ "S": text.as_ref() })
}

pub(super) fn number(number: impl ToString) -> Value {
    json!({ "N": number.to_string() })
}

pub(super) fn bytes(bytes: &[u8]) -> Value {
    json!({ "B": STANDARD.encode(bytes) })
}

/// The key of an item of a run.
pub(super) fn key(run: &RunId, item: &str) -> Value {
    json!({ "run": text(format!("run#{run}")), "item": text(item) })
}

/// An item of a key and what else is in it.
pub(super) fn whole(mut key: Value, fields: Value) -> Value {
    if let (Some(whole), Value::Object(fields)) = (key.as_object_mut(), fields) {
        whole.extend(fields);
    }
    key
}

/// The item that holds records from `first` on, written under that epoch.
pub(super) fn records_key(first: u64, epoch: u32) -> String {
    format!("records#{first:016x}#{epoch:08x}")
}

pub(super) fn get_text<'a>(item: &'a Value, name: &str) -> Option<&'a str> {
    item[name]["S"].as_str()
}

pub(super) fn get_number<T: std::str::FromStr>(item: &Value, name: &str) -> Option<T> {
    item[name]["N"].as_str()?.parse().ok()
}

fn from_base64(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value["B"].as_str()?).ok()
}

pub(super) fn get_bytes(item: &Value, name: &str) -> Option<Vec<u8>> {
    from_base64(&item[name])
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Head {
    pub(super) created_at: Timestamp,
    /// SHA-256 of the plan document, and how many pieces it is in.
    pub(super) plan: String,
    pub(super) pieces: u32,
    pub(super) epoch: u32,
    pub(super) last: u64,
    /// How often it was claimed.
    pub(super) claims: u64,
    pub(super) holder: Option<(Text, Timestamp)>,
    pub(super) left: Option<HandOver>,
    /// The last record, as a batch of one.
    pub(super) tail: Option<Vec<u8>>,
}

impl Head {
    /// Reads the item.
    pub(super) fn of(item: &Value) -> Option<Self> {
        let until = get_number::<i64>(item, "until").and_then(|at| Timestamp::from_second(at).ok());
        Some(Self {
            created_at: get_text(item, "created_at")?.parse().ok()?,
            plan: get_text(item, "plan")?.to_owned(),
            pieces: get_number(item, "pieces")?,
            epoch: get_number(item, "epoch")?,
            last: get_number(item, "last")?,
            claims: get_number(item, "claims")?,
            holder: get_text(item, "holder").map(Text::from).zip(until),
            left: get_text(item, "left").and_then(|left| serde_json::from_str(left).ok()),
            tail: get_bytes(item, "tail"),
        })
    }

    pub(super) fn standing(&self) -> Standing {
        Standing { epoch: self.epoch, last: self.last }
    }

    /// Who holds the run at that moment.
    pub(super) fn held_by(&self, now: Timestamp) -> Option<&Text> {
        self.holder.as_ref().filter(|(_, until)| now < *until).map(|(who, _)| who)
    }

    /// Whether that claim is the newest.
    pub(super) fn is_claim(&self, claims: u64, epoch: u32, owner: &str, until: i64) -> bool {
        let holder = self.holder.as_ref().map(|(who, until)| (&**who, until.as_second()));
        (self.claims, self.epoch) == (claims, epoch) && holder == Some((owner, until))
    }

    /// The last record.
    pub(super) fn last_record(&self) -> Option<fleetwright_flow::Record> {
        let mut records = Vec::new();
        decode(self.tail.as_ref()?, self.last, &mut records).ok()?;
        records.pop()
    }
}

/// The letters of a mailbox.
pub(super) fn letters(item: &Value) -> Option<Vec<Mail>> {
    let Some(list) = item["letters"]["L"].as_array() else { return Some(Vec::new()) };
    let letters = (1u64..).zip(list).map(|(number, letter)| decode_mail(number, &from_base64(letter)?).ok());
    letters.collect()
}
