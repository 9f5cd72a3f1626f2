//! What it takes to take a run up that is nearly over: measured in a process of its own, whose memory is then its own.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use fleetwright_flow::Run;
use fleetwright_journal::decode;
use fleetwright_patch::plan::PlanDocument;
use miniz_oxide::inflate::decompress_to_vec;
use serde::{Deserialize, Serialize};

use crate::Failed;
use crate::measure::cpu;

/// A plan and records as they lie in the table.
pub(crate) struct Kept {
    /// The pieces of the plan.
    pub(crate) plan: Vec<Vec<u8>>,
    /// Those of the records, each with the number of its first.
    pub(crate) pieces: Vec<(u64, Vec<u8>)>,
}

/// What it takes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct TakenUp {
    /// Computing until the plan is there.
    pub(crate) plan: Duration,
    /// Computing until the records are folded.
    pub(crate) records: Duration,
    /// The most memory held until the plan is there, in MiB; none where the system does not tell.
    pub(crate) plan_mib: Option<u64>,
    /// The most held until all is there.
    pub(crate) mib: Option<u64>,
}

impl Kept {
    /// Writes them for the other process.
    #[expect(clippy::disallowed_methods, reason = "it measures")]
    fn write(&self, path: &Path) -> Result<(), Failed> {
        let mut bytes = Vec::new();
        let mut put = |number: u64, piece: &[u8]| {
            bytes.extend(number.to_le_bytes());
            bytes.extend((piece.len() as u64).to_le_bytes());
            bytes.extend(piece);
        };
        // The plan's pieces are of record 0, which there is not.
        self.plan.iter().for_each(|piece| put(0, piece));
        self.pieces.iter().for_each(|(first, piece)| put(*first, piece));
        Ok(std::fs::write(path, bytes)?)
    }

    #[expect(clippy::disallowed_methods, reason = "it measures")]
    fn read(path: &Path) -> Result<Self, Failed> {
        let bytes = std::fs::read(path)?;
        let (mut rest, mut kept) = (bytes.as_slice(), Self { plan: Vec::new(), pieces: Vec::new() });
        while !rest.is_empty() {
            let mut number = || -> Result<u64, Failed> {
                let (number, after) = rest.split_first_chunk().ok_or("cut off in a number")?;
                rest = after;
                Ok(u64::from_le_bytes(*number))
            };
            let (first, length) = (number()?, usize::try_from(number()?)?);
            let (piece, after) = rest.split_at_checked(length).ok_or("cut off in a piece")?;
            rest = after;
            match first {
                0 => kept.plan.push(piece.to_vec()),
                _ => kept.pieces.push((first, piece.to_vec())),
            }
        }
        Ok(kept)
    }
}

/// Has another process take them up, from a file that is gone again afterwards.
///
/// # Errors
/// It does not, or the file for it cannot be written.
#[expect(clippy::disallowed_methods, reason = "it measures")]
pub(crate) fn elsewhere(kept: &Kept, path: &Path) -> Result<TakenUp, Failed> {
    kept.write(path)?;
    let told = Command::new(std::env::current_exe()?).arg("--take-up").arg(path).output()?;
    std::fs::remove_file(path)?;
    if !told.status.success() {
        return Err(format!(
            "taking up ended with {}: {}",
            told.status,
            String::from_utf8_lossy(&told.stderr)
        )
        .into());
    }
    Ok(serde_json::from_slice(&told.stdout)?)
}

/// Takes up what lies in that file, as a function does before a turn.
///
/// # Errors
/// It is not whole.
pub(crate) fn here(path: &Path) -> Result<TakenUp, Failed> {
    let Kept { plan, pieces } = Kept::read(path)?;
    let begun = cpu();
    let packed = plan.concat();
    let bytes = decompress_to_vec(&packed).map_err(|error| format!("the plan: {error:?}"))?;
    let document = PlanDocument::read(&bytes)?;
    let plan = document.into_plan();
    let (planned, plan_mib) = (cpu(), held_mib());
    let mut records = Vec::new();
    for (first, packed) in &pieces {
        let body = decompress_to_vec(packed).map_err(|error| format!("record {first}: {error:?}"))?;
        decode(&body, *first, &mut records).map_err(|error| format!("record {first}: {error}"))?;
    }
    let mut run = Run::open(Arc::new(plan.flow.clone()));
    for record in &records {
        run.apply(record)?;
    }
    let taken_up = TakenUp { plan: planned - begun, records: cpu() - planned, plan_mib, mib: held_mib() };
    // All of it is held until a function decides.
    drop((bytes, plan, records, run));
    Ok(taken_up)
}

/// The most memory this process held. Source: proc_pid_status(5), VmHWM.
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn held_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()?.div_ceil(1_024))
}
