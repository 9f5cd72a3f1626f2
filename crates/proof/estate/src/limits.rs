//! Request rates: a token bucket per account, region, service and action, as AWS keeps them.
//!
//! EC2's buckets are published ("Request throttling for the Amazon EC2 API" in the EC2 Developer
//! Guide); those of the other services are not, or only in part, and are settings here.

mod rates;

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::call::Service;
use rates::rate;

pub use rates::throttled;

/// Whether request rates are enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// A call without a token is throttled.
    #[default]
    On,
    /// Every call passes.
    Off,
}

/// A token bucket's size and refill.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests that may come at once; at least 1.
    pub burst: f64,
    /// Requests per second of the estate's time in the long run; above 0.
    pub per_second: f64,
}

impl Rate {
    const fn new(burst: f64, per_second: f64) -> Self {
        Self { burst, per_second }
    }
}

/// A rate for some actions of a service, before the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateOverride {
    /// The service.
    pub service: Service,
    /// The actions, with `*` and `?`.
    pub action: String,
    /// Requests that may come at once; at least 1.
    pub burst: f64,
    /// Requests per second of the estate's time in the long run; above 0.
    pub per_second: f64,
}

/// Somebody else in the account who uses the same buckets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HiddenTenant {
    /// The share of every bucket it eats, from 0 to 0.95: of the burst at once, and of the refill
    /// on average, unevenly from second to second (seeded).
    pub share: f64,
}

/// Settings of the request rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Whether rates are enforced.
    pub enforcement: Enforcement,
    /// Systems Manager, per action. AWS publishes no number.
    pub ssm: Rate,
    /// STS, per action. AWS publishes 600 requests per second and account for all of STS.
    pub sts: Rate,
    /// IAM, per action. AWS publishes no number.
    pub iam: Rate,
    /// Organizations, per action. AWS publishes numbers for some actions only.
    pub organizations: Rate,
    /// Rates for single actions; the first that matches counts.
    pub overrides: Vec<RateOverride>,
    /// Somebody else who uses the same buckets.
    pub hidden_tenant: Option<HiddenTenant>,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            enforcement: Enforcement::On,
            ssm: Rate::new(10.0, 5.0),
            sts: Rate::new(600.0, 600.0),
            iam: Rate::new(20.0, 10.0),
            organizations: Rate::new(10.0, 5.0),
            overrides: Vec::new(),
            hidden_tenant: None,
        }
    }
}

/// Why limit settings are refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LimitError {
    /// A burst or refill out of bounds.
    #[error("limits: {place}: burst {burst} must be at least 1 and per_second {per_second} above 0")]
    Rate {
        /// Which setting.
        place: String,
        /// The burst given.
        burst: f64,
        /// The refill given.
        per_second: f64,
    },
    /// The hidden tenant's share is out of bounds.
    #[error("limits: hidden_tenant: share {0} must be from 0 to 0.95")]
    Share(f64),
}

/// What decides between EC2's two read rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadClass {
    /// Filtered and paginated, or not a read: the full rate.
    Paginated,
    /// Neither filtered nor paginated: half the rate.
    Unpaginated,
    /// Not requests but the instances they name (EC2 developer guide, "Resource rate limiting").
    Resources,
}

/// Which bucket a call draws from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Cell {
    /// The calling account.
    pub account: String,
    /// The region; `us-east-1` for global services.
    pub region: String,
    /// The service.
    pub service: Service,
    /// The action.
    pub action: &'static str,
    /// Which of EC2's read rates.
    pub class: ReadClass,
}

/// Whether a call may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// There was a token.
    Admitted,
    /// There was none, though there would have been one without the hidden tenant.
    ThrottledByTenant,
    /// There was none: the caller asked too often.
    ThrottledByCaller,
}

/// A bucket's history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BucketReport {
    /// Which bucket.
    #[serde(flatten)]
    pub cell: Cell,
    /// Calls admitted.
    pub admitted: u64,
    /// Calls throttled for want of a token.
    pub throttled: u64,
    /// The lowest number of tokens there ever were.
    pub lowest: f64,
}

/// All buckets.
#[derive(Debug)]
pub struct Limits {
    settings: LimitSettings,
    seed: u64,
    buckets: HashMap<Cell, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// Tokens there are.
    level: f64,
    /// Tokens there would be without the hidden tenant.
    alone: f64,
    at: Timestamp,
    admitted: u64,
    throttled: u64,
    lowest: f64,
    /// Where this bucket's tenant takes its unevenness from.
    tenant_seed: [u8; 32],
}

