"""Secrets Manager as a person types it: the commands, and what they name."""

from driven_secrets import secret_of


def secrets(clients):
    """Secrets, for commands to show, to change, to delete and to have back."""
    names = {"secret": "typed/kept", "unwanted_secret": "typed/unwanted", "lost_secret": "typed/lost"}
    for name in names.values():
        client, _ = secret_of(clients, name)
    client.delete_secret(SecretId=names["lost_secret"])
    return names


TYPED = {
    ("secretsmanager", "CreateSecret"): (
        "zone",
        "secretsmanager create-secret --name typed/made --secret-string canary",
        "VersionId",
    ),
    ("secretsmanager", "GetSecretValue"): (
        "zone",
        "secretsmanager get-secret-value --secret-id {secret}",
        "SecretString",
    ),
    ("secretsmanager", "PutSecretValue"): (
        "zone",
        "secretsmanager put-secret-value --secret-id {secret} --secret-string canary2",
        "VersionId",
    ),
    ("secretsmanager", "DescribeSecret"): ("zone", "secretsmanager describe-secret --secret-id {secret}", "ARN"),
    ("secretsmanager", "ListSecrets"): ("zone", "secretsmanager list-secrets --page-size 2", "SecretList"),
    ("secretsmanager", "DeleteSecret"): (
        "zone",
        "secretsmanager delete-secret --secret-id {unwanted_secret}",
        "DeletionDate",
    ),
    ("secretsmanager", "RestoreSecret"): (
        "zone",
        "secretsmanager restore-secret --secret-id {lost_secret}",
        "ARN",
    ),
    ("secretsmanager", "TagResource"): (
        "zone",
        "secretsmanager tag-resource --secret-id {secret} --tags Key=Owner,Value=typed",
        None,
    ),
}
