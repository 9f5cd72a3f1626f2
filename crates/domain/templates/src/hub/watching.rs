//! What the hub is watched by: alarms, and a dashboard.

use serde_json::{Value, json};

use super::{FUNCTIONS, Resources};
use crate::{NAMESPACE, reference, sub, tags};

/// The figures that alarms look at and handlers leave, in [`NAMESPACE`] with the dimension `Environment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Percent of a run's hosts that ended well.
    SuccessRate,
    /// Hosts of a run.
    InstancesTotal,
    /// Hosts that did not end well.
    InstancesWithIssues,
    /// Decisions that were not made in time.
    ApprovalsExpired,
}

impl Figure {
    /// Its name in CloudWatch.
    pub fn name(self) -> &'static str {
        match self {
            Self::SuccessRate => "SuccessRate",
            Self::InstancesTotal => "InstancesTotal",
            Self::InstancesWithIssues => "InstancesWithIssues",
            Self::ApprovalsExpired => "ApprovalsExpired",
        }
    }
}

/// What an alarm looks at.
struct Metric {
    namespace: &'static str,
    name: &'static str,
    dimensions: Vec<(&'static str, Value)>,
}

/// When an alarm is raised.
enum Raised {
    /// When the sum over five minutes is at least 1.
    AtAll,
    /// When the 95th percentile over five minutes is at least this.
    Slow(u32),
    /// When the least is below a parameter.
    Below(&'static str),
}

impl Metric {
    fn of(namespace: &'static str, name: &'static str, dimension: &'static str, value: Value) -> Self {
        Self { namespace, name, dimensions: vec![(dimension, value)] }
    }

    fn figure(figure: Figure) -> Self {
        Self::of(NAMESPACE, figure.name(), "Environment", reference("Environment"))
    }

