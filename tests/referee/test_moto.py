"""The binary against a server nobody here wrote: it finds exactly what boto3 created in moto, in
three accounts and two regions each, through a role in every account."""

import csv
import json
import subprocess
import sys

import boto3
import pytest
import yaml

from servers import Server, clean_environment

ACCOUNTS = ("111122223333", "222233334444", "033344445555")
REGIONS = ("us-east-1", "eu-west-1")
ROLE = "fleetwright"
EXTERNAL_ID = "moto-tenant"
FORMULA = "=HYPERLINK(1)"


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    """A moto server on a free port; the variables that point at it."""
    home = tmp_path_factory.mktemp("moto")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    server = Server(command, clean_environment(home), stream="stderr")
    endpoint = next(line.split()[-1] for line in server.lines() if "Running on" in line)
    server.run_on()
    yield {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
    }
    server.stop()


def client_in(moto, account, service, region):
    """A boto3 client in the account, through its role."""
    endpoint = moto["AWS_ENDPOINT_URL"]
    hub = boto3.client(
        "sts", region_name=region, endpoint_url=endpoint, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    keys = hub.assume_role(RoleArn=role_arn(account), RoleSessionName="fill", ExternalId=EXTERNAL_ID)["Credentials"]
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def role_arn(account):
    return f"arn:aws:iam::{account}:role/{ROLE}"


@pytest.fixture(scope="module")
def created(moto):
    """What boto3 put there, as boto3 sees it: one row per instance that is not terminated."""
    rows = {}
    for number, account in enumerate(ACCOUNTS):
        for region in REGIONS:
            ec2 = client_in(moto, account, "ec2", region)
            image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
            for index in range(3 + number):
                tags = {"Name": f"{region}-{index}", "Application": "shop", "Note": 'a "quoted", <angled> line'}
                if index == 0:
                    tags["Name"] = FORMULA
                ec2.run_instances(
                    ImageId=image,
                    InstanceType="m5.large",
                    MinCount=1,
                    MaxCount=1,
                    TagSpecifications=[
                        {"ResourceType": "instance", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
                    ],
                )
            everyone = listed(ec2)
            ec2.stop_instances(InstanceIds=[everyone[1]["InstanceId"]])
            ec2.terminate_instances(InstanceIds=[everyone[2]["InstanceId"]])
            for instance in listed(ec2):
                if instance["State"]["Name"] != "terminated":
                    rows[instance["InstanceId"]] = {
                        "account_id": account,
                        "region": region,
                        "status": instance["State"]["Name"],
                        "private_ip": instance.get("PrivateIpAddress"),
                        "instance_type": instance["InstanceType"],
                        "ami_id": instance["ImageId"],
                        "tags": {tag["Key"]: tag["Value"] for tag in instance["Tags"]},
                    }
    return rows


def listed(ec2):
    return [
        i
        for page in ec2.get_paginator("describe_instances").paginate()
        for r in page["Reservations"]
        for i in r["Instances"]
    ]


@pytest.fixture(scope="module")
def scanned(binary, moto, created, tmp_path_factory):
    """The ended scan and the directory with its reports."""
    home = tmp_path_factory.mktemp("scan")
    zones = [
        # An unquoted account id is a YAML integer: the leading zero has to survive.
        {
            "name": f"zone-{account}",
            "account_id": int(account),
            "regions": list(REGIONS),
            "role_name": ROLE,
            "external_id": EXTERNAL_ID,
        }
        for account in ACCOUNTS
    ]
    inventory = home / "landing-zones.yaml"
    inventory.write_text(yaml.safe_dump({"landing_zones": zones}))
    output = home / "reports"
    command = [binary, "scan", "--landing-zones", inventory, "--output-dir", output, "--output", "json"]
    ended = subprocess.run(
        [str(part) for part in command], env=clean_environment(home, **moto), cwd=home, capture_output=True, text=True
    )
    return ended, output


def test_missing_agent_facts_make_the_scan_partial(scanned):
    ended, _ = scanned
    assert ended.returncode == 20, ended.stderr


def test_the_inventory_holds_exactly_what_boto3_created(scanned, created):
    _, output = scanned
    document = json.loads((output / "instances.json").read_text())
    found = {
        row["instance_id"]: {name: row[name] for name in next(iter(created.values()))} for row in document["instances"]
    }
    assert found == created
    assert len(document["instances"]) == len(created)


def test_the_table_agrees_with_the_document_and_cannot_run_a_formula(scanned, created):
    _, output = scanned
    with open(output / "instances.csv", newline="", encoding="utf-8") as file:
        rows = {row["instance_id"]: row for row in csv.DictReader(file)}
    assert rows.keys() == created.keys()
    for instance_id, expected in created.items():
        row = rows[instance_id]
        for name in ("account_id", "region", "status", "instance_type", "ami_id"):
            assert row[name] == expected[name]
        assert row["private_ip"] == (expected["private_ip"] or "")
        assert json.loads(row["tags"]) == expected["tags"]
        assert not row["name"].startswith("=")
    assert any(FORMULA in row["name"] for row in rows.values())


def test_what_moto_cannot_tell_is_a_gap_with_its_cause_and_not_an_empty_fact(scanned, created):
    _, output = scanned
    summary = json.loads((output / "summary.json").read_text())
    agents = [gap for gap in summary["gaps"] if gap["subject"] == "agents"]
    places = {(gap["account_id"], gap["region"]) for gap in agents}
    assert places == {(row["account_id"], row["region"]) for row in created.values()}
    for gap in agents:
        assert gap["failure"]["operation"] == "ssm:DescribeInstanceInformation"
        assert gap["failure"]["code"].startswith("FW-A")
        assert gap["failure"]["message"]
    document = json.loads((output / "instances.json").read_text())
    assert {row["ssm_ping_status"] for row in document["instances"]} == {"not_checked"}
    assert not any(row["eligibility"] == "eligible" for row in document["instances"])


def test_a_backup_run_touches_no_host_whose_agent_moto_cannot_tell_of(binary, moto, created, tmp_path):
    """A whole backup cannot be had here: moto lists no agents, and its CreateImage refuses to tag
    snapshots as it makes them. What can be judged is that a run changes nothing it knows too little of."""
    zone = {"name": "one", "account_id": int(ACCOUNTS[0]), "regions": [REGIONS[0]], "role_name": ROLE}
    inventory = tmp_path / "landing-zones.yaml"
    inventory.write_text(yaml.safe_dump({"landing_zones": [{**zone, "external_id": EXTERNAL_ID}]}))
    command = [binary, "run", "--workflow", "backup", "--auto-approve", "--landing-zones", inventory]
    command += ["--state-dir", tmp_path / "state", "--output", "json", "--set", "aws.max_attempts=2"]
    environment = clean_environment(tmp_path, **moto)
    ended = subprocess.run(
        [str(part) for part in command], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 20, ended.stdout + ended.stderr
    assert "FW-R0021" in ended.stderr
    ec2 = client_in(moto, ACCOUNTS[0], "ec2", REGIONS[0])
    assert ec2.describe_images(Owners=["self"])["Images"] == []


def test_functions_are_made_changed_and_deleted_in_moto_as_well(binary, moto, tmp_path):
    """Whatever needs no container: moto runs functions in Docker."""
    lambdas = client_in(moto, ACCOUNTS[0], "lambda", REGIONS[1])
    trust = {"Version": "2012-10-17", "Statement": []}
    iam = client_in(moto, ACCOUNTS[0], "iam", REGIONS[1])
    role = iam.create_role(RoleName="functions", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    zone = {"name": "one", "account_id": int(ACCOUNTS[0]), "regions": [REGIONS[1]], "role_name": ROLE}
    inventory = tmp_path / "landing-zones.yaml"
    inventory.write_text(yaml.safe_dump({"landing_zones": [{**zone, "external_id": EXTERNAL_ID}]}))
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "bootstrap").write_text("a bootstrap")

    def function(what, *more):
        command = [binary, "cloud", "function", what, *more, "--landing-zones", inventory, "--regions", REGIONS[1]]
        if what not in ("list", "describe", "versions"):
            command += ["--state-dir", tmp_path / "state"]
        ended = subprocess.run(
            [str(part) for part in command],
            env=clean_environment(tmp_path, **moto),
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    create = ("create", "waves", "--code", "build", "--role", role, "--memory", "256", "--variable", "RUN=r-1")
    assert function(*create) == "create waves\n"
    made = lambdas.get_function_configuration(FunctionName="waves")
    assert (made["MemorySize"], made["Runtime"], made["Environment"]["Variables"]) == (
        256,
        "provided.al2023",
        {"RUN": "r-1"},
    )
    (tmp_path / "build" / "bootstrap").write_text("another bootstrap")
    assert function("update", "waves", "--code", "build", "--time-out", "30").startswith("update waves: ")
    changed = lambdas.get_function_configuration(FunctionName="waves")
    assert changed["Timeout"] == 30 and changed["CodeSha256"] != made["CodeSha256"]
    assert [row["name"] for row in json.loads(function("list", "--output", "json"))] == ["waves"]
    assert function("publish", "waves", "--description", "one") != ""
    assert [row["version"] for row in json.loads(function("versions", "waves", "--output", "json"))] == [1]
    assert function("delete", "waves") == "delete waves\n"
    assert lambdas.list_functions()["Functions"] == []
