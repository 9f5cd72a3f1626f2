//! Templates and stacks of CloudFormation.

use super::{Code, Exit, codes};

codes! {
    TEMPLATE_INVALID = "FW-K0001", Some(Exit::Validation), "Template not valid",
        "A template of CloudFormation has a section, an attribute or a function that there is not, refers to something that is not there, or waits for itself; or it puts nothing in for a name that the definition of its state machine leaves open.",
        "The message names it. Templates are written by `fleetwright cloud template --force`; what was changed by hand is mended by hand.";
    PARAMETERS_INVALID = "FW-K0002", Some(Exit::Validation), "Parameters do not fit their template",
        "A file of parameters gives a value that its template does not take, or one that it does not know, or lacks one without a default.",
        "Correct the value that the message names. Secrets, as the external id of spokes, belong in no file.";
    CHANGE_SET_FAILED = "FW-K0003", Some(Exit::Validation), "Change set not possible",
        "CloudFormation could not compare the stack with its template, or did not in time. Nothing was changed, and the change set was deleted.",
        "The message has CloudFormation's words. Correct the template or the parameters that they name.";
    REPLACEMENT_REFUSED = "FW-K0004", Some(Exit::Halted), "Something would be lost",
        "The change would put another table, bucket, key or secret in the place of one that holds what cannot be made again, or take one out of the stack. Nothing was changed, and the change set was deleted.",
        "Undo what asks for it: a name or a key that was changed. Where it is meant, save what is in there and allow it with `--allow-replacement LOGICAL_ID`.";
    STACK_FAILED = "FW-K0005", Some(Exit::Halted), "Stack not changed",
        "A resource of the stack could not be made, changed or deleted. CloudFormation has put back what it had done.",
        "The message names the resource that failed first, with its service's words; everything after it follows from it. Put that right, then deploy again.";
    STACK_STUCK = "FW-K0006", Some(Exit::Stuck), "Stack needs a person",
        "CloudFormation could neither go on with the stack nor put back what it had done, or the stack was never made and can only be deleted.",
        "ROLLBACK_COMPLETE, ROLLBACK_FAILED: delete it with `fleetwright cloud destroy`. UPDATE_ROLLBACK_FAILED: put right what the first cause names, then `aws cloudformation continue-update-rollback --stack-name STACK`. DELETE_FAILED: put it right and delete again.";
    STACK_KEPT = "FW-K0007", Some(Exit::Halted), "Stack not deleted",
        "The stack is protected, a run goes on, or the environment was not confirmed. Nothing was deleted.",
        "The message says which. Protection is taken away with `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name STACK`; runs end by themselves, or with `fleetwright abort`.";
}
