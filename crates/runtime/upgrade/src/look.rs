//! Looking: what is seen of a cluster in one turn, and what to report where it cannot be seen or is not so yet.

use fleetwright_eks::facts::{Fact, Unread};
use fleetwright_eks::maker::{Maker, maker};
use fleetwright_eks::plan::Action;
use fleetwright_eks::read::nodes;
use fleetwright_kubernetes::{ApiVersion, Depth, GroupVersionKind, Minor, Node, Resource};
use fleetwright_model::{ErrorClass, Failure, code};
use fleetwright_ports::clusters::ClusterDescription;
use fleetwright_ports::kubernetes::Listing;
use fleetwright_ports::self_managed::GroupDescription;
use fleetwright_step::{Late, Outcome, Pace, Slot};
use jiff::Timestamp;

use crate::context::{Context, Site};

/// Updates of clusters take minutes, those of nodes hours.
pub(crate) const UPDATES: Pace = Pace { first: 8, longest: 64, share: 16 };
/// Karpenter takes one node after the other while a budget lets it, each in about a minute.
pub(crate) const NODES: Pace = Pace { first: 8, longest: 16, share: 16 };
/// Everything of a cluster is read: seldom.
pub(crate) const WHOLE: Pace = Pace { first: 32, longest: 256, share: 8 };

/// Characters of untrusted text in a sentence at most.
const LONGEST_WORDS: usize = 600;

/// A cluster in one turn: each part is asked for once.
pub(crate) struct Sight<'a> {
    pub(crate) context: &'a Context,
    pub(crate) site: &'a Site<'a>,
    pub(crate) described: ClusterDescription,
    nodes: Option<Vec<Node>>,
    group: Option<GroupDescription>,
}

impl<'a> Sight<'a> {
    pub(crate) async fn of(context: &'a Context, site: &'a Site<'a>) -> Result<Self, Failure> {
        let described = context.described(site).await?;
        Ok(Self { context, site, described, nodes: None, group: None })
    }

    /// The cluster's nodes.
    pub(crate) async fn nodes(&mut self) -> Result<&[Node], Failure> {
        if self.nodes.is_none() {
            let api = self.context.api(self.site, &self.described)?;
            let listed = api.list(&core_resource("Node", "nodes", false), &Listing::of(Depth::Whole)).await?;
            self.nodes = Some(match nodes(&listed) {
                Fact::Known(nodes) => nodes,
                Fact::NotRead(why) => return Err(unread(&why)),
            });
        }
        Ok(self.nodes.as_deref().unwrap_or_default())
    }

    /// An Auto Scaling group of one's own, as it is in this turn.
    pub(crate) async fn group(&mut self, name: &str) -> Result<&GroupDescription, Failure> {
        if self.group.as_ref().is_none_or(|group| group.name != name) {
            self.group = self.context.ports().groups.group(&self.site.cell, name).await?;
        }
        self.group.as_ref().ok_or_else(|| {
            let words = format!("there is no Auto Scaling group {name} any more");
            Failure::new(
                ErrorClass::NotFound,
                &code::UPGRADE_NOT_SO,
                "autoscaling:DescribeAutoScalingGroups",
                &words,
            )
        })
    }

    /// The nodes that an action replaces.
    pub(crate) async fn nodes_of(&mut self, action: &Action) -> Result<Vec<&Node>, Failure> {
        let of = match action {
            Action::SelfManagedNodes { group, .. } => {
                let ids: Vec<String> =
                    self.group(group).await?.instances.iter().map(|it| it.id.clone()).collect();
                let has = |node: &&Node| node.instance_id().is_some_and(|id| ids.iter().any(|it| it == id));
                return Ok(self.nodes().await?.iter().filter(has).collect());
            }
            Action::ManagedNodes { group, .. } => Maker::ManagedGroup(group),
            Action::PoolNodes { pool, .. } | Action::HoldPool { pool } => Maker::Pool(pool),
            Action::FargatePods { .. } => Maker::Fargate,
            _ => return Ok(Vec::new()),
        };
        Ok(self.nodes().await?.iter().filter(|node| maker(node) == of).collect())
    }
}

/// A resource of the core group that is listed.
pub(crate) fn core_resource(kind: &str, plural: &str, namespaced: bool) -> Resource {
    Resource {
        api: GroupVersionKind {
            api_version: ApiVersion { group: String::new(), version: "v1".to_owned() },
            kind: kind.to_owned(),
        },
        plural: plural.to_owned(),
        namespaced,
        verbs: vec!["list".to_owned()],
    }
}

/// What was not understood.
pub(crate) fn unread(why: &Unread) -> Failure {
    Failure::new(ErrorClass::Transient, &code::CLUSTER_UNCERTAIN, "kubernetes", &why.detail)
}

/// Whether a node serves with that version.
pub(crate) fn serves_with(node: &Node, version: Minor) -> bool {
    node.kubelet == version && node.ready && !node.unschedulable
}

/// Looks again, or says that it took too long.
pub(crate) fn wait(pace: Pace, slot: &Slot, now: Timestamp, step: &str, what: &str) -> Outcome {
    let late = Late { step, class: ErrorClass::Permanent, code: &code::UPGRADE_TIMED_OUT };
    pace.look(slot, now, &shortened(what), late)
}

/// What to report where nobody could look: that is no answer, and it is looked again until the time is over. Where
/// looking again cannot help, it has failed.
pub(crate) fn unseen(pace: Pace, slot: &Slot, now: Timestamp, step: &str, failure: Failure) -> Outcome {
    match failure.class {
        ErrorClass::Denied | ErrorClass::NotFound | ErrorClass::Permanent => Outcome::Failed(failure),
        _ => {
            let late = Late { step, class: ErrorClass::Transient, code: &code::CLUSTER_UNCERTAIN };
            pace.look(slot, now, &shortened(&format!("an answer: {failure}")), late)
        }
    }
}

/// Names joined in a sentence, not longer than a sentence should be.
pub(crate) fn listed(names: &[String]) -> String {
    const MOST: usize = 5;
    let mut text = names.iter().take(MOST).cloned().collect::<Vec<_>>().join("; ");
    if names.len() > MOST {
        text.push_str(&format!("; and {} more", names.len() - MOST));
    }
    shortened(&text)
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_WORDS).collect()
}
