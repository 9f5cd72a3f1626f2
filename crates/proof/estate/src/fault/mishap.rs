//! Mishaps: what goes wrong with an instance, an image or a host rather than with one call.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{Effect, FaultRule, Nth, draw};
use crate::policy::pattern;

/// What goes wrong with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// An image of the instance takes this long to become available.
    ImageSlow {
        /// From CreateImage on.
        takes: Duration,
    },
    /// An image of the instance ends as `failed`.
    ImageFails,
    /// A snapshot of the instance's image ends as `error`, and so the image as `failed`.
    SnapshotFails,
    /// The instance never comes up from its next boot: its checks stay impaired.
    BootHangs,
    /// StartInstances and RunInstances find no capacity.
    StartFails,
    /// The instance is terminated by somebody else.
    InstanceTerminated,
    /// The instance is terminated, and another of the same name launched.
    InstanceReplaced,
    /// A replacement of the root volume fails and the old one is restored.
    RootTaskFails,
    /// A resource of a stack cannot be made, changed or deleted; the rule names it by its logical id, or as
    /// `STACK/LOGICAL`, where others name an instance.
    StackResourceFails,
    /// What was just made is unknown to reads for so long.
    UnknownNewId {
        /// From its making on.
        lasts: Duration,
    },
}

/// The instance a mishap may befall.
#[derive(Clone, Copy, Debug)]
pub struct Affected<'a> {
    /// Its account.
    pub account: &'a str,
    /// Its region.
    pub region: &'a str,
    /// Its id, as clients write it.
    pub instance: &'a str,
    /// Its `Name` tag.
    pub name: Option<&'a str>,
}

/// The mishaps in force, with what they have counted.
#[derive(Debug, Default)]
pub struct Mishaps {
    seed: u64,
    added: u64,
    rules: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    rule: FaultRule,
    mishap: Mishap,
    /// Part of the seed of its draws.
    number: u64,
    struck: u64,
    /// Occasions so far, per instance or, for rules that wait for a call, per account and region.
    seen: HashMap<String, u64>,
}

impl Mishaps {
    /// No mishaps; the seed decides the draws of those that are added.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// The rules that never struck.
    pub fn idle(&self) -> impl Iterator<Item = &FaultRule> {
        self.rules.iter().filter(|active| active.struck == 0).map(|active| &active.rule)
    }

    /// Removes every rule.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// What `wanted` picks from the first rule that strikes the instance now. Every rule that is
    /// about the instance counts the occasion, whether it strikes or not; chance is drawn per rule,
    /// instance and occasion.
    pub fn strike<T>(
        &mut self,
        affected: &Affected<'_>,
        now: Timestamp,
        wanted: impl Fn(Mishap) -> Option<T>,
    ) -> Option<T> {
        let seed = self.seed;
        let mut decided = None;
        for active in &mut self.rules {
            let Some(picked) = wanted(active.mishap) else { continue };
            if !active.rule.befalls(affected) || !active.rule.in_force(now) {
                continue;
            }
            let strikes = active.count_and_judge(affected.instance, seed);
            if decided.is_none() && strikes {
                active.struck += 1;
                decided = Some(picked);
            }
        }
        decided
    }

    /// The mishaps that a call of `action` sets off, with the pattern of the instances they befall:
    /// those whose rule names an action, counted per account and region.
    pub fn set_off(
        &mut self,
        account: &str,
        region: &str,
        action: &str,
        now: Timestamp,
    ) -> Vec<(Mishap, String)> {
        let seed = self.seed;
        let mut all = Vec::new();
        for active in &mut self.rules {
            let scope = &active.rule.scope;
            let about = scope.action != "*"
                && pattern::matches(&scope.action, action)
                && pattern::matches(&scope.account, account)
                && pattern::matches(&scope.region, region)
                && active.rule.in_force(now);
            if about && active.count_and_judge(&format!("{account}/{region}"), seed) {
                active.struck += 1;
                all.push((active.mishap, active.rule.scope.instance.clone()));
            }
        }
        all
    }

    /// Adds a rule behind the others; one about calls is left alone.
    pub fn add(&mut self, rule: FaultRule) {
        if let Effect::Mishap(mishap) = rule.effect {
            self.added += 1;
            self.rules.push(Active { rule, mishap, number: self.added, struck: 0, seen: HashMap::new() });
        }
    }

