//! Large fleets in virtual time.

use fleetwright_flow::Ending;
use fleetwright_testkit::flow::plans::{patching, plan};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn ten_thousand_targets_walk_the_whole_recipe() {
    let world = World::of(plan(patching(), 10_000, 10_000)).await;
    let concluded = world.finish().await;
    assert_eq!(concluded.ending(), Some(Ending::Complete));
    assert_eq!(world.effects.count(), 50_000);
    world.assert_nothing_twice();
    let turns = world.effects.turns().len();
    assert!(turns < 200, "turns grow with the fleet's batches, not with its targets: {turns}");
}
