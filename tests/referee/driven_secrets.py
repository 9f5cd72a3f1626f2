"""How boto3 drives Secrets Manager: one story per operation, with secrets of its own."""

from driven_by_boto3 import drives, pages
from driven_storage import refusal


def secret_of(clients, name, value="canary", **more):
    """A client, and the ARN of a secret."""
    secrets = clients.zone("secretsmanager")
    return secrets, secrets.create_secret(Name=name, SecretString=value, **more)["ARN"]


@drives("secretsmanager", "CreateSecret")
def create_secret(clients):
    token = "referee-made-with-a-token-of-its-own"
    secrets, arn = secret_of(clients, "referee/made", ClientRequestToken=token)
    assert ":secret:referee/made-" in arn
    again = secrets.create_secret(Name="referee/made", SecretString="canary", ClientRequestToken=token)
    assert (again["ARN"], again["VersionId"]) == (arn, token)
    other = {"Name": "referee/made", "SecretString": "other", "ClientRequestToken": token}
    assert refusal(secrets.create_secret, **other) == "ResourceExistsException"
    both = {"Name": "referee/both", "SecretString": "a", "SecretBinary": b"a"}
    assert refusal(secrets.create_secret, **both) == "InvalidParameterException"
    assert "VersionId" not in secrets.create_secret(Name="referee/empty")
    calls = [call for call in clients.estate.calls() if call["service"] == "secretsmanager"]
    assert calls and "canary" not in str(calls)


@drives("secretsmanager", "GetSecretValue")
def get_secret_value(clients):
    secrets, arn = secret_of(clients, "referee/read", "first")
    secrets.put_secret_value(SecretId=arn, SecretBinary=b"\x00second")
    found = secrets.get_secret_value(SecretId="referee/read")
    assert (found["SecretBinary"], found["VersionStages"]) == (b"\x00second", ["AWSCURRENT"])
    before = secrets.get_secret_value(SecretId=arn[:-7], VersionStage="AWSPREVIOUS")
    assert before["SecretString"] == "first"
    assert secrets.get_secret_value(SecretId=arn, VersionId=before["VersionId"])["SecretString"] == "first"
    wrong = {"SecretId": arn, "VersionId": before["VersionId"], "VersionStage": "AWSCURRENT"}
    assert refusal(secrets.get_secret_value, **wrong) == "ResourceNotFoundException"
    assert refusal(secrets.get_secret_value, SecretId="referee/none") == "ResourceNotFoundException"


@drives("secretsmanager", "PutSecretValue")
def put_secret_value(clients):
    secrets, arn = secret_of(clients, "referee/put", "first")
    put = {"SecretId": arn, "SecretString": "second", "ClientRequestToken": "a-token-that-is-long-enough-for-it"}
    assert secrets.put_secret_value(**put)["VersionStages"] == ["AWSCURRENT"]
    assert secrets.put_secret_value(**put)["VersionStages"] == ["AWSCURRENT"]
    assert refusal(secrets.put_secret_value, **{**put, "SecretString": "third"}) == "ResourceExistsException"
    pending = secrets.put_secret_value(SecretId=arn, SecretString="next", VersionStages=["AWSPENDING"])
    stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    assert sorted(stage for all_of in stages.values() for stage in all_of) == ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"]
    assert stages[pending["VersionId"]] == ["AWSPENDING"]
    assert refusal(secrets.put_secret_value, SecretId=arn) == "InvalidParameterException"


@drives("secretsmanager", "DescribeSecret")
def describe_secret(clients):
    tags = [{"Key": "of", "Value": "referee"}]
    secrets, arn = secret_of(clients, "referee/described", Description="a secret", KmsKeyId="alias/x", Tags=tags)
    shown = secrets.describe_secret(SecretId=arn)
    assert (shown["Name"], shown["Description"], shown["KmsKeyId"]) == ("referee/described", "a secret", "alias/x")
    assert shown["Tags"] == tags and "DeletedDate" not in shown and "LastAccessedDate" not in shown


@drives("secretsmanager", "ListSecrets")
def list_secrets(clients):
    names = [f"referee/listed/{number}" for number in range(3)]
    for name in names:
        secrets, _ = secret_of(clients, name)
    below = [{"Key": "name", "Values": ["referee/listed/"]}]
    listed = pages(secrets, "list_secrets", 2, Filters=below)
    assert [it["Name"] for page in listed for it in page["SecretList"]] == names and len(listed) == 2
    secrets.delete_secret(SecretId=names[0])
    assert [it["Name"] for it in secrets.list_secrets(Filters=below)["SecretList"]] == names[1:]
    everything = secrets.list_secrets(Filters=below, IncludePlannedDeletion=True, SortOrder="desc")
    assert [it["Name"] for it in everything["SecretList"]] == names[::-1]


@drives("secretsmanager", "DeleteSecret")
def delete_secret(clients):
    secrets, arn = secret_of(clients, "referee/deleted")
    window = secrets.delete_secret(SecretId=arn, RecoveryWindowInDays=7)
    assert window["DeletionDate"] == secrets.describe_secret(SecretId=arn)["DeletedDate"]
    for refused in (secrets.get_secret_value, secrets.delete_secret):
        assert refusal(refused, SecretId=arn) == "InvalidRequestException"
    again = {"Name": "referee/deleted", "SecretString": "x"}
    assert refusal(secrets.create_secret, **again) == "InvalidRequestException"
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    assert refusal(secrets.describe_secret, SecretId=arn) == "ResourceNotFoundException"
    short = {"SecretId": arn, "RecoveryWindowInDays": 6}
    assert refusal(secrets.delete_secret, **short) == "InvalidParameterException"
    assert secrets.create_secret(**again)["ARN"] != arn


@drives("secretsmanager", "RestoreSecret")
def restore_secret(clients):
    secrets, arn = secret_of(clients, "referee/restored")
    secrets.delete_secret(SecretId=arn)
    assert secrets.restore_secret(SecretId="referee/restored")["ARN"] == arn
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "canary"


@drives("secretsmanager", "TagResource")
def tag_resource(clients):
    secrets, arn = secret_of(clients, "referee/tagged", Tags=[{"Key": "a", "Value": "1"}])
    secrets.tag_resource(SecretId=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    tags = {tag["Key"]: tag["Value"] for tag in secrets.describe_secret(SecretId=arn)["Tags"]}
    assert tags == {"a": "2", "b": "3"}
