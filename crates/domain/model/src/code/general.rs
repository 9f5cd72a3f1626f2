use super::{Code, Exit, codes};

codes! {
    INTERNAL = "FW-G0001", Some(Exit::Internal), "Internal error",
        "fleetwright itself is at fault: something that must hold did not.",
        "Run the command again with --log-level debug and report the message and the version.";
    USAGE = "FW-G0002", Some(Exit::Usage), "Wrong command line",
        "An argument is unknown, missing, or not of the form it needs.",
        "See the command's --help; the message names the argument.";
    OUTPUT = "FW-G0004", Some(Exit::Internal), "Output not written",
        "A report or another output file could not be written.",
        "Check that the directory named exists, is writable and has space left, then run the command again; a scan changes nothing, so repeating it is safe.";
    INTERRUPTED = "FW-G0005", Some(Exit::Interrupted), "Interrupted",
        "The command was stopped with Ctrl-C or SIGTERM before it was complete. What had been read until then is reported as far as it goes.",
        "Run the command again; a scan changes nothing, so repeating it is safe.";
    SCENARIO = "FW-G0006", Some(Exit::Configuration), "Scenario not usable",
        "The scenario file of the simulated estate could not be read or asks for something impossible.",
        "Correct the line named in the message; scenarios/README.md describes the format.";
    LISTEN = "FW-G0007", Some(Exit::Connectivity), "Address not usable",
        "The simulated estate could not listen on the address asked for, or the address is not on this machine's loopback.",
        "Choose a free port on 127.0.0.1, for example --listen 127.0.0.1:0 for any free one.";
}
