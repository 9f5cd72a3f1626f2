"""How boto3 drives SQS: one story per operation, with queues of its own."""

import json

from driven_by_boto3 import drives, pages
from driven_storage import refusal

NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"


def queue_of(clients, name, **attributes):
    """A client, and the URL of a queue."""
    sqs = clients.zone("sqs")
    return sqs, sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]


def arn_of(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def received(sqs, url, **more):
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **more).get("Messages", [])


@drives("sqs", "CreateQueue")
def create_queue(clients):
    sqs, url = queue_of(clients, "referee-made", VisibilityTimeout="60")
    assert url.endswith("/referee-made") and queue_of(clients, "referee-made", VisibilityTimeout="60")[1] == url
    other = {"QueueName": "referee-made", "Attributes": {"VisibilityTimeout": "61"}}
    assert refusal(sqs.create_queue, **other) == "QueueAlreadyExists"
    assert refusal(sqs.create_queue, QueueName="not a queue") == "InvalidParameterValue"
    odd = {"QueueName": "referee-odd", "Attributes": {"Colour": "red"}}
    assert refusal(sqs.create_queue, **odd) == "InvalidAttributeName"


@drives("sqs", "GetQueueUrl")
def get_queue_url(clients):
    sqs, url = queue_of(clients, "referee-found")
    assert sqs.get_queue_url(QueueName="referee-found")["QueueUrl"] == url
    assert refusal(sqs.get_queue_url, QueueName="referee-none") == NO_QUEUE


@drives("sqs", "GetQueueAttributes")
def get_queue_attributes(clients):
    sqs, url = queue_of(clients, "referee-shown", DelaySeconds="5")
    sqs.send_message(QueueUrl=url, MessageBody="later")
    sqs.send_message(QueueUrl=url, MessageBody="now", DelaySeconds=0)
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (shown["ApproximateNumberOfMessages"], shown["DelaySeconds"]) == ("1", "5")
    assert shown["QueueArn"].endswith(":referee-shown") and shown["MaximumMessageSize"] == "1048576"
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url)
    odd = {"QueueUrl": url, "AttributeNames": ["Colour"]}
    assert refusal(sqs.get_queue_attributes, **odd) == "InvalidAttributeName"


@drives("sqs", "SetQueueAttributes")
def set_queue_attributes(clients):
    sqs, url = queue_of(clients, "referee-set")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["MessageRetentionPeriod"])["Attributes"]
    assert shown == {"MessageRetentionPeriod": "60"}
    wrong = {"QueueUrl": url, "Attributes": {"MessageRetentionPeriod": "59"}}
    assert refusal(sqs.set_queue_attributes, **wrong) == "InvalidAttributeValue"
    nowhere = json.dumps({"deadLetterTargetArn": arn_of(sqs, url) + "-none", "maxReceiveCount": 1})
    wrong = {"QueueUrl": url, "Attributes": {"RedrivePolicy": nowhere}}
    assert refusal(sqs.set_queue_attributes, **wrong) == "InvalidParameterValue"


@drives("sqs", "ListQueues")
def list_queues(clients):
    urls = [queue_of(clients, f"referee-listed-{number}")[1] for number in range(3)]
    sqs = clients.zone("sqs")
    listed = pages(sqs, "list_queues", 2, QueueNamePrefix="referee-listed-")
    assert [url for page in listed for url in page["QueueUrls"]] == urls and len(listed) == 2
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="referee-none")


@drives("sqs", "DeleteQueue")
def delete_queue(clients):
    sqs, url = queue_of(clients, "referee-deleted")
    sqs.delete_queue(QueueUrl=url)
    assert refusal(sqs.delete_queue, QueueUrl=url) == NO_QUEUE
    code = "AWS.SimpleQueueService.QueueDeletedRecently"
    assert refusal(sqs.create_queue, QueueName="referee-deleted") == code


@drives("sqs", "PurgeQueue")
def purge_queue(clients):
    sqs, url = queue_of(clients, "referee-purged")
    sqs.send_message(QueueUrl=url, MessageBody="gone")
    sqs.purge_queue(QueueUrl=url)
    assert received(sqs, url) == []
    assert refusal(sqs.purge_queue, QueueUrl=url) == "AWS.SimpleQueueService.PurgeQueueInProgress"


