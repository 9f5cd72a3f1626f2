"""The simulated estate as its clients see it: environment, inventory, control API."""

import json
import urllib.request

import boto3
import botocore.loaders
import botocore.session
import yaml
from botocore.config import Config

import shapecheck
from servers import Server, clean_environment, exported

ENVIRONMENT = {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"}

#: The service models are large: read each once.
LOADER = botocore.loaders.create_loader()

#: EC2's model contradicts itself: its text says that the platform is `windows`, and so does the real
#: service; its enumeration says `Windows`.
CONTRADICTED_BY_THE_MODELS_OWN_TEXT = ("value 'windows' not in enum PlatformValues",)


class Estate:
    """`fleetwright estate serve` on a port of its own."""

    def __init__(self, binary, scenario, directory, *arguments):
        self.inventory = directory / "landing-zones.yaml"
        self.home = directory
        command = [binary, "estate", "serve", "--scenario", scenario, "--listen", "127.0.0.1:0"]
        command += ["--inventory-out", self.inventory, *arguments]
        self.server = Server(command, clean_environment(directory))
        self.variables = exported(self.server.lines(), ENVIRONMENT)
        self.server.run_on()
        self.endpoint = self.variables["AWS_ENDPOINT_URL"]
        self.region = self.variables["AWS_REGION"]

    @property
    def environment(self):
        """What a user pastes, on top of a clean environment."""
        return clean_environment(self.home, **self.variables)

    @property
    def zones(self):
        """The landing zones it holds, as a user's inventory file lists them."""
        zones = yaml.load(self.inventory.read_text(), Loader=yaml.BaseLoader)
        return zones["landing_zones"] if isinstance(zones, dict) else zones

    def get(self, path):
        """The text of the control API's answer."""
        with urllib.request.urlopen(self.endpoint + path, timeout=30) as answer:
            return answer.read().decode()

    def post(self, path, document):
        """What a control request that says something is answered."""
        asked = urllib.request.Request(self.endpoint + path, data=json.dumps(document).encode())
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)

    def calls(self, since=0):
        """The AWS calls it got, from the `since`th on."""
        return [json.loads(line) for line in self.get(f"/_estate/calls?since={since}").splitlines()]

    def call_count(self):
        """How many AWS calls it got so far."""
        return len(self.get("/_estate/calls").splitlines())

    def stop(self):
        return self.server.stop()


class Clients:
    """boto3 clients of the hub and of the landing zones; every response is held against its model."""

    def __init__(self, estate):
        self.estate = estate
        self.responses = []
        self._sessions = {}

    def hub(self, service, **config):
        """A client with the credentials the estate printed."""
        variables = self.estate.variables
        keys = [variables.get(f"AWS_{name}") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
        return self.client(service, keys, **config)

    def zone(self, service, zone=None, **config):
        """A client in a landing zone, through its role."""
        zone = zone or self.estate.zones[0]
        if zone["name"] not in self._sessions:
            answer = self.hub("sts").assume_role(**role_of(zone))["Credentials"]
            self._sessions[zone["name"]] = [answer[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
        region = config.pop("region", None) or zone["regions"][0]
        return self.client(service, self._sessions[zone["name"]], region=region, **config)

    def client(self, service, keys, region=None, **config):
        """A client with these keys: access key id, secret, session token."""
        core = botocore.session.Session()
        core.register_component("data_loader", LOADER)
        shapecheck.attach(core, self.responses)
        session = boto3.Session(*keys, region_name=region or self.estate.region, botocore_session=core)
        # Requests that botocore itself would refuse have to reach the estate, which must refuse them.
        patience = {"retries": {"mode": "standard", "total_max_attempts": 8}}
        settings = Config(parameter_validation=False, **{**patience, **config})
        return session.client(service, endpoint_url=self.estate.endpoint, config=settings)

    def deviations(self):
        """What in the responses so far is not as the service's model says."""
        return [
            f"{service}:{operation} ({status}) {problem}"
            for service, operation, _, status, problems in self.responses
            for problem in problems
            if not problem.endswith(CONTRADICTED_BY_THE_MODELS_OWN_TEXT)
        ]


def role_of(zone):
    """The arguments of AssumeRole for a landing zone."""
    arguments = {"RoleArn": zone["role_arn"], "RoleSessionName": "referee"}
    if zone.get("external_id"):
        arguments["ExternalId"] = zone["external_id"]
    return arguments
