use super::{Code, Exit, codes};

codes! {
    IMAGE_FAILED = "FW-B0001", Some(Exit::Resource), "Image failed",
        "AWS began the image of this instance and reports that it failed. The instance was not changed.",
        "Read the reason AWS gives; correct it (often a key that may not be used, or a limit), then `fleetwright retry`.";
    IMAGE_EXISTS = "FW-B0002", None, "Image of that name exists",
        "An image of this name is there already: the step was carried out before and is taken up where it was left.",
        "Nothing: the image is looked up by its name and used.";
    IMAGE_LATE = "FW-B0003", Some(Exit::Timeout), "Image not available in time",
        "The image was begun and was still pending when phases.backup.wait_timeout was over. It may still become available.",
        "Raise phases.backup.wait_timeout (large volumes take hours), then `fleetwright retry`: the instance was not changed.";
    IMAGE_UNPROVEN = "FW-B0004", Some(Exit::Validation), "Image not proven usable",
        "The image could not be shown to be usable: not available, a snapshot incomplete, another owner, older than the run, or a fact that could not be read.",
        "Look at the image named in the message; the instance was not patched. `fleetwright retry` makes a new one.";
    SNAPSHOT_FAILED = "FW-B0005", Some(Exit::Resource), "Snapshot failed",
        "A snapshot behind the image failed, so the image cannot restore the instance.",
        "Read the reason AWS gives, correct it, then `fleetwright retry`.";
    IMAGE_KEPT = "FW-B0006", None, "Old image kept",
        "An image past its retention was kept because an instance that may need it is not verified.",
        "Nothing, once the instance is verified the next run deletes it.";
    CLEANUP_INCOMPLETE = "FW-B0007", Some(Exit::Partial), "Old images not cleaned up",
        "Images or snapshots past their retention could not be deleted. They cost storage; nothing else is affected.",
        "Read the message for the cause; the next run tries again.";
    NO_BACKUP = "FW-B0008", Some(Exit::Validation), "No backup to go back to",
        "The way back was asked for, and this run has no usable image of the instance.",
        "Restore by hand from another image, or choose an earlier run that has one.";
}
