//! `fleetwright demo`: a scan of a simulated fleet inside this process, in virtual time.

use std::io::Write as _;
use std::path::Path;

use fleetwright_config::settings::OutputFormat;
use fleetwright_model::Exit;

use crate::args::DemoArgs;
use crate::commands::scan::{self, Prepared, Reports};
use crate::console::Console;
use crate::failure::CommandError;
use crate::interrupt;
use crate::settings::Flags;
use crate::simulated::Stage;
use crate::{files, fleet};

/// Scans the simulated fleet and leaves reports and its inventory behind. Must run in a runtime
/// whose time is paused.
///
/// # Errors
/// The scenario or a report cannot be read or written.
pub async fn carry_out(args: &DemoArgs, console: Console) -> Result<Exit, CommandError> {
    let mut flags = Flags::default();
    flags.output(args.output);
    let stage = Stage::set(&args.world, flags, console).await?;
    let name = &stage.world.name;
    console.note(&format!("simulated estate \"{name}\": nothing here is real, and no AWS account is needed"));

    let inventory_file = args.output_dir.join("landing-zones.yaml");
    files::make_directory(&args.output_dir)?;
    files::write_atomically(&inventory_file, |file| file.write_all(stage.world.inventory.as_bytes()))?;
    let prepared = Prepared {
        request: fleet::scan_request(&stage.settings, stage.fleet),
        aws: stage.aws,
        clock: stage.clock,
        stop: interrupt::stop_on_signal(console),
        timeout: fleet::scan_timeout(&stage.settings),
        reports: Reports::Into(args.output_dir.clone()),
        format: stage.settings.output.format,
    };
    let exit = scan::carry_out(prepared, console).await?;
    if stage.settings.output.format == OutputFormat::Text {
        console.note(&next_steps(&args.output_dir, &inventory_file));
    }
    // The demo's fleet has gaps on purpose, to show how they look; the demo itself succeeded.
    Ok(if exit == Exit::Partial { Exit::Success } else { exit })
}

fn next_steps(reports: &Path, inventory: &Path) -> String {
    format!(
        "\nOpen {}/instances.csv in a spreadsheet. The gaps above are part of the story: one account refuses\n\
         some calls, as real ones do. Next:\n  \
         fleetwright estate serve          the same world for the AWS CLI, boto3 and fleetwright itself\n  \
         fleetwright config init           a configuration for your own fleet; the demo's landing zones are in\n  \
                                           {}",
        reports.display(),
        inventory.display()
    )
}
