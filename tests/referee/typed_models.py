"""Bedrock as a person types it."""

TYPED = {
    ("bedrock", "Converse"): (
        "zone",
        "bedrock-runtime converse --model-id amazon.nova-lite-v1:0 --messages role=user,content=[{{text=Well}}]",
        "output",
    ),
}
