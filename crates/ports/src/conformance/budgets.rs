//! The contract of [`Budgets`](crate::Budgets), against one storage that is opened several times, as
//! several processes would.

use std::collections::BTreeSet;

use fleetwright_model::Text;

use crate::budgets::{Holding, Others, Place, Taken, Verdict, Wanted};
use crate::{Budgets, Down, RunId};

/// Opens the storage under test once more: what one handle wrote, every other one sees.
pub type Open<'a> = &'a dyn Fn() -> Box<dyn Budgets>;

/// Runs the whole suite. The storage must be empty, and is again afterwards.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(open: Open<'_>) {
    grants_up_to_the_capacity_whoever_asks(open).await;
    grants_all_places_or_none(open).await;
    counts_a_member_of_several_runs_once(open).await;
    goes_by_the_least_capacity_of_those_at_work(open).await;
    counts_who_is_down_by_itself(open).await;
    keeps_what_ended_badly_until_somebody_finds_it_healthy(open).await;
    restores_what_a_run_has_on_record(open).await;
    clears_on_a_persons_word(open).await;
}

fn run(name: &str) -> RunId {
    name.parse().expect("a valid name")
}

fn wanted(member: &str, places: &[(&str, u32)]) -> Wanted {
    let place = |(key, capacity): &(&str, u32)| Place {
        key: (*key).into(),
        capacity: *capacity,
        down: Down::default(),
    };
    Wanted { member: member.into(), places: places.iter().map(place).collect() }
}

async fn claim(budgets: &dyn Budgets, name: &str, wishes: &[Wanted]) -> Vec<Verdict> {
    budgets.claim(&run(name), wishes).await.expect("a working storage")
}

async fn others(budgets: &dyn Budgets, name: &str, key: &str) -> (Vec<String>, Option<u32>) {
    let answer = budgets.others(&run(name), &[key.into()]).await.expect("a working storage");
    let [Others { members, capacity, .. }] = answer.as_slice() else {
        panic!("one answer per key: {answer:?}")
    };
    (members.iter().map(ToString::to_string).collect(), *capacity)
}

async fn empty(open: Open<'_>, names: &[&str]) {
    for name in names {
        open().clear(&run(name), &[]).await.expect("a working storage");
    }
    assert_eq!(open().taken().await.expect("a working storage"), []);
}

fn full(key: &str) -> Verdict {
    Verdict::Full { key: key.into() }
}

async fn grants_up_to_the_capacity_whoever_asks(open: Open<'_>) {
    let (first, second) = (open(), open());
    let shop = [("shop", 2)];
    let wishes = [wanted("a", &shop), wanted("b", &shop)];
    assert_eq!(claim(&*first, "run-1", &wishes).await, [Verdict::Granted, Verdict::Granted]);
    assert_eq!(claim(&*second, "run-2", &[wanted("c", &shop)]).await, [full("shop")]);
    assert_eq!(claim(&*first, "run-1", &[wanted("a", &shop)]).await, [Verdict::Granted], "it has it already");
    assert_eq!(others(&*second, "run-2", "shop").await, (vec!["a".into(), "b".into()], Some(2)));
    assert_eq!(others(&*second, "run-1", "shop").await, (vec![], None), "its own are not others'");
    first.release(&run("run-1"), &["a".into()]).await.expect("a working storage");
    assert_eq!(claim(&*second, "run-2", &[wanted("c", &shop)]).await, [Verdict::Granted]);
    empty(open, &["run-1", "run-2"]).await;
}

async fn grants_all_places_or_none(open: Open<'_>) {
    let budgets = open();
    let verdicts = claim(
        &*budgets,
        "run-1",
        &[wanted("a", &[("zone", 1)]), wanted("b", &[("shop", 1), ("zone", 1)]), wanted("c", &[("shop", 1)])],
    )
    .await;
    assert_eq!(verdicts, [Verdict::Granted, full("zone"), Verdict::Granted], "b left no trace in shop");
    empty(open, &["run-1"]).await;
}

async fn counts_a_member_of_several_runs_once(open: Open<'_>) {
    let budgets = open();
    let shop = [("shop", 2)];
    claim(&*budgets, "run-1", &[wanted("a", &shop)]).await;
    let again = claim(&*budgets, "run-2", &[wanted("a", &shop), wanted("b", &shop)]).await;
    assert_eq!(again, [Verdict::Granted, Verdict::Granted]);
    assert_eq!(claim(&*budgets, "run-3", &[wanted("c", &shop)]).await, [full("shop")]);
    budgets.release(&run("run-1"), &["a".into()]).await.expect("a working storage");
    assert_eq!(
        claim(&*budgets, "run-3", &[wanted("c", &shop)]).await,
        [full("shop")],
        "run-2 is at work on a"
    );
    empty(open, &["run-1", "run-2"]).await;
}

