"""A plain scan with boto3 and a thread pool, as a competent person would write it: the same calls
and the same facts as `fleetwright scan`, batched and paginated, into one CSV file.

Usage: scan_boto3.py LANDING_ZONES.yaml OUTPUT.csv
"""

import csv
import itertools
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
import yaml
from botocore.config import Config

WORKERS = 16
SETTINGS = Config(retries={"mode": "standard", "total_max_attempts": 12}, max_pool_connections=WORKERS)
NOT_TERMINATED = [
    {"Name": "instance-state-name", "Values": ["pending", "running", "shutting-down", "stopping", "stopped"]}
]
COLUMNS = [
    "instance_id", "name", "status", "instance_type", "region", "account_id", "landing_zone", "ami_id", "launch_time",
    "private_ip", "vpc_id", "subnet_id", "ping", "agent_version", "last_ping", "missing", "failed", "system_status",
    "storage_gb", "memory_mib", "tags",
]  # fmt: skip


def session_of(zone):
    arguments = {"RoleArn": zone["role_arn"], "RoleSessionName": "scan"}
    if zone.get("external_id"):
        arguments["ExternalId"] = zone["external_id"]
    keys = boto3.client("sts", config=SETTINGS).assume_role(**arguments)["Credentials"]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


class Cell:
    """One region of one landing zone."""

    def __init__(self, zone, session, region):
        self.zone, self.region = zone, region
        self.ec2 = session.client("ec2", region_name=region, config=SETTINGS)
        self.ssm = session.client("ssm", region_name=region, config=SETTINGS)

    def instances(self):
        pages = self.ec2.get_paginator("describe_instances").paginate(Filters=NOT_TERMINATED, MaxResults=1000)
        return [i for page in pages for r in page["Reservations"] for i in r["Instances"]]

    def statuses(self):
        pages = self.ec2.get_paginator("describe_instance_status").paginate(MaxResults=1000)
        return {s["InstanceId"]: s["SystemStatus"]["Status"] for page in pages for s in page["InstanceStatuses"]}

    def storage(self):
        attached = [{"Name": "attachment.status", "Values": ["attached"]}]
        total = {}
        for page in self.ec2.get_paginator("describe_volumes").paginate(Filters=attached, MaxResults=1000):
            for volume in page["Volumes"]:
                for attachment in volume["Attachments"]:
                    holder = attachment["InstanceId"]
                    total[holder] = total.get(holder, 0) + volume["Size"]
        return total

    def memory(self, types):
        found = {}
        for batch in batches(sorted(types), 100):
            for kind in self.ec2.describe_instance_types(InstanceTypes=batch)["InstanceTypes"]:
                found[kind["InstanceType"]] = kind["MemoryInfo"]["SizeInMiB"]
        return found

    def agents(self, ids):
        pages = self.ssm.get_paginator("describe_instance_information").paginate(
            Filters=[{"Key": "InstanceIds", "Values": ids}], MaxResults=50
        )
        return {a["InstanceId"]: a for page in pages for a in page["InstanceInformationList"]}

    def patch_states(self, ids):
        pages = self.ssm.get_paginator("describe_instance_patch_states").paginate(InstanceIds=ids, MaxResults=100)
        return {s["InstanceId"]: s for page in pages for s in page["InstancePatchStates"]}


def batches(items, size):
    return [items[at : at + size] for at in range(0, len(items), size)]


def merged(parts):
    return dict(itertools.chain.from_iterable(part.items() for part in parts))


def rows(cell, instances, agents, patches, statuses, storage, memory):
    for instance in instances:
        instance_id = instance["InstanceId"]
        agent, patch = agents.get(instance_id, {}), patches.get(instance_id, {})
        tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
        yield [
            instance_id, tags.get("Name"), instance["State"]["Name"], instance["InstanceType"], cell.region,
            cell.zone["account_id"], cell.zone["name"], instance["ImageId"], instance["LaunchTime"],
            instance.get("PrivateIpAddress"), instance.get("VpcId"), instance.get("SubnetId"), agent.get("PingStatus"),
            agent.get("AgentVersion"), agent.get("LastPingDateTime"), patch.get("MissingCount"),
            patch.get("FailedCount"), statuses.get(instance_id), storage.get(instance_id),
            memory.get(instance["InstanceType"]), tags,
        ]  # fmt: skip


def main(inventory, output):
    with open(inventory, encoding="utf-8") as file:
        zones = yaml.load(file, Loader=yaml.CSafeLoader)
    zones = zones["landing_zones"] if isinstance(zones, dict) else zones
    with ThreadPoolExecutor(WORKERS) as pool, open(output, "w", newline="", encoding="utf-8") as file:
        sessions = pool.map(session_of, zones)
        cells = [Cell(zone, session, region) for zone, session in zip(zones, sessions) for region in zone["regions"]]
        listed = list(pool.map(Cell.instances, cells))
        statuses = [pool.submit(cell.statuses) for cell in cells]
        storage = [pool.submit(cell.storage) for cell in cells]
        memory = [pool.submit(c.memory, {i["InstanceType"] for i in found}) for c, found in zip(cells, listed)]
        ids = [batches([i["InstanceId"] for i in found], 50) for found in listed]
        agents = [[pool.submit(cell.agents, batch) for batch in of] for cell, of in zip(cells, ids)]
        patches = [[pool.submit(cell.patch_states, batch) for batch in of] for cell, of in zip(cells, ids)]
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for at, cell in enumerate(cells):
            facts = [merged(f.result() for f in part[at]) for part in (agents, patches)]
            facts += [part[at].result() for part in (statuses, storage, memory)]
            writer.writerows(rows(cell, listed[at], *facts))


if __name__ == "__main__":
    main(*sys.argv[1:])
