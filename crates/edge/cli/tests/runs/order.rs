//! Who is touched before whom, by what happened on the hosts themselves.

use fleetwright::staged_run::{Finished, StagedRun};
use fleetwright_estate::policy::pattern;
use fleetwright_estate::world::diary::Event;
use fleetwright_estate::world::host::HostEventKind;
use jiff::Timestamp;

/// Everything that is done to hosts of an earlier name, up to the checks after their last boot, is over
/// before anything is done to hosts of a later one.
pub(crate) fn in_order(
    staged: &StagedRun,
    finished: &Finished<'_>,
    names: &[String],
    since: Timestamp,
    wrong: &mut Vec<String>,
) {
    let mut before: Option<(Timestamp, &str)> = None;
    for name in names {
        let named = finished.results.iter().filter(|result| {
            let id = result.host.id.as_str();
            let known = [id, result.host.name.as_deref().unwrap_or_default()];
            known.iter().any(|known| pattern::matches(name, known))
        });
        let mut moments = Vec::new();
        for result in named {
            let touched = touched(staged, result.host.id.as_str(), since);
            if touched.is_empty() {
                wrong.push(format!("nothing was done to {} ({name})", result.host.id));
            }
            moments.extend(touched);
        }
        let (Some(first), Some(last)) = (moments.iter().min(), moments.iter().max()) else {
            wrong.push(format!("no host of the plan is {name:?}"));
            continue;
        };
        if let Some((until, earlier)) = before.filter(|(until, _)| until > first) {
            wrong
                .push(format!("{name} was touched at {first}, and {earlier} was not through before {until}"));
        }
        before = Some((*last, name));
    }
}

/// When something was done to a host: installed, rebooted, and found healthy after a boot.
fn touched(staged: &StagedRun, id: &str, since: Timestamp) -> Vec<Timestamp> {
    staged.stage.world.estate.with_world(|world| {
        let regions = world.accounts.values().flat_map(|account| account.regions.values());
        let mut moments = Vec::new();
        for region in regions {
            let Some(it) = region.instances.iter().find(|it| it.id.to_string() == id) else { continue };
            let history = region.host_history(it.id).iter();
            let changes = history.filter(|event| {
                matches!(event.kind, HostEventKind::Installed { .. } | HostEventKind::Rebooted { .. })
            });
            moments.extend(changes.map(|event| event.at));
            let passed = |event: &Event| *event == Event::ChecksPassed(it.id);
            moments
                .extend(region.diary.entries().iter().filter(|(_, event)| passed(event)).map(|(at, _)| *at));
        }
        moments.retain(|at| *at >= since);
        moments
    })
}
