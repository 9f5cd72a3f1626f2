"""How boto3 drives S3 and SNS: one story per operation, each with a bucket or topic of its own."""

import hashlib
import io
import json
import urllib.parse

from botocore.exceptions import ClientError

from driven_by_boto3 import drives, pages


def refusal(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def bucket_of(clients, name):
    """A bucket of the first zone's, in the region it works in."""
    s3 = clients.zone("s3")
    if name not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=located(s3))
    return s3


def located(s3):
    return {"LocationConstraint": s3.meta.region_name}


@drives("s3", "CreateBucket")
def create_bucket(clients):
    s3 = bucket_of(clients, "referee-made")
    again = {"Bucket": "referee-made", "CreateBucketConfiguration": located(s3)}
    assert refusal(s3.create_bucket, **again) == "BucketAlreadyOwnedByYou"
    assert refusal(s3.create_bucket, Bucket="referee-unplaced") == "IllegalLocationConstraintException"
    assert refusal(s3.create_bucket, **{**again, "Bucket": "Not_a_bucket"}) == "InvalidBucketName"
    stranger = clients.zone("s3", clients.estate.zones[1])
    assert refusal(stranger.create_bucket, **again) == "BucketAlreadyExists"
    assert refusal(stranger.list_objects_v2, Bucket="referee-made") == "AccessDenied"


@drives("s3", "ListBuckets")
def list_buckets(clients):
    for name in ("referee-listed-1", "referee-listed-2"):
        s3 = bucket_of(clients, name)
    listed = pages(s3, "list_buckets", 1, Prefix="referee-listed-")
    assert [b["Name"] for page in listed for b in page["Buckets"]] == ["referee-listed-1", "referee-listed-2"]
    theirs = clients.zone("s3", clients.estate.zones[1]).list_buckets()["Buckets"]
    assert "referee-listed-1" not in {bucket["Name"] for bucket in theirs}


@drives("s3", "PutObject")
def put_object(clients):
    s3 = bucket_of(clients, "referee-put")
    body = "naïve content".encode()
    for algorithm in ("CRC32", "SHA256"):
        put = s3.put_object(Bucket="referee-put", Key="a b/ü+c", Body=body, ChecksumAlgorithm=algorithm)
        assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
        assert put[f"Checksum{algorithm}"] and put["ServerSideEncryption"] == "AES256"
    wrong = {"Bucket": "referee-put", "Key": "wrong", "Body": b"abc", "ChecksumCRC32": "AAAAAA=="}
    assert refusal(s3.put_object, **wrong) == "BadDigest"
    once = {"Bucket": "referee-put", "Key": "once", "Body": b"1", "IfNoneMatch": "*"}
    s3.put_object(**once)
    assert refusal(s3.put_object, **once) == "PreconditionFailed"
    assert refusal(s3.put_object, Bucket="referee-nowhere", Key="k", Body=b"") == "NoSuchBucket"
    unsigned = clients.zone("s3", s3={"payload_signing_enabled": False, "addressing_style": "path"})
    unsigned.upload_fileobj(io.BytesIO(body), "referee-put", "uploaded")
    assert s3.get_object(Bucket="referee-put", Key="uploaded")["Body"].read() == body


@drives("s3", "GetObject")
def get_object(clients):
    s3 = bucket_of(clients, "referee-get")
    kept = {"ContentType": "text/plain", "ContentEncoding": "gzip", "Metadata": {"of": "me"}}
    s3.put_object(Bucket="referee-get", Key="k", Body=b"0123456789", **kept)
    whole = s3.get_object(Bucket="referee-get", Key="k")
    assert whole["Body"].read() == b"0123456789" and whole["ContentLength"] == 10
    assert {name: whole[name] for name in kept} == kept
    part = s3.get_object(Bucket="referee-get", Key="k", Range="bytes=2-4")
    assert part["Body"].read() == b"234" and part["ContentRange"] == "bytes 2-4/10"
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert refusal(s3.get_object, Bucket="referee-get", Key="k", Range="bytes=10-") == "InvalidRange"
    assert refusal(s3.get_object, Bucket="referee-get", Key="none") == "NoSuchKey"
    elsewhere = clients.zone("s3", region="us-east-1")
    assert elsewhere.get_object(Bucket="referee-get", Key="k")["ContentLength"] == 10, "it follows the redirection"


@drives("s3", "HeadObject")
def head_object(clients):
    s3 = bucket_of(clients, "referee-head")
    put = s3.put_object(Bucket="referee-head", Key="k", Body=b"abc")
    head = s3.head_object(Bucket="referee-head", Key="k")
    assert (head["ContentLength"], head["ETag"]) == (3, put["ETag"])
    assert refusal(s3.head_object, Bucket="referee-head", Key="none") == "404"


@drives("s3", "DeleteObject")
def delete_object(clients):
    s3 = bucket_of(clients, "referee-delete")
    s3.put_object(Bucket="referee-delete", Key="k", Body=b"abc")
    for _ in range(2):
        s3.delete_object(Bucket="referee-delete", Key="k")
    assert refusal(s3.get_object, Bucket="referee-delete", Key="k") == "NoSuchKey"


