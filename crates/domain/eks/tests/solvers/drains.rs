use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use fleetwright_eks::solve::drain::{Cause, Change, DrainAnswer, DrainQuestion, drain};
use fleetwright_kubernetes::node::ZONE_LABEL;
use fleetwright_kubernetes::pod::{Binding, Phase, Volume};
use fleetwright_kubernetes::{
    Budget, DisruptionStatus, IntOrPercent, LabelSelector, Minor, Node, ObjectMeta, ObjectRef,
    OwnerReference, Pod, PodDisruptionBudget, Quantity, Toleration, UnhealthyPodEvictionPolicy,
};
use proptest::prelude::*;

fn node(name: &str, cpu: i64) -> Node {
    let mut metadata = ObjectMeta::named("", name);
    metadata.labels.insert(ZONE_LABEL.into(), "1a".into());
    Node {
        metadata,
        kubelet: Minor::new(33),
        ready: true,
        unschedulable: false,
        pressures: vec![],
        taints: vec![],
        allocatable: [("cpu".into(), Quantity::units(cpu))].into(),
        os_image: "Bottlerocket".into(),
        operating_system: "linux".into(),
        container_runtime: "containerd://2.1.4".into(),
        provider_id: String::new(),
    }
}

fn pod(name: &str, app: &str, node: &str) -> Pod {
    let owner = OwnerReference { kind: "ReplicaSet".into(), name: app.into(), controller: true };
    let mut metadata = ObjectMeta { owner_references: vec![owner], ..ObjectMeta::named("shop", name) };
    metadata.labels.insert("app".into(), app.into());
    Pod {
        metadata,
        node: Some(node.into()),
        phase: Phase::Running,
        ready: true,
        requests: [("cpu".into(), Quantity::units(1))].into(),
        ..Pod::default()
    }
}

fn budget(app: &str, budget: Budget, replicas: i32, healthy: i32) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: ObjectMeta::named("shop", app),
        selector: Some(LabelSelector::label("app", app)),
        budget: Some(budget),
        unhealthy_pod_eviction_policy: UnhealthyPodEvictionPolicy::IfHealthyBudget,
        status: DisruptionStatus::count(Some(budget), replicas, replicas, healthy),
    }
}

fn at_most(count: i32) -> Budget {
    Budget::MaxUnavailable(IntOrPercent::Count(count))
}

fn reference(app: &str) -> ObjectRef {
    ObjectRef { kind: "PodDisruptionBudget".into(), namespace: "shop".into(), name: app.into() }
}

fn question<'a>(
    nodes: Vec<Node>,
    pods: Vec<Pod>,
    budgets: Vec<PodDisruptionBudget>,
    waves: &[&[&str]],
) -> DrainQuestion<'a> {
    let waves = waves.iter().map(|wave| wave.iter().map(|&name| name.to_owned()).collect()).collect();
    DrainQuestion {
        nodes: Cow::Owned(nodes),
        pods: Cow::Owned(pods),
        budgets: Cow::Owned(budgets),
        namespaces: Cow::Owned(BTreeMap::new()),
        waves: Cow::Owned(waves),
        surge: vec![],
        start_seconds: 60,
        limit_seconds: 900,
    }
}

/// The only pod that blocks: its name, why, and what helps.
fn only(answer: &DrainAnswer) -> (&str, &Cause, Option<&Change>) {
    assert_eq!(answer.blocked.len(), 1, "{:#?}", answer.blocked);
    let blocked = &answer.blocked[0];
    (blocked.pod.name.as_str(), &blocked.cause, blocked.help.as_ref())
}

fn times(answer: &DrainAnswer, wave: usize) -> Vec<i64> {
    answer.waves[wave].evictions.iter().map(|of| of.at_seconds).collect()
}

#[test]
fn pods_go_as_their_budget_lets_them_and_come_back_elsewhere() {
    let pods = vec![pod("web-1", "web", "a"), pod("web-2", "web", "a")];
    let answer = drain(&question(
        vec![node("a", 4), node("b", 4)],
        pods,
        vec![budget("web", at_most(1), 2, 2)],
        &[&["a"]],
    ));
    assert_eq!(answer.blocked, []);
    assert_eq!(times(&answer, 0), [0, 90], "the second waits until the first has ended and is ready again");
    assert_eq!(answer.waves[0].seconds, 120);
}

