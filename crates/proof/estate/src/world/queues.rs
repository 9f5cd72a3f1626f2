//! SQS of one region: standard queues and their messages.
//!
//! Rules: SQS developer guide, "Amazon SQS visibility timeout" and "Using dead-letter queues in Amazon SQS". A
//! message is given out in the order of sending, and once for each time that it is visible.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::command::uuid;
use super::notifications::Attribute;
use crate::generate::seed::Seed;

/// How long a deleted queue's name cannot be used, and how long a purge may take.
pub const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Queues of a region.
#[derive(Debug, Default)]
pub struct Queues {
    /// By name.
    pub by_name: BTreeMap<String, Queue>,
    /// When queues were deleted, by name.
    pub deleted: BTreeMap<String, Timestamp>,
    /// Messages sent so far, which their ids derive from.
    pub sent: u64,
}

/// A queue.
#[derive(Debug)]
pub struct Queue {
    /// What it was told to be, by attribute.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// How it treats messages.
    pub settings: Settings,
    /// Messages that were not deleted, in the order of sending.
    pub messages: Vec<Message>,
    /// When it was made.
    pub created: Timestamp,
    /// When its attributes last changed.
    pub changed: Timestamp,
    /// When it was last purged.
    pub purged: Option<Timestamp>,
}

/// How a queue treats messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a new message waits.
    pub delay: SignedDuration,
    /// How long a message that was given out is nobody else's.
    pub visibility: SignedDuration,
    /// How long a message is kept.
    pub retention: SignedDuration,
    /// Bytes of a message with its attributes, at most.
    pub max_bytes: usize,
    /// Where messages go that are given out too often.
    pub redrive: Option<Redrive>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delay: SignedDuration::ZERO,
            visibility: SignedDuration::from_secs(30),
            retention: SignedDuration::from_hours(4 * 24),
            max_bytes: 1_024 * 1_024,
            redrive: None,
        }
    }
}

/// Where messages go that are given out too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// Name of the queue for dead letters, of the same account and region.
    pub queue: String,
    /// How often a message is given out, at most.
    pub max_receives: u64,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id, a UUID.
    pub id: String,
    /// The text.
    pub body: String,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// The group it was sent with, if any.
    pub group: Option<String>,
    /// ARN of the principal, or name of the service, that sent it.
    pub sender: String,
    /// When it was sent.
    pub sent: Timestamp,
    /// From when on it can be given out.
    pub visible: Timestamp,
    /// How often it was given out.
    pub received: u64,
    /// When it was first given out.
    pub first_received: Option<Timestamp>,
    /// ARN of the queue that it came from as a dead letter.
    pub came_from: Option<String>,
}

/// A message that is to be sent.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// The text.
    pub body: String,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// The group, if any.
    pub group: Option<String>,
    /// Who sends it.
    pub sender: String,
    /// How long it waits, where that is not as the queue says.
    pub delay: Option<SignedDuration>,
}

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new(attributes: BTreeMap<String, String>, settings: Settings, now: Timestamp) -> Self {
        Self {
            attributes,
            settings,
            tags: BTreeMap::new(),
            messages: Vec::new(),
            created: now,
            changed: now,
            purged: None,
        }
    }

    /// Drops the messages that were kept long enough.
    pub fn forget(&mut self, now: Timestamp) {
        let retention = self.settings.retention;
        self.messages.retain(|message| after(message.sent, retention) > now);
    }

    /// How many messages could be given out, were given out, and wait for their delay.
    #[must_use]
    pub fn counts(&self, now: Timestamp) -> [usize; 3] {
        let mut counts = [0; 3];
        for message in &self.messages {
            let of = match (message.visible <= now, message.received) {
                (true, _) => 0,
                (false, 1..) => 1,
                (false, 0) => 2,
            };
            counts[of] += 1;
        }
        counts
    }
}

/// A moment that is so much later.
#[must_use]
pub fn after(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl Queues {
    /// Sends a message; its id is drawn below `seed`. None where there is no such queue.
    pub fn send(&mut self, seed: &Seed, name: &str, outgoing: Outgoing, now: Timestamp) -> Option<String> {
        let queue = self.by_name.get_mut(name)?;
        let id = uuid(seed.child("queue").child(name).nth(self.sent as usize).stream().random());
        self.sent += 1;
        queue.messages.push(Message {
            id: id.clone(),
            body: outgoing.body,
            attributes: outgoing.attributes,
            group: outgoing.group,
            sender: outgoing.sender,
            sent: now,
            visible: after(now, outgoing.delay.unwrap_or(queue.settings.delay)),
            received: 0,
            first_received: None,
            came_from: None,
        });
        Some(id)
    }

    /// Gives out up to `most` messages, which are then nobody else's for a while. One that was given out too
    /// often goes to the queue for dead letters instead, where there is one. `arn` is the queue's.
    pub fn receive(
        &mut self,
        (name, arn): (&str, &str),
        most: usize,
        visibility: Option<SignedDuration>,
        now: Timestamp,
    ) -> Vec<Message> {
        let Some(queue) = self.by_name.get(name) else { return Vec::new() };
        let redrive = queue.settings.redrive.clone().filter(|it| self.by_name.contains_key(&it.queue));
        let Some(queue) = self.by_name.get_mut(name) else { return Vec::new() };
        queue.forget(now);
        let hidden_until = after(now, visibility.unwrap_or(queue.settings.visibility));
        let (mut given, mut dead) = (Vec::new(), Vec::new());
        let mut kept = Vec::with_capacity(queue.messages.len());
        for mut message in std::mem::take(&mut queue.messages) {
            let free = message.visible <= now && given.len() < most;
            match &redrive {
                Some(redrive) if free && message.received >= redrive.max_receives => {
                    message.came_from = Some(arn.to_owned());
                    message.received = 0;
                    dead.push(message);
                    continue;
                }
                _ if free => {
                    message.received += 1;
                    message.first_received = message.first_received.or(Some(now));
                    message.visible = hidden_until;
                    given.push(message.clone());
                }
                _ => {}
            }
            kept.push(message);
        }
        queue.messages = kept;
        if let Some(target) = redrive.and_then(|redrive| self.by_name.get_mut(&redrive.queue)) {
            target.messages.append(&mut dead);
        }
        given
    }
}
