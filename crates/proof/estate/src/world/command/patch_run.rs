//! Runs of AWS-RunPatchBaseline, with hooks or without.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::run::{self, Work};
use super::{CommandId, InvocationRef, override_list, uuid};
use crate::policy::pattern;
use crate::world::host::accounts::{Account, Standing};
use crate::world::host::environment::{ensure, strike};
use crate::world::host::fault::{HostFault, HostFaultKind};
use crate::world::host::profile::Packaging;
use crate::world::host::state::{Installed, ServiceState};
use crate::world::host::{HostEventKind, HostView, ScriptResult};
use crate::world::ids::{BaselineId, InstanceId};
use crate::world::patch_catalog::Patch;
use crate::world::patching::{BaselineOwner, PatchOperation, PatchState, RebootOption, predefined_baseline};
use crate::world::releases;
use crate::world::timeline::Place;

/// What a run that has begun comes to.
#[derive(Clone, Debug)]
pub struct PatchRun {
    /// Look, or install.
    pub operation: PatchOperation,
    /// What it was told about reboots.
    pub reboot_option: RebootOption,
    /// The snapshot of the baseline.
    pub snapshot: u128,
    /// When it began.
    pub started_at: Timestamp,
    /// What it installs.
    pub installed: Vec<&'static Patch>,
    /// What it cannot install.
    pub failed: Vec<&'static Patch>,
}

impl PatchRun {
    /// True where it changes what is on the host.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.operation == PatchOperation::Install
    }
}

/// What a run comes to that begins now; with another reboot option than the command's where there is
/// one.
pub(super) fn run(
    place: &mut Place<'_>,
    invocation: InvocationRef,
    reboot_option: Option<RebootOption>,
    at: Timestamp,
) -> (ScriptResult, Work) {
    let mut run = PatchRun {
        operation: PatchOperation::Scan,
        reboot_option: RebootOption::RebootIfNeeded,
        snapshot: 0,
        started_at: at,
        installed: Vec::new(),
        failed: Vec::new(),
    };
    let Some(command) = place.region.commands.get(invocation.command) else {
        return (ScriptResult::default(), Work::Patch(run));
    };
    let id = command.invocations[invocation.place].instance;
    let text = |name: &str| command.order.document.text(&command.order.parameters, name);
    if text("Operation") == "Install" {
        run.operation = PatchOperation::Install;
    }
    if text("RebootOption") == "NoReboot" {
        run.reboot_option = RebootOption::NoReboot;
    }
    run.reboot_option = reboot_option.unwrap_or(run.reboot_option);
    let mut random = place.draws("patch", id.0, at);
    let drawn: u128 = random.random();
    run.snapshot = CommandId::parse(&text("SnapshotId")).map_or(drawn, |given| given.0);
    let url = text("InstallOverrideList");
    releases::catch_up(place, id, at);
    let Some(view) = run::view(place, id, at) else {
        return (ScriptResult::default(), Work::Patch(run));
    };
    // A scan ignores the list: compliance is judged by the baseline.
    let list = match run.changes() && !url.is_empty() {
        true => override_list::fetch(place, id, &url, at).map(Some),
        false => Ok(None),
    };
    let list = match obstacle(&view, &run).map_or(list, Err) {
        Ok(list) => list,
        Err(stderr) => {
            let result = ScriptResult { exit_code: 1, stdout: String::new(), stderr, seconds: 45 };
            return (result, Work::Patch(run));
        }
    };
    let full = view.suffers(HostFaultKind::DiskFull);
    let mut missing = view.host.software.missing.clone();
    if let (Some(list), Some(it)) = (&list, place.region.instances.get(id)) {
        missing.retain(|patch| list.names(patch, it.platform, it.instance_type.architecture));
    }
    let mut seconds = random.random_range(20..90);
    let mut exit_code = 0;
    if run.changes() {
        let fails = strike(place.region, id, HostFaultKind::PatchFails, at);
        (run.failed, run.installed) = missing
            .into_iter()
            .partition(|patch| full || fails.as_ref().is_some_and(|rule| names(rule, patch)));
        exit_code = i32::from(!run.failed.is_empty());
        seconds += run.installed.iter().map(|_| random.random_range(8..40)).sum::<u64>();
        if let Some(host) = ensure(place.region, id) {
            host.locked_until = Some(at + SignedDuration::from_secs(seconds.cast_signed()));
        }
    }
    let result = ScriptResult { exit_code, stdout: steps(&run), stderr: String::new(), seconds };
    (result, Work::Patch(run))
}