#[test]
fn a_budget_that_never_allows_is_named_with_what_helps() {
    let pods = vec![pod("db-0", "db", "a")];
    let one = Budget::MinAvailable(IntOrPercent::Count(1));
    let answer = drain(&question(
        vec![node("a", 4), node("b", 4)],
        pods,
        vec![budget("db", one, 1, 1)],
        &[&["b"], &["a"]],
    ));
    let (pod, cause, help) = only(&answer);
    assert_eq!((pod, answer.blocked[0].wave, answer.blocked[0].node.as_str()), ("db-0", 1, "a"));
    assert_eq!(cause, &Cause::NeverAllowed(reference("db")));
    assert_eq!(help, Some(&Change::AllowMore { budget: reference("db"), by: 1 }));
}

#[test]
fn a_pod_under_two_budgets_is_named_with_both() {
    let budgets = vec![budget("web", at_most(1), 1, 1), {
        let mut second = budget("web", at_most(1), 1, 1);
        second.metadata.name = "all".into();
        second
    }];
    let answer = drain(&question(
        vec![node("a", 4), node("b", 4)],
        vec![pod("web-1", "web", "a")],
        budgets,
        &[&["a"]],
    ));
    let (_, cause, help) = only(&answer);
    assert_eq!(cause, &Cause::SeveralBudgets(vec![reference("web"), reference("all")]));
    assert_eq!(help, Some(&Change::KeepOneBudget(reference("web"))));
}

#[test]
fn unhealthy_fellows_hold_a_pod_until_they_may_go() {
    let mut pods = vec![pod("web-1", "web", "a"), pod("web-2", "web", "a"), pod("web-3", "web", "b")];
    pods[1].ready = false;
    pods[2].ready = false;
    let nodes = vec![node("a", 4), node("b", 4)];
    let answer = drain(&question(nodes, pods, vec![budget("web", at_most(1), 3, 1)], &[&["a"]]));
    let names: Vec<_> = answer.blocked.iter().map(|blocked| blocked.pod.name.as_str()).collect();
    assert_eq!(names, ["web-1", "web-2"]);
    assert!(answer.blocked.iter().all(|blocked| blocked.cause == Cause::UnhealthyPods(reference("web"))));
    // Letting web-2 go makes two healthy; web-1 needs a third, or one disruption more.
    assert_eq!(answer.blocked[0].help, Some(Change::AllowMore { budget: reference("web"), by: 1 }));
}

#[test]
fn an_unhealthy_pod_alone_goes_with_the_policy_always_allow() {
    let mut pods = vec![pod("web-1", "web", "a"), pod("web-2", "web", "b")];
    pods[0].ready = false;
    pods[1].ready = false;
    let nodes = vec![node("a", 4), node("b", 4)];
    let answer = drain(&question(nodes, pods, vec![budget("web", at_most(1), 2, 0)], &[&["a"]]));
    assert_eq!(only(&answer).2, Some(&Change::AllowUnhealthy(reference("web"))));
}

#[test]
fn without_room_a_surge_or_one_node_more_helps() {
    let pods = || vec![pod("web-1", "web", "a"), pod("web-2", "web", "a"), pod("web-3", "web", "b")];
    let mut full =
        question(vec![node("a", 2), node("b", 1)], pods(), vec![budget("web", at_most(1), 3, 3)], &[&["a"]]);
    let answer = drain(&full);
    let (blocked, cause, help) = only(&answer);
    assert_eq!(blocked, "web-2", "web-1 waits for a place, and web-2 for web-1");
    let Cause::PodsWithoutPlace { waiting, .. } = cause else { panic!("{cause:?}") };
    assert_eq!(waiting[0].name, "web-1");
    assert_eq!(help, Some(&Change::AddNode { like: "a".into() }));
    full.surge.push("a".into());
    assert_eq!(drain(&full).blocked, []);
}

