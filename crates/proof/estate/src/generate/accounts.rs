//! Which accounts a fleet has, and how many instances each holds in each region.

use rand::RngExt;

use super::fleet::Fleet;
use super::seed::Seed;
use crate::world::AccountId;

/// An account to be made, and what goes into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPlan {
    /// Its id.
    pub id: AccountId,
    /// Its name in the organisation.
    pub name: String,
    /// The environment its instances belong to.
    pub environment: String,
    /// The regions in use.
    pub regions: Vec<String>,
    /// Instances generated in each of them, in the same order.
    pub instances: Vec<usize>,
}

/// What a scenario says of an account by hand; the rest is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountWish {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: Option<AccountId>,
    /// Its environment.
    pub environment: Option<String>,
    /// The regions in use.
    pub regions: Option<Vec<String>>,
    /// Instances generated in each region.
    pub instances_per_region: Option<usize>,
}

/// Business units that generated accounts are named after.
const UNITS: [&str; 10] = [
    "retail",
    "finance",
    "logistics",
    "data",
    "identity",
    "marketing",
    "mobile",
    "partner",
    "research",
    "core",
];

/// Twelve digits; every seventh account begins with zeros, which tools like to lose.
pub fn account_id(seed: &Seed, n: usize) -> AccountId {
    let mut random = seed.child("account-id").nth(n).stream();
    let number: u64 = random.random_range(100_000_000_000..1_000_000_000_000);
    match n % 7 {
        1 => format!("{:012}", number % 10_000_000_000),
        _ => format!("{number:012}"),
    }
}

/// The accounts of a fleet: those wished for first, then generated ones.
pub fn plan(fleet: &Fleet, wishes: &[AccountWish], seed: &Seed) -> Vec<AccountPlan> {
    let count = fleet.accounts.max(wishes.len());
    let mut plans: Vec<AccountPlan> = (0..count)
        .map(|n| {
            let wish = wishes.get(n).cloned().unwrap_or_default();
            let environment =
                wish.environment.unwrap_or_else(|| fleet.environments[n % fleet.environments.len()].clone());
            let name = if wish.name.is_empty() {
                let unit = UNITS[n / fleet.environments.len() % UNITS.len()];
                let round = n / fleet.environments.len() / UNITS.len();
                match round {
                    0 => format!("{unit}-{environment}"),
                    _ => format!("{unit}-{environment}-{}", round + 1),
                }
            } else {
                wish.name
            };
            let regions = wish.regions.unwrap_or_else(|| fleet.regions.clone());
            AccountPlan {
                id: wish.id.unwrap_or_else(|| account_id(seed, n)),
                name,
                environment,
                instances: vec![0; regions.len()],
                regions,
            }
        })
        .collect();
    share_out(fleet, wishes, &mut plans);
    plans
}

/// Gives every cell its number of instances: its own, the fleet's per cell, or an even part of
/// what the fleet has in all.
fn share_out(fleet: &Fleet, wishes: &[AccountWish], plans: &mut [AccountPlan]) {
    let own = |n: usize| wishes.get(n).and_then(|wish| wish.instances_per_region);
    let open: usize =
        plans.iter().enumerate().filter(|(n, _)| own(*n).is_none()).map(|(_, plan)| plan.regions.len()).sum();
    let taken: usize =
        plans.iter().enumerate().map(|(n, plan)| own(n).unwrap_or(0) * plan.regions.len()).sum();
    let total = fleet.instances.map(|total| total.saturating_sub(taken));
    let mut cell = 0;
    for (n, plan) in plans.iter_mut().enumerate() {
        for instances in &mut plan.instances {
            *instances = match (own(n), total) {
                (Some(own), _) => own,
                (None, None) => fleet.instances_per_cell.unwrap_or(0),
                (None, Some(total)) => {
                    let part = total / open + usize::from(cell < total % open);
                    cell += 1;
                    part
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_spread_evenly_and_none_is_lost() {
        let fleet = Fleet {
            accounts: 3,
            regions: vec!["eu-central-1".to_owned(), "us-east-1".to_owned()],
            instances: Some(100),
            ..Fleet::default()
        };
        let wishes =
            [AccountWish { name: "one".to_owned(), instances_per_region: Some(7), ..AccountWish::default() }];
        let plans = plan(&fleet, &wishes, &Seed::root(1));
        let counts: Vec<_> = plans.iter().flat_map(|plan| plan.instances.clone()).collect();
        assert_eq!(counts, [7, 7, 22, 22, 21, 21]);
    }

    #[test]
    fn account_ids_have_twelve_digits_some_of_them_leading_zeros() {
        let seed = Seed::root(7);
        let ids: Vec<_> = (0..60).map(|n| account_id(&seed, n)).collect();
        assert!(ids.iter().all(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())));
        assert!(ids.iter().filter(|id| id.starts_with('0')).count() >= 8);
    }
}