impl Limits {
    /// Buckets by these settings; the seed decides when the hidden tenant is hungry.
    ///
    /// # Errors
    /// A rate or a share is out of bounds.
    pub fn new(settings: LimitSettings, seed: u64) -> Result<Self, LimitError> {
        let named = [
            ("ssm", settings.ssm),
            ("sts", settings.sts),
            ("iam", settings.iam),
            ("organizations", settings.organizations),
        ];
        let overridden =
            settings.overrides.iter().map(|o| (o.action.as_str(), Rate::new(o.burst, o.per_second)));
        for (place, rate) in named.into_iter().chain(overridden) {
            let sound = rate.burst >= 1.0
                && rate.burst.is_finite()
                && rate.per_second > 0.0
                && rate.per_second.is_finite();
            if !sound {
                return Err(LimitError::Rate {
                    place: place.to_owned(),
                    burst: rate.burst,
                    per_second: rate.per_second,
                });
            }
        }
        if let Some(tenant) = settings.hidden_tenant
            && !(0.0..=0.95).contains(&tenant.share)
        {
            return Err(LimitError::Share(tenant.share));
        }
        Ok(Self { settings, seed, buckets: HashMap::new() })
    }

    /// Takes a token for one call.
    pub fn take(&mut self, cell: Cell, now: Timestamp) -> Admission {
        self.take_many(cell, 1, now)
    }

    /// Takes so many tokens at once, or none.
    pub fn take_many(&mut self, cell: Cell, count: u32, now: Timestamp) -> Admission {
        let wanted = f64::from(count);
        let share = self.settings.hidden_tenant.map_or(0.0, |t| t.share);
        let (settings, seed) = (&self.settings, self.seed);
        let bucket = self
            .buckets
            .entry(cell)
            .or_insert_with_key(|cell| Bucket::full(rate(settings, cell), cell, seed, share, now));
        bucket.refill(share, now);
        if self.settings.enforcement == Enforcement::Off {
            bucket.admitted += 1;
            return Admission::Admitted;
        }
        let alone_suffices = bucket.alone >= wanted;
        if alone_suffices {
            bucket.alone -= wanted;
        }
        if bucket.level >= wanted {
            bucket.level -= wanted;
            bucket.lowest = bucket.lowest.min(bucket.level);
            bucket.admitted += 1;
            return Admission::Admitted;
        }
        bucket.throttled += 1;
        if alone_suffices { Admission::ThrottledByTenant } else { Admission::ThrottledByCaller }
    }

    /// The history of every bucket, sorted.
    #[must_use]
    pub fn report(&self) -> Vec<BucketReport> {
        let mut report: Vec<BucketReport> = self
            .buckets
            .iter()
            .map(|(cell, b)| BucketReport {
                cell: cell.clone(),
                admitted: b.admitted,
                throttled: b.throttled,
                lowest: b.lowest,
            })
            .collect();
        report.sort_by(|a, b| a.cell.cmp(&b.cell));
        report
    }
}

