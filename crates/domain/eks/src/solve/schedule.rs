//! The order of control plane and nodes on a way of several hops, with the fewest node rolls.

use fleetwright_kubernetes::{Hop, Minor, Skew, version::skew};
use serde::Serialize;

/// Nodes that are replaced together: a node group, a node pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSet {
    /// Its name.
    pub name: String,
    /// The oldest kubelet in it.
    pub oldest: Minor,
    /// The newest kubelet in it.
    pub newest: Minor,
}

/// One move of an upgrade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Move {
    /// The control plane goes to the next minor.
    ControlPlane(Hop),
    /// A set of nodes is replaced by nodes of this version.
    Nodes {
        /// The set.
        set: String,
        /// The version of the new nodes: that of the control plane at that time.
        to: Minor,
    },
}

/// A set of nodes that no order helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{set} cannot take part: kubelet {kubelet} is not allowed beside control plane {control_plane}; replace its nodes first"
)]
pub struct Unschedulable {
    /// The set.
    pub set: String,
    /// Its kubelet.
    pub kubelet: Minor,
    /// The control plane's version before the first hop.
    pub control_plane: Minor,
}

/// The moves of a way, in order. Each set of nodes is replaced as late as the skew rules allow, and at the end to the
/// version of the target: no order replaces it less often. Late rolls also keep the way back open for longer, because
/// nodes must be back before the control plane goes back.
///
/// # Errors
/// [`Unschedulable`] where nodes are out of skew before the first hop.
pub fn schedule(route: &[Hop], sets: &[NodeSet]) -> Result<Vec<Move>, Unschedulable> {
    let (Some(first), Some(last)) = (route.first(), route.last()) else { return Ok(Vec::new()) };
    let mut oldest: Vec<Minor> = Vec::with_capacity(sets.len());
    for set in sets {
        for kubelet in [set.newest, set.oldest] {
            if skew(kubelet, first.from) != Skew::Supported {
                return Err(Unschedulable { set: set.name.clone(), kubelet, control_plane: first.from });
            }
        }
        oldest.push(set.oldest);
    }
    let mut moves = Vec::new();
    for &hop in route {
        for (set, kubelet) in sets.iter().zip(&mut oldest) {
            if skew(*kubelet, hop.to) != Skew::Supported {
                *kubelet = hop.from;
                moves.push(Move::Nodes { set: set.name.clone(), to: hop.from });
            }
        }
        moves.push(Move::ControlPlane(hop));
    }
    for (set, kubelet) in sets.iter().zip(oldest) {
        if kubelet < last.to {
            moves.push(Move::Nodes { set: set.name.clone(), to: last.to });
        }
    }
    Ok(moves)
}
