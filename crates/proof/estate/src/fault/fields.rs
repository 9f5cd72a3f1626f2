//! A fault rule as it is written in TOML and JSON: flat, and refused where it makes no sense.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CONFLICTING_WRITES, Effect, FaultRule, FunctionFault, Mishap, Nth, STALE_READS, Scope};
use crate::call::Service;
use crate::policy::pattern;
use crate::world::history;

/// How old a stale answer can be, in seconds: as far as the world's history reaches.
const MAX_AGE_SECONDS: u64 = history::REACH.as_secs().unsigned_abs();

/// The longest a mishap can last, in seconds: ten days.
const MAX_MISHAP_SECONDS: u64 = 864_000;

/// A rule as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultFields {
    kind: Kind,
    #[serde(default = "any")]
    account: String,
    #[serde(default = "any")]
    region: String,
    #[serde(default = "any")]
    service: String,
    #[serde(default = "any")]
    action: String,
    #[serde(default = "any", skip_serializing_if = "is_any")]
    instance: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nth: Option<Nth>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Throttle,
    ServerError,
    Denied,
    LostReply,
    Slow,
    Malformed,
    BadToken,
    ExpiredCredentials,
    StaleRead,
    TransactionConflict,
    FunctionCrashes,
    FunctionTimesOut,
    FunctionRunsTwice,
    ImageSlow,
    ImageFails,
    SnapshotFails,
    BootHangs,
    StartFails,
    InstanceTerminated,
    InstanceReplaced,
    RootTaskFails,
    StackResourceFails,
    UnknownNewId,
}

fn any() -> String {
    "*".to_owned()
}

fn is_any(pattern: &str) -> bool {
    pattern == "*"
}

/// Why a fault rule is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("fault: {field}: {problem}")]
pub struct FaultError {
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong with it and what to give instead.
    pub problem: String,
}

fn refuse(field: &'static str, problem: impl Into<String>) -> FaultError {
    FaultError { field, problem: problem.into() }
}

impl TryFrom<FaultFields> for FaultRule {
    type Error = FaultError;

    fn try_from(f: FaultFields) -> Result<Self, FaultError> {
        let known = f.service == "*" || Service::ALL.iter().any(|s| s.is_named(&f.service));
        if !known {
            return Err(refuse(
                "service",
                format!(
                    "`{}` is none of autoscaling, dynamodb, ec2, elasticloadbalancing, elb, elbv2, iam, lambda, monitoring, organizations, s3, sns, ssm, sts",
                    f.service
                ),
            ));
        }
        if let Some(Nth::Every(0) | Nth::Exactly(0) | Nth::First(0)) = f.nth {
            return Err(refuse("nth", "calls are counted from 1"));
        }
        if let Some(p) = f.probability
            && !(0.0..=1.0).contains(&p)
        {
            return Err(refuse("probability", format!("{p} must be from 0 to 1")));
        }
        if let (Some(from), Some(until)) = (f.from, f.until)
            && from >= until
        {
            return Err(refuse("until", format!("{until} must be after from, {from}")));
        }
        let effect = effect(&f)?;
        check_target(&f, effect)?;
        Ok(Self {
            scope: Scope {
                account: f.account,
                region: f.region,
                service: f.service,
                action: f.action,
                instance: f.instance,
            },
            nth: f.nth,
            probability: f.probability,
            times: f.times,
            from: f.from,
            until: f.until,
            effect,
        })
    }
}

