use super::{Code, codes};

codes! {
    NOT_RUNNING = "FW-P0001", None, "Not running",
        "The instance is changing state (pending, stopping, shutting down); it can be judged when it has come to rest.",
        "Scan again in a few minutes.";
    STOPPED = "FW-P0002", None, "Stopped",
        "The instance is stopped. It can be patched when it has been started; a run starts it and stops it again afterwards.",
        "Nothing; set eligibility.start_stopped to false to leave stopped instances alone.";
    STOPPED_LEFT_ALONE = "FW-P0003", None, "Stopped and left alone",
        "The instance is stopped and eligibility.start_stopped is false.",
        "Start it, or set eligibility.start_stopped to true.";
    NO_AGENT = "FW-P0004", None, "Not managed by Systems Manager",
        "Systems Manager has never heard of the instance: the agent is not installed, has no instance profile, or cannot reach the service.",
        "Install the agent, attach a role with AmazonSSMManagedInstanceCore, and check the route to the ssm, ssmmessages and ec2messages endpoints.";
    AGENT_LOST = "FW-P0005", None, "Agent connection lost",
        "The agent was registered but does not answer now. Nothing can be run on the host; an agent that is offline cannot be restarted through Systems Manager.",
        "Look at the host (console output, session over another way), its instance profile and its network.";
    AGENT_INACTIVE = "FW-P0006", None, "Agent inactive",
        "The agent has been silent for long.",
        "As for a lost connection; the host may have been rebuilt without the agent.";
    AGENT_UNCHECKED = "FW-P0007", None, "Agent not checked",
        "It could not be found out whether the agent answers. The instance is neither called healthy nor broken.",
        "See the gaps of the scan for the cause, mend it and scan again.";
    AGENT_TOO_OLD = "FW-P0008", None, "Agent too old",
        "The agent is older than eligibility.min_agent_version. Old agents lack what safe patching needs, such as parameters as environment variables (3.3.2746).",
        "Update the agent (AWS-UpdateSSMAgent).";
    OPTED_OUT = "FW-P0009", None, "Opted out by tag",
        "The instance carries the opt-out tag (tags.opt_out).",
        "Nothing, if that is meant; otherwise remove the tag.";
    STATUS_IMPAIRED = "FW-P0010", None, "Status check failed",
        "EC2 reports a failed status check. A host that is ill already is not rebooted.",
        "Mend or replace the instance first.";
    STATUS_INITIALIZING = "FW-P0011", None, "Status checks not finished",
        "The instance has just started and EC2's status checks have no result yet.",
        "Scan again in a few minutes.";
    STATUS_UNCHECKED = "FW-P0012", None, "Status checks not known",
        "EC2's status checks could not be read, or EC2 has not enough data.",
        "See the gaps of the scan; otherwise scan again in a few minutes.";
    CLUSTER_NODE = "FW-P0013", None, "Kubernetes node",
        "The instance is a node of an EKS cluster. Nodes are renewed by rolling their group to a newer image, not patched in place.",
        "Upgrade the node group instead.";
    UNSUPPORTED_PLATFORM = "FW-P0014", None, "Platform not supported",
        "Patch Manager does not patch this platform.",
        "Patch it by its own means and set the opt-out tag.";
    SPOT = "FW-P0015", None, "Spot instance",
        "A Spot instance may be taken away at any time and cannot be restored to the same id.",
        "Renew its launch template's image instead, or patch it knowing that.";
    AUTO_SCALING = "FW-P0016", None, "In an Auto Scaling group",
        "The group may replace the instance while it is being patched, and new instances come from the launch template, unpatched.",
        "A run puts it on standby while it is patched, or suspends what would replace it (phases.drain). Renew the launch template's image as well.";
    NO_IMAGE_BACKUP = "FW-P0017", None, "Root device on instance store",
        "No AMI can be made of an instance-store root, so there is no way back.",
        "Replace the instance from a patched image.";
    PENDING_REBOOT = "FW-P0018", None, "Patches wait for a reboot",
        "Patches were installed earlier and take effect with the next reboot.",
        "Let the run reboot the host, or reboot it yourself in its window.";
    NEVER_SCANNED = "FW-P0019", None, "Never scanned for patches",
        "Patch Manager has no patch state for the instance, so nobody knows what is missing.",
        "Run a patch scan (AWS-RunPatchBaseline with Operation=Scan).";
    PATCH_STATE_UNCHECKED = "FW-P0020", None, "Patch state not checked",
        "The patch state could not be read.",
        "See the gaps of the scan for the cause, mend it and scan again.";
    PATCH_STATE_OLD = "FW-P0021", None, "Patch state is old",
        "The last patch scan is older than eligibility.max_patch_state_age; what it says may no longer be true.",
        "Run a patch scan before planning.";
    STATE_UNKNOWN = "FW-P0022", None, "State not known",
        "EC2 reports a state this version does not know.",
        "Update fleetwright.";
    AGENT_VERSION_UNKNOWN = "FW-P0023", None, "Agent version not known",
        "The agent does not report a version that can be compared with eligibility.min_agent_version.",
        "Look at the agent on the host, or set eligibility.min_agent_version to none.";
    BACKUP_WAIVED = "FW-P0024", None, "No backup by tag",
        "A tag says that this instance needs no image before patching (tags.requires_backup). There will be no way back.",
        "Remove the tag if that is not meant.";
    BACKUP_SKIPPED = "FW-P0025", None, "No backup in this run",
        "The backup phase is left out, and no earlier run's image was named. There will be no way back.",
        "Do not skip the backup phase, or continue from a run that made one (--from RUN).";
    CHECKS_UNUSABLE = "FW-P0026", None, "Checks in tags not usable",
        "A tag names a service, an address, a database or a threshold in a form that cannot be checked. The host is left out rather than patched without the check.",
        "Correct the tag; `fleetwright config explain tags.services` and its neighbours say what they take.";
    NO_WAVE = "FW-P0027", None, "In no wave",
        "None of the waves takes the host, so it is not patched in this run.",
        "Add a last wave without a selection, or see which of its accounts, regions and tags leaves the host out.";
    WINDOW_UNKNOWN = "FW-P0028", None, "Window not known",
        "A tag names a maintenance window that is not described, so nobody knows when the host may be changed.",
        "Describe the window under `windows`, or correct the tag; `fleetwright config explain tags.maintenance_window` says which tags are read.";
    WINDOW_TOO_SHORT = "FW-P0029", None, "No window long enough",
        "In the time planned for, no opening of the host's window leaves room for patching, rebooting, verifying and the way back.",
        "Make the window longer, shorten the time-outs of the phases, or plan nearer to the next opening.";
    NOBODY_TAKES_OVER = "FW-P0030", None, "Nobody can take over",
        "The host belongs to a set that cannot spare it: a singleton, or a quorum of fewer than three. There is no waiver, or it has expired.",
        "Give a waiver with a last day and a reason (ordering.waivers), or add members to the set.";
    ORDER_UNUSABLE = "FW-P0031", None, "Order in tags not usable",
        "A tag names a set of hosts in a form that cannot be understood, so nobody knows what the host depends on.",
        "Name a group of ordering.groups, or write one-at-a-time:NAME, quorum:NAME or singleton:NAME.";
    TOO_MANY_GROUPS = "FW-P0032", None, "In too many groups",
        "The host belongs to more groups with a budget than a plan can hold for one host.",
        "Take it out of target groups that no longer use it, or leave out a kind of budget under safety.budgets.";
    GROUP_DOWN = "FW-P0033", None, "No room in its group",
        "So many members of one of the host's groups are down already that the group's budget is used up.",
        "Bring the members back that are down, then plan anew.";
    WAIVER_TOO_SHORT = "FW-P0040", None, "Waiver too short",
        "The host belongs to a set that cannot spare it, and the waiver expires before its window leaves room for patching, rebooting, verifying and the way back.",
        "Give the waiver a later last day (ordering.waivers), or shorten the time-outs of the phases.";
}
