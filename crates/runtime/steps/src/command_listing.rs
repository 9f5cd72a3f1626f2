//! The commands of a cell, with those of one mark put in order by host.

use std::collections::BTreeMap;

use fleetwright_model::{Failure, InstanceId, Text};
use fleetwright_ports::CommandState;

use crate::command_mark::Mark;

/// Commands since some time, as far as the listing went.
pub(crate) struct Listing {
    commands: Vec<CommandState>,
    by_id: BTreeMap<Text, usize>,
    /// Those of the mark: attempt and place in the list, newest first.
    by_host: BTreeMap<InstanceId, Vec<(u16, usize)>>,
    /// Those of the mark whose hosts the listing leaves out.
    hosts_unknown: Vec<(u16, usize)>,
    /// Why it is not complete.
    pub(crate) failure: Option<Failure>,
}

impl Listing {
    /// `commands` are newest first, as the service lists them.
    pub(crate) fn new(mark: &Mark, commands: Vec<CommandState>, failure: Option<Failure>) -> Self {
        let mut by_host: BTreeMap<InstanceId, Vec<(u16, usize)>> = BTreeMap::new();
        let mut hosts_unknown = Vec::new();
        for (place, command) in commands.iter().enumerate() {
            let Some(attempt) = mark.attempt_of(command) else { continue };
            if command.hosts.is_empty() {
                hosts_unknown.push((attempt, place));
            }
            for host in &command.hosts {
                by_host.entry(host.clone()).or_default().push((attempt, place));
            }
        }
        let by_id = commands.iter().enumerate().map(|(place, it)| (it.id.clone(), place)).collect();
        Self { commands, by_id, by_host, hosts_unknown, failure }
    }

    /// The command with that id.
    pub(crate) fn command(&self, id: &str) -> Option<&CommandState> {
        self.by_id.get(id).map(|place| &self.commands[*place])
    }

    /// Commands of the mark that name the host and were sent for this very attempt, newest first.
    pub(crate) fn sent(&self, host: &InstanceId, attempt: u16) -> impl Iterator<Item = &CommandState> {
        let places = self.by_host.get(host).map_or(&[][..], Vec::as_slice);
        let of_attempt = places.iter().filter(move |(of, _)| *of == attempt);
        of_attempt.map(|(_, place)| &self.commands[*place])
    }

    /// Commands of the mark that name the host or may be for it, of that attempt or an earlier one, the
    /// newest attempt first.
    pub(crate) fn possible(&self, host: &InstanceId, until: u16) -> Vec<(u16, &CommandState)> {
        let places = self.by_host.get(host).map_or(&[][..], Vec::as_slice);
        let all = places.iter().chain(&self.hosts_unknown).filter(|(attempt, _)| *attempt <= until);
        let mut all: Vec<(u16, usize)> = all.copied().collect();
        all.sort_by_key(|(attempt, place)| (std::cmp::Reverse(*attempt), *place));
        all.into_iter().map(|(attempt, place)| (attempt, &self.commands[place])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(id: &str, mark: Text, hosts: &[&str]) -> CommandState {
        let hosts = hosts.iter().map(|id| InstanceId::new(*id).unwrap()).collect();
        CommandState {
            id: id.into(),
            mark,
            hosts,
            requested_at: None,
            ended: false,
            targets: 1,
            completed: 0,
        }
    }

    #[test]
    fn commands_are_found_by_host_and_attempt_and_those_that_hide_their_hosts_stay_possible() {
        let mark = Mark::new(&"run-1".parse().unwrap(), "patch");
        let (one, two) = ("i-00000001", "i-00000002");
        let commands = vec![
            command("d", mark.text(2), &[]),
            command("c", mark.text(1), &[one]),
            command("b", "another's".into(), &[one]),
            command("a", mark.text(1), &[one, two]),
        ];
        let listing = Listing::new(&mark, commands, None);
        let ids = |found: Vec<&CommandState>| found.iter().map(|it| it.id.to_string()).collect::<Vec<_>>();
        let host = InstanceId::new(one).unwrap();
        assert_eq!(ids(listing.sent(&host, 1).collect()), ["c", "a"]);
        assert_eq!(ids(listing.sent(&host, 2).collect()), [""; 0]);
        let possible = listing.possible(&host, 2).into_iter().map(|(_, it)| it).collect();
        assert_eq!(ids(possible), ["d", "c", "a"]);
        assert_eq!(listing.possible(&host, 1).len(), 2, "not of a later attempt");
        assert_eq!(listing.command("b").map(|it| it.hosts.len()), Some(1));
    }
}
