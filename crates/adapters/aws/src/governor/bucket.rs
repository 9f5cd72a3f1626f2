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

/// A token bucket that never admits earlier than a bucket of the same size and refill would, fed at
/// the same moments.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Tokens, in units of [`REQUEST`].
    level: u64,
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
            filled_to: now.as_nanosecond(),
            rate: nominal,
            nominal,
            burst,
            cuts: 0,
            admitted: 0,
        }
    }

    /// How long until a request may be admitted; zero if one may be now.
    pub(super) fn wait(&mut self, now: Timestamp) -> Duration {
        self.fill(now);
        Duration::from_nanos(REQUEST.saturating_sub(self.level).div_ceil(self.rate))
    }

    /// Takes one token; `None` where there is none now.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<Ticket> {
        self.fill(now);
        self.level = self.level.checked_sub(REQUEST)?;
        let ticket = Ticket { cuts: self.cuts, number: self.admitted };
        self.admitted += 1;
        Some(ticket)
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

    /// Admission times of requests that come `gaps` nanoseconds after one another and wait in line.
    fn admissions(bucket: &mut Bucket, gaps: &[u64]) -> Vec<u64> {
        let (mut now, mut arrival) = (0, 0);
        gaps.iter()
            .map(|gap| {
                arrival += gap;
                now = arrival.max(now);
                now += bucket.wait(at(now)).as_nanos() as u64;
                bucket.take(at(now)).expect("there is a token after waiting as told");
                now
            })
            .collect()
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
        assert_eq!(bucket.wait(at(0)), Duration::from_millis(500));
        assert!(bucket.take(at(400_000_000)).is_none());
        assert!(bucket.take(at(500_000_000)).is_some());
    }

    #[test]
    fn throttling_halves_the_rate_once_per_round_and_success_brings_it_back() {
        let mut bucket = Bucket::full(10, 10.0, at(0));
        let tickets: Vec<Ticket> = (0..5).map(|_| bucket.take(at(0)).expect("burst")).collect();
        for ticket in tickets {
            bucket.throttled(ticket, at(0));
        }
        assert_eq!(bucket.wait(at(0)), Duration::from_millis(200), "5 per second: cut once, not five times");
        for _ in 0..100 {
            bucket.answered(at(0));
        }
        assert_eq!(bucket.wait(at(0)), Duration::from_millis(100));
    }

    #[test]
    fn the_rate_never_falls_below_a_tenth() {
        let mut bucket = Bucket::full(1, 5.0, at(0));
        let mut now = 0;
        for _ in 0..50 {
            now += bucket.wait(at(now)).as_nanos() as u64;
            let ticket = bucket.take(at(now)).expect("waited");
            bucket.throttled(ticket, at(now));
        }
        assert_eq!(bucket.wait(at(now)), Duration::from_secs(2));
    }

    proptest! {
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
