//! The arithmetic of one token bucket, in whole numbers, with additive increase and multiplicative
//! decrease (AIMD) on throttling. Knows no clock: every method is told the time.

use std::time::Duration;

use jiff::Timestamp;

/// One request, in the unit of `level`: micro-requests per second times nanoseconds.
const REQUEST: u64 = 1_000_000_000_000_000;
/// A rate is never cut below its nominal value divided by this.
const FLOOR_DIVISOR: u64 = 10;
/// A success gives back the nominal rate divided by this.
const RECOVERY_DIVISOR: u64 = 200;
/// Upper bound of a burst, so that a full bucket fits its unit.
const LARGEST_BURST: u32 = 10_000;
/// Upper bound of a rate in requests per second.
const LARGEST_RATE: f64 = 1_000_000.0;

/// A token bucket that never admits what a bucket of the same size and refill could refuse, whenever
/// between admission and answer a request arrives there.
///
/// The later a request arrives, the longer the far bucket may have been full and lost its refill. So
/// a request counts as in flight until its answer is here, and takes its token only then.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Tokens, in units of [`REQUEST`], those of requests in flight included.
    level: u64,
    /// Requests admitted and not yet landed.
    in_flight: u64,
    /// Nanoseconds since the epoch up to which `level` is filled.
    filled_to: i128,
    /// Micro-requests per second now.
    rate: u64,
    /// Micro-requests per second when nobody throttles.
    nominal: u64,
    /// Tokens the bucket holds when nobody throttles.
    burst: u64,
    /// How many times the rate was cut.
    cuts: u64,
    /// How many requests were admitted.
    admitted: u64,
}

/// What has to happen before the next request may be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Nothing.
    Now,
    /// Tokens have to be refilled for this long.
    Refill(Duration),
    /// A request in flight has to land: the bucket holds no more than are under way.
    Landing,
}

/// What an admission needs to know when its answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    cuts: u64,
    /// The number of the admission in its bucket, from 0.
    pub(super) number: u64,
}

impl Bucket {
    /// A full bucket. `burst` below 1 counts as 1; a rate of 0 or less counts as one request in ten
    /// minutes, so that nothing waits for ever.
    pub(super) fn full(burst: u32, per_second: f64, now: Timestamp) -> Self {
        let burst = u64::from(burst.clamp(1, LARGEST_BURST)) * REQUEST;
        let nominal = (per_second.clamp(1.0 / 600.0, LARGEST_RATE) * 1e6) as u64;
        Self {
            level: burst,
            in_flight: 0,
            filled_to: now.as_nanosecond(),
            rate: nominal,
            nominal,
            burst,
            cuts: 0,
            admitted: 0,
        }
    }

    /// What the next request has to wait for.
    pub(super) fn until(&mut self, now: Timestamp) -> Until {
        self.fill(now);
        let needed = REQUEST.saturating_mul(self.in_flight + 1);
        match needed.saturating_sub(self.level) {
            0 => Until::Now,
            _ if needed > self.capacity() => Until::Landing,
            missing => Until::Refill(Duration::from_nanos(missing.div_ceil(self.rate))),
        }
    }

