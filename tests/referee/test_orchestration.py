"""State machines, executions, rules and events by our commands, in moto, whose interpreter carries executions out;
boto3 sees the same."""

import json
import pathlib
import subprocess
import sys

import boto3
import pytest
import yaml

from servers import Server, clean_environment

ACCOUNT, REGION = "111122223333", "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/hub"

#: Does what its input asks for: ends well, fails, or waits for longer than any test.
DEFINITION = """
StartAt: Choose
TimeoutSeconds: 3600
States:
  Choose:
    Type: Choice
    Choices:
      - {Variable: $.do, StringEquals: fail, Next: Refuse}
      - {Variable: $.do, StringEquals: stay, Next: Stay}
    Default: Work
  Work: {Type: Pass, Result: {done: true}, Next: Done}
  Stay: {Type: Wait, Seconds: 3000, Next: Done}
  Refuse: {Type: Fail, Error: Refused, Cause: it was asked to}
  Done: {Type: Succeed}
"""


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    """A moto server that carries out what it is told to; the variables that point at it."""
    home = tmp_path_factory.mktemp("moto")
    program = pathlib.Path(__file__).with_name("interpreter.py")
    server = Server([sys.executable, program, "-H", "127.0.0.1", "-p", "0"], clean_environment(home), stream="stderr")
    endpoint = next(line.split()[-1] for line in server.lines() if "Running on" in line)
    server.run_on()
    yield {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
    }
    server.stop()


def client(moto, service):
    """A boto3 client in the account, through the role that fleetwright takes."""
    endpoint = {"region_name": REGION, "endpoint_url": moto["AWS_ENDPOINT_URL"]}
    hub = boto3.client("sts", aws_access_key_id="testing", aws_secret_access_key="testing", **endpoint)
    role = f"arn:aws:iam::{ACCOUNT}:role/fleetwright"
    keys = hub.assume_role(RoleArn=role, RoleSessionName="look")["Credentials"]
    return boto3.client(
        service,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        **endpoint,
    )


class Commands:
    """`fleetwright cloud …` in one directory."""

    def __init__(self, binary, moto, home):
        self.binary, self.moto, self.home = binary, moto, home
        zone = {"name": "hub", "account_id": int(ACCOUNT), "regions": [REGION], "role_name": "fleetwright"}
        self.write("lz.yaml", yaml.safe_dump({"landing_zones": [zone]}))

    def write(self, name, text):
        (self.home / name).write_text(text)

    def __call__(self, *arguments, said=""):
        """Its exit code, standard output and standard error."""
        command = [self.binary, "cloud", *arguments, "--landing-zones", "lz.yaml"]
        if arguments[1] not in ("describe", "list", "versions", "wait", "history"):
            command += ["--state-dir", self.home / "state"]
        ended = subprocess.run(
            [str(part) for part in command],
            env=clean_environment(self.home, **self.moto),
            cwd=self.home,
            capture_output=True,
            text=True,
            input=said,
            timeout=120,
        )
        return ended.returncode, ended.stdout, ended.stderr

    def rows(self, *arguments):
        """What it shows as JSON, where it succeeds."""
        code, out, err = self(*arguments, "--output", "json")
        assert code == 0, err
        return json.loads(out)


@pytest.fixture
def cloud(binary, moto, tmp_path):
    commands = Commands(binary, moto, tmp_path)
    commands.write("machine.yaml", DEFINITION)
    return commands


@pytest.fixture
def machine(cloud, moto, request):
    """A state machine of its own for each test, made by the binary."""
    name = request.node.name.replace("_", "-")[:70]
    code, out, err = cloud("machine", "create", name, "--definition", "machine.yaml", "--role", "hub")
    assert (code, out) == (0, f"create {name}\n"), err
    return name


