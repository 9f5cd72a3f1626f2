//! What one delivery says.

use fleetwright_model::Text;
use jiff::Timestamp;
use serde::Serialize;

use crate::notice::{Notice, Severity};
use crate::outbox::{Batch, Uncounted};
use crate::template::{TemplateError, Templates};

/// One line of facts beside the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// Its value; untrusted text on one line.
    pub value: String,
}

/// What one delivery says, in words and as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The same each time this delivery is tried: receivers tell repetitions by it.
    pub id: String,
    /// The run.
    pub run: Text,
    /// When the latest of it happened.
    pub at: Timestamp,
    /// The worst of it.
    pub severity: Severity,
    /// In a few words, on one line of at most 200 bytes.
    pub title: String,
    /// In words; lines of text without mark-up, at most 64 KiB.
    pub text: String,
    /// Facts, for channels that set them apart.
    pub facts: Vec<Fact>,
    /// What it is about.
    pub notices: Vec<Notice>,
    /// What is told as numbers.
    pub more: Vec<Told>,
}

/// Notices of one sort, told as a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Their sort.
    #[serde(flatten)]
    pub sort: Uncounted,
    /// How many.
    pub count: u64,
}

impl Message {
    /// What a delivery to that channel says. Where a template of the user's fails, the message is in our
    /// own words, and the error is handed back beside it: nobody misses a failure over a template.
    pub fn of(batch: &Batch, channel: &str, templates: &Templates) -> (Self, Option<TemplateError>) {
        let severity = severity_of(batch);
        let last = batch.notices.last();
        let run: Text = last.map_or_else(|| "".into(), |notice| notice.run.clone());
        let mut message = Self {
            id: format!("{run}.{channel}.{}", batch.number),
            at: batch.notices.iter().map(|notice| notice.at).max().unwrap_or(Timestamp::UNIX_EPOCH),
            severity,
            title: String::new(),
            text: String::new(),
            facts: facts(batch, &run),
            notices: batch.notices.clone(),
            more: batch.more.iter().map(|(sort, count)| Told { sort: sort.clone(), count: *count }).collect(),
            run,
        };
        let words = templates.words(&message);
        (message.title, message.text) = words.0;
        (message, words.1)
    }

    /// How many notices it stands for.
    pub fn count(&self) -> u64 {
        self.notices.len() as u64 + self.more.iter().map(|told| told.count).sum::<u64>()
    }
}

fn severity_of(batch: &Batch) -> Severity {
    let shown = batch.notices.iter().map(|notice| notice.severity);
    shown.chain(batch.more.keys().map(|sort| sort.severity)).max().unwrap_or(Severity::Info)
}

fn facts(batch: &Batch, run: &str) -> Vec<Fact> {
    let mut facts = vec![Fact { name: "Run", value: run.to_owned() }];
    if let [notice] = batch.notices.as_slice()
        && batch.more.is_empty()
    {
        let scope = &notice.scope;
        let place = [("Landing zone", joined(&scope.zones)), ("Account", joined(&scope.accounts))];
        facts.extend(place.into_iter().filter_map(|(name, value)| Some(Fact { name, value: value? })));
        let single = [
            ("Region", scope.region.as_ref().map(ToString::to_string)),
            ("Phase", scope.phase.map(|phase| phase.to_string())),
            (
                "Application",
                notice.host.as_ref().and_then(|host| host.application.as_deref().map(str::to_owned)),
            ),
            ("Code", notice.code.as_deref().map(str::to_owned)),
        ];
        facts.extend(single.into_iter().filter_map(|(name, value)| Some(Fact { name, value: value? })));
    }
    facts
}

/// A few of them by name, the others as a number.
fn joined<T: ToString>(all: &[T]) -> Option<String> {
    const NAMED: usize = 3;
    let named: Vec<String> = all.iter().take(NAMED).map(ToString::to_string).collect();
    let more = all.len().saturating_sub(NAMED);
    match (named.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(named.join(", ")),
        (false, more) => Some(format!("{} and {more} more", named.join(", "))),
    }
}
