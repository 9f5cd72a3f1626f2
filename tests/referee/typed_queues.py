"""SQS as a person types it: the commands, and what they name.

The AWS CLI of the first generation has a host name of its own for SQS in each region, which AWS_ENDPOINT_URL does not
change: only the flag does.
"""

import json

from driven_queues import queue_of, received


def handles(sqs, url):
    """Receipt handles of two messages that are given out."""
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": name, "MessageBody": name} for name in ("a", "b", "c")])
    return [message["ReceiptHandle"] for message in received(sqs, url, VisibilityTimeout=3600)]


def queues(clients):
    """Queues and messages, for commands to show, to receive and to delete."""
    urls = {}
    for name in ("kept", "unwanted", "full", "purged"):
        sqs, urls[name] = queue_of(clients, f"typed-{name}")
    first, second, third = handles(sqs, urls["kept"])
    sqs.send_message(QueueUrl=urls["full"], MessageBody="typed")
    return {
        "endpoint": clients.estate.endpoint,
        "queue": urls["kept"],
        "unwanted_queue": urls["unwanted"],
        "full_queue": urls["full"],
        "purged_queue": urls["purged"],
        "message": first,
        "held_message": third,
        "sent_messages": json.dumps([{"Id": "a", "MessageBody": "typed"}], separators=(",", ":")),
        "messages": json.dumps([{"Id": "a", "ReceiptHandle": second}], separators=(",", ":")),
    }


COMMANDS = {
    ("sqs", "CreateQueue"): ("zone", "sqs create-queue --queue-name typed-made", "QueueUrl"),
    ("sqs", "GetQueueUrl"): ("zone", "sqs get-queue-url --queue-name typed-kept", "QueueUrl"),
    ("sqs", "GetQueueAttributes"): (
        "zone",
        "sqs get-queue-attributes --queue-url {queue} --attribute-names All",
        "Attributes",
    ),
    ("sqs", "SetQueueAttributes"): (
        "zone",
        "sqs set-queue-attributes --queue-url {full_queue} --attributes DelaySeconds=0",
        None,
    ),
    ("sqs", "ListQueues"): ("zone", "sqs list-queues --queue-name-prefix typed- --page-size 1", "QueueUrls"),
    ("sqs", "DeleteQueue"): ("zone", "sqs delete-queue --queue-url {unwanted_queue}", None),
    ("sqs", "PurgeQueue"): ("zone", "sqs purge-queue --queue-url {purged_queue}", None),
    ("sqs", "SendMessage"): (
        "zone",
        "sqs send-message --queue-url {queue} --message-body typed",
        "MD5OfMessageBody",
    ),
    ("sqs", "SendMessageBatch"): (
        "zone",
        "sqs send-message-batch --queue-url {queue} --entries {sent_messages}",
        "Successful",
    ),
    ("sqs", "ReceiveMessage"): ("zone", "sqs receive-message --queue-url {full_queue}", "Messages"),
    ("sqs", "DeleteMessage"): (
        "zone",
        "sqs delete-message --queue-url {queue} --receipt-handle {message}",
        None,
    ),
    ("sqs", "DeleteMessageBatch"): (
        "zone",
        "sqs delete-message-batch --queue-url {queue} --entries {messages}",
        "Successful",
    ),
    ("sqs", "ChangeMessageVisibility"): (
        "zone",
        "sqs change-message-visibility --queue-url {queue} --receipt-handle {held_message} --visibility-timeout 0",
        None,
    ),
}

TYPED = {
    operation: (who, f"{command} --endpoint-url {{endpoint}}", member)
    for operation, (who, command, member) in COMMANDS.items()
}
