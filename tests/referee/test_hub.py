"""The hub, made from its own templates, drives runs in an interpreter of state machines that somebody else wrote: with the
built functions, over four accounts and two regions, whatever becomes of single invocations."""

import collections
import json
import re

import pytest

from effects import effects
from hub import EXTERNAL_ID, Hub, until
from people import approve_until_over, file, keys, links

ACCOUNTS = {"one": "111122223333", "two": "222233334444", "three": "333344445555", "four": "444455556666"}

SCENARIO = f"""
name = "hub"
seed = 5

[access]
role_name = "fleetwright-spoke"
external_id = "{EXTERNAL_ID}"
hub_actions = ["*"]

[pace]
image = [60, 180]
function = [0, 1]
table = [0, 1]

[fleet]
regions = ["eu-central-1", "eu-west-1"]
instances = 0

[fleet.shares]
agent_old = 0.0
""" + "".join(
    f"""
[[accounts]]
name = "{name}"
id = "{account}"
regions = ["eu-central-1", "eu-west-1"]
instances_per_region = 0
"""
    + "".join(
        f"""
[[instances]]
account = "{name}"
region = "{region}"
count = 2
missing = ["openssl", "kernel"]
tags = {{ Name = "{name}-{region}", Application = "shop" }}
"""
        for region in ("eu-central-1", "eu-west-1")
    )
    for name, account in ACCOUNTS.items()
)

#: What goes wrong with single invocations, of whichever function: the machine's and those of people who decide.
FAULTS = "".join(
    f"""
[[faults]]
kind = "{kind}"
service = "lambda"
action = "Invoke"
nth = {{ every = {every} }}
"""
    for kind, every in (("function_runs_twice", 5), ("function_crashes", 7), ("function_times_out", 9))
)

SETTINGS = {
    "safety": {
        "max_concurrent": "100%",
        "bake": "2m",
        "waves": [{"name": "half", "size": "50%"}, {"name": "rest"}],
        "budgets": {"application": "100%", "zone": "100%"},
    },
}


@pytest.fixture
def make(binary, bootstrap, tmp_path):
    """Makes a hub whose functions have these faults."""
    keys(binary, tmp_path)
    made = []

    def hub(faults):
        made.append(Hub(binary, bootstrap, SCENARIO + faults, SETTINGS, tmp_path))
        return made[-1]

    yield hub
    for each in made:
        each.stop()


def test_a_run_goes_through_whatever_becomes_of_single_invocations(make):
    hub = make(FAULTS)
    execution = hub.start("night-1")
    described = approve_until_over(hub, execution)
    assert described["status"] == "SUCCEEDED", [it for it in hub.history(execution) if "Failed" in it["type"]][-3:]
    turn = json.loads(described["output"])["turn"]
    assert (turn["status"], turn["ending"]) == (200, "complete")
    # A function that asks is not always the only one that asked.
    stages = [found for it in hub.messages() for found in re.findall(r"night-1: stage (\S+) waits", it["message"])]
    assert set(stages) == {"canary", "half", "rest"}, stages

    report = json.loads(file(hub, "night-1", "reports/run.json"))
    outcomes = collections.Counter(host["outcome"] for host in report["instances"])
    places = {(host["account_id"], host["region"]) for host in report["instances"]}
    assert (outcomes, len(places)) == ({"success": 16}, 8)
    calls = hub.estate.calls()
    twice = {what: times for what, times in effects(calls).items() if times > 1}
    assert not twice
    assert json.loads(hub.estate.get("/_estate/check"))["findings"] == []
    denied = {call["action"] for call in calls if not call["ok"] and "Denied" in str(call.get("error"))}
    assert not denied, "the roles of the template are enough"
    broken = [it for it in hub.history(execution) if it["type"] in ("TaskFailed", "TaskTimedOut")]
    errors = {error for it in broken for key, value in it.items() if key.endswith("Details") for error in [value.get("error")]}
    assert {"Runtime.ExitError", "Sandbox.Timedout"} <= errors, errors

    judged = hub.do("audit", "verify", "night-1", "--output", "json")
    assert json.loads(judged.stdout)["proven_to"] == json.loads(judged.stdout)["records"], judged.stdout
    watched = hub.do("watch", "night-1")
    assert "16 success" in watched.stdout, watched.stdout


def test_a_run_is_that_of_one_execution_and_an_abort_ends_it_as_failed(make):
    hub = make("")
    execution = hub.start("night-2")
    until(lambda: links(hub))
    assert "running" in hub.do("cloud", "start", "night-2").stdout.lower(), "the same name is the same execution"
    other = hub.interpreter.states.start_execution(
        stateMachineArn=hub.machine, name="another", input=json.dumps({"run": "night-2"})
    )["executionArn"]
    refused = hub.ended(other)
    assert (refused["status"], refused["error"]) == ("FAILED", "Fleetwright.Unusable"), refused
    assert f"night-2 is the run of {execution}" in refused["cause"], refused
    before = effects(hub.estate.calls())

    assert "canary" in hub.do("status", "night-2").stdout
    listed = json.loads(hub.do("cloud", "list", "--output", "json").stdout)
    assert {row["name"]: row["status"] for row in listed} == {"night-2": "RUNNING", "another": "FAILED"}
    assert json.loads(hub.do("cloud", "describe", "night-2", "--output", "json").stdout)[0]["status"] == "RUNNING"
    assert "TaskStateEntered Decision" in hub.do("cloud", "history", "night-2").stdout
    aborted = hub.do("abort", "night-2", "--by", "ann")
    assert "its execution goes on" in aborted.stderr, aborted.stderr
    described = hub.ended(execution)
    assert (described["status"], described["error"]) == ("FAILED", "Fleetwright.Aborted"), described
    assert json.loads(described["cause"])["status"] == 500
    assert effects(hub.estate.calls()) == before, "nothing was changed after that"
    fetched = hub.directory / "evidence"
    hub.do("cloud", "evidence", "night-2", "--below", "reports/", "--into", fetched)
    report = json.loads((fetched / "reports" / "run.json").read_text())
    assert report["run"]["run_id"] == "night-2"
    assert any("Fleetwright" not in it["message"] and "aborted" in it["message"] for it in hub.messages())
