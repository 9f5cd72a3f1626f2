//! `patch`: `AWS-RunPatchBaseline`, installing without a reboot, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fleetwright_flow::{PlaceId, TargetId};
use fleetwright_model::{ErrorClass, InstanceId, PatchFacts, Text, code};
use fleetwright_patch::plan::notes::{BackupNote, PatchNote, step};
use fleetwright_patch::plan::policy::Operation;
use fleetwright_patch::plan::{Backup, PlannedHost};
use fleetwright_ports::InvocationStatus;
use fleetwright_ports::commands::COMMAND_BATCH;

use crate::command_wave::{
    Addressed, Answer, Memory, Order, Progress, Repeat, Wave, reached_nobody, report, unsuccessful,
};
use crate::context::{CLOCK_TOLERANCE, Context};
use crate::identity::{Identity, identities};
use crate::pace::{self, GATHERS_FOR};
use crate::patch_list::promoted_list;
use fleetwright_step::{Late, Outcome, Slot, Step, Turn};

/// The step.
pub(crate) struct Patch {
    context: Arc<Context>,
    memory: Memory,
}

/// The document without hooks.
const PLAIN: &str = "AWS-RunPatchBaseline";

/// What `AWS-RunPatchBaseline` is told. It reboots after any installation unless `RebootOption` says
/// otherwise, whatever it does.
/// Source: Systems Manager user guide, "About the AWS-RunPatchBaseline SSM document".
pub(crate) fn baseline_order(context: &Context, operation: Operation, list: Option<&str>) -> Order {
    let policy = &context.plan().policy.patch;
    let operation_name = match operation {
        Operation::Scan => "Scan",
        Operation::Install => "Install",
    };
    let mut parameters: Vec<(Text, Vec<String>)> = vec![
        ("Operation".into(), vec![operation_name.to_owned()]),
        ("RebootOption".into(), vec!["NoReboot".to_owned()]),
    ];
    if !policy.snapshot.is_empty() {
        parameters.push(("SnapshotId".into(), vec![policy.snapshot.as_ref().to_owned()]));
    }
    let delivery = Duration::from_secs(u64::from(policy.delivery_seconds.max(30)));
    let document = match operation {
        Operation::Install => {
            let more = policy.parameters.iter();
            parameters.extend(more.map(|(name, value)| (name.clone(), vec![value.as_ref().to_owned()])));
            if let Some(list) = list {
                parameters.push(("InstallOverrideList".into(), vec![list.to_owned()]));
            }
            policy.document.clone()
        }
        // A look needs no hooks: they may stop the application.
        Operation::Scan => PLAIN.into(),
    };
    Order { document, parameters, delivery }
}

