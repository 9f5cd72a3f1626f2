//! What a scenario says of an account's quotas: `[[quotas]]` tables.

use serde::Deserialize;

use super::clusters::region_of;
use crate::generate::accounts::AccountPlan;
use crate::world::World;
use crate::world::quotas::KNOWN;

/// A quota of an account in a region; a `[[quotas]]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaSection {
    /// The account's name.
    pub account: String,
    /// The region; the account's first where absent.
    pub region: Option<String>,
    /// Its code, e.g. `L-1216C47A`.
    pub code: String,
    /// What applies.
    pub value: f64,
}

/// Sets the quotas.
///
/// # Errors
/// The number of the section, and what is wrong with it.
pub(super) fn quotas(
    world: &mut World,
    plans: &[AccountPlan],
    sections: &[QuotaSection],
) -> Result<(), (usize, String)> {
    for (nth, section) in sections.iter().enumerate() {
        set(world, plans, section).map_err(|problem| (nth, problem))?;
    }
    Ok(())
}

fn set(world: &mut World, plans: &[AccountPlan], section: &QuotaSection) -> Result<(), String> {
    let (account, code) = region_of(plans, &section.account, section.region.as_ref())?;
    let place = world.place(&account, &code).ok_or_else(|| format!("{code} is not a region of {account}"))?;
    let known = KNOWN.iter().find(|it| it.code == section.code).ok_or_else(|| {
        let all: Vec<&str> = KNOWN.iter().map(|it| it.code).collect();
        format!("code: the estate has no quota {}; it has {}", section.code, all.join(", "))
    })?;
    place.region.quotas.insert(known.code, section.value);
    Ok(())
}
