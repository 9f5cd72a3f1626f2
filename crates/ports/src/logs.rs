//! Log groups of CloudWatch Logs: what was written, found by time and pattern, and followed as it is written.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure};
use jiff::{SignedDuration, Timestamp};

/// How far an event may arrive behind a later one. Lambda hands on what functions wrote within seconds; nothing is
/// published that binds.
const LATENESS: SignedDuration = SignedDuration::from_secs(60);

/// Characters of the name of a group, at most. Source: CloudWatch Logs API reference, CreateLogGroup.
const MOST_CHARACTERS: usize = 512;

/// The name of a log group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogGroupName(String);

/// What cannot be the name of a log group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotALogGroup(String);

impl fmt::Display for NotALogGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no name of a log group: 1 to 512 letters, digits and . _ / # -", self.0)
    }
}

impl std::error::Error for NotALogGroup {}

impl FromStr for LogGroupName {
    type Err = NotALogGroup;

    /// Source: CloudWatch Logs API reference, CreateLogGroup.
    fn from_str(text: &str) -> Result<Self, NotALogGroup> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._/#-".contains(&byte);
        match !text.is_empty() && text.len() <= MOST_CHARACTERS && text.bytes().all(plain) {
            true => Ok(Self(text.to_owned())),
            false => Err(NotALogGroup(text.to_owned())),
        }
    }
}

impl LogGroupName {
    /// As AWS writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogGroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which events are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Those of that moment or later.
    pub since: Option<Timestamp>,
    /// Those of that moment or earlier.
    pub until: Option<Timestamp>,
    /// Those that fit a pattern. Source: CloudWatch Logs user guide, "Filter pattern syntax".
    pub pattern: Option<String>,
}

/// Something that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// Unique within its group.
    pub id: String,
    /// When, as its writer says.
    pub at: Timestamp,
    /// The stream it is in. Untrusted text.
    pub stream: String,
    /// What was written, cleared of what looks like a secret. Untrusted text.
    pub message: String,
}

/// A page of what was found; it may be empty and still go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// From old to new.
    pub events: Vec<LogEvent>,
    /// Where the search goes on; none at its end.
    pub next: Option<String>,
}

/// The log groups of one cell.
#[async_trait]
pub trait Logs: Send + Sync {
    /// A page of the events that are meant: the first, or where another one said that the search goes on.
    ///
    /// # Errors
    /// The failure of the call; [`fleetwright_model::ErrorClass::NotFound`] where there is no such group.
    async fn log_page(
        &self,
        cell: &Cell<'_>,
        group: &LogGroupName,
        query: &LogQuery,
        next: Option<&str>,
    ) -> Result<LogPage, Failure>;
}

/// Several groups that are read together, each event once.
#[derive(Clone, Debug)]
pub struct Follower {
    groups: Vec<LogGroupName>,
    query: LogQuery,
    /// Events of each group that are known already and could be read again, with their moments.
    known: BTreeMap<(usize, String), Timestamp>,
}

/// What a look at several groups found.
#[derive(Debug, Default)]
pub struct Look {
    /// What is new, by time, with the place of its group among those that are followed.
    pub events: Vec<(usize, LogEvent)>,
    /// Groups that could not be read, or not to the end.
    pub failures: Vec<(usize, Failure)>,
    /// Groups of which more was found than a look takes.
    pub cut: Vec<usize>,
}

impl Follower {
    /// Follows these groups.
    pub fn new(groups: Vec<LogGroupName>, query: LogQuery) -> Self {
        Self { groups, query, known: BTreeMap::new() }
    }

    /// The groups, in the order in which a look counts them.
    pub fn groups(&self) -> &[LogGroupName] {
        &self.groups
    }

    /// What is there and was not told before: at most `most` events of each group, the oldest ones. What arrives later
    /// than what was told is found as long as it is no more than a minute older.
    pub async fn look(&mut self, logs: &dyn Logs, cell: &Cell<'_>, most: usize) -> Look {
        let mut look = Look::default();
        for number in 0..self.groups.len() {
            let mut next: Option<String> = None;
            let mut found = 0;
            loop {
                let page = logs.log_page(cell, &self.groups[number], &self.query, next.as_deref()).await;
                let page = match page {
                    Ok(page) => page,
                    Err(failure) => {
                        look.failures.push((number, failure));
                        break;
                    }
                };
                for event in page.events {
                    if self.known.insert((number, event.id.clone()), event.at).is_none() {
                        found += 1;
                        look.events.push((number, event));
                    }
                }
                // A search that does not get on would never end.
                let goes_on = page.next.is_some() && page.next != next;
                next = page.next;
                if found >= most && goes_on {
                    look.cut.push(number);
                }
                if !goes_on || found >= most {
                    break;
                }
            }
        }
        look.events.sort_by_key(|(_, event)| event.at);
        self.move_on(&look);
        look
    }

    /// Later looks begin where nothing can be missing any more; after one that was cut or failed, where it began.
    fn move_on(&mut self, look: &Look) {
        let Some(newest) = self.known.values().max().copied() else { return };
        if !look.cut.is_empty() || !look.failures.is_empty() {
            return;
        }
        let since = newest.checked_sub(LATENESS).unwrap_or(newest);
        self.query.since = Some(self.query.since.map_or(since, |before| before.max(since)));
        let since = self.query.since;
        self.known.retain(|_, at| since.is_none_or(|since| *at >= since));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_log_groups_are_told_from_others() {
        let lambda: LogGroupName = "/aws/lambda/fleetwright-prod-turn".parse().expect("a name");
        assert_eq!(lambda.as_str(), "/aws/lambda/fleetwright-prod-turn");
        for odd in ["", "a b", "a:*", &"x".repeat(513)] {
            assert_eq!(odd.parse::<LogGroupName>(), Err(NotALogGroup(odd.to_owned())));
        }
    }
}
