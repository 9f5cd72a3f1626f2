//! Plans, as stories.

mod basics;
mod samples;
