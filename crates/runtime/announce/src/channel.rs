//! One channel: its queue, and the task that empties it.

use std::sync::Arc;
use std::time::Duration;

use fleetwright_model::Text;
use fleetwright_notify::{Batch, Ended, Limits, Message, Notice, Outbox, Templates, Tried};
use fleetwright_ports::{Again, Clock, NotSent, Notifier};
use jiff::Timestamp;
use tokio::sync::mpsc::Receiver;

/// A channel, ready to be used.
#[derive(Clone)]
pub struct Channel {
    /// Its name.
    pub name: Text,
    /// What delivers there.
    pub notifier: Arc<dyn Notifier>,
    /// In which words.
    pub templates: Templates,
    /// How often.
    pub limits: Limits,
}

/// What became of what a channel was to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelAccount {
    /// Its name.
    pub channel: Text,
    /// Messages that were delivered.
    pub messages: u64,
    /// Notices they stood for.
    pub delivered: u64,
    /// Notices nobody was told.
    pub undelivered: u64,
    /// Why not, the last time.
    pub why: Option<String>,
    /// What is wrong with a template, where one was not used.
    pub template: Option<String>,
}

/// The task of a channel.
pub(crate) struct Delivery {
    channel: Channel,
    clock: Arc<dyn Clock>,
    outbox: Outbox,
    account: ChannelAccount,
    /// When no more is waited for; none while the run goes on.
    until: Option<Timestamp>,
    drain: Duration,
}

impl Delivery {
    pub(crate) fn new(channel: Channel, clock: Arc<dyn Clock>, drain: Duration) -> Self {
        let outbox = Outbox::new(channel.limits);
        let account = ChannelAccount { channel: channel.name.clone(), ..ChannelAccount::default() };
        Self { channel, clock, outbox, account, until: None, drain }
    }

    /// Delivers until there is nothing left to deliver, or no time.
    pub(crate) async fn run(mut self, mut notices: Receiver<Notice>) -> ChannelAccount {
        loop {
            let now = self.clock.now();
            if self.until.is_some_and(|until| until <= now || self.outbox.is_empty()) {
                break;
            }
            if let Some(batch) = self.outbox.next(now) {
                self.deliver(batch, &mut notices).await;
                continue;
            }
            let wake = [self.outbox.wake_at(), self.until].into_iter().flatten().min();
            let wait = wake.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
            let clock = Arc::clone(&self.clock);
            let sleep = async move {
                match wait {
                    Some(wait) => clock.sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                notice = notices.recv(), if self.until.is_none() => self.take(notice),
                () = sleep => {}
            }
        }
        for batch in self.outbox.leave() {
            self.give_up(&batch, None);
        }
        self.account
    }

    /// Takes what comes, or notes that nothing more will.
    fn take(&mut self, notice: Option<Notice>) {
        let now = self.clock.now();
        match notice {
            Some(notice) => self.outbox.offer(notice, now),
            None => {
                let drain = jiff::SignedDuration::try_from(self.drain).unwrap_or_default();
                self.until = Some(now.saturating_add(drain).unwrap_or(now));
                self.outbox.hurry(now);
            }
        }
    }

    /// One attempt. What comes meanwhile is taken in: the queue never fills because somebody is slow.
    async fn deliver(&mut self, batch: Batch, notices: &mut Receiver<Notice>) {
        let (message, wrong) = Message::of(&batch, &self.channel.name, &self.channel.templates);
        if let Some(wrong) = wrong {
            tracing::warn!(channel = %self.channel.name, error = %wrong, "a template was not used");
            self.account.template = Some(wrong.to_string());
        }
        let notifier = Arc::clone(&self.channel.notifier);
        let sending = notifier.send(&message);
        tokio::pin!(sending);
        let clock = Arc::clone(&self.clock);
        let sent = loop {
            let until = self.until;
            let over = async {
                match until {
                    Some(until) => {
                        let left = until.duration_since(clock.now());
                        clock.sleep(Duration::try_from(left).unwrap_or_default()).await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                sent = &mut sending => break Some(sent),
                notice = notices.recv(), if self.until.is_none() => self.take(notice),
                () = over => break None,
            }
        };
        let Some(sent) = sent else { return };
        let (tried, why) = match sent {
            Ok(()) => (Tried::Delivered, None),
            Err(failure) => (tried(&failure), Some(failure)),
        };
        match self.outbox.tried(tried, self.clock.now()) {
            Some(Ended::Delivered(batch)) => {
                self.account.messages += 1;
                self.account.delivered += batch.count();
            }
            Some(Ended::GivenUp(batch)) => self.give_up(&batch, why),
            None => self.account.why = why.map(|why| why.message),
        }
    }

    fn give_up(&mut self, batch: &Batch, why: Option<NotSent>) {
        self.account.undelivered += batch.count();
        let why = why.map(|why| why.message).or(self.account.why.take());
        let why = why.unwrap_or_else(|| "there was no more time at the end of the run".to_owned());
        tracing::warn!(channel = %self.channel.name, notices = batch.count(), %why, "not delivered");
        self.account.why = Some(why);
    }
}

fn tried(failure: &NotSent) -> Tried {
    match failure.again {
        Again::Later => Tried::Failed(None),
        Again::After(wait) => Tried::Failed(Some(wait)),
        Again::Never => Tried::Refused,
    }
}
