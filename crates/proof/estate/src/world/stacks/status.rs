//! How stacks and their resources stand. Source: CloudFormation user guide, "Stack status codes".

/// How a stack stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackStatus {
    /// It is but a name that a change set is for.
    ReviewInProgress,
    /// It is being made.
    CreateInProgress,
    /// It was made.
    CreateComplete,
    /// What was made of it is being deleted.
    RollbackInProgress,
    /// Nothing is left of what was made.
    RollbackComplete,
    /// Something is left.
    RollbackFailed,
    /// It is being changed.
    UpdateInProgress,
    /// It was changed; what is no longer wanted is being deleted.
    UpdateCompleteCleanupInProgress,
    /// It was changed.
    UpdateComplete,
    /// It is being changed back.
    UpdateRollbackInProgress,
    /// It was changed back; what is no longer wanted is being deleted.
    UpdateRollbackCompleteCleanupInProgress,
    /// It was changed back.
    UpdateRollbackComplete,
    /// It could not be changed back.
    UpdateRollbackFailed,
    /// It is being deleted.
    DeleteInProgress,
    /// It was deleted.
    DeleteComplete,
    /// Something is left of it.
    DeleteFailed,
}

impl StackStatus {
    /// CloudFormation's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReviewInProgress => "REVIEW_IN_PROGRESS",
            Self::CreateInProgress => "CREATE_IN_PROGRESS",
            Self::CreateComplete => "CREATE_COMPLETE",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackComplete => "ROLLBACK_COMPLETE",
            Self::RollbackFailed => "ROLLBACK_FAILED",
            Self::UpdateInProgress => "UPDATE_IN_PROGRESS",
            Self::UpdateCompleteCleanupInProgress => "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            Self::UpdateComplete => "UPDATE_COMPLETE",
            Self::UpdateRollbackInProgress => "UPDATE_ROLLBACK_IN_PROGRESS",
            Self::UpdateRollbackCompleteCleanupInProgress => "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            Self::UpdateRollbackComplete => "UPDATE_ROLLBACK_COMPLETE",
            Self::UpdateRollbackFailed => "UPDATE_ROLLBACK_FAILED",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
            Self::DeleteComplete => "DELETE_COMPLETE",
            Self::DeleteFailed => "DELETE_FAILED",
        }
    }

    /// True while something is being done to the stack.
    #[must_use]
    pub const fn is_moving(self) -> bool {
        matches!(
            self,
            Self::CreateInProgress
                | Self::RollbackInProgress
                | Self::UpdateInProgress
                | Self::UpdateCompleteCleanupInProgress
                | Self::UpdateRollbackInProgress
                | Self::UpdateRollbackCompleteCleanupInProgress
                | Self::DeleteInProgress
        )
    }

    /// True where the stack can be changed.
    #[must_use]
    pub const fn takes_updates(self) -> bool {
        matches!(self, Self::CreateComplete | Self::UpdateComplete | Self::UpdateRollbackComplete)
    }
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
}

/// How far that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Begun.
    InProgress,
    /// Done.
    Complete,
    /// Not done.
    Failed,
}

/// How a resource stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceStatus {
    /// Something is being done to it, or was.
    Of(Verb, Stage),
    /// It was left where it is.
    DeleteSkipped,
}

impl ResourceStatus {
    /// CloudFormation's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Of(Verb::Create, Stage::InProgress) => "CREATE_IN_PROGRESS",
            Self::Of(Verb::Create, Stage::Complete) => "CREATE_COMPLETE",
            Self::Of(Verb::Create, Stage::Failed) => "CREATE_FAILED",
            Self::Of(Verb::Update, Stage::InProgress) => "UPDATE_IN_PROGRESS",
            Self::Of(Verb::Update, Stage::Complete) => "UPDATE_COMPLETE",
            Self::Of(Verb::Update, Stage::Failed) => "UPDATE_FAILED",
            Self::Of(Verb::Delete, Stage::InProgress) => "DELETE_IN_PROGRESS",
            Self::Of(Verb::Delete, Stage::Complete) => "DELETE_COMPLETE",
            Self::Of(Verb::Delete, Stage::Failed) => "DELETE_FAILED",
            Self::DeleteSkipped => "DELETE_SKIPPED",
        }
    }

    /// True where the resource is gone, or no longer the stack's.
    #[must_use]
    pub const fn is_gone(self) -> bool {
        matches!(self, Self::DeleteSkipped | Self::Of(Verb::Delete, Stage::Complete))
    }
}