    /// Admits a request; `None` where none may be now.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<Ticket> {
        if self.until(now) != Until::Now {
            return None;
        }
        self.in_flight += 1;
        let ticket = Ticket { cuts: self.cuts, number: self.admitted };
        self.admitted += 1;
        Some(ticket)
    }

    /// The request is no longer under way: it took its token at the latest now.
    pub(super) fn landed(&mut self, now: Timestamp) {
        self.fill(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        self.level = self.level.saturating_sub(REQUEST);
    }

    /// The request was throttled: half the rate, and no burst until the rate is back. Requests that
    /// were in flight when the rate was cut tell nothing new and do not cut it again.
    pub(super) fn throttled(&mut self, ticket: Ticket, now: Timestamp) {
        if ticket.cuts != self.cuts {
            return;
        }
        self.fill(now);
        self.cuts += 1;
        self.rate = (self.rate / 2).max(self.nominal / FLOOR_DIVISOR).max(1);
        self.level = 0;
    }

    /// The request was answered: a little of the rate comes back.
    pub(super) fn answered(&mut self, now: Timestamp) {
        if self.rate < self.nominal {
            self.fill(now);
            self.rate = (self.rate + (self.nominal / RECOVERY_DIVISOR).max(1)).min(self.nominal);
        }
    }

    fn capacity(&self) -> u64 {
        if self.rate < self.nominal { REQUEST } else { self.burst }
    }

    /// Adds what has been refilled since. A clock that steps back adds nothing.
    fn fill(&mut self, now: Timestamp) {
        let now = now.as_nanosecond();
        let passed = u128::try_from(now - self.filled_to).unwrap_or(0);
        self.filled_to = now;
        let gained = passed.saturating_mul(u128::from(self.rate));
        let level = u128::from(self.level).saturating_add(gained).min(u128::from(self.capacity()));
        self.level = u64::try_from(level).unwrap_or(self.burst);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(nanoseconds: u64) -> Timestamp {
        Timestamp::from_nanosecond(1_790_000_000_000_000_000 + i128::from(nanoseconds)).expect("in range")
    }

    /// Admission times of requests that come `gaps` nanoseconds after one another, wait in line and
    /// land at once.
    fn admissions(bucket: &mut Bucket, gaps: &[u64]) -> Vec<u64> {
        let (mut now, mut arrival) = (0, 0);
        gaps.iter()
            .map(|gap| {
                arrival += gap;
                now = arrival.max(now);
                now += refill(bucket, now);
                bucket.take(at(now)).expect("there is a token after waiting as told");
                bucket.landed(at(now));
                now
            })
            .collect()
    }

    /// How long the bucket wants to be refilled.
    fn refill(bucket: &mut Bucket, now: u64) -> u64 {
        match bucket.until(at(now)) {
            Until::Now => 0,
            Until::Refill(wait) => u64::try_from(wait.as_nanos()).expect("short"),
            Until::Landing => panic!("nothing is in flight"),
        }
    }

    /// A bucket as AWS has it: takes a token when a request arrives, refuses without one.
    struct Far {
        level: u128,
        at: u64,
        burst: u128,
        per_second: u128,
    }

    impl Far {
        fn arrives(&mut self, now: u64) -> bool {
            let gained = u128::from(now - self.at) * self.per_second;
            self.level = (self.level + gained).min(self.burst * 1_000_000_000);
            self.at = now;
            let admitted = self.level >= 1_000_000_000;
            self.level -= if admitted { 1_000_000_000 } else { 0 };
            admitted
        }
    }

    #[test]
    fn a_rest_fills_the_bucket_but_never_beyond_its_burst() {
        let mut bucket = Bucket::full(3, 1.0, at(0));
        let times = admissions(&mut bucket, &[0, 0, 0, 3_600_000_000_000, 0, 0, 0]);
        assert_eq!(times[2], 0, "three at once");
        assert_eq!(times[5], times[3], "three at once after the rest");
        assert_eq!(times[6] - times[3], 1_000_000_000, "the fourth waits for its token");
    }

    #[test]
    fn a_clock_that_steps_back_neither_gives_tokens_nor_stalls() {
        let mut bucket = Bucket::full(1, 2.0, at(10_000_000_000));
        bucket.take(at(10_000_000_000)).expect("full");
        bucket.landed(at(10_000_000_000));
        assert_eq!(bucket.until(at(0)), Until::Refill(Duration::from_millis(500)));
        assert!(bucket.take(at(400_000_000)).is_none());
        assert!(bucket.take(at(500_000_000)).is_some());
    }

    #[test]
    fn throttling_halves_the_rate_once_per_round_and_success_brings_it_back() {
        let mut bucket = Bucket::full(10, 10.0, at(0));
        let tickets: Vec<Ticket> = (0..5).map(|_| bucket.take(at(0)).expect("burst")).collect();
        for ticket in tickets {
            bucket.throttled(ticket, at(0));
            bucket.landed(at(0));
        }
        let halved = Until::Refill(Duration::from_millis(200));
        assert_eq!(bucket.until(at(0)), halved, "5 per second: cut once, not five times");
        for _ in 0..100 {
            bucket.answered(at(0));
        }
        assert_eq!(bucket.until(at(0)), Until::Refill(Duration::from_millis(100)));
    }

    #[test]
    fn the_rate_never_falls_below_a_tenth() {
        let mut bucket = Bucket::full(1, 5.0, at(0));
        let mut now = 0;
        for _ in 0..50 {
            now += refill(&mut bucket, now);
            let ticket = bucket.take(at(now)).expect("waited");
            bucket.throttled(ticket, at(now));
            bucket.landed(at(now));
        }
        assert_eq!(bucket.until(at(now)), Until::Refill(Duration::from_secs(2)));
    }

    #[test]
    fn a_bucket_that_is_all_under_way_waits_for_a_landing() {
        let mut bucket = Bucket::full(2, 1.0, at(0));
        bucket.take(at(0)).expect("one");
        bucket.take(at(0)).expect("two");
        assert_eq!(bucket.until(at(3_600_000_000_000)), Until::Landing, "however long it takes");
        bucket.landed(at(3_600_000_000_000));
        assert_eq!(bucket.until(at(3_600_000_000_000)), Until::Refill(Duration::from_secs(1)));
    }

    proptest! {
        /// Requests arrive late, each by its own delay, and their answers come later still.
        #[test]
        fn no_request_is_refused_however_late_it_arrives(
            burst in 1u32..20,
            per_second in 1u32..50,
            trips in proptest::collection::vec((0u64..200_000_000, 0u64..2_000_000_000, 0u64..500_000_000), 1..120),
        ) {
            let mut bucket = Bucket::full(burst, f64::from(per_second), at(0));
            let full = u128::from(burst);
            let mut far = Far { level: full * 1_000_000_000, at: 0, burst: full, per_second: u128::from(per_second) };
            let (mut now, mut arrivals, mut landings) = (0u64, Vec::new(), Vec::<u64>::new());
            for (gap, delay, back) in trips {
                now += gap;
                loop {
                    landings.sort_unstable();
                    while landings.first().is_some_and(|landing| *landing <= now) {
                        bucket.landed(at(landings.remove(0)));
                    }
                    match bucket.until(at(now)) {
                        Until::Now => break,
                        Until::Refill(wait) => {
                            let refilled = now + u64::try_from(wait.as_nanos()).expect("short");
                            now = landings.first().map_or(refilled, |landing| refilled.min(*landing));
                        }
                        Until::Landing => now = *landings.first().expect("something is under way"),
                    }
                }
                bucket.take(at(now)).expect("admitted as told");
                arrivals.push(now + delay);
                landings.push(now + delay + back);
            }
            arrivals.sort_unstable();
            for arrival in arrivals {
                prop_assert!(far.arrives(arrival), "refused at {arrival}");
            }
        }

        #[test]
        fn no_window_sees_more_than_burst_and_refill(
            burst in 1u32..50,
            per_second in 1u32..100,
            gaps in proptest::collection::vec(0u64..200_000_000, 1..150),
        ) {
            let mut bucket = Bucket::full(burst, f64::from(per_second), at(0));
            let times = admissions(&mut bucket, &gaps);
            for (first, start) in times.iter().enumerate() {
                for (last, end) in times.iter().enumerate().skip(first) {
                    let admitted = (last - first + 1) as u128 * 1_000_000_000;
                    let allowed = u128::from(burst) * 1_000_000_000 + u128::from(per_second) * u128::from(end - start);
                    prop_assert!(admitted <= allowed, "{admitted} > {allowed} from {start} to {end}");
                }
            }
        }
    }
}