fn effect(f: &FaultFields) -> Result<Effect, FaultError> {
    if f.status.is_some() && f.kind != Kind::ServerError {
        return Err(refuse("status", "belongs to kind server_error only"));
    }
    if f.delay_ms.is_some() && f.kind != Kind::Slow {
        return Err(refuse("delay_ms", "belongs to kind slow only"));
    }
    let lasting = [Kind::StaleRead, Kind::ImageSlow, Kind::UnknownNewId];
    if f.seconds.is_some() && !lasting.contains(&f.kind) {
        return Err(refuse("seconds", "belongs to kinds stale_read, image_slow and unknown_new_id only"));
    }
    Ok(match f.kind {
        Kind::Throttle => Effect::Throttle,
        Kind::ServerError => match f.status.unwrap_or(500) {
            status @ (500 | 503) => Effect::ServerError { status },
            other => return Err(refuse("status", format!("{other} must be 500 or 503"))),
        },
        Kind::Denied => Effect::Denied,
        Kind::LostReply => Effect::LostReply,
        Kind::Slow => match f.delay_ms {
            Some(ms @ 1..=86_400_000) => Effect::Slow { delay: Duration::from_millis(ms) },
            _ => return Err(refuse("delay_ms", "give 1 to 86400000 milliseconds")),
        },
        Kind::Malformed => Effect::Malformed,
        Kind::BadToken => Effect::BadToken,
        Kind::ExpiredCredentials => Effect::ExpiredCredentials,
        Kind::StaleRead => {
            check_stale_scope(f)?;
            match f.seconds {
                Some(seconds @ 1..=MAX_AGE_SECONDS) => {
                    Effect::StaleRead { age: Duration::from_secs(seconds) }
                }
                _ => return Err(refuse("seconds", format!("give 1 to {MAX_AGE_SECONDS} seconds"))),
            }
        }
        Kind::TransactionConflict => {
            let writes = CONFLICTING_WRITES.iter().any(|action| pattern::matches(&f.action, action));
            if !pattern::matches(&f.service, "dynamodb") || !writes {
                let writes = CONFLICTING_WRITES.join(", ");
                return Err(refuse("action", format!("transaction_conflict is for dynamodb only: {writes}")));
            }
            Effect::TransactionConflict
        }
        Kind::FunctionCrashes => Effect::Function(invocations(f, FunctionFault::Crashes)?),
        Kind::FunctionTimesOut => Effect::Function(invocations(f, FunctionFault::TimesOut)?),
        Kind::FunctionRunsTwice => Effect::Function(invocations(f, FunctionFault::RunsTwice)?),
        Kind::ImageSlow => Effect::Mishap(Mishap::ImageSlow { takes: lasting_seconds(f)? }),
        Kind::ImageFails => Effect::Mishap(Mishap::ImageFails),
        Kind::SnapshotFails => Effect::Mishap(Mishap::SnapshotFails),
        Kind::BootHangs => Effect::Mishap(Mishap::BootHangs),
        Kind::StartFails => Effect::Mishap(Mishap::StartFails),
        Kind::InstanceTerminated => Effect::Mishap(Mishap::InstanceTerminated),
        Kind::InstanceReplaced => Effect::Mishap(Mishap::InstanceReplaced),
        Kind::RootTaskFails => Effect::Mishap(Mishap::RootTaskFails),
        Kind::StackResourceFails => Effect::Mishap(Mishap::StackResourceFails),
        Kind::UnknownNewId => Effect::Mishap(Mishap::UnknownNewId { lasts: lasting_seconds(f)? }),
    })
}

/// A fault of functions whose rule can be about invocations.
fn invocations(f: &FaultFields, fault: FunctionFault) -> Result<FunctionFault, FaultError> {
    for (field, pattern, name) in [("service", &f.service, "lambda"), ("action", &f.action, "Invoke")] {
        if !pattern::matches(pattern, name) {
            return Err(refuse(field, format!("`{pattern}` is not {name}, which alone runs functions")));
        }
    }
    Ok(fault)
}

/// How long a mishap lasts.
fn lasting_seconds(f: &FaultFields) -> Result<Duration, FaultError> {
    match f.seconds {
        Some(seconds @ 1..=MAX_MISHAP_SECONDS) => Ok(Duration::from_secs(seconds)),
        _ => Err(refuse("seconds", format!("give 1 to {MAX_MISHAP_SECONDS} seconds"))),
    }
}

/// A mishap befalls an instance, everything else a call.
fn check_target(f: &FaultFields, effect: Effect) -> Result<(), FaultError> {
    match effect {
        Effect::Mishap(Mishap::InstanceTerminated | Mishap::InstanceReplaced) => Ok(()),
        Effect::Mishap(_) if !is_any(&f.action) => Err(refuse(
            "action",
            "a mishap is about an instance; only instance_terminated and instance_replaced wait for an action",
        )),
        Effect::Mishap(_) => Ok(()),
        _ if !is_any(&f.instance) => {
            Err(refuse("instance", "belongs to mishaps only; this kind is about calls"))
        }
        _ => Ok(()),
    }
}

/// A rule that could never strike is refused rather than ignored.
fn check_stale_scope(f: &FaultFields) -> Result<(), FaultError> {
    let reads = STALE_READS.map(|(_, action)| action).join(", ");
    let services = [Service::Ec2, Service::DynamoDb].map(Service::signing_name);
    if !services.iter().any(|service| pattern::matches(&f.service, service)) {
        let problem = format!("`{}` has no stale_read; it is for ec2 and dynamodb only: {reads}", f.service);
        return Err(refuse("service", problem));
    }
    let known = |(service, action): &(Service, &str)| {
        pattern::matches(&f.service, service.signing_name()) && pattern::matches(&f.action, action)
    };
    if !STALE_READS.iter().any(known) {
        return Err(refuse("action", format!("`{}` has no stale_read; it is for {reads}", f.action)));
    }
    Ok(())
}

