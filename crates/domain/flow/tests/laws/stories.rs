//! Stories of single behaviours.
