//! Our clock as the SDK wants it.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use fleetwright_ports::Clock;
use futures::FutureExt;
use jiff::Timestamp;

use crate::call::Caller;

/// Our clocks in the SDK's terms: it tells credentials' time and waits by the work's.
#[derive(Clone)]
pub(crate) struct SdkTime {
    time: Arc<dyn Clock>,
    sleep: Arc<dyn Clock>,
}

impl SdkTime {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self { time: Arc::clone(&caller.credential_clock), sleep: Arc::clone(&caller.clock) }
    }
}

impl fmt::Debug for SdkTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SdkTime")
    }
}

impl TimeSource for SdkTime {
    fn now(&self) -> SystemTime {
        SystemTime::from(self.time.now())
    }
}

impl AsyncSleep for SdkTime {
    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = Arc::clone(&self.sleep);
        // The SDK wants a future that is `Sync`; ours is polled by one owner only.
        let mut waiting = Mutex::new(async move { clock.sleep(duration).await }.boxed());
        Sleep::new(poll_fn(move |context| {
            waiting.get_mut().unwrap_or_else(PoisonError::into_inner).poll_unpin(context)
        }))
    }
}

/// A time stamp of an answer; `None` where it is outside the calendar.
pub(crate) fn timestamp(time: &aws_smithy_types::DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}
