//! The audit log as a whole: nothing can be changed in it unseen.

mod chain;
mod logs;
mod reconcile;
