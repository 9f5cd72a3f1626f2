use super::{Code, Exit, codes};

codes! {
    CHANNEL_UNUSABLE = "FW-N0001", Some(Exit::Configuration), "Channel not usable",
        "A channel of notifications, or the system of change records, is described in a way that nothing can be sent to: an address that must not be reached, a template that is none, a file that cannot be read.",
        "The message names the channel and what is wrong with it; `fleetwright notify test` shows whether it works.";
    NOT_DELIVERED = "FW-N0002", Some(Exit::Connectivity), "Message not delivered",
        "Somebody was not told: a channel did not take a message, after every attempt that made sense. Nothing of the run depends on it.",
        "The message names the channel and what it answered. `fleetwright notify test` tries it again; what was to be told is in the run's reports.";
    NO_CHANNEL = "FW-N0003", Some(Exit::Usage), "No such channel",
        "No channel of that name is described, or none at all.",
        "Describe channels under `notifications.channels` and routes to them under `notifications.routes`.";
    CHANGE_SYSTEM = "FW-N0004", Some(Exit::Connectivity), "Change record out of reach",
        "The system of change records could not be asked, or did not do what it was asked for.",
        "The message says what it answered. Correct it, then ask again: a change is never opened twice.";
    NO_CHANGE_SYSTEM = "FW-N0005", Some(Exit::Usage), "No system of change records",
        "The command needs a system of change records, and none is described.",
        "Describe it under `itsm`.";
    NO_CHANGE = "FW-N0006", Some(Exit::Usage), "Run has no change record",
        "The system of change records has none with the run's mark.",
        "`fleetwright change open RUN` opens one.";
    CHANGE_WAITS = "FW-N0007", Some(Exit::Interrupted), "Change is not approved",
        "The change record of the run does not let it go on now: it waits for approval, or for its time.",
        "Have it approved; a run that is being driven looks at it by itself.";
    CHANGE_REFUSED = "FW-N0008", Some(Exit::Halted), "Change was refused",
        "The change record of the run was rejected or cancelled, is closed, or its time is over.",
        "`fleetwright reject RUN` ends the run; plan anew when the reason is dealt with.";
}
