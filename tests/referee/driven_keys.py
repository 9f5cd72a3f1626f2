"""How boto3 drives KMS: one story per operation, with keys of its own."""

from driven_by_boto3 import drives, pages
from driven_storage import refusal

NO_KEY = "00000000-0000-4000-8000-000000000000"


def key_of(clients, alias=None):
    """A client, and the id of a new key."""
    kms = clients.zone("kms")
    key = kms.create_key(Description="referee")["KeyMetadata"]["KeyId"]
    if alias:
        kms.create_alias(AliasName=f"alias/{alias}", TargetKeyId=key)
    return kms, key


@drives("kms", "CreateKey")
def create_key(clients):
    kms = clients.zone("kms")
    made = kms.create_key(Description="waves", Tags=[{"TagKey": "of", "TagValue": "referee"}])["KeyMetadata"]
    assert made["Arn"].endswith(f":key/{made['KeyId']}") and made["KeyState"] == "Enabled"
    assert refusal(kms.create_key, KeyUsage="SIGN_VERIFY") == "ValidationException"


@drives("kms", "DescribeKey")
def describe_key(clients):
    kms, key = key_of(clients, "referee-described")
    found = kms.describe_key(KeyId="alias/referee-described")["KeyMetadata"]
    assert (found["KeyId"], found["Description"]) == (key, "referee")
    assert kms.describe_key(KeyId=found["Arn"])["KeyMetadata"] == found
    assert refusal(kms.describe_key, KeyId=NO_KEY) == "NotFoundException"


@drives("kms", "CreateAlias")
def create_alias(clients):
    kms, key = key_of(clients, "referee-named")
    named = {"AliasName": "alias/referee-named", "TargetKeyId": key}
    assert refusal(kms.create_alias, **named) == "AlreadyExistsException"
    assert refusal(kms.create_alias, **{**named, "AliasName": "referee"}) == "InvalidAliasNameException"
    assert refusal(kms.create_alias, **{**named, "AliasName": "alias/aws/x"}) == "NotAuthorizedException"


@drives("kms", "ListAliases")
def list_aliases(clients):
    kms, key = key_of(clients, "referee-listed-0")
    kms.create_alias(AliasName="alias/referee-listed-1", TargetKeyId=key)
    listed = pages(kms, "list_aliases", 1, KeyId=key)
    assert [it["AliasName"] for page in listed for it in page["Aliases"]] == [
        "alias/referee-listed-0",
        "alias/referee-listed-1",
    ]


@drives("kms", "EnableKeyRotation")
def enable_key_rotation(clients):
    kms, key = key_of(clients)
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 90
    assert refusal(kms.enable_key_rotation, KeyId=key, RotationPeriodInDays=89) == "ValidationException"


@drives("kms", "GetKeyRotationStatus")
def get_key_rotation_status(clients):
    kms, key = key_of(clients)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(KeyId=key)
    status = kms.get_key_rotation_status(KeyId=key)
    assert status["KeyRotationEnabled"] is True and status["NextRotationDate"]


@drives("kms", "Encrypt")
def encrypt(clients):
    kms, key = key_of(clients)
    first, second = (kms.encrypt(KeyId=key, Plaintext=b"canary")["CiphertextBlob"] for _ in range(2))
    assert first != second and b"canary" not in first
    assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x" * 4097) == "ValidationException"
    calls = [call for call in clients.estate.calls() if call["action"] == "Encrypt"]
    assert calls and all(call["request"]["Plaintext"] == "(hidden)" for call in calls)


@drives("kms", "Decrypt")
def decrypt(clients):
    kms, key = key_of(clients)
    context = {"run": "r-1"}
    encrypted = kms.encrypt(KeyId=key, Plaintext=b"canary", EncryptionContext=context)["CiphertextBlob"]
    answer = kms.decrypt(CiphertextBlob=encrypted, EncryptionContext=context)
    assert (answer["Plaintext"], answer["KeyId"].endswith(key)) == (b"canary", True)
    assert refusal(kms.decrypt, CiphertextBlob=encrypted) == "InvalidCiphertextException"
    assert refusal(kms.decrypt, CiphertextBlob=b"nonsense") == "InvalidCiphertextException"
    _, other = key_of(clients)
    wrong = {"CiphertextBlob": encrypted, "EncryptionContext": context, "KeyId": other}
    assert refusal(kms.decrypt, **wrong) == "IncorrectKeyException"


@drives("kms", "GenerateDataKey")
def generate_data_key(clients):
    kms, key = key_of(clients)
    for asked, length in (({"KeySpec": "AES_256"}, 32), ({"NumberOfBytes": 64}, 64)):
        made = kms.generate_data_key(KeyId=key, **asked)
        assert len(made["Plaintext"]) == length
        assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    assert refusal(kms.generate_data_key, KeyId=key) == "ValidationException"


@drives("kms", "ScheduleKeyDeletion")
def schedule_key_deletion(clients):
    kms, key = key_of(clients)
    encrypted = kms.encrypt(KeyId=key, Plaintext=b"canary")["CiphertextBlob"]
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert answer["KeyState"] == "PendingDeletion"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["DeletionDate"] == answer["DeletionDate"]
    assert refusal(kms.decrypt, CiphertextBlob=encrypted) == "KMSInvalidStateException"
    assert refusal(kms.schedule_key_deletion, KeyId=key) == "KMSInvalidStateException"
