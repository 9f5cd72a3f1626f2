//! The [`Parameters`] port: Parameter Store. Values, which may be secrets, are in no record of a call: what is
//! recorded are names.

use async_trait::async_trait;
use aws_sdk_ssm::types::{
    Parameter, ParameterHistory, ParameterTier, ParameterType, ResourceTypeForTagging, Tag,
};
use fleetwright_model::{Cell, Failure, Partial, Text};
use fleetwright_ports::Parameters;
use fleetwright_ports::parameters::{HeldParameter, Named, NewParameter, ParameterKind};
use futures::FutureExt;

use crate::Aws;
use crate::clients::Connection;
use crate::operations::{
    ADD_TAGS_TO_RESOURCE, DELETE_PARAMETERS, GET_PARAMETER_HISTORY, GET_PARAMETERS, GET_PARAMETERS_BY_PATH,
    LIST_TAGS_FOR_RESOURCE, PUT_PARAMETER,
};
use crate::pages::{Page, pages};
use crate::sdk_time::timestamp;

/// Names of one call, and rows of a page of GetParametersByPath. Source: SSM API reference.
const NAMES: usize = 10;
/// Rows of a page of GetParameterHistory. Source: SSM API reference.
const VERSIONS: i32 = 50;

type Ssm<'a> = Connection<'a, aws_sdk_ssm::Client>;

fn kind(named: Option<&ParameterType>) -> Result<ParameterKind, String> {
    match named {
        Some(ParameterType::String) => Ok(ParameterKind::String),
        Some(ParameterType::StringList) => Ok(ParameterKind::StringList),
        Some(ParameterType::SecureString) => Ok(ParameterKind::SecureString),
        other => Err(format!("a parameter of type {other:?}")),
    }
}

fn version(number: i64) -> Result<u64, String> {
    u64::try_from(number).map_err(|_| format!("version {number}"))
}

