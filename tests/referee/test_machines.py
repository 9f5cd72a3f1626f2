"""`cloud machine validate` against asl-validator: what that refuses, we refuse. Definitions are the good ones of
our own tests with one change each, drawn from a seed: a part taken away, renamed, or replaced."""

import copy
import json
import pathlib
import random
import re
import subprocess

import pytest

from servers import clean_environment

HERE = pathlib.Path(__file__).resolve().parent
DEFINITIONS = HERE.parents[1] / "crates/domain/asl/tests/definitions"
GOOD = {name: json.loads((DEFINITIONS / f"{name}.json").read_text()) for name in ("jsonpath", "jsonata")}
CHANGES = 300

VALUES = [None, True, False, 0, 1, -1, 1.5, 10**9, "", "x", "Done", "$", "$.a", "$.a[*]", "$$.x", "{% 1 %}"]
VALUES += ["States.ALL", "States.Nope", "2026-11-01T02:00:00Z", [], ["States.ALL"], {}]


def places(value, at=()):
    """The path of every part."""
    if at:
        yield at
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*at, name))


def part(value, at):
    for name in at:
        value = value[name]
    return value


def changed(draw, good):
    """A definition with one change, and the change in words."""
    definition = copy.deepcopy(good)
    at = draw.choice(list(places(definition)))
    parent, name = part(definition, at[:-1]), at[-1]
    how = draw.choice(["take away", "rename", "replace", "copy"])
    if how == "rename" and isinstance(parent, dict):
        parent[f"{name}x"] = parent.pop(name)
    elif how == "take away":
        del parent[name]
    elif how == "copy":
        parent[name] = copy.deepcopy(part(good, draw.choice(list(places(good)))))
    else:
        parent[name] = draw.choice(VALUES)
    return definition, f"{how} {'/'.join(map(str, at))}"


@pytest.fixture(scope="module")
def drawn():
    draw = random.Random(20_261_121)
    return {f"{number:04}": changed(draw, draw.choice(list(GOOD.values()))) for number in range(CHANGES)}


@pytest.fixture(scope="module")
def refused(binary, tmp_path_factory):
    """Asks both about definitions: what each has to say, by name; nothing where it takes the definition."""

    def ask(definitions):
        home = tmp_path_factory.mktemp("machines")
        for name, definition in definitions.items():
            (home / f"{name}.json").write_text(json.dumps(definition))
        command = [binary, "cloud", "machine", "validate", "--output", "json"]
        answer = subprocess.run(
            command + [home / f"{name}.json" for name in definitions],
            env=clean_environment(home), capture_output=True, text=True, check=False,
        )
        files = json.loads(answer.stdout)
        ours = {pathlib.Path(file["file"]).stem: file["findings"] for file in files}
        assert answer.returncode == (15 if any(ours.values()) else 0), answer.stderr
        judged = subprocess.run(
            ["node", HERE / "judge_machines.mjs"], input=json.dumps(definitions), capture_output=True, text=True, check=True
        )
        return ours, json.loads(judged.stdout)

    return ask


def is_known(definition, complaint):
    """Where asl-validator refuses what the documentation of Step Functions allows."""
    # In JSONata, what is handed on may be any JSON, a condition true or false, and a text empty.
    if re.search(r"/(Arguments|Output|Assign/.*|Condition|Error|Cause) is invalid", complaint):
        return definition.get("QueryLanguage") == "JSONata"
    # It takes payloads with states in them for machines.
    payloads = [part(definition, at) for at in places(definition) if at[-1] in ("Parameters", "Arguments", "Result")]
    if "DUPLICATE_STATE_NAMES" in complaint and any('"States"' in json.dumps(payload) for payload in payloads):
        return True
    # CloudFormation puts a value in for ${Name}, of whatever kind: one stands in the definition as it is.
    return json.dumps(definition).count("${") > 1


def test_both_take_what_is_good(refused):
    ours, theirs = refused(GOOD)
    assert ours == {name: [] for name in GOOD}
    assert theirs == {name: None for name in GOOD}


def test_what_asl_validator_refuses_we_refuse(drawn, refused):
    ours, theirs = refused({name: definition for name, (definition, _) in drawn.items()})
    missed = {
        drawn[name][1]: complaint
        for name, complaint in theirs.items()
        if complaint and not ours[name] and not is_known(drawn[name][0], complaint)
    }
    assert missed == {}
    assert sum(map(bool, theirs.values())) > CHANGES / 2, "most changes break something"
    assert sum(map(bool, ours.values())) > sum(map(bool, theirs.values())), "and we see more than it does"
