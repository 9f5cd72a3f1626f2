"""How boto3 drives Systems Manager's maintenance windows and change calendars."""

from driven_by_boto3 import drives, pages
from driven_ec2_changes import REGION, refusal

GONE = "mw-0123456789abcdef0"


def ssm_of(clients):
    return clients.zone("ssm", clients.estate.zones[1], region=REGION)


def window(ssm, name, **more):
    facts = {
        "Name": name,
        "Schedule": "cron(0 2 ? * SUN *)",
        "ScheduleTimezone": "Europe/Berlin",
        "Duration": 4,
        "Cutoff": 1,
        "AllowUnassociatedTargets": False,
    }
    return ssm.create_maintenance_window(**{**facts, **more})["WindowId"]


def target(ssm, id, **more):
    targets = [{"Key": "tag:Tier", "Values": ["web"]}]
    facts = {"WindowId": id, "ResourceType": "INSTANCE", "Targets": targets}
    return ssm.register_target_with_maintenance_window(**facts, **more)["WindowTargetId"]


def task(ssm, id, window_target, **more):
    parameters = {"RunCommand": {"Parameters": {"Operation": ["Install"], "RebootOption": ["NoReboot"]}}}
    facts = {
        "WindowId": id,
        "TaskArn": "AWS-RunPatchBaseline",
        "TaskType": "RUN_COMMAND",
        "Targets": [{"Key": "WindowTargetIds", "Values": [window_target]}],
        "MaxConcurrency": "10%",
        "MaxErrors": "1",
        "TaskInvocationParameters": parameters,
    }
    return ssm.register_task_with_maintenance_window(**facts, **more)["WindowTaskId"]


@drives("ssm", "CreateMaintenanceWindow")
def create_maintenance_window(clients):
    ssm = ssm_of(clients)
    first = window(ssm, "created", ClientToken="created-1")
    assert window(ssm, "created", ClientToken="created-1") == first
    tokened = {"ssm": ssm, "name": "created-2", "ClientToken": "created-1"}
    assert refusal(window, **tokened) == "IdempotentParameterMismatch"
    assert refusal(window, ssm=ssm, name="short", Duration=2, Cutoff=2) == "ValidationException"
    ssm.delete_maintenance_window(WindowId=first)


@drives("ssm", "GetMaintenanceWindow")
def get_maintenance_window(clients):
    ssm = ssm_of(clients)
    id = window(ssm, "got", Description="of a referee")
    shown = ssm.get_maintenance_window(WindowId=id)
    assert (shown["Name"], shown["Duration"], shown["Enabled"]) == ("got", 4, True)
    assert "T02:00+0" in shown["NextExecutionTime"]
    ssm.delete_maintenance_window(WindowId=id)
    assert refusal(ssm.get_maintenance_window, WindowId=id) == "DoesNotExistException"


@drives("ssm", "DescribeMaintenanceWindows")
def describe_maintenance_windows(clients):
    ssm = ssm_of(clients)
    made = [window(ssm, f"listed-{n}") for n in range(12)]
    listed = pages(ssm, "describe_maintenance_windows", 10)
    assert set(made) <= {it["WindowId"] for page in listed for it in page["WindowIdentities"]}
    assert len(listed) >= 2
    named = ssm.describe_maintenance_windows(Filters=[{"Key": "Name", "Values": ["listed-3"]}])
    assert [it["WindowId"] for it in named["WindowIdentities"]] == [made[3]]
    for id in made:
        ssm.delete_maintenance_window(WindowId=id)


@drives("ssm", "DeleteMaintenanceWindow")
def delete_maintenance_window(clients):
    assert ssm_of(clients).delete_maintenance_window(WindowId=GONE)["WindowId"] == GONE


