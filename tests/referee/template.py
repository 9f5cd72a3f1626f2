"""A CloudFormation template with its parameters, made out as CloudFormation would."""

import re

#: The region everything is made in.
REGION = "eu-central-1"
#: Where API Gateway answers.
ADDRESS = "https://approvals.example"


class Template:
    """A template with its parameters, made out."""

    def __init__(self, document, parameters, account, environment):
        self.resources = document["Resources"]
        defaults = {name: it.get("Default") for name, it in document["Parameters"].items()}
        self.parameters = {**defaults, **parameters}
        self.pseudo = {
            "AWS::AccountId": account,
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        self.account, self.environment = account, environment
        #: ARNs of what was made, by logical id; `Ref` of what has no other.
        self.arns = {}

    def reference(self, name):
        """What `Ref` comes to."""
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        properties = self.resources[name].get("Properties", {})
        kind = self.resources[name]["Type"]
        named = {"AWS::DynamoDB::Table": "TableName", "AWS::S3::Bucket": "BucketName", "AWS::IAM::Role": "RoleName"}
        if kind in named:
            return self.value(properties[named[kind]]) if named[kind] in properties else name
        return self.arn(name)

    def arn(self, name):
        if name in self.arns:
            return self.arns[name]
        kind, place = self.resources[name]["Type"], f"{REGION}:{self.account}"
        return {
            "AWS::DynamoDB::Table": lambda: f"arn:aws:dynamodb:{place}:table/{self.reference(name)}",
            "AWS::S3::Bucket": lambda: f"arn:aws:s3:::{self.reference(name)}",
            "AWS::IAM::Role": lambda: f"arn:aws:iam::{self.account}:role/{self.reference(name)}",
            "AWS::KMS::Key": lambda: f"arn:aws:kms:{place}:key/00000000-0000-0000-0000-000000000000",
            "AWS::Logs::LogGroup": lambda: f"arn:aws:logs:{place}:log-group:{name}",
            "AWS::SNS::Topic": lambda: f"arn:aws:sns:{place}:{name}",
            "AWS::SQS::Queue": lambda: f"arn:aws:sqs:{place}:{name}",
            "AWS::SecretsManager::Secret": lambda: f"arn:aws:secretsmanager:{place}:secret:{name}-AbCdEf",
            "AWS::Lambda::Function": lambda: f"arn:aws:lambda:{place}:function:{self.function_name(name)}",
            "AWS::StepFunctions::StateMachine": lambda: f"arn:aws:states:{place}:stateMachine:fleetwright-{self.environment}",
        }[kind]()

    def function_name(self, name):
        return self.value(self.resources[name]["Properties"]["FunctionName"])

    def value(self, given):
        """A value of the template with its functions carried out."""
        if isinstance(given, list):
            return [self.value(each) for each in given]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            [(function, of)] = given.items()
            if function == "Ref":
                return self.reference(of)
            if function == "Fn::GetAtt":
                name, attribute = of if isinstance(of, list) else of.split(".")
                return ADDRESS if attribute == "ApiEndpoint" else self.arn(name)
            if function == "Fn::Sub":
                return re.sub(r"\$\{([^}]+)\}", lambda found: self.substituted(found.group(1)), of)
        return {name: self.value(each) for name, each in given.items()}

    def substituted(self, name):
        if "." in name:
            return self.value({"Fn::GetAtt": name.split(".")})
        return self.reference(name)
