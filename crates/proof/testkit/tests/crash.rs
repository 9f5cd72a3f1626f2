//! Runs cut off at every point at which a process can die.
