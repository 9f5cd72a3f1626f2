"""`cloud deploy` and `cloud destroy`: hub and spoke of the product's own templates, with CloudFormation played by the estate, Step
Functions by moto, and boto3 looking at what became of them."""

import json
import re
import signal
import subprocess
import sys

import pytest

from driven_functions import archive
from estate import Clients, Estate
from hub import HERE, UNHURRIED, Interpreter
from servers import Server, clean_environment

ENVIRONMENT, CODE = "test", "referee-code"
HUB, SPOKE = f"fleetwright-hub-{ENVIRONMENT}", f"fleetwright-spoke-{ENVIRONMENT}"
EXTERNAL_ID = "fleet-of-the-referee"
#: Exit codes: nothing to do, something wrong with the files, halted, stuck.
NOTHING, VALIDATION, HALTED, STUCK = 21, 15, 22, 23

SCENARIO = """
name = "deploy"
seed = 7

[access]
hub_actions = ["*"]

[[accounts]]
name = "shop"
id = "111122223333"
regions = ["eu-central-1"]
instances_per_region = 0
"""

SETTINGS = {"landing_zones": {"inventory": ["zones.yaml"]}, "environments": {ENVIRONMENT: {}}}


class Deployment:
    """An estate of its own, the files of `cloud template`, and the commands."""

    def __init__(self, binary, directory, pace=""):
        self.binary, self.directory = binary, directory
        (directory / "scenario.toml").write_text(SCENARIO + pace)
        self.estate = Estate(binary, directory / "scenario.toml", directory, "--speed", "60")
        clients = Clients(self.estate)
        self.stacks, self.s3 = clients.hub("cloudformation"), clients.hub("s3")
        self.account = clients.hub("sts").get_caller_identity()["Account"]
        place = {"LocationConstraint": self.estate.region}
        self.s3.create_bucket(Bucket=CODE, CreateBucketConfiguration=place)
        self.variables = {**self.estate.variables, "ESTATE_CLOCK_SPEED": "60", **UNHURRIED}
        (directory / "fleetwright.yaml").write_text(json.dumps(SETTINGS))
        (directory / "zones.yaml").write_text(json.dumps({"landing_zones": self.estate.zones}))
        (directory / "functions.zip").write_bytes(archive())
        (directory / "external-id").write_text(f"{EXTERNAL_ID}\n")
        secret = f"arn:aws:secretsmanager:{self.estate.region}:{self.account}:secret:given-AbCdEf"
        command = ["cloud", "template", "--hub-account", self.account, "--code-bucket", CODE, "--organization", "o-a1b2c3d4e5"]
        done = self.run(*command, "--external-id-secret", secret, "--approval-key-secret", secret)
        assert done.returncode == 0, done.stderr

    def command(self, *arguments):
        return [str(part) for part in (self.binary, *arguments)]

    def run(self, *arguments):
        return subprocess.run(
            self.command(*arguments),
            cwd=self.directory,
            env=clean_environment(self.directory, **self.variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def deploy(self, *arguments):
        """Exit code, rows, standard error of a deployment."""
        done = self.run("cloud", "deploy", "--hub", ENVIRONMENT, "--output", "jsonl", *arguments)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def destroy(self, *arguments):
        done = self.run("cloud", "destroy", "--hub", ENVIRONMENT, "--output", "jsonl", *arguments)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def made(self):
        """Deploys the hub for the first time."""
        code, rows, said = self.deploy("--functions", "functions.zip", "--yes")
        assert code == 0, said
        return rows

    def stack(self, name=HUB):
        (stack,) = self.stacks.describe_stacks(StackName=name)["Stacks"]
        return stack

    def spoil(self, resource, times):
        self.estate.post("/_estate/faults", {"kind": "stack_resource_fails", "instance": resource, "times": times})

    def changed(self, change):
        """Changes the template of the hub."""
        path = self.directory / "cloud" / "hub.template.json"
        template = json.loads(path.read_text())
        change(template["Resources"])
        path.write_text(json.dumps(template, indent=2))

    def called(self, action):
        return [call for call in self.estate.calls() if call["action"] == action and call["ok"]]


#: Resources that take so long that a command finds an operation under way: five seconds each.
SLOWLY = "\n[pace]\nstack_resource = [300, 300]\n"


@pytest.fixture
def deployment(binary, tmp_path, request):
    made = Deployment(binary, tmp_path, getattr(request, "param", ""))
    yield made
    assert made.estate.stop() == 0


def renamed(resources):
    resources["JournalTable"]["Properties"]["TableName"] = "another"


def with_seconds(seconds):
    def change(resources):
        resources["ScheduleDeadLetters"]["Properties"]["MessageRetentionPeriod"] = seconds

    return change


def test_a_hub_is_shown_made_and_then_as_it_should_be(deployment):
    code, rows, said = deployment.deploy("--functions", "functions.zip", "--dry-run")
    assert code == 0, said
    template = json.loads((deployment.directory / "cloud" / "hub.template.json").read_text())
    assert {row["change"] for row in rows} == {"add"}
    assert {row["resource"] for row in rows} <= set(template["Resources"])
    assert deployment.stack()["StackStatus"] == "REVIEW_IN_PROGRESS"
    keys = [it["Key"] for it in deployment.s3.list_objects_v2(Bucket=CODE)["Contents"]]
    assert [re.sub("[0-9a-f]{16}", "…", key) for key in keys] == ["fleetwright/templates/template-….json"]
    assert len(deployment.called("DeleteChangeSet")) == 1 and not deployment.called("ExecuteChangeSet")

    code, _, said = deployment.deploy("--functions", "functions.zip")
    assert code == 2 and "--yes" in said and not deployment.called("ExecuteChangeSet"), "nobody is there to ask"

    rows = deployment.made()
    events = [row for row in rows if "status" in row]
    assert (events[0]["resource"], events[0]["status"]) == (HUB, "CREATE_IN_PROGRESS")
    assert (events[-1]["resource"], events[-1]["status"]) == (HUB, "CREATE_COMPLETE")
    assert len({(row["at"], row["resource"], row["status"]) for row in events}) == len(events), "each once"
    stack = deployment.stack()
    given = {it["ParameterKey"]: it["ParameterValue"] for it in stack["Parameters"]}
    assert deployment.s3.get_object(Bucket=CODE, Key=given["CodeKey"])["Body"].read() == archive()
    for key, file in (("DefinitionKey", "machine.asl.json"), ("UpgradeDefinitionKey", "upgrade.asl.json")):
        definition = deployment.s3.get_object(Bucket=CODE, Key=given[key])["Body"].read()
        assert definition == (deployment.directory / "cloud" / file).read_bytes()
    assert {it["Key"]: it["Value"] for it in stack["Tags"]} == {"application": "fleetwright", "environment": ENVIRONMENT}

    code, _, said = deployment.deploy("--yes")
    assert code == NOTHING and f"the functions stay those of {given['CodeKey']}" in said, said
    assert len(deployment.called("ExecuteChangeSet")) == 1
    sets = deployment.stacks.get_paginator("describe_stack_events").paginate(StackName=HUB).build_full_result()
    assert sets["StackEvents"][0]["ResourceStatus"] == "CREATE_COMPLETE", "nothing was done to it since"


def test_what_holds_data_is_replaced_only_where_it_is_named(deployment):
    deployment.made()
    deployment.changed(renamed)
    code, rows, said = deployment.deploy("--yes")
    assert code == HALTED and "FW-K0004" in said and "JournalTable" in said, said
    (table,) = [row for row in rows if row["resource"] == "JournalTable"]
    assert (table["change"], table["retained"], table["about"]) == ("replace", True, ["TableName"])
    assert deployment.stack()["StackStatus"] == "CREATE_COMPLETE"
    code, _, said = deployment.deploy("--yes", "--allow-replacement", "JournalTable")
    assert code == 0, said
    assert deployment.stack()["StackStatus"] == "UPDATE_COMPLETE"


def test_of_a_failure_the_first_cause_is_told_and_what_was_never_made_leaves_nothing(deployment):
    deployment.spoil(f"{HUB}/TurnFunction", 1)
    code, rows, said = deployment.deploy("--functions", "functions.zip", "--yes")
    assert code == HALTED and "FW-K0005" in said, said
    assert "First cause: TurnFunction (AWS::Lambda::Function)" in said and "TurnFunction does not work" in said
    assert "cloud destroy" in said, "what to do about it"
    assert deployment.stack()["StackStatus"] == "ROLLBACK_COMPLETE"
    last = {row["resource"]: row["status"] for row in rows if "status" in row}
    assert "DELETE_SKIPPED" not in last.values(), "a name that is taken would keep the next try from succeeding"

    code, _, said = deployment.deploy("--functions", "functions.zip", "--yes")
    assert code == STUCK and "FW-K0006" in said and "cloud destroy" in said, said
    with idle_machine(deployment):
        code, _, said = deployment.destroy("--yes", "--confirm", ENVIRONMENT)
    assert code == 0, said
    deployment.made()


def test_a_change_that_fails_is_put_back_and_one_that_cannot_be_tells_how_to_go_on(deployment):
    deployment.made()
    deployment.changed(with_seconds(777_600))
    deployment.spoil(f"{HUB}/ScheduleDeadLetters", 1)
    code, _, said = deployment.deploy("--yes")
    assert code == HALTED and "UPDATE_ROLLBACK_COMPLETE. First cause: ScheduleDeadLetters" in said, said
    deployment.spoil(f"{HUB}/ScheduleDeadLetters", 2)
    code, _, said = deployment.deploy("--yes")
    assert code == STUCK and "UPDATE_ROLLBACK_FAILED. First cause: ScheduleDeadLetters" in said, said
    resume = f"aws cloudformation continue-update-rollback --stack-name {HUB}"
    assert resume in said
    code, _, said = deployment.deploy("--yes")
    assert code == STUCK and resume in said, "again, and nothing was tried"
    deployment.stacks.continue_update_rollback(StackName=HUB)
    waiter = deployment.stacks.get_waiter("stack_rollback_complete")
    waiter.wait(StackName=HUB, WaiterConfig={"Delay": 1})
    code, _, said = deployment.deploy("--yes")
    assert code == 0, said
    assert deployment.stack()["StackStatus"] == "UPDATE_COMPLETE"


@pytest.mark.parametrize("deployment", [SLOWLY], indirect=True, ids=["slowly"])
def test_who_leaves_comes_back_to_the_same_operation(deployment):
    command = deployment.command("cloud", "deploy", "--hub", ENVIRONMENT, "--functions", "functions.zip", "--yes")
    environment = clean_environment(deployment.directory, **deployment.variables)
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=deployment.directory, env=environment, text=True, **pipes) as leaving:
        for line in leaving.stdout:
            if "CREATE_IN_PROGRESS" in line:
                break
        leaving.send_signal(signal.SIGINT)
        rest = leaving.stdout.read()
        assert leaving.wait(timeout=60) == 130, rest
    assert "the stack goes on by itself" in rest
    code, rows, said = deployment.deploy("--functions", "functions.zip", "--yes")
    assert code == 0 and "it is followed to its end" in said, said
    assert (rows[0]["resource"], rows[0]["status"]) == (HUB, "CREATE_IN_PROGRESS"), "from its beginning"
    assert (rows[-1]["resource"], rows[-1]["status"]) == (HUB, "CREATE_COMPLETE")
    assert len(deployment.called("ExecuteChangeSet")) == 1


class idle_machine:
    """Step Functions of moto's with the machine of the hub, which waits when it is told to."""

    def __init__(self, deployment):
        self.deployment = deployment

    def __enter__(self):
        variables = {"MOTO_ACCOUNT_ID": self.deployment.account}
        command = [sys.executable, HERE / "interpreter.py", "-H", "127.0.0.1", "-p", "0"]
        self.server = Server(command, clean_environment(self.deployment.directory, **variables), stream="stderr")
        endpoint = next(line.split()[-1] for line in self.server.lines() if "Running on" in line)
        self.server.run_on()
        self.deployment.variables["AWS_ENDPOINT_URL_SFN"] = endpoint
        return Interpreter.client(endpoint)

    def __exit__(self, *_):
        self.server.stop()
        del self.deployment.variables["AWS_ENDPOINT_URL_SFN"]


def test_a_hub_is_deleted_by_whoever_says_so_twice_and_never_under_a_run(deployment):
    deployment.made()
    with idle_machine(deployment) as states:
        code, rows, said = deployment.destroy()
        assert code == HALTED and "--yes and --confirm test are needed" in said, said
        becomes = {row["resource"]: row["change"] for row in rows}
        assert (becomes["JournalTable"], becomes["ArtefactBucket"], becomes["Machine"]) == ("stays", "stays", "deleted")
        waits = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3000, "End": True}}}
        role = f"arn:aws:iam::{deployment.account}:role/machine"
        machine = states.create_state_machine(name=f"fleetwright-{ENVIRONMENT}", definition=json.dumps(waits), roleArn=role)
        machine = machine["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=machine, name="november")["executionArn"]
        sure = ("--yes", "--confirm", ENVIRONMENT)
        code, _, said = deployment.destroy(*sure)
        assert code == HALTED and "runs go on: november" in said, said
        states.stop_execution(executionArn=execution)
        assert deployment.destroy("--yes", "--confirm", "prod")[0] == HALTED, "another environment is no yes"
        deployment.stacks.update_termination_protection(StackName=HUB, EnableTerminationProtection=True)
        code, _, said = deployment.destroy(*sure)
        assert code == HALTED and "is protected" in said, said
        deployment.stacks.update_termination_protection(StackName=HUB, EnableTerminationProtection=False)
        assert not deployment.called("DeleteStack")

        stack = deployment.stack()["StackId"]
        deployment.spoil(f"{HUB}/Dashboard", 1)
        code, _, said = deployment.destroy(*sure)
        assert code == STUCK and "DELETE_FAILED. First cause: Dashboard" in said, said
        code, rows, said = deployment.destroy(*sure)
        assert code == 0 and "what stays is nobody's" in said, said
        last = {row["resource"]: row["status"] for row in rows if "status" in row}
        assert (last[HUB], last["Dashboard"]) == ("DELETE_COMPLETE", "DELETE_COMPLETE")
        assert deployment.stack(stack)["StackStatus"] == "DELETE_COMPLETE"
        code, _, said = deployment.destroy(*sure)
        assert code == NOTHING and "there is no stack" in said, said


def test_the_external_id_of_a_spoke_comes_from_a_file_and_is_seen_nowhere(deployment):
    code, _, said = deployment.deploy("--spoke", "--external-id-file", "external-id", "--yes")
    assert code == 0, said
    given = {it["ParameterKey"]: it["ParameterValue"] for it in deployment.stack(SPOKE)["Parameters"]}
    assert given["ExternalId"] == "****" and EXTERNAL_ID not in said
    kept = [path for path in deployment.directory.rglob("*") if path.is_file() and path.name != "external-id"]
    own = [path for path in kept if path.parent == deployment.directory]
    assert not [path for path in kept if path not in own and EXTERNAL_ID.encode() in path.read_bytes()]
    code, _, said = deployment.deploy("--spoke", "--yes")
    assert code == NOTHING, "it keeps the one it has"
    code, _, said = deployment.destroy("--spoke", "--yes", "--confirm", ENVIRONMENT)
    assert code == 0, said


def test_cloudformation_judges_as_well_where_a_hub_is_named(deployment):
    def judged():
        done = deployment.run("cloud", "validate", "--hub", ENVIRONMENT, "--output", "json")
        found = {row["file"].rpartition("/")[2]: row["findings"] for row in json.loads(done.stdout)}
        return done.returncode, found, done.stderr

    code, found, said = judged()
    assert code == 0 and not any(found.values()), said
    assert len(deployment.called("ValidateTemplate")) == 2
    deployment.changed(lambda resources: resources["Key"]["Properties"].update(Description=None))
    code, found, said = judged()
    assert code == VALIDATION, said
    (finding,) = found["hub.template.json"]
    assert finding["message"].startswith("CloudFormation: [/Resources/Key/Properties/Description] 'null' values")
    assert not found["spoke.template.json"]
