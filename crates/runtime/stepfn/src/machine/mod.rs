//! The definitions of the hub's state machines: one for runs that patch hosts, one for runs that upgrade clusters.

mod patching;
mod states;
#[cfg(test)]
mod tests;
mod upgrading;

pub use patching::machine;
pub use upgrading::upgrade_machine;

/// What does the work of a state: one function of Lambda each, of the same code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Looks at the fleet, makes the plan, makes the run.
    Prepare,
    /// Takes a turn of a run that patches hosts.
    Turn,
    /// Keeps the token of a state that waits for a decision, and asks for one.
    Gate,
    /// Writes the reports.
    Report,
    /// Reads a cluster, judges whether it is ready, and draws up the plan of its upgrade.
    Perception,
    /// Judges the plan of an upgrade and makes the run.
    Reasoning,
    /// Takes a turn of a run that upgrades clusters.
    Execution,
    /// Looks at clusters once more when their run is over, and writes the reports.
    Validation,
    /// Makes the run that takes the last hop of another one back.
    Rollback,
}

impl Function {
    /// Each.
    pub const ALL: [Self; 9] = [
        Self::Prepare,
        Self::Turn,
        Self::Gate,
        Self::Report,
        Self::Perception,
        Self::Reasoning,
        Self::Execution,
        Self::Validation,
        Self::Rollback,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Turn => "turn",
            Self::Gate => "gate",
            Self::Report => "report",
            Self::Perception => "perception",
            Self::Reasoning => "reasoning",
            Self::Execution => "execution",
            Self::Validation => "validation",
            Self::Rollback => "rollback",
        }
    }

    /// How long it may take, as its state and the function itself have it.
    pub fn seconds(self) -> u32 {
        match self {
            Self::Prepare | Self::Report | Self::Perception | Self::Validation => 900,
            Self::Turn | Self::Execution => 300,
            Self::Gate | Self::Reasoning | Self::Rollback => 60,
        }
    }

    /// What stands for its ARN in a definition (`DefinitionSubstitutions`).
    fn substitution(self) -> String {
        let (first, rest) = self.as_str().split_at(1);
        format!("${{{}{rest}FunctionArn}}", first.to_uppercase())
    }
}

/// What an error of a function is called in `Retry` and `Catch`, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorName {
    /// Another turn of the run is being taken, or was broken off a moment ago.
    Owned,
    /// The run was taken over while the turn was taken.
    TakenOver,
    /// The journal did not answer.
    Transient,
    /// The run, its plan or its record cannot be used.
    Unusable,
    /// The execution has no room for more turns.
    HistoryFull,
}

impl ErrorName {
    /// Each.
    pub const ALL: [Self; 5] =
        [Self::Owned, Self::TakenOver, Self::Transient, Self::Unusable, Self::HistoryFull];

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owned => "Fleetwright.Owned",
            Self::TakenOver => "Fleetwright.TakenOver",
            Self::Transient => "Fleetwright.Transient",
            Self::Unusable => "Fleetwright.Unusable",
            Self::HistoryFull => "Fleetwright.HistoryFull",
        }
    }
}

/// What differs between one machine and another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The partition of AWS: `aws`, `aws-us-gov`, `aws-cn`.
    pub partition: String,
    /// Seconds an execution may take.
    pub lasts: u32,
}

impl Default for Shape {
    /// Two weeks: room for windows of two weekends.
    fn default() -> Self {
        Self { partition: "aws".to_owned(), lasts: 14 * 86_400 }
    }
}