impl Patch {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, memory: Memory::default() }
    }

    fn wave(&self, place: PlaceId) -> Wave<'_> {
        Wave {
            context: &self.context,
            step: step::PATCH,
            purpose: step::PATCH,
            place,
            memory: &self.memory,
            pace: pace::INSTALL,
        }
    }

    fn installs(&self, host: &PlannedHost) -> bool {
        self.context.plan().operation_of(host) == Operation::Install
    }

    /// No installation without a proven way back, unless the plan says so for the host.
    fn has_way_back(&self, slot: &Slot, host: &PlannedHost) -> bool {
        let none_planned = matches!(host.backup, Backup::None { .. });
        !self.installs(host) || none_planned || slot.read_note::<BackupNote>(step::BACKUP).is_some()
    }

    async fn act(&self, turn: &Turn<'_>, hosts: Vec<(&Slot, &PlannedHost)>) {
        let wave = self.wave(turn.place);
        let addressed = hosts.iter().map(|(slot, host)| (*slot, host.id.clone())).collect();
        let fresh = wave.take_up(addressed, Repeat::OnlyIfNeverRan, turn.reports).await;
        let mut ready = Vec::new();
        for (slot, _) in fresh {
            let Some(host) = self.context.host(slot.target) else { continue };
            if self.has_way_back(slot, host) {
                ready.push((slot, host));
            } else {
                let words = format!("{}: no image was proven usable, so nothing is installed", slot.subject);
                let failed =
                    Outcome::failed(ErrorClass::Permanent, &code::IMAGE_UNPROVEN, step::PATCH, &words);
                report(turn, slot, failed);
            }
        }
        // Hosts of one platform install from one list.
        let mut install: BTreeMap<Option<String>, Vec<Addressed<'_>>> = BTreeMap::new();
        let mut scan: Vec<Addressed<'_>> = Vec::new();
        for (slot, host, identity) in identities(&self.context, turn.place, &ready).await {
            match identity.planned() {
                Ok(_) if self.installs(host) => {
                    let list = promoted_list(&self.context, slot.target, host);
                    install.entry(list).or_default().push((slot, host.id.clone()));
                }
                Ok(_) => scan.push((slot, host.id.clone())),
                Err(outcome) => report(turn, slot, outcome),
            }
        }
        for (list, send) in install {
            let order = baseline_order(&self.context, Operation::Install, list.as_deref());
            wave.send(&order, send, turn.reports).await;
        }
        if !scan.is_empty() {
            wave.send(&baseline_order(&self.context, Operation::Scan, None), scan, turn.reports).await;
        }
    }

    async fn look(&self, turn: &Turn<'_>, hosts: Vec<Addressed<'_>>) {
        if hosts.is_empty() {
            return;
        }
        let wave = self.wave(turn.place);
        let listing = wave.listing(&hosts).await;
        let now = self.context.now();
        let (mut lost, mut failed) = (Vec::new(), Vec::new());
        for (slot, host, progress) in wave.look(&listing, hosts).await {
            match progress {
                Progress::Ended(answer) if answer.invocation.status == InvocationStatus::Failed => {
                    failed.push((slot, self.judge(slot, &answer)));
                }
                Progress::Ended(answer) if self.may_have_installed(slot, &answer) => {
                    lost.push((
                        slot,
                        host,
                        answer.command.clone(),
                        unsuccessful(step::PATCH, &slot.subject, &answer),
                    ));
                }
                Progress::Ended(answer) => report(turn, slot, self.judge(slot, &answer)),
                Progress::Nobody => {
                    let handle = slot.handle.clone().unwrap_or_else(|| "".into());
                    lost.push((slot, host, handle, reached_nobody(step::PATCH, &slot.subject)));
                }
                Progress::Running | Progress::Unseen(_) => {
                    let late = Late {
                        step: step::PATCH,
                        class: ErrorClass::Permanent,
                        code: &code::EXECUTION_TIMED_OUT,
                    };
                    let waiting_for = match &progress {
                        Progress::Unseen(failure) => format!("the command to be readable ({failure})"),
                        _ => "patches to be installed".to_owned(),
                    };
                    let outcome = pace::INSTALL.look(slot, now, &waiting_for, late);
                    if outcome.is_open() {
                        report(turn, slot, outcome);
                    } else {
                        let handle = slot.handle.clone().unwrap_or_else(|| "".into());
                        lost.push((slot, host, handle, outcome));
                    }
                }
            }
        }
        self.settle_lost(turn, lost).await;
        self.settle_failed(turn, failed).await;
    }

    /// An installation fails as well because its instance is terminated under it; that is then the
    /// reason, and not a package.
    async fn settle_failed(&self, turn: &Turn<'_>, failed: Vec<(&Slot, Outcome)>) {
        let hosts: Vec<(&Slot, &PlannedHost)> =
            failed.iter().filter_map(|(slot, _)| Some((*slot, self.context.host(slot.target)?))).collect();
        let looked = identities(&self.context, turn.place, &hosts).await;
        let gone: BTreeSet<TargetId> = looked
            .into_iter()
            .filter(|(.., identity)| matches!(identity, Identity::Other(_)))
            .map(|(slot, ..)| slot.target)
            .collect();
        for (slot, otherwise) in failed {
            if gone.contains(&slot.target) {
                let words = format!("{}: terminated or replaced while patches were installed", slot.subject);
                let outcome = Outcome::failed(ErrorClass::Permanent, &code::REPLACED, step::PATCH, &words);
                report(turn, slot, outcome);
            } else {
                report(turn, slot, otherwise);
            }
        }
    }

    /// Ends that say nothing of what the host did.
    fn may_have_installed(&self, slot: &Slot, answer: &Answer) -> bool {
        use InvocationStatus as S;
        let silent = matches!(
            answer.invocation.status,
            S::DeliveryTimedOut | S::Undeliverable | S::ExecutionTimedOut | S::Unknown | S::Terminated
        );
        silent && self.context.host(slot.target).is_some_and(|host| self.installs(host))
    }

    fn judge(&self, slot: &Slot, answer: &Answer) -> Outcome {
        let Answer { command, invocation, .. } = answer;
        match invocation.status {
            InvocationStatus::Success => {
                Outcome::done(&PatchNote { command: command.clone(), report_lost: false })
            }
            // What was installed stays installed, and trying blindly would be a second installation.
            InvocationStatus::Failed => {
                let exit = invocation.exit_code.map_or("none".to_owned(), |exit| exit.to_string());
                let said =
                    last_line(&invocation.errors).or(last_line(&invocation.output)).unwrap_or("nothing");
                let words = format!("{}: command {command}, exit code {exit}, said: {said}", slot.subject);
                Outcome::failed(ErrorClass::Permanent, &code::PATCH_FAILED, step::PATCH, &words)
            }
            _ => unsuccessful(step::PATCH, &slot.subject, answer),
        }
    }

    /// Asks Patch Manager about hosts whose report did not come: an installation newer than the
    /// attempt is this one, since a host installs for one command at a time.
    async fn settle_lost(&self, turn: &Turn<'_>, lost: Vec<(&Slot, InstanceId, Text, Outcome)>) {
        if lost.is_empty() {
            return;
        }
        let ids: Vec<InstanceId> = lost.iter().map(|(_, host, ..)| host.clone()).collect();
        let answers = self.context.ports().machines.patch_states(&self.context.cell(turn.place), &ids).await;
        let states: BTreeMap<InstanceId, PatchFacts> = answers.found.into_iter().collect();
        for (slot, host, command, otherwise) in lost {
            let newest = states.get(&host).filter(|state| &*state.operation == "Install");
            let installed = newest.and_then(|state| state.operation_end).is_some_and(|end| {
                end >= slot.started_at.checked_sub(CLOCK_TOLERANCE).unwrap_or(slot.started_at)
            });
            let outcome = if installed {
                let note = PatchNote { command, report_lost: true };
                Outcome::done(&note).with_finding(Some(&code::REPORT_LOST))
            } else {
                otherwise
            };
            report(turn, slot, outcome);
        }
    }
}

fn last_line(text: &str) -> Option<&str> {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty())
}

#[async_trait]
impl Step for Patch {
    fn name(&self) -> &'static str {
        step::PATCH
    }

    fn gathers_for(&self) -> Duration {
        GATHERS_FOR
    }

    fn batch_size(&self) -> usize {
        COMMAND_BATCH
    }

    async fn turn(&self, turn: Turn<'_>) {
        let hosts = self.context.hosts(step::PATCH, &turn);
        let (sent, fresh): (Vec<_>, Vec<_>) = hosts.into_iter().partition(|(slot, _)| slot.handle.is_some());
        self.act(&turn, fresh).await;
        self.look(&turn, sent.into_iter().map(|(slot, host)| (slot, host.id.clone())).collect()).await;
    }

    async fn cancel(&self, place: PlaceId, slots: &[Slot]) {
        self.wave(place).cancel(slots).await;
    }
}
