//! The records a made-up run leaves: what its driver would have written, applied one by one.

use std::sync::Arc;

use fleetwright_flow::{
    Direction, Ending, Epoch, Event, FailedStep, Plan, Record, Run, Signal, SkipScope, StageId, StepIndex,
    TargetId,
};
use fleetwright_model::{Code, ErrorClass, Text, code};
use fleetwright_patch::plan::PatchPlan;
use jiff::{SignedDuration, Timestamp};

use crate::fleet::{self, HOSTILE, Manner, cuts};

/// A run as its journal has it.
pub(crate) struct Tale {
    pub(crate) run: Run,
    pub(crate) records: Vec<Record>,
}

/// What becomes of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Well,
    /// A patch is left missing.
    Partial,
    BackupFails,
    /// A check before patching keeps it from being patched.
    NotReady,
    Unreachable,
    PatchFails,
    /// Patched at the second attempt.
    SecondTime,
    /// Worse than before, and put back.
    PutBack,
    /// Worse than before, and not to be put back.
    Stuck,
}

impl Fate {
    fn passes_the_checks(self) -> bool {
        !matches!(self, Self::BackupFails | Self::NotReady | Self::Unreachable)
    }
}

/// What becomes of a host: the same every time.
pub(crate) fn fate(host: u32, manner: Manner) -> Fate {
    let dice = scattered(host, 1) % 1_000;
    if manner == Manner::Well {
        return Fate::Well;
    }
    match dice {
        0..=7 => Fate::Partial,
        8..=11 => Fate::BackupFails,
        12..=18 => Fate::NotReady,
        19..=23 => Fate::Unreachable,
        24..=31 => Fate::PatchFails,
        32..=51 => Fate::SecondTime,
        52..=56 => Fate::PutBack,
        57..=58 => Fate::Stuck,
        59..=350 if manner == Manner::Failed => Fate::PatchFails,
        _ => Fate::Well,
    }
}

/// A number that looks random, the same every time.
pub(crate) fn scattered(host: u32, salt: u64) -> u64 {
    let mut it = u64::from(host).wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}

/// Something that happens to one host: after so many seconds of its stage, this.
type Happening = (u64, Event);

/// Tells a run of the plan.
pub(crate) fn tell(plan: &PatchPlan, manner: Manner) -> Tale {
    let hosts = u32::try_from(plan.work.len()).expect("as many as the kernel has targets");
    let mut tale = Tale { run: Run::open(Arc::new(plan.flow.clone())), records: Vec::new() };
    let mut now = plan.flow.created_at + SignedDuration::from_mins(3);
    tale.add(now, Event::Opened { format: Plan::FORMAT, plan: "9c8889e5e1e1".into() });
    tale.add(now, Event::Owner { name: words("fleetwright 0.1.0, jane@example.com on build-7", manner) });
    let cuts = cuts(hosts);
    for stage in 0..4_u16 {
        let range = cuts[usize::from(stage)]..cuts[usize::from(stage) + 1];
        if range.is_empty() {
            continue;
        }
        let spread = 60 * u64::from(range.end - range.start).clamp(4, 90);
        now = tale.happen(now, range.clone().flat_map(|host| ahead(host, spread, manner)));
        if range.clone().all(|host| !fate(host, manner).passes_the_checks()) {
            // Nobody is left to be decided about.
            continue;
        }
        now += SignedDuration::from_secs(40);
        tale.add(now, Event::GateReached { stage: StageId(stage), mail: None });
        for by in ["jane@example.com", "omar@example.com"].into_iter().take(if stage == 0 { 1 } else { 2 }) {
            now += SignedDuration::from_mins(9 + i64::from(stage) * 4);
            tale.approve(now, StageId(stage), by, manner);
        }
        if stage == 2 {
            tale.freeze(now, true, manner);
            now += SignedDuration::from_mins(25);
            tale.freeze(now, false, manner);
        }
        let open = manner == Manner::UnderWay && stage == 3;
        let upto = if open { range.start + (range.end - range.start) / 3 } else { range.end };
        now = tale.happen(now, (range.start..upto).flat_map(|host| behind(host, spread, manner)));
        if open {
            return tale;
        }
        now += SignedDuration::from_mins(2);
        if manner == Manner::Failed && stage == 1 {
            let by = words("omar@example.com", manner);
            let reason = Some(words("too many failures: stop", manner));
            tale.add(now, Event::Signalled { signal: Signal::Abort, by, basis: None, reason, mail: None });
            break;
        }
    }
    let ending = if manner == Manner::Failed { Ending::Aborted } else { Ending::Complete };
    if tale.run.stopping().is_some() {
        tale.leave_the_rest(now, hosts);
    }
    tale.add(now, Event::Closed { ending });
    tale
}

impl Tale {
    fn add(&mut self, at: Timestamp, event: Event) {
        let mut record = self.run.record(at, event);
        if record.epoch == Epoch(0) {
            record.epoch = Epoch(1);
        }
        self.run.apply(&record).unwrap_or_else(|why| panic!("{record:?} is not legal: {why}"));
        self.records.push(record);
    }

