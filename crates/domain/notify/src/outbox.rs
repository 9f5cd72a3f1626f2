//! What one channel still has to be told: grouped, no faster than its rate, tried again, and never
//! more than it can hold.
//!
//! A notice that is urgent goes at once, unless something went a moment ago; the others wait a little
//! for company. While a delivery is under way or waits to be tried again, what happens meanwhile is
//! gathered for the next one. Nothing is forgotten: what does not fit is told as a number, and what is
//! given up is handed back to whoever asks.

use std::collections::{BTreeMap, VecDeque};

use fleetwright_model::Text;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::notice::{Kind, Notice, Severity};

/// How a channel is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long notices wait for company.
    pub group: SignedDuration,
    /// From which severity on a notice does not wait.
    pub immediate: Severity,
    /// Deliveries per hour at most, in the long run; at least 1.
    pub per_hour: u32,
    /// Deliveries one after the other at most; at least 1.
    pub burst: u32,
    /// Notices of single hosts in one delivery at most; the others are told as numbers.
    pub shown: usize,
    /// Attempts at one delivery, the first included; at least 1.
    pub attempts: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            group: SignedDuration::from_secs(30),
            immediate: Severity::Error,
            per_hour: 60,
            burst: 10,
            shown: 20,
            attempts: 6,
        }
    }
}

/// The first wait after an attempt that failed, and the longest; each is twice the one before.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(2);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(5);

/// Notices that are told as a number, by what they have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Uncounted {
    /// What happened.
    pub kind: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Text>,
}

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The delivery's number at this channel, from 1. With the run and the channel it names the message
    /// for those who must not take it twice.
    pub number: u64,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What is told.
    pub notices: Vec<Notice>,
    /// What is told as numbers.
    pub more: BTreeMap<Uncounted, u64>,
}

impl Batch {
    /// How many notices it stands for.
    pub fn count(&self) -> u64 {
        self.notices.len() as u64 + self.more.values().sum::<u64>()
    }
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It was delivered.
    Delivered,
    /// It was not, and may be tried again, no earlier than so long from now where the other side said so.
    Failed(Option<SignedDuration>),
    /// It was not, and trying again will not help.
    Refused,
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Somebody was told.
    Delivered(Batch),
    /// Nobody was.
    GivenUp(Batch),
}

/// What one channel still has to be told.
#[derive(Clone, Debug)]
pub struct Outbox {
    limits: Limits,
    waiting: VecDeque<Notice>,
    more: BTreeMap<Uncounted, u64>,
    /// When the waiting are due by grouping alone.
    due: Option<Timestamp>,
    /// The delivery under way or waiting to be tried again, and when that may be; none while it is out.
    current: Option<(Batch, Option<Timestamp>)>,
    numbered: u64,
    last_sent: Option<Timestamp>,
    /// Deliveries that may be begun, in parts of an hour's length, and when that was counted.
    tokens: f64,
    counted_at: Option<Timestamp>,
}

