"""Assessments of large EKS clusters, and plans of their upgrades: what the cluster's API server is asked, what that
takes, and the plans for whoever computes how long they take.

Started by `cargo xtask bench eks`. Counts and bytes are the estate's; wall time depends on the machine.
"""

import argparse
import dataclasses
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "referee"))

import measure  # noqa: E402
from estate import Estate  # noqa: E402

#: Nodes of a managed node group at most; EKS's own quota is 450.
GROUP = 100
#: Replicas of a workload, and namespaces they are spread over.
REPLICAS, NAMESPACES = 54, 25
#: Daemons on each node: aws-node, kube-proxy.
DAEMONS = 2
#: Replicas of CoreDNS.
DNS = 2

#: The plans: their names, and the arguments of `eks plan`.
PLANS = [
    ("one hop, a group at a time", ["--to", "1.35"]),
    ("one hop, two groups at once", ["--to", "1.35", "--groups-at-once", "2"]),
    ("one hop, five groups at once", ["--to", "1.35", "--groups-at-once", "5"]),
    ("two hops, a group at a time", ["--to", "1.36"]),
    ("two hops, five groups at once", ["--to", "1.36", "--groups-at-once", "5"]),
]


@dataclasses.dataclass(frozen=True)
class Size:
    """Nodes and pods of a cluster."""

    nodes: int
    pods: int

    @classmethod
    def of(cls, text):
        nodes, pods = text.split("x")
        return cls(int(nodes), int(pods))

    def scenario(self):
        groups = -(-self.nodes // GROUP)
        of_group = [self.nodes // groups + (number < self.nodes % groups) for number in range(groups)]
        listed = ", ".join(
            f'{{ name = "group-{number}", nodes = {nodes}, instance_type = "m6i.xlarge", max_unavailable_percentage = 10 }}'
            for number, nodes in enumerate(of_group)
        )
        return f"""name = "bench-eks"
seed = 7
start = "2026-11-07T21:30:00Z"

[fleet]
regions = ["eu-central-1"]
instances = 0

[[accounts]]
name = "prod"
id = "210987654321"
regions = ["eu-central-1"]

[[clusters]]
name = "large"
account = "prod"
version = "1.34"
logging = ["audit"]
node_groups = [{listed}]
addons = [{{ name = "vpc-cni" }}, {{ name = "coredns" }}, {{ name = "kube-proxy" }}]
workloads = [
{self.workloads()}
]
"""

    def workloads(self):
        left = self.pods - DAEMONS * self.nodes - DNS
        lines = []
        while left > 0:
            number, replicas = len(lines), min(REPLICAS, left)
            lines.append(
                f'  {{ name = "app-{number}", namespace = "team-{number % NAMESPACES}", replicas = {replicas}, '
                'max_unavailable = "10%", cpu = "20m" },'
            )
            left -= replicas
        return "\n".join(lines)


class Served:
    """The estate with such a cluster, while the block runs."""

    def __init__(self, binary, size, directory):
        scenario = directory / "cluster.toml"
        scenario.write_text(size.scenario())
        self.directory = directory
        self._arguments = [binary, scenario, directory]

    def __enter__(self):
        self.estate = Estate(*self._arguments)
        return self

    def __exit__(self, *_):
        self.estate.stop()

    def command(self, binary, *arguments):
        zone = f"{self.estate.inventory},{self.estate.zones[0]['name']}"
        return [binary, "eks", *arguments, "--landing-zones", zone]


def assessed(binary, served, size):
    """One assessment, with what the estate saw of it."""
    before = served.estate.call_count()
    log = served.directory / "log.txt"
    command = served.command(binary, "assess", "large", "--to", "1.35", "--output-dir", served.directory / "out")
    used = measure.run(command, served.estate.environment, served.directory, log)
    document = served.directory / "out" / "readiness.json"
    if used.exit_code != 0 or not document.exists():
        raise SystemExit(f"the assessment ended with {used.exit_code}; it said:\n{log.read_text(errors='replace')[-2000:]}")
    calls = served.estate.calls(before)
    asked = [call for call in calls if call["action"].startswith("kubernetes:")]
    lists = [call["request"] for call in asked if call["action"] == "kubernetes:list"]
    metadata = [it for it in lists if it["answer"]["form"] == "metadata"]
    pods = [it for it in lists if it["path"] == "/api/v1/pods"]
    if len(pods) != -(-size.pods // 500):
        raise SystemExit(f"{size.pods} pods were read in {len(pods)} pages of 500")
    refused = [call for call in calls if not call["ok"]]
    return {
        **dataclasses.asdict(used),
        "requests": len(asked),
        "lists": len(lists),
        "metadata_lists": len(metadata),
        "bytes": sum(call["request"]["answer"]["bytes"] for call in asked),
        "metadata_bytes": sum(it["answer"]["bytes"] for it in metadata),
        "pod_bytes": sum(it["answer"]["bytes"] for it in pods),
        "aws_calls": len(calls) - len(asked),
        "refused": len(refused),
    }


def planned(binary, served, work):
    """Every plan as a file."""
    plans = []
    for number, (name, arguments) in enumerate(PLANS):
        path = work / f"plan-{number}.json"
        command = served.command(binary, "plan", "large", "--out", path, *arguments)
        ended = subprocess.run(
            [str(part) for part in command],
            env=served.estate.environment,
            cwd=served.directory,
            capture_output=True,
            text=True,
        )
        if ended.returncode != 0:
            raise SystemExit(f"no plan for {name}; it said:\n{ended.stderr[-2000:]}")
        plans.append({"name": name, "path": str(path)})
    return plans


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--estate", type=pathlib.Path, help="what serves the estate, where that is not the binary")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=lambda text: [Size.of(size) for size in text.split(",")], required=True)
    parser.add_argument("--work-dir", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    binary = arguments.binary.resolve()
    estate = (arguments.estate or arguments.binary).resolve()
    work = arguments.work_dir.resolve()
    work.mkdir(parents=True, exist_ok=True)
    rows, plans = [], []
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            with Served(estate, size, pathlib.Path(scratch)) as served:
                runs = []
                for _ in range(arguments.rounds):
                    runs.append(assessed(binary, served, size))
                    print(f"{size.nodes} nodes, {size.pods} pods: {runs[-1]['wall_s']:.2f} s", flush=True)
                if size == arguments.sizes[-1]:
                    plans = planned(binary, served, work)
        medians = {figure: statistics.median(run[figure] for run in runs) for figure in runs[0]}
        rows.append({**dataclasses.asdict(size), **medians})
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps({"rows": rows, "plans": plans}, indent=2) + "\n")


if __name__ == "__main__":
    main()
