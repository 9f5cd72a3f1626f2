"""How boto3 drives EKS: clusters, their updates and their node groups."""

from driven_balancing import soon
from driven_by_boto3 import drives, pages
from driven_storage import refusal

#: The cluster that is read, that whose control plane moves, that in Auto Mode, and that whose nodes are replaced.
KEPT, MOVED, AUTO, ROLLED = "referee-kept", "referee-moved", "referee-auto", "referee-rolled"


def ended(eks, update, cluster, **of):
    """How an update ends."""

    def described():
        return eks.describe_update(name=cluster, updateId=update["id"], **of)["update"]

    soon(lambda: described()["status"] != "InProgress")
    return described()


@drives("eks", "ListClusters")
def list_clusters(clients):
    listed = pages(clients.zone("eks"), "list_clusters", 1)
    assert {KEPT, MOVED, AUTO, ROLLED} <= {name for page in listed for name in page["clusters"]}
    assert len(listed) > 1


@drives("eks", "DescribeCluster")
def describe_cluster(clients):
    eks = clients.zone("eks")
    found = eks.describe_cluster(name=KEPT)["cluster"]
    assert (found["version"], found["status"], found["tags"]) == ("1.33", "ACTIVE", {"Team": "referee"})
    assert found["endpoint"] and found["certificateAuthority"]["data"]
    assert refusal(eks.describe_cluster, name="nobody") == "ResourceNotFoundException"
    eks.get_waiter("cluster_active").wait(name=KEPT)


@drives("eks", "UpdateClusterVersion")
def update_cluster_version(clients):
    eks = clients.zone("eks")
    far = {"name": MOVED, "version": "1.35"}
    assert refusal(eks.update_cluster_version, **far) == "InvalidParameterException"
    wish = {"name": MOVED, "version": "1.34", "clientRequestToken": "referee-up"}
    begun = eks.update_cluster_version(**wish)["update"]
    assert begun["type"] == "VersionUpdate"
    assert eks.update_cluster_version(**wish)["update"]["id"] == begun["id"]
    assert ended(eks, begun, MOVED)["status"] == "Successful"
    back = eks.update_cluster_version(name=MOVED, version="1.33", rollbackConfig={"timeoutMinutes": 120})["update"]
    assert back["type"] == "VersionRollback"
    assert ended(eks, back, MOVED)["status"] == "Successful"


@drives("eks", "CancelUpdate")
def cancel_update(clients):
    eks = clients.zone("eks")
    begun = eks.update_cluster_version(name=AUTO, version="1.33")["update"]
    wish = {"name": AUTO, "updateId": begun["id"], "clientRequestToken": "referee-cancel"}
    cancelled = eks.cancel_update(**wish)["update"]
    assert (cancelled["status"], cancelled["cancellation"]["status"]) == ("Cancelled", "Successful")
    assert eks.cancel_update(**wish)["update"] == cancelled
    again = {"name": AUTO, "updateId": begun["id"]}
    assert refusal(eks.cancel_update, **again) == "InvalidRequestException"


@drives("eks", "UpdateClusterConfig")
def update_cluster_config(clients):
    eks = clients.zone("eks")
    begun = eks.update_cluster_config(name=ROLLED, upgradePolicy={"supportType": "STANDARD"})["update"]
    assert ended(eks, begun, ROLLED)["status"] == "Successful"
    assert eks.describe_cluster(name=ROLLED)["cluster"]["upgradePolicy"] == {"supportType": "STANDARD"}


@drives("eks", "ListUpdates")
def list_updates(clients):
    eks = clients.zone("eks")
    begun = eks.update_nodegroup_config(clusterName=KEPT, nodegroupName="listed", labels={"addOrUpdateLabels": {"a": "b"}})
    listed = pages(eks, "list_updates", 1, name=KEPT, nodegroupName="listed")
    assert begun["update"]["id"] in {update for page in listed for update in page["updateIds"]}


@drives("eks", "DescribeUpdate")
def describe_update(clients):
    eks = clients.zone("eks")
    nothing = {"name": KEPT, "updateId": "00000000-0000-4000-8000-000000000000"}
    assert refusal(eks.describe_update, **nothing) == "ResourceNotFoundException"
    begun = eks.update_nodegroup_config(clusterName=KEPT, nodegroupName="described", updateConfig={"maxUnavailable": 2})
    found = ended(eks, begun["update"], KEPT, nodegroupName="described")
    assert found["params"] == [{"type": "MaxUnavailable", "value": "2"}]


@drives("eks", "DescribeClusterVersions")
def describe_cluster_versions(clients):
    listed = pages(clients.zone("eks"), "describe_cluster_versions", 2, includeAll=True)
    found = {it["clusterVersion"]: it for page in listed for it in page["clusterVersions"]}
    assert set(found) >= {"1.30", "1.36"} and len(listed) > 1
    assert found["1.36"]["endOfStandardSupportDate"].date().isoformat() == "2027-08-02"


@drives("eks", "ListNodegroups")
def list_nodegroups(clients):
    listed = pages(clients.zone("eks"), "list_nodegroups", 1, clusterName=KEPT)
    assert {name for page in listed for name in page["nodegroups"]} == {"described", "listed"}


