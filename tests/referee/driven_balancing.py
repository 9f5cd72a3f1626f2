"""How boto3 drives Elastic Load Balancing of both generations and Auto Scaling.

They share four instances, which `referee.toml` puts behind balancers and into a group; each story
leaves them as it found them.
"""

import time

from driven_by_boto3 import drives, pages
from driven_ec2_changes import REGION, refusal

NAME = "referee-web"
CLASSIC = "referee-classic"
NOBODY = "i-0123456789abcdef0"


def at_home(clients, service):
    return clients.zone(service, clients.estate.zones[1], region=REGION)


def balanced(clients):
    """The instances that balancers and the group hold."""
    group = group_of(at_home(clients, "autoscaling"))
    return [it["InstanceId"] for it in group["Instances"]]


def group_of(scaling):
    (group,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"]
    return group


def target_group(elb):
    (group,) = elb.describe_target_groups(Names=[NAME])["TargetGroups"]
    return group["TargetGroupArn"]


def soon(wanted, seconds=40):
    """Waits until something holds."""
    for _ in range(seconds * 2):
        if wanted():
            return
        time.sleep(0.5)
    raise AssertionError("it did not come about")


def health(elb, instance):
    answer = elb.describe_target_health(TargetGroupArn=target_group(elb), Targets=[{"Id": instance}])
    (shown,) = answer["TargetHealthDescriptions"]
    return shown["TargetHealth"]["State"], shown["TargetHealth"].get("Reason")


# Elastic Load Balancing, second generation


@drives("elbv2", "DescribeLoadBalancers")
def describe_load_balancers(clients):
    elb = at_home(clients, "elbv2")
    (balancer,) = [b for page in pages(elb, "describe_load_balancers", 1) for b in page["LoadBalancers"]]
    assert (balancer["LoadBalancerName"], balancer["Type"]) == (NAME, "application")
    assert balancer["State"]["Code"] == "active" and len(balancer["AvailabilityZones"]) >= 2
    assert refusal(elb.describe_load_balancers, Names=["none"]) == "LoadBalancerNotFound"


@drives("elbv2", "DescribeTargetGroups")
def describe_target_groups(clients):
    elb = at_home(clients, "elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (group,) = elb.describe_target_groups(LoadBalancerArn=balancer["LoadBalancerArn"])["TargetGroups"]
    assert group["TargetGroupArn"] == target_group(elb)
    assert (group["HealthCheckIntervalSeconds"], group["UnhealthyThresholdCount"]) == (5, 2)
    assert refusal(elb.describe_target_groups, Names=["none"]) == "TargetGroupNotFound"


@drives("elbv2", "DescribeTargetGroupAttributes")
def describe_target_group_attributes(clients):
    elb = at_home(clients, "elbv2")
    answer = elb.describe_target_group_attributes(TargetGroupArn=target_group(elb))
    attributes = {each["Key"]: each["Value"] for each in answer["Attributes"]}
    assert attributes["deregistration_delay.timeout_seconds"] == "2"


@drives("elbv2", "DescribeTags")
def describe_tags(clients):
    elb = at_home(clients, "elbv2")
    (tags,) = elb.describe_tags(ResourceArns=[target_group(elb)])["TagDescriptions"]
    assert tags["Tags"] == [{"Key": "Team", "Value": "referee"}]


@drives("elbv2", "DescribeTargetHealth")
def describe_target_health(clients):
    elb = at_home(clients, "elbv2")
    shown = elb.describe_target_health(TargetGroupArn=target_group(elb))["TargetHealthDescriptions"]
    assert {each["Target"]["Id"] for each in shown} >= set(balanced(clients))
    assert health(elb, NOBODY) == ("unused", "Target.NotRegistered")


@drives("elbv2", "DeregisterTargets")
def deregister_targets(clients):
    elb, one = at_home(clients, "elbv2"), balanced(clients)[0]
    target = {"TargetGroupArn": target_group(elb), "Targets": [{"Id": one}]}
    elb.deregister_targets(**target)
    assert health(elb, one) == ("draining", "Target.DeregistrationInProgress")
    soon(lambda: health(elb, one) == ("unused", "Target.NotRegistered"))
    elb.register_targets(**target)


@drives("elbv2", "RegisterTargets")
def register_targets(clients):
    elb, one = at_home(clients, "elbv2"), balanced(clients)[1]
    target = {"TargetGroupArn": target_group(elb), "Targets": [{"Id": one}]}
    elb.deregister_targets(**target)
    soon(lambda: health(elb, one)[0] == "unused")
    elb.register_targets(**target)
    assert health(elb, one)[0] == "initial"
    soon(lambda: health(elb, one)[0] == "healthy")
    absent = {**target, "Targets": [{"Id": NOBODY}]}
    assert refusal(elb.register_targets, **absent) == "InvalidTarget"


# Elastic Load Balancing, first generation


def classic_state(elb, instance):
    answer = elb.describe_instance_health(LoadBalancerName=CLASSIC, Instances=[{"InstanceId": instance}])
    return answer["InstanceStates"][0]["State"]


@drives("elb", "DescribeLoadBalancers")
def describe_classic_balancers(clients):
    elb = at_home(clients, "elb")
    listed = [b for page in pages(elb, "describe_load_balancers", 1) for b in page["LoadBalancerDescriptions"]]
    assert [balancer["LoadBalancerName"] for balancer in listed] == [CLASSIC]
    assert refusal(elb.describe_load_balancers, LoadBalancerNames=[NAME]) == "LoadBalancerNotFound"


@drives("elb", "DescribeLoadBalancerAttributes")
def describe_load_balancer_attributes(clients):
    answer = at_home(clients, "elb").describe_load_balancer_attributes(LoadBalancerName=CLASSIC)
    assert answer["LoadBalancerAttributes"]["ConnectionDraining"] == {"Enabled": True, "Timeout": 2}


@drives("elb", "DescribeInstanceHealth")
def describe_instance_health(clients):
    elb = at_home(clients, "elb")
    states = elb.describe_instance_health(LoadBalancerName=CLASSIC)["InstanceStates"]
    assert "InService" in {state["State"] for state in states}
    nobody = {"LoadBalancerName": CLASSIC, "Instances": [{"InstanceId": NOBODY}]}
    assert refusal(elb.describe_instance_health, **nobody) == "InvalidInstance"


@drives("elb", "DeregisterInstancesFromLoadBalancer")
def deregister_instances(clients):
    elb, one = at_home(clients, "elb"), balanced(clients)[0]
    which = {"LoadBalancerName": CLASSIC, "Instances": [{"InstanceId": one}]}
    left = elb.deregister_instances_from_load_balancer(**which)["Instances"]
    assert one not in {it["InstanceId"] for it in left}
    soon(lambda: refusal(elb.describe_instance_health, **which) == "InvalidInstance")
    elb.register_instances_with_load_balancer(**which)


@drives("elb", "RegisterInstancesWithLoadBalancer")
def register_instances(clients):
    elb, one = at_home(clients, "elb"), balanced(clients)[1]
    which = {"LoadBalancerName": CLASSIC, "Instances": [{"InstanceId": one}]}
    elb.deregister_instances_from_load_balancer(**which)
    soon(lambda: refusal(elb.describe_instance_health, **which) == "InvalidInstance")
    there = elb.register_instances_with_load_balancer(**which)["Instances"]
    assert one in {it["InstanceId"] for it in there}
    assert classic_state(elb, one) == "OutOfService"
    soon(lambda: classic_state(elb, one) == "InService")


# Auto Scaling


def lifecycle(scaling, instance):
    (shown,) = scaling.describe_auto_scaling_instances(InstanceIds=[instance])["AutoScalingInstances"]
    return shown["LifecycleState"]


@drives("autoscaling", "DescribeAutoScalingGroups")
def describe_auto_scaling_groups(clients):
    scaling = at_home(clients, "autoscaling")
    named = {"AutoScalingGroupNames": [NAME, "none"]}
    listed = pages(scaling, "describe_auto_scaling_groups", 1, **named)
    (group,) = [it for page in listed for it in page["AutoScalingGroups"]]
    assert (group["MinSize"], group["MaxSize"], len(group["Instances"])) == (1, 8, 4)
    tagged = scaling.describe_auto_scaling_groups(Filters=[{"Name": "tag:Team", "Values": ["referee"]}])
    assert len(tagged["AutoScalingGroups"]) == 1


@drives("autoscaling", "DescribeAutoScalingInstances")
def describe_auto_scaling_instances(clients):
    listed = pages(at_home(clients, "autoscaling"), "describe_auto_scaling_instances", 3)
    shown = [it for page in listed for it in page["AutoScalingInstances"]]
    assert len(listed) == 2 and {it["AutoScalingGroupName"] for it in shown} == {NAME}


def taken_out(clients):
    """An instance on its way into standby, and back when the caller is done."""
    scaling, one = at_home(clients, "autoscaling"), balanced(clients)[2]
    answer = scaling.enter_standby(
        InstanceIds=[one], AutoScalingGroupName=NAME, ShouldDecrementDesiredCapacity=True
    )
    assert answer["Activities"][0]["StatusCode"] == "InProgress"
    soon(lambda: lifecycle(scaling, one) == "Standby")
    return scaling, one


def put_back(scaling, one):
    scaling.exit_standby(InstanceIds=[one], AutoScalingGroupName=NAME)
    soon(lambda: lifecycle(scaling, one) == "InService")


def all_in_service(clients):
    """Puts back whatever stands by: the next module finds the group whole."""
    scaling = at_home(clients, "autoscaling")
    for one in balanced(clients):
        soon(lambda one=one: lifecycle(scaling, one) in ("InService", "Standby"))
        if lifecycle(scaling, one) == "Standby":
            put_back(scaling, one)


@drives("autoscaling", "EnterStandby")
def enter_standby(clients):
    scaling, one = taken_out(clients)
    assert group_of(scaling)["DesiredCapacity"] == 3
    again = {"InstanceIds": [one], "AutoScalingGroupName": NAME, "ShouldDecrementDesiredCapacity": True}
    assert refusal(scaling.enter_standby, **again) == "ValidationError"
    put_back(scaling, one)


@drives("autoscaling", "ExitStandby")
def exit_standby(clients):
    scaling, one = taken_out(clients)
    put_back(scaling, one)
    assert group_of(scaling)["DesiredCapacity"] == 4
    assert refusal(scaling.exit_standby, InstanceIds=[one], AutoScalingGroupName=NAME) == "ValidationError"


def suspended(scaling):
    return [process["ProcessName"] for process in group_of(scaling)["SuspendedProcesses"]]


@drives("autoscaling", "SuspendProcesses")
def suspend_processes(clients):
    scaling = at_home(clients, "autoscaling")
    scaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["ReplaceUnhealthy", "HealthCheck"])
    assert suspended(scaling) == ["HealthCheck", "ReplaceUnhealthy"]
    odd = {"AutoScalingGroupName": NAME, "ScalingProcesses": ["Sleep"]}
    assert refusal(scaling.suspend_processes, **odd) == "ValidationError"
    scaling.resume_processes(AutoScalingGroupName=NAME)


@drives("autoscaling", "ResumeProcesses")
def resume_processes(clients):
    scaling = at_home(clients, "autoscaling")
    scaling.suspend_processes(AutoScalingGroupName=NAME)
    assert len(suspended(scaling)) == 9
    scaling.resume_processes(AutoScalingGroupName=NAME, ScalingProcesses=["Launch"])
    assert "Launch" not in suspended(scaling)
    scaling.resume_processes(AutoScalingGroupName=NAME)
    assert suspended(scaling) == []


@drives("autoscaling", "DescribeScalingActivities")
def describe_scaling_activities(clients):
    scaling, one = taken_out(clients)
    put_back(scaling, one)
    activities = scaling.describe_scaling_activities(AutoScalingGroupName=NAME)["Activities"]
    assert activities[0]["Description"] == f"Moving EC2 instance out of Standby: {one}"
