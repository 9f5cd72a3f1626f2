"""Ctrl-C in the middle of a scan: what was read is reported, what was not is a gap that says why."""

import json
import signal
import subprocess

from estate import Estate
from servers import clean_environment

#: One account answers at once; the other one's listing takes ten minutes.
SCENARIO = """
name = "interrupt"
seed = 3

[[accounts]]
name = "quick"
id = "111122223333"
[[accounts]]
name = "hanging"
id = "444455556666"

[fleet]
regions = ["eu-central-1"]
instances_per_cell = 5

[fleet.shares]
terminated = 0.0

[[faults]]
kind = "slow"
delay_ms = 600000
account = "444455556666"
service = "ec2"
action = "DescribeInstances"
"""


def test_an_interrupted_scan_reports_what_it_read_and_can_be_repeated(binary, tmp_path):
    scenario = tmp_path / "interrupt.toml"
    scenario.write_text(SCENARIO)
    estate = Estate(binary, scenario, tmp_path)
    output = tmp_path / "reports"
    command = [binary, "scan", "--landing-zones", estate.inventory, "--output-dir", output]
    environment = {**clean_environment(tmp_path, **estate.variables)}
    scan = subprocess.Popen(
        [str(part) for part in command], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    # The quick account is done, or nearly so, when its patch states were asked for.
    while not any(call["action"] == "DescribeInstancePatchStates" for call in estate.calls()):
        assert scan.poll() is None, scan.communicate()
    scan.send_signal(signal.SIGINT)
    _, said = scan.communicate(timeout=60)
    assert estate.stop() == 0, "a client that hangs up does not keep the estate from ending"

    assert scan.returncode == 130, said
    assert "FW-G0005" in said.decode()
    summary = json.loads((output / "summary.json").read_text())
    lost = {gap["landing_zone"]: gap["failure"]["code"] for gap in summary["gaps"]}
    assert lost["hanging"] == "FW-G0005", summary["gaps"]
    hosts = json.loads((output / "instances.json").read_text())["instances"]
    assert {host["landing_zone"] for host in hosts} <= {"quick"}
    assert (output / "instances.csv").exists()
