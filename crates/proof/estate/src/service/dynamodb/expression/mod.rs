//! Expressions: conditions, key conditions, projections and updates, read and carried out.
//!
//! Rules: DynamoDB developer guide, "Using expressions in DynamoDB".

mod apply;
mod condition;
mod evaluate;
mod key_condition;
mod parser;
mod path;
mod placeholders;
mod projection;
mod reserved;
#[cfg(test)]
mod tests;
mod token;
mod update;

pub(super) use apply::apply;
pub(super) use condition::Condition;
pub(super) use evaluate::holds;
pub(super) use key_condition::KeyCondition;
pub(super) use placeholders::Placeholders;
pub(super) use projection::Projection;
pub(super) use update::Update;

use super::members::invalid;
use crate::call::ApiError;

/// Bytes of an expression, at most.
const MAX_BYTES: usize = 4_096;

/// Which member of a request an expression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Condition,
    Filter,
    KeyCondition,
    Projection,
    Update,
}

impl Kind {
    /// The member's name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Condition => "ConditionExpression",
            Self::Filter => "FilterExpression",
            Self::KeyCondition => "KeyConditionExpression",
            Self::Projection => "ProjectionExpression",
            Self::Update => "UpdateExpression",
        }
    }

    /// The service's error for an expression of this kind.
    fn refuse(self, problem: impl std::fmt::Display) -> ApiError {
        invalid(format!("Invalid {}: {problem}", self.name()))
    }
}
