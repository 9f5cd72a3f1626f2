"""KMS as a person types it: the commands, and what they name."""

from driven_keys import key_of


def keys(clients, directory):
    """Keys and texts, for commands to show, to use and to delete."""
    kms, key = key_of(clients, "typed")
    text, encrypted = directory / "text", directory / "encrypted"
    text.write_bytes(b"canary")
    encrypted.write_bytes(kms.encrypt(KeyId=key, Plaintext=b"canary")["CiphertextBlob"])
    return {"key": key, "unwanted_key": key_of(clients)[1], "text": text, "encrypted": encrypted}


TYPED = {
    ("kms", "CreateKey"): ("zone", "kms create-key --description typed", "KeyMetadata"),
    ("kms", "DescribeKey"): ("zone", "kms describe-key --key-id alias/typed", "KeyMetadata"),
    ("kms", "CreateAlias"): ("zone", "kms create-alias --alias-name alias/typed-made --target-key-id {key}", None),
    ("kms", "ListAliases"): ("zone", "kms list-aliases --page-size 1", "Aliases"),
    ("kms", "EnableKeyRotation"): ("zone", "kms enable-key-rotation --key-id {key}", None),
    ("kms", "GetKeyRotationStatus"): ("zone", "kms get-key-rotation-status --key-id {key}", "KeyId"),
    ("kms", "Encrypt"): ("zone", "kms encrypt --key-id {key} --plaintext fileb://{text}", "CiphertextBlob"),
    ("kms", "Decrypt"): ("zone", "kms decrypt --ciphertext-blob fileb://{encrypted}", "Plaintext"),
    ("kms", "GenerateDataKey"): (
        "zone",
        "kms generate-data-key --key-id {key} --key-spec AES_256",
        "CiphertextBlob",
    ),
    ("kms", "ScheduleKeyDeletion"): (
        "zone",
        "kms schedule-key-deletion --key-id {unwanted_key}",
        "DeletionDate",
    ),
}
