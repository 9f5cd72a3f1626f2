"""A hub in the estate, made from its own templates: what CloudFormation would make of them, as far as functions need it."""

import json
import pathlib
import subprocess
import sys
import time

import boto3
import yaml

from driven_functions import archive
from estate import Clients, Estate
from servers import Server, clean_environment
from template import REGION, Template

HERE = pathlib.Path(__file__).resolve().parent

#: How many times as fast as the wall clock the estate runs, and everything of the hub with it.
SPEED = 60

#: The time-out of functions that are quick, in the estate's seconds.
LEAST_TIMEOUT = 300

ENVIRONMENT = "test"
FUNCTIONS = ("prepare", "turn", "gate", "approve", "authorise", "report")
FUNCTIONS += ("perception", "reasoning", "execution", "validation", "rollback")
#: The state machines of a hub by their logical ids: the file of the definition, and what its name ends with.
MACHINES = {"Machine": ("machine.asl.json", ""), "UpgradeMachine": ("upgrade.asl.json", "_upgrades")}
#: Who answers, and who judges first.
BEHIND = {"integration": "ApproveFunction", "authorizer": "AuthoriseFunction"}
EXTERNAL_ID = "fleet-of-the-referee"

#: What a task's state has more than the template says, in the estate's seconds, so that a busy machine does not look like a function
#: that never ended: the function's own time-out comes first, as in AWS.
SLACK = 1800

#: A call's patience is counted by the run's clock: a busy machine must not look like a broken network.
UNHURRIED = {"FLEETWRIGHT_AWS_TIMEOUT": "15m", "FLEETWRIGHT_AWS_CONNECT_TIMEOUT": "1m"}


def unhurried(part):
    """A part of a definition; where it is a task, it has time enough."""
    if part.get("Type") == "Task" and "TimeoutSeconds" in part:
        part["TimeoutSeconds"] += SLACK
    return part