impl Bucket {
    fn full(rate: Rate, cell: &Cell, seed: u64, share: f64, now: Timestamp) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        let class = format!("{:?}", cell.class);
        for part in ["tenant", &cell.account, &cell.region, cell.service.name(), cell.action, &class] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let level = (rate.burst * (1.0 - share)).max(1.0);
        Self {
            rate,
            level,
            alone: rate.burst,
            at: now,
            admitted: 0,
            throttled: 0,
            lowest: level,
            tenant_seed: hash.finalize().into(),
        }
    }

    /// Lets the time from the last call to `now` pass, second by second where the tenant's hunger
    /// changes.
    fn refill(&mut self, share: f64, now: Timestamp) {
        let passed = seconds_between(self.at, now);
        if passed <= 0.0 {
            return;
        }
        self.alone = (self.alone + passed * self.rate.per_second).min(self.rate.burst);
        let most = (self.rate.burst * (1.0 - share)).max(1.0);
        // A bucket is long full after this many seconds, whatever the tenant did before.
        let settled = 2.0 * self.rate.burst / (self.rate.per_second * (1.0 - share)) + 2.0;
        if share == 0.0 || passed > settled {
            let gained = passed * self.rate.per_second * (1.0 - share);
            self.level = (self.level + gained).min(most);
            self.at = now;
            return;
        }
        while self.at < now {
            let second = self.at.as_second();
            let end = Timestamp::from_second(second + 1).map_or(now, |next| next.min(now));
            let net = self.rate.per_second * (1.0 - self.hunger(share, second));
            self.level = (self.level + seconds_between(self.at, end) * net).clamp(0.0, most);
            self.at = end;
        }
        self.lowest = self.lowest.min(self.level);
    }

    /// The tenant's demand in one second as a share of the refill: `share` on average.
    fn hunger(&self, share: f64, second: i64) -> f64 {
        let mut hash = Sha256::new();
        hash.update(self.tenant_seed);
        hash.update(second.to_be_bytes());
        let draw = u16::from_be_bytes([hash.clone().finalize()[0], hash.finalize()[1]]);
        2.0 * share * f64::from(draw) / f64::from(u16::MAX)
    }
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn cell(service: Service, action: &'static str, class: ReadClass) -> Cell {
        Cell { account: "011122223333".to_owned(), region: "eu-central-1".to_owned(), service, action, class }
    }

    fn start() -> Timestamp {
        "2026-03-02T08:00:00Z".parse().expect("a time")
    }

    fn admitted_at_once(limits: &mut Limits, cell: &Cell, now: Timestamp) -> usize {
        (0..1000).take_while(|_| limits.take(cell.clone(), now) == Admission::Admitted).count()
    }

    #[test]
    fn a_paginated_read_has_twice_the_bucket_of_an_unpaginated_one() {
        let mut limits = Limits::new(LimitSettings::default(), 1).expect("limits");
        let paginated = cell(Service::Ec2, "DescribeInstances", ReadClass::Paginated);
        let plain = cell(Service::Ec2, "DescribeInstances", ReadClass::Unpaginated);
        assert_eq!(admitted_at_once(&mut limits, &paginated, start()), 100);
        assert_eq!(admitted_at_once(&mut limits, &plain, start()), 50);
        let later = start() + SignedDuration::from_secs(1);
        assert_eq!(admitted_at_once(&mut limits, &paginated, later), 20);
        assert_eq!(admitted_at_once(&mut limits, &plain, later), 10);
    }

    #[test]
    fn instances_started_draw_from_a_bucket_of_their_own() {
        let mut limits = Limits::new(LimitSettings::default(), 1).expect("limits");
        let resources = cell(Service::Ec2, "StartInstances", ReadClass::Resources);
        assert_eq!(limits.take_many(resources.clone(), 990, start()), Admission::Admitted);
        assert_eq!(limits.take_many(resources.clone(), 20, start()), Admission::ThrottledByCaller);
        let later = start() + SignedDuration::from_secs(5);
        assert_eq!(limits.take_many(resources, 20, later), Admission::Admitted, "two instances a second");
        let requests = cell(Service::Ec2, "StartInstances", ReadClass::Paginated);
        assert_eq!(admitted_at_once(&mut limits, &requests, later), 5);
    }

    #[test]
    fn a_throttle_of_the_callers_own_making_is_told_from_the_tenants() {
        let settings =
            LimitSettings { hidden_tenant: Some(HiddenTenant { share: 0.5 }), ..LimitSettings::default() };
        let mut limits = Limits::new(settings, 7).expect("limits");
        let cell = cell(Service::Ssm, "DescribeInstanceInformation", ReadClass::Paginated);
        assert_eq!(admitted_at_once(&mut limits, &cell, start()), 5);
        assert_eq!(limits.take(cell.clone(), start()), Admission::ThrottledByTenant);
        for _ in 0..10 {
            limits.take(cell.clone(), start());
        }
        assert_eq!(limits.take(cell, start()), Admission::ThrottledByCaller);
    }

    #[test]
    fn a_tenant_halves_the_rate_in_the_long_run() {
        let settings =
            LimitSettings { hidden_tenant: Some(HiddenTenant { share: 0.5 }), ..LimitSettings::default() };
        let mut limits = Limits::new(settings, 7).expect("limits");
        let cell = cell(Service::Ec2, "DescribeInstances", ReadClass::Paginated);
        let admitted = (0..20_000)
            .filter(|tick| {
                let now = start() + SignedDuration::from_millis(tick * 10);
                limits.take(cell.clone(), now) == Admission::Admitted
            })
            .count();
        // 200 s at 10 per second and a burst of 50; hunger above the refill costs a little more.
        assert!((1700..=2250).contains(&admitted), "{admitted}");
        assert!(limits.report().iter().all(|b| b.lowest >= 0.0));
    }

    #[test]
    fn limits_can_be_switched_off_and_overridden() {
        let off = LimitSettings { enforcement: Enforcement::Off, ..LimitSettings::default() };
        let tags = cell(Service::Ec2, "CreateTags", ReadClass::Paginated);
        let mut limits = Limits::new(off, 1).expect("limits");
        assert_eq!(admitted_at_once(&mut limits, &tags, start()), 1000);
        let overridden: LimitSettings = toml::from_str(
            "[[overrides]]\nservice = \"ec2\"\naction = \"Create*\"\nburst = 3\nper_second = 1",
        )
        .expect("settings");
        let mut limits = Limits::new(overridden, 1).expect("limits");
        assert_eq!(admitted_at_once(&mut limits, &tags, start()), 3);
    }

    #[test]
    fn senseless_settings_are_refused() {
        let settings = LimitSettings { ssm: Rate::new(0.0, 5.0), ..LimitSettings::default() };
        let error = Limits::new(settings, 1).expect_err("refused");
        assert!(error.to_string().starts_with("limits: ssm: burst 0"));
        let settings =
            LimitSettings { hidden_tenant: Some(HiddenTenant { share: 1.0 }), ..LimitSettings::default() };
        assert_eq!(Limits::new(settings, 1).expect_err("refused"), LimitError::Share(1.0));
    }
}
