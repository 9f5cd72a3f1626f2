//! Faults on purpose: rules that say which calls go wrong, when, and how.

mod fields;
pub mod mishap;

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::call::Service;
use crate::policy::pattern;
use fields::FaultFields;

pub use fields::FaultError;
pub use mishap::{Affected, Mishap, Mishaps};

/// The reads that can answer from an earlier state; those of DynamoDB unless they ask for a
/// consistent one.
pub const STALE_READS: [(Service, &str); 10] = [
    (Service::Ec2, "DescribeImages"),
    (Service::Ec2, "DescribeInstances"),
    (Service::Ec2, "DescribeInstanceStatus"),
    (Service::Ec2, "DescribeReplaceRootVolumeTasks"),
    (Service::Ec2, "DescribeSnapshots"),
    (Service::Ec2, "DescribeVolumes"),
    (Service::DynamoDb, "BatchGetItem"),
    (Service::DynamoDb, "GetItem"),
    (Service::DynamoDb, "Query"),
    (Service::DynamoDb, "Scan"),
];

/// The writes that another transaction can refuse.
pub const CONFLICTING_WRITES: [&str; 4] = ["DeleteItem", "PutItem", "TransactWriteItems", "UpdateItem"];

/// One rule: which calls, when, and what happens to them.
///
/// In TOML and JSON it is flat: `kind`, then any of `account`, `region`, `service`, `action`
/// (`*` and `?` are wildcards), `nth`, `probability`, `times`, `from`, `until`; `status` belongs
/// to `server_error`, `delay_ms` to `slow`, `seconds` to `stale_read`, `instance` to mishaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FaultFields", into = "FaultFields")]
pub struct FaultRule {
    /// Which calls.
    pub scope: Scope,
    /// Which of those calls, counted per account, region and action, so that calls running side
    /// by side do not change which are hit; none means every one.
    pub nth: Option<Nth>,
    /// The chance of each call that is left, from 0 to 1; drawn from the seed.
    pub probability: Option<f64>,
    /// How often the rule strikes at most, over all calls.
    pub times: Option<u64>,
    /// Not before this time of the estate.
    pub from: Option<Timestamp>,
    /// No longer at this time of the estate.
    pub until: Option<Timestamp>,
    /// What happens.
    pub effect: Effect,
}

/// Which calls a rule is about; every part is a pattern with `*` and `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The calling account; for AssumeRole the role's account counts as well.
    pub account: String,
    /// The region; `us-east-1` for global services.
    pub region: String,
    /// The service by its signing name: `ec2`, `ssm`, `sts`, `iam`, `organizations`.
    pub service: String,
    /// The action, e.g. `Describe*`.
    pub action: String,
    /// The instance by its id or `Name` tag; for mishaps only.
    pub instance: String,
}

/// Which calls by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nth {
    /// Every n-th call.
    Every(u64),
    /// The n-th call only, counted from 1.
    Exactly(u64),
    /// The first n calls.
    First(u64),
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Throttled, as the service words it.
    Throttle,
    /// An internal error with this status, 500 or 503; nothing has happened.
    ServerError {
        /// The HTTP status.
        status: u16,
    },
    /// Denied as by a policy.
    Denied,
    /// The call takes effect, then the connection closes without an answer.
    LostReply,
    /// The answer comes late, by the estate's time.
    Slow {
        /// How late.
        delay: Duration,
    },
    /// The answer's body is cut in the middle.
    Malformed,
    /// The page token has expired; strikes only calls that carry one.
    BadToken,
    /// The credentials have expired.
    ExpiredCredentials,
    /// The answer shows the world as it was; strikes only the [`STALE_READS`].
    StaleRead {
        /// How long ago, by the estate's time; from a second to an hour.
        age: Duration,
    },
    /// Somebody else's transaction has the items that the call would write: DynamoDB refuses it, and
    /// nothing is done.
    TransactionConflict,
    /// The function that the call invokes goes wrong.
    Function(FunctionFault),
    /// Something goes wrong with a resource, whatever becomes of the call.
    Mishap(Mishap),
}

