"""The hub upgrades clusters: its second state machine in an interpreter that somebody else wrote, with the built functions of
the five phases, by people who decide behind links."""

import json
import re

import pytest

from hub import EXTERNAL_ID, Hub
from people import approve_until_over, file, keys

ACCOUNT = "210987654321"

CLUSTER = """
[[clusters]]
name = "{name}"
account = "shop-prod"
version = "1.34"
logging = ["audit"]
node_groups = [{{ name = "blue", nodes = 3{more} }}]
addons = [{{ name = "vpc-cni" }}, {{ name = "coredns" }}, {{ name = "kube-proxy" }}]
workloads = [{{ name = "web", namespace = "shop", replicas = 3, max_unavailable = 1 }}]
"""

SCENARIO = f"""
name = "hub-upgrades"
seed = 5

[access]
role_name = "fleetwright-spoke"
external_id = "{EXTERNAL_ID}"
hub_actions = ["*"]

[pace]
function = [0, 1]
table = [0, 1]

[[accounts]]
name = "shop-prod"
id = "{ACCOUNT}"
regions = ["eu-central-1"]

[fleet]
regions = ["eu-central-1"]
instances = 0

# Whatever the function, now and then it ends before it answers.
[[faults]]
kind = "function_crashes"
service = "lambda"
action = "Invoke"
nth = {{ every = 13 }}
""" + "".join(CLUSTER.format(name=name, more=more) for name, more in [("shop", ""), ("sick", ", kubelets_fail = true")])


@pytest.fixture(scope="module")
def hub(binary, bootstrap, tmp_path_factory):
    """One hub for all of them: each upgrades a cluster of its own."""
    home = tmp_path_factory.mktemp("hub")
    keys(binary, home)
    made = Hub(binary, bootstrap, SCENARIO, {}, home, machine="UpgradeMachine", clusters=["*"])
    yield made
    made.stop()


def cluster(hub, name):
    """The versions of a cluster's control plane and of its node group, and how often each kind of update was made."""
    eks = hub.clients.zone("eks")
    version = eks.describe_cluster(name=name)["cluster"]["version"]
    group = eks.describe_nodegroup(clusterName=name, nodegroupName="blue")["nodegroup"]["version"]
    updates = [eks.describe_update(name=name, updateId=it)["update"]["type"] for it in eks.list_updates(name=name)["updateIds"]]
    return version, group, sorted(updates)


def states(hub, execution):
    """The states that an execution entered, in order."""
    entered = [event for event in hub.history(execution) if event["type"].endswith("StateEntered")]
    return [event["stateEnteredEventDetails"]["name"] for event in entered]


def test_a_cluster_goes_up_through_all_phases(hub):
    execution = hub.start("shop-135", "--upgrade", "shop", "--to", "1.35")
    described = approve_until_over(hub, execution)
    assert described["status"] == "SUCCEEDED", [it for it in hub.history(execution) if "Failed" in it["type"]][-3:]
    said = json.loads(described["output"])
    assert said["perceived"]["standing"] == "executable"
    assert (said["validated"]["success"], said["validated"]["ending"], said["validated"]["worse"]) == (True, "complete", [])
    assert cluster(hub, "shop") == ("1.35", "1.35", ["VersionUpdate"])
    names = states(hub, execution)
    phases = [name for name in dict.fromkeys(names) if name in ("Perception", "Reasoning", "Execution", "Validation", "Rollback")]
    assert phases == ["Perception", "Reasoning", "Execution", "Validation"], names
    for name in ("readiness.json", "runbook.md", "reports/upgrade.json", "reports/upgrade.md"):
        assert file(hub, "shop-135", name), name
    report = json.loads(file(hub, "shop-135", "reports/upgrade.json"))
    assert [it["standing"] for it in report["clusters"]] == ["done"], report["clusters"]

    judged = json.loads(hub.do("audit", "verify", "shop-135", "--output", "json").stdout)
    assert judged["proven_to"] == judged["records"] > 0, judged
    denied = {call["action"] for call in hub.estate.calls() if not call["ok"] and "Denied" in str(call.get("error"))}
    assert not denied, "the roles of the templates are enough"
    listed = json.loads(hub.do("cloud", "list", "--upgrades", "--output", "json").stdout)
    assert ("shop-135", "SUCCEEDED") in [(row["name"], row["status"]) for row in listed]
    assert "ready" in hub.do("watch", "shop-135").stdout or "done" in hub.do("eks", "status", "shop-135").stdout


def test_an_upgrade_that_fails_is_taken_back_once_and_its_execution_fails(hub):
    execution = hub.start("sick-135", "--upgrade", "sick", "--to", "1.35")
    described = approve_until_over(hub, execution)
    assert (described["status"], described["error"]) == ("FAILED", "Fleetwright.RolledBack"), described
    assert cluster(hub, "sick") == ("1.34", "1.34", ["VersionRollback", "VersionUpdate"])
    names = states(hub, execution)
    assert names.count("Rollback") == 1 and names.count("Validation") == 2, names
    asked = {found for it in hub.messages() for found in re.findall(r"(sick-135\S*): stage", it["message"])}
    assert asked == {"sick-135", "sick-135-back"}, asked
    first = json.loads(file(hub, "sick-135", "reports/upgrade.json"))
    assert "NodeCreationFailure" in json.dumps(first)
    back = json.loads(file(hub, "sick-135-back", "reports/upgrade.json"))
    assert [it["standing"] for it in back["clusters"]] == ["done"], back["clusters"]


def test_what_blocks_or_means_nothing_changes_nothing(hub):
    execution = hub.start("nowhere", "--upgrade", "nobody", "--to", "1.35")
    failed = hub.ended(execution)
    assert (failed["status"], failed["error"]) == ("FAILED", "Fleetwright.Unusable"), failed
    assert "no landing zone of the hub has a cluster nobody" in failed["cause"], failed
    assert states(hub, execution)[-1] == "Failed"
