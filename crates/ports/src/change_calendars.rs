//! Change calendars of Systems Manager: when an organisation lets nothing be changed.

use async_trait::async_trait;
use fleetwright_model::{CalendarAnswer, Cell, Failure, Text};

/// Reads change calendars. Only reads.
#[async_trait]
pub trait ChangeCalendars: Send + Sync {
    /// What the calendars of these names or ARNs, which the cell has or is shared, say together now.
    ///
    /// # Errors
    /// One of them is unknown there, or nobody could ask: whether changes may happen is not known.
    async fn state(&self, cell: &Cell<'_>, calendars: &[Text]) -> Result<CalendarAnswer, Failure>;
}
