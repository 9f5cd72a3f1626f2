//! Runs on Step Functions.

use super::{Code, Exit, codes};

codes! {
    HISTORY_FULL = "FW-F0001", Some(Exit::Timeout),
        "An execution has no room for more turns",
        "The run was driven on Step Functions, and its execution has taken as many turns as leave room in its history, of which Step Functions keeps 25,000 events. Everything that was done is on record, and nothing is in doubt.",
        "Start another execution for the same run: it goes on where this one stopped. Should it happen again, look at the run's status: something is being waited for that does not come.";
}