#[test]
fn budgets_that_are_too_slow_for_the_limit_are_told_from_those_that_never_allow() {
    let pods: Vec<Pod> = (0..12).map(|n| pod(&format!("web-{n:02}"), "web", "a")).collect();
    let nodes = vec![node("a", 12), node("b", 12)];
    let answer = drain(&question(nodes, pods, vec![budget("web", at_most(1), 12, 12)], &[&["a"]]));
    assert_eq!(answer.waves[0].evictions.len(), 10, "one every 90 seconds");
    assert_eq!(answer.blocked.len(), 2);
    assert!(answer.blocked.iter().all(|blocked| blocked.cause == Cause::TooSlow(reference("web"))));
    assert_eq!(answer.blocked[0].help, Some(Change::AllowMore { budget: reference("web"), by: 1 }));
}

#[test]
fn a_pod_that_is_let_go_too_late_to_end_blames_its_budget() {
    let pods = vec![pod("web-1", "web", "a"), pod("web-2", "web", "a")];
    let nodes = vec![node("a", 4), node("b", 4)];
    let mut hurried = question(nodes, pods, vec![budget("web", at_most(1), 2, 2)], &[&["a"]]);
    hurried.limit_seconds = 100;
    let answer = drain(&hurried);
    let help = Change::AllowMore { budget: reference("web"), by: 1 };
    assert_eq!(only(&answer), ("web-2", &Cause::TooSlow(reference("web")), Some(&help)));
}

#[test]
fn a_grace_period_beyond_the_limit_and_a_pod_that_comes_back_are_found() {
    let mut slow = pod("slow", "slow", "a");
    slow.grace_seconds = 3600;
    let mut clinging = pod("clinging", "clinging", "a");
    clinging.tolerations.push(Toleration::everything());
    let answer = drain(&question(vec![node("a", 4), node("b", 4)], vec![slow, clinging], vec![], &[&["a"]]));
    let told: Vec<_> = answer.blocked.iter().map(|of| (of.pod.name.as_str(), &of.cause, &of.help)).collect();
    assert_eq!(
        told,
        [
            ("slow", &Cause::GraceTooLong { seconds: 3600 }, &Some(Change::ShortenGrace { to_seconds: 30 })),
            ("clinging", &Cause::ComesBack, &Some(Change::NarrowToleration)),
        ]
    );
}

#[test]
fn a_pod_whose_volume_is_on_the_node_finds_no_place_and_no_small_change_helps() {
    let mut tied = pod("db-0", "db", "a");
    tied.volumes.push(Volume::Claim { name: "data".into(), bound_to: Binding::Node });
    let answer = drain(&question(vec![node("a", 4), node("b", 4)], vec![tied], vec![], &[&["a"]]));
    let (_, cause, help) = only(&answer);
    let reasons = vec!["the volume of claim data is bound elsewhere".to_owned()];
    assert_eq!((cause, help), (&Cause::NoPlace { reasons }, None));
}

#[test]
fn pods_of_daemon_sets_stay_and_the_new_node_takes_who_waited() {
    let mut agent = pod("agent", "agent", "a");
    agent.metadata.owner_references[0].kind = "DaemonSet".into();
    let pods = vec![agent, pod("web-1", "web", "a")];
    let answer = drain(&question(vec![node("a", 2)], pods, vec![budget("web", at_most(1), 1, 1)], &[&["a"]]));
    assert_eq!(answer.blocked, []);
    assert_eq!(answer.waves[0].evictions.len(), 1);
}

/// A small world where room is never the matter: pods by app, ready or not, on one of two nodes; one budget an app.
#[derive(Clone, Debug)]
struct Small {
    pods: Vec<(usize, bool, bool)>,
    unavailable: Vec<i32>,
    always: Vec<bool>,
}

