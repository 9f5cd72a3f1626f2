//! Reading CloudWatch's documents.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::call::{ApiError, Call};
use crate::world::metrics::MetricName;
use crate::world::{Region, World};

/// A metric's name on the wire.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metric {
    pub(super) namespace: Option<String>,
    pub(super) metric_name: Option<String>,
    #[serde(default)]
    pub(super) dimensions: Vec<Dimension>,
}

/// A dimension on the wire.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Dimension {
    name: String,
    value: String,
}

impl Metric {
    /// The name the world keeps it under.
    pub(super) fn name(self) -> MetricName {
        let mut dimensions: Vec<_> = self.dimensions.into_iter().map(|d| (d.name, d.value)).collect();
        dimensions.sort_unstable();
        MetricName {
            namespace: self.namespace.unwrap_or_default(),
            name: self.metric_name.unwrap_or_default(),
            dimensions,
        }
    }
}

/// Reads the request into its type.
///
/// # Errors
/// `SerializationException` for a member of the wrong type.
pub(super) fn read<T: DeserializeOwned>(call: &Call) -> Result<T, ApiError> {
    T::deserialize(call.json())
        .map_err(|error| ApiError::new(400, "SerializationException", error.to_string()))
}

/// What the service answers to a value it does not accept.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "InvalidParameterValue", message)
}

/// What the service answers where a parameter is missing.
pub(super) fn missing(parameter: &str) -> ApiError {
    ApiError::new(400, "MissingParameter", format!("The parameter {parameter} is required."))
}

/// The region a call is for.
///
/// # Errors
/// `UnrecognizedClientException` where the account has not enabled it.
pub(super) fn region<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Region, ApiError> {
    world
        .accounts
        .get_mut(&call.account)
        .and_then(|account| account.regions.get_mut(&call.region))
        .filter(|region| region.enabled)
        .ok_or_else(|| {
            ApiError::new(
                403,
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        })
}
