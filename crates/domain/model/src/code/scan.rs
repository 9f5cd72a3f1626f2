use super::{Code, Exit, codes};

codes! {
    PARTIAL_SCAN = "FW-S0001", Some(Exit::Partial), "Scan with gaps",
        "Some landing zones, regions or facts could not be read. Everything else is in the inventory; the gaps are listed with their causes.",
        "Mend the causes listed (`fleetwright doctor` helps) and scan again.";
    NOTHING_FOUND = "FW-S0002", Some(Exit::Nothing), "No instance found",
        "Every landing zone and region was read completely and no instance matches the selection.",
        "Check the filters and the regions of the landing zones.";
    DOCTOR_FINDINGS = "FW-S0003", Some(Exit::Validation), "Not ready",
        "The doctor found something that will keep a phase from working.",
        "Do what each finding says, then run the doctor again.";
    CHANGED_WHILE_LISTING = "FW-S0004", Some(Exit::Partial), "Listing restarted too often",
        "The service refused the continuation of a listing each time it was begun again.",
        "Scan again.";
    SCAN_TIMEOUT = "FW-S0005", Some(Exit::Timeout), "Scan took too long",
        "The scan was not done within phases.scan.timeout. What had been read until then is in the inventory, the rest is listed as gaps.",
        "Raise phases.scan.timeout, or scan fewer landing zones at a time.";
}
