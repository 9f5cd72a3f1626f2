//! The call log and the world's own notes, arranged by what the invariants ask for.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::Value;

use crate::call::Service;
use crate::calls::{CallKind, CallRecord, Outcome};
use crate::world::diary::{Event, Health};
use crate::world::host::HostEvent;
use crate::world::ids::{ImageId, InstanceId, SnapshotId};
use crate::world::instance::InstanceState;
use crate::world::{Region, World};

/// An image of an instance and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Backup {
    pub(super) image: ImageId,
    pub(super) name: String,
    pub(super) instance: InstanceId,
    pub(super) snapshots: Vec<SnapshotId>,
    pub(super) begun: Timestamp,
    pub(super) available: Option<Timestamp>,
    pub(super) deregistered: Option<(Timestamp, Health)>,
}

/// One region's evidence.
pub(super) struct Place<'w> {
    pub(super) account: &'w str,
    pub(super) code: &'w str,
    pub(super) region: &'w Region,
    /// In the order they were begun.
    pub(super) backups: Vec<Backup>,
    /// Places in `backups`, by instance.
    pub(super) of_instance: HashMap<InstanceId, Vec<usize>>,
    pub(super) completed: HashMap<SnapshotId, Timestamp>,
    pub(super) deleted: BTreeMap<SnapshotId, (Timestamp, Health)>,
    /// The states instances entered, in order.
    pub(super) states: HashMap<InstanceId, Vec<(Timestamp, InstanceState)>>,
    /// When both status checks of instances passed after boots, in order.
    pub(super) passed: HashMap<InstanceId, Vec<Timestamp>>,
}

/// Everything there is to judge by.
pub(super) struct Evidence<'e> {
    pub(super) records: &'e [CallRecord],
    pub(super) places: BTreeMap<(&'e str, &'e str), Place<'e>>,
}

impl<'e> Evidence<'e> {
    /// Arranges it; each note is looked at once.
    pub(super) fn gather(records: &'e [CallRecord], world: &'e World) -> Self {
        let mut places = BTreeMap::new();
        for (account, owner) in &world.accounts {
            for (code, region) in &owner.regions {
                places.insert((account.as_str(), code.as_str()), Place::read(account, code, region));
            }
        }
        Self { records, places }
    }

    /// The calls that changed something, whether the caller was told so or not.
    pub(super) fn changes(&self) -> impl Iterator<Item = &'e CallRecord> {
        self.records
            .iter()
            .filter(|it| it.facts.kind == CallKind::Mutation && it.facts.outcome == Outcome::Done)
    }

    /// Where a call went.
    pub(super) fn place<'a>(&'a self, record: &'a CallRecord) -> Option<&'a Place<'e>> {
        self.places.get(&(&*record.account, &*record.region))
    }
}

impl<'w> Place<'w> {
    fn read(account: &'w str, code: &'w str, region: &'w Region) -> Self {
        let mut place = Self {
            account,
            code,
            region,
            backups: Vec::new(),
            of_instance: HashMap::new(),
            completed: HashMap::new(),
            deleted: BTreeMap::new(),
            states: HashMap::new(),
            passed: HashMap::new(),
        };
        let mut of_image: HashMap<ImageId, usize> = HashMap::new();
        for (at, event) in region.diary.entries() {
            place.note(&mut of_image, *at, event);
        }
        place
    }

    fn note(&mut self, of_image: &mut HashMap<ImageId, usize>, at: Timestamp, event: &Event) {
        match event {
            Event::Instance { id, state } => self.states.entry(*id).or_default().push((at, *state)),
            Event::ImageBegun { name, image, instance, snapshots } => {
                of_image.insert(*image, self.backups.len());
                self.of_instance.entry(*instance).or_default().push(self.backups.len());
                self.backups.push(Backup {
                    image: *image,
                    name: name.clone(),
                    instance: *instance,
                    snapshots: snapshots.clone(),
                    begun: at,
                    available: None,
                    deregistered: None,
                });
            }
            Event::ImageAvailable(image) => {
                if let Some(backup) = of_image.get(image) {
                    self.backups[*backup].available = Some(at);
                }
            }
            Event::ImageDeregistered { image, source } => {
                if let Some(backup) = of_image.get(image) {
                    self.backups[*backup].deregistered = Some((at, *source));
                }
            }
            Event::SnapshotCompleted(id) => {
                self.completed.insert(*id, at);
            }
            Event::SnapshotDeleted { snapshot, source } => {
                self.deleted.insert(*snapshot, (at, *source));
            }
            Event::ImageFailed(_)
            | Event::SnapshotFailed(_)
            | Event::RootReplaced(_)
            | Event::Standing { .. }
            | Event::Processes { .. } => {}
            Event::ChecksPassed(id) => self.passed.entry(*id).or_default().push(at),
        }
    }

    /// What happened to a host.
    pub(super) fn history(&self, id: InstanceId) -> &'w [HostEvent] {
        self.region.host_history(id)
    }

    /// When the instance was last launched or started before `at`; `None` without a note of it.
    pub(super) fn launched(&self, id: InstanceId, at: Timestamp) -> Option<Timestamp> {
        let states = self.states.get(&id)?;
        states.iter().rev().find(|(t, state)| *t < at && *state == InstanceState::Pending).map(|(t, _)| *t)
    }

    /// The state the instance is in at the end of the evidence.
    pub(super) fn state(&self, id: InstanceId) -> Option<InstanceState> {
        self.region.instances.get(id).map(|it| it.state)
    }
}

/// The instances a call names, in whatever protocol.
pub(super) fn named(record: &CallRecord) -> Vec<InstanceId> {
    let request: Value = serde_json::from_str(&record.request).unwrap_or(Value::Null);
    let mut ids = Vec::new();
    let mut take = |text: &str| ids.extend(InstanceId::parse(text).ok());
    for (name, value) in request.as_object().into_iter().flatten() {
        match value {
            Value::String(text) if name == "InstanceId" || name.starts_with("InstanceId.") => take(text),
            Value::String(text) if name.starts_with("ResourceId.") => take(text),
            Value::Array(list) if name == "InstanceIds" => {
                list.iter().filter_map(Value::as_str).for_each(&mut take);
            }
            _ => {}
        }
    }
    ids
}

/// True where a call asks Patch Manager to install.
pub(super) fn installs(record: &CallRecord) -> bool {
    if record.service != Service::Ssm || &*record.action != "SendCommand" {
        return false;
    }
    let request: Value = serde_json::from_str(&record.request).unwrap_or(Value::Null);
    let operation = request["Parameters"]["Operation"][0].as_str();
    let documents = ["AWS-RunPatchBaseline", "AWS-RunPatchBaselineWithHooks"];
    request["DocumentName"].as_str().is_some_and(|name| documents.iter().any(|known| name.ends_with(known)))
        && operation == Some("Install")
}
