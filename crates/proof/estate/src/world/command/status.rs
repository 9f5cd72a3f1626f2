//! How commands and their invocations stand, in Systems Manager's two vocabularies.
//!
//! Source: Systems Manager user guide, "Understanding command statuses".

/// How an invocation stands; `Status` and `StatusDetails` are two views of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvocationOutcome {
    /// Not sent yet.
    Pending,
    /// Sent, and not at its end.
    InProgress,
    /// The agent could not be reached; it is tried again.
    Delayed,
    /// Every plugin exited with 0.
    Success,
    /// A plugin exited with another code.
    Failed,
    /// Not delivered in time.
    DeliveryTimedOut,
    /// Not at its end in time.
    ExecutionTimedOut,
    /// Cancelled by a user.
    Cancelled,
    /// Cancelled by a user while it ran; the agent has not confirmed yet.
    Cancelling,
    /// Never sent, because too many others failed.
    Terminated,
    /// There is no agent to deliver to.
    Undeliverable,
    /// The document is for another platform.
    InvalidPlatform,
    /// The agent is not allowed to have it.
    AccessDenied,
}

impl InvocationOutcome {
    /// The name in `Status`.
    #[must_use]
    pub const fn status(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Delayed => "Delayed",
            Self::Success => "Success",
            Self::Failed | Self::Undeliverable | Self::InvalidPlatform | Self::AccessDenied => "Failed",
            Self::DeliveryTimedOut | Self::ExecutionTimedOut => "TimedOut",
            Self::Cancelled | Self::Terminated => "Cancelled",
            Self::Cancelling => "Cancelling",
        }
    }

    /// The name in `StatusDetails`, which alone tells the reason.
    #[must_use]
    pub const fn details(self) -> &'static str {
        match self {
            Self::Undeliverable => "Undeliverable",
            Self::InvalidPlatform => "InvalidPlatform",
            Self::AccessDenied => "AccessDenied",
            Self::DeliveryTimedOut => "DeliveryTimedOut",
            Self::ExecutionTimedOut => "ExecutionTimedOut",
            Self::Terminated => "Terminated",
            other => other.status(),
        }
    }

    /// A plugin's status, which knows fewer words.
    #[must_use]
    pub const fn plugin_status(self) -> &'static str {
        match self {
            Self::Delayed => "Pending",
            Self::Cancelling => "InProgress",
            other => other.status(),
        }
    }

    /// True where nothing comes after it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress | Self::Delayed | Self::Cancelling)
    }

    /// True where it counts against the command's limit of errors. What never reached an agent does
    /// not count.
    #[must_use]
    pub const fn is_error(self) -> bool {
        matches!(self, Self::Failed | Self::ExecutionTimedOut)
    }
}

/// How many invocations stand how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// At their end.
    pub completed: usize,
    /// Failed, or timed out while running.
    pub errors: usize,
    /// Timed out while running.
    pub execution_timed_out: usize,
    /// Not delivered in time.
    pub delivery_timed_out: usize,
    /// Successful.
    pub succeeded: usize,
    /// Undeliverable.
    pub undeliverable: usize,
    /// Cancelled by a user.
    pub cancelled: usize,
    /// On their way to cancelled.
    pub cancelling: usize,
    /// Sent, and not at their end.
    pub in_progress: usize,
    /// Tried, and to be tried again.
    pub delayed: usize,
}

impl Tally {
    pub(super) fn change(&mut self, from: InvocationOutcome, to: InvocationOutcome) {
        for count in self.counts(from) {
            *count -= 1;
        }
        for count in self.counts(to) {
            *count += 1;
        }
    }

    /// The counts that an invocation with this outcome is part of.
    fn counts(&mut self, outcome: InvocationOutcome) -> Vec<&mut usize> {
        let mut counts = Vec::with_capacity(3);
        if outcome.is_final() {
            counts.push(&mut self.completed);
        }
        if outcome.is_error() {
            counts.push(&mut self.errors);
        }
        match outcome {
            InvocationOutcome::ExecutionTimedOut => counts.push(&mut self.execution_timed_out),
            InvocationOutcome::DeliveryTimedOut => counts.push(&mut self.delivery_timed_out),
            InvocationOutcome::Success => counts.push(&mut self.succeeded),
            InvocationOutcome::Undeliverable => counts.push(&mut self.undeliverable),
            InvocationOutcome::Cancelled => counts.push(&mut self.cancelled),
            InvocationOutcome::Cancelling => counts.push(&mut self.cancelling),
            InvocationOutcome::InProgress => counts.push(&mut self.in_progress),
            InvocationOutcome::Delayed => counts.push(&mut self.delayed),
            _ => {}
        }
        counts
    }
}

/// How a command stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandOutcome {
    /// `Status`.
    pub status: &'static str,
    /// `StatusDetails`.
    pub details: &'static str,
}

const fn same(name: &'static str) -> CommandOutcome {
    CommandOutcome { status: name, details: name }
}

/// How a command with these counts stands.
///
/// The limit of errors looks at failures and execution time-outs only. What could not be delivered
/// leaves the command `Success`; what was not delivered in time makes it `Incomplete`.
pub(super) fn of_command(tally: &Tally, targets: usize, max_errors: usize) -> CommandOutcome {
    if targets == 0 {
        return CommandOutcome { status: "Success", details: "NoInstancesInTag" };
    }
    if tally.completed < targets {
        let sent = tally.completed + tally.in_progress + tally.cancelling;
        return match (tally.cancelling, sent, tally.delayed) {
            (0, 0, 0) => same("Pending"),
            (0, 0, _) => CommandOutcome { status: "Pending", details: "Delayed" },
            (0, ..) => same("InProgress"),
            _ => same("Cancelling"),
        };
    }
    if tally.errors > max_errors {
        return match tally.errors == tally.execution_timed_out {
            true => CommandOutcome { status: "TimedOut", details: "ExecutionTimedOut" },
            false => same("Failed"),
        };
    }
    if tally.cancelled > 0 {
        return same("Cancelled");
    }
    if tally.delivery_timed_out > max_errors && tally.succeeded == 0 {
        return CommandOutcome { status: "TimedOut", details: "DeliveryTimedOut" };
    }
    match tally.succeeded > 0 && tally.succeeded + tally.undeliverable == targets {
        true => same("Success"),
        false => CommandOutcome { status: "Failed", details: "Incomplete" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(outcomes: &[InvocationOutcome], max_errors: usize) -> &'static str {
        let mut tally = Tally::default();
        for to in outcomes {
            tally.change(InvocationOutcome::Pending, *to);
        }
        of_command(&tally, outcomes.len(), max_errors).details
    }

    #[test]
    fn what_was_never_delivered_does_not_count_as_an_error() {
        use InvocationOutcome::{DeliveryTimedOut, Failed, Success, Undeliverable};
        let undeliverable = [Undeliverable, Undeliverable, Undeliverable, Undeliverable, Success];
        assert_eq!(outcome(&undeliverable, 0), "Success");
        assert_eq!(outcome(&[DeliveryTimedOut, Success], 0), "Incomplete");
        assert_eq!(outcome(&[Failed, Success], 0), "Failed");
        assert_eq!(outcome(&[Failed, Success], 1), "Incomplete");
        assert_eq!(outcome(&[], 0), "NoInstancesInTag");
    }
}
