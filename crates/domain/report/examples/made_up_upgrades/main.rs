//! Writes pages of upgrades that were made up: for the tests of `web/` in a browser.
//!
//! ```console
//! cargo run -p fleetwright-report --example made_up_upgrades -- DIRECTORY NAME:CLUSTERS:MANNER …
//! ```
//!
//! A manner is `done`, `failed`, `waiting` or `hostile`: names and messages that try to become markup.

#![expect(clippy::disallowed_methods, reason = "a program: its edge is files and the command line")]

#[path = "../../../eks/tests/checks/world.rs"]
mod world;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use fleetwright_eks::maker::{Maker, maker};
use fleetwright_eks::plan::{PlanDocument, PlanOptions, PlanRequest, plan};
use fleetwright_eks::run::outcome::{ClusterOutcome, ClusterStanding, OpenWayBack, StepStanding, outcomes};
use fleetwright_eks::run::{Member, Ring, RunDocument, RunRequest, upgrade};
use fleetwright_eks::{Fact, Facts};
use fleetwright_flow::Run;
use fleetwright_kubernetes::Minor;
use fleetwright_model::code;
use fleetwright_report::eks::run::{ToldRun, html};
use jiff::SignedDuration;

/// What a run says that nobody should have to scroll for: words as long as those of a real failure.
const HELD: &str = "shop/nodes-blue-1.35: still waiting for update 9c1b (VersionUpdate) to end; held up by pod \
                    shop/web-7d9f on ip-10-0-12-34.eu-central-1.compute.internal: PodDisruptionBudget shop/web allows \
                    no eviction (3 healthy, 3 wanted), and never does: let it allow one more, or run a replica more";
const EVIL: &str = "x\"'><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}&amp;";

/// How the run went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Done,
    Failed,
    Waiting,
    Hostile,
}

impl Manner {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "done" => Self::Done,
            "failed" => Self::Failed,
            "waiting" => Self::Waiting,
            "hostile" => Self::Hostile,
            _ => return None,
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("the directory is missing")?;
    for wanted in arguments {
        let mut parts = wanted.split(':');
        let (Some(name), Some(clusters), Some(manner)) =
            (parts.next(), parts.next(), parts.next().and_then(Manner::read))
        else {
            return Err(format!("{wanted}: not NAME:CLUSTERS:MANNER").into());
        };
        let path = Path::new(&directory).join(name).with_extension("html");
        std::fs::write(path, page(clusters.parse()?, manner)?)?;
    }
    Ok(())
}

/// The page of a run.
fn page(clusters: usize, manner: Manner) -> Result<String, Box<dyn Error>> {
    let document = document(clusters, manner)?;
    let run = Run::open(Arc::new(document.plan().flow.clone()));
    let mut outcomes = outcomes(document.plan(), &run, &[], world::now());
    for (number, cluster) in outcomes.iter_mut().enumerate() {
        tell(cluster, number, manner);
    }
    Ok(html(&ToldRun {
        run: "upgrade-2026-11-22",
        digest: document.digest(),
        plan: document.plan(),
        state: &run,
        clusters: &outcomes,
        why: (manner != Manner::Done).then_some(&code::RUN_HALTED),
        now: world::now() + SignedDuration::from_hours(3),
    }))
}

/// The run of so many clusters over one hop.
fn document(clusters: usize, manner: Manner) -> Result<RunDocument, Box<dyn Error>> {
    let mut facts = world::healthy(34);
    known(&mut facts.nodes.self_managed)?.clear();
    known(&mut facts.nodes.nodes)?.retain(|node| maker(node) != Maker::Other);
    let plans: Vec<PlanDocument> =
        (0..clusters).map(|number| planned(&facts, &name(number, manner))).collect::<Result<_, _>>()?;
    let zone: fleetwright_model::ZoneName = "prod".parse()?;
    let member = |document| Member { document, zone: zone.clone(), window: None };
    let ring = Ring {
        name: name(0, manner),
        members: plans.iter().map(member).collect(),
        at_once: 2,
        soak_seconds: 0,
    };
    let request = RunRequest { rings: &[ring], approval: None, program: "0.1.0", at: world::now(), seed: 7 };
    Ok(RunDocument::new(upgrade(&request)?))
}

fn name(number: usize, manner: Manner) -> String {
    match manner {
        Manner::Hostile => format!("{EVIL}{number}"),
        _ => format!("shop-production-eu-central-1-{number}"),
    }
}

fn known<T>(fact: &mut Fact<T>) -> Result<&mut T, String> {
    match fact {
        Fact::Known(value) => Ok(value),
        Fact::NotRead(unread) => Err(format!("known in a healthy world: {unread:?}")),
    }
}

fn planned(facts: &Facts, name: &str) -> Result<PlanDocument, Box<dyn Error>> {
    let made = plan(&PlanRequest {
        facts,
        account: &"111122223333".parse()?,
        region: &"eu-central-1".parse()?,
        target: Minor::new(35),
        options: &PlanOptions::default(),
        suppressions: &[],
        program: "0.1.0",
        at: world::now(),
    });
    let mut plan = made?;
    name.clone_into(&mut plan.cluster.name);
    Ok(PlanDocument::new(plan))
}

/// How a cluster went: all well, or the third of its steps failed, or none was begun.
fn tell(cluster: &mut ClusterOutcome, number: usize, manner: Manner) {
    let stops = match manner {
        Manner::Done => usize::MAX,
        Manner::Failed | Manner::Hostile if number == 0 => 2,
        _ => 0,
    };
    cluster.standing = match (manner, stops) {
        (Manner::Done, _) => ClusterStanding::Done,
        (_, 0) => ClusterStanding::NotBegun,
        _ => ClusterStanding::Failed,
    };
    for (at, step) in cluster.steps.iter_mut().enumerate() {
        let begun = at < stops || (at == stops && stops > 0);
        step.standing = match () {
            () if at < stops && at % 5 == 4 => StepStanding::NotNeeded,
            () if at < stops => StepStanding::Done,
            () if at == stops && stops > 0 => StepStanding::Failed,
            () if manner == Manner::Waiting => StepStanding::Waiting,
            () => StepStanding::Left,
        };
        step.started_at = begun.then(world::now);
        step.ended_at = begun.then(|| world::now() + SignedDuration::from_mins(9));
        if step.standing == StepStanding::Failed {
            step.code = Some(code::UPDATE_FAILED.id.into());
            step.message = Some(if manner == Manner::Hostile { EVIL.into() } else { HELD.into() });
            step.update = Some("9c1b7e2a-55f0-4c1e-9a51-0f0f5d1f6b1e".into());
        }
    }
    cluster.way_back = (manner == Manner::Done).then(|| OpenWayBack {
        hop: fleetwright_kubernetes::Hop { from: Minor::new(34), to: Minor::new(35) },
        until: world::now() + SignedDuration::from_hours(7 * 24),
        closed_by: None,
    });
}
