//! Conditions, held against items.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::condition::{Comparator, Condition, Operand};
use crate::world::tables::attribute::{Item, Value};
use crate::world::tables::number::Number;

/// Whether a condition is true of an item; one that is not there is an item without attributes.
pub(in super::super) fn holds(condition: &Condition, item: &Item) -> bool {
    let value = |operand| resolve(operand, item);
    match condition {
        Condition::Compare(one, by, two) => compare(value(one).as_deref(), *by, value(two).as_deref()),
        Condition::Between(it, low, high) => match (value(it), value(low), value(high)) {
            (Some(it), Some(low), Some(high)) => {
                order(&low, &it).is_some_and(Ordering::is_le)
                    && order(&it, &high).is_some_and(Ordering::is_le)
            }
            _ => false,
        },
        Condition::In(it, options) => {
            value(it).is_some_and(|it| options.iter().any(|option| value(option).as_ref() == Some(&it)))
        }
        Condition::Exists(path) => path.find(item).is_some(),
        Condition::NotExists(path) => path.find(item).is_none(),
        Condition::HasType(path, name) => path.find(item).is_some_and(|it| it.type_name() == name),
        Condition::BeginsWith(one, two) => match (value(one).as_deref(), value(two).as_deref()) {
            (Some(Value::S(text)), Some(Value::S(start))) => text.starts_with(start.as_str()),
            (Some(Value::B(bytes)), Some(Value::B(start))) => bytes.starts_with(start),
            _ => false,
        },
        Condition::Contains(one, two) => match (value(one), value(two)) {
            (Some(one), Some(two)) => contains(&one, &two),
            _ => false,
        },
        Condition::And(one, two) => holds(one, item) && holds(two, item),
        Condition::Or(one, two) => holds(one, item) || holds(two, item),
        Condition::Not(one) => !holds(one, item),
    }
}

fn resolve<'i>(operand: &'i Operand, item: &'i Item) -> Option<Cow<'i, Value>> {
    match operand {
        Operand::Path(path) => path.find(item).map(Cow::Borrowed),
        Operand::Value(value) => Some(Cow::Borrowed(value)),
        Operand::Size(path) => {
            let size = match path.find(item)? {
                Value::S(text) => text.chars().count(),
                Value::B(bytes) => bytes.len(),
                Value::Ss(set) => set.len(),
                Value::Ns(set) => set.len(),
                Value::Bs(set) => set.len(),
                Value::L(values) => values.len(),
                Value::M(members) => members.len(),
                Value::N(_) | Value::Bool(_) | Value::Null => return None,
            };
            Number::parse(&size.to_string()).ok().map(|size| Cow::Owned(Value::N(size)))
        }
    }
}

/// What is not there differs from everything, and is neither smaller nor larger.
fn compare(one: Option<&Value>, by: Comparator, two: Option<&Value>) -> bool {
    let (Some(one), Some(two)) = (one, two) else { return by == Comparator::NotEqual };
    let order = || order(one, two);
    match by {
        Comparator::Equal => one == two,
        Comparator::NotEqual => one != two,
        Comparator::Less => order().is_some_and(Ordering::is_lt),
        Comparator::LessOrEqual => order().is_some_and(Ordering::is_le),
        Comparator::Greater => order().is_some_and(Ordering::is_gt),
        Comparator::GreaterOrEqual => order().is_some_and(Ordering::is_ge),
    }
}

/// The order of two values of one type that has an order.
pub(super) fn order(one: &Value, two: &Value) -> Option<Ordering> {
    match (one, two) {
        (Value::S(one), Value::S(two)) => Some(one.cmp(two)),
        (Value::N(one), Value::N(two)) => Some(one.cmp(two)),
        (Value::B(one), Value::B(two)) => Some(one.cmp(two)),
        _ => None,
    }
}

fn contains(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::S(text), Value::S(part)) => text.contains(part.as_str()),
        (Value::B(bytes), Value::B(part)) => {
            part.is_empty() || bytes.windows(part.len()).any(|window| window == part.as_slice())
        }
        (Value::Ss(set), Value::S(element)) => set.contains(element),
        (Value::Ns(set), Value::N(element)) => set.contains(element),
        (Value::Bs(set), Value::B(element)) => set.contains(element),
        (Value::L(values), element) => values.contains(element),
        _ => false,
    }
}
