//! The contract of [`Stacks`](crate::Stacks), in a cell where nobody else names stacks `fleetwright-conformance-…`, and where
//! the making of the queue `Bad` in the stack `fleetwright-conformance-failed` fails, once.

use std::collections::BTreeMap;

use fleetwright_model::Cell;
use serde_json::{Value, json};

use super::eventually;
use crate::stacks::{
    ChangeAction, ChangeSet, ChangeSetKind, ChangeSetState, NewChangeSet, ParameterValue, Stack, TemplateAt,
    before_last_operation, first_cause,
};
use crate::{Clock, Stacks};

/// A template of queues, and a parameter that is never shown; the queue `Bad` comes after `Kept`.
fn template(queues: &[(&str, Value)]) -> String {
    let queue = |(name, properties): &(&str, Value)| {
        let policy = if *name == "Kept" { "Retain" } else { "Delete" };
        let after: &[&str] = if *name == "Bad" { &["Kept"] } else { &[] };
        let queue = json!({
            "Type": "AWS::SQS::Queue",
            "DeletionPolicy": policy,
            "DependsOn": after,
            "Properties": properties,
        });
        ((*name).to_owned(), queue)
    };
    let resources: serde_json::Map<String, Value> = queues.iter().map(queue).collect();
    let parameters = json!({ "Secret": { "Type": "String", "NoEcho": true } });
    let outputs = json!({ "Answer": { "Value": "42" } });
    json!({ "Parameters": parameters, "Resources": resources, "Outputs": outputs }).to_string()
}

fn of_seconds(seconds: u32) -> Value {
    json!({ "MessageRetentionPeriod": seconds })
}

struct Suite<'a> {
    stacks: &'a dyn Stacks,
    clock: &'a dyn Clock,
    cell: &'a Cell<'a>,
}

/// Runs the whole suite; the stacks it makes, it deletes.
///
/// # Panics
/// With the rule that was broken.
pub async fn check((stacks, clock): (&dyn Stacks, &dyn Clock), cell: &Cell<'_>) {
    let suite = Suite { stacks, clock, cell };
    suite.judges().await;
    suite.makes_changes_and_deletes().await;
    suite.tells_of_failure().await;
}

