//! What a run keeps for its reports beside its journal - what was known of its hosts, its calls, how
//! compliant it left the fleet - and how that and the files of its hosts are found again.

use std::collections::{BTreeMap, HashMap};

use fleetwright_audit::SignedHead;
use fleetwright_flow::TargetId;
use fleetwright_model::{InstanceId, Text};
use fleetwright_patch::plan::PatchPlan;
use fleetwright_patch::{Host, Inventory};
use fleetwright_ports::{Artifacts, RunId};
use fleetwright_report::evidence::{AuditHead, HostFiles, KeptOutput, PatchRecord, TrendPoint};
use fleetwright_report::json::CallCount;
use fleetwright_report::record::{HostRecord, SharedTexts};
use fleetwright_steps::evidence::{COMPARISON, PATCHES, PRECHECK};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure::CommandError;
use crate::state::{State, is_closed, refused};

/// Where the hosts' records are, 5,000 to a file, a line each.
const INVENTORY: &str = "inventory/";
/// Hosts in one file at most: what is read at once stays small.
const HOSTS_PER_FILE: usize = 5_000;
/// Calls that were sent, by IAM action, over every process that drove the run.
const CALLS: &str = "calls.json";
/// How compliant the run left the fleet.
const TREND: &str = "trend.json";
/// Earlier runs in the trend at most.
const TREND_RUNS: usize = 50;

/// Everything that is told of a run beside plan and records.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What was known of the hosts when the fleet was read.
    pub inventory: Vec<HostRecord>,
    /// What the files of the hosts say.
    pub files: HashMap<TargetId, HostFiles>,
    /// Calls that were sent.
    pub calls: BTreeMap<String, CallCount>,
    /// How compliant earlier runs left the fleet, oldest first.
    pub earlier: Vec<TrendPoint>,
    /// The head of the audit log.
    pub audit: Option<AuditHead>,
}

/// Keeps what was known of the plan's hosts when the fleet was read; those of a plan that looked at
/// nothing are as the run before knew them.
///
/// # Errors
/// It cannot be written.
pub async fn keep_inventory(
    state: &State,
    run: &RunId,
    plan: &PatchPlan,
    inventory: &Inventory,
) -> Result<(), CommandError> {
    let planned: std::collections::HashSet<&InstanceId> =
        plan.work.iter().filter_map(|work| work.host()).map(|host| &host.id).collect();
    let hosts: Vec<&Host> =
        inventory.hosts.iter().filter(|host| planned.contains(&host.instance.id)).collect();
    if hosts.is_empty() {
        return keep_parents_inventory(state, run, plan).await;
    }
    for (index, hosts) in hosts.chunks(HOSTS_PER_FILE).enumerate() {
        let mut lines = Vec::new();
        for host in hosts {
            serde_json::to_writer(&mut lines, &HostRecord::of(host)).expect("a host is plain data");
            lines.push(b'\n');
        }
        put(state, run, &format!("{INVENTORY}{:04}.jsonl", index + 1), &lines).await?;
    }
    Ok(())
}

async fn keep_parents_inventory(state: &State, run: &RunId, plan: &PatchPlan) -> Result<(), CommandError> {
    let parent = plan.parent.as_ref().and_then(|parent| parent.run.parse::<RunId>().ok());
    let Some(parent) = parent else { return Ok(()) };
    for key in keys(state, &parent, INVENTORY).await? {
        if let Some(bytes) = get(state, &parent, &key).await? {
            put(state, run, &key, &bytes).await?;
        }
    }
    Ok(())
}

/// Adds the calls of a process that drove the run to those of the processes before it.
///
/// # Errors
/// It cannot be read or written.
pub async fn keep_calls(
    state: &State,
    run: &RunId,
    calls: BTreeMap<String, CallCount>,
) -> Result<(), CommandError> {
    let mut all: BTreeMap<String, CallCount> = json(state, run, CALLS).await?.unwrap_or_default();
    for (action, count) in calls {
        let sum = all.entry(action).or_default();
        sum.sent += count.sent;
        sum.throttled += count.throttled;
    }
    let bytes = serde_json::to_vec_pretty(&all).expect("counts are plain data");
    put(state, run, CALLS, &bytes).await
}

/// Keeps how compliant the run left the fleet.
///
/// # Errors
/// It cannot be written.
pub async fn keep_trend(state: &State, run: &RunId, point: &TrendPoint) -> Result<(), CommandError> {
    let bytes = serde_json::to_vec_pretty(point).expect("a point is plain data");
    put(state, run, TREND, &bytes).await
}

/// Finds everything again. What the run did not keep is missing, and nothing else.
///
/// # Errors
/// The state directory cannot be read.
pub async fn gather(state: &State, run: &RunId, plan: &PatchPlan) -> Result<Gathered, CommandError> {
    let mut texts = SharedTexts::default();
    Ok(Gathered {
        inventory: inventory(state, run, &mut texts).await?,
        files: host_files(state, run, plan, &mut texts).await?,
        calls: json(state, run, CALLS).await?.unwrap_or_default(),
        earlier: earlier(state, run).await?,
        audit: audit_head(state, run).await,
    })
}

/// The last signed head of the run's audit log. A log that cannot be read has none here: `audit verify`
/// says why.
async fn audit_head(state: &State, run: &RunId) -> Option<AuditHead> {
    let trail = state.audit.trail(run).await.ok()?;
    let last = trail.heads.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty())?;
    let SignedHead { head, .. } = serde_json::from_slice(last).ok()?;
    let (hash, key) = (head.hash.to_string().into(), head.key.to_string().into());
    Some(AuditHead { records: head.sequence, hash, key: Some(key) })
}