impl From<FaultRule> for FaultFields {
    fn from(rule: FaultRule) -> Self {
        let (mut status, mut delay_ms, mut seconds) = (None, None, None);
        let kind = match rule.effect {
            Effect::Throttle => Kind::Throttle,
            Effect::ServerError { status: given } => {
                status = Some(given);
                Kind::ServerError
            }
            Effect::Denied => Kind::Denied,
            Effect::LostReply => Kind::LostReply,
            Effect::Slow { delay } => {
                delay_ms = Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
                Kind::Slow
            }
            Effect::Malformed => Kind::Malformed,
            Effect::BadToken => Kind::BadToken,
            Effect::ExpiredCredentials => Kind::ExpiredCredentials,
            Effect::StaleRead { age } => {
                seconds = Some(age.as_secs());
                Kind::StaleRead
            }
            Effect::TransactionConflict => Kind::TransactionConflict,
            Effect::Function(FunctionFault::Crashes) => Kind::FunctionCrashes,
            Effect::Function(FunctionFault::TimesOut) => Kind::FunctionTimesOut,
            Effect::Function(FunctionFault::RunsTwice) => Kind::FunctionRunsTwice,
            Effect::Mishap(mishap) => {
                if let Mishap::ImageSlow { takes: length } | Mishap::UnknownNewId { lasts: length } = mishap {
                    seconds = Some(length.as_secs());
                }
                kind_of(mishap)
            }
        };
        Self {
            kind,
            account: rule.scope.account,
            region: rule.scope.region,
            service: rule.scope.service,
            action: rule.scope.action,
            instance: rule.scope.instance,
            nth: rule.nth,
            probability: rule.probability,
            times: rule.times,
            from: rule.from,
            until: rule.until,
            status,
            delay_ms,
            seconds,
        }
    }
}

const fn kind_of(mishap: Mishap) -> Kind {
    match mishap {
        Mishap::ImageSlow { .. } => Kind::ImageSlow,
        Mishap::ImageFails => Kind::ImageFails,
        Mishap::SnapshotFails => Kind::SnapshotFails,
        Mishap::BootHangs => Kind::BootHangs,
        Mishap::StartFails => Kind::StartFails,
        Mishap::InstanceTerminated => Kind::InstanceTerminated,
        Mishap::InstanceReplaced => Kind::InstanceReplaced,
        Mishap::RootTaskFails => Kind::RootTaskFails,
        Mishap::StackResourceFails => Kind::StackResourceFails,
        Mishap::UnknownNewId { .. } => Kind::UnknownNewId,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        toml::from_str::<FaultRule>(text).expect_err("must be refused").to_string()
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_field() {
        assert!(refused("kind = \"throttle\"\nservice = \"mars\"").contains("fault: service"));
        assert!(refused("kind = \"throttle\"\nstatus = 503").contains("fault: status"));
        assert!(refused("kind = \"slow\"").contains("fault: delay_ms"));
        assert!(refused("kind = \"throttle\"\nnth = { every = 0 }").contains("fault: nth"));
        assert!(refused("kind = \"throttle\"\nacount = \"1\"").contains("unknown field `acount`"));
    }

    #[test]
    fn a_stale_read_needs_an_age_and_a_read_that_can_be_stale() {
        let stale = |rest: &str| refused(&format!("kind = \"stale_read\"\n{rest}"));
        assert!(stale("").contains("fault: seconds: give 1 to 3600 seconds"));
        assert!(stale("seconds = 0").contains("fault: seconds"));
        assert!(stale("seconds = 3601").contains("fault: seconds"));
        let ssm = stale("seconds = 5\nservice = \"ssm\"");
        assert!(
            ssm.contains("fault: service: `ssm` has no stale_read; it is for ec2 and dynamodb only"),
            "{ssm}"
        );
        for action in ["DescribeRegions", "CreateTags", "DescribeInstanceTypes"] {
            let error = stale(&format!("seconds = 5\nservice = \"ec2\"\naction = \"{action}\""));
            assert!(error.contains(&format!("fault: action: `{action}`")), "{error}");
            assert!(error.contains("DescribeInstances, DescribeInstanceStatus"), "{error}");
        }
        assert!(refused("kind = \"throttle\"\nseconds = 5").contains("fault: seconds"));
    }

    #[test]
    fn a_rule_reads_back_as_it_was_written() {
        for text in [
            "kind = \"server_error\"\nstatus = 503\nnth = { first = 3 }",
            "kind = \"slow\"\ndelay_ms = 20",
            "kind = \"stale_read\"\nseconds = 30\naction = \"Describe*\"",
            "kind = \"transaction_conflict\"\nservice = \"dynamodb\"",
            "kind = \"function_runs_twice\"\naction = \"Invoke\"",
            "kind = \"image_slow\"\nseconds = 72000\ninstance = \"prod-*\"",
            "kind = \"instance_replaced\"\nfrom = \"2026-11-02T03:00:00Z\"",
        ] {
            let written: FaultRule = toml::from_str(text).expect("a fault rule");
            let json = serde_json::to_string(&written).expect("JSON");
            assert_eq!(serde_json::from_str::<FaultRule>(&json).expect("a rule"), written);
        }
    }
}
