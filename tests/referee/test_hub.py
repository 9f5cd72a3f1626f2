"""The hub, made from its own templates, drives runs in an interpreter of state machines that somebody else wrote: with the
built functions, over four accounts and two regions, whatever becomes of single invocations."""

import collections
import json
import os
import pathlib
import re
import subprocess
import urllib.parse

import pytest

from hub import EXTERNAL_ID, Hub, until
from servers import clean_environment

ACCOUNTS = {"one": "111122223333", "two": "222233334444", "three": "333344445555", "four": "444455556666"}
PASSPHRASE = "correct horse battery staple"

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

#: What goes wrong with single invocations of functions: of the fourth, the seventh and so on of all.
FAULTS = """
[[faults]]
kind = "function_crashes"
service = "lambda"
action = "Invoke"
nth = { exactly = 4 }

[[faults]]
kind = "function_times_out"
service = "lambda"
action = "Invoke"
nth = { exactly = 9 }

[[faults]]
kind = "function_runs_twice"
service = "lambda"
action = "Invoke"
nth = { exactly = 14 }
"""

SETTINGS = {
    "safety": {
        "max_concurrent": "100%",
        "bake": "2m",
        "waves": [{"name": "half", "size": "50%"}, {"name": "rest"}],
        "budgets": {"application": "100%", "zone": "100%"},
    },
}

#: The calls that change something on a host, beside commands and images.
CHANGES = ("StartInstances", "StopInstances", "RebootInstances", "CreateReplaceRootVolumeTask", "RunInstances")


@pytest.fixture(scope="module")
def bootstrap(binary):
    """The built functions: FLEETWRIGHT_BOOTSTRAP, or what is built beside the binary."""
    path = pathlib.Path(os.environ.get("FLEETWRIGHT_BOOTSTRAP", binary.with_name("bootstrap")))
    assert path.exists(), f"{path} is missing: run `cargo xtask test --only referee`, or set FLEETWRIGHT_BOOTSTRAP"
    return path


@pytest.fixture
def hub(binary, bootstrap, tmp_path):
    keys = tmp_path / "approvals.json"
    environment = clean_environment(tmp_path)
    kept = ["--state-dir", tmp_path / "state", "--keys", keys]
    for more in (["key", "new"], ["approver", "ann", "--passphrase-stdin"]):
        command = [binary, "approvals", *more, *kept]
        subprocess.run(command, env=environment, input=PASSPHRASE, text=True, check=True, capture_output=True)
    made = Hub(binary, bootstrap, SCENARIO + FAULTS, SETTINGS, tmp_path)
    yield made
    made.stop()


def links(hub):
    """The links that were sent, each once."""
    found = [found for message in hub.messages() for found in re.findall(r"https://\S+/approvals/\S+", message["message"])]
    return list(dict.fromkeys(found))


def asked(method, link, form=None):
    """A request as API Gateway hands it on."""
    path = urllib.parse.urlsplit(link).path
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/x-www-form-urlencoded"} if form else {},
        "pathParameters": {"token": path.rsplit("/", 1)[1]},
        "requestContext": {"http": {"method": method}},
        "isBase64Encoded": False,
    }
    return {**event, "body": urllib.parse.urlencode(form)} if form else event


def decide(hub, link, decision):
    """Opens a link, as a person does, and decides."""
    assert hub.call("authorise", asked("GET", link)) == {"isAuthorized": True}
    page = hub.call("approve", asked("GET", link))
    assert page["statusCode"] == 200 and "passphrase" in page["body"], page
    token = urllib.parse.urlsplit(link).path.rsplit("/", 1)[1]
    form = {"token": token, "decision": decision, "passphrase": PASSPHRASE, "reason": ""}
    done = hub.call("approve", asked("POST", link, form))
    assert done["statusCode"] == 200, done


def approve_until_over(hub, execution):
    """Approves whatever is asked, until the execution is over."""
    decided = []

    def look():
        for link in links(hub):
            if link not in decided:
                decided.append(link)
                decide(hub, link, "approve")
        return hub.over(execution)

    return until(look), decided


def changes(call):
    """The changes one call made, each as (what, instance)."""
    asked, action = call["request"], call["action"]
    if action == "SendCommand":
        return [(asked.get("Comment") or asked["DocumentName"], each) for each in asked.get("InstanceIds", [])]
    if action == "CreateImage":
        return [(action, asked["InstanceId"])]
    return [(action, str(asked))] if action in CHANGES else []


def file(hub, run, name):
    bucket = hub.template.reference("ArtefactBucket")
    return hub.client("s3").get_object(Bucket=bucket, Key=f"runs/{run}/{name}")["Body"].read()


def test_a_run_goes_through_whatever_becomes_of_single_invocations(hub):
    execution = hub.start("night-1")
    described, decided = approve_until_over(hub, execution)
    assert described["status"] == "SUCCEEDED", described
    turn = json.loads(described["output"])["turn"]
    assert (turn["status"], turn["ending"]) == (200, "complete")
    assert len(decided) == 3, "before the canary, before one half, before the rest"
    report = json.loads(file(hub, "night-1", "artefacts/reports/run.json"))
    outcomes = collections.Counter(host["outcome"] for host in report["instances"])
    assert outcomes == {"patched": 16}, outcomes
