//! EKS clusters.

use super::{Code, Exit, codes};

codes! {
    CLUSTER_NAME = "FW-X0001", Some(Exit::Usage), "Not a name of a cluster",
        "What was given cannot be the name of an EKS cluster: names have 1 to 100 letters, digits, `-` and `_`, and begin with a letter or a digit.",
        "`fleetwright eks list` shows the clusters there are.";
    CLUSTER_TARGET = "FW-X0002", Some(Exit::Usage), "Not a version to go to",
        "The version that was given cannot be reached by upgrading: it is no version of Kubernetes, or older than the cluster's.",
        "Name a minor version such as 1.36 that is newer than the cluster's. The message has both.";
    SUPPRESSIONS_INVALID = "FW-X0003", Some(Exit::Configuration), "Suppressions cannot be used",
        "The file of suppressions has an entry that means nothing: a check there is not, no reason, or an end that is no time. Nothing was asked of AWS.",
        "The message names the line. An entry has `code`, `reason` and `expires_at`, and may have `subject`; a suppression without an end is not possible.";
    CLUSTER_NOT_READY = "FW-X0004", Some(Exit::Validation), "Cluster not ready for the upgrade",
        "Something was found that the upgrade does not start over. Each finding has what was read, and what to do about it.",
        "Do what the remedies say and assess again. `fleetwright eks explain CODE` says why a check asks what it asks; a finding to live with for a time can be suppressed with a reason and an end.";
    CLUSTER_UNCERTAIN = "FW-X0005", Some(Exit::Partial), "Not everything could be checked",
        "Nothing that was seen stands in the way, but checks that could stop the upgrade could not look at everything: a right is missing, an API does not answer, or what was read is not enough. That is not the same as ready.",
        "The report names each of them with the reason. `fleetwright policy --clusters NAME` prints the rights that are needed in AWS; in the cluster the caller needs to read everything (AmazonEKSAdminViewPolicy).";
    CLUSTER_UNREACHED = "FW-X0006", Some(Exit::Partial), "Clusters that could not be looked at",
        "A part of the accounts, regions or clusters could not be read, and is named. There may be clusters there.",
        "See `fleetwright doctor` for roles and regions, and `fleetwright policy --clusters NAME` for the rights.";
    UPGRADE_UNPLANNABLE = "FW-X0007", Some(Exit::Validation), "Upgrade cannot be planned",
        "There is no order of steps that keeps the rules, or nothing can be said because the cluster, its versions or its nodes could not be read. Nothing was changed.",
        "The message names what stands in the way: nodes that are too old for the first hop are replaced first, and what could not be read needs a right. Assess the cluster to see everything at once.";
}
