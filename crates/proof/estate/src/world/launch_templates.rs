//! Launch templates of EC2: what instances of a group are launched from, version by version.
//!
//! Rules: EC2 user guide, "Store instance launch parameters in Amazon EC2 launch templates". A version never changes; which
//! one is the default is chosen.

use jiff::Timestamp;

use super::ids::ImageId;
use super::tags::Tags;

/// A launch template.
#[derive(Clone, Debug)]
pub struct LaunchTemplate {
    /// Its name.
    pub name: String,
    /// Its versions: the first has number 1.
    pub versions: Vec<Version>,
    /// The number of the default version.
    pub default: usize,
    /// Its tags.
    pub tags: Tags,
}

/// A version of a template.
#[derive(Clone, Debug)]
pub struct Version {
    /// When it was made.
    pub created: Timestamp,
    /// The image that it names.
    pub image: Option<ImageId>,
    /// The type of instances.
    pub instance_type: Option<String>,
    /// User data, as base64.
    pub user_data: Option<String>,
}

impl LaunchTemplate {
    /// The number of the latest version.
    #[must_use]
    pub fn latest(&self) -> usize {
        self.versions.len()
    }

    /// The number that a version goes by: `$Latest`, `$Default` or a number; none where there is no such version.
    #[must_use]
    pub fn number(&self, version: &str) -> Option<usize> {
        let number = match version {
            "$Latest" => self.latest(),
            "$Default" | "" => self.default,
            number => number.parse().ok()?,
        };
        (1..=self.latest()).contains(&number).then_some(number)
    }

    /// A version by its number.
    #[must_use]
    pub fn version(&self, number: usize) -> Option<&Version> {
        self.versions.get(number.checked_sub(1)?)
    }
}
