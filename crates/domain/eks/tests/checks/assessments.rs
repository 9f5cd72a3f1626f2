//! Several hops, and what is suppressed.

use fleetwright_eks::check::{Family, Scope};
use fleetwright_eks::checks::{catalogue, find};
use fleetwright_eks::{Fact, Readiness, Severity, Suppression, UnreadCause, Verdict, assess};
use fleetwright_kubernetes::{Hop, Minor};

use super::world::{healthy, now, time};
use super::{hide, of};

fn route(from: u16, to: u16) -> Vec<Hop> {
    Minor::new(from).hops_to(Minor::new(to)).expect("upwards")
}

#[test]
fn a_check_about_hops_is_asked_for_each_that_it_applies_to() {
    let assessment = assess(&healthy(33), &route(33, 36), now(), &[]);
    let hops = |code| {
        let asked = assessment.results.iter().filter(|result| result.code == code);
        asked.map(|result| result.hop.map(|hop| hop.to.number())).collect::<Vec<_>>()
    };
    assert_eq!(hops("EKS-V1"), [Some(34), Some(35), Some(36)]);
    assert_eq!(hops("EKS-N6"), [Some(35), Some(36)]);
    assert_eq!(hops("EKS-N6b"), [Some(36)]);
    assert_eq!(hops("EKS-P1"), [None]);
    assert_eq!(assess(&healthy(33), &[], now(), &[]).results, []);
}

#[test]
fn every_check_is_asked_on_a_long_way() {
    let assessment = assess(&healthy(33), &route(33, 36), now(), &[]);
    for check in catalogue() {
        let asked = assessment.results.iter().any(|result| result.code == check.code);
        assert!(asked, "{}", check.code);
        assert_eq!(find(check.code).map(|found| found.title), Some(check.title));
    }
    assert!(catalogue().any(|check| check.scope == Scope::Hop));
    assert!(find("EKS-Z9").is_none());
}

#[test]
fn nodes_that_become_too_old_later_warn_of_that_hop_and_block_none() {
    let mut facts = healthy(33);
    of(&mut facts.nodes.nodes)[0].kubelet = Minor::new(31);
    let assessment = assess(&facts, &route(33, 36), now(), &[]);
    let open: Vec<_> = assessment.open().filter(|(code, _)| *code == "EKS-N1").collect();
    assert_eq!(open.len(), 2, "{open:?}");
    assert!(open.iter().all(|(_, finding)| finding.severity == Severity::Warning));
    assert!(open[0].1.what.contains("1.32 or newer before the hop to 1.35"), "{open:?}");
    assert_eq!(assessment.blockers().count(), 0);
}

fn suppression(subject: Option<&str>, expires: &str) -> Suppression {
    Suppression {
        code: "EKS-V4".into(),
        subject: subject.map(str::to_owned),
        reason: "known".into(),
        expires_at: time(expires),
    }
}

#[test]
fn a_suppressed_finding_stays_in_the_results_and_holds_nothing_up() {
    let mut facts = healthy(33);
    of(&mut facts.control_plane.cluster).status = "UPDATING".into();
    let later = "2025-12-01T00:00:00Z";
    for subject in [None, Some("shop"), Some("sh*")] {
        let assessment = assess(&facts, &route(33, 34), now(), &[suppression(subject, later)]);
        assert_eq!(assessment.blockers().count(), 0, "{subject:?}");
        let result = assessment.results.iter().find(|result| result.code == "EKS-V4").expect("asked");
        let Verdict::Finding { findings, .. } = &result.verdict else { panic!("found") };
        assert_eq!(findings[0].suppressed.as_deref(), Some("known"));
        assert!(assessment.expired.is_empty() && assessment.unused.is_empty());
    }
    let other = suppression(Some("other"), later);
    let assessment = assess(&facts, &route(33, 34), now(), std::slice::from_ref(&other));
    assert_eq!(assessment.blockers().count(), 1);
    assert_eq!(assessment.unused, [other]);
}

#[test]
fn an_expired_suppression_suppresses_nothing_and_is_told() {
    let mut facts = healthy(33);
    of(&mut facts.control_plane.cluster).status = "UPDATING".into();
    let expired = suppression(None, "2025-11-01T12:00:00Z");
    let assessment = assess(&facts, &route(33, 34), now(), std::slice::from_ref(&expired));
    assert_eq!(assessment.blockers().count(), 1);
    assert_eq!(assessment.expired, [expired]);
}

#[test]
fn what_could_not_be_looked_at_is_listed_with_its_check() {
    let mut facts = healthy(33);
    hide(&mut facts.control_plane.role);
    let assessment = assess(&facts, &route(33, 34), now(), &[]);
    let unread: Vec<_> = assessment.unread().map(|(code, unread)| (code, unread.cause)).collect();
    assert_eq!(unread, [("EKS-C4", UnreadCause::Denied)]);
    assert_eq!(assessment.open().count(), 0);
}

#[test]
fn every_check_belongs_to_a_family() {
    for check in catalogue() {
        assert!(Family::of(check.code).is_some(), "{}", check.code);
        assert!(check.code.starts_with(&format!("EKS-{}", check.family().letter())), "{}", check.code);
    }
    assert_eq!(Family::of("EKS-Z1"), None);
    assert_eq!(Family::of("V1"), None);
}

#[test]
fn a_cluster_is_ready_only_where_everything_that_may_block_was_looked_at() {
    let readiness = |change: fn(&mut fleetwright_eks::Facts)| {
        let mut facts = healthy(33);
        change(&mut facts);
        assess(&facts, &route(33, 34), now(), &[]).readiness()
    };
    assert_eq!(readiness(|_| {}), Readiness::Ready);
    assert_eq!(readiness(|facts| hide(&mut facts.control_plane.role)), Readiness::CannotSay);
    assert_eq!(readiness(|facts| hide(&mut facts.control_plane.backup)), Readiness::Ready, "it only warns");
    let left_out = |facts: &mut fleetwright_eks::Facts| {
        facts.apis.manifests = Fact::unread(UnreadCause::NotAsked, "no manifests were named");
    };
    assert_eq!(readiness(left_out), Readiness::Ready, "somebody decided so");
    let both = |facts: &mut fleetwright_eks::Facts| {
        hide(&mut facts.control_plane.role);
        of(&mut facts.control_plane.cluster).status = "UPDATING".into();
    };
    assert_eq!(readiness(both), Readiness::NotReady);
    assert_eq!(assess(&healthy(33), &[], now(), &[]).readiness(), Readiness::NothingToDo);
}

#[test]
fn a_check_has_passed_only_where_it_passed_for_every_hop() {
    let mut facts = healthy(33);
    of(&mut facts.control_plane.offers).retain(|offer| offer.version != Minor::new(35));
    let assessment = assess(&facts, &route(33, 36), now(), &[]);
    assert!(!assessment.passed().contains("EKS-V1"), "1.35 is not offered");
    assert!(assessment.passed().contains("EKS-V4"));
}
