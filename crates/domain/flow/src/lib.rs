//! The kernel: an immutable [`Plan`] is walked by turning durable [`Record`]s into [`Command`]s.
//!
//! A driver appends a record, applies it with [`Run::apply`] and only then acts; [`Run::next`] says
//! what may start. Live and on recovery the same two functions decide, so a run killed anywhere
//! comes back to the same place. Nothing here knows EC2, EKS, a clock or a disk.

pub mod admission;
pub mod check;
pub mod document;
pub mod format;
pub mod note;
pub mod plan;
pub mod record;
pub mod run;
pub mod timeline;

pub use admission::Admission;
pub use check::{InvalidPlan, MOST_GROUPS, MOST_STEPS};
pub use document::{Document, DocumentError, Sealed, Walked};
pub use format::Unreadable;
pub use plan::{
    ApprovalRule, Charge, Effect, Format, Gate, Group, GroupId, OnExpiry, OnFailure, Place, PlaceId, Plan,
    Recipe, RecipeId, Retry, Span, Stage, StageId, Step, StepIndex, Target, TargetId, When, Window, WindowId,
};
pub use record::{Direction, Ending, Epoch, Event, FailedStep, Record, Sequence, Signal, SkipScope};
pub use run::{
    ApprovalView, Command, Condition, End, Flight, GateView, GroupView, Haste, Illegal, Position, Run,
    RunView, StageView, StepCount, StepView, TargetState, Totals, WaitingFor, WindowView,
};
pub use timeline::{Outcome, Timeline, Visit};
