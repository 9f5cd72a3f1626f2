use fleetwright_clock::VirtualClock;
use fleetwright_model::{AccountId, Region};
use futures::future::join_all;

use super::*;
use crate::operations::{DESCRIBE_INSTANCES, DESCRIBE_PATCH_BASELINES};
use crate::options::RateSetting;
use crate::place::Scope;

fn place(account: &str) -> Place {
    Place {
        scope: Scope::Account(AccountId::new(account).expect("valid")),
        region: Region::new("eu-central-1").expect("valid"),
    }
}

fn governor(options: AwsOptions) -> (Governor, Arc<dyn Clock>) {
    let start = "2026-11-01T02:00:00Z".parse().expect("valid");
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(start));
    (Governor::new(Arc::new(options), Arc::clone(&clock)), clock)
}

fn rates(burst: u32, per_second: f64) -> AwsOptions {
    let rates = [("ec2:*".to_owned(), RateSetting { burst, per_second })].into();
    AwsOptions { rates, ..AwsOptions::default() }
}

fn seconds_since(start: Timestamp, clock: &Arc<dyn Clock>) -> f64 {
    clock.now().duration_since(start).as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn calls_through_a_bucket_finish_when_its_refill_allows() {
    let (governor, clock) = governor(rates(20, 10.0));
    let (start, here) = (clock.now(), place("111122223333"));
    join_all((0..69).map(|_| async { drop(governor.admit(&DESCRIBE_INSTANCES, &here).await) })).await;
    assert_eq!(seconds_since(start, &clock), 5.0, "19 at once, the other 50 at ten per second");
    assert_eq!(governor.usage().operations["ec2:DescribeInstances"].attempts, 69);
}

#[tokio::test(start_paused = true)]
async fn accounts_and_operations_do_not_wait_for_one_another() {
    let (governor, clock) = governor(rates(2, 0.1));
    let start = clock.now();
    for account in ["111122223333", "444455556666"] {
        drop(governor.admit(&DESCRIBE_INSTANCES, &place(account)).await);
        drop(governor.admit(&DESCRIBE_PATCH_BASELINES, &place(account)).await);
    }
    assert_eq!(clock.now(), start);
}

#[tokio::test(start_paused = true)]
async fn the_line_before_a_bucket_is_served_in_order() {
    let (governor, _) = governor(rates(1, 1.0));
    let (here, order) = (place("111122223333"), Mutex::new(Vec::new()));
    join_all((0..6).map(|n| {
        let (governor, here, order) = (&governor, &here, &order);
        async move {
            drop(governor.admit(&DESCRIBE_INSTANCES, here).await);
            lock(order).push(n);
        }
    }))
    .await;
    assert_eq!(*lock(&order), [0, 1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_takes_no_token() {
    let (governor, clock) = governor(rates(1, 1.0));
    let (start, here) = (clock.now(), place("111122223333"));
    drop(governor.admit(&DESCRIBE_INSTANCES, &here).await);
    {
        let waiting = std::pin::pin!(governor.admit(&DESCRIBE_INSTANCES, &here));
        let patience = clock.sleep(Duration::from_millis(300));
        assert!(matches!(
            futures::future::select(waiting, patience).await,
            futures::future::Either::Right(_)
        ));
    }
    drop(governor.admit(&DESCRIBE_INSTANCES, &here).await);
    assert_eq!(seconds_since(start, &clock), 1.0);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_in_flight_than_allowed() {
    let (governor, clock) = governor(AwsOptions { max_concurrency: 3, ..rates(100, 100.0) });
    let (start, here) = (clock.now(), place("111122223333"));
    join_all((0..9).map(|_| async {
        let admission = governor.admit(&DESCRIBE_INSTANCES, &here).await;
        clock.sleep(Duration::from_secs(1)).await;
        drop(admission);
    }))
    .await;
    assert_eq!(seconds_since(start, &clock), 3.0, "nine calls of a second, three at a time");
}

/// AWS's side: a bucket of 100 and 20 per second, of which somebody else takes ten per second.
struct Shared {
    level: f64,
    filled_to: Timestamp,
}

impl Shared {
    fn takes(&mut self, now: Timestamp) -> bool {
        let passed = now.duration_since(self.filled_to).as_secs_f64();
        self.filled_to = now;
        self.level = (self.level + passed * (20.0 - 10.0)).min(50.0);
        let taken = self.level >= 1.0;
        if taken {
            self.level -= 1.0;
        }
        taken
    }
}

#[tokio::test(start_paused = true)]
async fn a_hidden_tenant_slows_us_down_but_we_finish_with_few_throttles() {
    let (governor, clock) = governor(AwsOptions::default());
    let (start, here) = (clock.now(), place("111122223333"));
    let aws = Mutex::new(Shared { level: 50.0, filled_to: start });
    join_all((0..2_000).map(|_| async {
        loop {
            let admission = governor.admit(&DESCRIBE_INSTANCES, &here).await;
            let taken = lock(&aws).takes(clock.now());
            let outcome = if taken { Outcome::Answered } else { Outcome::Throttled };
            governor.ended(&DESCRIBE_INSTANCES, &admission, outcome);
            if taken {
                break;
            }
        }
    }))
    .await;
    let (spent, usage) = (seconds_since(start, &clock), governor.usage().total());
    let bound = (2_000.0 - 50.0) / 10.0;
    assert!(spent < bound * 1.5, "{spent} s against {bound} s at best");
    assert!(usage.throttles * 20 < usage.attempts, "{} throttles in {}", usage.throttles, usage.attempts);
}
