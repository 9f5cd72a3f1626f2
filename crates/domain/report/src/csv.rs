//! `instances.csv` of a scan: one row per host.

use std::io::{self, Write};

use fleetwright_patch::Host;

use crate::fields::{INVENTORY, InventoryColumn, PATCH_STATE};
use crate::record::HostRecord;
use crate::views::csv::{end_row, push_cell, write_header};

/// The columns, in order. The first 26 are REQUIREMENTS RE-1's.
pub fn columns() -> impl Iterator<Item = &'static InventoryColumn> {
    INVENTORY.iter().chain(PATCH_STATE)
}

/// Writes the header and a row per host. Cells that a spreadsheet could take for a formula are made
/// safe; an empty cell means "none", `not_checked` means that it could not be read.
///
/// # Errors
/// What the writer says.
pub fn write_instances<'a>(mut out: impl Write, hosts: impl IntoIterator<Item = &'a Host>) -> io::Result<()> {
    write_header(&mut out, columns().map(|column| column.name))?;
    let mut line = String::new();
    for host in hosts {
        let record = HostRecord::of(host);
        for (index, column) in columns().enumerate() {
            push_cell(&mut line, index, &(column.get)(&record));
        }
        end_row(&mut out, &mut line)?;
    }
    out.flush()
}