async fn counts_who_is_down_by_itself(open: Open<'_>) {
    let budgets = open();
    let asks = |member: &str, down: &[&str], expected: u32| {
        let members = down.iter().map(|name| (*name).into()).collect();
        let place = Place { key: "shop".into(), capacity: 2, down: Down { members, expected } };
        Wanted { member: member.into(), places: vec![place] }
    };
    let names = ["run-1", "run-2"];
    let granted = claim(&*budgets, "run-1", &[asks("a", &["x"], 0)]).await;
    assert_eq!(granted, [Verdict::Granted], "one is down, and one may be taken out");
    let refused = claim(&*budgets, "run-2", &[asks("b", &["x"], 0)]).await;
    assert_eq!(refused, [full("shop")], "one is down and one was taken out");
    let same = claim(&*budgets, "run-2", &[asks("b", &["a"], 0)]).await;
    assert_eq!(same, [Verdict::Granted], "who was taken out and is down counts once");
    let own = claim(&*budgets, "run-2", &[asks("b", &["b", "a"], 0)]).await;
    assert_eq!(own, [Verdict::Granted], "whoever asks does not stand in its own way");
    empty(open, &names).await;
    let known = claim(&*budgets, "run-1", &[asks("a", &["x", "y"], 1)]).await;
    assert_eq!(known, [Verdict::Granted], "the capacity has one of them in account");
    let known = claim(&*budgets, "run-2", &[asks("b", &["x", "y"], 1)]).await;
    assert_eq!(known, [full("shop")]);
    empty(open, &names).await;
}

async fn goes_by_the_least_capacity_of_those_at_work(open: Open<'_>) {
    let budgets = open();
    claim(&*budgets, "run-1", &[wanted("a", &[("shop", 1)])]).await;
    assert_eq!(claim(&*budgets, "run-2", &[wanted("b", &[("shop", 3)])]).await, [full("shop")]);
    budgets.keep(&run("run-1"), &["a".into()]).await.expect("a working storage");
    assert_eq!(others(&*budgets, "run-2", "shop").await, (vec!["a".into()], None), "its run is over");
    assert_eq!(claim(&*budgets, "run-2", &[wanted("b", &[("shop", 3)])]).await, [Verdict::Granted]);
    empty(open, &["run-1", "run-2"]).await;
}

async fn keeps_what_ended_badly_until_somebody_finds_it_healthy(open: Open<'_>) {
    let budgets = open();
    let shop = [("shop", 1)];
    claim(&*budgets, "run-1", &[wanted("a", &shop)]).await;
    budgets.keep(&run("run-1"), &["a".into()]).await.expect("a working storage");
    assert_eq!(claim(&*budgets, "run-2", &[wanted("b", &shop)]).await, [full("shop")]);
    let seen = budgets.others(&run("run-2"), &["shop".into()]).await.expect("a working storage");
    assert_eq!(seen[0].kept, BTreeSet::from(["a".into()]), "and others are told that it is left behind");
    assert_eq!(claim(&*budgets, "run-2", &[wanted("a", &shop)]).await, [Verdict::Granted], "the same one");
    budgets.release(&run("run-2"), &["a".into()]).await.expect("a working storage");
    assert_eq!(claim(&*budgets, "run-2", &[wanted("b", &shop)]).await, [Verdict::Granted]);
    empty(open, &["run-2"]).await;
}

async fn restores_what_a_run_has_on_record(open: Open<'_>) {
    let budgets = open();
    let shop = [("shop", 1)];
    claim(&*budgets, "run-1", &[wanted("a", &shop)]).await;
    claim(&*budgets, "run-2", &[wanted("z", &[("zone", 1)])]).await;
    let held = Holding { held: wanted("b", &shop), kept: false };
    let kept = Holding { held: wanted("c", &shop), kept: true };
    budgets.restore(&run("run-1"), &[held, kept]).await.expect("a working storage");
    let taken: BTreeSet<Taken> = budgets.taken().await.expect("a working storage").into_iter().collect();
    let row = |name: &str, key: &str, member: &str, kept| Taken {
        run: run(name),
        key: key.into(),
        member: member.into(),
        kept,
    };
    let expected =
        [row("run-1", "shop", "b", false), row("run-1", "shop", "c", true), row("run-2", "zone", "z", false)];
    assert_eq!(taken, expected.into(), "whatever the capacity, and nobody else's");
    empty(open, &["run-1", "run-2"]).await;
}

async fn clears_on_a_persons_word(open: Open<'_>) {
    let budgets = open();
    let both = [("shop", 5), ("zone", 5)];
    claim(&*budgets, "run-1", &[wanted("a", &both), wanted("b", &both)]).await;
    let clear = async |members: &[Text]| budgets.clear(&run("run-1"), members).await;
    assert_eq!(clear(&["a".into()]).await, Ok(2));
    assert_eq!(clear(&["a".into()]).await, Ok(0));
    assert_eq!(clear(&[]).await, Ok(2), "all of the run");
    empty(open, &[]).await;
}
