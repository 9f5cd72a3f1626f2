use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use fleetwright_model::{Cell, Partial, Text};
use fleetwright_ports::{Alarm, AlarmState};
use futures::FutureExt;

use crate::Aws;
use crate::clients::Connection;
use crate::operations::DESCRIBE_ALARMS;
use crate::pages::{Page, pages};

/// Names per call and rows per page. Source: CloudWatch API reference, DescribeAlarms.
const BATCH: i32 = 100;

/// The alarms with these names, of metrics and composite.
pub(super) async fn look_up(aws: &Aws, cell: &Cell<'_>, names: &[Text]) -> Partial<Alarm> {
    let connection: Connection<'_, aws_sdk_cloudwatch::Client> = aws.at(cell.zone, &cell.region);
    let connection = &connection;
    let mut whole = Partial::complete(Vec::new());
    for batch in names.chunks(BATCH as usize) {
        let batch: &Vec<String> = &batch.iter().map(|name| name.to_string()).collect();
        let part = pages(
            &DESCRIBE_ALARMS,
            |alarm: &Alarm| &alarm.name,
            |token| {
                let send = move |client: &aws_sdk_cloudwatch::Client| {
                    let request = client.describe_alarms().set_alarm_names(Some(batch.clone()));
                    // Without a type only alarms of metrics are answered.
                    let request = request.alarm_types(AlarmType::MetricAlarm);
                    let request = request.alarm_types(AlarmType::CompositeAlarm).max_records(BATCH);
                    request.set_next_token(token.clone()).send()
                };
                async move {
                    let answer = connection.call(&DESCRIBE_ALARMS, send).await?;
                    let simple = answer.metric_alarms.unwrap_or_default().into_iter();
                    let simple = simple.map(|row| alarm(row.alarm_name, row.state_value));
                    let composite = answer.composite_alarms.unwrap_or_default().into_iter();
                    let composite = composite.map(|row| alarm(row.alarm_name, row.state_value));
                    Ok(Page::of(simple.chain(composite), answer.next_token))
                }
                .boxed()
            },
        )
        .await;
        whole.items.extend(part.items);
        whole.failure = whole.failure.or(part.failure);
    }
    whole
}

/// A state this version does not know says as much as too little data.
fn alarm(name: Option<String>, state: Option<StateValue>) -> Result<Alarm, String> {
    let name = name.ok_or("a missing alarm name")?.into();
    let state = match state {
        Some(StateValue::Ok) => AlarmState::Ok,
        Some(StateValue::Alarm) => AlarmState::Alarm,
        _ => AlarmState::InsufficientData,
    };
    Ok(Alarm { name, state })
}
