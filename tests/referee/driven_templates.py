"""How boto3 drives CloudFormation: what it is told of templates."""

import json

import pytest
from botocore.exceptions import ClientError

from driven_by_boto3 import drives


def template_of(**more):
    """A template with a role of its own name, and what else is given."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": {"Ref": "Name"}}}
    parameters = {"Name": {"Type": "String", "Default": "referee", "Description": "of the role"}}
    return {"Description": "a role", "Parameters": parameters, "Resources": {"Role": role}, **more}


@drives("cloudformation", "ValidateTemplate")
def validate_template(clients):
    cloudformation = clients.zone("cloudformation")
    shown = cloudformation.validate_template(TemplateBody=json.dumps(template_of()))
    assert (shown["Description"], shown["Capabilities"]) == ("a role", ["CAPABILITY_NAMED_IAM"])
    named = {"ParameterKey": "Name", "DefaultValue": "referee", "NoEcho": False, "Description": "of the role"}
    assert shown["Parameters"] == [named]
    dangling = template_of(Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Nobody", "Arn"]}}})
    with pytest.raises(ClientError) as refused:
        cloudformation.validate_template(TemplateBody=json.dumps(dangling))
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationError" and "undefined resource Nobody" in error["Message"]
    s3 = clients.zone("s3")
    s3.create_bucket(
        Bucket="referee-templates",
        CreateBucketConfiguration={"LocationConstraint": cloudformation.meta.region_name},
    )
    s3.put_object(Bucket="referee-templates", Key="t.json", Body=json.dumps(template_of(Description="x" * 900)))
    url = f"https://referee-templates.s3.{cloudformation.meta.region_name}.amazonaws.com/t.json"
    assert len(cloudformation.validate_template(TemplateURL=url)["Description"]) == 900
