use super::{Code, Exit, codes};

codes! {
    HOST_UNREACHABLE = "FW-H0001", Some(Exit::Connectivity), "Host unreachable",
        "The Systems Manager agent of the host does not answer, so nothing could be run there.",
        "Check the agent, its network way out and the instance profile, then `fleetwright retry`.";
    NOT_READY = "FW-H0002", Some(Exit::Validation), "Host not ready",
        "A check before patching failed, so the host was left as it is.",
        "Correct what the finding names, then `fleetwright retry`.";
    UNDELIVERABLE = "FW-H0003", Some(Exit::Connectivity), "Command not delivered",
        "Systems Manager could not deliver the command: the instance is gone or its agent does not answer.",
        "Check that the instance runs and its agent is online, then `fleetwright retry`.";
    DELIVERY_TIMED_OUT = "FW-H0004", Some(Exit::Timeout), "Command not received in time",
        "The agent did not pick the command up in time. It was not run on this host.",
        "Check the agent's log, then `fleetwright retry`.";
    EXECUTION_TIMED_OUT = "FW-H0005", Some(Exit::Timeout), "Command ran too long",
        "The command was still running when its time was over. What it had done until then stays done.",
        "Look at the host; raise phases.patch.execution_timeout if it was only slow, then `fleetwright retry`.";
    CANCELLED = "FW-H0006", Some(Exit::Halted), "Command cancelled",
        "The command was cancelled, by an abort or by somebody else. What it had done until then stays done.",
        "Look at the host, then `fleetwright retry`.";
    SEND_DENIED = "FW-H0007", Some(Exit::Resource), "Command not allowed on this host",
        "Systems Manager refused to send the command to this host.",
        "Allow ssm:SendCommand on the document and on this instance, then `fleetwright retry`.";
    COMMAND_TERMINATED = "FW-H0008", Some(Exit::Halted), "Command ended before this host",
        "The command had more errors than it allows and was ended before it reached this host.",
        "See the other hosts of the command, then `fleetwright retry`.";
    PLATFORM_MISMATCH = "FW-H0009", Some(Exit::Validation), "Document does not fit the platform",
        "Systems Manager says that the document cannot run on this host's platform.",
        "Check what platform the agent reports; report this if it looks right.";
    PATCH_FAILED = "FW-H0010", Some(Exit::Partial), "Patches failed to install",
        "Patch Manager ran and could not install some or all patches.",
        "Read the host's output (runs/<run>), correct the package that failed, then `fleetwright retry`.";
    PATCHES_MISSING = "FW-H0011", Some(Exit::Partial), "Patches still missing",
        "After patching, the rescan finds patches of the baseline that are missing.",
        "See which in the report; they may have come out during the run or conflict with a held package.";
    REPORT_LOST = "FW-H0012", Some(Exit::Partial), "Patched, report lost",
        "The host installed patches, and its report was lost on the way, usually in the race with a reboot. The rescan decides what is true.",
        "Nothing if the rescan succeeded; else run `fleetwright retry`.";
    REBOOT_UNPROVEN = "FW-H0013", Some(Exit::Validation), "Reboot not proven",
        "The reboot was asked for, and the host's boot id did not change or could not be read. It is not asked for again.",
        "Look at the host's console; reboot it by hand if it should have been.";
    NOT_BACK = "FW-H0014", Some(Exit::Stuck), "Host did not come back",
        "After the reboot the host did not pass its status checks and answer through its agent in time.",
        "Look at the host's console and screenshot; `fleetwright rollback` restores it from its backup.";
    IDENTITY_UNKNOWN = "FW-H0015", Some(Exit::Validation), "Identity not established",
        "The host's boot id is not known, so a reboot could not be guarded and was not asked for.",
        "Run the precheck again; it reads the boot id.";
    WORSE = "FW-H0016", Some(Exit::Validation), "Worse than before",
        "Something that worked before patching does not work any more.",
        "Read what in the report; `fleetwright rollback` restores the host from its backup.";
    NOT_COMPARED = "FW-H0017", Some(Exit::Partial), "Not compared",
        "There is no usable state from before patching, or the one after could not be read, so the host could not be compared. That is not a pass.",
        "Check the host by hand, or run the precheck first next time.";
    REPLACED = "FW-H0018", Some(Exit::Partial), "Instance gone or replaced",
        "The instance does not exist any more, or is not the one that was planned (another launch time). It was not touched.",
        "Scan again and plan anew.";
    START_FAILED = "FW-H0019", Some(Exit::Resource), "Instance did not start",
        "The stopped instance could not be started, or its status checks did not pass in time.",
        "Read AWS's reason (often capacity or a key that may not be used), then `fleetwright retry`.";
    UNREADABLE = "FW-H0020", Some(Exit::Validation), "Host's answer not readable",
        "What the host printed is cut off or not in the form that was asked for.",
        "Look at the kept output; report it with the operating system's version if it looks right.";
    RESTORE_FAILED = "FW-H0021", Some(Exit::Stuck), "Restore failed",
        "The root volume could not be replaced from the backup. The message says in which state AWS left the instance.",
        "Look at the instance now; its image is named in the report.";
    ALARM = "FW-H0022", Some(Exit::Validation), "Alarm",
        "A CloudWatch alarm or metric named for validation is worse than before patching.",
        "Look at the alarm; `fleetwright rollback` restores the host from its backup.";
    NOT_STOPPED = "FW-H0023", Some(Exit::Partial), "Not put back to stopped",
        "An instance that was started for patching could not be stopped again.",
        "Stop it by hand, or leave it if it should run.";
    REBOOT_DUE = "FW-H0024", Some(Exit::Partial), "Reboot still due",
        "Patches are installed and wait for a reboot that the strategy did not allow or that was not needed for sure.",
        "Reboot in the next window, or run again with phases.reboot.strategy conditional or force.";
    NOT_NEEDED = "FW-H0025", None, "Not needed",
        "The step has nothing to do on this host.",
        "Nothing.";
    RUN_STOPPED = "FW-H0026", None, "Run stopped before this host",
        "The run was halted, rejected or aborted before this host was changed.",
        "`fleetwright retry` takes the hosts that were not started.";
    DEPENDENCY = "FW-H0027", None, "Something before it did not end well",
        "This host waits for others that failed or were skipped.",
        "Correct those, then `fleetwright retry`.";
    STEP_TIMED_OUT = "FW-H0028", Some(Exit::Timeout), "Step took too long",
        "The step was not done when its time was over; what it has done stays done and is not repeated blindly.",
        "Look at the host, then `fleetwright retry`.";
    NOTHING_TO_INSTALL = "FW-H0029", None, "Nothing to install",
        "The host has every patch of its baseline.",
        "Nothing.";
    COMPLIANCE_UNKNOWN = "FW-H0030", Some(Exit::Partial), "Compliance not known",
        "The rescan after patching did not report, so nobody can say whether patches are missing. That is not compliant.",
        "`fleetwright retry`, or start a scan with Patch Manager.";
    WINDOW_OVER = "FW-H0031", None, "No window long enough",
        "The host's window does not open again for as long as patching, proving and, if need be, restoring take.",
        "`fleetwright plan` looks further ahead; or give the host a longer window.";
    GATE_EXPIRED = "FW-H0032", None, "Nobody decided in time",
        "The approval of this host's wave was due, and the plan leaves the wave as it is then.",
        "`fleetwright retry` takes the hosts that were not changed, and asks again.";
    WINDOW_MISSED = "FW-H0033", None, "Not begun before its window closed",
        "The run was interrupted just before this host was changed, and its window had closed when it went on: what had not been done was not begun.",
        "`fleetwright retry` in the next window.";
    PATCH_DRIFT = "FW-H0034", Some(Exit::Partial), "Not the patches of the list",
        "The first wave's exact patches were to be installed, and the host lacks some of them or has got others since the fleet was read.",
        "Compare the host's post/.../patches.json with the list; `fleetwright retry` installs what is lacking.";
    PROBE_FAILED = "FW-H0035", Some(Exit::Validation), "Probe not passed",
        "The host belongs to a set whose members go one after another, and what must hold before the next one begins did not hold in time.",
        "Look at the host; the other members wait. `fleetwright rollback` restores it from its backup.";
    WAIVER_OVER = "FW-H0036", None, "Not begun before its waiver expired",
        "The host belongs to a set that cannot spare it, and the waiver that allowed it to be touched expires before patching, proving and, if need be, restoring it would be over. It was not begun.",
        "Give a new waiver with a later last day (ordering.waivers), then `fleetwright retry`.";
    NOT_DRAINED = "FW-H0040", Some(Exit::Timeout), "Not drained in time",
        "The host still served requests through a load balancer, or did not reach standby in its Auto Scaling group, when the time for it was over. It was not patched, and is put back.",
        "Raise phases.drain.timeout over the longest deregistration delay, then `fleetwright retry`.";
    NOT_RETURNED = "FW-H0041", Some(Exit::Stuck), "Not put back into service",
        "Something that was taken out of service for patching could not be put back: a registration, a place in an Auto Scaling group, or its suspended processes. What exactly, the message and the host's file out-of-service.json say.",
        "Put it back by hand.";
    UNHEALTHY_IN_POOL = "FW-H0042", Some(Exit::Validation), "Unhealthy behind its load balancer",
        "The host is registered again, and its load balancer, for which it was healthy before, does not find it healthy. It gets no requests.",
        "Look at the health check's reason in the load balancer, and at the host; `fleetwright rollback` restores it from its backup.";
}
