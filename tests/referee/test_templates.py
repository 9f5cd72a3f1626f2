"""`cloud template`: the templates of hub and spokes, judged by cfn-lint with nothing left out, and held against their
parameter files."""

import json
import pathlib
import subprocess
import sys

import pytest

from servers import clean_environment

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


def test_templates_are_within_what_cloudformation_takes(cloud):
    """CloudFormation quotas: 1 MB through a bucket, 51,200 bytes by itself, 500 resources, 200 parameters and outputs."""
    hub, spoke = cloud / "hub.template.json", cloud / "spoke.template.json"
    assert hub.stat().st_size < 1_000_000
    assert spoke.stat().st_size < 51_200, "stack sets take the spoke as it is"
    assert len(read(hub)["Resources"]) < 500
