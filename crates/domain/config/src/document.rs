//! What the key table is turned into for people and editors.

mod default_file;
mod reference;
mod schema;

pub use default_file::default_yaml;
pub use reference::reference_markdown;
pub(crate) use schema::record as record_schema;
pub use schema::schema;