/// Why nothing can be done at all.
fn obstacle(view: &HostView<'_>, run: &PatchRun) -> Option<String> {
    let packaging = view.profile.packaging;
    if run.changes() && view.package_lock() {
        return Some(match packaging {
            Packaging::Debian => {
                "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1201 \
                                  (apt-get)\nE: Unable to acquire the dpkg frontend lock \
                                  (/var/lib/dpkg/lock-frontend), is another process using it?\n"
                    .to_owned()
            }
            Packaging::Rpm => {
                "Waiting for process with pid 1201 to finish.\nerror: can't create transaction lock \
                               on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)\n"
                    .to_owned()
            }
            Packaging::Windows => "Another installation is already in progress (0x80240016).\n".to_owned(),
        });
    }
    if !view.repositories_reachable() {
        return Some(match packaging {
            Packaging::Debian => {
                "W: Failed to fetch http://archive.ubuntu.com/ubuntu/dists/  Could not connect\n\
                                  E: Some index files failed to download.\n"
                    .to_owned()
            }
            Packaging::Rpm => "Error: Failed to download metadata for repo: Cannot download repomd.xml: All \
                               mirrors were tried\n"
                .to_owned(),
            Packaging::Windows => "Exception from HRESULT: 0x8024402C\n".to_owned(),
        });
    }
    None
}

fn names(rule: &HostFault, patch: &Patch) -> bool {
    pattern::matches(&rule.patch, patch.id) || pattern::matches(&rule.patch, patch.title)
}

fn steps(run: &PatchRun) -> String {
    let mut text = format!(
        "Running with snapshot id = {} and operation = {}\n",
        uuid(run.snapshot),
        run.operation.name()
    );
    for patch in &run.installed {
        let _ = writeln!(text, "Installed: {} ({})", patch.title, patch.id);
    }
    for patch in &run.failed {
        let _ = writeln!(text, "Failed: {} ({})", patch.title, patch.id);
    }
    text
}

/// Lets a run's doings take effect; true where the host is to be rebooted for it.
///
/// With `RebootIfNeeded` it is rebooted after any install and where an earlier one waits for a
/// reboot, needed or not (Systems Manager user guide, "RebootOption").
pub(super) fn take_effect(
    place: &mut Place<'_>,
    id: InstanceId,
    command: CommandId,
    run: &PatchRun,
    at: Timestamp,
) -> bool {
    if !run.changes() {
        run::note(place, id, at, HostEventKind::Scanned { command });
        return false;
    }
    let any = |rule: &HostFault| run.installed.iter().any(|patch| names(rule, patch));
    let breaks = strike(place.region, id, HostFaultKind::PatchBreaksService, at).filter(any);
    let adds = strike(place.region, id, HostFaultKind::PatchAddsUser, at).filter(any);
    let bricks = strike(place.region, id, HostFaultKind::PatchBricksBoot, at).filter(any);
    let application = run::view(place, id, at).map_or("", |view| view.application().0);
    let Some(host) = ensure(place.region, id) else { return false };
    host.software.missing.retain(|patch| !run.installed.contains(patch));
    host.software.installed.extend(run.installed.iter().map(|&patch| Installed { patch, at }));
    host.pending_reboot.extend(&run.installed);
    host.locked_until = None;
    if !run.installed.is_empty() {
        host.patched_at = Some(at);
    }
    if let Some(rule) = breaks {
        let service = rule.service.as_deref().unwrap_or(application);
        host.software.services.insert(service.into(), ServiceState::Failed);
    }
    if let Some(rule) = adds {
        let name = rule.user.as_deref().unwrap_or("support");
        if !host.software.accounts.iter().any(|known| &*known.name == name) {
            let number = 2_000 + u32::try_from(host.software.accounts.len()).unwrap_or(0);
            let standing = Standing::Administrator;
            host.software.accounts.push(Account { name: name.into(), number, standing });
        }
    }
    host.software.boot_damaged |= bricks.is_some();
    let waits = !host.pending_reboot.is_empty();
    let patches = run.installed.iter().map(|patch| patch.id).collect();
    run::note(place, id, at, HostEventKind::Installed { command, patches });
    waits && run.reboot_option == RebootOption::RebootIfNeeded
}