def test_a_machine_is_what_boto3_sees(cloud, moto, machine):
    states = client(moto, "stepfunctions")
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{machine}"
    seen = states.describe_state_machine(stateMachineArn=arn)
    assert (seen["roleArn"], json.loads(seen["definition"])) == (ROLE, yaml.safe_load(DEFINITION))
    [described] = cloud.rows("machine", "describe", machine)
    assert described["definition"] == json.loads(seen["definition"])
    assert (described["role"], described["type"], described["status"]) == (ROLE, "STANDARD", "ACTIVE")
    assert machine in [row["name"] for row in cloud.rows("machine", "list")]
    assert cloud.rows("machine", "list", "--prefix", "nobody-has-this") == []

    again = ("machine", "create", machine, "--definition", "machine.yaml", "--role", "hub")
    assert cloud(*again)[:2] == (0, f"unchanged {machine}\n")
    code, _, err = cloud(*again[:-1], "another")
    assert code == 15 and "FW-F0004" in err and "another role" in err, err

    cloud.write("other.json", '{"StartAt": "Look", "States": {"Look": {"Type": "Pass", "End": true}}}')
    update = ("machine", "update", machine, "--definition", "other.json")
    assert cloud(*update, "--dry-run")[:2] == (0, f"would update {machine}\n")
    code, out, err = cloud(*update, "--publish", "only looks")
    assert (code, out) == (0, f"update {machine}, version 1\n"), err
    assert cloud(*update)[:2] == (0, f"unchanged {machine}\n")
    seen = states.describe_state_machine(stateMachineArn=arn)
    assert json.loads(seen["definition"])["StartAt"] == "Look"
    assert "Look" in cloud("machine", "describe", f"{machine}:1", "--definition")[1]

    assert cloud("machine", "delete", machine)[:2] == (0, f"delete {machine}\n")
    assert cloud("machine", "delete", machine)[:2] == (0, f"unchanged {machine}\n")
    assert arn not in [row["stateMachineArn"] for row in states.list_state_machines()["stateMachines"]]
    code, _, err = cloud("machine", "describe", machine)
    assert code != 0 and "StateMachineDoesNotExist" in err, err


def test_a_definition_that_leads_nowhere_is_refused_before_anything_is_asked(cloud, moto):
    cloud.write("bad.yaml", DEFINITION.replace("Next: Refuse", "Next: Refused"))
    code, out, err = cloud("machine", "create", "bad", "--definition", "bad.yaml", "--role", "hub")
    assert (code, out) == (15, "")
    assert "bad.yaml:8:" in err and "state `Choose`" in err and "`Refused`, which is not there" in err, err
    assert "bad" not in [row["name"] for row in cloud.rows("machine", "list")]


def test_an_execution_that_succeeds_is_started_once_waited_for_and_told(cloud, moto, machine):
    cloud.write("input.json", '{"do": "work", "token": "canary-7"}')
    start = ("execution", "start", machine, "--name", "night-1", "--input", "input.json")
    code, out, err = cloud(*start)
    assert code == 0 and out.startswith(f"night-1 of {machine}  "), err
    code, out, err = cloud("execution", "wait", machine, "night-1", "--time-out", "1m")
    assert code == 0 and "SUCCEEDED" in out, err
    code, out, _ = cloud(*start)
    assert code == 0 and "SUCCEEDED" in out, "the first is found, although it has ended"
    cloud.write("same.json", '{"token":"canary-7",\n"do":"work"}')
    assert cloud(*start[:-1], "same.json")[0] == 0, "the same JSON, written in another way"
    code, out, err = cloud(*start[:-1], "-", said='{"do": "stay"}')
    assert code == 15 and "FW-F0003" in err and "another input" in err, err

    states = client(moto, "stepfunctions")
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{machine}:night-1"
    seen = states.get_execution_history(executionArn=arn)["events"]
    events = cloud.rows("execution", "history", machine, "night-1")
    assert [(row["id"], row["type"]) for row in events] == [(row["id"], row["type"]) for row in seen]
    entered = [row["state"] for row in events if row["type"].endswith("StateEntered")]
    assert entered == ["Choose", "Work", "Done"]
    shown = cloud("execution", "history", machine, "night-1")[1] + cloud("execution", "describe", machine, "night-1")[1]
    assert "canary-7" not in shown
    [described] = cloud.rows("execution", "describe", machine, "night-1", "--with-payloads")
    assert described["input"]["token"] == "canary-7" and described["output"] == {"done": True}
    assert "canary-7" in cloud("execution", "history", machine, "night-1", "--with-payloads")[1]


