"""Stacks of CloudFormation as a person types it: the commands, and what they name."""

import json

from driven_stacks import change_set, of_queues, stack_of, stuck


def stacks(clients, directory):
    """A template in a file, stacks, and a change set of each kind."""
    path = directory / "queues.template.json"
    path.write_text(json.dumps(of_queues("A", "B")))
    cloudformation = stack_of(clients, "typed-kept", of_queues("A"))
    stack_of(clients, "typed-unwanted", of_queues("A"))
    stack_of(clients, "typed-stuck", of_queues("A", "B"))
    stuck(clients, cloudformation, "typed-stuck")
    for name in ("shown", "unwanted"):
        change_set(cloudformation, "typed-kept", name, of_queues("A", "B"), "UPDATE")
    change_set(cloudformation, "typed-new", "first", of_queues("A"))
    return {"queues": path}


TYPED = {
    ("cloudformation", "CreateChangeSet"): (
        "zone",
        "cloudformation create-change-set --stack-name typed-kept --change-set-name typed"
        " --template-body file://{queues} --parameters ParameterKey=Seconds,UsePreviousValue=true"
        " --tags Key=of,Value=typed",
        "Id",
    ),
    ("cloudformation", "DescribeChangeSet"): (
        "zone",
        "cloudformation describe-change-set --stack-name typed-kept --change-set-name shown",
        "Changes",
    ),
    ("cloudformation", "DeleteChangeSet"): (
        "zone",
        "cloudformation delete-change-set --stack-name typed-kept --change-set-name unwanted",
        None,
    ),
    ("cloudformation", "ExecuteChangeSet"): (
        "zone",
        "cloudformation execute-change-set --stack-name typed-new --change-set-name first",
        None,
    ),
    ("cloudformation", "DescribeStacks"): ("zone", "cloudformation describe-stacks", "Stacks"),
    ("cloudformation", "DescribeStackEvents"): (
        "zone",
        "cloudformation describe-stack-events --stack-name typed-kept",
        "StackEvents",
    ),
    ("cloudformation", "ListStackResources"): (
        "zone",
        "cloudformation list-stack-resources --stack-name typed-kept",
        "StackResourceSummaries",
    ),
    ("cloudformation", "GetTemplate"): (
        "zone",
        "cloudformation get-template --stack-name typed-kept",
        "TemplateBody",
    ),
    ("cloudformation", "UpdateTerminationProtection"): (
        "zone",
        "cloudformation update-termination-protection --stack-name typed-kept --enable-termination-protection",
        "StackId",
    ),
    ("cloudformation", "DeleteStack"): ("zone", "cloudformation delete-stack --stack-name typed-unwanted", None),
    ("cloudformation", "ContinueUpdateRollback"): (
        "zone",
        "cloudformation continue-update-rollback --stack-name typed-stuck --resources-to-skip A",
        None,
    ),
}
