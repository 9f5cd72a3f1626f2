//! Steps over a cluster in memory, turn by turn: pools of Karpenter, pods of Fargate, test suites.

mod fargate;
mod instance_refresh;
mod pools;
mod stage;
mod suites;
