"""Every IAM policy that is written - by `policy`, and for the roles of the hub - judged by parliament, which knows AWS's
list of actions, resources and condition keys."""

import collections
import fnmatch
import json
import subprocess
import warnings

import botocore.session
import pytest

from servers import clean_environment
from template import Template
from test_templates import HUB, ZONES

with warnings.catch_warnings():
    # It leaves closing its files to Python.
    warnings.simplefilter("ignore", ResourceWarning)
    import parliament

#: What a role is let do of `policy` beside a run.
BESIDE = {
    "windows": ["--windows"],
    "parameters": ["--parameters", "/fleetwright/prod"],
    "machines": ["--machines", "fleet-*"],
    "clusters": ["--clusters", "prod-*", "--upgrade"],
    "functions": ["--functions", "fleet-*"],
    # Parliament takes no colon in the last part of an ARN, as ids of models have one.
    "models": ["--models", "eu.amazon.nova-lite-*"],
    "stacks": ["--stack", "prod", "--code-bucket", "fleet-code"],
    "rules": ["--rules", "upgrades", "--event-bus", "arn:aws:events:eu-central-1:111122223333:event-bus/upgrades"],
}
CASES = {"payments": ["--landing-zones", "payments"], "all": [], "caller": ["--caller"], **BESIDE}

#: Kinds of resources that an action may be about and that are not ours: parliament asks for each kind.
NOT_OURS = {
    "bedrock:*": [
        "arn:*:bedrock:*:*:application-inference-profile/*",
        "arn:*:bedrock:*:*:async-invoke/*",
        "arn:*:bedrock:*:*:custom-model/*",
        "arn:*:bedrock:*:*:custom-model-deployment/*",
        "arn:*:bedrock:*:*:default-prompt-router/*",
        "arn:*:bedrock:*:*:imported-model/*",
        "arn:*:bedrock:*:*:marketplace/model-endpoint/all-access",
        "arn:*:bedrock:*:*:provisioned-model/*",
    ],
    "states:*": ["arn:*:states:*:*:express:*:*:*", "arn:*:states:*:*:mapRun:*/*:*"],
    "kms:*": ["arn:*:kms:*:*:alias/*"],
    # Public parameters are nobody's: their ARNs have no account.
    "ssm:GetParameter": ["arn:*:ssm:*:*:parameter/*"],
}

#: Actions that parliament's list is too old for; botocore knows the operations.
YOUNGER = {"eks:CancelUpdate", "eks:DescribeInsightsRefresh", "eks:StartInsightsRefresh"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("policies")
    settings = {"landing_zones": {"inventory": ["zones.yaml"]}, "environments": {"prod": {}}}
    (home / "fleetwright.yaml").write_text(json.dumps(settings))
    (home / "zones.yaml").write_text(ZONES)
    return home


def faults(document):
    """What parliament finds. What it says of the resources of one statement counts where no other statement of the
    action gives the kind it misses: each kind has its own conditions, and so its own statement."""
    judged = parliament.analyze_policy_string(json.dumps(document))
    found, missing = [], collections.Counter()
    for finding in judged.findings:
        if finding.issue == "UNKNOWN_ACTION" and finding.detail.split()[-1] in YOUNGER:
            continue
        if finding.issue == "RESOURCE_MISMATCH":
            missing.update((each["action"], each["required_format"]) for each in finding.detail)
        # Readers of a whole account see the whole account.
        elif finding.issue != "RESOURCE_STAR" or not all(reads(action) for action in finding.detail):
            found.append((finding.issue, finding.detail))
    for (action, kind), times in missing.items():
        ours = not any(fnmatch.fnmatch(action, it) and kind in kinds for it, kinds in NOT_OURS.items())
        if ours and times == statements(document, action):
            found.append(("RESOURCE_MISMATCH", action, kind))
    return found


def reads(action):
    return action.split(":")[1].startswith(("Describe", "Get", "List"))


def statements(document, action):
    """How many statements name an action."""
    named = [it["Action"] if isinstance(it["Action"], list) else [it["Action"]] for it in document["Statement"]]
    return sum(action.lower() in [each.lower() for each in names] for names in named)


@pytest.mark.parametrize("case", CASES)
def test_policies_name_actions_resources_and_conditions_as_aws_knows_them(binary, home, case):
    command = [binary, "policy", "--output", "json", *CASES[case]]
    if case in BESIDE:
        command += ["--landing-zones", "payments"]
    done = subprocess.run(command, env=clean_environment(home), cwd=home, check=True, capture_output=True)
    assert faults(json.loads(done.stdout)) == []


def test_actions_that_parliament_does_not_know_yet_are_operations():
    model = botocore.session.get_session().get_service_model("eks")
    assert {action.removeprefix("eks:") for action in YOUNGER} <= set(model.operation_names)


@pytest.mark.parametrize("which", ["hub", "spoke"])
def test_roles_of_the_templates_are_let_do_what_aws_knows(binary, home, which):
    command = [binary, "cloud", "template", *HUB, "--out", home / "cloud", "--force"]
    subprocess.run(command, env=clean_environment(home), cwd=home, check=True, capture_output=True)
    document = json.loads((home / "cloud" / f"{which}.template.json").read_text())
    given = json.loads((home / "cloud" / "parameters" / f"{which}.prod.json").read_text())
    parameters = {it["ParameterKey"]: it["ParameterValue"] for it in given}
    template = Template(document, parameters, "777788889999", "prod")
    judged = 0
    for name, resource in document["Resources"].items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        for policy in resource["Properties"].get("Policies", []):
            assert faults(template.value(policy["PolicyDocument"])) == [], name
            judged += 1
    assert judged >= {"hub": 7, "spoke": 1}[which]


def test_a_policy_with_a_wrong_action_or_resource_is_found():
    """The judge judges: each of these is one that people have written."""
    wrong = {
        "ec2:StartInstance": "arn:aws:ec2:eu-central-1:111122223333:instance/*",
        "ec2:StartInstances": "arn:aws:s3:::a-bucket",
    }
    for action, resource in wrong.items():
        statement = {"Effect": "Allow", "Action": [action], "Resource": resource}
        assert faults({"Version": "2012-10-17", "Statement": [statement]}), action
