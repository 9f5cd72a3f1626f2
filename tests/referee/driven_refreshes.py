"""How boto3 drives Auto Scaling groups of one's own: instance refreshes, lifecycle hooks and launch templates."""

from driven_balancing import soon
from driven_by_boto3 import drives, pages
from driven_storage import refusal

#: The group that boto3 refreshes, and that which a person does.
OWN, TYPED_OWN = "referee-own", "referee-typed-own"
PREFERENCES = {"MinHealthyPercentage": 100, "MaxHealthyPercentage": 110, "SkipMatching": True}


def own_group(clients, name=OWN):
    scaling = clients.zone("autoscaling")
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return group


def template_of(clients, name=OWN):
    """The launch template of a group, by id."""
    return own_group(clients, name)["LaunchTemplate"]["LaunchTemplateId"]


def refresh_of(scaling, refresh):
    asked = {"AutoScalingGroupName": OWN, "InstanceRefreshIds": [refresh]}
    (shown,) = scaling.describe_instance_refreshes(**asked)["InstanceRefreshes"]
    return shown


def begun(scaling):
    return scaling.start_instance_refresh(AutoScalingGroupName=OWN, Preferences=PREFERENCES)["InstanceRefreshId"]


def called_off(scaling, refresh):
    assert scaling.cancel_instance_refresh(AutoScalingGroupName=OWN)["InstanceRefreshId"] == refresh
    soon(lambda: refresh_of(scaling, refresh)["Status"] == "Cancelled")


@drives("autoscaling", "StartInstanceRefresh")
def start_instance_refresh(clients):
    scaling = clients.zone("autoscaling")
    refresh = begun(scaling)
    assert refusal(scaling.start_instance_refresh, AutoScalingGroupName=OWN) == "InstanceRefreshInProgress"
    shown = refresh_of(scaling, refresh)
    assert (shown["Status"], shown["InstancesToUpdate"]) == ("InProgress", 2)
    assert {name: shown["Preferences"][name] for name in PREFERENCES} == PREFERENCES
    odd = {"AutoScalingGroupName": OWN, "Preferences": {"MinHealthyPercentage": 101}}
    assert refusal(scaling.start_instance_refresh, **odd) == "ValidationError"
    called_off(scaling, refresh)
    wanted = {"LaunchTemplate": {"LaunchTemplateId": template_of(clients), "Version": "2"}}
    named = scaling.start_instance_refresh(AutoScalingGroupName=OWN, DesiredConfiguration=wanted)["InstanceRefreshId"]
    launched = refresh_of(scaling, named)["DesiredConfiguration"]["LaunchTemplate"]
    assert (launched["LaunchTemplateId"], launched["Version"]) == (template_of(clients), "2")
    called_off(scaling, named)


@drives("autoscaling", "CancelInstanceRefresh")
def cancel_instance_refresh(clients):
    scaling = clients.zone("autoscaling")
    called_off(scaling, begun(scaling))
    nothing = refusal(scaling.cancel_instance_refresh, AutoScalingGroupName=OWN)
    assert nothing == "ActiveInstanceRefreshNotFound"


@drives("autoscaling", "DescribeInstanceRefreshes")
def describe_instance_refreshes(clients):
    scaling = clients.zone("autoscaling")
    first = begun(scaling)
    called_off(scaling, first)
    second = begun(scaling)
    called_off(scaling, second)
    shown, token = [], {}
    for _ in range(2):
        page = scaling.describe_instance_refreshes(AutoScalingGroupName=OWN, MaxRecords=1, **token)
        shown += [it["InstanceRefreshId"] for it in page["InstanceRefreshes"]]
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else {}
    assert shown == [second, first]
    assert refusal(scaling.describe_instance_refreshes, AutoScalingGroupName="nobody") == "ValidationError"


@drives("autoscaling", "DescribeLifecycleHooks")
def describe_lifecycle_hooks(clients):
    (hook,) = clients.zone("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=OWN)["LifecycleHooks"]
    assert hook["LifecycleTransition"] == "autoscaling:EC2_INSTANCE_TERMINATING"
    assert (hook["HeartbeatTimeout"], hook["DefaultResult"]) == (3600, "CONTINUE")


@drives("ec2", "DescribeLaunchTemplates")
def describe_launch_templates(clients):
    ec2, template = clients.zone("ec2"), template_of(clients)
    (shown,) = ec2.describe_launch_templates(LaunchTemplateIds=[template])["LaunchTemplates"]
    assert (shown["DefaultVersionNumber"], shown["LatestVersionNumber"]) == (1, 2)
    listed = pages(ec2, "describe_launch_templates", 1)
    assert len(listed) > 1
    assert template in {it["LaunchTemplateId"] for page in listed for it in page["LaunchTemplates"]}
    nobodys = {"LaunchTemplateIds": ["lt-0123456789abcdef0"]}
    assert refusal(ec2.describe_launch_templates, **nobodys) == "InvalidLaunchTemplateId.NotFound"


@drives("ec2", "DescribeLaunchTemplateVersions")
def describe_launch_template_versions(clients):
    ec2, template = clients.zone("ec2"), template_of(clients)
    asked = {"LaunchTemplateId": template}
    listed = ec2.describe_launch_template_versions(**asked)["LaunchTemplateVersions"]
    assert [(it["VersionNumber"], it["DefaultVersion"]) for it in listed] == [(2, False), (1, True)]
    (latest,) = ec2.describe_launch_template_versions(**asked, Versions=["$Latest"])["LaunchTemplateVersions"]
    (image,) = ec2.describe_images(ImageIds=[latest["LaunchTemplateData"]["ImageId"]])["Images"]
    assert "-1.33-" in image["Name"]
    of_all = ec2.describe_launch_template_versions(Versions=["$Default"])["LaunchTemplateVersions"]
    assert len(of_all) > 1 and all(it["DefaultVersion"] for it in of_all)
    unknown = refusal(ec2.describe_launch_template_versions, **asked, Versions=["9"])
    assert unknown == "InvalidLaunchTemplateId.VersionNotFound"
    assert refusal(ec2.describe_launch_template_versions) == "MissingParameter"
