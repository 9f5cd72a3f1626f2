"""Contenders scan the same simulated fleets, side by side in one run and in turn.

Started by `cargo xtask bench scan`. Wall-clock figures depend on the machine; the ratios and the
counts are what to compare.
"""

import argparse
import dataclasses
import json
import pathlib
import statistics
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "referee"))

import measure  # noqa: E402
import report  # noqa: E402
from contenders import boto3_threads, custodian, fleetwright  # noqa: E402
from served import Fleet, ServedFleet  # noqa: E402

THROTTLED = {"RequestLimitExceeded", "Throttling", "ThrottlingException", "RateExceeded", "TooManyRequestsException"}
#: The reads the target counts: the instances, their agents, their patch states.
COUNTED_READS = {"DescribeInstances", "DescribeInstanceInformation", "DescribeInstancePatchStates"}


def fleet_of(size):
    """Cells of a thousand instances each, in two regions once there is more than one cell."""
    cells = max(1, size // 1000)
    regions = 2 if cells % 2 == 0 else 1
    return Fleet(accounts=cells // regions, regions=regions, instances=size)


def scan_once(contender, served, directory):
    """One scan by one contender, with the calls the estate saw of it."""
    output = directory / "output"
    output.mkdir(parents=True)
    before = served.estate.call_count()
    command = contender.command(served.estate.inventory, output)
    used = measure.run(command, served.estate.environment, directory, directory / "log.txt")
    calls = served.estate.calls(before)
    found = contender.found(output) if used.exit_code in (0, 20) else 0
    if found == 0 or (served.expected is not None and found != served.expected):
        tail = (directory / "log.txt").read_text(errors="replace")[-2000:]
        raise SystemExit(
            f"{contender.name} found {found} instances of {served.expected} and ended with {used.exit_code}; it said:\n{tail}"
        )
    served.expected = found
    return {
        **dataclasses.asdict(used),
        "instances": found,
        "calls": len(calls),
        "counted_reads": sum(call["action"] in COUNTED_READS for call in calls),
        "throttled": sum(call.get("error") in THROTTLED for call in calls),
    }


def scan_fleet(binary, fleet, contenders, rounds, scratch):
    """Every contender, `rounds` times in turn; the median of each figure. Each scan meets an estate
    of its own, the same to the last tag, so that nobody finds rate limits another one used up."""
    runs = {contender.name: [] for contender in contenders}
    expected = None
    for number in range(rounds):
        for contender in contenders:
            directory = scratch / f"{number}-{contender.name.replace(' ', '-')}"
            directory.mkdir()
            with ServedFleet(binary, fleet, directory) as served:
                served.expected = expected
                row = scan_once(contender, served, directory)
                expected = served.expected
            runs[contender.name].append(row)
            print(
                f"  round {number + 1}: {contender.name}: {row['wall_s']:.2f} s, CPU {row['cpu_s']:.2f} s",
                flush=True,
            )
    medians = {
        name: {figure: statistics.median(row[figure] for row in rows) for figure in rows[0]}
        for name, rows in runs.items()
    }
    return {"fleet": dataclasses.asdict(fleet), "medians": medians, "runs": runs}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")], default=[1000, 10000])
    parser.add_argument("--alone", type=int, default=100_000)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()

    ours = fleetwright(arguments.binary.resolve())
    plan = [(fleet_of(size), [ours, boto3_threads(), custodian()]) for size in arguments.sizes]
    if arguments.alone:
        plan.append((Fleet(accounts=200, regions=3, instances=arguments.alone), [ours]))
    results = []
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        for number, (fleet, contenders) in enumerate(plan):
            print(f"{fleet.instances} instances, {fleet.accounts} account(s) x {fleet.regions} region(s)", flush=True)
            directory = pathlib.Path(scratch) / str(number)
            directory.mkdir()
            results.append(scan_fleet(arguments.binary.resolve(), fleet, contenders, arguments.rounds, directory))
    targets = report.targets(results)
    output = ROOT / arguments.output
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"results": results, "targets": targets}, indent=2) + "\n")
    print(report.table(results))
    print(report.verdicts(targets))


if __name__ == "__main__":
    main()
