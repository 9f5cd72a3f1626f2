"""How boto3 drives Bedrock: a model that writes."""

from driven_by_boto3 import drives
from driven_storage import refusal

ASKED = [{"role": "user", "content": [{"text": "The subnets have no free addresses."}]}]


@drives("bedrock", "Converse")
def converse(clients):
    models = clients.zone("bedrock-runtime")
    answer = models.converse(modelId="amazon.nova-lite-v1:0", messages=ASKED, system=[{"text": "Summarise."}])
    assert answer["output"]["message"]["content"][0]["text"]
    assert answer["usage"]["totalTokens"] == answer["usage"]["inputTokens"] + answer["usage"]["outputTokens"]
    short = models.converse(modelId="eu.amazon.nova-lite-v1:0", messages=ASKED, inferenceConfig={"maxTokens": 2})
    assert (short["stopReason"], short["usage"]["outputTokens"]) == ("max_tokens", 2)
    assert refusal(models.converse, modelId="amazon.nobody-v1:0", messages=ASKED) == "ValidationException"
    answers = [{"role": "assistant", "content": [{"text": "Well."}]}]
    assert refusal(models.converse, modelId="amazon.nova-lite-v1:0", messages=answers) == "ValidationException"
