//! The first wave's exact patches are what later waves install, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use fleetwright::staged_run::StagedRun;
use fleetwright_estate::world::host::HostEventKind;
use fleetwright_patch::outcome::HostOutcome;

use crate::story::{approving, planned};

const WAVES: (&str, &str) =
    ("safety.waves", "[{name: pilot, filters: {tags: {Name: pilot}}, bake: 2h}, {name: rest}]");
const LISTS: (&str, &str) = ("safety.gate.patch_list_bucket", "shop-patch-lists");

/// What the hosts of that name have really installed, by their own history.
fn installed(staged: &StagedRun, name: &str) -> BTreeMap<String, BTreeSet<&'static str>> {
    staged.stage.world.estate.with_world(|world| {
        let regions = world.accounts.values().flat_map(|account| account.regions.values());
        let mut hosts = BTreeMap::new();
        for region in regions {
            for it in region.instances.iter().filter(|it| it.tags.get("Name") == Some(name)) {
                let patches: &mut BTreeSet<_> = hosts.entry(it.id.to_string()).or_default();
                for event in region.host_history(it.id) {
                    if let HostEventKind::Installed { patches: new, .. } = &event.kind {
                        patches.extend(new.iter().copied());
                    }
                }
            }
        }
        hosts
    })
}

const OPENSSL: &str = "ALAS2023-2026-813";
const CURL: &str = "ALAS2023-2026-839";
const SUDO: &str = "ALAS2023-2026-865";
const KERNEL: &str = "ALAS2023-2026-800";

#[tokio::test(start_paused = true)]
async fn a_patch_that_is_released_between_two_waves_stays_out_of_the_second() {
    let staged = planned("run-same-patches", &[WAVES, LISTS]).await;
    staged.drive(&approving()).await.expect("driven to an end");
    let pilot = installed(&staged, "pilot");
    assert!(pilot.values().all(|patches| *patches == BTreeSet::from([OPENSSL, SUDO])), "{pilot:?}");
    let rest = installed(&staged, "web");
    assert_eq!(rest.len(), 3);
    // The pilot has had its kernel for long, so that is on the list as well.
    assert!(rest.values().all(|patches| *patches == BTreeSet::from([OPENSSL, SUDO, KERNEL])), "{rest:?}");
    let finished = staged.finished().await;
    for result in finished.results.iter().filter(|it| it.host.name.as_deref() == Some("web")) {
        let drift = result.compliance.as_ref().and_then(|note| note.drift.clone()).expect("compared");
        assert!(drift.is_none() && drift.held_back == 1, "{drift:?}");
        assert_eq!((result.outcome, result.code.as_deref()), (HostOutcome::Success, None));
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_list_the_second_wave_gets_what_nobody_has_tried() {
    let staged = planned("run-same-patches", &[WAVES]).await;
    staged.drive(&approving()).await.expect("driven to an end");
    assert!(installed(&staged, "web").values().all(|patches| patches.contains(CURL)));
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_not_there_stops_the_second_wave_before_anything_is_installed() {
    let staged = planned("run-same-patches", &[WAVES, (LISTS.0, "nobodys-patch-lists")]).await;
    staged.drive(&approving()).await.expect("driven to an end");
    let rest = installed(&staged, "web");
    assert!(rest.values().all(BTreeSet::is_empty), "{rest:?}");
}