def test_an_execution_that_fails_says_why_and_one_that_stays_is_stopped(cloud, moto, machine):
    def start(name, what):
        return cloud("execution", "start", machine, "--name", name, "--input", "-", said=json.dumps({"do": what}))

    before = cloud("execution", "start", machine, "--name", "never", "--dry-run")
    assert before[:2] == (0, f"would start never of {machine}\n")
    code, _, err = start("fails", "fail")
    assert code == 0, err
    code, out, err = cloud("execution", "wait", machine, "fails", "--time-out", "1m")
    assert code == 22 and "Refused: it was asked to" in out and "FW-F0006" in err, err

    assert start("stays", "stay")[0] == 0
    code, out, err = cloud("execution", "wait", machine, "stays", "--time-out", "1s")
    assert code == 14 and "RUNNING" in out and "FW-F0005" in err, err
    running = cloud.rows("execution", "list", machine, "--status", "running")
    assert [row["name"] for row in running] == ["stays"]
    stop = ("execution", "stop", machine, "stays", "--error", "Operator", "--cause", "wrong wave")
    assert cloud(*stop, "--dry-run")[:2] == (0, f"would stop stays of {machine}\n")
    code, out, err = cloud(*stop)
    assert (code, out) == (0, f"stop stays of {machine}\n"), err
    code, _, err = cloud("execution", "wait", machine, "stays", "--time-out", "1m")
    assert code == 22 and "ABORTED" in err, err
    assert cloud(*stop)[:2] == (0, f"unchanged stays of {machine}\n")

    listed = {row["name"]: row["status"] for row in cloud.rows("execution", "list", machine)}
    states = client(moto, "stepfunctions")
    arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{machine}"
    seen = {row["name"]: row["status"] for row in states.list_executions(stateMachineArn=arn)["executions"]}
    assert listed == seen == {"fails": "FAILED", "stays": "ABORTED"}
    assert [row["name"] for row in cloud.rows("execution", "list", machine, "--prefix", "st")] == ["stays"]
    assert cloud.rows("execution", "list", machine, "--since", "2999-01-01T00:00:00Z") == []
    assert len(cloud.rows("execution", "list", machine, "--since", "1h")) == 2


def test_every_change_stands_in_the_audit_log(cloud, machine):
    code, _, err = cloud("execution", "start", machine, "--name", "on-record", "--input", "-", said='{"do": "work"}')
    assert code == 0, err
    logs = [path.read_text(errors="replace") for path in (cloud.home / "state").rglob("*") if path.is_file()]
    text = "\n".join(logs)
    assert "states:CreateStateMachine" in text and "states:StartExecution" in text
    assert f"execution:{machine}:on-record" in text


def test_events_of_a_cluster_reach_the_target_of_its_rule_and_no_others_do(cloud, moto):
    queue = client(moto, "sqs")
    url = queue.create_queue(QueueName="upgrades")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:upgrades"
    for command in (["monitor", "shop"], ["rollback-trigger", "shop"]):
        assert cloud("rule", *command, "--target", arn)[0] == 0
    events = client(moto, "events")
    seen = {rule["Name"]: json.loads(rule["EventPattern"]) for rule in events.list_rules()["Rules"]}
    rows = cloud.rows("rule", "list", "--prefix", "fleetwright-shop-")
    assert {row["name"]: row["pattern"] for row in rows} == seen
    assert seen["fleetwright-shop-rollback"]["detail-type"] == ["upgrade.failed", "validation.failure"]
    targets = events.list_targets_by_rule(Rule="fleetwright-shop-monitoring")["Targets"]
    assert [target["Arn"] for target in targets] == [arn]

    told = [("upgrade.started", "shop"), ("upgrade.started", "search"), ("upgrade.failed", "shop")]
    lines = [json.dumps({"kind": kind, "cluster": cluster, "upgrade": "u-1"}) for kind, cluster in told]
    cloud.write("events.jsonl", "\n".join(lines))
    code, out, err = cloud("event", "publish", "--file", "events.jsonl")
    assert code == 0 and len(out.splitlines()) == 3, err
    kinds = []
    while messages := queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            event = json.loads(message["Body"])
            assert (event["source"], event["detail"]["cluster"]) == ("fleetwright.upgrade", "shop")
            kinds.append(event["detail-type"])
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert sorted(kinds) == ["upgrade.failed", "upgrade.failed", "upgrade.started"], "the failure reaches both rules"

    assert cloud("rule", "disable", "fleetwright-shop-rollback")[0] == 0
    assert events.describe_rule(Name="fleetwright-shop-rollback")["State"] == "DISABLED"
    for name in seen:
        assert cloud("rule", "delete", name)[:2] == (0, f"delete {name}\n")
    assert events.list_rules()["Rules"] == []
