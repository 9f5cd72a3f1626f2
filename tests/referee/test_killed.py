"""A run that is killed at fifty moments and taken up again each time does what an unharmed one does:
every image, command and reboot once, and the same end for every host."""

import collections
import random

import pytest

from effects import effects
from processes import Processes, records

#: How often the run is killed.
KILLS = 50

#: What the moments are drawn from.
SEED = 20

#: Two accounts, and one host for each kind of trouble a run tells apart.
SCENARIO = """
name = "killed"
seed = 11

[[accounts]]
name = "killed-prod"
id = "111122223333"
regions = ["eu-central-1"]
instances_per_region = 0
[[accounts]]
name = "killed-nonprod"
id = "444455556666"
regions = ["eu-central-1"]
instances_per_region = 0

[pace]
image = [60, 240]
root_task = [30, 90]

[[instances]]
account = "killed-prod"
count = 8
missing = ["openssl", "kernel"]
[instances.tags]
Name = "web"
Application = "shop"

[[instances]]
account = "killed-nonprod"
count = 4
missing = ["openssl"]
[instances.tags]
Name = "no-reboot"
Application = "ledger"

[[instances]]
account = "killed-nonprod"
count = 3
state = "stopped"
missing = ["openssl", "kernel"]
[instances.tags]
Name = "nightly"
Application = "ledger"

[[instances]]
account = "killed-prod"
count = 3
platform = "windows-2022"
[instances.tags]
Name = "desk"
Application = "desk"

[[instances]]
account = "killed-prod"
missing = ["openssl", "kernel"]
[instances.tags]
Name = "full"
Application = "shop"

[[instances]]
account = "killed-prod"
missing = ["openssl", "kernel"]
[instances.tags]
Name = "refuses"
Application = "shop"

[[instances]]
account = "killed-nonprod"
count = 2
missing = ["openssl", "kernel"]
[instances.tags]
Name = "broken"
Application = "ledger"

[[instances]]
account = "killed-nonprod"
missing = ["openssl", "kernel"]
[instances.tags]
Name = "silent"
Application = "ledger"

[[instances]]
account = "killed-prod"
missing = ["openssl", "kernel"]
[instances.tags]
Name = "unsaved"
Application = "shop"

[[hosts]]
kind = "disk_full"
instance = "full"
[[hosts]]
kind = "patch_fails"
instance = "refuses"
patch = "openssl"
[[hosts]]
kind = "patch_breaks_service"
instance = "broken"
patch = "openssl"
[[hosts]]
kind = "agent_never_returns"
instance = "silent"
times = 1

[[faults]]
kind = "image_fails"
instance = "unsaved"
"""

SETTINGS = (
    "safety.automatic_rollback=true",
    "safety.max_failure_percentage=100",
    "safety.budgets.application=100%",
    # A host that is not patched is made to fail by its own trouble, not by what others were given.
    "phases.backup.max_attempts=1",
)

#: What a report says of a host that does not depend on when it happened and under which name.
COMPARED = (
    "instance_id",
    "name",
    "outcome",
    "step",
    "code",
    "rebooted",
    "patches_installed",
    "patches_missing",
    "patches_failed",
    "patches_pending_reboot",
    "worse",
    "not_compared",
)


@pytest.fixture(scope="module")
def unharmed(binary, tmp_path_factory):
    """The same fleet and seed, left alone."""
    world = Processes(binary, SCENARIO, tmp_path_factory.mktemp("unharmed"), settings=SETTINGS)
    process = world.begin("run", *world.fleet, *world.driving(), "--auto-approve", "--output", "jsonl")
    ended = process.ended()
    assert ended.code == 20, ended.err
    seen = Seen(world)
    seen.length = len(own(process))
    world.end()
    return seen


class Seen:
    """What a run came to: for its report, and for the estate."""

    def __init__(self, world):
        self.calls = world.estate.calls()
        report = world.report()
        self.hosts = {host["instance_id"]: compared(host) for host in report["instances"]}
        self.ending = {name: report["run"][name] for name in ("exit_code", "status", "code", "left_out", "gaps")}
        self.outcomes = report["outcomes"]
        self.findings = world.check(phase="ended", planned={})

    def effects(self):
        """How often each change was carried out: what, and which instance."""
        return effects(self.calls)