class Hub:
    """The estate with a hub, and the interpreter of one of its state machines; spokes may upgrade what is called as
    `clusters` says."""

    def __init__(self, binary, bootstrap, scenario, settings, directory, machine="Machine", clusters=()):
        self.which, self.upgraded = machine, clusters
        self.binary, self.directory, self.settings = binary, directory, settings
        path = directory / "scenario.toml"
        path.write_text(scenario)
        served = [part for name in FUNCTIONS for part in ("--function", f"fleetwright-{ENVIRONMENT}-{name}={bootstrap}")]
        self.estate = Estate(binary, path, directory, "--speed", str(SPEED), *served)
        self.clients = Clients(self.estate)
        self.account = self.client("sts").get_caller_identity()["Account"]
        self.template = self.made_out()
        self.interpreter = Interpreter(self.estate, self.account, self.template.arn(f"{machine}Role"), directory)
        self.deploy()
        name = f"fleetwright-{ENVIRONMENT}{MACHINES[machine][1]}"
        self.machine = self.interpreter.machine(name, self.definition_with_arns(), self.template.arn(f"{machine}Role"))

    def definition_with_arns(self):
        """The definition as CloudFormation would hand it on."""
        definition = self.definition
        for name, value in self.template.resources[self.which]["Properties"]["DefinitionSubstitutions"].items():
            definition = definition.replace(f"${{{name}}}", self.template.value(value))
        return json.dumps(json.loads(definition, object_hook=unhurried))

    def stop(self):
        self.interpreter.server.stop()
        assert self.estate.stop() == 0

    def start(self, run, *how):
        """Begins an execution of that run's name, or finds it."""
        self.do("cloud", "start", run, *how)
        return f"{self.machine.replace(':stateMachine:', ':execution:')}:{run}"

    def history(self, execution):
        """Every event of an execution."""
        pages = self.interpreter.states.get_paginator("get_execution_history")
        return [event for page in pages.paginate(executionArn=execution) for event in page["events"]]

    def do(self, *arguments):
        """A command of an operator's, about runs of this hub."""
        variables = {"AWS_ENDPOINT_URL_SFN": self.interpreter.endpoint, "ESTATE_CLOCK_SPEED": str(SPEED), **UNHURRIED}
        environment = clean_environment(self.directory, **self.estate.variables, **variables)
        command = [self.binary, *arguments, "--hub", ENVIRONMENT]
        done = subprocess.run(
            command, env=environment, cwd=self.directory, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done

    def described(self, execution):
        return self.interpreter.states.describe_execution(executionArn=execution)

    def ended(self, execution):
        """What an execution came to."""
        return until(lambda: self.over(execution))

    def over(self, execution):
        described = self.described(execution)
        return described if described["status"] != "RUNNING" else None

    def messages(self):
        """What was published."""
        return json.loads(self.estate.get(f"/_estate/messages?account={self.account}"))["messages"]

    def client(self, service, **config):
        return self.clients.client(service, self.keys(), region=REGION, **config)

    def keys(self):
        variables = self.estate.variables
        return [variables.get(f"AWS_{name}") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]

    def made_out(self):
        """`cloud template`, with parameters as they would be given."""
        home = self.directory / "operator"
        home.mkdir()
        zones = [{**zone, "external_id": EXTERNAL_ID} for zone in self.estate.zones]
        (home / "zones.yaml").write_text(yaml.safe_dump({"landing_zones": zones}))
        settings = {"landing_zones": {"inventory": ["zones.yaml"]}, "environments": {ENVIRONMENT: {}}, **self.settings}
        (home / "fleetwright.yaml").write_text(yaml.safe_dump(settings))
        organization = self.client("organizations").describe_organization()["Organization"]["Id"]
        secrets = {name: self.secret(name, value) for name, value in self.secrets().items()}
        command = [self.binary, "cloud", "template", "--hub-account", self.account, "--code-bucket", "code"]
        command += ["--organization", organization, "--external-id-secret", secrets["external-id"]]
        command += ["--approval-key-secret", secrets["approvals"]]
        command += [part for name in self.upgraded for part in ("--clusters", name)]
        done = subprocess.run(command, cwd=home, env=clean_environment(home), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        cloud = home / "cloud"
        given = json.loads((cloud / "parameters" / f"hub.{ENVIRONMENT}.json").read_text())
        parameters = {it["ParameterKey"]: it["ParameterValue"] for it in given}
        template = Template(json.loads((cloud / "hub.template.json").read_text()), parameters, self.account, ENVIRONMENT)
        template.arns["AuditKeySecret"] = self.secret("audit-key", "k" * 64)
        self.definition = (cloud / MACHINES[self.which][0]).read_text()
        self.home = home
        return template

    def secrets(self):
        return {"external-id": EXTERNAL_ID, "approvals": (self.directory / "approvals.json").read_text()}

    def secret(self, name, value):
        return self.client("secretsmanager").create_secret(Name=f"fleetwright-{name}", SecretString=value)["ARN"]

    def deploy(self):
        """Makes what functions need, as the template has it."""
        template = self.template
        table = template.value(template.resources["JournalTable"]["Properties"])
        names = ("TableName", "AttributeDefinitions", "KeySchema", "BillingMode")
        self.client("dynamodb").create_table(**{name: table[name] for name in names})
        bucket, s3 = template.reference("ArtefactBucket"), self.client("s3")
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        for file in ("fleetwright.yaml", "zones.yaml"):
            s3.put_object(Bucket=bucket, Key=f"configuration/{file}", Body=(self.home / file).read_bytes())
        topic = self.client("sns").create_topic(Name=f"fleetwright-{ENVIRONMENT}")["TopicArn"]
        template.arns["NoticeTopic"] = topic
        for name in (*map(str.capitalize, FUNCTIONS), self.which):
            self.role(f"{name}Role")
        for name in FUNCTIONS:
            self.function(f"{name.capitalize()}Function")
        self.approvals()

    def approvals(self):
        """The API before the page, with the template's routes: API Gateway's part is played by the estate."""
        template = self.template
        keys = [it["Properties"]["RouteKey"] for it in template.resources.values() if it["Type"] == "AWS::ApiGatewayV2::Route"]
        functions = {which: template.function_name(name) for which, name in BEHIND.items()}
        api = {"account": self.account, "region": REGION, "routes": dict.fromkeys(keys, functions)}
        self.estate.post("/_estate/http-apis", {"approvals": api})

    def role(self, name):
        """A role with exactly the policies of the template. The machine's may be taken by its own account rather than by
        Step Functions, because the interpreter is not the estate's."""
        properties = self.template.value(self.template.resources[name]["Properties"])
        trust = properties["AssumeRolePolicyDocument"]
        if name == f"{self.which}Role":
            ours = {"AWS": f"arn:aws:iam::{self.account}:root"}
            trust["Statement"] = [{"Effect": "Allow", "Principal": ours, "Action": "sts:AssumeRole"}]
        iam = self.client("iam")
        iam.create_role(RoleName=self.template.reference(name), AssumeRolePolicyDocument=json.dumps(trust))
        for policy in properties["Policies"]:
            iam.put_role_policy(
                RoleName=self.template.reference(name),
                PolicyName=policy["PolicyName"],
                PolicyDocument=json.dumps(policy["PolicyDocument"]),
            )

    def function(self, name):
        properties = self.template.value(self.template.resources[name]["Properties"])
        variables = properties["Environment"]["Variables"]
        simulated = {"ESTATE_CLOCK_SPEED": str(SPEED), "AWS_ENDPOINT_URL_SFN": self.interpreter.endpoint, **UNHURRIED}
        functions = self.client("lambda")
        functions.create_function(
            FunctionName=properties["FunctionName"],
            Runtime=properties["Runtime"],
            Handler=properties["Handler"],
            Role=properties["Role"],
            # A second of the template's is a sixtieth of one here, and a process takes as long to start as anywhere.
            Timeout=max(properties["Timeout"], LEAST_TIMEOUT),
            MemorySize=properties["MemorySize"],
            Code={"ZipFile": archive()},
            Environment={"Variables": {**variables, **simulated}},
        )
        functions.get_waiter("function_active_v2").wait(
            FunctionName=properties["FunctionName"], WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
        )


class Interpreter:
    """moto's interpreter of state machines, as the machine's role."""

    def __init__(self, estate, account, role, home):
        variables = {
            # Whose everything is, whoever asks.
            "MOTO_ACCOUNT_ID": account,
            "TASK_ENDPOINT": estate.endpoint,
            "TASK_SPEED": str(SPEED),
            "TASK_ROLE": role,
            "TASK_KEY": estate.variables["AWS_ACCESS_KEY_ID"],
            "TASK_SECRET": estate.variables["AWS_SECRET_ACCESS_KEY"],
        }
        command = [sys.executable, HERE / "interpreter.py", "-H", "127.0.0.1", "-p", "0"]
        self.server = Server(command, clean_environment(home, **variables), stream="stderr")
        self.endpoint = next(line.split()[-1] for line in self.server.lines() if "Running on" in line)
        self.server.run_on()
        self.states = self.client(self.endpoint)

    @staticmethod
    def client(endpoint):
        """boto3's client of state machines at a server of moto's."""
        return boto3.client(
            "stepfunctions",
            region_name=REGION,
            endpoint_url=endpoint,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def machine(self, name, definition, role):
        made = self.states.create_state_machine(name=name, definition=definition, roleArn=role)
        return made["stateMachineArn"]


def until(what, patience=300, every=0.2):
    """What it comes to, once it comes to something."""
    for _ in range(int(patience / every)):
        found = what()
        if found:
            return found
        time.sleep(every)
    raise AssertionError(f"nothing after {patience} s")
