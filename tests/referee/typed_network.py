"""What EC2 says of networks, and what an account may have, as a person types it."""

from driven_network import network_of


def network(clients):
    """A cluster's subnet and security group, for commands to show."""
    found = network_of(clients)
    return {"cluster_subnet": found["subnetIds"][0], "cluster_group": found["clusterSecurityGroupId"]}


TYPED = {
    ("ec2", "DescribeSubnets"): ("zone", "ec2 describe-subnets --subnet-ids {cluster_subnet}", "Subnets"),
    ("ec2", "DescribeSecurityGroups"): (
        "zone",
        "ec2 describe-security-groups --group-ids {cluster_group}",
        "SecurityGroups",
    ),
    ("ec2", "DescribeInstanceTypeOfferings"): (
        "zone",
        "ec2 describe-instance-type-offerings --location-type availability-zone --page-size 20",
        "InstanceTypeOfferings",
    ),
    ("ec2", "DescribeNetworkInterfaces"): (
        "zone",
        "ec2 describe-network-interfaces --filters Name=subnet-id,Values={cluster_subnet} --page-size 20",
        "NetworkInterfaces",
    ),
    ("servicequotas", "GetServiceQuota"): (
        "zone",
        "service-quotas get-service-quota --service-code ec2 --quota-code L-1216C47A",
        "Quota",
    ),
    ("servicequotas", "ListServiceQuotas"): (
        "zone",
        "service-quotas list-service-quotas --service-code ebs --page-size 1",
        "Quotas",
    ),
}
