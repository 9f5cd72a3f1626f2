//! Runs on Step Functions.

use super::{Code, Exit, codes};

codes! {
    HISTORY_FULL = "FW-F0001", Some(Exit::Timeout),
        "An execution has no room for more turns",
        "The run was driven on Step Functions, and its execution has taken as many turns as leave room in its history, of which Step Functions keeps 25,000 events. Everything that was done is on record, and nothing is in doubt.",
        "Start another execution for the same run: it goes on where this one stopped. Should it happen again, look at the run's status: something is being waited for that does not come.";
    MACHINE_NAME = "FW-F0002", Some(Exit::Usage), "Not a name of Step Functions",
        "What was given cannot be the name of a state machine, of a version of one, or of an execution: names have 1 to 80 characters, without blanks, brackets and signs such as `/`, `:` and `*`.",
        "The message says what is wrong with it. `nightly` is a machine, `nightly:3` a version of it.";
    EXECUTION_DIFFERS = "FW-F0003", Some(Exit::Validation), "Another execution has that name",
        "An execution of that name was started before, with another input or of another version of the machine. Nothing was started. Step Functions keeps a name for 90 days after its execution ended.",
        "Take another name; or, to find the first one again, start it with the same input.";
    MACHINE_DIFFERS = "FW-F0004", Some(Exit::Validation), "Another state machine has that name",
        "A state machine of that name is there, with another definition, role or type. Nothing was changed.",
        "Change it with `fleetwright cloud machine update`, or take another name. The type of a machine cannot be changed.";
    EXECUTION_NOT_OVER = "FW-F0005", Some(Exit::Timeout), "Execution not over in time",
        "The execution that was waited for was not over when the time for it was. It goes on.",
        "Wait again, for longer with `--time-out`; `fleetwright cloud execution history` shows what it does.";
    EXECUTION_FAILED = "FW-F0006", Some(Exit::Halted), "Execution did not end well",
        "The execution failed, was stopped, or took longer than its machine allows. The message says which, with the error's name.",
        "`fleetwright cloud execution history` shows where it ended and why.";
    MACHINE_EXPRESS = "FW-F0007", Some(Exit::Usage), "State machine of type Express",
        "Executions of such a machine are not kept: there is none that a second start would find, and none to describe, to stop or to wait for.",
        "Work on machines of type Standard; an Express machine is started by what it belongs to.";
}
