//! The scripts run for real, in a scratch root, and what is made of their answers.
#![expect(clippy::disallowed_methods, reason = "these tests lay out a scratch root and run scripts in it")]
#![expect(clippy::print_stdout, reason = "what is not tried here says why")]

mod distributions;
mod hostile;
mod keys;
mod load;
mod machine;
mod probe;
mod quoting;
mod reboot;
mod sandbox;
mod stories;
mod survey;
mod users;