/// Reports the state of the host's patches, and gives the summary that the document prints.
pub(super) fn report(place: &mut Place<'_>, id: InstanceId, run: &PatchRun, at: Timestamp) -> String {
    let mut random = place.region.hosts.environment().seed_of(id).child("report").stream();
    let Some(it) = place.region.instances.get(id) else { return String::new() };
    let baseline = baseline(place, id);
    let group = it.tags.get("Patch Group").or_else(|| it.tags.get("PatchGroup")).unwrap_or_default();
    let fresh = PatchState {
        patch_group: Arc::from(group),
        baseline,
        snapshot: run.snapshot,
        operation: run.operation,
        reboot_option: run.reboot_option,
        started_at: run.started_at,
        ended_at: at,
        last_no_reboot_install: None,
        installed: random.random_range(if it.platform.is_windows() { 6..60 } else { 180..520 }),
        installed_other: random.random_range(0..40),
        pending_reboot: Vec::new(),
        rejected: Vec::new(),
        missing: Vec::new(),
        failed: Vec::new(),
        not_applicable: random.random_range(400..1_900),
    };
    let mut state = it.patch_state.as_deref().cloned().unwrap_or(fresh);
    let Some(host) = ensure(place.region, id) else { return String::new() };
    let before = state.missing.len() + state.failed.len() + state.pending_reboot.len();
    state.missing =
        host.software.missing.iter().filter(|patch| !run.failed.contains(patch)).copied().collect();
    state.failed.clone_from(&run.failed);
    state.pending_reboot.clone_from(&host.pending_reboot);
    let after = state.missing.len() + state.failed.len() + state.pending_reboot.len();
    state.installed += u32::try_from(before.saturating_sub(after)).unwrap_or(0);
    state.snapshot = run.snapshot;
    state.operation = run.operation;
    state.reboot_option = run.reboot_option;
    (state.started_at, state.ended_at) = (run.started_at, at);
    if run.changes() && run.reboot_option == RebootOption::NoReboot {
        state.last_no_reboot_install = Some(at);
    }
    let text = summary(id, &state);
    // A report is not a change that EC2 shows: it keeps no earlier state.
    if let Some(it) = place.region.instances.get_mut(id) {
        it.patch_state = Some(Box::new(state));
    }
    text
}

fn baseline(place: &Place<'_>, id: InstanceId) -> BaselineId {
    let Some(it) = place.region.instances.get(id) else { return BaselineId(0) };
    if let Some(state) = &it.patch_state {
        return state.baseline;
    }
    let name = predefined_baseline(it.platform);
    let predefined = |owner| owner == BaselineOwner::Aws;
    let mut all = place.region.baselines.values();
    all.find(|known| known.name == name && predefined(known.owner)).map_or(BaselineId(0), |known| known.id)
}

fn summary(id: InstanceId, state: &PatchState) -> String {
    format!(
        "\nPatch Summary for {id}\n\nPatchGroup          : {}\nBaselineId          : {}\nSnapshotId          : {}\n\
         RebootOption        : {}\n\nOwnerInformation    : \nOperationType       : {}\nOperationStartTime  : {}\n\
         OperationEndTime    : {}\nInstalledCount      : {}\nInstalledRejectedCount : {}\n\
         InstalledPendingRebootCount : {}\nInstalledOtherCount : {}\nFailedCount         : {}\n\
         MissingCount        : {}\nNotApplicableCount  : {}\n",
        state.patch_group,
        state.baseline,
        uuid(state.snapshot),
        state.reboot_option.name(),
        state.operation.name(),
        state.started_at,
        state.ended_at,
        state.installed,
        state.rejected.len(),
        state.pending_reboot.len(),
        state.installed_other,
        state.failed.len(),
        state.missing.len(),
        state.not_applicable,
    )
}
