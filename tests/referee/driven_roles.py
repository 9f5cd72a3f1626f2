"""How boto3 makes and deletes roles: one story per operation."""

import json

from driven_by_boto3 import drives
from driven_storage import refusal

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


def role_of(clients, name, policy=None):
    """A client, and a role that is there, with a policy where one is named."""
    roles = clients.zone("iam")
    try:
        roles.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    except roles.exceptions.EntityAlreadyExistsException:
        pass
    if policy:
        roles.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=POLICY)
    return roles


@drives("iam", "CreateRole")
def create_role(clients):
    roles = clients.zone("iam")
    made = roles.create_role(RoleName="driven-made", AssumeRolePolicyDocument=TRUST, MaxSessionDuration=7200)["Role"]
    assert (made["RoleName"], made["MaxSessionDuration"]) == ("driven-made", 7200)
    assert roles.get_role(RoleName="driven-made")["Role"] == made
    again = {"RoleName": "driven-made", "AssumeRolePolicyDocument": TRUST}
    assert refusal(roles.create_role, **again) == "EntityAlreadyExists"


@drives("iam", "PutRolePolicy")
def put_role_policy(clients):
    roles = role_of(clients, "driven-put", "read")
    put = {"RoleName": "driven-put", "PolicyName": "read", "PolicyDocument": "{"}
    assert refusal(roles.put_role_policy, **put) == "MalformedPolicyDocument"


@drives("iam", "DeleteRolePolicy")
def delete_role_policy(clients):
    roles = role_of(clients, "driven-narrowed", "read")
    named = {"RoleName": "driven-narrowed", "PolicyName": "read"}
    roles.delete_role_policy(**named)
    assert refusal(roles.delete_role_policy, **named) == "NoSuchEntity"


@drives("iam", "DeleteRole")
def delete_role(clients):
    roles = role_of(clients, "driven-deleted", "read")
    assert refusal(roles.delete_role, RoleName="driven-deleted") == "DeleteConflict"
    roles.delete_role_policy(RoleName="driven-deleted", PolicyName="read")
    roles.delete_role(RoleName="driven-deleted")
    assert refusal(roles.get_role, RoleName="driven-deleted") == "NoSuchEntity"
