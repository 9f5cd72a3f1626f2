//! Settings and landing zones: text in, values out. No files, no process environment, no clock;
//! the edge reads those and hands them in.
//!
//! # The journey of a value
//! 1. The edge hands in [`Layers`]: the texts of configuration files, a snapshot of the
//!    environment, what the command line sets.
//! 2. A file becomes a tree that keeps each scalar's text and place. Each key is looked up in
//!    [`keys`], the one table that also gives the [default file](default_yaml), the
//!    [schema], the [reference](reference_markdown) and the variables' names. An older spelling
//!    leads to its current key, with its unit converted; anything else is an error that names the
//!    nearest key. Nothing is ignored.
//! 3. The key's [`Kind`](keys::Kind) turns the text into a [`Value`] within its bounds. Only here
//!    does `no` become false, and only for a boolean; elsewhere it stays text.
//! 4. [`resolve()`] lets the strongest layer win (defaults, files, the chosen environment's section,
//!    variables, flags), keeps the [`Origin`] of the winner and of what it won over, and builds
//!    the typed [`Settings`].
//! 5. [`explain()`] tells the story of one key from that.
//!
//! [`landing_zones::load`] reads inventories by the same means, with [`ZoneDefaults`] from the
//! settings, and [`landing_zones::choose`] takes from them what the settings ask for.
//!
//! Every fault of all texts is collected ([`ConfigErrors`]), each with its code, its place (line,
//! column, and byte offset for a source snippet) and what to do. Secrets are in none of them; a
//! snippet is cut from [`SourceText::redacted`], where secrets are masked and offsets unchanged.

pub mod document;
pub mod error;
pub mod explain;
pub mod keys;
pub mod landing_zones;
pub mod layers;
mod located;
pub mod origin;
mod record;
mod redaction;
pub mod resolve;
mod run_input;
pub mod settings;
mod value;
mod waves;
mod yaml;

pub use document::{default_yaml, reference_markdown, schema};
pub use error::{ConfigError, ConfigErrors, FilePlace, Place, Snippet};
pub use explain::{Explanation, explain};
pub use landing_zones::{Inventory, Listed, ZoneDefaults, schema as landing_zones_schema};
pub use layers::{Flag, Layers};
pub use located::{Located, Remark};
pub use origin::Origin;
pub use resolve::{Overridden, Resolved, ResolvedValue, resolve};
pub use run_input::{RunInput, run_input_schema};
pub use settings::Settings;
pub use value::{Secret, Value, Written};
pub use yaml::SourceText;
