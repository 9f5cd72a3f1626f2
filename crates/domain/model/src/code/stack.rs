//! Templates and stacks of CloudFormation.

use super::{Code, Exit, codes};

codes! {
    TEMPLATE_INVALID = "FW-K0001", Some(Exit::Validation), "Template not valid",
        "A template of CloudFormation has a section, an attribute or a function that there is not, refers to something that is not there, or waits for itself; or it puts nothing in for a name that the definition of its state machine leaves open.",
        "The message names it. Templates are written by `fleetwright cloud template --force`; what was changed by hand is mended by hand.";
    PARAMETERS_INVALID = "FW-K0002", Some(Exit::Validation), "Parameters do not fit their template",
        "A file of parameters gives a value that its template does not take, or one that it does not know, or lacks one without a default.",
        "Correct the value that the message names. Secrets, as the external id of spokes, belong in no file.";
}
