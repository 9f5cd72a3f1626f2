//! One availability zone of a run is put back, and no other.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright::commands::plan::run_id;
use fleetwright::commands::rollback::{self, Which};
use fleetwright::planning::{limits, program};
use fleetwright::staged_run::StagedRun;
use fleetwright_estate::world::ids::VolumeId;
use fleetwright_model::code;
use fleetwright_patch::outcome::HostOutcome;
use fleetwright_patch::plan::{PlanDocument, RollbackRequest, rollback as plan_rollback};

use crate::happenings::happenings;
use crate::invariants::invariants;
use crate::story::{approving, planned};

const ZONE: &str = "eu-central-1b";

/// The root volume of every instance of the world, with its availability zone.
fn roots(staged: &StagedRun) -> BTreeMap<String, Option<VolumeId>> {
    staged.stage.world.estate.with_world(|world| {
        let regions = world.accounts.values().flat_map(|account| account.regions.values());
        let instances = regions.flat_map(|region| region.instances.iter());
        instances.map(|it| (it.id.to_string(), it.volumes.first().map(|volume| volume.volume))).collect()
    })
}

#[tokio::test(start_paused = true)]
async fn one_availability_zone_is_put_back_and_no_other() {
    let settings = [("safety.canary", "0"), ("safety.max_concurrent", "3")];
    let mut staged = planned("run-rollback-zone", &settings).await;
    staged.drive(&approving()).await.expect("driven");
    let plan = staged.document.plan().clone();
    let (hosts, patched) = {
        let finished = staged.finished().await;
        assert!(finished.results.iter().all(|result| result.outcome == HostOutcome::Success));
        let which = Which::AvailabilityZone(ZONE.to_owned());
        let hosts = rollback::hosts(&staged.run, &plan, &finished.run, &finished.records, &which)
            .expect("the zone has patched hosts");
        let nowhere = Which::AvailabilityZone("eu-central-1x".to_owned());
        let refused = rollback::hosts(&staged.run, &plan, &finished.run, &finished.records, &nowhere);
        assert_eq!(refused.expect_err("nobody is there").code.id, code::NOTHING_TO_DO.id);
        let of_zone = finished.results.iter().filter(|it| it.host.availability_zone.as_deref() == Some(ZONE));
        (hosts, of_zone.map(|it| it.host.id.to_string()).collect::<BTreeSet<String>>())
    };
    assert!(!patched.is_empty() && patched.len() < plan.work.len(), "{patched:?}");

    let (before, since) = (roots(&staged), staged.stage.clock.now());
    let request = RollbackRequest {
        program: program(),
        run: staged.run.as_str().into(),
        hosts,
        limits: limits(&staged.stage.settings),
        seed: 7,
        now: since,
    };
    staged.document = PlanDocument::new(plan_rollback(&plan, &request));
    staged.run = run_id(staged.stage.clock.as_ref(), 7);
    let written = staged.document.write();
    staged.state.journal.create(&staged.run, &written, since).await.expect("a new run");
    staged.drive(&approving()).await.expect("driven");

    let finished = staged.finished().await;
    assert_eq!(finished.outcome.why, None, "{:?}", finished.results);
    assert!(finished.results.iter().all(|result| result.outcome == HostOutcome::RolledBack));
    let after = roots(&staged);
    let changed: BTreeSet<String> =
        before.iter().filter(|(id, root)| after.get(*id) != Some(root)).map(|(id, _)| id.clone()).collect();
    assert_eq!(changed, patched, "the root volumes of that zone, and no others");
    let touched = staged.stage.world.estate.with_world(|world| happenings(world, since));
    let touched =
        touched.into_iter().filter(|(what, _)| ["installs", "reboots", "roots_replaced"].contains(what));
    let touched: BTreeSet<String> = touched.map(|(_, id)| id).collect();
    assert_eq!(touched, patched, "nothing happens to hosts of other zones");
    let mut wrong = Vec::new();
    invariants(&staged, since, &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
