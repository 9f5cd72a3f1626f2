//! Our log beside CloudTrail's.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright_model::Text;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::cloudtrail::Event;
use crate::record::{Answer, CallResult, Entry, Intent, Record};

/// How far clocks may be apart where a call has no request id to be found by.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(2);
/// How long after its record a call in doubt may have arrived.
const LATEST: SignedDuration = SignedDuration::from_mins(15);

/// A call as our log has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The number of the record before it was sent.
    pub record: u64,
    /// When.
    pub at: Timestamp,
    /// What was meant.
    pub intent: Intent,
    /// What came of it; none where it is in doubt.
    pub answer: Option<Answer>,
}

impl Call {
    fn is_of_kubernetes(&self) -> bool {
        self.intent.action.starts_with("kubernetes:")
    }

    fn request_id(&self) -> Option<&Text> {
        self.answer.as_ref()?.request_id.as_ref()
    }

    /// True where the log alone does not say whether it took effect.
    fn is_open(&self) -> bool {
        self.answer.as_ref().is_none_or(|answer| answer.result == CallResult::Unknown)
    }
}

/// The calls of a log, in its order.
pub fn calls(records: &[Record]) -> Vec<Call> {
    let mut calls: BTreeMap<u64, Call> = BTreeMap::new();
    for record in records {
        match &record.entry {
            Entry::Before(intent) => {
                let call =
                    Call { record: record.sequence, at: record.at, intent: intent.clone(), answer: None };
                calls.insert(record.sequence, call);
            }
            Entry::After(answer) => {
                if let Some(call) = calls.get_mut(&answer.call) {
                    call.answer = Some(answer.clone());
                }
            }
            Entry::Opened(_) | Entry::Writer(_) => {}
        }
    }
    calls.into_values().collect()
}

/// What both logs say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// Calls that both have, by their request ids.
    pub both: u64,
    /// Calls without an answer in our log of which CloudTrail knows, and what it knows.
    pub settled: Vec<Settled>,
    /// Calls of ours that CloudTrail does not have although its files reach over their time.
    pub ours_only: Vec<Call>,
    /// Calls of ours that never left, or were in doubt, and that CloudTrail does not have either: they
    /// did not happen.
    pub never_happened: u64,
    /// Calls of ours at times or in places these files say nothing of; what is asked of a cluster's own API is in the
    /// cluster's audit log and never in CloudTrail.
    pub not_covered: u64,
    /// Changes by the principals of our log that our log does not have.
    pub theirs_only: Vec<Event>,
}

impl Reconciliation {
    /// True where neither log has a call that the other lacks.
    pub fn agrees(&self) -> bool {
        self.ours_only.is_empty() && self.theirs_only.is_empty()
    }
}

/// A call in doubt, settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// The number of our record before the call.
    pub record: u64,
    /// CloudTrail's request id.
    pub request_id: Option<Text>,
    /// Why it failed; none where it was done.
    pub error_code: Option<Text>,
}

/// Holds the calls of a log against CloudTrail's events.
pub fn reconcile(calls: &[Call], events: &[Event]) -> Reconciliation {
    let mut found = Reconciliation::default();
    let mut free = Free::of(events);
    let covered = Coverage::of(events);
    let mut open = Vec::new();
    for call in calls {
        match call.request_id() {
            _ if call.is_of_kubernetes() => found.not_covered += 1,
            Some(id) if free.take_id(id) => found.both += 1,
            Some(_) if covered.covers(call) => found.ours_only.push(call.clone()),
            Some(_) => found.not_covered += 1,
            None => open.push(call),
        }
    }
    // Only what no id claimed can be the trace of a call without one.
    for call in open {
        match free.take_like(call) {
            Some(event) => found.settled.push(Settled {
                record: call.record,
                request_id: event.request_id.clone(),
                error_code: event.error_code.clone(),
            }),
            None if covered.covers(call) => found.never_happened += 1,
            None => found.not_covered += 1,
        }
    }
    let ours: BTreeSet<String> = calls.iter().map(|call| principal(&call.intent.actor.session)).collect();
    found.theirs_only = free.left().filter(|event| is_ours(event, &ours)).cloned().collect();
    found
}

