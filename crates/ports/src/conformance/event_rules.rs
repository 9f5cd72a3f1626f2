//! The contracts of [`Events`](crate::Events) and [`EventRules`](crate::EventRules), on the default bus of a cell
//! where nobody else names rules `fleetwright-conformance-…`.

use fleetwright_model::{Cell, ErrorClass};
use serde_json::json;

use crate::event_rules::{
    BusName, NewRule, Pattern, RuleName, RuleState, Target, Trigger, monitoring, rollback_trigger,
};
use crate::events::{Entry, Event, UpgradeEvent, publish};
use crate::{Clock, EventRules, Events};

/// What the suite needs to be there.
pub struct Expected {
    /// ARN of what takes the events of a rule.
    pub target: String,
    /// ARN of a role for it.
    pub role: String,
}

fn rule(rest: &str) -> NewRule {
    let pattern = Pattern::new(json!({ "source": ["acme"] })).expect("a pattern");
    NewRule {
        name: format!("fleetwright-conformance-{rest}").parse().expect("a name"),
        trigger: Trigger::Events(pattern),
        description: "made by a suite".to_owned(),
        state: RuleState::Enabled,
    }
}

/// Runs the whole suite; the rules it puts, it deletes. The events it publishes stay published.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(
    (events, rules, clock): (&dyn Events, &dyn EventRules, &dyn Clock),
    cell: &Cell<'_>,
    expected: &Expected,
) {
    check_rules(rules, cell).await;
    check_targets(rules, cell, expected).await;
    check_events(events, clock, cell).await;
}

async fn check_rules(rules: &dyn EventRules, cell: &Cell<'_>) {
    let bus = BusName::default();
    let first = rule("first");
    for _ in 0..2 {
        rules.put_rule(cell, &bus, &first).await.expect("doing it twice is doing it once");
    }
    let told = rules.rule(cell, &bus, &first.name).await.expect("it is there");
    assert_eq!((told.state, told.description.as_str()), (RuleState::Enabled, "made by a suite"));
    let pattern = told.pattern.and_then(|text| Pattern::parse(&text).ok()).map(Trigger::Events);
    assert_eq!(pattern, Some(first.trigger.clone()));
    let timed = NewRule { trigger: Trigger::Schedule("rate(5 minutes)".to_owned()), ..rule("timed") };
    rules.put_rule(cell, &bus, &timed).await.expect("it is new");
    let told = rules.rule(cell, &bus, &timed.name).await.expect("it is there");
    assert_eq!((told.schedule.as_deref(), told.pattern), (Some("rate(5 minutes)"), None));

    for state in [RuleState::Disabled, RuleState::Disabled, RuleState::Enabled] {
        rules.switch(cell, &bus, &first.name, state).await.expect("it is there");
        assert_eq!(rules.rule(cell, &bus, &first.name).await.expect("it is there").state, state);
    }
    let never: RuleName = "fleetwright-conformance-never".parse().expect("a name");
    let nowhere = rules.switch(cell, &bus, &never, RuleState::Enabled).await.expect_err("there is none");
    assert_eq!(nowhere.class, ErrorClass::NotFound, "{nowhere}");
    let nowhere = rules.rule(cell, &bus, &never).await.expect_err("there is none");
    assert_eq!(nowhere.class, ErrorClass::NotFound, "{nowhere}");
    let bus_of_nobody = "fleetwright-conformance-nobody".parse().expect("a bus");
    let nowhere = rules.put_rule(cell, &bus_of_nobody, &first).await.expect_err("there is no such bus");
    assert_eq!(nowhere.class, ErrorClass::NotFound, "{nowhere}");

    let many: Vec<NewRule> = (0..105).map(|number| rule(&format!("many-{number:03}"))).collect();
    for new in &many {
        rules.put_rule(cell, &bus, new).await.expect("it is new");
    }
    let listed = rules.rules(cell, &bus, Some("fleetwright-conformance-many-")).await;
    let names: Vec<&RuleName> = listed.items.iter().map(|rule| &rule.name).collect();
    let put: Vec<&RuleName> = many.iter().map(|rule| &rule.name).collect();
    assert_eq!((listed.failure.clone(), names), (None, put), "every page is read, by name, and no neighbour");
    for new in many.iter().chain([&first, &timed, &first]) {
        rules.delete_rule(cell, &bus, &new.name).await.expect("one that is not there is no error");
    }
    let left = rules.rules(cell, &bus, Some("fleetwright-conformance-")).await;
    assert_eq!((left.failure, left.items), (None, Vec::new()));
}

async fn check_targets(rules: &dyn EventRules, cell: &Cell<'_>, expected: &Expected) {
    let bus = BusName::default();
    for new in [monitoring("conformance"), rollback_trigger("conformance")] {
        let new = new.expect("a rule");
        rules.put_rule(cell, &bus, &new).await.expect("a ready rule is one that the service takes");
        let target = |id: &str, input: Option<&str>| Target {
            id: id.parse().expect("an id"),
            arn: expected.target.clone(),
            role: input.map(|_| expected.role.clone()),
            input: input.map(str::to_owned),
        };
        let both = [target("a", None), target("b", Some("{\"fixed\":1}"))];
        rules.put_targets(cell, &bus, &new.name, &both).await.expect("they are new");
        rules.put_rule(cell, &bus, &new).await.expect("targets stay when a rule is put again");
        let told = rules.targets(cell, &bus, &new.name).await;
        assert_eq!((told.failure, told.items), (None, both.to_vec()));
        let other = target("a", Some("{}"));
        rules.put_targets(cell, &bus, &new.name, std::slice::from_ref(&other)).await.expect("it is put over");
        assert_eq!(rules.targets(cell, &bus, &new.name).await.items[0], other);

        let kept = rules.delete_rule(cell, &bus, &new.name).await.expect_err("it has targets");
        assert_ne!(kept.class, ErrorClass::NotFound, "{kept}");
        let ids = ["a", "b"].map(|id| id.parse().expect("an id"));
        rules.remove_targets(cell, &bus, &new.name, &ids).await.expect("they are there");
        assert_eq!(rules.targets(cell, &bus, &new.name).await.items, []);
        rules.delete_rule(cell, &bus, &new.name).await.expect("it has none any more");
    }
}

async fn check_events(events: &dyn Events, clock: &dyn Clock, cell: &Cell<'_>) {
    let bus = BusName::default();
    let all: Vec<Event> = (0..23)
        .map(|number| {
            let more = json!({ "number": number }).as_object().cloned().unwrap_or_default();
            UpgradeEvent::ALL[number % 13].of("conformance", "suite", more, Some(clock.now()))
        })
        .collect();
    let became = publish((events, clock), cell, &bus, &all).await;
    let taken = became.iter().filter(|entry| matches!(entry, Entry::Taken(id) if !id.is_empty()));
    assert_eq!((became.len(), taken.count()), (23, 23), "{became:?}");
}
