//! Random fleets with faults, cut off at random points while people interrupt, pause and abort.

use std::sync::Mutex;
use std::time::Duration;

use fleetwright_model::{ErrorClass, Failure, InstanceId, code};
use fleetwright_patch::plan::make::{Amount, Hold, Limits};
use fleetwright_ports::RestoreState;
use fleetwright_testkit::crash::{Draw, seeds};
use fleetwright_testkit::{Fault, sample};

use crate::model::Install;
use crate::plans::{self, Shape};
use crate::world::{Alter, PatchWorld};

fn refused(class: ErrorClass, code: &'static code::Code, action: &str) -> Fault {
    Fault::Refused(Failure::new(class, code, action, "this world is like that"))
}

pub(crate) fn limits(draw: &mut Draw) -> Limits {
    Limits {
        images_at_once: 1 + draw.below(4) as u32,
        starts_at_once: 1 + draw.below(3) as u32,
        reboots_at_once: 1 + draw.below(3) as u32,
        out_of_service: draw.one_of(&[Amount::Count(1), Amount::Count(2), Amount::Percent(100)]),
        hold: draw.one_of(&[Hold::Install, Hold::Reboot]),
        failure_percent: draw.one_of(&[0.0, 34.0, 100.0]),
        continue_on_error: draw.below(4) > 0,
        approval: draw.below(3) == 0,
        ..plans::limits()
    }
}

/// Calls that fail.
pub(crate) fn break_calls(world: &PatchWorld, draw: &mut Draw) {
    let actions = [
        "ec2:CreateImage",
        "ec2:DescribeImages",
        "ec2:DescribeSnapshots",
        "ec2:StartInstances",
        "ec2:StopInstances",
        "ec2:DescribeInstanceStatus",
        "ec2:CreateReplaceRootVolumeTask",
        "ec2:DescribeReplaceRootVolumeTasks",
        "ec2:DeregisterImage",
        "ec2:DeleteSnapshot",
        "ssm:SendCommand",
        "ssm:ListCommands",
        "ssm:ListCommandInvocations",
    ];
    for _ in 0..draw.below(7) {
        let action = draw.one_of(&actions);
        let fault = match draw.below(6) {
            0 => refused(ErrorClass::Throttled, &code::THROTTLED, action),
            1 => refused(ErrorClass::Transient, &code::SERVICE_FAULT, action),
            2 => refused(ErrorClass::Denied, &code::DENIED, action),
            _ => Fault::LostReply,
        };
        world.hosts.fail_next(action, fault);
    }
}

/// Hosts that do not do as they should.
pub(crate) fn break_host(world: &mut PatchWorld, host: &InstanceId, draw: &mut Draw) {
    match draw.below(12) {
        0 => {
            world.hosts.script(host, |script| script.image_fails = Some("the snapshot failed".into()));
            world.unusable.insert(host.clone());
        }
        1 => world.hosts.script(host, |script| script.agent_takes = Duration::from_secs(500)),
        2 => world.hosts.script(host, |script| script.agent_takes = Duration::from_secs(36_000)),
        3 => {
            world.hosts.script(host, |script| script.restore_ends = RestoreState::Failed);
            world.models.break_at_reboot(host);
        }
        4 => world.models.break_at_reboot(host),
        5 => {
            let ends = [Install::Fails, Install::ReportLost, Install::Undeliverable, Install::Succeeds];
            world.models.plan_installs(host, &[draw.one_of(&ends), draw.one_of(&ends)]);
        }
        6 => world.models.be_silent(host, 1 + draw.below(3) as u32),
        7 => world.models.lose_reports(host, 1 + draw.below(2) as u32),
        _ => {}
    }
}

/// Somebody else, who terminates or replaces an instance in the middle.
pub(crate) fn meddle(world: &PatchWorld, host: InstanceId, draw: &mut Draw) {
    let wait = Duration::from_secs(draw.below(3_000));
    let terminates = draw.below(2) == 0;
    let (hosts, models) = (world.hosts.clone(), world.models.clone());
    let (replaced, clock) = (world.replaced.clone(), world.clock.clone());
    let witness = world.witness.clone();
    tokio::spawn(async move {
        clock.sleep(wait).await;
        match terminates {
            true => hosts.terminate(&host),
            // Between our request and the first reading that shows its launch time, a stop and start by
            // somebody else cannot be told from ours: every start renews the launch time, the answer to
            // the request does not say what it will be, and the host was not up yet, so nobody knows its
            // boot. It is the same instance with the same disks, and what pins it is what is read then.
            // All else must hold, so it happens, but nobody is asked to notice.
            false if witness.is_starting(&host) => {
                PatchWorld::replace(&hosts, &models, &Mutex::default(), &host, clock.now());
            }
            false => PatchWorld::replace(&hosts, &models, &replaced, &host, clock.now()),
        }
    });
}

pub(crate) async fn random_world(seed: u64, alter: Option<Alter>) -> PatchWorld {
    let mut draw = Draw::new(seed);
    let count = 1 + draw.below(5);
    let mut shape = |_| Shape {
        stopped: draw.below(3) == 0,
        no_image: draw.below(6) == 0,
        windows: draw.below(3) == 0,
        region: draw.below(2) as usize,
        ..Shape::default()
    };
    let shapes: Vec<Shape> = (0..count).map(&mut shape).collect();
    let plan = plans::whole(&shapes, limits(&mut draw), seed);
    let mut world = PatchWorld::planned(&shapes, plan, alter).await;
    break_calls(&world, &mut draw);
    for number in 1..=count {
        break_host(&mut world, &sample::id(number), &mut draw);
    }
    if draw.below(5) == 0 {
        meddle(&world, sample::id(1 + draw.below(count)), &mut draw);
    }
    if draw.below(2) == 0 {
        world.hosts.set_lag(Duration::from_secs(1 + draw.below(20)));
    }
    world
}

#[expect(clippy::disallowed_methods, reason = "the seeds come from whoever starts the test")]
pub(crate) fn asked(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

#[tokio::test(start_paused = true)]
async fn no_random_crash_of_real_steps_breaks_an_invariant() {
    let (first, count) = (asked("FLEETWRIGHT_FIRST_SEED", 1), asked("FLEETWRIGHT_SEEDS", 2_000));
    let report = seeds(first, count, async |seed| random_world(seed, None).await).await;
    let report = report.unwrap_or_else(|violations| {
        let lines: Vec<String> = violations.iter().take(40).map(ToString::to_string).collect();
        panic!("{} violations, the first:\n{}", violations.len(), lines.join("\n"))
    });
    println!("{report:?}");
    assert!(report.seeds < 10 || report.cuts * 2 > report.seeds, "crashes were tried: {report:?}");
}