@drives("sqs", "SendMessage")
def send_message(clients):
    sqs, url = queue_of(clients, "referee-sent", MaximumMessageSize="1024")
    run = {"run": {"DataType": "String", "StringValue": "r-1"}, "raw": {"DataType": "Binary", "BinaryValue": b"\x00"}}
    told = sqs.send_message(QueueUrl=url, MessageBody="naïve & <bold>", MessageAttributes=run)
    (message,) = received(sqs, url, MessageAttributeNames=["All"])
    assert (message["MessageId"], message["Body"]) == (told["MessageId"], "naïve & <bold>")
    assert message["MD5OfBody"] == told["MD5OfMessageBody"]
    assert message["MD5OfMessageAttributes"] == told["MD5OfMessageAttributes"]
    assert message["MessageAttributes"] == run
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x" * 1025) == "InvalidParameterValue"
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="\x00") == "InvalidMessageContents"
    assert refusal(sqs.send_message, QueueUrl=url + "-none", MessageBody="x") == NO_QUEUE


@drives("sqs", "SendMessageBatch")
def send_message_batch(clients):
    sqs, url = queue_of(clients, "referee-sent-together")
    entries = [{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "\x00"}]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [it["Id"] for it in answer["Successful"]] == ["a"] and [it["Id"] for it in answer["Failed"]] == ["b"]
    twice = [{"Id": "a", "MessageBody": "1"}] * 2
    code = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
    assert refusal(sqs.send_message_batch, QueueUrl=url, Entries=twice) == code
    many = [{"Id": str(number), "MessageBody": "1"} for number in range(11)]
    code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
    assert refusal(sqs.send_message_batch, QueueUrl=url, Entries=many) == code


@drives("sqs", "ReceiveMessage")
def receive_message(clients):
    sqs, dead = queue_of(clients, "referee-dead")
    policy = json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": 2})
    _, url = queue_of(clients, "referee-received", RedrivePolicy=policy)
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    for count in ("1", "2"):
        (message,) = received(sqs, url, VisibilityTimeout=0, AttributeNames=["All"])
        assert message["Attributes"]["ApproximateReceiveCount"] == count
    assert received(sqs, url) == []
    (message,) = received(sqs, dead, MessageSystemAttributeNames=["DeadLetterQueueSourceArn"])
    assert message["Attributes"] == {"DeadLetterQueueSourceArn": arn_of(sqs, url)}
    assert received(sqs, dead) == [], "it is somebody's"
    assert refusal(sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11) == "InvalidParameterValue"


@drives("sqs", "DeleteMessage")
def delete_message(clients):
    sqs, url = queue_of(clients, "referee-handled")
    sqs.send_message(QueueUrl=url, MessageBody="1")
    (first,) = received(sqs, url, VisibilityTimeout=0)
    (second,) = received(sqs, url, VisibilityTimeout=0)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    (third,) = received(sqs, url, VisibilityTimeout=0)
    assert second["ReceiptHandle"] != third["ReceiptHandle"]
    for _ in range(2):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"])
    assert received(sqs, url) == []
    assert refusal(sqs.delete_message, QueueUrl=url, ReceiptHandle="nonsense") == "ReceiptHandleIsInvalid"


@drives("sqs", "DeleteMessageBatch")
def delete_message_batch(clients):
    sqs, url = queue_of(clients, "referee-handled-together")
    sqs.send_message(QueueUrl=url, MessageBody="1")
    (message,) = received(sqs, url)
    entries = [{"Id": "a", "ReceiptHandle": message["ReceiptHandle"]}, {"Id": "b", "ReceiptHandle": "nonsense"}]
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    assert answer["Successful"] == [{"Id": "a"}]
    assert [(it["Id"], it["Code"]) for it in answer["Failed"]] == [("b", "ReceiptHandleIsInvalid")]


@drives("sqs", "ChangeMessageVisibility")
def change_message_visibility(clients):
    sqs, url = queue_of(clients, "referee-visible")
    sqs.send_message(QueueUrl=url, MessageBody="1")
    (message,) = received(sqs, url)
    change = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
    sqs.change_message_visibility(**change)
    assert refusal(sqs.change_message_visibility, **change) == "AWS.SimpleQueueService.MessageNotInflight"
    assert len(received(sqs, url)) == 1
