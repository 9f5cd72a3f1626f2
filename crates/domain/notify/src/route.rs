//! Who hears of what.

use std::collections::BTreeSet;

use fleetwright_model::{AccountId, Phase, Text, ZoneName};

use crate::notice::{Kind, Notice, Severity};

/// Which notices go to which channels. An empty set of anything stands for all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub name: Text,
    /// The channels.
    pub channels: BTreeSet<Text>,
    /// The least severe that goes there.
    pub severity: Severity,
    /// Of which accounts; what is of a run goes where one of its accounts is.
    pub accounts: BTreeSet<AccountId>,
    /// Of which landing zones.
    pub zones: BTreeSet<ZoneName>,
    /// Of which phases; what is of a run as a whole is of none.
    pub phases: BTreeSet<Phase>,
    /// Of which kinds.
    pub kinds: BTreeSet<Kind>,
}

impl Route {
    /// Whether the route takes the notice.
    pub fn takes(&self, notice: &Notice) -> bool {
        let scope = &notice.scope;
        // Somebody who tries the way through a route wants to see where it ends.
        if notice.kind == Kind::Test {
            return true;
        }
        notice.severity >= self.severity
            && (self.accounts.is_empty() || scope.accounts.iter().any(|it| self.accounts.contains(it)))
            && (self.zones.is_empty() || scope.zones.iter().any(|it| self.zones.contains(it)))
            && (self.phases.is_empty() || scope.phase.is_some_and(|it| self.phases.contains(&it)))
            && (self.kinds.is_empty() || self.kinds.contains(&notice.kind))
    }
}

/// All routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes(pub Vec<Route>);

impl Routes {
    /// The channels that hear of a notice, each once.
    pub fn channels(&self, notice: &Notice) -> BTreeSet<&Text> {
        self.0.iter().filter(|route| route.takes(notice)).flat_map(|route| &route.channels).collect()
    }
}