@drives("ssm", "DescribeMaintenanceWindowSchedule")
def describe_maintenance_window_schedule(clients):
    ssm = ssm_of(clients)
    id = window(ssm, "scheduled", Schedule="rate(1 hours)")
    openings = ssm.describe_maintenance_window_schedule(WindowId=id, MaxResults=3)
    times = [it["ExecutionTime"] for it in openings["ScheduledWindowExecutions"]]
    assert len(times) == 3 and times == sorted(times)
    ssm.delete_maintenance_window(WindowId=id)


@drives("ssm", "RegisterTargetWithMaintenanceWindow")
def register_target(clients):
    ssm = ssm_of(clients)
    id = window(ssm, "aimed")
    first = target(ssm, id, ClientToken="aimed-1")
    assert target(ssm, id, ClientToken="aimed-1") == first
    assert refusal(target, ssm=ssm, id=GONE) == "DoesNotExistException"
    ssm.delete_maintenance_window(WindowId=id)


@drives("ssm", "DescribeMaintenanceWindowTargets")
def describe_targets(clients):
    ssm = ssm_of(clients)
    id = window(ssm, "shown-targets")
    made = target(ssm, id, OwnerInformation="run 7", Name="web-servers")
    (shown,) = ssm.describe_maintenance_window_targets(WindowId=id)["Targets"]
    assert (shown["WindowTargetId"], shown["OwnerInformation"]) == (made, "run 7")
    ssm.delete_maintenance_window(WindowId=id)


@drives("ssm", "DeregisterTargetFromMaintenanceWindow")
def deregister_target(clients):
    ssm = ssm_of(clients)
    id = window(ssm, "unaimed")
    which = {"WindowId": id, "WindowTargetId": target(ssm, id)}
    task(ssm, id, which["WindowTargetId"])
    assert refusal(ssm.deregister_target_from_maintenance_window, **which, Safe=True) == "TargetInUseException"
    assert ssm.deregister_target_from_maintenance_window(**which)["WindowId"] == id
    ssm.delete_maintenance_window(WindowId=id)


@drives("ssm", "RegisterTaskWithMaintenanceWindow")
def register_task(clients):
    ssm = ssm_of(clients)
    id = window(ssm, "tasked")
    aim = target(ssm, id)
    first = task(ssm, id, aim, ClientToken="tasked-1")
    assert task(ssm, id, aim, ClientToken="tasked-1") == first
    nowhere = {"ssm": ssm, "id": id, "window_target": "00000000-0000-4000-8000-000000000000"}
    assert refusal(task, **nowhere) == "DoesNotExistException"
    ssm.delete_maintenance_window(WindowId=id)


@drives("ssm", "DescribeMaintenanceWindowTasks")
def describe_tasks(clients):
    ssm = ssm_of(clients)
    id = window(ssm, "shown-tasks")
    made = task(ssm, id, target(ssm, id), Priority=3, CutoffBehavior="CANCEL_TASK")
    (shown,) = ssm.describe_maintenance_window_tasks(WindowId=id)["Tasks"]
    assert (shown["WindowTaskId"], shown["Type"], shown["Priority"]) == (made, "RUN_COMMAND", 3)
    ssm.delete_maintenance_window(WindowId=id)


@drives("ssm", "DeregisterTaskFromMaintenanceWindow")
def deregister_task(clients):
    ssm = ssm_of(clients)
    id = window(ssm, "untasked")
    which = {"WindowId": id, "WindowTaskId": task(ssm, id, target(ssm, id))}
    assert ssm.deregister_task_from_maintenance_window(**which)["WindowTaskId"] == which["WindowTaskId"]
    assert refusal(ssm.deregister_task_from_maintenance_window, **which) == "DoesNotExistException"
    ssm.delete_maintenance_window(WindowId=id)


@drives("ssm", "GetCalendarState")
def get_calendar_state(clients):
    ssm = ssm_of(clients)
    assert ssm.get_calendar_state(CalendarNames=["Referee-Freeze"])["State"] == "CLOSED"
    assert refusal(ssm.get_calendar_state, CalendarNames=["None"]) == "InvalidDocument"
