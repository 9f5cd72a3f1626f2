"""`cloud template`: the templates of hub and spokes, judged by cfn-lint with nothing left out, and held against their
parameter files."""

import ast
import json
import pathlib
import re
import shutil
import subprocess
import sys

import boto3
import moto
import pytest

from servers import clean_environment

HERE = pathlib.Path(__file__).resolve().parent
ZONES = """
- {name: payments, account_id: "111122223333", region: eu-central-1, role_name: patching}
- {name: shop, account_id: "444455556666", region: eu-west-1, role_name: patching}
"""
SECRET = "arn:aws:secretsmanager:eu-central-1:777788889999:secret"
HUB = ["--hub-account", "777788889999", "--code-bucket", "fleet-code", "--organization", "o-a1b2c3d4e5"]
HUB += ["--external-id-secret", f"{SECRET}:external-id-AbCdEf", "--approval-key-secret", f"{SECRET}:approvals-AbCdEf"]
DEFINITION = {"StartAt": "Prepare", "States": {"Prepare": {"Type": "Task", "Resource": "${PrepareFunctionArn}", "End": True}}}


@pytest.fixture(scope="module", params=["beside", "within"])
def cloud(binary, tmp_path_factory, request):
    """The directory with the templates: with the definition beside the functions, or in the template."""
    home = tmp_path_factory.mktemp("cloud")
    settings = {"landing_zones": {"inventory": ["zones.yaml"]}, "environments": {"nonprod": {}, "prod": {}}}
    (home / "fleetwright.yaml").write_text(json.dumps(settings))
    (home / "zones.yaml").write_text(ZONES)
    (home / "machine.asl.json").write_text(json.dumps(DEFINITION))
    more = ["--definition", "machine.asl.json"] if request.param == "within" else []
    command = [binary, "cloud", "template", *HUB, *more]
    subprocess.run(command, env=clean_environment(home), cwd=home, check=True, capture_output=True)
    return home / "cloud"


def read(path):
    return json.loads(path.read_text())


def test_cfn_lint_finds_nothing(cloud):
    templates = sorted(cloud.glob("*.template.json"))
    assert [path.name for path in templates] == ["hub.template.json", "spoke.template.json"]
    lint = pathlib.Path(sys.executable).with_name("cfn-lint")
    command = [lint, "--include-checks", "I", "--", *templates]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.parametrize("environment", ["nonprod", "prod"])
@pytest.mark.parametrize("which, later", [("hub", set()), ("spoke", {"ExternalId"})])
def test_the_parameter_files_give_what_the_templates_ask_for(cloud, which, later, environment):
    asked = read(cloud / f"{which}.template.json")["Parameters"]
    given = {it["ParameterKey"]: it["ParameterValue"] for it in read(cloud / "parameters" / f"{which}.{environment}.json")}
    assert given["Environment"] == environment
    assert set(given) <= set(asked)
    assert {name for name, parameter in asked.items() if "Default" not in parameter} - set(given) == later


@pytest.mark.parametrize("file", ["machine.asl.json", "upgrade.asl.json"])
def test_the_machines_are_such_as_asl_validator_takes_and_hold_our_rules(binary, cloud, file):
    """CloudFormation puts ARNs in for what is marked with ${}: asl-validator sees the definition as it is then."""
    definition = (cloud / file).read_text()
    made = re.sub(r"\$\{NoticeTopicArn\}", "arn:aws:sns:eu-central-1:777788889999:notices", definition)
    made = re.sub(r"\$\{(\w+)FunctionArn\}", r"arn:aws:lambda:eu-central-1:777788889999:function:\1", made)
    assert "${" not in made
    judge = ["node", HERE / "judge_machines.mjs"]
    machines = json.dumps({"machine": json.loads(made)})
    judged = subprocess.run(judge, input=machines, capture_output=True, text=True, check=True)
    assert json.loads(judged.stdout) == {"machine": None}
    command = [binary, "cloud", "machine", "validate", "--rules", "ours", cloud / file]
    subprocess.run(command, env=clean_environment(cloud), check=True, capture_output=True)


def test_templates_are_within_what_cloudformation_takes(cloud):
    """CloudFormation quotas: 1 MB through a bucket, 51,200 bytes by itself, 500 resources, 200 parameters and outputs."""
    hub, spoke = cloud / "hub.template.json", cloud / "spoke.template.json"
    assert hub.stat().st_size < 1_000_000
    assert spoke.stat().st_size < 51_200, "stack sets take the spoke as it is"
    assert len(read(hub)["Resources"]) < 500


