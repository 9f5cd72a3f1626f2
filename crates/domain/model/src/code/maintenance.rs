use super::{Code, Exit, codes};

codes! {
    WINDOW_INVALID = "FW-M0001", Some(Exit::Usage), "Maintenance window not possible",
        "What was asked for is no maintenance window of Systems Manager: its name, schedule, lengths or targets are out of bounds. Nothing was made.",
        "The message names each fault. A window is open for 1 to 24 hours, and its cutoff is shorter than that.";
    WINDOW_CONFLICT = "FW-M0002", Some(Exit::Validation), "Maintenance window in conflict",
        "A window of the same account and region has the same name, or is open at the same time and may go to the same instances. Nothing was made anywhere.",
        "Choose another time or other instances; --despite-conflicts makes a window that overlaps with others, but never a second one of the same name.";
    WINDOW_HALF_MADE = "FW-M0003", Some(Exit::Stuck), "Half-made maintenance window left",
        "A window could not be finished, and taking away what was made of it failed as well. It may open with targets or tasks missing.",
        "Delete it with `fleetwright window delete`, or in the Systems Manager console; the message has its id, account and region.";
    NO_SUCH_WINDOW = "FW-M0004", Some(Exit::Nothing), "No such maintenance window",
        "No window of the chosen accounts and regions has that name or id.",
        "`fleetwright window list` shows the windows there are.";
    WINDOW_UNFIT = "FW-M0005", Some(Exit::Validation), "Maintenance window not fit",
        "A window is there and would not do what a patch window is for: it never opens, goes to nobody, patches nothing, or gets in the way of another.",
        "The findings say what is missing; delete the window and make it again, or correct it in the Systems Manager console.";
    WINDOW_UNREADABLE = "FW-M0006", Some(Exit::Partial), "Maintenance windows not all read",
        "The windows of some account or region could not be read; the others are shown.",
        "The details have each cause with its own code.";
    WINDOW_NOT_EVERYWHERE = "FW-M0007", Some(Exit::Partial), "Maintenance windows not changed everywhere",
        "In some account or region the window could not be made or deleted. What was half made there is taken away.",
        "The details have each cause with its own code; run the command again for those places when they are dealt with.";
}
