"""EKS as a person types it: the commands, and what they name."""

from driven_clusters import KEPT, ROLLED, ended

#: A cluster of the typed commands' own.
TYPED_CLUSTER = "referee-typed"


def clusters(clients):
    """Clusters, updates and insights, for commands to show and to change."""
    eks = clients.zone("eks")
    rollback = eks.update_cluster_version(name="referee-typed-auto", version="1.33")["update"]["id"]
    eks.start_insights_refresh(clusterName=KEPT)
    change = {"clusterName": KEPT, "nodegroupName": "described", "updateConfig": {"maxUnavailable": 1}}
    update = eks.update_nodegroup_config(**change)["update"]
    ended(eks, update, KEPT, nodegroupName="described")
    unwanted = {"clusterName": TYPED_CLUSTER, "addonName": "metrics-server"}
    eks.create_addon(**unwanted)
    return {
        "cluster": KEPT,
        "typed_cluster": TYPED_CLUSTER,
        "cluster_arn": eks.describe_cluster(name=KEPT)["cluster"]["arn"],
        "rollback": rollback,
        "group_update": update["id"],
        "insight": eks.list_insights(clusterName=KEPT)["insights"][0]["id"],
    }


def typed(operation, command, member=None):
    return {("eks", operation): ("zone", f"eks {command}", member)}


TYPED = {
    **typed("ListClusters", "list-clusters --page-size 1", "clusters"),
    **typed("DescribeCluster", "describe-cluster --name {cluster}", "cluster"),
    **typed("UpdateClusterVersion", "update-cluster-version --name {typed_cluster} --kubernetes-version 1.34", "update"),
    **typed(
        "UpdateClusterConfig",
        "update-cluster-config --name " + ROLLED + " --logging"
        ' {{"clusterLogging":[{{"types":["audit"],"enabled":true}}]}}',
        "update",
    ),
    **typed("CancelUpdate", "cancel-update --name referee-typed-auto --update-id {rollback}", "update"),
    **typed("ListUpdates", "list-updates --name referee-typed-auto", "updateIds"),
    **typed(
        "DescribeUpdate",
        "describe-update --name {cluster} --update-id {group_update} --nodegroup-name described",
        "update",
    ),
    **typed("DescribeClusterVersions", "describe-cluster-versions --include-all --page-size 2", "clusterVersions"),
    **typed("ListNodegroups", "list-nodegroups --cluster-name {cluster}", "nodegroups"),
    **typed("DescribeNodegroup", "describe-nodegroup --cluster-name {cluster} --nodegroup-name listed", "nodegroup"),
    **typed(
        "UpdateNodegroupVersion",
        "update-nodegroup-version --cluster-name {typed_cluster} --nodegroup-name typed",
        "update",
    ),
    **typed(
        "UpdateNodegroupConfig",
        "update-nodegroup-config --cluster-name {typed_cluster} --nodegroup-name sized --scaling-config desiredSize=2",
        "update",
    ),
    **typed("ListFargateProfiles", "list-fargate-profiles --cluster-name {cluster}", "fargateProfileNames"),
    **typed(
        "DescribeFargateProfile",
        "describe-fargate-profile --cluster-name {cluster} --fargate-profile-name web",
        "fargateProfile",
    ),
    **typed("ListAddons", "list-addons --cluster-name {cluster}", "addons"),
    **typed("DescribeAddon", "describe-addon --cluster-name {cluster} --addon-name coredns", "addon"),
    **typed(
        "CreateAddon",
        "create-addon --cluster-name {typed_cluster} --addon-name eks-pod-identity-agent",
        "addon",
    ),
    **typed(
        "UpdateAddon",
        "update-addon --cluster-name {typed_cluster} --addon-name coredns --resolve-conflicts OVERWRITE",
        "update",
    ),
    **typed("DeleteAddon", "delete-addon --cluster-name {typed_cluster} --addon-name metrics-server", "addon"),
    **typed("DescribeAddonVersions", "describe-addon-versions --kubernetes-version 1.34 --page-size 2", "addons"),
    **typed(
        "DescribeAddonConfiguration",
        "describe-addon-configuration --addon-name coredns --addon-version v1.12.4-eksbuild.1",
        "configurationSchema",
    ),
    **typed("ListInsights", "list-insights --cluster-name {cluster} --page-size 1", "insights"),
    **typed("DescribeInsight", "describe-insight --cluster-name {cluster} --id {insight}", "insight"),
    **typed("StartInsightsRefresh", "start-insights-refresh --cluster-name {typed_cluster}", "status"),
    **typed("DescribeInsightsRefresh", "describe-insights-refresh --cluster-name {cluster}", "status"),
    **typed("ListPodIdentityAssociations", "list-pod-identity-associations --cluster-name {cluster}", "associations"),
    **typed("ListAccessEntries", "list-access-entries --cluster-name {cluster}", "accessEntries"),
    **typed(
        "DescribeAccessEntry",
        "describe-access-entry --cluster-name {cluster} --principal-arn {role}",
        "accessEntry",
    ),
    **typed("ListTagsForResource", "list-tags-for-resource --resource-arn {cluster_arn}", "tags"),
}