    /// Whether the rule added last strikes an instance by itself, when its time has come.
    pub fn will_strike(&mut self, affected: &Affected<'_>) -> Option<Mishap> {
        let seed = self.seed;
        let active = self.rules.last_mut().filter(|active| active.rule.strikes_by_itself())?;
        let strikes = active.rule.befalls(affected) && active.count_and_judge(affected.instance, seed);
        strikes.then(|| {
            active.struck += 1;
            active.mishap
        })
    }
}

impl Active {
    fn count_and_judge(&mut self, of: &str, seed: u64) -> bool {
        let n = match self.seen.get_mut(of) {
            Some(n) => {
                *n += 1;
                *n
            }
            None => {
                self.seen.insert(of.to_owned(), 1);
                1
            }
        };
        let by_number = match self.rule.nth {
            None => true,
            Some(Nth::Every(every)) => n.is_multiple_of(every),
            Some(Nth::Exactly(exactly)) => n == exactly,
            Some(Nth::First(first)) => n <= first,
        };
        let by_chance = self.rule.probability.is_none_or(|p| draw(seed, self.number, of, n) < p);
        by_number && by_chance && self.rule.times.is_none_or(|times| self.struck < times)
    }
}

impl FaultRule {
    /// True where nothing but time sets the rule off.
    pub(crate) fn strikes_by_itself(&self) -> bool {
        let leaves = Effect::Mishap(Mishap::InstanceTerminated) == self.effect
            || Effect::Mishap(Mishap::InstanceReplaced) == self.effect;
        leaves && self.scope.action == "*"
    }

    /// True where the rule is about this instance.
    pub(crate) fn befalls(&self, affected: &Affected<'_>) -> bool {
        let scope = &self.scope;
        pattern::matches(&scope.account, affected.account)
            && pattern::matches(&scope.region, affected.region)
            && (pattern::matches(&scope.instance, affected.instance)
                || affected.name.is_some_and(|name| pattern::matches(&scope.instance, name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mishaps(text: &str) -> Mishaps {
        let mut mishaps = Mishaps::new(5);
        mishaps.add(toml::from_str(text).expect("a fault rule"));
        mishaps
    }

    fn fails(mishaps: &mut Mishaps, instance: &str, name: &str) -> bool {
        let now = "2026-03-02T08:00:00Z".parse().expect("a time");
        let affected =
            Affected { account: "011122223333", region: "eu-central-1", instance, name: Some(name) };
        mishaps.strike(&affected, now, |m| (m == Mishap::ImageFails).then_some(())).is_some()
    }

    #[test]
    fn an_instance_is_chosen_by_its_id_or_its_name() {
        let mut by_name = mishaps("kind = \"image_fails\"\ninstance = \"prod-*\"\ntimes = 1");
        assert!(!fails(&mut by_name, "i-1", "test-web"));
        assert!(fails(&mut by_name, "i-2", "prod-web"));
        assert!(!fails(&mut by_name, "i-3", "prod-web"), "it may strike once");
        assert!(fails(&mut mishaps("kind = \"image_fails\"\ninstance = \"i-1\""), "i-1", "test-web"));
    }

    #[test]
    fn chance_depends_on_the_instance_and_not_on_the_order_of_the_calls() {
        let rule = "kind = \"image_fails\"\nprobability = 0.5";
        let names: Vec<String> = (0..40).map(|n| format!("i-{n}")).collect();
        let (mut forward, mut backward) = (mishaps(rule), mishaps(rule));
        let ahead: Vec<bool> = names.iter().map(|id| fails(&mut forward, id, "x")).collect();
        let mut back: Vec<bool> = names.iter().rev().map(|id| fails(&mut backward, id, "x")).collect();
        back.reverse();
        assert_eq!(ahead, back);
        assert!(ahead.contains(&true) && ahead.contains(&false));
    }

    #[test]
    fn a_rule_with_an_action_waits_for_that_call() {
        let text = "kind = \"instance_terminated\"\ninstance = \"db-1\"\naction = \"SendCommand\"\nnth = { exactly = 2 }";
        let mut mishaps = mishaps(text);
        let now = "2026-03-02T08:00:00Z".parse().expect("a time");
        let mut call = |action| mishaps.set_off("011122223333", "eu-central-1", action, now).len();
        assert_eq!(
            [call("SendCommand"), call("ListCommands"), call("SendCommand"), call("SendCommand")],
            [0, 0, 1, 0]
        );
    }
}
