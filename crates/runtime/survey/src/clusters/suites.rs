//! Test suites that are to be run: whether their CronJobs are there, and what running them asks of the caller's rights.

use std::collections::BTreeSet;

use fleetwright_eks::facts::{Fact, UnreadCause};
use fleetwright_eks::suite::Suite;
use fleetwright_ports::kubernetes::ResourceAttributes;

use super::{Api, unread};

/// Verb, group and resource of what is asked of the cluster where a suite is run: its template is read, a Job made and looked
/// at, and where that fails its pods say why.
const NEEDED: [(&str, &str, &str); 4] = [
    ("get", "batch", "cronjobs"),
    ("create", "batch", "jobs"),
    ("get", "batch", "jobs"),
    ("list", "", "pods"),
];

/// What the caller must be allowed for these suites, each namespace once.
pub(super) fn rights(suites: &[Suite]) -> Vec<ResourceAttributes> {
    let namespaces: BTreeSet<&str> = suites.iter().map(Suite::namespace).collect();
    let each = namespaces.into_iter().flat_map(|namespace| NEEDED.map(|needed| (namespace, needed)));
    each.map(|(namespace, (verb, group, resource))| ResourceAttributes {
        verb,
        group,
        resource,
        subresource: "",
        namespace: namespace.to_owned(),
    })
    .collect()
}

/// The suites whose CronJob the cluster has.
pub(super) async fn there(api: Api<'_>, suites: &[Suite]) -> Fact<BTreeSet<Suite>> {
    let mut there = BTreeSet::new();
    if suites.is_empty() {
        return Fact::Known(there);
    }
    let server = match api {
        Api::Open(server) => server,
        Api::LeftOut => return Fact::unread(UnreadCause::NotAsked, "the cluster's own API was left out"),
        Api::Unreached(failure) => return unread(failure),
    };
    for suite in suites {
        match server.object(&suite.cron_job_path()).await {
            Ok(Some(_)) => drop(there.insert(suite.clone())),
            Ok(None) => {}
            Err(failure) => return unread(&failure),
        }
    }
    Fact::Known(there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_asked_for_once_in_each_namespace() {
        let suites = ["shop/smoke", "shop/pay", "bank/smoke"].map(|it| it.parse().expect("a suite"));
        let told: Vec<String> = rights(&suites).iter().map(ToString::to_string).collect();
        let expected = |namespace: &str| {
            ["get cronjobs.batch", "create jobs.batch", "get jobs.batch", "list pods"]
                .map(|right| format!("{right} in {namespace}"))
        };
        assert_eq!(told, [expected("bank"), expected("shop")].concat());
    }
}
