//! The [`MaintenanceWindows`] port: Systems Manager's own windows.

mod change;
mod listing;

use async_trait::async_trait;
use fleetwright_model::{Cell, Failure, Partial, Text};
use fleetwright_ports::MaintenanceWindows;
use fleetwright_ports::maintenance::{
    MaintenanceWindow, NewTask, NewWindow, Selection, WindowTarget, WindowTask,
};
use jiff::Timestamp;

use crate::Aws;

#[async_trait]
impl MaintenanceWindows for Aws {
    async fn windows(&self, cell: &Cell<'_>) -> Partial<MaintenanceWindow> {
        listing::windows(self, cell).await
    }

    async fn openings(&self, cell: &Cell<'_>, window: &str) -> Partial<Timestamp> {
        listing::openings(self, cell, window).await
    }

    async fn targets(&self, cell: &Cell<'_>, window: &str) -> Partial<WindowTarget> {
        listing::targets(self, cell, window).await
    }

    async fn tasks(&self, cell: &Cell<'_>, window: &str) -> Partial<WindowTask> {
        listing::tasks(self, cell, window).await
    }

    async fn create_window(&self, cell: &Cell<'_>, window: &NewWindow) -> Result<Text, Failure> {
        change::create(self, cell, window).await
    }

    async fn register_target(
        &self,
        cell: &Cell<'_>,
        window: &str,
        selections: &[Selection],
        token: &str,
    ) -> Result<Text, Failure> {
        change::register_target(self, cell, window, selections, token).await
    }

    async fn register_task(&self, cell: &Cell<'_>, window: &str, task: &NewTask) -> Result<Text, Failure> {
        change::register_task(self, cell, window, task).await
    }

    async fn delete_window(&self, cell: &Cell<'_>, window: &str) -> Result<(), Failure> {
        change::delete(self, cell, window).await
    }
}
