//! Maintenance windows and change calendars.

use serde_json::{Value, json};

use crate::balancing::Scene;
use crate::code;

fn window(more: Value) -> Value {
    let mut document = json!({
        "Name": "sunday-night",
        "Schedule": "cron(0 2 ? * SUN *)",
        "ScheduleTimezone": "Europe/Berlin",
        "Duration": 4,
        "Cutoff": 1,
        "AllowUnassociatedTargets": false,
    });
    for (name, value) in more.as_object().expect("members") {
        document[name] = value.clone();
    }
    document
}

fn made(scene: &mut Scene, more: Value) -> String {
    let answer = scene.ssm(0, "CreateMaintenanceWindow", window(more)).expect("it is made");
    answer["WindowId"].as_str().expect("an id").to_owned()
}

fn refused(scene: &mut Scene, action: &str, document: Value) -> String {
    code(scene.ssm(0, action, document))
}

#[test]
fn a_window_is_made_once_per_token_and_shows_when_it_opens() {
    let mut scene = Scene::new("");
    let first = made(&mut scene, json!({ "ClientToken": "t-1" }));
    assert_eq!(made(&mut scene, json!({ "ClientToken": "t-1" })), first);
    let other = window(json!({ "ClientToken": "t-1", "Duration": 5 }));
    assert_eq!(refused(&mut scene, "CreateMaintenanceWindow", other), "IdempotentParameterMismatch");
    assert_ne!(made(&mut scene, json!({})), first, "without a token each call makes one");
    let shown = scene.ssm(0, "GetMaintenanceWindow", json!({ "WindowId": first })).expect("it is there");
    assert_eq!(shown["NextExecutionTime"], "2026-11-08T02:00+01:00");
    assert_eq!((&shown["Duration"], &shown["Enabled"]), (&json!(4), &json!(true)));
    let listed = scene
        .ssm(
            0,
            "DescribeMaintenanceWindows",
            json!({ "Filters": [{ "Key": "Name", "Values": ["sunday-night"] }] }),
        )
        .expect("a list");
    assert_eq!(listed["WindowIdentities"].as_array().map(Vec::len), Some(2));
    let schedule = scene
        .ssm(0, "DescribeMaintenanceWindowSchedule", json!({ "WindowId": first, "MaxResults": 2 }))
        .expect("a schedule");
    let times: Vec<&Value> = schedule["ScheduledWindowExecutions"]
        .as_array()
        .expect("times")
        .iter()
        .map(|it| &it["ExecutionTime"])
        .collect();
    assert_eq!(times, ["2026-11-08T02:00+01:00", "2026-11-15T02:00+01:00"]);
    assert!(schedule["NextToken"].is_string());
}

#[test]
fn what_aws_would_refuse_of_a_window_is_refused() {
    let mut scene = Scene::new("");
    for more in [
        json!({ "Duration": 0 }),
        json!({ "Duration": 25 }),
        json!({ "Cutoff": 4 }),
        json!({ "Cutoff": 24 }),
        json!({ "Name": "a b" }),
        json!({ "Name": "ab" }),
        json!({ "Schedule": "sundays" }),
        json!({ "ScheduleTimezone": "Mars/Olympus" }),
        json!({ "Schedule": "rate(7 days)", "ScheduleOffset": 2 }),
        json!({ "EndDate": "2020-01-01T00:00:00Z" }),
        json!({ "AllowUnassociatedTargets": null }),
    ] {
        assert_eq!(
            refused(&mut scene, "CreateMaintenanceWindow", window(more.clone())),
            "ValidationException",
            "{more}"
        );
    }
    for n in 0..50 {
        made(&mut scene, json!({ "Name": format!("window-{n}") }));
    }
    assert_eq!(
        refused(&mut scene, "CreateMaintenanceWindow", window(json!({}))),
        "ResourceLimitExceededException"
    );
}

