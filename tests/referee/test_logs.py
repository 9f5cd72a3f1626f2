"""`cloud logs`: what boto3 wrote to the log groups of a hub's functions is what our command shows, masked, in order, once."""

import json
import subprocess
import time

import pytest

from estate import Clients, Estate
from servers import Server, clean_environment

SCENARIO = """
name = "logs"
seed = 3

[access]
hub_actions = ["*"]

[[accounts]]
name = "shop"
id = "111122223333"
regions = ["eu-central-1"]
instances_per_region = 0
"""


@pytest.fixture(scope="module")
def served(binary, tmp_path_factory):
    directory = tmp_path_factory.mktemp("logs")
    (directory / "scenario.toml").write_text(SCENARIO)
    estate = Estate(binary, directory / "scenario.toml", directory)
    logs = Clients(estate).hub("logs", region_name=estate.region)
    for function in ("prepare", "turn", "gate"):
        name = f"/aws/lambda/fleetwright-prod-{function}"
        logs.create_log_group(logGroupName=name)
        logs.create_log_stream(logGroupName=name, logStreamName="s")
    yield estate, logs
    assert estate.stop() == 0


def write(logs, function, *messages):
    """Messages, a millisecond apart."""
    now = int(time.time() * 1000)
    events = [{"timestamp": now + at, "message": message} for at, message in enumerate(messages)]
    logs.put_log_events(logGroupName=f"/aws/lambda/fleetwright-prod-{function}", logStreamName="s", logEvents=events)


def command(binary, *arguments):
    return [binary, "cloud", "logs", "--hub", "prod", *arguments]


def shown(binary, estate, *arguments):
    """What the command says: exit code, objects, standard error."""
    arguments = (*arguments, "--output", "jsonl")
    done = subprocess.run(
        command(binary, *arguments), env=estate.environment, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_lines_of_all_functions_come_by_time_masked_and_once(binary, served):
    estate, logs = served
    write(logs, "prepare", *(f"november is prepared, step {number}" for number in range(1200)))
    time.sleep(1.3)
    write(logs, "turn", "november takes a turn, password=hunter2", "november-2 takes a turn", "\x1b[2J november: ERROR")
    exit_code, rows, said = shown(binary, estate, "--run", "november")
    assert exit_code == 0, said
    messages = [row["message"] for row in rows]
    assert len(rows) == 1202 and "november-2 takes a turn" not in messages
    assert [row["function"] for row in rows] == ["prepare"] * 1200 + ["turn"] * 2
    assert len({(row["function"], row["id"]) for row in rows}) == 1202
    assert "hunter2" not in str(rows) and "The specified log group does not exist" in said

    exit_code, rows, _ = shown(binary, estate, "--function", "turn", "--filter", "ERROR")
    assert (exit_code, len(rows)) == (0, 1)
    text = subprocess.run(
        command(binary, "--function", "turn", "--filter", "ERROR"),
        env=estate.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "november: ERROR" in text.stdout and "\x1b" not in text.stdout


def test_nothing_found_and_nothing_there_are_told_apart(binary, served):
    estate, _ = served
    assert shown(binary, estate, "--function", "gate")[:2] == (21, [])
    exit_code, _, said = shown(binary, estate, "--function", "report")
    assert exit_code not in (0, 21) and "The specified log group does not exist" in said
    exit_code, _, said = shown(binary, estate, "--filter", "a-b")
    assert exit_code not in (0, 21) and "filter pattern" in said


def test_what_is_written_later_is_followed(binary, served):
    estate, logs = served
    write(logs, "gate", "before")
    follow = Server(
        command(binary, "--function", "gate", "--follow", "--output", "jsonl"), clean_environment(estate.home, **estate.variables)
    )
    lines = follow.lines()
    assert json.loads(next(lines))["message"] == "before"
    write(logs, "gate", "after")
    assert json.loads(next(lines))["message"] == "after"
    follow.run_on()
    assert follow.stop() == 0
