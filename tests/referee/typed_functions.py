"""Lambda as a person types it: the commands, and what they name."""

from driven_functions import NAME, archive, function_of

UNWANTED, MADE = "typed-unwanted", "typed-made"


def functions(clients, directory):
    """Functions and an archive, for commands to show, to change and to delete."""
    packed = directory / "function.zip"
    packed.write_bytes(archive("typed"))
    for name in (UNWANTED, "typed-changed", "typed-configured", NAME):
        client = function_of(clients, name)
    return {
        "function": NAME,
        "function_arn": client.get_function_configuration(FunctionName=NAME)["FunctionArn"],
        "unwanted_function": UNWANTED,
        "made_function": MADE,
        "archive": packed,
        "function_answer": directory / "answer",
    }


TYPED = {
    ("lambda", "CreateFunction"): (
        "zone",
        "lambda create-function --function-name {made_function} --runtime provided.al2023 --role {role}"
        " --handler bootstrap --zip-file fileb://{archive}",
        "FunctionArn",
    ),
    ("lambda", "GetFunction"): ("zone", "lambda get-function --function-name {function}", "Configuration"),
    ("lambda", "GetFunctionConfiguration"): (
        "zone",
        "lambda get-function-configuration --function-name {function}",
        "FunctionArn",
    ),
    ("lambda", "UpdateFunctionCode"): (
        "zone",
        "lambda update-function-code --function-name typed-changed --zip-file fileb://{archive}",
        "CodeSha256",
    ),
    ("lambda", "UpdateFunctionConfiguration"): (
        "zone",
        "lambda update-function-configuration --function-name typed-configured --timeout 30",
        "Timeout",
    ),
    ("lambda", "PublishVersion"): ("zone", "lambda publish-version --function-name {function}", "Version"),
    ("lambda", "ListVersionsByFunction"): (
        "zone",
        "lambda list-versions-by-function --function-name {function} --page-size 1",
        "Versions",
    ),
    ("lambda", "ListFunctions"): ("zone", "lambda list-functions --page-size 2", "Functions"),
    ("lambda", "DeleteFunction"): ("zone", "lambda delete-function --function-name {unwanted_function}", None),
    ("lambda", "Invoke"): (
        "zone",
        "lambda invoke --function-name {function} --payload {{}} --log-type Tail {function_answer}",
        "LogResult",
    ),
    ("lambda", "PutFunctionConcurrency"): (
        "zone",
        "lambda put-function-concurrency --function-name typed-configured --reserved-concurrent-executions 2",
        "ReservedConcurrentExecutions",
    ),
    ("lambda", "GetFunctionConcurrency"): (
        "zone",
        "lambda get-function-concurrency --function-name {function}",
        None,
    ),
    ("lambda", "TagResource"): (
        "zone",
        "lambda tag-resource --resource {function_arn} --tags Owner=typed",
        None,
    ),
    ("lambda", "ListTags"): ("zone", "lambda list-tags --resource {function_arn}", None),
}