impl Suite<'_> {
    async fn judges(&self) {
        let good = TemplateAt::Body(template(&[("Gone", of_seconds(60))]));
        assert_eq!(self.stacks.refusal(self.cell, &good).await, Ok(None));
        let bad = TemplateAt::Body(json!({ "Resources": { "A": { "Type": "odd" } } }).to_string());
        let said = self.stacks.refusal(self.cell, &bad).await.expect("an answer");
        assert!(said.is_some_and(|said| said.contains("odd")), "why is told");
        let never = self.stacks.stack(self.cell, "fleetwright-conformance-never").await;
        assert_eq!(never, Ok(None), "no stack is no failure");
    }

    async fn set(&self, new: &NewChangeSet) -> ChangeSet {
        let id = self.stacks.make_change_set(self.cell, new).await.expect("it can be made");
        let again = self.stacks.make_change_set(self.cell, new).await.expect("the same");
        assert_eq!(id, again, "the same name and token is the same change set");
        eventually(self.clock, "a change set that was compared", async || {
            let set = self.stacks.change_set(self.cell, &id).await.expect("it is there");
            (set.state != ChangeSetState::InProgress).then_some(set)
        })
        .await
    }

    async fn carried_out(&self, new: &NewChangeSet, set: &ChangeSet) -> Stack {
        for _ in 0..2 {
            let done = self.stacks.carry_out(self.cell, &new.stack, &set.id, new.name.as_str()).await;
            done.expect("a second time with the same token changes nothing");
        }
        self.at_rest(&set.stack_id).await
    }

    async fn at_rest(&self, id: &str) -> Stack {
        eventually(self.clock, "a stack at rest", async || {
            let stack = self.stacks.stack(self.cell, id).await.expect("an answer").expect("it is there");
            (!stack.status.is_moving()).then_some(stack)
        })
        .await
    }

    async fn makes_changes_and_deletes(&self) {
        let mut new =
            new("fleetwright-conformance-stack", &[("Kept", of_seconds(60)), ("Gone", of_seconds(60))]);
        let set = self.set(&new).await;
        assert_eq!(set.state, ChangeSetState::Ready);
        assert_eq!(told(&set), [("Gone", ChangeAction::Add), ("Kept", ChangeAction::Add)]);
        let reserved = self.stacks.stack(self.cell, new.stack.as_str()).await.expect("an answer");
        assert!(
            reserved.is_some_and(|stack| stack.status.is_reserved()),
            "a name that waits for its change set"
        );
        let stack = self.carried_out(&new, &set).await;
        assert_eq!((stack.status.as_str(), stack.protected), ("CREATE_COMPLETE", false));
        assert_eq!(stack.outputs.get("Answer").map(String::as_str), Some("42"));
        let shown = stack.parameters.get("Secret").expect("its parameter");
        assert!(!shown.contains("hunter2"), "a secret is not shown");
        let text = self.stacks.template(self.cell, &stack.id).await.expect("it has one");
        assert_eq!(TemplateAt::Body(text), new.template, "as it was given");

        new.kind = ChangeSetKind::Update;
        new.parameters.insert("Secret".to_owned(), ParameterValue::Previous);
        new.name = "same".parse().expect("a name");
        let same = self.set(&new).await;
        assert_eq!((same.state, same.changes), (ChangeSetState::Empty, Vec::new()));
        for _ in 0..2 {
            let dropped = self.stacks.drop_change_set(self.cell, &new.stack, &same.id).await;
            dropped.expect("one that is not there is deleted already");
        }

        let named = json!({ "QueueName": "fleetwright-conformance-kept" });
        new.template = TemplateAt::Body(template(&[("Kept", named), ("New", of_seconds(60))]));
        new.name = "second".parse().expect("a name");
        let set = self.set(&new).await;
        let expected =
            [("Gone", ChangeAction::Remove), ("Kept", ChangeAction::Replace), ("New", ChangeAction::Add)];
        assert_eq!(told(&set), expected);
        let kept = &set.changes[1];
        assert!(kept.about.contains("QueueName") && kept.physical.is_some(), "{kept:?}");
        let known = self.stacks.events(self.cell, &stack.id, None).await.expect("events");
        assert_eq!(self.carried_out(&new, &set).await.status.as_str(), "UPDATE_COMPLETE");
        self.tells_what_happened(&stack.id, known.len()).await;
        self.deletes(&stack.id).await;
    }

    async fn tells_what_happened(&self, id: &str, before: usize) {
        let all = self.stacks.events(self.cell, id, None).await.expect("events");
        assert!(all.iter().zip(&all[1..]).all(|(one, next)| one.at <= next.at), "from old to new");
        assert_eq!(before_last_operation(&all, id), before, "the change begins with an event of its own");
        let last = &all[before - 1];
        let new = self.stacks.events(self.cell, id, Some(&last.id)).await.expect("events");
        assert_eq!(new, all[before..], "only what came after");
        assert!(all.last().is_some_and(|event| event.is_of(id) && event.status == "UPDATE_COMPLETE"));
        assert_eq!(first_cause(&all), None, "nothing failed");
    }

    async fn deletes(&self, id: &str) {
        for _ in 0..2 {
            self.stacks.delete_stack(self.cell, id, "fleetwright-conformance").await.expect("it goes");
            assert!(self.at_rest(id).await.status.is_deleted(), "what is gone is deleted already");
        }
        let named = self.stacks.stack(self.cell, "fleetwright-conformance-stack").await;
        assert_eq!(named, Ok(None), "its name is free");
        let events = self.stacks.events(self.cell, id, None).await.expect("events");
        let kept = events.iter().rfind(|event| event.logical == "Kept").expect("it had one");
        assert_eq!(kept.status, "DELETE_SKIPPED", "what is kept stays");
    }

    async fn tells_of_failure(&self) {
        let queues = [("Bad", of_seconds(60)), ("Kept", of_seconds(60))];
        let new = new("fleetwright-conformance-failed", &queues);
        let set = self.set(&new).await;
        let stack = self.carried_out(&new, &set).await;
        assert!(stack.status.is_ruin(), "{:?}", stack.status);
        let events = self.stacks.events(self.cell, &stack.id, None).await.expect("events");
        let cause = first_cause(&events).expect("it failed");
        assert_eq!((cause.logical.as_str(), cause.status.as_str()), ("Bad", "CREATE_FAILED"));
        assert!(cause.reason.as_ref().is_some_and(|reason| !reason.is_empty()), "why is told");
        let kept = events.iter().any(|event| event.status == "DELETE_SKIPPED");
        assert!(!kept, "what was made new goes again, though it would stay otherwise");
        self.stacks.delete_stack(self.cell, &stack.id, "fleetwright-conformance").await.expect("it goes");
        assert!(self.at_rest(&stack.id).await.status.is_deleted());
    }
}

fn new(stack: &str, queues: &[(&str, Value)]) -> NewChangeSet {
    let secret = ParameterValue::Secret("hunter2".to_owned());
    NewChangeSet {
        stack: stack.parse().expect("a name"),
        name: "first".parse().expect("a name"),
        kind: ChangeSetKind::Create,
        template: TemplateAt::Body(template(queues)),
        parameters: BTreeMap::from([("Secret".to_owned(), secret)]),
        tags: BTreeMap::from([("application".to_owned(), "fleetwright".to_owned())]),
    }
}

fn told(set: &ChangeSet) -> Vec<(&str, ChangeAction)> {
    set.changes.iter().map(|change| (change.logical.as_str(), change.action)).collect()
}