impl Small {
    fn question(&self) -> DrainQuestion<'static> {
        let pods = self.pods.iter().enumerate().map(|(n, &(app, ready, on_a))| {
            let mut made = pod(&format!("p{n}"), &format!("app{app}"), if on_a { "a" } else { "b" });
            made.ready = ready;
            made
        });
        let of = |app: usize| self.pods.iter().filter(move |pod| pod.0 == app);
        let budgets = self.unavailable.iter().enumerate().map(|(app, &most)| {
            let count = |n: usize| i32::try_from(n).expect("few");
            let healthy = count(of(app).filter(|pod| pod.1).count());
            let mut made = budget(&format!("app{app}"), at_most(most), count(of(app).count()), healthy);
            if self.always[app] {
                made.unhealthy_pod_eviction_policy = UnhealthyPodEvictionPolicy::AlwaysAllow;
            }
            made
        });
        let nodes = vec![node("a", 99), node("b", 99)];
        let mut question = question(nodes, pods.collect(), budgets.collect(), &[&["a"]]);
        question.limit_seconds = i64::MAX / 4;
        question
    }

    /// Whether all pods of node `a` can leave in some order, each coming back healthy before the next goes.
    fn can_be_drained(&self) -> bool {
        let all: BTreeSet<usize> = (0..self.pods.len()).filter(|&n| self.pods[n].2).collect();
        let mut seen = BTreeSet::from([BTreeSet::new()]);
        let mut open = vec![BTreeSet::new()];
        while let Some(gone) = open.pop() {
            if gone == all {
                return true;
            }
            for &next in all.difference(&gone) {
                let mut then = gone.clone();
                then.insert(next);
                if self.may_go(next, &gone) && seen.insert(then.clone()) {
                    open.push(then);
                }
            }
        }
        false
    }

    fn may_go(&self, next: usize, gone: &BTreeSet<usize>) -> bool {
        let app = self.pods[next].0;
        let fellows = (0..self.pods.len()).filter(|&n| self.pods[n].0 == app);
        let total = i32::try_from(fellows.clone().count()).expect("few");
        let healthy = fellows.filter(|n| self.pods[*n].1 || gone.contains(n)).count();
        let healthy = i32::try_from(healthy).expect("few");
        let wanted = (total - self.unavailable[app]).max(0);
        if self.pods[next].1 {
            healthy > wanted
        } else {
            self.always[app] || (healthy >= wanted && wanted > 0) || healthy > wanted
        }
    }
}

fn small() -> impl Strategy<Value = Small> {
    let pods =
        prop::collection::vec((0_usize..2, prop::bool::weighted(0.7), prop::bool::weighted(0.7)), 1..6);
    let settings = (prop::collection::vec(0_i32..3, 2), prop::collection::vec(any::<bool>(), 2));
    (pods, settings).prop_map(|(pods, (unavailable, always))| Small { pods, unavailable, always })
}

proptest! {
    #[test]
    fn a_drain_is_possible_just_where_some_order_of_evictions_is(small in small()) {
        let answer = drain(&small.question());
        prop_assert_eq!(answer.blocked.is_empty(), small.can_be_drained(), "{:#?}", answer);
    }

    #[test]
    fn no_budget_is_ever_broken(small in small()) {
        let question = small.question();
        let answer = drain(&question);
        for app in 0..2 {
            let fellow = |pod: usize| small.pods[pod].0 == app;
            let down: Vec<(i64, i64)> = answer.waves[0].evictions.iter()
                .filter(|of| fellow(of.pod) && small.pods[of.pod].1)
                .map(|of| (of.at_seconds, of.at_seconds + 90))
                .collect();
            let recovered = |at: i64| answer.waves[0].evictions.iter()
                .filter(|of| fellow(of.pod) && !small.pods[of.pod].1 && of.at_seconds + 90 <= at).count();
            let healthy = (0..small.pods.len()).filter(|&pod| fellow(pod) && small.pods[pod].1).count();
            let total = (0..small.pods.len()).filter(|&pod| fellow(pod)).count();
            let most = usize::try_from(small.unavailable[app]).expect("not negative");
            for &(at, _) in &down {
                let missing = down.iter().filter(|(from, until)| (*from..*until).contains(&at)).count();
                prop_assert!(healthy + recovered(at) - missing + most >= total, "{:#?}", answer);
            }
        }
    }

    #[test]
    fn help_that_is_named_helps(small in small()) {
        for blocked in drain(&small.question()).blocked {
            let Some(Change::AllowMore { budget, by }) = &blocked.help else { continue };
            let app: usize = budget.name.trim_start_matches("app").parse().expect("an app");
            let mut helped = small.clone();
            helped.unavailable[app] += by;
            let still = drain(&helped.question()).blocked;
            prop_assert!(!still.iter().any(|of| of.pod == blocked.pod), "{:?}", still);
        }
    }
}
