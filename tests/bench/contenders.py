"""Who scans: how each contender is started, and how many instances its result holds."""

import csv
import json
import pathlib
import sys
from dataclasses import dataclass
from typing import Callable

import yaml

HERE = pathlib.Path(__file__).resolve().parent


@dataclass(frozen=True)
class Contender:
    """A program that scans a fleet."""

    name: str
    #: The command line, for an inventory and an output directory.
    command: Callable
    #: How many instances the result in the output directory holds.
    found: Callable


def fleetwright(binary):
    def command(inventory, output):
        return [binary, "scan", "--landing-zones", inventory, "--output-dir", output, "--output", "json"]

    def found(output):
        return json.loads((output / "summary.json").read_text())["instances"]

    return Contender("fleetwright", command, found)


def boto3_threads():
    def command(inventory, output):
        return [sys.executable, HERE / "scan_boto3.py", inventory, output / "instances.csv"]

    def found(output):
        with open(output / "instances.csv", newline="", encoding="utf-8") as file:
            return sum(1 for _ in csv.DictReader(file))

    return Contender("boto3 threads", command, found)


# Agent facts are joined by the `ssm` filter; it asks without a page size and reads the first page
# only, and there is no filter for patch states: Custodian does less than the others.
POLICY = {
    "policies": [
        {
            "name": "inventory",
            "resource": "aws.ec2",
            "filters": [
                {"type": "value", "key": "State.Name", "op": "ne", "value": "terminated"},
                {
                    "or": [
                        {"type": "ssm", "key": "PingStatus", "value": "present"},
                        {"type": "ssm", "key": "PingStatus", "value": "absent"},
                    ]
                },
            ],
        }
    ]
}


def custodian():
    def command(inventory, output):
        zones = yaml.safe_load(inventory.read_text())
        zones = zones["landing_zones"] if isinstance(zones, dict) else zones
        accounts = [
            {
                "name": zone["name"],
                "account_id": str(zone["account_id"]).zfill(12),
                "regions": zone["regions"],
                "role": zone["role_arn"],
                **({"external_id": zone["external_id"]} if zone.get("external_id") else {}),
            }
            for zone in zones
        ]
        (output / "cache").mkdir()
        (output / "accounts.json").write_text(json.dumps({"accounts": accounts}))
        (output / "policy.json").write_text(json.dumps(POLICY))
        program = pathlib.Path(sys.executable).parent / "c7n-org"
        return [
            program, "run", "-c", output / "accounts.json", "-u", output / "policy.json", "-s", output / "found",
            "--cache-period", "0", "--cache-path", output / "cache", "--dryrun",
        ]  # fmt: skip

    def found(output):
        files = (output / "found").glob("*/*/inventory/resources.json")
        return sum(len(json.loads(file.read_text())) for file in files)

    return Contender("Cloud Custodian", command, found)
