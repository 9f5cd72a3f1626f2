//! Auto Scaling groups of one's own: the contract over the simulated estate.

use fleetwright_kubernetes::Minor;
use fleetwright_ports::conformance::self_managed::{Expected, Subject, check};

use crate::estate;

const SCENARIO: &str = "name = \"t\"\nseed = 47\n\
    [[accounts]]\nname = \"prod\"\nid = \"210987654321\"\nregions = [\"eu-central-1\"]\n\
    [fleet]\nregions = [\"eu-central-1\"]\ninstances = 1\n\
    [[clusters]]\nname = \"shop\"\naccount = \"prod\"\nversion = \"1.34\"\n\
    node_groups = [{ name = \"blue\", nodes = 2 }]\n\
    self_managed = [{ name = \"batch\", nodes = 2, version = \"1.33\", image = \"1.34\", template_version = \"1\" }, \
    { name = \"old\", nodes = 1, launch_configuration = true }]\n\
    [[clusters]]\nname = \"another\"\naccount = \"prod\"\nversion = \"1.33\"\n\
    self_managed = [{ name = \"others\" }]\n";

#[tokio::test(start_paused = true)]
async fn the_estate_fulfils_the_contract_of_groups_of_ones_own() {
    let stage = estate::stage(SCENARIO).await;
    let subject =
        Subject { groups: &stage.aws, refreshes: &stage.aws, clock: &*stage.clock, cell: &stage.cells()[0] };
    let expected = Expected {
        cluster: "shop".parse().expect("a name"),
        groups: ["batch", "old"].map(str::to_owned).into(),
        group: "batch".to_owned(),
        minors: [Minor::new(33), Minor::new(34)],
    };
    check(subject, &expected).await;
}