fn held(row: Parameter) -> Result<HeldParameter, String> {
    Ok(HeldParameter {
        kind: kind(row.r#type.as_ref())?,
        version: version(row.version)?,
        at: row.last_modified_date.as_ref().and_then(timestamp),
        name: row.name.ok_or("a missing name")?,
        value: row.value.ok_or("a missing value")?,
    })
}

fn of_history(row: ParameterHistory) -> Result<HeldParameter, String> {
    Ok(HeldParameter {
        kind: kind(row.r#type.as_ref())?,
        version: version(row.version)?,
        at: row.last_modified_date.as_ref().and_then(timestamp),
        name: row.name.ok_or("a missing name")?,
        value: row.value.ok_or("a missing value")?,
    })
}

#[async_trait]
impl Parameters for Aws {
    async fn below(&self, cell: &Cell<'_>, path: &str) -> Partial<HeldParameter> {
        let connection: Ssm<'_> = self.at(cell.zone, &cell.region);
        let connection = &connection;
        let operation = &GET_PARAMETERS_BY_PATH;
        let mut found = pages(
            operation,
            |parameter: &HeldParameter| &parameter.name,
            |token| {
                let send = move |client: &aws_sdk_ssm::Client| {
                    let call =
                        client.get_parameters_by_path().path(path).recursive(true).with_decryption(true);
                    call.max_results(NAMES as i32).set_next_token(token.clone()).send()
                };
                async move {
                    let answer = connection.call(operation, send).await?;
                    Ok(Page::of(
                        answer.parameters.unwrap_or_default().into_iter().map(held),
                        answer.next_token,
                    ))
                }
                .boxed()
            },
        )
        .await;
        found.items.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    async fn named(&self, cell: &Cell<'_>, names: &[String]) -> Result<Named<HeldParameter>, Failure> {
        let connection: Ssm<'_> = self.at(cell.zone, &cell.region);
        let mut named = Named { found: Vec::new(), missing: Vec::new() };
        for batch in names.chunks(NAMES) {
            let send = |client: &aws_sdk_ssm::Client| {
                client.get_parameters().set_names(Some(batch.to_vec())).with_decryption(true).send()
            };
            let answer = connection.call(&GET_PARAMETERS, send).await?;
            for row in answer.parameters.unwrap_or_default() {
                let odd = |odd: String| crate::pages::unexpected(&GET_PARAMETERS, &odd);
                named.found.push(held(row).map_err(odd)?);
            }
            named.missing.extend(answer.invalid_parameters.unwrap_or_default());
        }
        Ok(named)
    }

    async fn versions(&self, cell: &Cell<'_>, name: &str) -> Partial<HeldParameter> {
        let connection: Ssm<'_> = self.at(cell.zone, &cell.region);
        let connection = &connection;
        let operation = &GET_PARAMETER_HISTORY;
        let mut found = pages(
            operation,
            |(key, _): &(String, HeldParameter)| key,
            |token| {
                let send = move |client: &aws_sdk_ssm::Client| {
                    let call = client.get_parameter_history().name(name).with_decryption(true);
                    call.max_results(VERSIONS).set_next_token(token.clone()).send()
                };
                async move {
                    let answer = connection.call(operation, send).await?;
                    let rows = answer.parameters.unwrap_or_default().into_iter().map(of_history);
                    let keyed = rows.map(|row| row.map(|row| (row.version.to_string(), row)));
                    Ok(Page::of(keyed, answer.next_token))
                }
                .boxed()
            },
        )
        .await;
        found.items.sort_by_key(|(_, row)| row.version);
        Partial { items: found.items.into_iter().map(|(_, row)| row).collect(), failure: found.failure }
    }

    async fn put(&self, cell: &Cell<'_>, parameter: &NewParameter) -> Result<u64, Failure> {
        let connection: Ssm<'_> = self.at(cell.zone, &cell.region);
        let named = match parameter.kind {
            ParameterKind::String => ParameterType::String,
            ParameterKind::StringList => ParameterType::StringList,
            ParameterKind::SecureString => ParameterType::SecureString,
        };
        let send = |client: &aws_sdk_ssm::Client| {
            let call =
                client.put_parameter().name(&parameter.name).value(&parameter.value).r#type(named.clone());
            // One that was advanced once stays it, however short it becomes.
            let call = call.tier(ParameterTier::IntelligentTiering).overwrite(true);
            call.set_key_id(parameter.key.clone()).send()
        };
        let answer = connection.change(&PUT_PARAMETER, &[Text::from(&*parameter.name)], send).await?;
        version(answer.version).map_err(|odd| crate::pages::unexpected(&PUT_PARAMETER, &odd))
    }

    async fn tag(&self, cell: &Cell<'_>, name: &str, tags: &[(String, String)]) -> Result<(), Failure> {
        let connection: Ssm<'_> = self.at(cell.zone, &cell.region);
        let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build();
        let tags: Vec<Tag> = tags.iter().map(tag).collect::<Result<_, _>>().map_err(|odd| {
            crate::pages::unexpected(&ADD_TAGS_TO_RESOURCE, &format!("a tag cannot be made: {odd}"))
        })?;
        let send = |client: &aws_sdk_ssm::Client| {
            let call = client.add_tags_to_resource().resource_type(ResourceTypeForTagging::Parameter);
            call.resource_id(name).set_tags(Some(tags.clone())).send()
        };
        connection.change(&ADD_TAGS_TO_RESOURCE, &[Text::from(name)], send).await.map(drop)
    }

    async fn tags(&self, cell: &Cell<'_>, name: &str) -> Result<Vec<(String, String)>, Failure> {
        let connection: Ssm<'_> = self.at(cell.zone, &cell.region);
        let send = |client: &aws_sdk_ssm::Client| {
            let call = client.list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter);
            call.resource_id(name).send()
        };
        let answer = connection.call(&LIST_TAGS_FOR_RESOURCE, send).await?;
        let mut tags: Vec<(String, String)> =
            answer.tag_list.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
        tags.sort();
        Ok(tags)
    }

    async fn delete(&self, cell: &Cell<'_>, names: &[String]) -> Result<Named<String>, Failure> {
        let connection: Ssm<'_> = self.at(cell.zone, &cell.region);
        let mut named = Named { found: Vec::new(), missing: Vec::new() };
        for batch in names.chunks(NAMES) {
            let targets: Vec<Text> = batch.iter().map(|name| Text::from(&**name)).collect();
            let send = |client: &aws_sdk_ssm::Client| {
                client.delete_parameters().set_names(Some(batch.to_vec())).send()
            };
            let answer = connection.change(&DELETE_PARAMETERS, &targets, send).await?;
            named.found.extend(answer.deleted_parameters.unwrap_or_default());
            named.missing.extend(answer.invalid_parameters.unwrap_or_default());
        }
        Ok(named)
    }
}
