//! Messages, clocks and connections that stories begin with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_notifiers::{Endpoint, Outbound, Reach};
use fleetwright_notify::{Batch, Kind, Message, Notice, Severity, Templates};
use fleetwright_ports::Clock;
use jiff::Timestamp;

/// A clock that stands still, and on which no waiting ends.
pub(crate) struct Standing;

pub(crate) fn now() -> Timestamp {
    "2026-11-01T02:00:00Z".parse().expect("a time")
}

#[async_trait]
impl Clock for Standing {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}

/// A clock on which every waiting is over at once.
pub(crate) struct Hasty;

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep(&self, _: Duration) {}
}

/// A clock on which waits are over at once and time goes on by them. Only the limit of a request, ten
/// seconds here, is never reached.
pub(crate) struct Passing(Mutex<Timestamp>);

impl Passing {
    pub(crate) fn from_now() -> Arc<Self> {
        Arc::new(Self(Mutex::new(now())))
    }

    pub(crate) fn pass(&self, time: Duration) {
        *self.0.lock().expect("no test panics while it looks") += time;
    }
}

#[async_trait]
impl Clock for Passing {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no test panics while it looks")
    }

    async fn sleep(&self, time: Duration) {
        if time == LIMIT {
            std::future::pending::<()>().await;
        }
        self.pass(time);
    }
}

/// The limit of a request.
const LIMIT: Duration = Duration::from_secs(10);

pub(crate) const HERE: Reach = Reach { loopback: true, private: false };

pub(crate) fn outbound(reach: Reach) -> Outbound {
    on(Arc::new(Standing), reach)
}

pub(crate) fn on(clock: Arc<dyn Clock>, reach: Reach) -> Outbound {
    Outbound::new(reach, clock, LIMIT, "fleetwright/test", None).expect("this machine has roots")
}

pub(crate) fn endpoint(url: &str) -> Endpoint {
    Endpoint::parse(url, HERE).expect("an address of this machine")
}

/// What people hear of a host that failed, with a name that tries everything.
pub(crate) fn message(title: &str) -> Message {
    let failed = Notice {
        kind: Kind::HostFailed,
        title: title.to_owned(),
        message: Some("<!channel> *bold* [x](https://evil.example) & {{ 7 }}".to_owned()),
        ..Notice::test("run-20261101T020000Z-4f1a", "a story", Severity::Error, now())
    };
    of(vec![failed])
}

pub(crate) fn of(notices: Vec<Notice>) -> Message {
    let batch = Batch { number: 1, attempt: 1, notices, more: BTreeMap::new() };
    Message::of(&batch, "chat", &Templates::ours()).0
}

/// A message as long as any can be.
pub(crate) fn long_message() -> Message {
    let one = |number: usize| Notice {
        kind: Kind::HostFailed,
        message: Some("\"ö\"".repeat(140)),
        title: format!("i-{number:017x}: failed at patch"),
        ..Notice::test("run-1", "a story", Severity::Error, now())
    };
    of((0..60).map(one).collect())
}
