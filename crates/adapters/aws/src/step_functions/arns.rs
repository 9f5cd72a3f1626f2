//! Names of machines and executions as ARNs, and back.
//!
//! Source: Service Authorization Reference, "Resource types defined by AWS Step Functions".

use fleetwright_model::Cell;
use fleetwright_ports::executions::ExecutionId;
use fleetwright_ports::state_machines::MachineRef;

pub(super) fn machine(cell: &Cell<'_>, machine: &MachineRef) -> String {
    arn(cell, &format!("stateMachine:{machine}"))
}

pub(super) fn execution(cell: &Cell<'_>, id: &ExecutionId) -> String {
    arn(cell, &format!("execution:{}:{}", id.machine, id.name))
}

fn arn(cell: &Cell<'_>, rest: &str) -> String {
    format!("arn:{}:states:{}:{}:{rest}", cell.region.partition(), cell.region, cell.zone.account)
}

/// The number of a version, from its ARN.
pub(super) fn version(arn: Option<&str>) -> Option<u32> {
    let (_, rest) = arn?.split_once(":stateMachine:")?;
    rest.split_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn the_version_is_what_stands_behind_the_machine() {
        let machine = "arn:aws:states:eu-central-1:111122223333:stateMachine:nightly";
        assert_eq!(version(Some(&format!("{machine}:12"))), Some(12));
        for other in [Some(machine), Some("nonsense"), None] {
            assert_eq!(version(other), None, "{other:?}");
        }
        assert_eq!(version(Some(&format!("{machine}:live"))), None, "an alias is no version");
    }
}
