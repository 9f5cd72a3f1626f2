//! JSON patches (RFC 6902) as API servers apply them: a test for null holds where nothing is.

use serde_json::Value;

/// Why a patch was not applied.
#[derive(Debug, PartialEq)]
pub(super) enum Refused {
    /// A test does not hold: its path, and what is there.
    Test(String, Value),
    /// An operation cannot be done.
    Operation(Value),
}

/// The object with all of a patch applied.
pub(super) fn applied(mut object: Value, operations: &Value) -> Result<Value, Refused> {
    for operation in operations.as_array().into_iter().flatten() {
        operate(&mut object, operation)?;
    }
    Ok(object)
}

fn operate(object: &mut Value, operation: &Value) -> Result<(), Refused> {
    let impossible = || Refused::Operation(operation.clone());
    let path = operation["path"].as_str().ok_or_else(impossible)?;
    let (kind, value) = (operation["op"].as_str().ok_or_else(impossible)?, &operation["value"]);
    if kind == "test" {
        let found = object.pointer(path).unwrap_or(&Value::Null);
        return if found == value { Ok(()) } else { Err(Refused::Test(path.to_owned(), found.clone())) };
    }
    let (parent, last) = path.rsplit_once('/').ok_or_else(impossible)?;
    let last = last.replace("~1", "/").replace("~0", "~");
    match (kind, object.pointer_mut(parent).ok_or_else(impossible)?) {
        ("add", Value::Object(members)) => drop(members.insert(last, value.clone())),
        ("replace", Value::Object(members)) => {
            *members.get_mut(&last).ok_or_else(impossible)? = value.clone();
        }
        ("remove", Value::Object(members)) => drop(members.remove(&last).ok_or_else(impossible)?),
        ("add", Value::Array(entries)) => {
            let end = entries.len();
            let at = if last == "-" { Some(end) } else { last.parse().ok() };
            entries.insert(at.filter(|at| *at <= end).ok_or_else(impossible)?, value.clone());
        }
        ("replace" | "remove", Value::Array(entries)) => {
            let at = last.parse().ok().filter(|at| *at < entries.len()).ok_or_else(impossible)?;
            match kind {
                "remove" => drop(entries.remove(at)),
                _ => entries[at] = value.clone(),
            }
        }
        _ => return Err(impossible()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_are_applied_in_order_and_the_first_that_cannot_be_is_named() {
        let object = || json!({ "a": { "b/c": 1 }, "list": [1, 3] });
        let patch = json!([
            { "op": "test", "path": "/a/none", "value": null },
            { "op": "replace", "path": "/a/b~1c", "value": 2 },
            { "op": "add", "path": "/list/1", "value": 2 },
            { "op": "add", "path": "/list/-", "value": 4 },
            { "op": "remove", "path": "/list/0" },
        ]);
        assert_eq!(applied(object(), &patch), Ok(json!({ "a": { "b/c": 2 }, "list": [2, 3, 4] })));
        let test = json!([{ "op": "test", "path": "/list/0", "value": 2 }]);
        assert_eq!(applied(object(), &test), Err(Refused::Test("/list/0".to_owned(), json!(1))));
        let remove = json!({ "op": "remove", "path": "/list/2" });
        assert_eq!(applied(object(), &json!([remove])), Err(Refused::Operation(remove.clone())));
    }
}
