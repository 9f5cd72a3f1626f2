"""How boto3 drives what EC2 says of networks, and what Service Quotas says that an account may have."""

from driven_by_boto3 import drives, pages
from driven_clusters import KEPT
from driven_storage import refusal


def network_of(clients):
    """The network of a cluster, as EKS tells it."""
    return clients.zone("eks").describe_cluster(name=KEPT)["cluster"]["resourcesVpcConfig"]


@drives("ec2", "DescribeSubnets")
def describe_subnets(clients):
    ec2, network = clients.zone("ec2"), network_of(clients)
    found = ec2.describe_subnets(SubnetIds=network["subnetIds"])["Subnets"]
    assert {it["SubnetId"] for it in found} == set(network["subnetIds"])
    assert all(0 < it["AvailableIpAddressCount"] < 2**14 - 5 for it in found)
    zone = {"Name": "availability-zone", "Values": [found[0]["AvailabilityZone"]]}
    listed = pages(ec2, "describe_subnets", 5, Filters=[zone])
    assert [it["SubnetId"] for page in listed for it in page["Subnets"]] == [found[0]["SubnetId"]]
    assert refusal(ec2.describe_subnets, SubnetIds=["subnet-0123456789abcdef0"]) == "InvalidSubnetID.NotFound"


@drives("ec2", "DescribeSecurityGroups")
def describe_security_groups(clients):
    ec2, network = clients.zone("ec2"), network_of(clients)
    (found,) = ec2.describe_security_groups(GroupIds=[network["clusterSecurityGroupId"]])["SecurityGroups"]
    assert (found["VpcId"], found["IpPermissionsEgress"][0]["IpProtocol"]) == (network["vpcId"], "-1")
    vpc = {"Name": "vpc-id", "Values": [network["vpcId"]]}
    listed = pages(ec2, "describe_security_groups", 5, Filters=[vpc])
    assert found["GroupId"] in {it["GroupId"] for page in listed for it in page["SecurityGroups"]}
    assert len(listed) > 1
    assert refusal(ec2.describe_security_groups, GroupIds=["sg-0123456789abcdef0"]) == "InvalidGroup.NotFound"


@drives("ec2", "DescribeInstanceTypeOfferings")
def describe_instance_type_offerings(clients):
    ec2 = clients.zone("ec2")
    wanted = {"Name": "instance-type", "Values": ["m6i.large"]}
    (region,) = ec2.describe_instance_type_offerings(Filters=[wanted])["InstanceTypeOfferings"]
    assert (region["LocationType"], region["Location"]) == ("region", ec2.meta.region_name)
    by_zone = {"LocationType": "availability-zone", "Filters": [wanted]}
    zones = ec2.describe_instance_type_offerings(**by_zone)["InstanceTypeOfferings"]
    assert {it["Location"] for it in zones} == {region["Location"] + letter for letter in "abc"}
    assert len(pages(ec2, "describe_instance_type_offerings", 5)) > 1
    assert refusal(ec2.describe_instance_type_offerings, LocationType="planet") == "InvalidParameterValue"


@drives("ec2", "DescribeNetworkInterfaces")
def describe_network_interfaces(clients):
    ec2 = clients.zone("ec2")
    listed = pages(ec2, "describe_network_interfaces", 5)
    found = {it["NetworkInterfaceId"]: it for page in listed for it in page["NetworkInterfaces"]}
    own = [it for it in found.values() if it["Description"] == f"Amazon EKS {KEPT}"]
    assert len(own) == 2 and all(it["RequesterManaged"] and it["Status"] == "in-use" for it in own)
    assert {it["SubnetId"] for it in own} <= set(network_of(clients)["subnetIds"])
    nobody = {"NetworkInterfaceIds": ["eni-0123456789abcdef0"]}
    assert refusal(ec2.describe_network_interfaces, **nobody) == "InvalidNetworkInterfaceID.NotFound"


@drives("servicequotas", "GetServiceQuota")
def get_service_quota(clients):
    quotas = clients.zone("service-quotas")
    found = quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-DF5E4CA3")["Quota"]
    assert (found["QuotaName"], found["Value"]) == ("Network interfaces per Region", 5000)
    nothing = {"ServiceCode": "vpc", "QuotaCode": "L-00000000"}
    assert refusal(quotas.get_service_quota, **nothing) == "NoSuchResourceException"


@drives("servicequotas", "ListServiceQuotas")
def list_service_quotas(clients):
    quotas = clients.zone("service-quotas")
    listed = pages(quotas, "list_service_quotas", 1, ServiceCode="ec2")
    assert [it["QuotaCode"] for page in listed for it in page["Quotas"]] == ["L-1216C47A", "L-34B43A08"]
    assert refusal(quotas.list_service_quotas, ServiceCode="moon") == "NoSuchResourceException"