    fn alarm(&self, about: &str, raised: &Raised) -> Value {
        let dimensions: Vec<Value> =
            self.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
        let mut properties = json!({
            "AlarmDescription": about,
            "ActionsEnabled": true,
            "AlarmActions": [reference("NoticeTopic")],
            "OKActions": [reference("NoticeTopic")],
            "Namespace": self.namespace,
            "MetricName": self.name,
            "Dimensions": dimensions,
            "EvaluationPeriods": 1,
            "Period": 300,
            "TreatMissingData": "notBreaching",
            "Tags": tags(),
        });
        let (operator, threshold) = match raised {
            Raised::AtAll => {
                properties["Statistic"] = json!("Sum");
                ("GreaterThanOrEqualToThreshold", json!(1))
            }
            Raised::Slow(milliseconds) => {
                properties["ExtendedStatistic"] = json!("p95");
                ("GreaterThanOrEqualToThreshold", json!(milliseconds))
            }
            Raised::Below(parameter) => {
                properties["Statistic"] = json!("Minimum");
                ("LessThanThreshold", reference(parameter))
            }
        };
        properties["ComparisonOperator"] = json!(operator);
        properties["Threshold"] = threshold;
        json!({ "Type": "AWS::CloudWatch::Alarm", "Properties": properties })
    }
}

/// Adds every alarm and the dashboard.
pub(super) fn add(resources: &mut Resources) {
    for (id, about, metric, raised) in alarms() {
        resources.insert(format!("{id}Alarm"), metric.alarm(&about, &raised));
    }
    resources.insert("Dashboard".to_owned(), dashboard());
}

type Alarm = (String, String, Metric, Raised);

fn alarms() -> Vec<Alarm> {
    let machine = |name| Metric::of("AWS/States", name, "StateMachineArn", reference("Machine"));
    let upgrades = |name| Metric::of("AWS/States", name, "StateMachineArn", reference("UpgradeMachine"));
    let table = |name| Metric::of("AWS/DynamoDB", name, "TableName", reference("JournalTable"));
    let one = |id: &str, about: &str, metric| (id.to_owned(), about.to_owned(), metric, Raised::AtAll);
    let queue = sub("${ScheduleDeadLetters.QueueName}");
    let mut all = vec![
        one("ExecutionsFailed", "A run failed", machine("ExecutionsFailed")),
        one("ExecutionsTimedOut", "A run took too long", machine("ExecutionsTimedOut")),
        one("ExecutionsThrottled", "Step Functions slows runs down", machine("ExecutionThrottled")),
        one("UpgradesFailed", "An upgrade failed", upgrades("ExecutionsFailed")),
        one("UpgradesTimedOut", "An upgrade took too long", upgrades("ExecutionsTimedOut")),
        one("UpgradesThrottled", "Step Functions slows upgrades down", upgrades("ExecutionThrottled")),
        one("JournalReadsThrottled", "Reading the journal is slowed down", table("ReadThrottleEvents")),
        one("JournalWritesThrottled", "Writing the journal is slowed down", table("WriteThrottleEvents")),
        one("ApprovalsExpired", "A decision was not made in time", Metric::figure(Figure::ApprovalsExpired)),
        one(
            "ApprovalsBroken",
            "The page behind approval links does not answer",
            Metric::of("AWS/ApiGateway", "5xx", "ApiId", reference("ApprovalsApi")),
        ),
        one(
            "ScheduleMissed",
            "A scheduled run did not begin",
            Metric::of("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue),
        ),
        (
            "PatchFailures".to_owned(),
            "Too many hosts of a run did not end well".to_owned(),
            Metric::figure(Figure::SuccessRate),
            Raised::Below("LowestSuccessRate"),
        ),
    ];
    for function in &FUNCTIONS {
        let of = |name| Metric::of("AWS/Lambda", name, "FunctionName", reference(&function.id("Function")));
        let name = function.name;
        // Four fifths of what it may take.
        let slow = Raised::Slow(function.seconds * 800);
        all.push(one(&function.id("Errors"), &format!("`{name}` fails"), of("Errors")));
        all.push(one(&function.id("Throttles"), &format!("`{name}` is slowed down"), of("Throttles")));
        all.push((function.id("Duration"), format!("`{name}` nearly takes too long"), of("Duration"), slow));
    }
    all
}

fn dashboard() -> Value {
    let mut y = 0;
    let mut row = |title: &str, metrics: Vec<Value>| {
        let widget = json!({
            "type": "metric",
            "x": 0, "y": y, "width": 24, "height": 6,
            "properties": {
                "title": title, "metrics": metrics, "region": "${AWS::Region}",
                "period": 300, "stat": "Sum", "view": "timeSeries",
            },
        });
        y += 6;
        widget
    };
    let of_machine = |id: &'static str| {
        move |name: &str| json!(["AWS/States", name, "StateMachineArn", format!("${{{id}}}")])
    };
    let figure = |figure: Figure| json!([NAMESPACE, figure.name(), "Environment", "${Environment}"]);
    let functions = |name: &str| -> Vec<Value> {
        let of = |id: String| json!(["AWS/Lambda", name, "FunctionName", format!("${{{id}}}")]);
        FUNCTIONS.iter().map(|function| of(function.id("Function"))).collect()
    };
    let table = |name: &str| json!(["AWS/DynamoDB", name, "TableName", "${JournalTable}"]);
    let executions = ["ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut"];
    let figures =
        [Figure::SuccessRate, Figure::InstancesTotal, Figure::InstancesWithIssues, Figure::ApprovalsExpired];
    let consumed = [
        "ConsumedReadCapacityUnits",
        "ConsumedWriteCapacityUnits",
        "ReadThrottleEvents",
        "WriteThrottleEvents",
    ];
    let widgets = vec![
        row("Hosts", figures.map(figure).into()),
        row("Runs", executions.map(of_machine("Machine")).into()),
        row("Upgrades", executions.map(of_machine("UpgradeMachine")).into()),
        row("Errors of functions", functions("Errors")),
        row("Duration of functions", functions("Duration")),
        row("Functions slowed down", functions("Throttles")),
        row("Journal", consumed.map(table).into()),
    ];
    let body = json!({ "widgets": widgets }).to_string();
    json!({
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": sub("fleetwright-${Environment}"),
            "DashboardBody": sub(&body),
        },
    })
}
