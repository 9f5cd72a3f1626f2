//! The page behind an approval link: looking decides nothing, and nothing decides twice.

mod desk;
mod network;
mod world;