fn is_ours(event: &Event, ours: &BTreeSet<String>) -> bool {
    event.may_change() && event.user_identity.arn.as_deref().is_some_and(|arn| ours.contains(&principal(arn)))
}

/// The principal of a session: a role's sessions are told apart by their last part.
fn principal(arn: &str) -> String {
    match arn.contains(":assumed-role/") {
        true => arn.rsplit_once('/').map_or(arn, |(role, _)| role).to_owned(),
        false => arn.to_owned(),
    }
}

/// Events that no call of ours has claimed.
struct Free<'a> {
    events: &'a [Event],
    taken: Vec<bool>,
    /// An event may be delivered more than once.
    by_id: BTreeMap<&'a str, Vec<usize>>,
    by_action: BTreeMap<(String, &'a str), Vec<usize>>,
}

impl<'a> Free<'a> {
    fn of(events: &'a [Event]) -> Self {
        let (mut by_id, mut by_action) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for (index, event) in events.iter().enumerate() {
            if let Some(id) = event.request_id.as_deref() {
                by_id.entry(id).or_default().push(index);
            }
            by_action.entry((event.action(), event.aws_region.as_ref())).or_default().push(index);
        }
        Self { events, taken: vec![false; events.len()], by_id, by_action }
    }

    /// Claims every delivery of the event with that request id; false where there is none left.
    fn take_id(&mut self, id: &str) -> bool {
        let found = self.by_id.remove(id).unwrap_or_default();
        found.iter().for_each(|index| self.taken[*index] = true);
        !found.is_empty()
    }

    /// The first event that can be this call: same action, place and principal, at about its time.
    fn take_like(&mut self, call: &Call) -> Option<&'a Event> {
        if !call.is_open() {
            return None;
        }
        let intent = &call.intent;
        let key = (intent.action.to_string(), intent.region.as_ref());
        let candidates = self.by_action.get(&key)?;
        let who = principal(&intent.actor.session);
        let fits = |event: &Event| {
            let arn = event.user_identity.arn.as_deref();
            event.account().is_none_or(|account| *account == intent.account)
                && arn.is_some_and(|arn| principal(arn) == who)
                && event.event_time >= earlier(call.at)
                && event.event_time <= later(call.at)
        };
        let found =
            candidates.iter().copied().find(|index| !self.taken[*index] && fits(&self.events[*index]))?;
        let event = &self.events[found];
        self.taken[found] = true;
        if let Some(id) = event.request_id.as_deref() {
            self.take_id(id);
        }
        Some(event)
    }

    fn left(&self) -> impl Iterator<Item = &'a Event> {
        self.events.iter().zip(&self.taken).filter(|(_, taken)| !**taken).map(|(event, _)| event)
    }
}

fn earlier(at: Timestamp) -> Timestamp {
    at.checked_sub(TOLERANCE).unwrap_or(Timestamp::MIN)
}

fn later(at: Timestamp) -> Timestamp {
    at.checked_add(LATEST).unwrap_or(Timestamp::MAX)
}

/// Which accounts, regions and services the files speak of, and when.
struct Coverage<'a> {
    from: Timestamp,
    to: Timestamp,
    places: BTreeSet<(&'a str, &'a str)>,
    object_storage: bool,
}

impl<'a> Coverage<'a> {
    fn of(events: &'a [Event]) -> Self {
        let times = events.iter().map(|event| event.event_time);
        let place = |event: &'a Event| Some((event.account()?.as_ref(), event.aws_region.as_ref()));
        Self {
            from: times.clone().min().unwrap_or(Timestamp::MAX),
            to: times.max().unwrap_or(Timestamp::MIN),
            places: events.iter().filter_map(place).collect(),
            // Changes of objects are data events, which most trails do not keep.
            object_storage: events.iter().any(|event| &*event.event_source == "s3.amazonaws.com"),
        }
    }

    fn covers(&self, call: &Call) -> bool {
        let intent = &call.intent;
        let second = SignedDuration::from_secs(1);
        let from = self.from.checked_sub(second).unwrap_or(Timestamp::MIN);
        (from..=later(self.to).min(self.to.checked_add(second).unwrap_or(Timestamp::MAX))).contains(&call.at)
            && self.places.contains(&(intent.account.as_ref(), intent.region.as_ref()))
            && (self.object_storage || !intent.action.starts_with("s3:"))
    }
}