/// How a function goes wrong. That it does its work and the answer gets lost is
/// [`Effect::LostReply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionFault {
    /// Its process is killed before it does anything.
    Crashes,
    /// It does its work, and does not answer in its time.
    TimesOut,
    /// It is run twice for the same request, one run after the other.
    RunsTwice,
}

/// The call a rule is held against.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The calling account.
    pub account: &'a str,
    /// The account of the role to be assumed, for AssumeRole.
    pub role_account: Option<&'a str>,
    /// The region.
    pub region: &'a str,
    /// The service.
    pub service: Service,
    /// The action.
    pub action: &'a str,
    /// Whether the call carries a page token.
    pub page: Page,
}

/// Whether a call asks for the first page or a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// No page token.
    First,
    /// A page token.
    Later,
}

/// The rules in force, with what they have counted.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    added: u64,
    rules: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    rule: FaultRule,
    /// Part of the seed of its draws.
    number: u64,
    struck: u64,
    seen: HashMap<String, u64>,
}

impl Faults {
    /// The rules at the beginning; the seed decides the draws.
    #[must_use]
    pub fn new(rules: Vec<FaultRule>, seed: u64) -> Self {
        let mut faults = Self { seed, added: 0, rules: Vec::new() };
        for rule in rules {
            faults.add(rule);
        }
        faults
    }

    /// Adds a rule behind the others.
    pub fn add(&mut self, rule: FaultRule) {
        self.added += 1;
        self.rules.push(Active { rule, number: self.added, struck: 0, seen: HashMap::new() });
    }

    /// Removes every rule and returns how many there were.
    pub fn clear(&mut self) -> usize {
        let count = self.rules.len();
        self.rules.clear();
        count
    }

    /// The rules in force.
    pub fn rules(&self) -> impl Iterator<Item = &FaultRule> {
        self.rules.iter().map(|active| &active.rule)
    }

    /// The rules about calls that never struck.
    pub fn idle(&self) -> impl Iterator<Item = &FaultRule> {
        let about_calls = |active: &&Active| !matches!(active.rule.effect, Effect::Mishap(_));
        self.rules.iter().filter(about_calls).filter(|active| active.struck == 0).map(|active| &active.rule)
    }

    /// What happens to this call: the first rule that strikes decides. Every rule that is about
    /// the call counts it, whether it strikes or not.
    pub fn strike(&mut self, subject: &Subject<'_>, now: Timestamp) -> Option<Effect> {
        let seed = self.seed;
        let mut decided = None;
        for active in &mut self.rules {
            if !active.rule.is_about(subject, now) {
                continue;
            }
            let strikes = active.count_and_judge(subject, seed);
            if decided.is_none() && strikes {
                active.struck += 1;
                decided = Some(active.rule.effect);
            }
        }
        decided
    }
}

impl FaultRule {
    fn is_about(&self, subject: &Subject<'_>, now: Timestamp) -> bool {
        let account = pattern::matches(&self.scope.account, subject.account)
            || subject.role_account.is_some_and(|role| pattern::matches(&self.scope.account, role));
        account
            && pattern::matches(&self.scope.region, subject.region)
            && subject.service.is_named(&self.scope.service)
            && pattern::matches(&self.scope.action, subject.action)
            && self.effect.can_strike(subject)
            && self.in_force(now)
    }

    fn in_force(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| now >= from) && self.until.is_none_or(|until| now < until)
    }
}

impl Effect {
    /// True where the call is of the kind this effect is for.
    fn can_strike(self, subject: &Subject<'_>) -> bool {
        match self {
            Self::BadToken => subject.page == Page::Later,
            Self::Mishap(_) => false,
            Self::TransactionConflict => {
                subject.service == Service::DynamoDb && CONFLICTING_WRITES.contains(&subject.action)
            }
            Self::Function(_) => subject.service == Service::Lambda && subject.action == "Invoke",
            Self::StaleRead { .. } => STALE_READS.contains(&(subject.service, subject.action)),
            _ => true,
        }
    }
}

