//! Steps over a cluster in memory, where the simulated estate has nothing of the kind: pools of Karpenter and pods of
//! Fargate.

mod fargate;
mod instance_refresh;
mod pools;
mod stage;
