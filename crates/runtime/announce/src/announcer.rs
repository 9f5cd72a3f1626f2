//! From what a driver shows to what channels are told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleetwright_engine::{LaneName, Watcher};
use fleetwright_flow::{Illegal, Record, Run, Signal};
use fleetwright_model::Text;
use fleetwright_notify::{Notice, Routes, Teller};
use fleetwright_ports::Clock;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinHandle;

use crate::channel::{Channel, ChannelAccount, Delivery};

/// Notices that wait for a channel's task, which empties its queue at every turn.
const QUEUE: usize = 10_000;

/// What became of everything that was to be told, channel by channel.
pub type Account = Vec<ChannelAccount>;

/// Looks on at a run and has people told of it.
pub struct Announcer {
    teller: Mutex<Teller>,
    routes: Routes,
    queues: BTreeMap<Text, Queue>,
}

struct Queue {
    notices: Sender<Notice>,
    task: JoinHandle<ChannelAccount>,
    /// Notices there was no room for.
    lost: Mutex<u64>,
}

impl Announcer {
    /// Begins to deliver. `drain` is how long the end of the run waits for what is on its way. Must be
    /// called within a tokio runtime.
    pub fn start(
        teller: Teller,
        routes: Routes,
        channels: Vec<Channel>,
        clock: &Arc<dyn Clock>,
        drain: Duration,
    ) -> Self {
        let queue = |one: Channel| {
            let (notices, receiver) = channel(QUEUE);
            let name = one.name.clone();
            let task = tokio::spawn(Delivery::new(one, Arc::clone(clock), drain).run(receiver));
            (name, Queue { notices, task, lost: Mutex::default() })
        };
        Self { teller: Mutex::new(teller), routes, queues: channels.into_iter().map(queue).collect() }
    }

    /// Has a notice told through the routes that take it.
    pub fn announce(&self, notice: &Notice) {
        for name in self.routes.channels(notice) {
            let Some(queue) = self.queues.get(name) else { continue };
            if queue.notices.try_send(notice.clone()).is_err() {
                *lock(&queue.lost) += 1;
            }
        }
    }

    /// Waits until everything is told or given up, for a bounded time, and says what became of it.
    pub async fn finish(self) -> Account {
        let mut account = Vec::new();
        let (mut tasks, mut all_lost) = (Vec::new(), Vec::new());
        for (name, Queue { notices, task, lost }) in self.queues {
            drop(notices);
            tasks.push((name, task));
            all_lost.push(lost.into_inner().unwrap_or_else(PoisonError::into_inner));
        }
        for ((channel, task), lost) in tasks.into_iter().zip(all_lost) {
            let mut of_channel = task.await.unwrap_or_else(|error| ChannelAccount {
                channel,
                undelivered: 1,
                why: Some(format!("its task ended: {error}")),
                ..ChannelAccount::default()
            });
            if lost > 0 {
                of_channel.undelivered += lost;
                of_channel.why.get_or_insert_with(|| "more happened at once than could be kept".to_owned());
            }
            account.push(of_channel);
        }
        account
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watcher for Announcer {
    fn recorded(&self, records: &[Record], run: &Run) {
        for notice in lock(&self.teller).notices(records, run) {
            self.announce(&notice);
        }
    }
}

/// Two that look on, one after the other.
pub struct Both<'a>(pub &'a dyn Watcher, pub &'a dyn Watcher);

impl Watcher for Both<'_> {
    fn recorded(&self, records: &[Record], run: &Run) {
        self.0.recorded(records, run);
        self.1.recorded(records, run);
    }

    fn waiting(&self, lane: LaneName<'_>, for_what: &BTreeMap<Text, usize>) {
        self.0.waiting(lane, for_what);
        self.1.waiting(lane, for_what);
    }

    fn declined(&self, signal: Signal, by: &str, why: Illegal) {
        self.0.declined(signal, by, why);
        self.1.declined(signal, by, why);
    }
}
