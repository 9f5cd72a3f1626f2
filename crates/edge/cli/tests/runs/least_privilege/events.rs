//! The same for rules and events of EventBridge.

use std::collections::BTreeSet;

use fleetwright::policy_scope::scope;
use fleetwright_aws::policy::{Use, of_zone};
use fleetwright_model::{Cell, Failure, Phase, Region};
use fleetwright_ports::EventRules;
use fleetwright_ports::event_rules::{BusName, RuleState, Target, monitoring};
use fleetwright_ports::events::{Entry, UpgradeEvent, publish};

use super::{REGION, SERVED, actions, grant, used, without, world};

/// Puts a ready rule with a target that has a role, switches, shows and deletes it, and publishes an event; everything
/// that went wrong.
async fn rules_and_events(missing: Option<&str>) -> (Vec<String>, BTreeSet<&'static str>, BTreeSet<String>) {
    let stage = world(SERVED, &[]).await;
    let zone = stage.fleet.zones[0].clone();
    let mut scope = scope(&stage.settings, &stage.fleet, &[Phase::Scan]);
    scope.uses.extend([Use::EventRules, Use::EventBuses]);
    scope.rules.insert("fleetwright-*".to_owned());
    scope.event_buses.insert(format!("arn:aws:events:{REGION}:{}:event-bus/default", zone.account));
    let statements = of_zone(&scope);
    grant(&stage, &without(statements.clone(), missing));
    let cell = &Cell { zone: &zone, region: Region::new(REGION).expect("a region") };
    let (aws, bus) = (&stage.aws, &BusName::default());
    let rule = monitoring("shop").expect("a rule");
    let target = Target {
        id: "topic".parse().expect("an id"),
        arn: format!("arn:aws:sns:{REGION}:{}:upgrades", zone.account),
        role: Some(format!("arn:aws:iam::{}:role/events", zone.account)),
        input: None,
    };
    let event = UpgradeEvent::UpgradeStarted.of("shop", "2026-11", Default::default(), None);
    let mut wrong: Vec<Failure> = Vec::new();
    wrong.extend(aws.put_rule(cell, bus, &rule).await.err());
    for state in [RuleState::Disabled, RuleState::Enabled] {
        wrong.extend(aws.switch(cell, bus, &rule.name, state).await.err());
    }
    wrong.extend(aws.put_targets(cell, bus, &rule.name, std::slice::from_ref(&target)).await.err());
    wrong.extend(aws.rule(cell, bus, &rule.name).await.err());
    wrong.extend(aws.rules(cell, bus, None).await.failure);
    wrong.extend(aws.targets(cell, bus, &rule.name).await.failure);
    wrong.extend(aws.remove_targets(cell, bus, &rule.name, &[target.id]).await.err());
    wrong.extend(aws.delete_rule(cell, bus, &rule.name).await.err());
    for entry in publish((aws, &*stage.clock), cell, bus, &[event]).await {
        match entry {
            Entry::Taken(_) => {}
            Entry::Refused(why) => panic!("{why}"),
            Entry::Failed(failure) => wrong.push(failure),
        }
    }
    let wrong = wrong.iter().map(ToString::to_string).collect();
    let of_events = |action: &&str| action.starts_with("events:") || *action == "iam:PassRole";
    (wrong, actions(&statements).into_iter().filter(of_events).collect(), used(&stage))
}

#[tokio::test(start_paused = true)]
async fn rules_and_events_need_what_the_policy_says_and_miss_what_it_does_not() {
    let (wrong, granted, used) = rules_and_events(None).await;
    assert_eq!(wrong, [""; 0]);
    assert_eq!(granted.len(), 11);
    for action in granted {
        assert!(used.contains(action), "{action} is never used");
        let (wrong, ..) = rules_and_events(Some(action)).await;
        assert!(wrong.iter().any(|said| said.contains(action)), "without {action}: {wrong:?}");
    }
}
