//! The contract of [`ClusterChanges`](crate::ClusterChanges), over a cluster that nobody else changes meanwhile, and that is
//! at rest.

use std::collections::BTreeSet;

use fleetwright_kubernetes::Minor;
use fleetwright_model::{Cell, ErrorClass, Failure};

use super::eventually;
use crate::cluster_changes::{ClientToken, Conflicts, UpdateOf};
use crate::clusters::{ClusterName, Update, UpdateStatus};
use crate::{Clock, ClusterChanges, Clusters};

/// What the suite works on.
pub struct Expected {
    /// The cluster. Two versions after its own are offered, nothing stands against the next one, and no EKS Auto Mode runs
    /// its nodes.
    pub name: ClusterName,
    /// Its version.
    pub version: Minor,
    /// One of its add-ons, a version that fits the next version of the cluster, and one that never fits.
    pub addon: (String, String, String),
    /// One of its managed node groups, which is of the cluster's version.
    pub node_group: String,
}

/// The cluster by both ports.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// What changes it.
    pub changes: &'a dyn ClusterChanges,
    /// What looks at it.
    pub clusters: &'a dyn Clusters,
    /// The time that it lives in.
    pub clock: &'a dyn Clock,
    /// Where it is.
    pub cell: &'a Cell<'a>,
    /// Its name.
    pub name: &'a ClusterName,
}

fn token(text: &str) -> ClientToken {
    ClientToken::new(text).expect("a token")
}

fn refused<T: std::fmt::Debug>(result: Result<T, Failure>, class: ErrorClass, rule: &str) {
    let failure = result.expect_err(rule);
    assert_eq!(failure.class, class, "{rule}: {failure}");
    assert!(failure.service_code.is_some(), "EKS's code is kept: {failure}");
}

impl Subject<'_> {
    async fn go(self, to: Minor, with: &str) -> Result<Update, Failure> {
        self.changes.update_version(self.cell, self.name, to, &token(with)).await
    }

    /// The update that was begun, at its end.
    async fn ended(self, of: UpdateOf<'_>, begun: &Update) -> Update {
        let end = eventually(self.clock, "the update ends", async || {
            let now = self.changes.update(self.cell, self.name, of, &begun.id).await.expect("it is known");
            (now.status != UpdateStatus::InProgress).then_some(now)
        })
        .await;
        assert_eq!((&end.id, &end.kind, end.created_at), (&begun.id, &begun.kind, begun.created_at));
        end
    }

    /// The same, where it ends well.
    async fn done(self, of: UpdateOf<'_>, begun: &Update) {
        let end = self.ended(of, begun).await;
        assert_eq!((end.status, &end.errors[..]), (UpdateStatus::Successful, &[][..]), "{end:?}");
    }

    async fn version(self) -> Minor {
        self.clusters.cluster(self.cell, self.name).await.expect("a cluster").cluster.version
    }
}

/// Runs the whole suite.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(subject: Subject<'_>, expected: &Expected) {
    control_plane(subject, expected).await;
    add_ons(subject, expected).await;
    node_groups(subject, expected).await;
    let updates = subject.clusters.updates(subject.cell, subject.name).await.expect("updates");
    let ids: BTreeSet<String> = updates.iter().map(|update| update.id.clone()).collect();
    assert_eq!((ids.len(), updates.len()), (3, 3), "up, back and up again, each once: {updates:?}");
}

async fn control_plane(subject: Subject<'_>, expected: &Expected) {
    let (before, next) = (expected.version, expected.version.next());
    let far = subject.go(next.next(), "conformance-far").await;
    refused(far, ErrorClass::Permanent, "one minor version at a time");
    let begun = subject.go(next, "conformance-up").await.expect("nothing stands against it");
    assert_eq!((begun.kind.as_str(), begun.status), ("VersionUpdate", UpdateStatus::InProgress));
    let again = subject.go(next, "conformance-up").await.expect("the same call");
    assert_eq!(again.id, begun.id, "the same token is the same update");
    refused(subject.go(next, "conformance-other").await, ErrorClass::Conflict, "another update goes on");
    looks(subject, &begun, expected).await;
    refused(
        subject.changes.cancel_update(subject.cell, subject.name, &begun.id).await,
        ErrorClass::Permanent,
        "no upgrade can be called off",
    );
    subject.done(UpdateOf::Cluster, &begun).await;
    assert_eq!(subject.version().await, next);
    let again = subject.go(next, "conformance-up").await.expect("the same call");
    assert_eq!((again.id, again.status), (begun.id, UpdateStatus::Successful), "also when it has ended");
    let other = subject.go(next.next(), "conformance-up").await;
    refused(other, ErrorClass::Permanent, "a token stands for one set of parameters");

    let back = subject.go(before, "conformance-back").await.expect("the way back is open");
    assert_eq!(back.kind, "VersionRollback");
    subject.done(UpdateOf::Cluster, &back).await;
    assert_eq!(subject.version().await, before);
    refused(
        subject.changes.cancel_update(subject.cell, subject.name, &back.id).await,
        ErrorClass::Permanent,
        "what has ended cannot be called off",
    );
    let up = subject.go(next, "conformance-up-again").await.expect("up again");
    subject.done(UpdateOf::Cluster, &up).await;
    assert_eq!(subject.version().await, next);
}

