"""How boto3 drives Systems Manager's parameters."""

from driven_by_boto3 import drives
from driven_ec2_changes import REGION, refusal


def ssm_of(clients):
    return clients.zone("ssm", clients.estate.zones[1], region=REGION)


def put(ssm, name, value="1", **more):
    return ssm.put_parameter(**{"Name": name, "Value": value, "Type": "String", **more})


@drives("ssm", "PutParameter")
def put_parameter(clients):
    ssm = ssm_of(clients)
    tagged = put(ssm, "/referee/put", Tags=[{"Key": "Owner", "Value": "referee"}], Description="of a referee")
    assert (tagged["Version"], tagged["Tier"]) == (1, "Standard")
    assert refusal(put, ssm=ssm, name="/referee/put") == "ParameterAlreadyExists"
    assert put(ssm, "/referee/put", "2", Overwrite=True)["Version"] == 2
    changed = {"ssm": ssm, "name": "/referee/put", "Type": "SecureString", "Overwrite": True}
    assert refusal(put, **changed) == "HierarchyTypeMismatchException"
    ssm.delete_parameter(Name="/referee/put")


@drives("ssm", "GetParameter")
def get_parameter(clients):
    ssm = ssm_of(clients)
    put(ssm, "/referee/got", "canary", Type="SecureString")
    hidden = ssm.get_parameter(Name="/referee/got")["Parameter"]
    assert hidden["Type"] == "SecureString" and "canary" not in hidden["Value"]
    shown = ssm.get_parameter(Name="/referee/got", WithDecryption=True)["Parameter"]
    assert (shown["Value"], shown["DataType"], shown["Version"]) == ("canary", "text", 1)
    assert shown["ARN"].endswith(":parameter/referee/got")
    ssm.delete_parameter(Name="/referee/got")
    assert refusal(ssm.get_parameter, Name="/referee/got") == "ParameterNotFound"
    public = "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/standard/recommended/image_id"
    named = clients.zone("ssm").get_parameter(Name=public)["Parameter"]["Value"]
    (image,) = clients.zone("ec2").describe_images(ImageIds=[named])["Images"]
    assert image["Name"].startswith("amazon-eks-node-al2023-x86_64-standard-1.34")


@drives("ssm", "GetParameters")
def get_parameters(clients):
    ssm = ssm_of(clients)
    put(ssm, "/referee/several", "a,b", Type="StringList")
    answer = ssm.get_parameters(Names=["/referee/several", "/referee/none"])
    assert [(it["Value"], it["Type"]) for it in answer["Parameters"]] == [("a,b", "StringList")]
    assert answer["InvalidParameters"] == ["/referee/none"]
    ssm.delete_parameter(Name="/referee/several")


@drives("ssm", "GetParametersByPath")
def get_parameters_by_path(clients):
    ssm = ssm_of(clients)
    names = [f"/referee/path/p{number:02}" for number in range(12)]
    for name in names:
        put(ssm, name)
    paginator = ssm.get_paginator("get_parameters_by_path")
    listed = list(paginator.paginate(Path="/referee/path", PaginationConfig={"PageSize": 5}))
    assert [it["Name"] for page in listed for it in page["Parameters"]] == names
    assert len(listed) == 3
    ssm.delete_parameters(Names=names[:10])
    ssm.delete_parameters(Names=names[10:])


@drives("ssm", "GetParameterHistory")
def get_parameter_history(clients):
    ssm = ssm_of(clients)
    for value in ("1", "2"):
        put(ssm, "/referee/told", value, Overwrite=True, Description=f"the value {value}")
    told = ssm.get_parameter_history(Name="/referee/told")["Parameters"]
    assert [(it["Version"], it["Value"], it["Description"]) for it in told] == [
        (1, "1", "the value 1"),
        (2, "2", "the value 2"),
    ]
    ssm.delete_parameter(Name="/referee/told")


@drives("ssm", "DeleteParameter")
def delete_parameter(clients):
    ssm = ssm_of(clients)
    put(ssm, "/referee/deleted")
    ssm.delete_parameter(Name="/referee/deleted")
    assert refusal(ssm.delete_parameter, Name="/referee/deleted") == "ParameterNotFound"


@drives("ssm", "DeleteParameters")
def delete_parameters(clients):
    ssm = ssm_of(clients)
    put(ssm, "/referee/gone")
    answer = ssm.delete_parameters(Names=["/referee/gone", "/referee/never"])
    assert (answer["DeletedParameters"], answer["InvalidParameters"]) == (["/referee/gone"], ["/referee/never"])


@drives("ssm", "AddTagsToResource")
def add_tags_to_resource(clients):
    ssm = ssm_of(clients)
    put(ssm, "/referee/tagged")
    resource = {"ResourceType": "Parameter", "ResourceId": "/referee/tagged"}
    ssm.add_tags_to_resource(**resource, Tags=[{"Key": "Owner", "Value": "referee"}])
    assert ssm.list_tags_for_resource(**resource)["TagList"] == [{"Key": "Owner", "Value": "referee"}]
    ssm.delete_parameter(Name="/referee/tagged")
    assert refusal(ssm.add_tags_to_resource, **resource, Tags=[]) == "InvalidResourceId"


@drives("ssm", "ListTagsForResource")
def list_tags_for_resource(clients):
    ssm = ssm_of(clients)
    put(ssm, "/referee/listed", Tags=[{"Key": "a", "Value": "b"}])
    resource = {"ResourceType": "Parameter", "ResourceId": "/referee/listed"}
    assert ssm.list_tags_for_resource(**resource)["TagList"] == [{"Key": "a", "Value": "b"}]
    ssm.delete_parameter(Name="/referee/listed")
