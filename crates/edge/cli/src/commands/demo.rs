//! `fleetwright demo`: a scan of a simulated fleet inside this process, in virtual time.

use std::path::Path;
use std::sync::Arc;

use fleetwright_aws::{AwsOptions, Origin, connect};
use fleetwright_clock::VirtualClock;
use fleetwright_config::{SourceText, settings::OutputFormat};
use fleetwright_estate::clock::ClockMode;
use fleetwright_model::Exit;
use fleetwright_ports::Clock;

use crate::args::DemoArgs;
use crate::commands::scan::{self, Prepared};
use crate::console::Console;
use crate::environment::Environment;
use crate::failure::CommandError;
use crate::interrupt;
use crate::settings::{Flags, load};
use crate::simulated::{Start, world};
use crate::{files, fleet};

/// Scans the simulated fleet and leaves reports and its inventory behind. Must run in a runtime
/// whose time is paused: waiting then costs nothing, and equal seeds give equal reports.
///
/// # Errors
/// The scenario or a report cannot be read or written.
pub async fn carry_out(args: &DemoArgs, console: Console) -> Result<Exit, CommandError> {
    let mut clock = None;
    let world = world(&args.world, Start::Scenario, |start| {
        let shared = VirtualClock::starting_at(start);
        clock = Some(shared);
        ClockMode::External(Arc::new(move || shared.now()))
    })?;
    let clock: Arc<dyn Clock> = Arc::new(clock.expect("the world asks for its clock once"));
    console.note(&format!(
        "simulated estate \"{}\": nothing here is real, and no AWS account is needed",
        world.name
    ));

    // The demo takes nothing from the user's own configuration, so that it is the same everywhere.
    let mut flags = Flags::default();
    flags.output(args.output);
    let loaded = load(&[], flags, &Environment::default(), console)?;
    let inventory_file = args.output_dir.join("landing-zones.yaml");
    files::make_directory(&args.output_dir)?;
    files::write_atomically(&inventory_file, |file| {
        std::io::Write::write_all(file, world.inventory.as_bytes())
    })?;
    let text = SourceText::new(inventory_file.display().to_string(), world.inventory.clone());
    let fleet = fleet::choose_from(&loaded, &[text], &[], None, console)?;

    let settings = &loaded.resolved.settings;
    let options = AwsOptions {
        origin: Origin::InProcess { transport: world.transport(), credentials: world.credentials() },
        ..fleet::aws_options(settings)
    };
    let prepared = Prepared {
        request: fleet::scan_request(settings, fleet),
        aws: connect(options, Arc::clone(&clock)).await,
        clock,
        stop: interrupt::stop_on_signal(console),
        directory: Some(args.output_dir.clone()),
        format: settings.output.format,
    };
    let format = prepared.format;
    let exit = scan::carry_out(prepared, console).await?;
    if format == OutputFormat::Text {
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
