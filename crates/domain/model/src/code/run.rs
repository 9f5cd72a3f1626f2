use super::{Code, Exit, codes};

codes! {
    PLAN_UNREADABLE = "FW-R0001", Some(Exit::Validation), "Plan not readable",
        "The file is not a plan, or it is damaged.",
        "Make it again with `fleetwright plan`.";
    PLAN_CHANGED = "FW-R0002", Some(Exit::Validation), "Plan was edited",
        "The plan's content does not match its digest: it is not what was reviewed.",
        "Make it again with `fleetwright plan`; change the configuration, never the plan.";
    PLAN_FORMAT = "FW-R0003", Some(Exit::Validation), "Plan of another version",
        "The plan is of a format that this version does not read.",
        "Make it again with this version's `fleetwright plan`.";
    PLAN_ELSEWHERE = "FW-R0004", Some(Exit::Validation), "Plan for other landing zones",
        "The plan names a landing zone, account or role that the inventory given does not have.",
        "Give the inventory the plan was made with, or plan anew.";
    DRIFT = "FW-R0005", Some(Exit::Validation), "Fleet drifted from the plan",
        "The fleet is not as it was when the plan was made; nothing was changed. The difference is shown.",
        "Review the difference and plan anew.";
    NO_SUCH_RUN = "FW-R0006", Some(Exit::Usage), "No such run",
        "The state directory has no run of that name.",
        "`fleetwright runs` lists what is there; --state-dir names another directory.";
    RUN_OWNED = "FW-R0007", Some(Exit::Halted), "Run is being driven",
        "Another living process drives this run. Two never do.",
        "Follow it with `fleetwright watch`, or stop that process first.";
    RUN_TAKEN = "FW-R0008", Some(Exit::Halted), "Run was taken over",
        "Another process took this run over; this one stopped at once and did nothing further.",
        "Follow it with `fleetwright watch`.";
    JOURNAL_DAMAGED = "FW-R0009", Some(Exit::Validation), "Journal damaged",
        "The run's journal is damaged after the record named. What comes before is whole and was used to show this; the run is not driven on, because what happened after is not known.",
        "Keep the directory. Look at the hosts that were in flight, then plan them anew with `fleetwright plan`.";
    STATE_UNUSABLE = "FW-R0010", Some(Exit::Resource), "State directory not usable",
        "The state directory is full, read-only or not ours. Without a durable record nothing is changed.",
        "Free space or choose another with --state-dir; a run that was under way continues with `fleetwright resume`.";
    NOTHING_UNFINISHED = "FW-R0011", Some(Exit::Nothing), "Nothing to resume",
        "The state directory has no unfinished run.",
        "`fleetwright runs` lists what is there.";
    SEVERAL_UNFINISHED = "FW-R0012", Some(Exit::Usage), "Several unfinished runs",
        "More than one run is unfinished, and none was named.",
        "Name one: `fleetwright resume RUN`.";
    RUN_REJECTED = "FW-R0013", Some(Exit::Halted), "Rejected",
        "The run was rejected at its gate; nothing behind the gate was changed.",
        "Plan anew when the reason is dealt with.";
    RUN_ABORTED = "FW-R0014", Some(Exit::Halted), "Aborted",
        "The run was aborted. What was in flight has been finished or is named; what was taken out of service was put back.",
        "`fleetwright retry` takes the hosts that were not done.";
    RUN_HALTED = "FW-R0015", Some(Exit::Halted), "Halted by failures",
        "More hosts failed than the plan allows; nothing further was started.",
        "Look at the failures in the report, then `fleetwright retry`.";
    RUN_PARTIAL = "FW-R0016", Some(Exit::Partial), "Partial success",
        "The run is complete, and some hosts did not end well; each is named with its reason.",
        "See the report, then `fleetwright retry`.";
    RUN_STUCK = "FW-R0017", Some(Exit::Stuck), "A person is needed",
        "At least one host could not be taken forward or back.",
        "Look at the hosts named as stuck; each says at which step and what to look at.";
    NOTHING_TO_DO = "FW-R0018", Some(Exit::Nothing), "Nothing to do",
        "No host of the selection can or needs to be worked on.",
        "See why each was left out in the plan.";
    APPROVAL_WAITS = "FW-R0019", Some(Exit::Interrupted), "Waiting for approval",
        "The run waits for a decision at its gate, and this process was told not to wait.",
        "`fleetwright approve RUN` or `fleetwright reject RUN`, then `fleetwright resume RUN`.";
    RUN_INTERRUPTED = "FW-R0020", Some(Exit::Interrupted), "Interrupted, resumable",
        "The process was stopped. Everything it did is in the journal.",
        "`fleetwright resume` continues; nothing is done twice.";
    PLAN_BLIND = "FW-R0021", Some(Exit::Partial), "Planned with gaps",
        "Parts of the fleet could not be read; hosts there are not in the plan. That does not mean that they are healthy.",
        "See the gaps in the plan; correct the cause and plan anew to take them in.";
    RUN_UNFINISHED = "FW-R0022", Some(Exit::Usage), "Run is not finished",
        "The command needs a run that has ended.",
        "`fleetwright resume` or `fleetwright abort` it first.";
    NO_PLAN_FOR = "FW-R0023", Some(Exit::Usage), "Run does not have what is asked for",
        "The run named has no host, backup or result of the kind that was asked for.",
        "`fleetwright status RUN` shows what it has.";
    RUN_UNDER_WAY = "FW-R0024", None, "Under way",
        "A living process drives the run.",
        "Follow it with `fleetwright watch`; `fleetwright pause` and `fleetwright abort` stop it in order.";
    PLAN_REFUSED = "FW-R0025", Some(Exit::Validation), "Plan refused",
        "What is asked for cannot be planned safely: a wave would take every healthy member of a group out of service at once, or the order cannot be kept.",
        "Give the group a budget (safety.budgets), cut the wave into smaller ones, or give a waiver with a last day and a reason (ordering.waivers).";
    PLAN_UNSAFE = "FW-R0026", Some(Exit::Validation), "Plan breaks a safety rule",
        "The plan was checked on its own, without the planner, and breaks at least one of the rules named. Nothing was changed.",
        "Make it again with `fleetwright plan`; if it happens again, report it with the plan.";
    NOT_REHEARSABLE = "FW-R0040", Some(Exit::Usage), "Plan cannot be rehearsed",
        "A simulated copy of the plan's fleet cannot be made; the message says what it would lack.",
        "Rehearse the plan of a whole workflow; rollbacks and runs that continue others rely on images of before.";
    GATE_ALARM = "FW-R0050", Some(Exit::Halted), "Alarm between waves",
        "A CloudWatch alarm named for the gates is in alarm while or after a wave is waited after; the next wave does not begin.",
        "Look at the alarm and at the hosts of the wave; when it is dealt with, `fleetwright retry` takes the hosts that were not started.";
    GATE_FAILED = "FW-R0051", Some(Exit::Halted), "Wave not good enough",
        "A check of the gate between two waves failed: hosts of the wave are not compliant or worse than before, or their target groups are not healthy. The next wave does not begin.",
        "Look at what the gate names; when it is dealt with, `fleetwright retry` takes the hosts that were not started.";
    GATE_UNKNOWN = "FW-R0052", Some(Exit::Halted), "Gate could not be checked",
        "Something that the gate between two waves should look at could not be looked at. That is not a pass, so the next wave does not begin.",
        "Correct what the gate names (an alarm's name, a permission, data that an alarm waits for), or leave the check out (safety.gate), then `fleetwright retry`.";
    HUB_UNUSABLE = "FW-R0055", Some(Exit::Configuration), "Hub not set up as expected",
        "A hub of fleetwright, or one of its functions, is not as its template makes it: a variable, a secret or a resource is missing or says what cannot be, or somebody called a function with an event that is not of its state machine.",
        "Correct what the message names; where the hub was changed by hand, deploy its template again (`fleetwright cloud template`).";
    CALENDAR_CLOSED = "FW-R0060", None, "Change calendar closed",
        "A change calendar named in safety.change_calendars is closed. No host that is not changed yet is changed before it opens; looking and preparing go on, and hosts already changed are taken to their end.",
        "Nothing, if the calendar is right: the run goes on by itself when it opens. `fleetwright abort` ends the run instead.";
    CALENDAR_UNKNOWN = "FW-R0061", None, "Change calendar could not be read",
        "Nobody could find out whether a change calendar named in safety.change_calendars is open. Unless safety.change_calendar_unknown says otherwise, that counts as closed.",
        "Correct what the message names: the calendar's name or ARN, or the permission ssm:GetCalendarState. It is asked again every minute.";
    OUTAGES_UNSEEN = "FW-R0062", None, "Nobody knows who is in service",
        "The members of a group that hosts of the run belong to could not be looked at, so nobody knows how many are out of service by themselves. For ten minutes what was seen last stands; then no further host of the group is taken out of service until it can be looked at again.",
        "Correct what the message names: mostly a permission to read, or a call that AWS refuses. The run goes on by itself then.";
}
