//! The [`ChangeCalendars`] port: Systems Manager's Change Calendar.

use async_trait::async_trait;
use aws_sdk_ssm::types::CalendarState as Said;
use fleetwright_model::{CalendarAnswer, CalendarState, Cell, Failure, Text};
use fleetwright_ports::ChangeCalendars;
use jiff::Timestamp;

use crate::Aws;
use crate::clients::Connection;
use crate::operations::GET_CALENDAR_STATE;
use crate::pages::unexpected;

#[async_trait]
impl ChangeCalendars for Aws {
    /// Source: SSM API reference, GetCalendarState: several calendars are open where all are, and
    /// `NextTransitionTime` is when the answer becomes the opposite.
    async fn state(&self, cell: &Cell<'_>, calendars: &[Text]) -> Result<CalendarAnswer, Failure> {
        let connection: Connection<'_, aws_sdk_ssm::Client> = self.at(cell.zone, &cell.region);
        let names: Vec<String> = calendars.iter().map(ToString::to_string).collect();
        let names = &names;
        let send = move |client: &aws_sdk_ssm::Client| {
            client.get_calendar_state().set_calendar_names(Some(names.clone())).send()
        };
        let answer = connection.call(&GET_CALENDAR_STATE, send).await?;
        let odd = |what: &str| unexpected(&GET_CALENDAR_STATE, what);
        let state = match answer.state {
            Some(Said::Open) => CalendarState::Open,
            Some(Said::Closed) => CalendarState::Closed,
            other => return Err(odd(&format!("a calendar's state is {other:?}"))),
        };
        let until = answer.next_transition_time.filter(|text| !text.is_empty());
        let until = until
            .map(|text| text.parse::<Timestamp>().map_err(|_| odd(&format!("the time {text:?} is none"))))
            .transpose()?;
        Ok(CalendarAnswer { state, until })
    }
}
