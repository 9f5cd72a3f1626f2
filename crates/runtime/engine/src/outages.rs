//! Members of shared groups that are down although no run took them out.
//!
//! Nobody is taken out of service on old news: before a target takes its places, somebody has looked at
//! its groups a moment ago. Groups that nobody wants a place in are not looked at. Where somebody waits
//! because members are down, it is looked again and again.
//!
//! Where nobody can look, what was seen last stands for a while. After that, and where nothing was ever
//! seen, everybody counts as down: the group gives no places until it can be looked at again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fleetwright_flow::{Command, End, TargetId};
use fleetwright_model::{Failure, Text, code};
use fleetwright_ports::{Down, Outages};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::dispatcher::Dispatcher;
use crate::error::DriveError;
use crate::lane::later;
use crate::shared::member;

/// How old news may be for places to be given on them.
const FRESH: Duration = Duration::from_secs(60);

/// How long what was seen stands where nobody can look.
const STANDS: Duration = Duration::from_secs(600);

type Answer = BTreeMap<Text, Result<Down, Failure>>;

/// What is known of who is down.
pub(crate) struct Outlook {
    port: Option<Arc<dyn Outages>>,
    seen: BTreeMap<Text, Seen>,
    /// The groups that are being looked at.
    asked: Option<(BTreeSet<Text>, BoxFuture<'static, Answer>)>,
    /// Groups that are to be looked at next.
    wanted: BTreeSet<Text>,
}

/// What was seen of one group.
struct Seen {
    down: Down,
    /// When somebody last tried to look.
    tried_at: Timestamp,
    /// When somebody last saw it; none where nobody ever did.
    seen_at: Option<Timestamp>,
}

impl Outlook {
    pub(crate) fn new(port: Option<Arc<dyn Outages>>) -> Self {
        Self { port, seen: BTreeMap::new(), asked: None, wanted: BTreeSet::new() }
    }

    /// Whether somebody looks, or is about to.
    pub(crate) fn is_looking(&self) -> bool {
        self.asked.is_some() || !self.wanted.is_empty()
    }

    /// Who is down in a group, as was last seen.
    pub(crate) fn down(&self, key: &Text) -> Down {
        self.seen.get(key).map(|seen| seen.down.clone()).unwrap_or_default()
    }

    /// Whether nobody knows who is in service in a group, although somebody tried.
    pub(crate) fn is_blind(&self, key: &Text, now: Timestamp) -> bool {
        let seen = self.seen.get(key);
        seen.is_some_and(|seen| seen.seen_at.is_none_or(|at| later(at, STANDS) < now))
    }

    /// Whether this process has not tried to look at a group yet: what is on record stands until then.
    pub(crate) fn is_unseen(&self, key: &Text) -> bool {
        self.port.is_some() && !self.seen.contains_key(key)
    }

    fn is_fresh(&self, key: &Text, now: Timestamp) -> bool {
        self.seen.get(key).is_some_and(|seen| now < later(seen.tried_at, FRESH))
    }

    /// Has a group looked at, where what is known of it is old; whether it is.
    fn refresh(&mut self, key: &Text, now: Timestamp) -> bool {
        let old = self.port.is_some() && !self.is_fresh(key, now);
        let asked = self.asked.as_ref().is_some_and(|(groups, _)| groups.contains(key));
        if old && !asked {
            self.wanted.insert(key.clone());
        }
        old
    }

    /// Sends somebody to look, if anything is wanted and nobody is on the way.
    pub(crate) fn send(&mut self) {
        let Some(port) = self.port.clone().filter(|_| self.asked.is_none() && !self.wanted.is_empty()) else {
            return;
        };
        let groups = std::mem::take(&mut self.wanted);
        let looked_at = groups.clone();
        self.asked = Some((groups, async move { port.down(&looked_at).await }.boxed()));
    }

    /// Returns when there is an answer, which [`Outlook::take`] then takes in. Cancel-safe.
    pub(crate) async fn answered(&mut self) {
        match self.asked.as_mut() {
            None => std::future::pending().await,
            Some((_, asked)) => {
                let answer = asked.as_mut().await;
                *asked = std::future::ready(answer).boxed();
            }
        }
    }

    /// Takes in what was answered by now; whether there was an answer.
    fn take(&mut self, now: Timestamp) -> bool {
        let Some((groups, asked)) = self.asked.as_mut() else { return false };
        let Some(mut answer) = asked.now_or_never() else { return false };
        let groups = std::mem::take(groups);
        self.asked = None;
        for key in groups {
            let found = answer.remove(&key).unwrap_or_else(|| Ok(Down::default()));
            let seen = self.seen.entry(key.clone()).or_insert(Seen {
                down: Down::default(),
                tried_at: now,
                seen_at: None,
            });
            seen.tried_at = now;
            match found {
                Ok(down) => {
                    seen.down = down;
                    seen.seen_at = Some(now);
                }
                Err(failure) => {
                    let (code, cause) = (code::OUTAGES_UNSEEN.id, failure.code.id);
                    tracing::warn!(code, group = %key, cause, %failure.message, "nobody could look who is down");
                }
            }
        }
        true
    }
}

impl Dispatcher<'_> {
    /// Targets of these commands that must not take their places before somebody has looked.
    pub(crate) fn on_old_news(&mut self, commands: &[Command]) -> BTreeSet<TargetId> {
        let now = self.time.now();
        let plan = self.run.plan().clone();
        let mut waiting = BTreeSet::new();
        for command in commands {
            let Command::Begin { target, .. } = command else { continue };
            if !self.run.takes_charge(*target) || !self.may_begin(*target) {
                continue;
            }
            for group in &plan.target(*target).groups {
                let key = plan.groups[group.index()].shared.as_ref();
                if key.is_some_and(|key| self.outlook.refresh(key, now)) {
                    waiting.insert(*target);
                }
            }
        }
        waiting
    }

    /// What was seen since, and what has to be looked at again because somebody waits for it.
    pub(crate) async fn take_outages(&mut self) -> Result<(), DriveError> {
        let now = self.time.now();
        for (key, group) in &self.shared.groups {
            if self.run.waits_for_others_in(*group) {
                self.outlook.refresh(key, now);
            }
        }
        self.outlook.send();
        match self.outlook.take(now) {
            true => self.observe_others().await,
            false => Ok(()),
        }
    }

    /// Members of a group that are down, `moved` left out.
    pub(crate) fn down_in(&self, key: &Text, moved: &BTreeSet<Text>) -> Down {
        let mut down = self.outlook.down(key);
        down.members.retain(|member| !moved.contains(member));
        down
    }

    /// Hosts that were put back, and may be other machines now: that the old one is gone is no outage.
    pub(crate) fn moved(&self) -> BTreeSet<Text> {
        let plan = self.run.plan();
        let back = |target: &TargetId| {
            matches!(self.run.end(*target), Some(End::Unwound { .. })) && !self.run.holds(*target)
        };
        let all = (0u32..).map(TargetId).take(plan.targets.len());
        all.filter(back).map(|target| member(plan, target)).collect()
    }
}
