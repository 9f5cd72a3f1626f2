"""How boto3 drives each operation of the estate: one function per operation, in the table `DRIVEN`.

Each is a small story of its own: it asks, and says what must hold of the answer.
"""

DRIVEN = {}


def drives(service, operation):
    """Enters the function into the table as the driver of this operation."""

    def enter(function):
        DRIVEN[service, operation] = function
        return function

    return enter


def pages(client, operation, size, **arguments):
    """Every page of a paginated operation."""
    return list(client.get_paginator(operation).paginate(PaginationConfig={"PageSize": size}, **arguments))


def instances(clients):
    """Every instance of the first landing zone's first region."""
    reservations = pages(clients.zone("ec2"), "describe_instances", 1000)
    return [i for page in reservations for r in page["Reservations"] for i in r["Instances"]]


# STS


@drives("sts", "GetCallerIdentity")
def get_caller_identity(clients):
    identity = clients.zone("sts").get_caller_identity()
    assert identity["Account"] == clients.estate.zones[0]["account_id"]
    assert ":assumed-role/" in identity["Arn"]


@drives("sts", "AssumeRole")
def assume_role(clients):
    for zone in clients.estate.zones:
        assert clients.zone("sts", zone).get_caller_identity()["Account"] == zone["account_id"]


# IAM


@drives("iam", "GetRole")
def get_role(clients):
    zone = clients.estate.zones[0]
    role = clients.zone("iam").get_role(RoleName=zone["role_arn"].rsplit("/", 1)[1])["Role"]
    assert role["Arn"] == zone["role_arn"]
    assert role["AssumeRolePolicyDocument"]["Statement"]


@drives("iam", "SimulatePrincipalPolicy")
def simulate_principal_policy(clients):
    actions = ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation", "ec2:ReleaseHosts"]
    results = pages(
        clients.zone("iam"),
        "simulate_principal_policy",
        2,
        PolicySourceArn=clients.estate.zones[0]["role_arn"],
        ActionNames=actions,
    )
    decisions = {r["EvalActionName"]: r["EvalDecision"] for page in results for r in page["EvaluationResults"]}
    assert len(results) == 2
    assert decisions == {actions[0]: "allowed", actions[1]: "allowed", actions[2]: "implicitDeny"}


# Organizations


@drives("organizations", "DescribeOrganization")
def describe_organization(clients):
    organization = clients.hub("organizations").describe_organization()["Organization"]
    assert organization["Id"].startswith("o-")


@drives("organizations", "ListAccounts")
def list_accounts(clients):
    listed = pages(clients.hub("organizations"), "list_accounts", 1)
    ids = [account["Id"] for page in listed for account in page["Accounts"]]
    assert len(ids) == len(set(ids))
    assert {zone["account_id"] for zone in clients.estate.zones} <= set(ids)


@drives("organizations", "ListRoots")
def list_roots(clients):
    (root,) = clients.hub("organizations").list_roots()["Roots"]
    assert root["Id"].startswith("r-")


@drives("organizations", "ListOrganizationalUnitsForParent")
def list_organizational_units(clients):
    assert set(accounts_below(clients)) == set(all_accounts(clients))


@drives("organizations", "ListAccountsForParent")
def list_accounts_for_parent(clients):
    ids = accounts_below(clients)
    assert len(ids) == len(set(ids)), "an account has one parent"


def all_accounts(clients):
    listed = pages(clients.hub("organizations"), "list_accounts", 20)
    return [account["Id"] for page in listed for account in page["Accounts"]]


def accounts_below(clients):
    """Account ids found by walking down from the root."""
    organizations = clients.hub("organizations")
    to_visit = [root["Id"] for root in organizations.list_roots()["Roots"]]
    found = []
    while to_visit:
        parent = to_visit.pop()
        for page in pages(organizations, "list_accounts_for_parent", 20, ParentId=parent):
            found += [account["Id"] for account in page["Accounts"]]
        for page in pages(organizations, "list_organizational_units_for_parent", 20, ParentId=parent):
            to_visit += [unit["Id"] for unit in page["OrganizationalUnits"]]
    return found


# EC2


@drives("ec2", "DescribeRegions")
def describe_regions(clients):
    ec2 = clients.zone("ec2")
    enabled = {region["RegionName"] for region in ec2.describe_regions()["Regions"]}
    known = {region["RegionName"] for region in ec2.describe_regions(AllRegions=True)["Regions"]}
    assert set(clients.estate.zones[0]["regions"]) <= enabled <= known


