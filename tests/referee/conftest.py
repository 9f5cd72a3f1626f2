"""What the referees share: the binary under test and the simulated estate."""

import json
import os
import pathlib
import subprocess

import pytest

from estate import Clients, Estate
from servers import clean_environment

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def binary():
    """The binary under test: FLEETWRIGHT_BIN, or the development build."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = pathlib.Path(os.environ.get("FLEETWRIGHT_BIN", target / "debug" / "fleetwright"))
    assert path.exists(), f"{path} is missing: run `cargo xtask test --only referee`, or set FLEETWRIGHT_BIN"
    return path


@pytest.fixture(scope="session")
def bootstrap(binary):
    """The built functions: FLEETWRIGHT_BOOTSTRAP, or what is built beside the binary."""
    path = pathlib.Path(os.environ.get("FLEETWRIGHT_BOOTSTRAP", binary.with_name("bootstrap")))
    assert path.exists(), f"{path} is missing: run `cargo xtask test --only referee`, or set FLEETWRIGHT_BOOTSTRAP"
    return path


@pytest.fixture(scope="session")
def estate(binary, tmp_path_factory):
    """The estate the referees ask, for the whole session: no test changes what another one reads."""
    scenario = ROOT / "tests" / "referee" / "referee.toml"
    function = f"referee={ROOT / 'tests' / 'referee' / 'bootstrap.py'}"
    served = Estate(binary, scenario, tmp_path_factory.mktemp("estate"), "--seed", "7", "--function", function)
    yield served
    assert served.stop() == 0, "SIGTERM is the ordinary way to end `estate serve`"


@pytest.fixture
def clients(estate):
    return Clients(estate)


@pytest.fixture(scope="session")
def implemented(binary, tmp_path_factory):
    """The operations the estate says it implements, as (service, operation)."""
    command = [binary, "estate", "operations", "--output", "json"]
    environment = clean_environment(tmp_path_factory.mktemp("home"))
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return {(row["service"], row["action"]) for row in json.loads(answer.stdout)}