async fn looks(subject: Subject<'_>, begun: &Update, expected: &Expected) {
    let Subject { changes, cell, name, .. } = subject;
    assert_eq!(changes.update(cell, name, UpdateOf::Cluster, &begun.id).await.as_ref(), Ok(begun));
    let nothing = "00000000-0000-4000-8000-000000000000";
    for (of, id) in [
        (UpdateOf::Cluster, nothing),
        (UpdateOf::Addon(&expected.addon.0), begun.id.as_str()),
        (UpdateOf::NodeGroup(&expected.node_group), begun.id.as_str()),
    ] {
        let missing = changes.update(cell, name, of, id).await;
        refused(missing, ErrorClass::NotFound, "updates are found under what they are of");
    }
    refused(changes.cancel_update(cell, name, nothing).await, ErrorClass::NotFound, "there is none");
    let nobody: ClusterName = "fleetwright-conformance-nobody".parse().expect("a name");
    let missing = changes.update_version(cell, &nobody, expected.version, &token("conformance-nobody")).await;
    refused(missing, ErrorClass::NotFound, "there is no such cluster");
}

async fn add_ons(subject: Subject<'_>, expected: &Expected) {
    let Subject { changes, clusters, cell, name, .. } = subject;
    let (addon, version, unfit) = &expected.addon;
    let put = async |version: &str, with: &str| {
        changes.update_addon(cell, name, addon, version, Conflicts::Preserve, &token(with)).await
    };
    refused(put(unfit, "conformance-unfit").await, ErrorClass::Permanent, "a version has to fit");
    let begun = put(version, "conformance-addon").await.expect("it fits");
    assert_eq!(put(version, "conformance-addon").await.expect("the same call").id, begun.id);
    refused(put(version, "conformance-addon-2").await, ErrorClass::Conflict, "another update goes on");
    subject.done(UpdateOf::Addon(addon), &begun).await;
    let now = clusters.addons(cell, name).await.expect("add-ons");
    assert!(now.iter().any(|it| it.name == *addon && it.version == *version), "{now:?}");
    assert_eq!(put(version, "conformance-addon").await.expect("the same call").id, begun.id);
    let token = token("conformance-nobody");
    let missing = changes.update_addon(cell, name, "nobody", version, Conflicts::Refuse, &token).await;
    assert!(missing.is_err_and(|failure| failure.class.is_verdict()), "there is no such add-on");
}

async fn node_groups(subject: Subject<'_>, expected: &Expected) {
    let Subject { changes, clusters, cell, name, .. } = subject;
    let (group, next) = (&expected.node_group, expected.version.next());
    let roll =
        async |to: Minor, with: &str| changes.update_node_group(cell, name, group, to, &token(with)).await;
    let newer = roll(next.next(), "conformance-newer").await;
    refused(newer, ErrorClass::Permanent, "nodes are never newer than the control plane");
    let begun = roll(next, "conformance-roll").await.expect("the control plane is there already");
    assert_eq!(roll(next, "conformance-roll").await.expect("the same call").id, begun.id);
    refused(roll(next, "conformance-roll-2").await, ErrorClass::Conflict, "another update goes on");
    subject.done(UpdateOf::NodeGroup(group), &begun).await;
    let now = clusters.node_groups(cell, name).await.expect("node groups");
    assert!(now.iter().any(|it| it.name == *group && it.version == next), "{now:?}");
    assert_eq!(roll(next, "conformance-roll").await.expect("the same call").id, begun.id);
    let missing = changes.update_node_group(cell, name, "nobody", next, &token("conformance-none")).await;
    refused(missing, ErrorClass::NotFound, "there is no such node group");
}
