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
    UPGRADE_REFUSED = "FW-X0008", Some(Exit::Validation), "Upgrade not to be carried out",
        "The plan has findings that block, checks that may block could not look when it was made, or a step has no version of a launch template to make nodes from. Nothing was changed.",
        "The message names what it is. Do what the plan's findings ask for and plan again; the runbook of a plan has every call for who goes the way by hand.";
    OTHER_CLUSTER = "FW-X0009", Some(Exit::Validation), "Another cluster has the name now",
        "The cluster's endpoint is not the one that the plan was made for: it was deleted and made again, or the landing zone leads elsewhere. Nothing was changed.",
        "Plan the upgrade of the cluster that is there now.";
    UPGRADE_ALREADY = "FW-X0010", None, "It is so already",
        "What the step is for was found to be so before it began: somebody did it before, or an earlier run.",
        "Nothing.";
    UPGRADE_NOT_SO = "FW-X0011", Some(Exit::Partial), "What must hold does not",
        "Something that must hold before the step begins, or when it has ended, does not, and waiting does not change it: somebody changed the cluster since it was planned, or EKS did something else than it was asked for.",
        "The message says what is so and what should be. Look at the cluster, then plan again: a new plan begins where the cluster is.";
    UPDATE_FAILED = "FW-X0012", Some(Exit::Partial), "EKS could not make the update",
        "EKS ended an update as failed or as cancelled. What it says is in the message, and where pods kept nodes from being drained, which ones and by which budgets.",
        "PodEvictionFailure: let the budgets that are named let pods go, or scale their workloads up; ConfigurationConflict: look at the fields that were changed by hand. Nodes that were replaced stay; plan again to go on.";
    UPGRADE_TIMED_OUT = "FW-X0013", Some(Exit::Timeout), "Step of an upgrade took too long",
        "The step was not done when its time was over. What it began goes on at EKS, whoever waits for it.",
        "The message says what was waited for. `fleetwright eks status` shows what is so by now; a new plan begins where the cluster is.";
    CLUSTER_WORSE = "FW-X0014", Some(Exit::Partial), "Cluster worse than before",
        "Nodes, workloads, webhooks or aggregated APIs are worse than they were before the run, and did not get well in the time that they were given. The run stopped there.",
        "The message names what is worse. Mend it and plan again to go on, or go back with `fleetwright eks rollback RUN` as long as the way back is open.";
    BASELINE_LOST = "FW-X0015", Some(Exit::Partial), "Nobody knows how the cluster was before",
        "The file that says how the cluster was before the run is not there or cannot be read, so that nothing can be compared with it.",
        "Look at the cluster yourself. A new plan makes a new baseline.";
    WAY_BACK_CLOSED = "FW-X0016", Some(Exit::Validation), "No way back",
        "The run has no hop that can be taken back: none was made, the seven days are over, a later hop closed it, or pods of Fargate run on nodes that the older version does not serve. Nothing was changed.",
        "The message says which. Going forward is planned with `fleetwright eks plan`.";
    UPGRADE_RUN = "FW-X0017", Some(Exit::Usage), "The run is an upgrade of clusters",
        "The command works on runs that patch hosts, and this one upgrades EKS clusters.",
        "`fleetwright eks status RUN` shows it; approve, pause, resume, abort and audit work on it as on any other run.";
    SUITE_FAILED = "FW-X0019", Some(Exit::Partial), "Test suite failed",
        "The Job of a test suite that the plan names failed, was not done in time, or was deleted before it was seen to end. The run stopped there.",
        "The message names the pods and what they said; `kubectl logs` of the Job's pods has the rest. Where it failed before the first change nothing was changed. Mend it and plan again to go on, or go back with `fleetwright eks rollback RUN` as long as the way back is open.";
}
