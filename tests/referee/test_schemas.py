"""The published schemas take what the readers take, and refuse what they refuse: judged by a validator
of others on the very files the readers are tested with."""

import json
import pathlib
import subprocess

import jsonschema
import pytest
import yaml

from servers import clean_environment

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "crates/domain/config/tests/fixtures"

CONFIGURATIONS = ["older-workflow", "older-switches", "older-sections", "environments"]
INVENTORIES = ["a-list", "b-roles", "c-keyed", "d-names", "d-reference", "bare", "mixed"]

MISSPELT_OR_OUT_OF_RANGE = [
    "aws: {regoin: eu-central-1}",
    "aws: {max_attempts: 99}",
    "scan: {platforms: [windoze]}",
    "environments: {prod: {saftey: {}}}",
    "aws: {rates: {DescribeInstances: {burst: 1}}}",
]
MISSPELT_ZONES = ["- {name: a, acount_id: 1}", "- {name: a}", "zone: {account_id: 1, regoins: all}"]


@pytest.fixture(scope="module")
def validators(binary, tmp_path_factory):
    """A validator per schema, as `fleetwright config schema` prints it."""
    home = tmp_path_factory.mktemp("schemas")

    def validator(which):
        printed = subprocess.run(
            [binary, "config", "schema", which], env=clean_environment(home), capture_output=True, text=True, check=True
        )
        schema = json.loads(printed.stdout)
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    return {which: validator(which) for which in ("config", "landing-zones")}


@pytest.fixture(scope="module")
def initial(binary, tmp_path_factory):
    """What `config init` writes."""
    home = tmp_path_factory.mktemp("init")
    subprocess.run([binary, "config", "init", home], env=clean_environment(home), check=True, capture_output=True)
    return home


def faults(validator, text):
    return [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_configuration_schema_takes_every_valid_configuration(validators, name):
    assert faults(validators["config"], (FIXTURES / f"configurations/{name}.yaml").read_text()) == []


@pytest.mark.parametrize("name", INVENTORIES)
def test_the_inventory_schema_takes_every_shape(validators, name):
    assert faults(validators["landing-zones"], (FIXTURES / f"inventories/{name}.yaml").read_text()) == []


def test_the_schemas_take_what_init_writes(validators, initial):
    assert faults(validators["config"], (initial / "fleetwright.yaml").read_text()) == []
    assert faults(validators["landing-zones"], (initial / "landing-zones.yaml").read_text()) == []


@pytest.mark.parametrize("text", MISSPELT_OR_OUT_OF_RANGE)
def test_the_configuration_schema_refuses_what_is_misspelt_or_out_of_range(validators, text):
    assert faults(validators["config"], text)


@pytest.mark.parametrize("text", MISSPELT_ZONES)
def test_the_inventory_schema_refuses_misspelt_keys(validators, text):
    assert faults(validators["landing-zones"], text)
