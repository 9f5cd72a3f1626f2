//! Functions of Lambda.

use super::{Code, Exit, codes};

codes! {
    FUNCTION_NAME = "FW-L0001", Some(Exit::Usage), "Not a name of Lambda",
        "What was given cannot be the name of a function or of a version of one: names have 1 to 64 letters, digits, `-` and `_`.",
        "The message says what is wrong with it. `prepare` is a function, `prepare:3` a version of it.";
    FUNCTION_INVALID = "FW-L0002", Some(Exit::Validation), "Function not possible",
        "Something of the function's configuration is not what Lambda takes: a number out of its bounds, an ARN of the wrong kind, too many layers, or variables that are too large or named like Lambda's own. Nothing was called.",
        "The message and the details name each of them with what is possible.";
    FUNCTION_DIFFERS = "FW-L0003", Some(Exit::Validation), "Another function has that name",
        "A function of that name is there, with another code or configuration. Nothing was changed.",
        "Change it with `fleetwright cloud function update`, or take another name.";
    FUNCTION_FAILED = "FW-L0004", Some(Exit::Halted), "Function answered with an error",
        "The function was run and its handler failed, ended before it answered, or took longer than it may. The message has its words, cleared of what looks like a secret.",
        "Invoke it with `--log-tail` to see what it wrote, or look into its log group.";
    FUNCTION_NOT_READY = "FW-L0005", Some(Exit::Timeout), "Function not ready in time",
        "Lambda was still making the function, or its last change, when the time for it was over. What was sent by then is done; what was to follow was not sent.",
        "Give the same command again: it goes on with what is missing. `--wait` gives it longer.";
    FUNCTION_UNUSABLE = "FW-L0006", Some(Exit::Resource), "Function cannot be made ready",
        "Lambda could not bring the function, or its last change, into effect: its network, key, layer or role cannot be used. The message has Lambda's reason.",
        "Put right what the reason names, then give the command again.";
    ARCHIVE_UNUSABLE = "FW-L0007", Some(Exit::Validation), "No archive for Lambda",
        "What was given cannot be packaged: it has no files, a link that leaves the directory, a name an archive cannot carry, more than 250 MB unpacked, or more than the 50 MB that can be uploaded directly.",
        "The message names what and where. What is larger than 50 MB goes through S3: put it into a bucket and name it with `--bucket` and `--key`.";
    EVENT_REFUSED = "FW-L0008", Some(Exit::Usage), "Not an event for a function",
        "What a function is invoked with is JSON: up to 6 MB where the answer is waited for, up to 1 MB where it is not.",
        "The message says where it is no JSON, or how large it is. `--payload` takes JSON, a file, or `-` for standard input.";
}
