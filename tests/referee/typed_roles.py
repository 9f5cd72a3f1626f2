"""Roles as a person types them: the commands, and what they name."""

from driven_roles import POLICY, TRUST, role_of


def roles(clients):
    """Roles for commands to narrow and to delete, and documents without spaces, which command lines are split at."""
    role_of(clients, "typed-narrowed", "read")
    role_of(clients, "typed-unwanted")
    role_of(clients, "typed-widened")
    return {"trust": TRUST.replace(" ", ""), "role_policy": POLICY.replace(" ", "")}


TYPED = {
    ("iam", "CreateRole"): (
        "zone",
        "iam create-role --role-name typed-made --assume-role-policy-document {trust}",
        "Role",
    ),
    ("iam", "PutRolePolicy"): (
        "zone",
        "iam put-role-policy --role-name typed-widened --policy-name write --policy-document {role_policy}",
        None,
    ),
    ("iam", "DeleteRolePolicy"): (
        "zone",
        "iam delete-role-policy --role-name typed-narrowed --policy-name read",
        None,
    ),
    ("iam", "DeleteRole"): ("zone", "iam delete-role --role-name typed-unwanted", None),
}
