use super::{Code, Exit, codes};

codes! {
    KEYRING_UNUSABLE = "FW-V0001", Some(Exit::Configuration), "Keyring not usable",
        "The file with the keys that sign approval links and the people they are for cannot be used. It is not shown, because it holds secrets.",
        "The message names the place. `fleetwright approvals key new` makes a keyring where there is none; on Unix it must be readable by its owner alone (chmod 600).";
    NO_APPROVER = "FW-V0002", Some(Exit::Usage), "Approver not in the keyring",
        "The keyring has no approver of that name, so nobody could decide with the link.",
        "Add the person with `fleetwright approvals approver NAME`; names count to the letter.";
    LINK_MALFORMED = "FW-V0003", Some(Exit::Validation), "Link not whole",
        "The approval link was cut off or changed on its way, or is of another version. It decides nothing.",
        "Copy the whole link, or ask for another with `fleetwright approvals link`.";
    LINK_KEY_UNKNOWN = "FW-V0004", Some(Exit::Validation), "Link of a key not in use",
        "The key that signed the approval link is not, or no longer, in the keyring.",
        "Ask for another link with `fleetwright approvals link`.";
    LINK_FORGED = "FW-V0005", Some(Exit::Validation), "Link's signature does not match",
        "The content of the approval link is not what was signed.",
        "Ask for another link; where this was no accident, find out who sent it.";
    LINK_EXPIRED = "FW-V0006", Some(Exit::Validation), "Link expired",
        "The approval link's time is over. It decides nothing.",
        "Ask for another with `fleetwright approvals link`, or decide with `fleetwright approve`.";
    LINK_OTHER_RUN = "FW-V0007", Some(Exit::Validation), "Link of another run",
        "The approval link is for another run.",
        "Use the link of the run that is meant.";
    LINK_OTHER_STAGE = "FW-V0008", Some(Exit::Validation), "Stage does not wait",
        "The stage that an approval is for, given here or by a link, waits for no decision now: it was decided, is not reached yet, or the run is over.",
        "`fleetwright status RUN` shows what waits.";
    LINK_OTHER_DECISION = "FW-V0009", Some(Exit::Validation), "Link does not allow the decision",
        "The approval link allows another decision than the one asked for.",
        "Ask for a link that allows it with `fleetwright approvals link`.";
    APPROVAL_VOID = "FW-V0010", Some(Exit::Validation), "Approval for another state of the run",
        "The decision was about another plan, or about another result of what went before the gate, than there is now.",
        "Look at the run again with `fleetwright status RUN` and decide about what it shows.";
    LINK_SPENT = "FW-V0011", Some(Exit::Validation), "Link used already",
        "A decision was taken with the approval link. It takes one and no more.",
        "`fleetwright status RUN` shows the decision; to take another, ask for another link.";
    APPROVER_UNKNOWN = "FW-V0012", Some(Exit::Authentication), "Passphrase does not match",
        "The passphrase is not that of the approver the link is for, or the approver was taken out of the keyring.",
        "Try again, or have the passphrase set anew with `fleetwright approvals approver NAME`.";
    APPROVER_BRAKED = "FW-V0013", Some(Exit::Authentication), "Too many wrong passphrases",
        "Wrong passphrases came with the approver's links again and again; for a while none is looked at.",
        "Wait a quarter of an hour. Where this was not you, have the keys replaced with `fleetwright approvals key new`.";
    NOT_LOOPBACK = "FW-V0014", Some(Exit::Usage), "Approval page on an open address",
        "The approval page speaks plain HTTP, so passphrases would cross the network unprotected.",
        "Listen on 127.0.0.1 behind a TLS proxy, and give its address as --base-url to `fleetwright approvals link`.";
    APPROVER_NOT_ASKED = "FW-V0015", Some(Exit::Validation), "Approver not asked at this gate",
        "The plan names who decides at the gate, and the approver is not among them.",
        "Have somebody decide whom the plan names; `fleetwright status RUN` shows them.";
    APPROVED_ALREADY = "FW-V0016", Some(Exit::Validation), "Approved already",
        "The gate asks for several people, and this one has approved. Each counts once.",
        "Have another person decide; `fleetwright status RUN` shows how many are needed.";
}
