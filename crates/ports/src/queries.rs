//! Numbers that a monitoring system has.

use async_trait::async_trait;
use fleetwright_model::Failure;

/// Asks a monitoring system that speaks Prometheus' API. Reads only.
#[async_trait]
pub trait Queries: Send + Sync {
    /// The one number that a query in PromQL answers now. It is a finite number.
    ///
    /// # Errors
    /// Nobody could be asked, the query was refused, or the answer is not one number: no series, several, or none that
    /// is finite.
    async fn value(&self, promql: &str) -> Result<f64, Failure>;
}