def compared(host):
    made = {name: host[name] is not None for name in ("image", "restored_from")}
    return {name: host[name] for name in COMPARED} | made


def test_a_run_killed_fifty_times_ends_like_one_left_alone(binary, tmp_path, unharmed, record_property):
    world = Processes(binary, SCENARIO, tmp_path, settings=SETTINGS)
    drawn = random.Random(SEED)
    # Spread over the run; its last records are left, so that there always is a run to take up.
    moments = sorted(drawn.sample(range(1, unharmed.length - 10), KILLS))
    arguments, made, struck = ["run", *world.fleet], 0, []
    for moment in moments:
        process = world.begin(*arguments, *world.driving(), "--auto-approve", "--output", "jsonl")
        strike(process, max(moment - made, 1), drawn.choice((0, 0, 0.05, 0.3)))
        mine = own(process)
        made, arguments = made + len(mine), ["resume"]
        struck.append(mine[-1])
    ended = world.do("resume", *world.driving(), "--auto-approve")
    assert ended.code == 20, ended.err
    seen = Seen(world)
    steps = steps_of(struck, world.plan())
    record_property("kills", steps)
    print(f"killed {len(struck)} times: {steps}")
    world.end()

    again = {what for what, times in unharmed.effects().items() if times > 1}
    assert {what.split()[-2] for what, _ in again} == {"validate"}, "an ill host is looked at until its time is over"
    # Whose agent never came back may be asked once more which boot it is in, before its time is over: the script reboots
    # only out of the boot it expects, and what the estate finds says if a host rebooted twice.
    silent = {host["instance_id"] for host in world.report()["instances"] if host["name"] == "silent"}
    again |= {what for what in seen.effects() if what[0].endswith(" reboot 1") and what[1] in silent}
    twice = {what: times for what, times in seen.effects().items() if times > 1 and what not in again}
    assert not twice
    assert seen.effects().keys() == unharmed.effects().keys()
    assert seen.findings == []
    assert seen.hosts == unharmed.hosts
    assert (seen.ending, seen.outcomes) == (unharmed.ending, unharmed.outcomes)
    assert {"backup", "precheck", "patch", "reboot", "verify", "validate"} <= {step.split()[0] for step in steps}


def test_a_run_killed_before_its_report_was_written_is_reported_by_a_resume_that_names_it(binary, tmp_path):
    world = Processes(binary, SCENARIO, tmp_path, settings=SETTINGS)
    ended = world.do("run", *world.fleet, *world.driving(), "--auto-approve", "--workflow", "backup")
    assert ended.code in (0, 20), ended.err
    run, calls = world.runs()[0]["run_id"], world.estate.call_count()
    (tmp_path / "reports" / "run.json").unlink()
    again = world.do("resume", run, *world.driving())
    assert (again.code, world.report()["run"]["run_id"]) == (ended.code, run), again.err
    assert world.estate.call_count() == calls, "there was nothing left to do"
    world.end()


def strike(process, after, later):
    """Kills the process once it made so many records of the run, and `later` seconds have passed."""
    made = process.until(lambda lines: count(lines) >= after)
    assert made, f"the run was over before its moment came:\n{process.text('stderr')}"
    process.until(lambda lines: False, patience=later)
    assert process.kill(), f"the run was over before its moment came:\n{process.text('stderr')}"


#: Records of what is done. Who drives the run, and what was seen around it, depends on how often it was taken up.
DEEDS = ("started", "accepted", "succeeded", "failed", "skipped")


def count(lines):
    """How many records there are of what is done."""
    return len(deeds(lines))


def own(process):
    return deeds(process.text().splitlines(keepends=True))


def deeds(lines):
    return [record for record in records(lines) if record["event"] in DEEDS]


def steps_of(struck, plan):
    """How often the run was struck right after which record of which step."""
    flow = plan["flow"]
    named = collections.Counter()
    for record in struck:
        words = record["event"]
        if "target" in record:
            recipe = flow["recipes"][flow["targets"][record["target"]]["recipe"]]
            way = "undo" if record.get("direction") == "undo" else "steps"
            words = f"{recipe[way][record['step']]['name']} {words}"
        named[words] += 1
    return dict(sorted(named.items()))
