//! Settings and landing zones: text in, values out. No files, no process environment, no clock.

pub mod document;
pub mod error;
pub mod explain;
pub mod keys;
pub mod landing_zones;
pub mod layers;
pub mod origin;
pub mod resolve;
pub mod settings;
mod value;
mod yaml;

pub use document::{default_yaml, reference_markdown, schema};
pub use error::{ConfigError, ConfigErrors, FilePlace, Place, Snippet};
pub use explain::{Explanation, explain};
pub use landing_zones::{Inventory, Listed, ZoneDefaults, schema as landing_zones_schema};
pub use layers::{Flag, Layers};
pub use origin::Origin;
pub use resolve::{Overridden, Resolved, ResolvedValue, resolve};
pub use settings::Settings;
pub use value::Value;
pub use yaml::SourceText;
