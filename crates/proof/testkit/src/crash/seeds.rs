//! Random worlds, cut off at random points, while people interfere.

use std::sync::Arc;
use std::time::Duration;

use fleetwright_engine::{AtGates, Conclusion, Control};
use fleetwright_flow::{Signal, StageId};

use super::oracle::Result as RunResult;
use super::process::{Process, When, run_in, run_under};
use super::{Violation, World};

/// Times one run is cut off at most.
const MOST_CUTS: u64 = 5;

/// Opportunities of a process to be cut off, about.
const OPPORTUNITIES: u64 = 160;

/// Who leaves letters.
const PEOPLE: [&str; 3] = ["ann", "bob", "crash test"];

/// Numbers that follow from a seed (SplitMix64; Steele, Lea, Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Draw(u64);

impl Draw {
    /// The numbers of that seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of `0..bound`; 0 where the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        if bound == 0 { 0 } else { mixed % bound }
    }

    /// One of `0..bound`, small ones more often.
    fn early_below(&mut self, bound: u64) -> u64 {
        let below = 1 + self.below(bound);
        self.below(below)
    }

    /// One of these.
    ///
    /// # Panics
    /// Where there are none.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// What was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeedsReport {
    /// Worlds.
    pub seeds: u64,
    /// Times a process was cut off in them.
    pub cuts: u64,
    /// Times a process was interrupted in them.
    pub interrupts: u64,
    /// Records written in them.
    pub records: u64,
}

/// Runs the worlds of so many seeds, from `first` on, each cut off up to five times, while people
/// interrupt, pause, freeze, decide and abort.
///
/// # Errors
/// Every violation, with its seed: something done twice, a run that does not come to its end, or an
/// invariant that does not hold after some record.
pub async fn seeds<W: World + 'static>(
    first: u64,
    count: u64,
    make: impl AsyncFn(u64) -> W,
) -> Result<SeedsReport, Vec<Violation>> {
    let mut report = SeedsReport::default();
    let mut violations = Vec::new();
    for seed in first..first.saturating_add(count) {
        report.seeds += 1;
        let world = Arc::new(make(seed).await);
        let wrong = one_seed(&world, seed, &mut report).await;
        violations.extend(wrong.into_iter().map(|what| Violation { place: format!("seed {seed}"), what }));
    }
    if violations.is_empty() { Ok(report) } else { Err(violations) }
}

/// People who interrupt, pause, go on, freeze, decide at gates and abort, now and then, for as long as
/// they are let.
async fn interfere<W: World>(world: &Arc<W>, control: &Control, draw: &mut Draw) {
    loop {
        world.clock().sleep(Duration::from_secs(1 + draw.below(240))).await;
        let stage = StageId(draw.below(world.plan().stages.len() as u64) as u16);
        let by = draw.one_of(&PEOPLE);
        match draw.below(16) {
            0 => control.interrupt(),
            1 => {
                control.interrupt();
                control.interrupt();
            }
            2 => leave_letter(world, Signal::Pause, by).await,
            3 => leave_letter(world, Signal::Abort, by).await,
            4 => leave_letter(world, Signal::AbortNow, by).await,
            5 => leave_letter(world, Signal::Reject(stage), by).await,
            6 => leave_letter(world, Signal::Freeze, by).await,
            7 | 8 => leave_letter(world, Signal::Thaw, by).await,
            9..=11 => leave_letter(world, Signal::Approve(stage), by).await,
            _ => leave_letter(world, Signal::Resume, by).await,
        }
    }
}

/// Leaves a letter; a journal that does not take it shows when the run is loaded.
async fn leave_letter<W: World>(world: &Arc<W>, signal: Signal, by: &str) {
    let _ = world.journal().post(&world.run(), world.clock().now(), signal, by, None).await;
}

async fn one_seed<W: World + 'static>(world: &Arc<W>, seed: u64, report: &mut SeedsReport) -> Vec<String> {
    let mut draw = Draw::new(seed ^ 0xc0ff_ee00);
    let mut wrong = Vec::new();
    for _ in 0..draw.below(MOST_CUTS + 1) {
        let process = Process::new(world.plan(), When::Opportunity(1 + draw.early_below(OPPORTUNITIES)));
        let control = Control::new("crash test", AtGates::Approve { by: "crash test".into() });
        let mut people = Draw::new(draw.below(u64::MAX));
        tokio::select! {
            biased;
            () = process.cut_off() => report.cuts += 1,
            ended = run_under(world, &process, true, &control) => match ended {
                Ok(concluded) if concluded.conclusion == Conclusion::Interrupted => report.interrupts += 1,
                Ok(_) => break,
                Err(error) => wrong.push(format!("a run that was not cut off failed: {error:?}")),
            },
            () = interfere(world, &control, &mut people) => {}
        }
    }
    leave_letter(world, Signal::Resume, "crash test").await;
    leave_letter(world, Signal::Thaw, "crash test").await;
    let last = Process::new(world.plan(), When::Never);
    let ended = run_in(world, &last, true).await;
    wrong.extend(ended.err().map(|error| format!("the last resume failed: {error:?}")));
    match RunResult::of(&**world).await {
        Ok(result) => {
            report.records += result.records.len() as u64;
            wrong.extend(result.repeated());
            wrong.extend(world.records_wrong(&result.records));
            if result.ending.is_none() {
                wrong.push("the run is not over".to_owned());
            }
        }
        Err(what) => wrong.push(what),
    }
    wrong.extend(world.complaints());
    wrong
}
