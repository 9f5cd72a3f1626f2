//! `fleetwright doctor`: is everything in place?

use std::sync::Arc;

use fleetwright_aws::Aws;
use fleetwright_config::settings::OutputFormat;
use fleetwright_model::{Exit, code};
use fleetwright_patch::checkup::Checkup;
use fleetwright_ports::Clock;
use fleetwright_report::checkup::{write_json, write_text};
use fleetwright_survey::{DoctorRequest, Ports, Stop, examine};

use crate::console::{self, Console};
use crate::failure::CommandError;

/// Everything the doctor needs, put together.
pub struct Prepared {
    /// What to examine.
    pub request: DoctorRequest,
    /// AWS, or what stands in for it.
    pub aws: Aws,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The user's wish to stop.
    pub stop: Stop,
    /// The form of standard output.
    pub format: OutputFormat,
}

/// Examines and shows what was found.
///
/// # Errors
/// Standard output cannot be written.
pub async fn carry_out(prepared: Prepared, console: Console) -> Result<Exit, CommandError> {
    let Prepared { request, aws, clock, stop, format } = prepared;
    let ports = Ports { accounts: &aws, machines: &aws, clock: clock.as_ref() };
    let checkup = examine(ports, &aws, &request, &stop).await;
    match format {
        OutputFormat::Text => {
            let mut text = String::new();
            write_text(&mut text, &checkup)
                .map_err(|error| CommandError::new(&code::INTERNAL, error.to_string()))?;
            console::write_text(&text)?;
        }
        OutputFormat::Json | OutputFormat::Jsonl => console::write_data(|out| write_json(out, &checkup))?,
    }
    Ok(concluded(&checkup, console))
}

fn concluded(checkup: &Checkup, console: Console) -> Exit {
    if checkup.is_well() {
        return Exit::Success;
    }
    let found = &code::DOCTOR_FINDINGS;
    console.note(&format!("{} {}: {}", found.id, found.title, found.next_step));
    // Without an identity nothing else could be found out, and the exit code should say so.
    match &checkup.caller {
        Err(failure) => failure.code.exit.unwrap_or(Exit::Validation),
        Ok(_) => Exit::Validation,
    }
}
