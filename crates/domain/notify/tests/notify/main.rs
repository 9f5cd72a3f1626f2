//! What people are told, when and how often.

mod grouping;
mod routes;
mod samples;
mod telling;
mod words;