impl Outbox {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            more: BTreeMap::new(),
            due: None,
            current: None,
            numbered: 0,
            last_sent: None,
            tokens: f64::from(limits.burst.max(1)),
            counted_at: None,
        }
    }

    /// Takes a notice.
    pub fn offer(&mut self, notice: Notice, now: Timestamp) {
        let urgent = notice.severity >= self.limits.immediate;
        let alone = self.last_sent.is_none_or(|sent| sent + self.limits.group <= now);
        let due = match (urgent, self.last_sent) {
            (true, _) if alone => now,
            (true, Some(sent)) => sent + self.limits.group,
            _ => now + self.limits.group,
        };
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
        let of_hosts = self.waiting.iter().filter(|notice| notice.kind.is_of_host()).count();
        if notice.kind.is_of_host() && of_hosts >= self.limits.shown {
            self.fold(notice);
        } else {
            self.waiting.push_back(notice);
        }
    }

    /// Beyond what is shown, the less severe make room for the more severe.
    fn fold(&mut self, notice: Notice) {
        let least = self.waiting.iter().enumerate().filter(|(_, waiting)| waiting.kind.is_of_host());
        let least = least.min_by_key(|(at, waiting)| (waiting.severity, std::cmp::Reverse(*at)));
        let folded = match least {
            Some((at, least)) if least.severity < notice.severity => {
                let folded = self.waiting.remove(at);
                self.waiting.push_back(notice);
                folded
            }
            _ => Some(notice),
        };
        if let Some(Notice { kind, severity, code, .. }) = folded {
            *self.more.entry(Uncounted { kind, severity, code }).or_default() += 1;
        }
    }

    /// The delivery to make now, if one is due. It is out until [`Self::tried`] says what came of it.
    pub fn next(&mut self, now: Timestamp) -> Option<Batch> {
        if let Some((batch, again_at)) = &mut self.current {
            let again = again_at.is_some_and(|at| at <= now);
            return again.then(|| {
                *again_at = None;
                batch.clone()
            });
        }
        if self.waiting.is_empty() || self.due.is_none_or(|due| now < due) || !self.take_token(now) {
            return None;
        }
        self.due = None;
        self.numbered += 1;
        self.last_sent = Some(now);
        let batch = Batch {
            number: self.numbered,
            attempt: 1,
            notices: self.waiting.drain(..).collect(),
            more: std::mem::take(&mut self.more),
        };
        self.current = Some((batch.clone(), None));
        Some(batch)
    }

    /// Takes in what came of the delivery that is out; answers with its end, where this was it.
    pub fn tried(&mut self, tried: Tried, now: Timestamp) -> Option<Ended> {
        let (mut batch, _) = self.current.take()?;
        match tried {
            Tried::Delivered => Some(Ended::Delivered(batch)),
            Tried::Refused => Some(Ended::GivenUp(batch)),
            Tried::Failed(_) if batch.attempt >= self.limits.attempts => Some(Ended::GivenUp(batch)),
            Tried::Failed(asked) => {
                let doublings = (batch.attempt - 1).min(16);
                let own = (FIRST_WAIT * (1_i32 << doublings)).min(LONGEST_WAIT);
                let wait = asked.unwrap_or_default().min(SignedDuration::from_hours(1)).max(own);
                batch.attempt += 1;
                self.current = Some((batch, Some(now + wait)));
                None
            }
        }
    }

    /// When to look again; none while a delivery is out or nothing waits.
    pub fn wake_at(&self) -> Option<Timestamp> {
        match &self.current {
            Some((_, again_at)) => *again_at,
            None => {
                let due = self.due.filter(|_| !self.waiting.is_empty())?;
                Some(due.max(self.token_at(due)))
            }
        }
    }

    /// True where nothing waits and nothing is out.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.current.is_none()
    }

    /// From now on nothing waits for company: the run is over, and its summary is what people wait for.
    pub fn hurry(&mut self, now: Timestamp) {
        self.due = self.due.map(|due| due.min(now));
    }

    /// Everything that was not told, when there is no more time to.
    pub fn leave(&mut self) -> Vec<Batch> {
        let current = self.current.take().map(|(batch, _)| batch);
        let rest = (!self.waiting.is_empty()).then(|| Batch {
            number: self.numbered + 1,
            attempt: 1,
            notices: self.waiting.drain(..).collect(),
            more: std::mem::take(&mut self.more),
        });
        current.into_iter().chain(rest).collect()
    }

    fn token_length(&self) -> f64 {
        3600.0 / f64::from(self.limits.per_hour.max(1))
    }

    fn tokens_at(&self, now: Timestamp) -> f64 {
        let burst = f64::from(self.limits.burst.max(1));
        let since = self.counted_at.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0));
        (self.tokens + since / self.token_length()).min(burst)
    }

    fn take_token(&mut self, now: Timestamp) -> bool {
        // A millionth less is a whole one: the wait for it was rounded to nanoseconds.
        const WHOLE: f64 = 1.0 - 1e-6;
        let tokens = self.tokens_at(now);
        (self.tokens, self.counted_at) = (tokens, Some(now));
        if tokens < WHOLE {
            return false;
        }
        self.tokens = (tokens - 1.0).max(0.0);
        true
    }

    /// The first moment from `from` on at which a delivery may be begun.
    fn token_at(&self, from: Timestamp) -> Timestamp {
        let from = self.counted_at.map_or(from, |counted| counted.max(from));
        let missing = (1.0 - self.tokens_at(from)).max(0.0);
        from + SignedDuration::try_from_secs_f64(missing * self.token_length()).unwrap_or(LONGEST_WAIT)
    }
}
