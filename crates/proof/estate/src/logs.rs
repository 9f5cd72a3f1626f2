//! What an embedder of an estate puts into CloudWatch Logs.

use jiff::Timestamp;

use crate::estate::Estate;
use crate::world::logs::Group;

impl Estate {
    /// Writes to a stream of a log group, both of which are made where they are not there; false where the account is
    /// not worked in there.
    pub fn write_logs(
        &self,
        (account, region): (&str, &str),
        (group, stream): (&str, &str),
        events: &[(Timestamp, String)],
    ) -> bool {
        let now = self.now();
        let mut inside = self.lock();
        let regions = inside.world.accounts.get_mut(account).map(|account| &mut account.regions);
        let Some(region) = regions.and_then(|regions| regions.get_mut(region)) else { return false };
        let made = region.logs.groups.entry(group.to_owned()).or_insert_with(|| Group::new(now));
        made.streams.entry(stream.to_owned()).or_default();
        events.iter().all(|(at, message)| {
            region.logs.write(group, stream, (at.as_millisecond(), message.clone()), now)
        })
    }
}
