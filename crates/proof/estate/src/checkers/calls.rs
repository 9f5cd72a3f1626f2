//! Invariants over single calls: I24 no avoidable throttling, I25 every request legal, I29 each
//! account reached only through its own role, I30 credentials used before they expire, I31 a dry
//! run changes nothing.

use super::{Access, Finding, Invariant, Purpose, Verdict};
use crate::calls::{CallKind, CallRecord, FaultShare, Outcome};
use crate::limits::BucketReport;

/// Judges a call log.
#[must_use]
pub fn check(records: &[CallRecord], buckets: &[BucketReport], access: &Access, purpose: Purpose) -> Verdict {
    let mut findings = Vec::new();
    let mut mutations = Vec::new();
    for record in records {
        let mut found = |invariant, detail: String| {
            findings.push(Finding { invariant, detail, call: Some(record.request_id.to_string()) });
        };
        if let Some(detail) = throttled_avoidably(record) {
            found(Invariant::I24, detail);
        }
        if let Some(detail) = illegal(record) {
            found(Invariant::I25, detail);
        }
        if let Some(detail) = reached_wrongly(record, access) {
            found(Invariant::I29, detail);
        }
        if let Some(detail) = expired(record) {
            found(Invariant::I30, detail);
        }
        if record.facts.kind == CallKind::Mutation && record.facts.outcome == Outcome::Done {
            mutations.push(record.request_id.to_string());
            if purpose == Purpose::DryRun {
                found(Invariant::I31, format!("{} changed the world in a dry run", place(record)));
            }
        }
    }
    for bucket in buckets.iter().filter(|b| b.lowest < 0.0) {
        findings.push(Finding {
            invariant: Invariant::I24,
            detail: format!(
                "the bucket of {} in {} {} fell to {}",
                bucket.cell.action, bucket.cell.account, bucket.cell.region, bucket.lowest
            ),
            call: None,
        });
    }
    Verdict { ok: findings.is_empty(), findings, mutations }
}

/// Where a call went: `ec2 DescribeInstances in 011122223333 eu-central-1`.
fn place(record: &CallRecord) -> String {
    format!("{} {} in {} {}", record.service.name(), record.action, record.account, record.region)
}

fn throttled_avoidably(record: &CallRecord) -> Option<String> {
    (record.facts.outcome == Outcome::ThrottledByCaller)
        .then(|| format!("{} was throttled, and nobody else used the bucket", place(record)))
}

fn illegal(record: &CallRecord) -> Option<String> {
    let by_fault = record.facts.fault == FaultShare::Struck;
    (record.facts.outcome == Outcome::Illegal && !by_fault).then(|| {
        let code = record.error.as_deref().unwrap_or("an error");
        format!("{} was rejected with {code}", place(record))
    })
}

fn expired(record: &CallRecord) -> Option<String> {
    let by_fault = record.facts.fault == FaultShare::Struck;
    (record.facts.outcome == Outcome::ExpiredCredentials && !by_fault)
        .then(|| format!("{} came with expired credentials", place(record)))
}

