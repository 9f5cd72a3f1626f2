//! Members of requests as DynamoDB has them, beside those that all JSON services share.

use crate::call::{ApiError, Call};

pub(super) use crate::service::members::{
    Members, constraint, flag, invalid, list, members, missing, number, object, objects, only, tags, text,
    word, wrong_type,
};

/// The same, in the words for values.
pub(super) fn invalid_values(message: &str) -> ApiError {
    invalid(format!("One or more parameter values were invalid: {message}"))
}

/// A table's name: itself, or out of its ARN of the caller's account and region.
pub(super) fn table_name<'m>(call: &Call, members: &'m Members) -> Result<&'m str, ApiError> {
    let given = text(members, "TableName")?.ok_or_else(|| missing("TableName"))?;
    checked_table_name(call, given)
}

/// The same of a name from elsewhere.
pub(super) fn checked_table_name<'m>(call: &Call, given: &'m str) -> Result<&'m str, ApiError> {
    let name = given.strip_prefix(&table_arn(call, "")).unwrap_or(given);
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if !fits {
        return Err(constraint(
            &format!("'{given}'"),
            "TableName",
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        ));
    }
    if !(3..=255).contains(&name.len()) {
        return Err(invalid("TableName must be at least 3 characters long and at most 255 characters long"));
    }
    Ok(name)
}

/// The ARN of a table.
pub(super) fn table_arn(call: &Call, name: &str) -> String {
    format!("arn:aws:dynamodb:{}:{}:table/{name}", call.region, call.account)
}