@drives("eks", "DescribeNodegroup")
def describe_nodegroup(clients):
    eks = clients.zone("eks")
    found = eks.describe_nodegroup(clusterName=KEPT, nodegroupName="described")["nodegroup"]
    assert found["scalingConfig"] == {"minSize": 0, "maxSize": 2, "desiredSize": 1}
    nobody = {"clusterName": KEPT, "nodegroupName": "nobody"}
    assert refusal(eks.describe_nodegroup, **nobody) == "ResourceNotFoundException"


@drives("eks", "UpdateNodegroupVersion")
def update_nodegroup_version(clients):
    eks = clients.zone("eks")
    group = {"clusterName": ROLLED, "nodegroupName": "rolled"}
    newer = {**group, "version": "1.36"}
    assert refusal(eks.update_nodegroup_version, **newer) == "InvalidParameterException"
    wish = {**group, "version": "1.34", "force": False, "clientRequestToken": "referee-roll"}
    begun = eks.update_nodegroup_version(**wish)["update"]
    assert begun["status"] == "InProgress"
    assert eks.update_nodegroup_version(**wish)["update"]["id"] == begun["id"]
    assert refusal(eks.update_nodegroup_version, **group) == "ResourceInUseException"
    assert begun["id"] in eks.list_updates(name=ROLLED, nodegroupName="rolled")["updateIds"]


@drives("eks", "UpdateNodegroupConfig")
def update_nodegroup_config(clients):
    eks = clients.zone("eks")
    group = {"clusterName": ROLLED, "nodegroupName": "sized"}
    begun = eks.update_nodegroup_config(**group, scalingConfig={"desiredSize": 2})["update"]
    assert ended(eks, begun, ROLLED, nodegroupName="sized")["status"] == "Successful"
    assert eks.describe_nodegroup(**group)["nodegroup"]["scalingConfig"]["desiredSize"] == 2


@drives("eks", "ListFargateProfiles")
def list_fargate_profiles(clients):
    listed = pages(clients.zone("eks"), "list_fargate_profiles", 1, clusterName=KEPT)
    assert [name for page in listed for name in page["fargateProfileNames"]] == ["batch", "web"]


@drives("eks", "DescribeFargateProfile")
def describe_fargate_profile(clients):
    found = clients.zone("eks").describe_fargate_profile(clusterName=KEPT, fargateProfileName="web")
    assert found["fargateProfile"]["selectors"] == [{"namespace": "web"}]


@drives("eks", "ListInsights")
def list_insights(clients):
    eks = clients.zone("eks")
    listed = pages(eks, "list_insights", 1, clusterName=KEPT, filter={"categories": ["UPGRADE_READINESS"]})
    assert len(listed) > 1
    assert all(it["category"] == "UPGRADE_READINESS" for page in listed for it in page["insights"])


@drives("eks", "DescribeInsight")
def describe_insight(clients):
    eks = clients.zone("eks")
    (found,) = eks.list_insights(clusterName=KEPT, filter={"statuses": ["ERROR"]})["insights"]
    insight = eks.describe_insight(clusterName=KEPT, id=found["id"])["insight"]
    (usage,) = insight["categorySpecificSummary"]["deprecationDetails"]
    assert (usage["stopServingVersion"], usage["clientStats"][0]["userAgent"]) == ("1.34", "old-controller")


@drives("eks", "StartInsightsRefresh")
def start_insights_refresh(clients):
    eks = clients.zone("eks")
    assert eks.start_insights_refresh(clusterName=MOVED)["status"] == "IN_PROGRESS"


@drives("eks", "DescribeInsightsRefresh")
def describe_insights_refresh(clients):
    eks = clients.zone("eks")
    eks.start_insights_refresh(clusterName=KEPT)
    soon(lambda: eks.describe_insights_refresh(clusterName=KEPT)["status"] == "COMPLETED")


@drives("eks", "ListTagsForResource")
def list_tags_for_resource(clients):
    eks = clients.zone("eks")
    arn = eks.describe_cluster(name=KEPT)["cluster"]["arn"]
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"Team": "referee"}
    assert refusal(eks.list_tags_for_resource, resourceArn=arn + "-none") == "NotFoundException"


@drives("eks", "ListPodIdentityAssociations")
def list_pod_identity_associations(clients):
    (found,) = clients.zone("eks").list_pod_identity_associations(clusterName=KEPT, namespace="web")["associations"]
    assert found["serviceAccount"] == "reader"


@drives("eks", "ListAccessEntries")
def list_access_entries(clients):
    listed = pages(clients.zone("eks"), "list_access_entries", 1, clusterName=KEPT)
    assert [arn for page in listed for arn in page["accessEntries"]] == [clients.estate.zones[0]["role_arn"]]


@drives("eks", "DescribeAccessEntry")
def describe_access_entry(clients):
    role = clients.estate.zones[0]["role_arn"]
    found = clients.zone("eks").describe_access_entry(clusterName=KEPT, principalArn=role)["accessEntry"]
    assert found["principalArn"] == role and "access-entry/" in found["accessEntryArn"]