    /// Adds what happens to many hosts, in the order of time; answers with the last moment.
    fn happen(&mut self, from: Timestamp, happenings: impl Iterator<Item = Happening>) -> Timestamp {
        let mut happenings: Vec<Happening> = happenings.collect();
        happenings.sort_by_key(|(after, _)| *after);
        let mut last = from;
        for (after, event) in happenings {
            last = from + SignedDuration::from_secs(i64::try_from(after).expect("hours"));
            self.add(last, event);
        }
        last
    }

    fn approve(&mut self, at: Timestamp, stage: StageId, by: &str, manner: Manner) {
        let basis = self.run.basis(stage);
        let reason = Some(words("CHG0041182, the wave before it is fine", manner));
        let by = words(by, manner);
        self.add(at, Event::Signalled { signal: Signal::Approve(stage), by, basis, reason, mail: None });
    }

    fn freeze(&mut self, at: Timestamp, on: bool, manner: Manner) {
        let signal = if on { Signal::Freeze } else { Signal::Thaw };
        let reason = on.then(|| words("incident INC-4411 at payments", manner));
        self.add(
            at,
            Event::Signalled {
                signal,
                by: words("sam@example.com", manner),
                basis: None,
                reason,
                mail: None,
            },
        );
    }

    /// What a run that stops does with the hosts it did not come to.
    fn leave_the_rest(&mut self, at: Timestamp, hosts: u32) {
        for host in 0..hosts {
            let target = TargetId(host);
            if self.run.end(target).is_some() {
                continue;
            }
            let (step, direction) = (StepIndex(0), Direction::Do);
            let code = Text::from(code::RUN_STOPPED.id);
            self.add(at, Event::Skipped { target, step, direction, scope: SkipScope::Target, code });
        }
    }
}

fn words(text: &str, manner: Manner) -> Text {
    match manner {
        Manner::Hostile => format!("{text} {}", HOSTILE[text.len() % HOSTILE.len()]).into(),
        _ => text.into(),
    }
}

/// What happens to one host, told in its order.
struct Host {
    target: TargetId,
    after: u64,
    manner: Manner,
    told: Vec<Happening>,
}

impl Host {
    fn at(host: u32, after: u64, manner: Manner) -> Self {
        Self { target: TargetId(host), after, manner, told: Vec::new() }
    }

    fn begin(&mut self, step: u8, direction: Direction, attempt: u16) {
        self.after += 2 + scattered(self.target.0, 31 + u64::from(step)) % 9;
        let (target, step) = (self.target, StepIndex(step));
        self.told.push((self.after, Event::Started { target, step, direction, attempt }));
    }

    /// A step that is done after about so many seconds.
    fn done(
        &mut self,
        step: u8,
        direction: Direction,
        seconds: u64,
        handle: Option<String>,
        note: Option<String>,
    ) {
        self.ends(step, direction, 1, seconds, handle, note, None);
    }

    #[expect(clippy::too_many_arguments, reason = "one line of a tale")]
    fn ends(
        &mut self,
        step: u8,
        direction: Direction,
        attempt: u16,
        seconds: u64,
        handle: Option<String>,
        note: Option<String>,
        finding: Option<&Code>,
    ) {
        self.begin(step, direction, attempt);
        let (target, index) = (self.target, StepIndex(step));
        if let Some(handle) = handle {
            self.after += 1;
            self.told.push((
                self.after,
                Event::Accepted { target, step: index, direction, handle: handle.into() },
            ));
        }
        self.after += seconds * (60 + scattered(target.0, u64::from(step) + 7) % 90) / 100;
        let (note, finding) = (note.map(Text::from), finding.map(|code| code.id.into()));
        self.told.push((self.after, Event::Succeeded { target, step: index, direction, note, finding }));
    }

    fn fails(
        &mut self,
        step: u8,
        direction: Direction,
        attempt: u16,
        code: &Code,
        message: &str,
        again: Option<Timestamp>,
    ) {
        self.begin(step, direction, attempt);
        self.after += 20 + scattered(self.target.0, 99) % 200;
        let failure = FailedStep {
            class: if again.is_some() { ErrorClass::Transient } else { ErrorClass::Permanent },
            code: code.id.into(),
            message: words(message, self.manner),
            retry_at: again,
        };
        let (target, step) = (self.target, StepIndex(step));
        self.told.push((self.after, Event::Failed { target, step, direction, failure }));
    }

    fn leave(&mut self, step: u8, code: &Code) {
        let (target, step, scope) = (self.target, StepIndex(step), SkipScope::Target);
        let code = code.id.into();
        self.told.push((self.after, Event::Skipped { target, step, direction: Direction::Do, scope, code }));
    }
}

const BACKUP: u8 = 0;
const PRECHECK: u8 = 1;
const PATCH: u8 = 2;
const REBOOT: u8 = 3;
const VERIFY: u8 = 4;
const VALIDATE: u8 = 5;

