"""Functions of Lambda by our commands: over the estate, which runs them; boto3 sees the same."""

import base64
import hashlib
import json
import pathlib
import subprocess
import zipfile

import pytest

from estate import Clients, Estate

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "referee"


class Functions:
    """`fleetwright cloud function …` in the first landing zone of an estate."""

    def __init__(self, binary, estate, home):
        self.binary, self.estate, self.home = binary, estate, home
        self.zone = estate.zones[0]

    def __call__(self, *arguments, said=""):
        """Its exit code, standard output and standard error."""
        command = [self.binary, "cloud", "function", *arguments]
        if arguments[0] not in ("package", "ready"):
            command += ["--landing-zones", f"{self.estate.inventory},{self.zone['name']}"]
            command += ["--regions", self.zone["regions"][0]]
        if arguments[0] in ("create", "update", "publish", "delete", "invoke"):
            command += ["--state-dir", self.home / "state"]
        ended = subprocess.run(
            [str(part) for part in command],
            env=self.estate.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            input=said,
            timeout=240,
        )
        return ended.returncode, ended.stdout, ended.stderr

    def rows(self, *arguments):
        """What it shows as JSON, where it succeeds."""
        code, out, err = self(*arguments, "--output", "json")
        assert code == 0, err
        return json.loads(out)


@pytest.fixture(scope="module")
def served(binary, tmp_path_factory):
    """An estate that runs fast, with an executable for one function."""
    scenario = ROOT / "tests" / "referee" / "referee.toml"
    function = f"{NAME}={ROOT / 'tests' / 'referee' / 'bootstrap.py'}"
    home = tmp_path_factory.mktemp("estate")
    estate = Estate(binary, scenario, home, "--seed", "8", "--speed", "10", "--function", function)
    yield estate
    assert estate.stop() == 0


@pytest.fixture
def function(binary, served, tmp_path):
    commands = Functions(binary, served, tmp_path)
    build = tmp_path / "build"
    build.mkdir()
    (build / "bootstrap").write_text("a bootstrap")
    (build / "rules.json").write_text("{}")
    yield commands
    assert commands("delete", NAME)[0] == 0


def digest(path):
    return base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()


