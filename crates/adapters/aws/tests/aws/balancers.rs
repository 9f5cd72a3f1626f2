//! The contract of load balancers and Auto Scaling groups, over the simulated estate.

use fleetwright_ports::conformance::balancers;
use fleetwright_ports::{Balancers, InstanceQuery, Machines, SeatHealth};

use crate::estate::stage;

const SCENARIO: &str = r#"
name = "t"
seed = 26

[[accounts]]
name = "shop"
regions = ["eu-central-1"]
instances_per_region = 0

[[instances]]
account = "shop"
[instances.tags]
Name = "single"

[[instances]]
account = "shop"
count = 2
[instances.tags]
Name = "web"

[[load_balancers]]
name = "shop"
account = "shop"
target_group = "shop-web"
instances = "*"
deregistration_delay = 60

[[load_balancers]]
name = "old"
account = "shop"
kind = "classic"
instances = "single"

[[auto_scaling_groups]]
name = "web"
account = "shop"
instances = "web"
min = 1
balancers = ["shop-web"]
"#;

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_balancers() {
    let stage = stage(SCENARIO).await;
    let cell = &stage.cells()[0];
    let listed = stage.aws.instances(cell, &InstanceQuery::default()).await.items;
    let named = |name: &str| {
        let found = listed.iter().find(|it| it.tags.get("Name").is_some_and(|it| **it == *name));
        found.expect("an instance of that name").id.clone()
    };
    let pools = stage.aws.pools(cell).await.items;
    let pool = |end: &str| pools.iter().find(|it| it.contains(end)).expect("a pool of that name").clone();
    let expected = balancers::Expected {
        pool: pool("targetgroup/shop-web/"),
        classic: pool("loadbalancer/old"),
        registered: named("single"),
        member: named("web"),
        group: "web".into(),
    };
    let all = stage.aws.registrations(cell, &pools).await.items;
    assert!(all.iter().all(|it| it.health == SeatHealth::Healthy), "{all:?}");
    balancers::check(&stage.aws, cell, &*stage.clock, &expected).await;
}