impl Active {
    fn count_and_judge(&mut self, subject: &Subject<'_>, seed: u64) -> bool {
        let cell = format!(
            "{}/{}/{}/{}/{}",
            subject.account,
            subject.role_account.unwrap_or(""),
            subject.region,
            subject.service.name(),
            subject.action
        );
        let draw_of = self.rule.probability.map(|_| cell.clone());
        let n = self.seen.entry(cell).or_default();
        *n += 1;
        let by_number = match self.rule.nth {
            None => true,
            Some(Nth::Every(every)) => n.is_multiple_of(every),
            Some(Nth::Exactly(exactly)) => *n == exactly,
            Some(Nth::First(first)) => *n <= first,
        };
        let by_chance = match (self.rule.probability, draw_of) {
            (Some(p), Some(cell)) => draw(seed, self.number, &cell, *n) < p,
            _ => true,
        };
        by_number && by_chance && self.rule.times.is_none_or(|times| self.struck < times)
    }
}

/// A number from 0 up to but not including 1 that depends on nothing but its arguments.
fn draw(seed: u64, rule: u64, cell: &str, n: u64) -> f64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(rule.to_be_bytes());
    hash.update(n.to_be_bytes());
    hash.update(cell.as_bytes());
    let digest = hash.finalize();
    let bits = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> FaultRule {
        toml::from_str(text).expect("a fault rule")
    }

    fn subject(account: &str) -> Subject<'_> {
        Subject {
            account,
            role_account: None,
            region: "eu-central-1",
            service: Service::Ec2,
            action: "DescribeInstances",
            page: Page::First,
        }
    }

    fn hits(faults: &mut Faults, account: &str, calls: usize) -> Vec<usize> {
        let now = "2026-03-02T08:00:00Z".parse().expect("a time");
        (1..=calls).filter(|_| faults.strike(&subject(account), now).is_some()).collect()
    }

    #[test]
    fn every_second_call_is_counted_per_account() {
        let mut faults = Faults::new(vec![rule("kind = \"throttle\"\nnth = { every = 2 }")], 1);
        assert_eq!(hits(&mut faults, "011122223333", 5), [2, 4]);
        assert_eq!(hits(&mut faults, "222233334444", 3), [2]);
    }

    #[test]
    fn a_rule_strikes_its_scope_only_and_no_oftener_than_it_may() {
        let text = "kind = \"denied\"\naccount = \"0*\"\naction = \"Describe*\"\ntimes = 2";
        let mut faults = Faults::new(vec![rule(text)], 1);
        assert!(hits(&mut faults, "222233334444", 3).is_empty());
        assert_eq!(faults.idle().count(), 1);
        assert_eq!(hits(&mut faults, "011122223333", 4), [1, 2]);
        assert_eq!(faults.idle().count(), 0);
    }

    #[test]
    fn chance_is_the_seeds() {
        let make = |seed| Faults::new(vec![rule("kind = \"lost_reply\"\nprobability = 0.3")], seed);
        let once = hits(&mut make(5), "011122223333", 1000);
        assert_eq!(once, hits(&mut make(5), "011122223333", 1000));
        assert_ne!(once, hits(&mut make(6), "011122223333", 1000));
        assert!((230..370).contains(&once.len()), "{}", once.len());
    }

    #[test]
    fn a_bad_token_needs_a_token() {
        let mut faults = Faults::new(vec![rule("kind = \"bad_token\"")], 1);
        assert!(hits(&mut faults, "011122223333", 2).is_empty());
        let later = Subject { page: Page::Later, ..subject("011122223333") };
        let now = "2026-03-02T08:00:00Z".parse().expect("a time");
        assert_eq!(faults.strike(&later, now), Some(Effect::BadToken));
    }
}
