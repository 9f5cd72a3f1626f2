//! Taking hosts out of service, and back whatever happened.

use std::time::Duration;

use fleetwright_model::{ErrorClass, Failure};
use fleetwright_patch::plan::notes::{DrainNote, ReturnNote};
use fleetwright_ports::{Balancers, MemberState, ScalingGroup, SeatHealth};
use fleetwright_step::{Outcome, Slot};
use fleetwright_testkit::{Fault, sample};

use crate::stage::{Stage, code, host, note};

const POOL: &str = "arn:targetgroup/web";
const GROUP: &str = "web";

/// So many hosts behind a load balancer, in an Auto Scaling group of at least `min`.
fn served(hosts: u64, min: u32) -> Stage {
    let stage = Stage::with(hosts, |_, plan| {
        for number in 1..=hosts {
            let host = host(plan, usize::try_from(number).expect("few"));
            host.target_groups = vec![POOL.into()];
            host.auto_scaling_group = Some(GROUP.into());
        }
    });
    let ids: Vec<_> = (1..=hosts).map(sample::id).collect();
    stage.hosts.add_pool(&stage.cell(), POOL, Duration::from_secs(120), &ids);
    let group = ScalingGroup {
        name: GROUP.into(),
        min,
        desired: u32::try_from(hosts).expect("few"),
        suspended: Vec::new(),
        pools: vec![POOL.into()],
    };
    stage.hosts.add_scaling_group(&stage.cell(), group, &ids);
    stage
}

fn slots(stage: &Stage, hosts: u64) -> Vec<Slot> {
    (1..=hosts).map(|number| stage.slot(number)).collect()
}

async fn member(stage: &Stage, number: u64) -> MemberState {
    stage.hosts.members(&stage.cell(), &[sample::id(number)]).await.found[0].1.state
}

async fn suspended(stage: &Stage) -> usize {
    stage.hosts.scaling_groups(&stage.cell(), &[GROUP.into()]).await.items[0].suspended.len()
}

#[tokio::test(start_paused = true)]
async fn hosts_go_into_standby_as_far_as_the_group_has_room_and_the_others_are_kept_from_being_replaced() {
    let stage = served(3, 2);
    for outcome in stage.drive("drain", slots(&stage, 3)).await {
        assert_eq!(note::<DrainNote>(&outcome), DrainNote { pools: 1, group: Some(GROUP.into()) });
    }
    let mut standby = 0;
    for number in 1..=3 {
        standby += usize::from(member(&stage, number).await == MemberState::Standby);
    }
    assert_eq!((standby, suspended(&stage).await), (1, 4));
    assert!(stage.hosts.registered(POOL).is_empty());
    for number in 1..=3 {
        let back = stage.drive_one("return", stage.slot(number)).await;
        assert_eq!(note::<ReturnNote>(&back), ReturnNote { pools: 1, ill_as_before: 0 });
        let others_are_out = number < 3;
        assert_eq!(
            suspended(&stage).await > 0,
            others_are_out,
            "host {number} is not the last that needs it"
        );
    }
    assert!(stage.hosts.out_of_service().is_empty(), "{:?}", stage.hosts.out_of_service());
}

#[tokio::test(start_paused = true)]
async fn another_process_puts_back_what_this_one_took_out() {
    let mut stage = served(2, 1);
    let mut slot = stage.slot(1);
    let Outcome::Accepted { handle, .. } = stage.turn("drain", &[slot.clone()]).await.remove(0) else {
        panic!("nothing is done before it is known what must be put back");
    };
    assert_eq!(stage.hosts.effect_count(), 0);
    slot.handle = Some(handle);
    stage.turn("drain", &[slot]).await;
    assert!(stage.hosts.effect_count() > 0);
    stage.restart();
    // The next attempt finds the host half out, and what it was in from before.
    let again = Slot { attempt: 2, doubt: true, ..stage.slot(1) };
    assert_eq!(note::<DrainNote>(&stage.drive_one("drain", again).await).pools, 1);
    stage.restart();
    stage.drive_one("return", stage.slot(1)).await;
    assert!(stage.hosts.out_of_service().is_empty(), "{:?}", stage.hosts.out_of_service());
}

#[tokio::test(start_paused = true)]
async fn a_host_that_its_load_balancer_does_not_like_afterwards_is_back_and_named() {
    let stage = served(1, 1);
    stage.drive("drain", slots(&stage, 1)).await;
    stage.hosts.script(&sample::id(1), |host| host.seat_health = SeatHealth::Unhealthy);
    assert_eq!(code(&stage.drive_one("return", stage.slot(1)).await), "FW-H0042");
    assert!(stage.hosts.out_of_service().is_empty(), "it is registered, and the group goes on");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_was_ill_before_is_not_waited_for() {
    let stage = served(1, 0);
    stage.hosts.script(&sample::id(1), |host| host.seat_health = SeatHealth::Unhealthy);
    stage.drive("drain", slots(&stage, 1)).await;
    let back = stage.drive_one("return", stage.slot(1)).await;
    assert_eq!(note::<ReturnNote>(&back), ReturnNote { pools: 1, ill_as_before: 1 });
}

#[tokio::test(start_paused = true)]
async fn a_host_that_nobody_is_served_by_needs_neither() {
    let stage = Stage::of(1);
    for step in ["drain", "return"] {
        assert!(matches!(stage.drive_one(step, stage.slot(1)).await, Outcome::NotNeeded { .. }), "{step}");
    }
    assert_eq!(stage.hosts.effect_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_and_a_refusal_for_lack_of_room_change_nothing_about_the_end() {
    const ENTER: &str = "autoscaling:EnterStandby";
    let refused =
        Failure::new(ErrorClass::Permanent, &fleetwright_model::code::REQUEST_REFUSED, ENTER, "min");
    for fault in [Fault::LostReply, Fault::Refused(refused)] {
        let stage = served(2, 1);
        stage.hosts.fail_next(ENTER, fault.clone());
        let out = stage.drive_one("drain", stage.slot(1)).await;
        assert_eq!(note::<DrainNote>(&out).pools, 1, "{fault:?}");
        let standby = member(&stage, 1).await == MemberState::Standby;
        assert_ne!(standby, suspended(&stage).await > 0, "one or the other: {fault:?}");
        stage.drive_one("return", stage.slot(1)).await;
        assert!(stage.hosts.out_of_service().is_empty(), "{fault:?}: {:?}", stage.hosts.out_of_service());
    }
}
