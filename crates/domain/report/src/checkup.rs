//! What the doctor found, for people and for machines.

use std::fmt::{self, Write};
use std::io;

use fleetwright_model::{Region, Verified};
use fleetwright_patch::checkup::{Checkup, Severity, ZoneCheckup};
use serde::Serialize;

use crate::FORMAT_VERSION;
use crate::safe;
use crate::text::number;

#[derive(Serialize)]
struct Document<'a> {
    format: String,
    ready: bool,
    #[serde(flatten)]
    checkup: &'a Checkup,
}

/// Writes the checkup as JSON.
///
/// # Errors
/// What the writer says.
pub fn write_json(mut writer: impl io::Write, checkup: &Checkup) -> io::Result<()> {
    let document = Document {
        format: format!("fleetwright.checkup/{FORMAT_VERSION}"),
        ready: checkup.is_well(),
        checkup,
    };
    serde_json::to_writer_pretty(&mut writer, &document)?;
    writer.write_all(b"\n")
}

/// Writes the checkup for a terminal: the caller, then zone by zone what was found and what to do.
///
/// # Errors
/// What the writer says.
pub fn write_text(out: &mut impl Write, checkup: &Checkup) -> fmt::Result {
    match &checkup.caller {
        Ok(identity) => {
            writeln!(out, "You are {} in account {}.", safe::line(&identity.arn), identity.account)?
        }
        Err(failure) => {
            writeln!(out, "Who you are could not be found out: {}", safe::line(&failure.to_string()))?;
            writeln!(out, "  → {}", failure.code.next_step)?;
        }
    }
    for failure in &checkup.organization_gaps {
        writeln!(out, "Accounts of the organisation: {}", safe::line(&failure.to_string()))?;
        writeln!(out, "  → {}", failure.code.next_step)?;
    }
    for zone in &checkup.zones {
        write_zone(out, zone)?;
    }
    let problems = |severity| {
        checkup
            .zones
            .iter()
            .flat_map(|zone| &zone.symptoms)
            .filter(|symptom| symptom.severity == severity)
            .count()
    };
    let verdict = if checkup.is_well() { "Ready." } else { "Not ready." };
    writeln!(
        out,
        "\n{verdict} {}, {} not checked, {} in {}.",
        number(problems(Severity::Problem), "problem"),
        problems(Severity::NotChecked),
        number(problems(Severity::Remark), "remark"),
        number(checkup.zones.len(), "landing zone"),
    )
}

fn write_zone(out: &mut impl Write, zone: &ZoneCheckup) -> fmt::Result {
    writeln!(out, "\n{} (account {})", safe::line(zone.zone.as_str()), zone.account)?;
    if let Some(identity) = &zone.identity {
        writeln!(out, "  entered as {}", safe::line(&identity.arn))?;
    }
    if !zone.regions.is_empty() {
        let how = match zone.verified {
            Some(Verified::Simulation) => " (checked by simulation)",
            Some(Verified::Trial) => " (checked by trying harmless calls)",
            None => "",
        };
        writeln!(out, "  {} answer; {} permissions are there{how}", names(&zone.regions), zone.allowed)?;
    }
    for coverage in &zone.coverage {
        writeln!(
            out,
            "  {}: {} of {} running instances have an agent that answers",
            coverage.region, coverage.online, coverage.running
        )?;
    }
    for symptom in &zone.symptoms {
        let place = if symptom.regions.is_empty() {
            String::new()
        } else {
            format!(" [{}]", names(&symptom.regions))
        };
        writeln!(
            out,
            "  {} {}{place}: {}",
            symptom.severity.as_str().to_uppercase(),
            symptom.code.id,
            safe::line(&symptom.message)
        )?;
        writeln!(out, "    → {}", safe::line(&symptom.remedy))?;
    }
    Ok(())
}

fn names(regions: &[Region]) -> String {
    regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ")
}
