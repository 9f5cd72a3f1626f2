"""How boto3 drives the add-ons of EKS."""

import json

from driven_balancing import soon
from driven_by_boto3 import drives, pages
from driven_clusters import KEPT, ROLLED, ended
from driven_storage import refusal


@drives("eks", "ListAddons")
def list_addons(clients):
    listed = pages(clients.zone("eks"), "list_addons", 1, clusterName=KEPT)
    assert [name for page in listed for name in page["addons"]] == ["coredns", "kube-proxy", "vpc-cni"]


@drives("eks", "DescribeAddon")
def describe_addon(clients):
    eks = clients.zone("eks")
    found = eks.describe_addon(clusterName=KEPT, addonName="vpc-cni")["addon"]
    assert (found["status"], found["addonVersion"]) == ("ACTIVE", "v1.20.4-eksbuild.2")
    nothing = {"clusterName": KEPT, "addonName": "nothing"}
    assert refusal(eks.describe_addon, **nothing) == "ResourceNotFoundException"


@drives("eks", "UpdateAddon")
def update_addon(clients):
    eks = clients.zone("eks")
    addon = {"clusterName": ROLLED, "addonName": "vpc-cni"}
    old = {**addon, "addonVersion": "v1.18.5-eksbuild.1"}
    assert refusal(eks.update_addon, **old) == "InvalidParameterException"
    wish = {**addon, "addonVersion": "v1.21.1-eksbuild.1", "resolveConflicts": "PRESERVE", "clientRequestToken": "referee-cni"}
    begun = eks.update_addon(**wish)["update"]
    assert ended(eks, begun, ROLLED, addonName="vpc-cni")["status"] == "Successful"
    assert eks.update_addon(**wish)["update"]["id"] == begun["id"]
    assert eks.list_updates(name=ROLLED, addonName="vpc-cni")["updateIds"] == [begun["id"]]
    cluster_alone = {"name": ROLLED, "updateId": begun["id"]}
    assert refusal(eks.describe_update, **cluster_alone) == "ResourceNotFoundException"
    assert eks.describe_addon(**addon)["addon"]["addonVersion"] == "v1.21.1-eksbuild.1"


@drives("eks", "CreateAddon")
def create_addon(clients):
    eks = clients.zone("eks")
    addon = {"clusterName": ROLLED, "addonName": "metrics-server"}
    wish = {**addon, "tags": {"Team": "referee"}, "configurationValues": '{"replicas": 2}', "clientRequestToken": "referee-made"}
    made = eks.create_addon(**wish)["addon"]
    assert (made["status"], made["tags"]) == ("CREATING", {"Team": "referee"})
    soon(lambda: eks.describe_addon(**addon)["addon"]["status"] == "ACTIVE")
    assert eks.create_addon(**wish)["addon"]["createdAt"] == made["createdAt"]
    assert refusal(eks.create_addon, **addon) == "ResourceInUseException"


@drives("eks", "DeleteAddon")
def delete_addon(clients):
    eks = clients.zone("eks")
    addon = {"clusterName": ROLLED, "addonName": "eks-pod-identity-agent"}
    eks.create_addon(**addon)
    assert eks.delete_addon(**addon, preserve=True)["addon"]["status"] == "DELETING"
    assert refusal(eks.describe_addon, **addon) == "ResourceNotFoundException"


@drives("eks", "DescribeAddonVersions")
def describe_addon_versions(clients):
    eks = clients.zone("eks")
    listed = pages(eks, "describe_addon_versions", 2, kubernetesVersion="1.34")
    assert len(listed) > 1
    for page in listed:
        for addon in page["addons"]:
            fits = [it["compatibilities"] for it in addon["addonVersions"]]
            assert all(each[0]["clusterVersion"] == "1.34" for each in fits)
    networking = eks.describe_addon_versions(types=["networking"], publishers=["eks"])["addons"]
    assert {it["addonName"] for it in networking} == {"coredns", "kube-proxy", "vpc-cni"}


@drives("eks", "DescribeAddonConfiguration")
def describe_addon_configuration(clients):
    eks = clients.zone("eks")
    wish = {"addonName": "coredns", "addonVersion": "v1.12.4-eksbuild.1"}
    schema = json.loads(eks.describe_addon_configuration(**wish)["configurationSchema"])
    assert "replicaCount" in schema["properties"]
