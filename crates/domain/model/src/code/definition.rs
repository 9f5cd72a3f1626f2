use super::{Code, Exit, codes};

codes! {
    DEFINITION_UNREADABLE = "FW-D0001", Some(Exit::Validation), "Definition not readable",
        "The text is no state machine: not an object of JSON or YAML, or without states or the one to start at.",
        "The message names what is missing. A definition has `StartAt` and `States` (Amazon States Language).";
    DEFINITION_INCOMPLETE = "FW-D0002", Some(Exit::Validation), "Field missing in a definition",
        "A state, or a rule in it, lacks a field without which Step Functions refuses it.",
        "Add the field the message names.";
    DEFINITION_STRANGE = "FW-D0003", Some(Exit::Validation), "Field not of this place",
        "A state has a field that its type does not have, that is of the other query language, or that excludes another that is there.",
        "The message names the field, and the nearest that is meant where one is near.";
    DEFINITION_VALUE = "FW-D0004", Some(Exit::Validation), "Value not allowed in a definition",
        "The value of a field is of the wrong kind, out of bounds, or no path, expression or comparison.",
        "The message says what is allowed.";
    STATE_DANGLING = "FW-D0005", Some(Exit::Validation), "State that is not there",
        "Something leads to a state that does not exist beside it. A branch leads to its own states only.",
        "Correct the name, or add the state.";
    STATE_UNREACHABLE = "FW-D0006", Some(Exit::Validation), "State never reached",
        "Nothing leads to the state from the first one.",
        "Lead to it, or delete it.";
    STATE_ENDLESS = "FW-D0007", Some(Exit::Validation), "State without a way to an end",
        "From the state no end is ever reached: an execution would go round until its history is full (25,000 events).",
        "Lead out of the circle, or give a state `End: true`.";
    STATE_TWICE = "FW-D0008", Some(Exit::Validation), "Name of a state used twice",
        "Two states of the machine have one name, though in different branches: histories could not tell them apart.",
        "Rename one of them.";
    STATE_RESOURCE = "FW-D0009", Some(Exit::Validation), "Nothing that a task can call",
        "The resource of a task is neither a function, an activity, nor an integration of Step Functions, or is waited for in a way that it does not offer.",
        "The message says what was expected.";
    STATE_TOKEN = "FW-D0010", Some(Exit::Validation), "Task that waits for a token it hands out to nobody",
        "A task with `.waitForTaskToken` does not pass its token on, so that nobody can answer it.",
        "Pass `$$.Task.Token` (JSONPath) or `$states.context.Task.Token` (JSONata) to what the task calls.";
    RULE_DEAD = "FW-D0011", Some(Exit::Validation), "Rule that never applies",
        "An error is named in an earlier rule of the same list, or `States.ALL` is not the last and only name of its rule.",
        "Delete the later rule, or put the narrower one first.";
    DEFINITION_TOO_LARGE = "FW-D0012", Some(Exit::Validation), "Definition too large",
        "Step Functions takes definitions of up to 1 MiB.",
        "Move a part into a machine of its own and start that.";
    STATE_WITHOUT_CATCH = "FW-D0013", Some(Exit::Validation), "State without a Catch for every error",
        "An error of the state would end the execution without a report and a notice.",
        "Give it a `Catch` whose last rule is `States.ALL`, or check with `--rules language`.";
    STATE_WITHOUT_RETRY = "FW-D0014", Some(Exit::Validation), "Task without a Retry",
        "One lost answer or throttled call would fail the task.",
        "Give it a `Retry`, or check with `--rules language`.";
    STATE_WITHOUT_TIMEOUT = "FW-D0015", Some(Exit::Validation), "Task or machine without a time-out",
        "A call that is never answered would hold the execution for up to a year.",
        "Give the task, and the machine as a whole, a `TimeoutSeconds`, or check with `--rules language`.";
    STATE_LOSES_INPUT = "FW-D0016", Some(Exit::Validation), "State that loses its input",
        "The result of the task, or the error that was caught, takes the place of everything the execution knew.",
        "Give the task or the rule a `ResultPath` below `$` (JSONPath) or an `Output` (JSONata), or check with `--rules language`.";
    CHOICE_WITHOUT_DEFAULT = "FW-D0017", Some(Exit::Validation), "Choice without a default",
        "Where no rule matches, the execution ends with `States.NoChoiceMatched`, past every report.",
        "Give it a `Default`, or check with `--rules language`.";
    FAILURE_WITHOUT_NAME = "FW-D0018", Some(Exit::Validation), "Failure without a name",
        "A state of type Fail has no `Error`: alarms, callers and people could not tell it from others.",
        "Give it a stable name in `Error`, or check with `--rules language`.";
}
