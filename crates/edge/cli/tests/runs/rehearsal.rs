//! A plan is rehearsed on a copy of its fleet: the same seeds tell the same, faults show, and what
//! cannot be rehearsed is refused.

use fleetwright::rehearsal::{Seeds, rehearse};
use fleetwright_model::code;
use fleetwright_patch::plan::{Backup, PlanDocument, Work};

use crate::story::{CONSOLE, planned};

const TWO: Seeds = Seeds { first: 1, count: 2 };

async fn plan() -> PlanDocument {
    planned("run-stopped-put-back", &[("safety.max_failure_percentage", "100")]).await.document
}

#[tokio::test(start_paused = true)]
async fn the_same_seeds_tell_the_same_and_every_instance_of_the_plan_has_its_part() {
    let plan = plan().await;
    let faultless = Some(("", "nothing"));
    let first = rehearse(&plan, faultless, TWO, CONSOLE).expect("rehearsed");
    let again = rehearse(&plan, faultless, TWO, CONSOLE).expect("rehearsed");
    let json = |rehearsal| serde_json::to_string(rehearsal).expect("plain data");
    assert_eq!(json(&first), json(&again));
    assert_eq!(first.plan, *plan.digest());
    assert_eq!(first.trials.len(), 2);
    assert_ne!(first.trials[0].seconds, first.trials[1].seconds, "another seed is another night");
    for trial in &first.trials {
        assert_eq!(trial.ending, None, "{:?}", trial.causes);
        assert_eq!(trial.outcomes.values().sum::<u32>() as usize, first.hosts);
    }
    let (group, most) = (&first.groups[0], first.summary().most_out[0]);
    assert!(most > 0 && most <= group.capacity, "{most} of {}", group.capacity);
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_breaks_its_application_shows_on_every_host() {
    let plan = plan().await;
    let faults = "[[hosts]]\nkind = \"patch_breaks_service\"\n";
    let rehearsal = rehearse(&plan, Some((faults, "bad.toml")), TWO, CONSOLE).expect("rehearsed");
    for trial in &rehearsal.trials {
        assert_eq!(trial.outcomes.get("success"), None, "{:?}", trial.outcomes);
        assert!(trial.causes.contains_key(code::WORSE.id), "{:?}", trial.causes);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_patch_stops_at_the_canary_in_every_rehearsal_too() {
    let faults = "[[hosts]]\nkind = \"patch_breaks_service\"\n";
    let hurt = |canary: &'static str| async move {
        let plan = planned("run-waves-bad-patch-at-canary", &[("safety.canary", canary)]).await.document;
        rehearse(&plan, Some((faults, "bad.toml")), TWO, CONSOLE).expect("rehearsed")
    };
    let (with, without) = (hurt("1").await, hurt("0").await);
    for trial in &with.trials {
        assert_eq!(trial.outcomes.get("failed"), Some(&1), "{:?}", trial.outcomes);
        assert_eq!(trial.outcomes.get("skipped"), Some(&13), "{:?}", trial.outcomes);
        assert_eq!(trial.ending.as_deref(), Some(code::RUN_HALTED.id), "{:?}", trial.causes);
    }
    for trial in &without.trials {
        let failed = trial.outcomes.get("failed").copied().unwrap_or(0);
        assert!(failed > 1, "what the canary is for: {:?}", trial.outcomes);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_no_faults_is_refused_with_its_name_and_key() {
    let plan = plan().await;
    let error = rehearse(&plan, Some(("[fleet]\ninstances = 3\n", "faults.toml")), TWO, CONSOLE)
        .expect_err("a fleet is no fault");
    assert_eq!(error.code.id, code::SCENARIO.id);
    assert!(error.message.contains("faults.toml: \"fleet\" is not for a rehearsal"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_relies_on_images_of_before_is_refused() {
    let mut plan = plan().await.plan().clone();
    for work in &mut plan.work {
        if let Work::Host(host) = work {
            host.backup = Backup::Existing { image: "ami-00000000000000001".into() };
        }
    }
    let error = rehearse(&PlanDocument::new(plan), None, TWO, CONSOLE).expect_err("refused");
    assert_eq!(error.code.id, code::NOT_REHEARSABLE.id);
    assert!(error.message.contains("rely on images of an earlier run"), "{}", error.message);
}

/// A calendar that was closed when the plan was made is closed in the copy as well, for as long as it said.
#[tokio::test(start_paused = true)]
async fn a_calendar_that_is_closed_until_later_is_closed_in_the_copy() {
    let plan =
        planned("run-change-calendar-closed", &[("safety.change_calendars", "year-end")]).await.document;
    let rehearsal = rehearse(&plan, Some(("", "nothing")), TWO, CONSOLE).expect("rehearsed");
    for trial in &rehearsal.trials {
        assert_eq!(trial.ending, None, "{:?}", trial.causes);
        assert!(trial.seconds > 3 * 3_600, "it opens three hours after the beginning: {}", trial.seconds);
    }
    assert_eq!(rehearsal.left_out, [""; 0].map(fleetwright_model::Text::from));
    let unread =
        planned("run-change-calendar-unknown", &[("safety.change_calendars", "year-end")]).await.document;
    let rehearsal = rehearse(&unread, Some(("", "nothing")), TWO, CONSOLE).expect("rehearsed");
    assert!(
        rehearsal.left_out[0].ends_with("could not be read: it is open here"),
        "{:?}",
        rehearsal.left_out
    );
}
