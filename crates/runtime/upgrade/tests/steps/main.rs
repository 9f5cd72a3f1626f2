//! Steps over a cluster in memory, turn by turn: pools of Karpenter and pods of Fargate.

mod fargate;
mod pools;
mod stage;
