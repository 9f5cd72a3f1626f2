//! The [`Functions`](fleetwright_ports::Functions) port: Lambda, one signed request for each call.
//!
//! Code, variables and payloads, which may hold anything, are in no record of a call: what is recorded are ARNs.
//!
//! Sources: Lambda API reference; Smithy, "AWS restJson1 protocol".

mod functions;
mod shapes;

use fleetwright_model::Cell;
use fleetwright_ports::functions::FunctionRef;

/// Source: Service Authorization Reference, "Resource types defined by AWS Lambda".
fn arn(cell: &Cell<'_>, function: &FunctionRef) -> String {
    let (partition, account) = (cell.region.partition(), &cell.zone.account);
    format!("arn:{partition}:lambda:{}:{account}:function:{function}", cell.region)
}