/// Backup and precheck, before the gate.
fn ahead(number: u32, spread: u64, manner: Manner) -> Vec<Happening> {
    let mut host = Host::at(number, scattered(number, 2) % spread, manner);
    let fate = fate(number, manner);
    let image = format!("ami-{:017x}", scattered(number, 3));
    if fate == Fate::BackupFails {
        host.fails(
            BACKUP,
            Direction::Do,
            1,
            &code::IMAGE_FAILED,
            "Client.InternalError: the snapshot could not be made",
            None,
        );
        return host.told;
    }
    let note = format!(r#"{{"image":"{image}","snapshots":{}}}"#, 1 + number % 3);
    host.done(BACKUP, Direction::Do, 420, Some(image), Some(note));
    host.begin(PRECHECK, Direction::Do, 1);
    host.after += 20 + scattered(number, 4) % 30;
    let (target, step, direction) = (host.target, StepIndex(PRECHECK), Direction::Do);
    match fate {
        Fate::NotReady => host.leave(PRECHECK, &code::NOT_READY),
        Fate::Unreachable => host.leave(PRECHECK, &code::HOST_UNREACHABLE),
        _ => {
            let warnings = if number.is_multiple_of(17) { r#","warnings":["load"]"# } else { "" };
            let note = format!(r#"{{"boot":"{}","reboot_pending":"no"{warnings}}}"#, boot(number, 0));
            host.told.push((
                host.after,
                Event::Succeeded { target, step, direction, note: Some(note.into()), finding: None },
            ));
        }
    }
    host.told
}

fn boot(host: u32, which: u64) -> String {
    let (a, b) = (scattered(host, 40 + which), scattered(host, 50 + which));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        a & 0xffff,
        (a >> 16) & 0xfff,
        b & 0xfff,
        b >> 16
    )
}

/// Everything after the gate.
fn behind(number: u32, spread: u64, manner: Manner) -> Vec<Happening> {
    let fate = fate(number, manner);
    if !fate.passes_the_checks() {
        return Vec::new();
    }
    let mut host = Host::at(number, scattered(number, 5) % spread, manner);
    let command = format!("{:08x}-1111-4222-8333-{:012x}", number / 50, number / 50);
    let forward = Direction::Do;
    match fate {
        Fate::PatchFails => {
            let message = "yum: Transaction test error:\n  file /usr/lib64/libssl.so.3 from openssl-libs-3.2.2 conflicts with an installed file\nfailed to run commands: exit status 1";
            host.fails(PATCH, forward, 1, &code::PATCH_FAILED, message, None);
            return host.told;
        }
        Fate::SecondTime => {
            host.begin(PATCH, forward, 1);
            host.after += 600;
            let failure = FailedStep {
                class: ErrorClass::Transient,
                code: code::DELIVERY_TIMED_OUT.id.into(),
                message: words("the agent did not answer within 10 min", manner),
                retry_at: Some(Timestamp::UNIX_EPOCH),
            };
            let (target, step) = (host.target, StepIndex(PATCH));
            host.told.push((host.after, Event::Failed { target, step, direction: forward, failure }));
            host.after += 60;
            let note = format!(r#"{{"command":"{command}"}}"#);
            host.ends(PATCH, forward, 2, 380, Some(command), Some(note), None);
        }
        _ => {
            let note = format!(r#"{{"command":"{command}"}}"#);
            host.done(PATCH, forward, 380, Some(command), Some(note));
        }
    }
    let (before, after) = (boot(number, 0), boot(number, 1));
    let note = format!(
        r#"{{"before":"{before}","after":"{after}","evidence":"needs-restarting -r: reboot is required"}}"#
    );
    host.done(REBOOT, forward, 150, None, Some(note));
    let missing = u32::from(fate == Fate::Partial) * (1 + number % 2);
    let note = format!(
        r#"{{"installed":{},"missing":{missing},"failed":0,"pending_reboot":0,"rejected":0,"critical":{missing}}}"#,
        300 + number % 40
    );
    let finding = (missing > 0).then_some(&code::PATCHES_MISSING);
    host.ends(VERIFY, forward, 1, 40, None, Some(note), finding);
    match fate {
        Fate::PutBack | Fate::Stuck => {
            host.fails(
                VALIDATE,
                forward,
                1,
                &code::WORSE,
                "1 service: nginx.service active before, failed now",
                None,
            );
            if fate == Fate::Stuck {
                host.fails(
                    0,
                    Direction::Undo,
                    1,
                    &code::RESTORE_FAILED,
                    "the replaced root volume did not boot within 30 min",
                    None,
                );
            } else {
                let note = format!(r#"{{"image":"ami-{:017x}","seconds":500}}"#, scattered(number, 3));
                host.done(0, Direction::Undo, 500, None, Some(note));
                host.done(1, Direction::Undo, 35, None, Some(r#"{"checks":14}"#.to_owned()));
            }
        }
        _ => host.done(VALIDATE, forward, 35, None, Some(format!(r#"{{"checks":14,"boot":"{after}"}}"#))),
    }
    host.told
}

/// The name the made-up run goes by.
pub(crate) fn run_name(manner: Manner) -> String {
    match manner {
        Manner::Hostile => format!("run-{}", fleet::HOSTILE[0]),
        _ => "run-20261101T020300Z".to_owned(),
    }
}