async fn inventory(
    state: &State,
    run: &RunId,
    texts: &mut SharedTexts,
) -> Result<Vec<HostRecord>, CommandError> {
    let mut hosts = Vec::new();
    for key in keys(state, run, INVENTORY).await? {
        let Some(bytes) = get(state, run, &key).await? else { continue };
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        // A line of a later version that cannot be read leaves its host to the plan.
        hosts.extend(lines.filter_map(|line| serde_json::from_slice::<HostRecord>(line).ok()).map(
            |mut host| {
                host.share(texts);
                host
            },
        ));
    }
    Ok(hosts)
}

/// What a list of patches says.
#[derive(Deserialize)]
struct Listed {
    patches: Vec<PatchRecord>,
    #[serde(default)]
    incomplete: Option<Text>,
}

async fn host_files(
    state: &State,
    run: &RunId,
    plan: &PatchPlan,
    texts: &mut SharedTexts,
) -> Result<HashMap<TargetId, HostFiles>, CommandError> {
    let mut targets: HashMap<(String, String, String), TargetId> = HashMap::new();
    for (index, work) in plan.work.iter().enumerate() {
        let Some(host) = work.host() else { continue };
        let target = TargetId(u32::try_from(index).expect("as many as the kernel has targets"));
        let place = plan.flow.place_of(target);
        let address = (place.account.to_string(), place.region.to_string(), host.id.to_string());
        targets.insert(address, target);
    }
    let mut found: HashMap<TargetId, HostFiles> = HashMap::new();
    for (taken, prefix) in [("pre", "pre/"), ("post", "post/")] {
        for key in keys(state, run, prefix).await? {
            let Some((address, file)) = address_of(&key) else { continue };
            let Some(target) = targets.get(&address) else { continue };
            let files = found.entry(*target).or_default();
            read_file(state, run, &key, file, files).await?;
            files.outputs.push(KeptOutput { taken, file: file.into() });
        }
    }
    found.values_mut().for_each(|files| files.clear(texts));
    Ok(found)
}

/// Account, region and instance of a key like
/// `pre/account-111122223333/region-eu-central-1/linux/i-0abc/stdout.txt`, and the file.
fn address_of(key: &str) -> Option<((String, String, String), &str)> {
    let mut parts = key.split('/');
    let (_, account, region) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, instance, file) = (parts.next()?, parts.next()?, parts.next()?);
    let account = account.strip_prefix("account-")?.to_owned();
    let region = region.strip_prefix("region-")?.to_owned();
    parts.next().is_none().then(|| ((account, region, instance.to_owned()), file))
}

/// Reads what reports show of a file; the others are only named.
async fn read_file(
    state: &State,
    run: &RunId,
    key: &str,
    file: &str,
    files: &mut HostFiles,
) -> Result<(), CommandError> {
    match file {
        PRECHECK => files.precheck = json(state, run, key).await?,
        COMPARISON => {
            let comparison: Option<fleetwright_host::Comparison> = json(state, run, key).await?;
            files.changes = comparison.map(|comparison| comparison.changes).unwrap_or_default();
        }
        PATCHES => match json::<Listed>(state, run, key).await? {
            Some(listed) => {
                (files.patches, files.patches_incomplete) = (listed.patches, listed.incomplete);
            }
            None => files.patches_incomplete = Some(format!("{key} cannot be read").into()),
        },
        _ => {}
    }
    Ok(())
}

async fn earlier(state: &State, run: &RunId) -> Result<Vec<TrendPoint>, CommandError> {
    let runs = state.runs().await?;
    let created = runs.iter().find(|entry| entry.run == *run).map(|entry| entry.created_at);
    let before = |at: jiff::Timestamp| created.is_none_or(|created| at < created);
    let over = runs.iter().filter(|entry| entry.run != *run && is_closed(entry) && before(entry.created_at));
    let mut points: Vec<TrendPoint> = Vec::new();
    for entry in over.take(TREND_RUNS) {
        points.extend(json::<TrendPoint>(state, &entry.run, TREND).await?);
    }
    points.reverse();
    Ok(points)
}

async fn keys(state: &State, run: &RunId, prefix: &str) -> Result<Vec<String>, CommandError> {
    Artifacts::list(&*state.artifacts, run, prefix).await.map_err(|error| refused(&error))
}

async fn get(state: &State, run: &RunId, key: &str) -> Result<Option<Vec<u8>>, CommandError> {
    state.artifacts.get(run, key).await.map_err(|error| refused(&error))
}

async fn put(state: &State, run: &RunId, key: &str, bytes: &[u8]) -> Result<(), CommandError> {
    state.artifacts.put(run, key, bytes).await.map_err(|error| refused(&error))
}

/// A value of JSON; none where there is no such file, or one that cannot be read.
async fn json<T: DeserializeOwned>(state: &State, run: &RunId, key: &str) -> Result<Option<T>, CommandError> {
    Ok(get(state, run, key).await?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_account_region_instance_and_file() {
        let key = "pre/account-111122223333/region-eu-central-1/linux/i-0abc/stdout.txt";
        let (address, file) = address_of(key).expect("a host's file");
        assert_eq!(address, ("111122223333".into(), "eu-central-1".into(), "i-0abc".into()));
        assert_eq!(file, "stdout.txt");
        for other in
            ["calls.json", "inventory/0001.jsonl", "pre/account-1/region-x/linux/i-1", "pre/a/b/c/d/e"]
        {
            assert!(address_of(other).is_none(), "{other}");
        }
    }
}
