//! DynamoDB: tables without secondary indexes and streams, their items, and transactions.
//!
//! Rules: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html>. What the
//! estate does not have (indexes, streams, the parameters that expressions replaced) is refused.

mod attribute;
mod batch;
mod capacity;
mod expression;
mod item;
mod key;
mod members;
mod reading;
mod settings;
mod tables;
mod transact;
mod update_table;
mod write;

use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::calls::CallKind;
use crate::service::action::{Does, Needs, actions, place, region};
use crate::service::members::tag_context;
use crate::world::tables::{Status, Table};
use crate::world::{Region, World};

/// Every DynamoDB operation of the estate.
#[must_use]
pub fn operations() -> Vec<Box<dyn Operation>> {
    use CallKind::{Mutation, Read};
    let all = [
        ("CreateTable", Mutation, on_table as Needs, tables::create as Does),
        ("DescribeTable", Read, on_table, tables::describe),
        ("DeleteTable", Mutation, on_table, tables::delete),
        ("UpdateTable", Mutation, on_table, update_table::update),
        ("ListTables", Read, on_all_tables, tables::list_tables),
        ("UpdateTimeToLive", Mutation, on_table, settings::update_time_to_live),
        ("DescribeTimeToLive", Read, on_table, settings::describe_time_to_live),
        ("UpdateContinuousBackups", Mutation, on_table, settings::update_backups),
        ("DescribeContinuousBackups", Read, on_table, settings::describe_backups),
        ("PutItem", Mutation, key::on_item, item::put),
        ("GetItem", Read, key::on_item, item::get),
        ("UpdateItem", Mutation, key::on_item, item::update),
        ("DeleteItem", Mutation, key::on_item, item::delete),
        ("Query", Read, reading::on_partition, reading::query),
        ("Scan", Read, on_table, reading::scan),
        ("BatchGetItem", Read, batch::needs, batch::get),
        ("BatchWriteItem", Mutation, batch::needs, batch::write),
        ("TransactWriteItems", Mutation, transact::needs, transact::write),
        ("TransactGetItems", Read, transact::needs, transact::get),
    ];
    actions(Service::DynamoDb, all)
}

pub(crate) use transact::conflict;

/// The call's own action on the table it names.
fn on_table(_: &World, call: &Call) -> Vec<Requirement> {
    let given = call.json()["TableName"].as_str().unwrap_or("*");
    let action = format!("dynamodb:{}", call.action).into();
    let context = tag_context(call, ("Tags", "Key", "Value"));
    vec![Requirement { action, resource: resource(call, given), context }]
}

/// The call's own action, for which there is no permission on single tables.
fn on_all_tables(_: &World, call: &Call) -> Vec<Requirement> {
    vec![Requirement::any_resource(format!("dynamodb:{}", call.action))]
}

/// The ARN of a table that is given by its name or its ARN.
fn resource(call: &Call, given: &str) -> String {
    match given.starts_with("arn:") {
        true => given.to_owned(),
        false => members::table_arn(call, given),
    }
}

/// A table that can be used.
fn active<'w>(region: &'w Region, call: &Call, name: &str) -> Result<&'w Table, ApiError> {
    let usable = |table: &&Table| matches!(table.status(call.now), Status::Active | Status::Updating);
    let table = region.tables.get(name, call.now).filter(usable);
    table.ok_or_else(|| ApiError::new(400, "ResourceNotFoundException", "Requested resource not found"))
}

/// A table in whatever state.
fn known<'w>(region: &'w Region, call: &Call, name: &str) -> Result<&'w Table, ApiError> {
    region.tables.get(name, call.now).ok_or_else(|| not_found(name))
}

fn not_found(name: &str) -> ApiError {
    let message = format!("Requested resource not found: Table: {name} not found");
    ApiError::new(400, "ResourceNotFoundException", message)
}