fn reached_wrongly(record: &CallRecord, access: &Access) -> Option<String> {
    if record.principal.is_empty() {
        return None;
    }
    if let Some(wanted) = &record.facts.role_wanted {
        let account = wanted.split(':').nth(4).unwrap_or("");
        let own = access.roles.get(account).is_none_or(|roles| roles.contains(&**wanted));
        if !own {
            return Some(format!("{} asked for {wanted}, which is not that account's role", place(record)));
        }
    }
    if *record.account == *access.hub {
        return None;
    }
    let Some(assumed_by) = &record.facts.assumed_by else {
        return Some(format!("{} came from {} and not through a role", place(record), record.principal));
    };
    let from = assumed_by.split(':').nth(4).unwrap_or("");
    (from != access.hub && from != &*record.account)
        .then(|| format!("{} came through a role that {assumed_by} assumed, not the hub", place(record)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Service;
    use crate::calls::{CallFacts, unread_request};
    use crate::limits::{Cell, ReadClass};

    const HUB: &str = "111122223333";
    const SPOKE: &str = "011122223333";

    fn access() -> Access {
        let own = ["arn:aws:iam::011122223333:role/Fleet".to_owned()].into();
        Access { hub: HUB.to_owned(), roles: [(SPOKE.to_owned(), own)].into() }
    }

    /// A call as it should be: through the account's role, assumed by the hub.
    fn good() -> CallRecord {
        CallRecord {
            at: "2026-03-02T08:00:00Z".parse().expect("a time"),
            account: SPOKE.into(),
            region: "eu-central-1".into(),
            service: Service::Ec2,
            action: "DescribeInstances".into(),
            request: unread_request(),
            ok: true,
            error: None,
            request_id: "call-1".into(),
            principal: "arn:aws:sts::011122223333:assumed-role/Fleet/run-1".into(),
            facts: CallFacts {
                assumed_by: Some("arn:aws:iam::111122223333:user/hub".into()),
                ..CallFacts::default()
            },
        }
    }

    fn broken(change: impl FnOnce(&mut CallRecord), purpose: Purpose) -> Vec<Invariant> {
        let mut record = good();
        change(&mut record);
        let verdict = check(&[record], &[], &access(), purpose);
        assert_eq!(verdict.ok, verdict.findings.is_empty());
        verdict.findings.iter().map(|f| f.invariant).collect()
    }

    #[test]
    fn a_good_call_breaks_nothing() {
        assert!(broken(|_| {}, Purpose::DryRun).is_empty());
    }

    #[test]
    fn haste_is_a_finding_and_a_tenants_greed_is_not() {
        let own = broken(|r| r.facts.outcome = Outcome::ThrottledByCaller, Purpose::Real);
        assert_eq!(own, [Invariant::I24]);
        assert!(broken(|r| r.facts.outcome = Outcome::ThrottledByTenant, Purpose::Real).is_empty());
    }

    #[test]
    fn a_bucket_below_zero_is_a_finding() {
        let report = BucketReport {
            cell: Cell {
                account: SPOKE.to_owned(),
                region: "eu-central-1".to_owned(),
                service: Service::Ec2,
                action: "DescribeInstances",
                class: ReadClass::Paginated,
            },
            admitted: 1,
            throttled: 0,
            lowest: -0.5,
        };
        let verdict = check(&[], &[report], &access(), Purpose::Real);
        assert_eq!(verdict.findings[0].invariant, Invariant::I24);
    }

    #[test]
    fn an_illegal_request_is_a_finding_unless_a_fault_made_it_so() {
        assert_eq!(broken(|r| r.facts.outcome = Outcome::Illegal, Purpose::Real), [Invariant::I25]);
        let faulted = |r: &mut CallRecord| {
            r.facts.outcome = Outcome::Illegal;
            r.facts.fault = FaultShare::Struck;
        };
        assert!(broken(faulted, Purpose::Real).is_empty());
    }

    #[test]
    fn an_account_reached_around_its_role_is_a_finding() {
        let by_user = broken(|r| r.facts.assumed_by = None, Purpose::Real);
        assert_eq!(by_user, [Invariant::I29]);
        let by_stranger = |r: &mut CallRecord| {
            r.facts.assumed_by = Some("arn:aws:iam::999988887777:user/x".into());
        };
        assert_eq!(broken(by_stranger, Purpose::Real), [Invariant::I29]);
        let wrong_role = |r: &mut CallRecord| {
            r.account = HUB.into();
            r.facts.role_wanted = Some("arn:aws:iam::011122223333:role/Admin".into());
        };
        assert_eq!(broken(wrong_role, Purpose::Real), [Invariant::I29]);
    }

    #[test]
    fn expired_credentials_are_a_finding() {
        let late = broken(|r| r.facts.outcome = Outcome::ExpiredCredentials, Purpose::Real);
        assert_eq!(late, [Invariant::I30]);
    }

    #[test]
    fn a_change_is_listed_and_in_a_dry_run_a_finding() {
        let change = |r: &mut CallRecord| r.facts.kind = CallKind::Mutation;
        assert!(broken(change, Purpose::Real).is_empty());
        assert_eq!(broken(change, Purpose::DryRun), [Invariant::I31]);
        let mut record = good();
        change(&mut record);
        let verdict = check(&[record], &[], &access(), Purpose::Real);
        assert_eq!(verdict.mutations, ["call-1"]);
    }
}
