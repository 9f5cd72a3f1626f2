use fleetwright_eks::solve::schedule::{Move, NodeSet, schedule};
use fleetwright_kubernetes::{Minor, Skew, version::skew};
use proptest::prelude::*;

use super::route;

fn set(name: &str, kubelet: u16) -> NodeSet {
    NodeSet { name: name.into(), oldest: Minor::new(kubelet), newest: Minor::new(kubelet) }
}

fn told(moves: &[Move]) -> Vec<String> {
    let tell = |step: &Move| match step {
        Move::ControlPlane(hop) => format!("control plane {}", hop.to),
        Move::Nodes { set, to } => format!("{set} {to}"),
    };
    moves.iter().map(tell).collect()
}

#[test]
fn three_hops_need_one_roll_of_nodes_that_are_current() {
    let moves = schedule(&route(33, 36), &[set("blue", 33)]).expect("in skew");
    assert_eq!(told(&moves), ["control plane 1.34", "control plane 1.35", "control plane 1.36", "blue 1.36"]);
}

#[test]
fn nodes_that_lag_are_rolled_as_late_as_they_must_and_others_are_left_alone() {
    let moves = schedule(&route(33, 36), &[set("old", 31), set("new", 33)]).expect("in skew");
    let expected = [
        "control plane 1.34",
        "old 1.34",
        "control plane 1.35",
        "control plane 1.36",
        "old 1.36",
        "new 1.36",
    ];
    assert_eq!(told(&moves), expected);
}

#[test]
fn nodes_out_of_skew_before_the_first_hop_are_named() {
    for kubelet in [34, 29] {
        let error = schedule(&route(33, 34), &[set("blue", kubelet)]).expect_err("out of skew");
        assert_eq!((error.set.as_str(), error.kubelet), ("blue", Minor::new(kubelet)));
    }
    assert_eq!(schedule(&[], &[set("blue", 29)]), Ok(vec![]), "without a hop nothing moves");
}

/// The fewest rolls of one set: at each version of the control plane it is rolled or not.
fn fewest_rolls(kubelet: u16, from: u16, to: u16) -> Option<u32> {
    let stops = to - from + 1;
    let ways = (0_u32..1 << stops).filter(|way| {
        let mut kubelet = kubelet;
        for stop in 0..stops {
            let control_plane = from + stop;
            if skew(Minor::new(kubelet), Minor::new(control_plane)) != Skew::Supported {
                return false;
            }
            if way & (1 << stop) != 0 {
                kubelet = control_plane;
            }
        }
        kubelet == to
    });
    ways.map(u32::count_ones).min()
}

proptest! {
    #[test]
    fn no_order_rolls_nodes_less_often(from in 22_u16..40, hops in 1_u16..7, lag in 0_u16..4) {
        let (to, kubelet) = (from + hops, from - lag);
        match schedule(&route(from, to), &[set("blue", kubelet)]) {
            Err(_) => prop_assert_eq!(fewest_rolls(kubelet, from, to), None),
            Ok(moves) => {
                let rolls = moves.iter().filter(|step| matches!(step, Move::Nodes { .. })).count();
                prop_assert_eq!(Some(rolls), fewest_rolls(kubelet, from, to).map(|rolls| rolls as usize));
                let (mut kubelet, mut control_plane) = (Minor::new(kubelet), Minor::new(from));
                for step in moves {
                    match step {
                        Move::ControlPlane(hop) => control_plane = hop.to,
                        Move::Nodes { to, .. } => kubelet = to,
                    }
                    prop_assert_eq!(skew(kubelet, control_plane), Skew::Supported);
                }
                prop_assert_eq!((kubelet, control_plane), (Minor::new(to), Minor::new(to)));
            }
        }
    }
}