@drives("ec2", "DescribeInstances")
def describe_instances(clients):
    ec2 = clients.zone("ec2")
    everything = [i["InstanceId"] for i in instances(clients)]
    assert everything and len(everything) == len(set(everything))
    small = pages(ec2, "describe_instances", 5)
    assert [i["InstanceId"] for page in small for r in page["Reservations"] for i in r["Instances"]] == everything
    assert len(small) > 1
    running = pages(ec2, "describe_instances", 100, Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    for page in running:
        for reservation in page["Reservations"]:
            assert all(i["State"]["Name"] == "running" for i in reservation["Instances"])
    one = ec2.describe_instances(InstanceIds=everything[:1])["Reservations"]
    assert [i["InstanceId"] for r in one for i in r["Instances"]] == everything[:1]


@drives("ec2", "DescribeInstanceStatus")
def describe_instance_status(clients):
    ec2 = clients.zone("ec2")
    before = states(clients)
    running = {s["InstanceId"] for page in pages(ec2, "describe_instance_status", 5) for s in page["InstanceStatuses"]}
    everything = pages(ec2, "describe_instance_status", 1000, IncludeAllInstances=True)
    told = {s["InstanceId"] for page in everything for s in page["InstanceStatuses"]}
    after = states(clients)
    # Auto Scaling replaces some meanwhile, and nothing is told of what is terminated.
    settled = {i for i, state in before.items() if after.get(i) == state != "terminated"}
    assert settled and settled <= told <= {*before, *after}
    assert running & settled == {i for i in settled if before[i] == "running"}
    gone = {i for i, state in before.items() if state == "terminated"}
    assert not told & gone


def states(clients):
    return {i["InstanceId"]: i["State"]["Name"] for i in instances(clients)}


@drives("ec2", "DescribeImages")
def describe_images(clients):
    wanted = {i["ImageId"] for i in instances(clients)}
    found = clients.zone("ec2").describe_images(ImageIds=sorted(wanted))["Images"]
    assert {image["ImageId"] for image in found} == wanted
    available = [{"Name": "state", "Values": ["available"]}]
    listed = pages(clients.zone("ec2"), "describe_images", 10, Filters=available, IncludeDeprecated=True)
    assert wanted <= {image["ImageId"] for page in listed for image in page["Images"]}


@drives("ec2", "DescribeVolumes")
def describe_volumes(clients):
    attached = [{"Name": "attachment.status", "Values": ["attached"]}]
    found = pages(clients.zone("ec2"), "describe_volumes", 500, Filters=attached)
    holders = {a["InstanceId"] for page in found for v in page["Volumes"] for a in v["Attachments"]}
    assert holders == {i["InstanceId"] for i in instances(clients) if i["BlockDeviceMappings"]}


@drives("ec2", "DescribeInstanceTypes")
def describe_instance_types(clients):
    wanted = sorted({i["InstanceType"] for i in instances(clients)})
    found = clients.zone("ec2").describe_instance_types(InstanceTypes=wanted)["InstanceTypes"]
    assert sorted(t["InstanceType"] for t in found) == wanted
    assert all(t["VCpuInfo"]["DefaultVCpus"] > 0 and t["MemoryInfo"]["SizeInMiB"] > 0 for t in found)
    listed = pages(clients.zone("ec2"), "describe_instance_types", 5)
    assert set(wanted) <= {t["InstanceType"] for page in listed for t in page["InstanceTypes"]}


@drives("ec2", "CreateTags")
def create_tags(clients):
    ec2 = clients.zone("ec2")
    target = instances(clients)[0]["InstanceId"]
    tag = {"Key": "referee", "Value": 'naïve, "quoted" & <angled>'}
    ec2.create_tags(Resources=[target], Tags=[tag])
    (reservation,) = ec2.describe_instances(InstanceIds=[target])["Reservations"]
    assert tag in reservation["Instances"][0]["Tags"]


# Systems Manager


@drives("ssm", "DescribeInstanceInformation")
def describe_instance_information(clients):
    ssm = clients.zone("ssm")
    listed = pages(ssm, "describe_instance_information", 5)
    agents = [agent["InstanceId"] for page in listed for agent in page["InstanceInformationList"]]
    assert agents and len(agents) == len(set(agents)) and len(listed) > 1
    chosen = ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": agents[:3]}], MaxResults=50)
    assert {agent["InstanceId"] for agent in chosen["InstanceInformationList"]} == set(agents[:3])


@drives("ssm", "DescribeInstancePatchStates")
def describe_instance_patch_states(clients):
    ids = [i["InstanceId"] for i in instances(clients)][:50]
    listed = pages(clients.zone("ssm"), "describe_instance_patch_states", 10, InstanceIds=ids)
    states = [state for page in listed for state in page["InstancePatchStates"]]
    assert states and {state["InstanceId"] for state in states} <= set(ids)


@drives("ssm", "DescribePatchBaselines")
def describe_patch_baselines(clients):
    ssm = clients.zone("ssm")
    listed = [b for page in pages(ssm, "describe_patch_baselines", 2) for b in page["BaselineIdentities"]]
    assert any(baseline["DefaultBaseline"] for baseline in listed)
    theirs = [{"Key": "OWNER", "Values": ["AWS"]}]
    provided = [
        b for page in pages(ssm, "describe_patch_baselines", 100, Filters=theirs) for b in page["BaselineIdentities"]
    ]
    assert provided and all(b["BaselineName"].startswith("AWS-") for b in provided)
