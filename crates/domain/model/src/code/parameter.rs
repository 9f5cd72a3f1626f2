use super::{Code, Exit, codes};

codes! {
    PARAMETER_PLACE = "FW-T0001", Some(Exit::Usage), "Not one account and region",
        "What runs on AWS itself - parameters, state machines, rules, functions - is in one account and region, and the landing zones that were named are none or several.",
        "Name one landing zone with `--landing-zones` and one region with `--regions`.";
    PARAMETER_PREFIX = "FW-T0002", Some(Exit::Usage), "Not a prefix for parameters",
        "What all parameters of a configuration begin with is a name of Parameter Store that leaves room for the configuration.",
        "The message says what is wrong with it; `/fleetwright/prod` is one.";
    PARAMETERS_TOO_LARGE = "FW-T0003", Some(Exit::Validation), "Configuration has no room as parameters",
        "A value or a name of the configuration is longer than Parameter Store takes. Nothing was put.",
        "The details name each; shorten the text, or keep it elsewhere.";
    PARAMETERS_STRANGE = "FW-T0004", Some(Exit::Validation), "Parameters are no configuration",
        "Below the prefix are parameters that are no part of one configuration: somebody else put them, or some are left of another one.",
        "The details name each. `fleetwright cloud param store --prune` deletes what the configuration does not have.";
    NO_SUCH_PARAMETER = "FW-T0005", Some(Exit::Nothing), "No such parameter",
        "There is no parameter of that name, or none below that path, in this account and region.",
        "`fleetwright cloud param list PATH` shows those there are.";
    SECRET_AS_ARGUMENT = "FW-T0006", Some(Exit::Usage), "Secret on the command line",
        "The value of a SecureString was given as an argument, where other users of the machine can read it. Nothing was put.",
        "Hand it over on standard input, or in a file with `--file`.";
    PARAMETERS_PARTLY = "FW-T0007", Some(Exit::Partial), "Parameters not all changed",
        "Some parameters were put or deleted, and then a call failed. What was done is listed.",
        "Deal with the cause and run the command again: what is there already stays as it is.";
}