#: The account that moto makes everything in, and the one of the zone.
MADE_IN, OF_THE_ZONE = "123456789012", "111122223333"


@pytest.fixture
def one_zone(binary, tmp_path):
    """What `policy` prints for one landing zone, and the spoke that is made for it."""
    (tmp_path / "fleetwright.yaml").write_text(json.dumps({"landing_zones": {"inventory": ["zones.yaml"]}, "environments": {"prod": {}}}))
    (tmp_path / "zones.yaml").write_text(ZONES.splitlines()[1])

    def do(*arguments):
        command = [binary, *arguments]
        return subprocess.run(command, env=clean_environment(tmp_path), cwd=tmp_path, check=True, capture_output=True, text=True)

    do("cloud", "template", *HUB)
    return json.loads(do("policy", "--output", "json").stdout), (tmp_path / "cloud/spoke.template.json").read_text()


def test_the_role_that_cloudformation_makes_may_do_exactly_what_policy_prints(one_zone):
    policy, template = one_zone
    given = {"Environment": "prod", "HubAccount": "777788889999", "ExternalId": "an-external-id-of-some-length", "RoleName": "patching"}
    parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]
    with moto.mock_aws():
        session = boto3.Session("test", "test", region_name="eu-central-1")
        stacks = session.client("cloudformation")
        stacks.create_stack(StackName="spoke", TemplateBody=template, Parameters=parameters, Capabilities=["CAPABILITY_NAMED_IAM"])
        iam = session.client("iam")
        role = iam.get_role(RoleName="patching")["Role"]
        made = iam.get_role_policy(RoleName="patching", PolicyName="fleetwright")["PolicyDocument"]
    # moto keeps the policy as Python writes it.
    made = ast.literal_eval(made) if isinstance(made, str) else made
    assert made == json.loads(json.dumps(policy).replace(OF_THE_ZONE, MADE_IN))
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    names = [f"arn:aws:iam::777788889999:role/fleetwright-prod-{name}" for name in ("prepare", "turn", "perception", "execution", "validation")]
    assert trust["Principal"] == {"AWS": names}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": given["ExternalId"]}}


def validated(binary, cloud):
    """What `cloud validate` says of a directory: its exit code, and the findings of each file."""
    command = [binary, "cloud", "validate", "--dir", cloud, "--output", "json"]
    done = subprocess.run(command, env=clean_environment(cloud), capture_output=True, text=True, check=False)
    return done.returncode, {pathlib.Path(row["file"]).name: row["findings"] for row in json.loads(done.stdout)}


def test_what_was_written_is_found_valid(binary, cloud):
    exit_code, findings = validated(binary, cloud)
    judged = ["hub.nonprod.json", "hub.prod.json", "hub.template.json", "machine.asl.json"]
    judged += ["spoke.nonprod.json", "spoke.prod.json", "spoke.template.json", "upgrade.asl.json"]
    assert exit_code == 0, findings
    assert sorted(findings) == judged and not any(findings.values())


def test_what_was_changed_for_the_worse_is_found_with_its_place(binary, cloud, tmp_path):
    copy = pathlib.Path(shutil.copytree(cloud, tmp_path / "copy"))
    hub, given, machine = (copy / name for name in ("hub.template.json", "parameters/hub.prod.json", "machine.asl.json"))
    template, parameters, definition = read(hub), read(given), read(machine)
    template["Resources"]["Key"]["Properties"]["Description"] = {"Ref": "Nobody"}
    parameters[0]["ParameterValue"] = "Prod"
    first = definition["StartAt"]
    definition["States"][first]["Next"] = "Nowhere"
    for path, document in [(hub, template), (given, parameters), (machine, definition)]:
        path.write_text(json.dumps(document, indent=2))
    exit_code, findings = validated(binary, copy)
    assert exit_code == 15
    pointers = {name: [finding["pointer"] for finding in found] for name, found in findings.items()}
    assert pointers["hub.template.json"] == ["/Resources/Key/Properties/Description/Ref"]
    assert pointers["hub.prod.json"] == ["/0/ParameterValue"]
    assert f"/States/{first}/Next" in pointers["machine.asl.json"]
    assert all(finding["line"] > 1 for found in findings.values() for finding in found)
