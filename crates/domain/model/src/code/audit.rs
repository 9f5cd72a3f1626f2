use super::{Code, Exit, codes};

codes! {
    AUDIT_BROKEN = "FW-U0001", Some(Exit::Validation), "Audit log not as it was written",
        "The audit log of a run does not verify: a record was edited, deleted, moved or added, its end was cut off, or a head is not signed by the key.",
        "The findings name the lines. Keep the file as it is, compare it with heads and bundles that were stored elsewhere, and find out who could write to the state directory.";
    AUDIT_DIFFERS = "FW-U0002", Some(Exit::Validation), "Audit log and CloudTrail differ",
        "CloudTrail has changes by fleetwright's sessions that the audit log does not have, or lacks some that the log has.",
        "Look at each of them: a change that only CloudTrail has was made by somebody else with the same role; one that only the log has may be in a file that was not given, or CloudTrail was switched off.";
    NO_AUDIT = "FW-U0003", Some(Exit::Nothing), "No audit log",
        "The run has no audit log: it changed nothing, or was made by a version that kept none.",
        "`fleetwright status` shows what the run did.";
    BUNDLE_BROKEN = "FW-U0004", Some(Exit::Validation), "Bundle not as it was made",
        "The file is no bundle of a run's evidence, or a file in it is missing, was added or changed, or its parts contradict each other.",
        "The details name each file. Use the bundle as it was made, or make it again with `fleetwright export` where the run still is.";
    TRAIL_UNREADABLE = "FW-U0005", Some(Exit::Configuration), "CloudTrail file not readable",
        "A file is no log file of CloudTrail's: JSON with `Records`, as it is or packed with gzip.",
        "Give the files as CloudTrail delivers them to S3; digest files and files of CloudTrail Lake have another form.";
}