@drives("s3", "ListObjectsV2")
def list_objects(clients):
    s3 = bucket_of(clients, "referee-list")
    keys = ["a", "b/1", "b/2", "b/c/3", "d/4", "ü & <e>"]
    for key in keys:
        s3.put_object(Bucket="referee-list", Key=key, Body=key.encode())
    listed = pages(s3, "list_objects_v2", 2, Bucket="referee-list")
    assert [o["Key"] for page in listed for o in page["Contents"]] == keys and len(listed) == 3
    folders = pages(s3, "list_objects_v2", 1, Bucket="referee-list", Delimiter="/")
    assert [p["Prefix"] for page in folders for p in page.get("CommonPrefixes", [])] == ["b/", "d/"]
    assert [o["Key"] for page in folders for o in page.get("Contents", [])] == ["a", "ü & <e>"]
    below = s3.list_objects_v2(Bucket="referee-list", Prefix="b/", Delimiter="/", StartAfter="b/1")
    assert [o["Key"] for o in below["Contents"]] == ["b/2"] and below["CommonPrefixes"] == [{"Prefix": "b/c/"}]


def topic_of(clients, name, **more):
    sns = clients.zone("sns")
    return sns, sns.create_topic(Name=name, **more)["TopicArn"]


@drives("sns", "CreateTopic")
def create_topic(clients):
    more = {"Attributes": {"DisplayName": "Fleet"}, "Tags": [{"Key": "of", "Value": "referee"}]}
    sns, arn = topic_of(clients, "referee-made", **more)
    assert topic_of(clients, "referee-made", **more)[1] == arn
    other = {"Name": "referee-made", "Attributes": {"DisplayName": "Other"}}
    assert refusal(sns.create_topic, **other) == "InvalidParameter"
    assert refusal(sns.create_topic, Name="not a topic") == "InvalidParameter"


@drives("sns", "ListTopics")
def list_topics(clients):
    made = {topic_of(clients, f"referee-listed-{n:03}")[1] for n in range(101)}
    sns = clients.zone("sns")
    listed = list(sns.get_paginator("list_topics").paginate())
    assert made <= {topic["TopicArn"] for page in listed for topic in page["Topics"]} and len(listed) > 1


@drives("sns", "GetTopicAttributes")
def get_topic_attributes(clients):
    sns, arn = topic_of(clients, "referee-shown", Attributes={"DisplayName": "Shown"})
    shown = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (shown["TopicArn"], shown["DisplayName"], shown["SubscriptionsPending"]) == (arn, "Shown", "0")
    assert refusal(sns.get_topic_attributes, TopicArn=arn + "-not") == "NotFound"


@drives("sns", "Subscribe")
def subscribe(clients):
    sns, arn = topic_of(clients, "referee-subscribed")
    queue = {"TopicArn": arn, "Protocol": "sqs", "Endpoint": arn.replace(":sns:", ":sqs:")}
    subscription = sns.subscribe(**queue)["SubscriptionArn"]
    assert subscription.startswith(arn + ":") and sns.subscribe(**queue)["SubscriptionArn"] == subscription
    mail = {"TopicArn": arn, "Protocol": "email", "Endpoint": "fleet@example.com"}
    assert sns.subscribe(**mail)["SubscriptionArn"] == "pending confirmation"
    assert sns.subscribe(**mail, ReturnSubscriptionArn=True)["SubscriptionArn"].startswith(arn + ":")
    assert refusal(sns.subscribe, **{**mail, "Protocol": "pigeon"}) == "InvalidParameter"


@drives("sns", "ListSubscriptionsByTopic")
def list_subscriptions(clients):
    sns, arn = topic_of(clients, "referee-told")
    sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="fleet@example.com")
    sns.subscribe(TopicArn=arn, Protocol="sms", Endpoint="+15550100")
    found = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    listed = [s for page in found for s in page["Subscriptions"]]
    assert [s["Protocol"] for s in listed] == ["email", "sms"]
    assert listed[0]["SubscriptionArn"] == "PendingConfirmation"


@drives("sns", "Publish")
def publish(clients):
    sns, arn = topic_of(clients, "referee-published")
    sns.subscribe(TopicArn=arn, Protocol="sms", Endpoint="+15550100")
    attribute = {"run": {"DataType": "String", "StringValue": "run-7"}}
    told = sns.publish(TopicArn=arn, Subject="Wave 1", Message="naïve & <bold>", MessageAttributes=attribute)
    account = urllib.parse.quote(clients.estate.zones[0]["account_id"])
    messages = json.loads(clients.estate.get(f"/_estate/messages?account={account}"))["messages"]
    (message,) = [message for message in messages if message["id"] == told["MessageId"]]
    assert (message["topic"], message["subject"], message["message"]) == (arn, "Wave 1", "naïve & <bold>")
    assert message["attributes"] == {"run": {"data_type": "String", "value": "run-7"}}
    assert message["deliveries"] == [{"protocol": "sms", "endpoint": "+15550100"}]
    assert refusal(sns.publish, TopicArn=arn, Message="x" * (256 * 1024 + 1)) == "InvalidParameter"
    assert refusal(sns.publish, TopicArn=arn + "-not", Message="x") == "NotFound"


@drives("sns", "DeleteTopic")
def delete_topic(clients):
    sns, arn = topic_of(clients, "referee-deleted")
    for _ in range(2):
        sns.delete_topic(TopicArn=arn)
    assert refusal(sns.publish, TopicArn=arn, Message="x") == "NotFound"
