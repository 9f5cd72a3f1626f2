//! Updates, carried out on items.

use super::path::{Path, Step};
use super::update::{Source, Update};
use crate::call::ApiError;
use crate::service::dynamodb::attribute::number_fault;
use crate::service::dynamodb::members::invalid;
use crate::world::tables::attribute::{Item, Value};

/// The item that an update makes of another; every value is taken from the item as it was.
///
/// # Errors
/// The update does not fit the item.
pub(in super::super) fn apply(update: &Update, before: &Item) -> Result<Item, ApiError> {
    let mut item = before.clone();
    let mut set: Vec<(&Path, Value)> = Vec::new();
    for (path, source) in &update.set {
        set.push((path, resolve(source, before)?));
    }
    // Places behind the end of a list are filled in their order.
    set.sort_by(|(one, _), (two, _)| one.0.cmp(&two.0));
    for (path, value) in set {
        put(&mut item, path, value)?;
    }
    for (path, value) in &update.add {
        let sum = match (path.find(before), value) {
            (None, value) => value.clone(),
            (Some(there), value) => added(there, value).ok_or_else(wrong_operand)??,
        };
        put(&mut item, path, sum)?;
    }
    for (path, value) in &update.delete {
        let Some(there) = path.find(before) else { continue };
        match deleted(there, value).ok_or_else(wrong_operand)? {
            Some(rest) => put(&mut item, path, rest)?,
            None => take(&mut item, path)?,
        }
    }
    // Removing from the back keeps the places of what is still to be removed.
    let mut removed: Vec<&Path> = update.remove.iter().collect();
    removed.sort_by(|one, two| two.0.cmp(&one.0));
    for path in removed {
        take(&mut item, path)?;
    }
    Ok(item)
}

fn wrong_operand() -> ApiError {
    invalid("An operand in the update expression has an incorrect data type")
}

fn wrong_path() -> ApiError {
    invalid("The document path provided in the update expression is invalid for update")
}

fn resolve(source: &Source, item: &Item) -> Result<Value, ApiError> {
    match source {
        Source::Value(value) => Ok(value.clone()),
        Source::Path(path) => path.find(item).cloned().ok_or_else(|| {
            invalid("The provided expression refers to an attribute that does not exist in the item")
        }),
        Source::IfNotExists(path, other) => match path.find(item) {
            Some(value) => Ok(value.clone()),
            None => resolve(other, item),
        },
        Source::ListAppend(one, two) => match (resolve(one, item)?, resolve(two, item)?) {
            (Value::L(mut one), Value::L(two)) => {
                one.extend(two);
                Ok(Value::L(one))
            }
            _ => Err(wrong_operand()),
        },
        Source::Plus(one, two) | Source::Minus(one, two) => {
            match (resolve(one, item)?, resolve(two, item)?) {
                (Value::N(one), Value::N(two)) => {
                    let result =
                        if matches!(source, Source::Plus(..)) { one.plus(two) } else { one.minus(two) };
                    result.map(Value::N).map_err(number_fault)
                }
                _ => Err(wrong_operand()),
            }
        }
    }
}

/// What ADD makes of two values; none where their types do not go together.
fn added(there: &Value, value: &Value) -> Option<Result<Value, ApiError>> {
    Some(Ok(match (there, value) {
        (Value::N(one), Value::N(two)) => return Some(one.plus(*two).map(Value::N).map_err(number_fault)),
        (Value::Ss(one), Value::Ss(two)) => Value::Ss(one | two),
        (Value::Ns(one), Value::Ns(two)) => Value::Ns(one | two),
        (Value::Bs(one), Value::Bs(two)) => Value::Bs(one | two),
        _ => return None,
    }))
}

/// What DELETE leaves of a set, which is nothing rather than an empty set; none where the types do
/// not go together.
fn deleted(there: &Value, value: &Value) -> Option<Option<Value>> {
    Some(match (there, value) {
        (Value::Ss(one), Value::Ss(two)) => Some(one - two).filter(|rest| !rest.is_empty()).map(Value::Ss),
        (Value::Ns(one), Value::Ns(two)) => Some(one - two).filter(|rest| !rest.is_empty()).map(Value::Ns),
        (Value::Bs(one), Value::Bs(two)) => Some(one - two).filter(|rest| !rest.is_empty()).map(Value::Bs),
        _ => return None,
    })
}

/// What holds the last step of a path: an item's members, or a list's elements.
enum Holder<'i> {
    Members(&'i mut Item),
    Elements(&'i mut Vec<Value>),
}

fn holder<'i>(item: &'i mut Item, path: &Path) -> Option<Holder<'i>> {
    let mut holder = Holder::Members(item);
    for step in &path.0[..path.0.len() - 1] {
        let value = match (holder, step) {
            (Holder::Members(members), Step::Member(name)) => members.get_mut(name)?,
            (Holder::Elements(values), Step::Element(at)) => values.get_mut(*at)?,
            _ => return None,
        };
        holder = match value {
            Value::M(members) => Holder::Members(members),
            Value::L(values) => Holder::Elements(values),
            _ => return None,
        };
    }
    Some(holder)
}

fn put(item: &mut Item, path: &Path, value: Value) -> Result<(), ApiError> {
    match (holder(item, path), path.0.last()) {
        (Some(Holder::Members(members)), Some(Step::Member(name))) => {
            members.insert(name.clone(), value);
        }
        (Some(Holder::Elements(values)), Some(Step::Element(at))) => match values.get_mut(*at) {
            Some(there) => *there = value,
            None => values.push(value),
        },
        _ => return Err(wrong_path()),
    }
    Ok(())
}

fn take(item: &mut Item, path: &Path) -> Result<(), ApiError> {
    match (holder(item, path), path.0.last()) {
        (Some(Holder::Members(members)), Some(Step::Member(name))) => {
            members.remove(name);
        }
        (Some(Holder::Elements(values)), Some(Step::Element(at))) => {
            if *at < values.len() {
                values.remove(*at);
            }
        }
        _ => return Err(wrong_path()),
    }
    Ok(())
}
