//! DescribeSnapshots.

use jiff::Timestamp;

use super::filter::{Catalog, Field, Filters, Scope, absent};
use super::{params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::wire::xml;
use crate::world::World;
use crate::world::history::View;
use crate::world::ids::SnapshotId;
use crate::world::storage::{Encryption, Snapshot, SnapshotState};

/// DescribeSnapshots: the account's own; the estate has no shared ones.
pub(super) struct DescribeSnapshots;

const PARAMETERS: &[&str] = &[
    "SnapshotId.#",
    "Owner.#",
    "RestorableBy.#",
    "Filter.#.Name",
    "Filter.#.Value.#",
    "MaxResults",
    "NextToken",
];

/// Snapshots of a page, at most.
const PAGE: usize = 1_000;

static FILTERS: Catalog<Snapshot> = Catalog { fields: FIELDS, tags: Some(|it| &it.tags) };

const FIELDS: &[(&str, Field<Snapshot>)] = &[
    ("description", |it, _, v| v.text(&it.description)),
    ("encrypted", |it, _, v| v.shown(it.encryption == Encryption::DefaultKey)),
    ("owner-alias", absent),
    ("owner-id", |_, scope, v| v.text(scope.account)),
    ("progress", |it, _, v| {
        v.text(if matches!(it.state, SnapshotState::Completed(_)) { "100%" } else { "" })
    }),
    ("snapshot-id", |it, _, v| v.shown(it.id)),
    ("start-time", |it, _, v| v.time(it.started_at)),
    ("status", |it, _, v| v.text(it.state.name())),
    ("storage-tier", |_, _, v| v.text("standard")),
    ("transfer-type", |_, _, v| v.text("standard")),
    ("volume-id", |it, _, v| v.shown(it.volume)),
    ("volume-size", |it, _, v| v.shown(it.gib)),
];

impl Operation for DescribeSnapshots {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeSnapshots"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeSnapshots")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, PARAMETERS)?;
        let (_, region) = params::place(world, call)?;
        let given = call.query().list("SnapshotId");
        params::ids_or_pages(call, &given, "snapshotSet")?;
        let size = params::max_results(call, 5, PAGE, PAGE)?;
        let filters = Filters::read(call, &FILTERS)?;
        let start = params::start(call)?;
        let scope = Scope::of(call);
        let view = region.view(call.as_of);
        let moment = call.as_of.unwrap_or(call.now);
        let (owners, users) = (call.query().list("Owner"), call.query().list("RestorableBy"));
        let own = |names: &[&str]| {
            names.is_empty() || names.iter().any(|name| *name == "self" || *name == call.account)
        };
        let listed: Box<dyn Iterator<Item = &Snapshot>> =
            match (given.is_empty(), own(&owners) && own(&users)) {
                (false, _) => Box::new(find(&view, &given)?.into_iter()),
                (true, true) => Box::new(view.snapshots_from(SnapshotId(start))),
                (true, false) => Box::new(std::iter::empty()),
            };
        let mut out = String::from("<snapshotSet>");
        let mut next = None;
        for (n, snapshot) in listed.filter(|it| filters.accept(it, &scope)).enumerate() {
            if given.is_empty() && n == size {
                next = Some(page::token(call, snapshot.id.0));
                break;
            }
            render_snapshot(&mut out, snapshot, &scope, moment);
        }
        out.push_str("</snapshotSet>");
        render::next_token(&mut out, next);
        Ok(out)
    }
}

fn find<'r>(view: &View<'r>, given: &[&str]) -> Result<Vec<&'r Snapshot>, ApiError> {
    let (mut ids, unknown) =
        params::ids(given, SnapshotId::PREFIX, "InvalidSnapshotID.Malformed", SnapshotId::parse)?;
    ids.sort_unstable();
    let missing = |id: &str| {
        ApiError::new(400, "InvalidSnapshot.NotFound", format!("The snapshot '{id}' does not exist."))
    };
    if let Some(id) = unknown.first() {
        return Err(missing(id));
    }
    ids.into_iter().map(|id| view.snapshot(id).ok_or_else(|| missing(&id.to_string()))).collect()
}

fn render_snapshot(out: &mut String, it: &Snapshot, scope: &Scope<'_>, now: Timestamp) {
    render::push(
        out,
        format_args!(
            "<item><snapshotId>{}</snapshotId><volumeId>{}</volumeId><status>{}</status>",
            it.id,
            it.volume,
            it.state.name()
        ),
    );
    if it.state == SnapshotState::Error {
        xml::text(out, "statusMessage", "Client.InternalError: An internal error interrupted the snapshot");
    }
    render::time(out, "startTime", it.started_at);
    if let SnapshotState::Completed(at) = it.state {
        render::time(out, "completionTime", at);
    }
    render::push(
        out,
        format_args!(
            "<progress>{}%</progress><ownerId>{}</ownerId><volumeSize>{}</volumeSize>",
            it.progress(now),
            scope.account,
            it.gib
        ),
    );
    xml::text(out, "description", &it.description);
    render::tags(out, &it.tags);
    let encrypted = it.encryption == Encryption::DefaultKey;
    render::push(out, format_args!("<encrypted>{encrypted}</encrypted>"));
    if encrypted {
        render::push(
            out,
            format_args!("<kmsKeyId>arn:aws:kms:{}:{}:alias/aws/ebs</kmsKeyId>", scope.region, scope.account),
        );
    }
    out.push_str("<storageTier>standard</storageTier></item>");
}