#[test]
fn targets_and_tasks_are_registered_listed_and_deregistered() {
    let mut scene = Scene::new("");
    let id = made(&mut scene, json!({}));
    let target = json!({
        "WindowId": id, "ResourceType": "INSTANCE",
        "Targets": [{ "Key": "tag:Tier", "Values": ["web"] }], "OwnerInformation": "run 7",
    });
    let registered = scene.ssm(0, "RegisterTargetWithMaintenanceWindow", target.clone()).expect("registered");
    let target_id = registered["WindowTargetId"].as_str().expect("an id").to_owned();
    let task = json!({
        "WindowId": id, "TaskArn": "AWS-RunPatchBaseline", "TaskType": "RUN_COMMAND",
        "Targets": [{ "Key": "WindowTargetIds", "Values": [target_id] }],
        "MaxConcurrency": "10%", "MaxErrors": "1", "Priority": 2, "CutoffBehavior": "CONTINUE_TASK",
        "TaskInvocationParameters": { "RunCommand": { "Parameters": { "Operation": ["Install"] } } },
    });
    let task_id =
        scene.ssm(0, "RegisterTaskWithMaintenanceWindow", task.clone()).expect("registered")["WindowTaskId"]
            .clone();
    let targets =
        scene.ssm(0, "DescribeMaintenanceWindowTargets", json!({ "WindowId": id })).expect("a list");
    assert_eq!(targets["Targets"][0]["OwnerInformation"], "run 7");
    let tasks = scene.ssm(0, "DescribeMaintenanceWindowTasks", json!({ "WindowId": id })).expect("a list");
    assert_eq!(
        (&tasks["Tasks"][0]["Type"], &tasks["Tasks"][0]["WindowTaskId"]),
        (&json!("RUN_COMMAND"), &task_id)
    );
    let safe = json!({ "WindowId": id, "WindowTargetId": target_id, "Safe": true });
    assert_eq!(
        refused(&mut scene, "DeregisterTargetFromMaintenanceWindow", safe.clone()),
        "TargetInUseException"
    );
    let drop = json!({ "WindowId": id, "WindowTaskId": task_id });
    scene.ssm(0, "DeregisterTaskFromMaintenanceWindow", drop.clone()).expect("deregistered");
    assert_eq!(refused(&mut scene, "DeregisterTaskFromMaintenanceWindow", drop), "DoesNotExistException");
    scene.ssm(0, "DeregisterTargetFromMaintenanceWindow", safe).expect("no task goes there any more");
    for n in 0..100 {
        let mut more = target.clone();
        more["ClientToken"] = format!("t-{n}").into();
        scene.ssm(0, "RegisterTargetWithMaintenanceWindow", more).expect("registered");
    }
    assert_eq!(
        refused(&mut scene, "RegisterTargetWithMaintenanceWindow", target),
        "ResourceLimitExceededException"
    );
    let mut direct = task.clone();
    direct["Targets"] = json!([{ "Key": "InstanceIds", "Values": ["i-0123456789abcdef0"] }]);
    for _ in 0..20 {
        scene.ssm(0, "RegisterTaskWithMaintenanceWindow", direct.clone()).expect("registered");
    }
    assert_eq!(
        refused(&mut scene, "RegisterTaskWithMaintenanceWindow", direct),
        "ResourceLimitExceededException"
    );
    assert_eq!(refused(&mut scene, "RegisterTaskWithMaintenanceWindow", task), "DoesNotExistException");
    for _ in 0..2 {
        let deleted = scene.ssm(0, "DeleteMaintenanceWindow", json!({ "WindowId": id })).expect("always");
        assert_eq!(deleted["WindowId"], id.as_str());
    }
    assert_eq!(
        refused(&mut scene, "GetMaintenanceWindow", json!({ "WindowId": id })),
        "DoesNotExistException"
    );
}

#[test]
fn a_calendar_closes_and_opens_when_its_events_say() {
    let mut scene = Scene::new(
        "[[calendars]]\nname = \"Freeze\"\nevents = [{ from = \"2026-11-02T03:00:00Z\", until = \"2026-11-02T04:00:00Z\" }]\n",
    );
    let ask = |scene: &mut Scene, second| {
        let answer =
            scene.ssm(second, "GetCalendarState", json!({ "CalendarNames": ["Freeze"] })).expect("a state");
        (answer["State"].clone(), answer["NextTransitionTime"].clone())
    };
    assert_eq!(ask(&mut scene, 0), (json!("OPEN"), json!("2026-11-02T03:00:00Z")));
    assert_eq!(ask(&mut scene, 3_600), (json!("CLOSED"), json!("2026-11-02T04:00:00Z")));
    assert_eq!(ask(&mut scene, 7_200), (json!("OPEN"), Value::Null));
    let arn = format!("arn:aws:ssm:eu-central-1:{}:document/Freeze", scene.stage.account);
    let later = json!({ "CalendarNames": [arn], "AtTime": "2026-11-02T03:30:00Z" });
    assert_eq!(scene.ssm(0, "GetCalendarState", later).expect("a state")["State"], "CLOSED");
    assert_eq!(
        refused(&mut scene, "GetCalendarState", json!({ "CalendarNames": ["None"] })),
        "InvalidDocument"
    );
    assert_eq!(refused(&mut scene, "GetCalendarState", json!({})), "ValidationException");
}
