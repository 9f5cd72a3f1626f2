//! `fleetwright demo`: a whole patching run of a simulated fleet inside this process, in virtual time.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use fleetwright_config::settings::OutputFormat;
use fleetwright_engine::{AtGates, Control};
use fleetwright_model::{Exit, Phase, code};
use fleetwright_patch::Summary;
use fleetwright_report::csv;
use fleetwright_report::json::{ScanFacts, write_inventory, write_summary};
use fleetwright_survey::Stop;

use crate::args::DemoArgs;
use crate::commands::plan::{Continued, Looking, run_id, show};
use crate::commands::scan::{Reports, calls};
use crate::console::Console;
use crate::driving::{Driving, create};
use crate::evidence::keep_inventory;
use crate::failure::CommandError;
use crate::heads::Heads;
use crate::on_record::OnRecord;
use crate::settings::Flags;
use crate::simulated::Stage;
use crate::state::State;
use crate::{files, fleet, interrupt, planning};

/// Plans and patches the simulated fleet; leaves reports, evidence and the run's record behind. Must
/// run in a runtime whose time is paused.
///
/// # Errors
/// The scenario or a report cannot be read or written.
pub async fn carry_out(args: &DemoArgs, console: Console) -> Result<Exit, CommandError> {
    let mut flags = Flags::default();
    flags.output(args.output);
    flags.set("demo", "safety.automatic_rollback", "true");
    let stage = Stage::set(&args.world, flags, console).await?;
    let format = stage.settings.output.format;
    console.note(&format!(
        "simulated estate \"{}\": nothing here is real, and no AWS account is needed",
        stage.world.name
    ));
    files::make_directory(&args.output_dir)?;
    let inventory_file = args.output_dir.join("landing-zones.yaml");
    files::write_atomically(&inventory_file, |file| file.write_all(stage.world.inventory.as_bytes()))?;

    let looking = Looking {
        aws: &stage.aws,
        clock: &stage.clock,
        settings: &stage.settings,
        stop: Stop::never(),
        console,
    };
    let request = fleet::scan_request(&stage.settings, stage.fleet.clone());
    let looked = looking.look(&request).await;
    write_scan(&args.output_dir, &looked.inventory, &stage)?;
    let seed = stage.world.seed;
    let document = looking.plan(&looked, &Phase::ALL, seed, Continued::default())?;
    if format == OutputFormat::Text {
        show(&document, format, console)?;
    }
    let run = run_id(stage.clock.as_ref(), seed);
    let state_dir = args.output_dir.join("state");
    // The same seed gives the same run; what an earlier demo left of it makes room.
    files::remove_directory(&state_dir.join("runs").join(run.as_str()))?;
    let state = State::at(&state_dir)?;
    create(&state, stage.clock.as_ref(), &run, &document).await?;
    keep_inventory(&state, &run, document.plan(), &looked.inventory).await?;
    let control = Control::new(
        format!("{} (demo)", planning::program()),
        AtGates::Approve { by: "the demo, which approves everything".into() },
    );
    interrupt::steer_on_signal(control.clone(), console);
    let on_record = OnRecord::of(&state, &run, document.digest(), control.owner(), "the demo".into());
    let driving = Driving {
        aws: stage.aws.clone(),
        clock: Arc::clone(&stage.clock),
        state,
        zones: looked.zones,
        control,
        on_record,
        heads: Heads::default(),
        told: None,
        change: None,
        reports: Reports::Into(args.output_dir.clone()),
        figures: None,
        format,
        console,
    };
    let exit = driving.begin(document).await?;
    if format == OutputFormat::Text {
        console.note(&next_steps(&args.output_dir, &inventory_file, run.as_str()));
    }
    // The demo's fleet has faults on purpose, to show how they look; the demo itself succeeded when
    // the run came to an end of its own.
    Ok(match exit {
        Exit::Partial | Exit::Halted | Exit::Stuck => Exit::Success,
        other => other,
    })
}

fn write_scan(
    directory: &Path,
    inventory: &fleetwright_patch::Inventory,
    stage: &Stage,
) -> Result<(), CommandError> {
    let facts = ScanFacts {
        scan_id: "demo".to_owned(),
        fleetwright: env!("CARGO_PKG_VERSION").to_owned(),
        calls: calls(&stage.aws),
    };
    let summary = Summary::of(inventory);
    files::write_atomically(&directory.join("instances.csv"), |file| {
        csv::write_instances(file, &inventory.hosts)
    })?;
    files::write_atomically(&directory.join("instances.json"), |file| {
        write_inventory(file, inventory, &facts)
    })?;
    files::write_atomically(&directory.join("summary.json"), |file| {
        write_summary(file, inventory, &summary, &facts)
    })
}

fn next_steps(reports: &Path, inventory: &Path, run: &str) -> String {
    let reports = reports.display();
    let code = code::RUN_PARTIAL.id;
    format!(
        "\nThe faults are part of the story: hosts refuse, break and do not come back, as real ones do.\n  \
         {reports}/csv/instances.csv       what became of every host\n  \
         {reports}/state/runs/{run}/artefacts   the evidence from each host, before and after\n  \
         fleetwright status --state-dir {reports}/state   the same run from its record\n  \
         fleetwright code {code}            explains any code above\n  \
         fleetwright estate serve          the same world for the AWS CLI, boto3 and fleetwright itself;\n  \
                                           its landing zones are in {}\n  \
         fleetwright config init           a configuration for your own fleet",
        inventory.display()
    )
}