def test_an_archive_is_one_that_python_reads_with_one_time_and_a_bootstrap_that_can_be_run(function):
    [row] = function.rows("package", "build", "--out", "build.zip")
    archive = function.home / "build.zip"
    assert row["code_sha256"] == digest(archive)
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        modes = {it.filename: it.external_attr >> 16 & 0o777 for it in packed.infolist()}
        assert modes == {"bootstrap": 0o755, "rules.json": 0o644}
        assert {it.date_time for it in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert packed.read("bootstrap") == b"a bootstrap"


def test_a_function_is_made_changed_published_and_deleted_and_boto3_sees_the_same(function, served):
    seen = Clients(served).zone("lambda")
    role = function.zone["role_arn"]
    create = ("create", NAME, "--code", "build", "--role", role, "--memory", "256", "--tracing", "active")
    (function.home / "variables.yaml").write_text("TOKEN: canary-7\n")
    create += ("--variables", "variables.yaml", "--variable", "RUN=r-1")
    assert function(*create, "--dry-run")[:2] == (0, f"would create {NAME}\n")
    code, out, err = function(*create)
    assert (code, out) == (0, f"create {NAME}\n"), err
    assert function(*create)[:2] == (0, f"unchanged {NAME}\n")
    configured = seen.get_function_configuration(FunctionName=NAME)
    assert (configured["State"], configured["Runtime"], configured["Architectures"]) == (
        "Active",
        "provided.al2023",
        ["arm64"],
    )
    assert (configured["MemorySize"], configured["Role"], configured["TracingConfig"]) == (256, role, {"Mode": "Active"})
    assert configured["Environment"]["Variables"] == {"TOKEN": "canary-7", "RUN": "r-1"}
    code, _, err = function(*create[:6], "--memory", "512")
    assert code == 15 and "FW-L0003" in err and "another memory" in err and "canary-7" not in err, err

    code, out, err = function("describe", NAME)
    assert code == 0 and "TOKEN=(hidden)" in out and "canary-7" not in out, err
    [row] = function.rows("describe", NAME, "--with-variables")
    assert row["configuration"]["variables"]["TOKEN"] == "canary-7"
    assert row["code_sha256"] == configured["CodeSha256"]
    assert NAME in [row["name"] for row in function.rows("list")]

    (function.home / "build" / "rules.json").write_text('{"more": true}')
    update = ("update", NAME, "--code", "build", "--time-out", "30", "--ephemeral-storage", "1024")
    assert function(*update, "--dry-run")[:2] == (0, f"would update {NAME}: time-out, ephemeral storage, code\n")
    code, out, err = function(*update, "--publish", "with rules")
    assert (code, out) == (0, f"update {NAME}: time-out, ephemeral storage, code, version 1\n"), err
    assert function(*update)[:2] == (0, f"unchanged {NAME}\n")
    changed = seen.get_function_configuration(FunctionName=NAME, Qualifier="1")
    assert changed["CodeSha256"] != configured["CodeSha256"] and changed["Timeout"] == 30
    assert changed["Environment"]["Variables"]["TOKEN"] == "canary-7", "what is not named stays"

    assert function("update", NAME, "--tracing", "pass-through")[0] == 0
    [row] = function.rows("publish", NAME, "--description", "untraced")
    assert (row["change"], row["version"]) == ("publish", 2)
    versions = [(row["version"], row["description"]) for row in function.rows("versions", NAME)]
    assert versions == [(2, "untraced"), (1, "with rules")]
    listed = seen.list_versions_by_function(FunctionName=NAME)["Versions"]
    assert [row["Version"] for row in listed] == ["$LATEST", "1", "2"]
    assert function("delete", f"{NAME}:1")[:2] == (0, f"delete {NAME}:1\n")
    assert function("delete", f"{NAME}:1")[:2] == (0, f"unchanged {NAME}:1\n")
    assert function("delete", NAME)[:2] == (0, f"delete {NAME}\n")
    assert NAME not in [row["FunctionName"] for row in seen.list_functions()["Functions"]]
    logs = [path.read_text(errors="replace") for path in (function.home / "state").rglob("*") if path.is_file()]
    record = "\n".join(logs)
    for action in ("CreateFunction", "UpdateFunctionConfiguration", "UpdateFunctionCode", "PublishVersion", "DeleteFunction"):
        assert f"lambda:{action}" in record, action
    assert "canary-7" not in record


def test_a_function_answers_fails_and_is_run_later(function, served):
    seen = Clients(served).zone("lambda")
    assert function("create", NAME, "--code", "build", "--role", function.zone["role_arn"], "--time-out", "900")[0] == 0
    code, out, err = function("invoke", NAME, "--payload", '{"host": "i-1"}', "--log-tail")
    assert code == 0 and json.loads(out) == {"event": {"host": "i-1"}, "name": NAME}, err
    assert "START RequestId" in err and "END RequestId" in err, err
    (function.home / "event.json").write_text('{"host": "i-2"}')
    [row] = function.rows("invoke", NAME, "--payload", "event.json")
    assert (row["status"], row["answer"]["event"]) == ("answered", {"host": "i-2"})
    code, out, err = function("invoke", NAME, "--payload", "-", said='{"fail": true}')
    assert (code, out) == (22, "") and "FW-L0004" in err and "Refused: as it was told" in err, err
    assert function("invoke", NAME, "--async")[:2] == (0, f"queued {NAME}\n")
    assert function("invoke", NAME, "--dry-run")[:2] == (0, f"would invoke {NAME}\n")
    code, _, err = function("invoke", "nobody")
    assert code != 0 and "ResourceNotFoundException" in err, err
    direct = seen.invoke(FunctionName=NAME, Payload=b'{"host": "i-3"}')
    assert json.load(direct["Payload"])["event"] == {"host": "i-3"}
    logs = [path.read_text(errors="replace") for path in (function.home / "state").rglob("*") if path.is_file()]
    record = "\n".join(logs)
    assert "lambda:InvokeFunction" in record and f":function:{NAME}" in record and "i-1" not in record


def test_a_function_of_a_hub_is_made_of_its_file_as_the_template_says(function, served):
    region, account = function.zone["regions"][0], function.zone["account_id"]
    key = f"arn:aws:kms:{region}:{account}:key/1"
    place = ("--environment", "prod", "--account", account, "--region", region)
    code, _, err = function("ready", "authorise", *place, "--value", f"Key.Arn={key}", "--value",
                            "ApprovalKeySecret=arn:secret", "--out", "ready")  # fmt: skip
    assert code == 0, err
    name = "fleetwright-prod-authorise"
    create = ("create", name, "--from", f"ready/{name}.json", "--code", "build", "--role", function.zone["role_arn"])
    code, out, err = function(*create)
    assert (code, out) == (0, f"create {name}\n"), err
    assert function(*create)[:2] == (0, f"unchanged {name}\n")
    made = Clients(served).zone("lambda").get_function_configuration(FunctionName=name)
    assert (made["Handler"], made["MemorySize"], made["Timeout"], made["KMSKeyArn"]) == ("authorise", 256, 10, key)
    assert made["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": f"/aws/lambda/{name}"}
    assert function("delete", name)[0] == 0
