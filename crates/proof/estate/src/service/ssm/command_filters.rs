//! The filters of ListCommands and ListCommandInvocations.

use jiff::Timestamp;
use serde::Deserialize;

use super::document;
use crate::call::{ApiError, Call};
use crate::world::Region;
use crate::world::command::{Command, CommandId};
use crate::world::ids::InstanceId;

/// Results of a page: least, most, default.
const PAGE: (usize, usize, usize) = (1, 50, 50);
/// Filters of a request, at most.
const MAX_FILTERS: usize = 5;

/// What both listings read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    pub(super) command_id: Option<String>,
    pub(super) instance_id: Option<String>,
    pub(super) max_results: Option<i64>,
    pub(super) next_token: Option<String>,
    filters: Option<Vec<Filter>>,
    #[serde(default)]
    pub(super) details: bool,
}

#[derive(Deserialize)]
struct Filter {
    key: String,
    value: String,
}

/// One filter, read.
enum Test {
    After(Timestamp),
    Before(Timestamp),
    Status(String),
    Executing,
    Complete,
    Document(String),
}

/// A listing's question.
pub(super) struct Question {
    pub(super) command: Option<CommandId>,
    pub(super) instance: Option<InstanceId>,
    pub(super) size: usize,
    pub(super) start: u64,
    tests: Vec<Test>,
}

impl Question {
    /// Reads and checks a request.
    ///
    /// # Errors
    /// What the service answers to ids, filters and page sizes it does not accept.
    pub(super) fn read(input: &Input, region: &Region, call: &Call) -> Result<Self, ApiError> {
        let (least, most, default) = PAGE;
        let size = document::page_size(input.max_results, least, most, default)?;
        let command = match input.command_id.as_deref() {
            None => None,
            Some(text) => {
                let found = CommandId::parse(text).filter(|id| region.commands.get(*id).is_some());
                Some(found.ok_or_else(|| document::invalid_command(text))?)
            }
        };
        let instance = match input.instance_id.as_deref() {
            None => None,
            Some(text) => {
                let found = InstanceId::parse(text).ok().filter(|id| region.instances.get(*id).is_some());
                let refusal = || document::invalid_instances(&[text.to_owned()], &call.account);
                Some(found.ok_or_else(refusal)?)
            }
        };
        let filters = input.filters.as_deref().unwrap_or_default();
        if filters.len() > MAX_FILTERS {
            let rule = format!("Member must have length less than or equal to {MAX_FILTERS}");
            return Err(document::constraint("'[…]'", "filters", &rule));
        }
        let tests = filters.iter().map(Test::read).collect::<Result<_, _>>()?;
        let start = document::start(call, input.next_token.as_deref())?;
        Ok(Self { command, instance, size, start, tests })
    }

    /// True where the command passes; `details` and `ended` are its own or an invocation's.
    pub(super) fn accepts(&self, command: &Command, status: [&str; 2], ended: bool) -> bool {
        self.tests.iter().all(|test| match test {
            Test::After(moment) => command.requested_at >= *moment,
            Test::Before(moment) => command.requested_at < *moment,
            Test::Status(wanted) => status.contains(&wanted.as_str()),
            Test::Executing => !ended,
            Test::Complete => ended,
            Test::Document(name) => command.order.document.name() == name,
        })
    }

    /// The places of the commands that can be in question, the newest first.
    pub(super) fn candidates<'r>(
        &self,
        region: &'r Region,
    ) -> Box<dyn Iterator<Item = (usize, &'r Command)> + 'r> {
        let commands = &region.commands;
        let at = move |place: usize| commands.at(place).map(|command| (place, command));
        if let Some(id) = self.command {
            let place = commands.iter().position(|command| command.id == id);
            return Box::new(place.into_iter().filter_map(at));
        }
        match self.instance {
            Some(instance) => Box::new(commands.of_instance(instance).iter().rev().copied().filter_map(at)),
            None => Box::new((0..commands.len()).rev().filter_map(at)),
        }
    }
}

impl Test {
    fn read(filter: &Filter) -> Result<Self, ApiError> {
        let moment = || {
            filter.value.parse().map_err(|_| {
                ApiError::new(
                    400,
                    "ValidationException",
                    format!("The filter value {} of {} isn't a timestamp.", filter.value, filter.key),
                )
            })
        };
        Ok(match filter.key.as_str() {
            "InvokedAfter" => Self::After(moment()?),
            "InvokedBefore" => Self::Before(moment()?),
            "Status" => Self::Status(filter.value.clone()),
            "ExecutionStage" if filter.value == "Executing" => Self::Executing,
            "ExecutionStage" if filter.value == "Complete" => Self::Complete,
            "DocumentName" => Self::Document(filter.value.clone()),
            _ => {
                return Err(ApiError::new(
                    400,
                    "InvalidFilterKey",
                    format!("The specified filter {}={} isn't valid.", filter.key, filter.value),
                ));
            }
        })
    }
}
