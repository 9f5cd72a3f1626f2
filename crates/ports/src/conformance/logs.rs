//! The contract of [`Logs`](crate::Logs).

use fleetwright_model::{Cell, ErrorClass};
use jiff::SignedDuration;

use crate::Logs;
use crate::logs::{Follower, LogEvent, LogGroupName, LogQuery};

/// What the suite needs to be there: a group whose events are these, from old to new, each a second after the one
/// before, among them one that has the word `ERROR`, and at least three.
pub struct Expected {
    /// The group.
    pub group: LogGroupName,
    /// Its events: when, and what.
    pub events: Vec<(jiff::Timestamp, String)>,
}

async fn all(logs: &dyn Logs, cell: &Cell<'_>, group: &LogGroupName, query: &LogQuery) -> Vec<LogEvent> {
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let page = logs.log_page(cell, group, query, next.as_deref()).await.expect("a page");
        found.extend(page.events);
        next = page.next;
        if next.is_none() {
            return found;
        }
    }
}

fn told(events: &[LogEvent]) -> Vec<(jiff::Timestamp, String)> {
    events.iter().map(|event| (event.at, event.message.clone())).collect()
}

/// Runs the whole suite, which changes nothing.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(logs: &dyn Logs, cell: &Cell<'_>, expected: &Expected) {
    let Expected { group, events } = expected;
    let found = all(logs, cell, group, &LogQuery::default()).await;
    assert_eq!(told(&found), *events, "all pages, from old to new");
    let ids: std::collections::BTreeSet<&str> = found.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), found.len(), "an id names one event");

    let inner = LogQuery { since: Some(events[1].0), until: Some(events[events.len() - 2].0), pattern: None };
    let within = all(logs, cell, group, &inner).await;
    assert_eq!(told(&within), events[1..events.len() - 1], "both ends belong to a span");

    let query = LogQuery { pattern: Some("ERROR".to_owned()), ..LogQuery::default() };
    let wrong = all(logs, cell, group, &query).await;
    let meant: Vec<_> = events.iter().filter(|(_, text)| text.contains("ERROR")).cloned().collect();
    assert_eq!(told(&wrong), meant, "a pattern is kept to");

    let never: LogGroupName = "/fleetwright/conformance/never".parse().expect("a name");
    let nowhere = logs.log_page(cell, &never, &LogQuery::default(), None).await.expect_err("there is none");
    assert_eq!(nowhere.class, ErrorClass::NotFound, "{nowhere}");

    follows(logs, cell, expected).await;
}

async fn follows(logs: &dyn Logs, cell: &Cell<'_>, expected: &Expected) {
    let Expected { group, events } = expected;
    let since = events[0].0.checked_sub(SignedDuration::from_secs(1)).ok();
    let query = LogQuery { since, ..LogQuery::default() };
    let never = "/fleetwright/conformance/never".parse().expect("a name");
    let mut follower = Follower::new(vec![group.clone(), never], query);
    let first = follower.look(logs, cell, usize::MAX).await;
    let found: Vec<LogEvent> = first.events.into_iter().map(|(_, event)| event).collect();
    assert_eq!(told(&found), *events, "what can be read is told though a group is not there");
    assert_eq!(first.failures.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1]);
    let again = follower.look(logs, cell, usize::MAX).await;
    assert_eq!(again.events, [], "an event is told once");
}
