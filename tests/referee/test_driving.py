"""A run as people steer it: several processes over one state directory, each a real one."""

import json
import pathlib
import re

import pytest

from processes import Processes, records

#: Two running hosts and a stopped one in one account, two running ones in another; all need a reboot. They
#: are of no application: one that fails holds no place that another one waits for.
SCENARIO = """
name = "driving"
seed = 5

[[accounts]]
name = "driving-prod"
id = "111122223333"
regions = ["eu-central-1"]
instances_per_region = 0
[[accounts]]
name = "driving-nonprod"
id = "444455556666"
regions = ["eu-central-1"]
instances_per_region = 0

[fleet.shares]
agent_old = 0.0

[pace]
image = [60, 120]
root_task = [30, 60]

[[instances]]
account = "driving-prod"
count = 2
missing = ["openssl", "kernel"]
[instances.tags]
Name = "web"

[[instances]]
account = "driving-prod"
state = "stopped"
missing = ["openssl", "kernel"]
[instances.tags]
Name = "nightly"

[[instances]]
account = "driving-nonprod"
count = 2
missing = ["openssl", "kernel"]
[instances.tags]
Name = "ledger"
"""

#: Two hosts that fail: one cannot install what is missing, one's application does not survive it.
TROUBLE = """
[[hosts]]
kind = "patch_breaks_service"
instance = "ledger"
patch = "openssl"
"""

TOLERANT = ("safety.max_failure_percentage=100",)


@pytest.fixture
def world(binary, tmp_path):
    world = Processes(binary, SCENARIO, tmp_path, speed=120, settings=TOLERANT)
    yield world
    world.end()


@pytest.fixture
def unhurried(binary, tmp_path):
    """The same at half the speed: an installation takes two seconds or more, in which somebody steers."""
    world = Processes(binary, SCENARIO, tmp_path, speed=60, settings=TOLERANT)
    yield world
    world.end()


@pytest.fixture
def troubled(binary, tmp_path):
    world = Processes(binary, SCENARIO + TROUBLE, tmp_path, speed=120, settings=TOLERANT)
    yield world
    world.end()


def run(world, *arguments):
    """A run that goes on; its records come as JSON Lines."""
    return world.begin("run", *world.fleet, *world.driving(), "--output", "jsonl", *arguments)


def until_recorded(process, event, step=None, times=1):
    """Waits until so many of these records were made."""

    def enough(lines):
        found = [it for it in records(lines) if it["event"] == event and (step is None or it.get("step") == step)]
        return len(found) >= times

    assert process.until(enough), process.text("stderr")


def until_patching(process):
    """Waits until the run was approved and a patch command is on its way: there is nothing else to
    be accepted then."""

    def patching(lines):
        events = [it["event"] for it in records(lines)]
        return "signalled" in events and "accepted" in events[events.index("signalled") :]

    assert process.until(patching), process.text("stderr")


def refusal(ended):
    """The code a command was refused with."""
    return re.findall(r"FW-[A-Z]\d{4}", ended.err)[-1]


def states(world):
    """Instances by name and state, as the estate has them."""
    scanned = world.directory / "scanned"
    world.do("scan", *world.fleet, "--output-dir", scanned)
    hosts = json.loads((scanned / "instances.json").read_text())["instances"]
    return sorted((host["name"], host["status"]) for host in hosts)


AS_BEFORE = [("ledger", "running")] * 2 + [("nightly", "stopped")] + [("web", "running")] * 2


def changing(world, *actions):
    return [call for call in world.estate.calls() if call["action"] in actions and call["ok"]]


def patching(world):
    """The commands that patch, or look which patches are missing."""
    return [it for it in changing(world, "SendCommand") if it["request"]["DocumentName"] == "AWS-RunPatchBaseline"]


def test_a_plan_is_applied_approved_by_another_process_and_watched_to_its_end(world):
    plan = world.directory / "plan.json"
    planned = world.do("plan", *world.fleet, *world.kept, "--out", plan)
    assert planned.code == 0, planned.err
    driver = world.begin("apply", plan, *world.fleet, *world.driving(), "--output", "jsonl")
    until_recorded(driver, "gate_reached")
    name = world.runs()[0]["run_id"]
    watching = world.begin("watch", name, *world.kept, "--output", "jsonl")

    refused = world.do("resume", name, *world.driving("other"))
    assert (refusal(refused), driver.lives()) == ("FW-R0007", True), refused.err
    assert not patching(world), "nothing is patched before it is approved"

    approved = world.do("approve", *world.kept, "--by", "a referee", "--reason", "all is well")
    assert approved.code == 0, approved.err
    ended, watched = driver.ended(), watching.ended()
    assert (ended.code, watched.code) == (0, 0), ended.err + watched.err
    signalled = [record for record in records(ended.out.splitlines(keepends=True)) if record["event"] == "signalled"]
    assert [(record["by"], record["reason"]) for record in signalled] == [("a referee", "all is well")]
    last = json.loads(watched.out.splitlines()[-1])
    assert (last["type"], last["outcomes"]) == ("summary", {"success": 5})
    assert world.status(name)["outcomes"] == {"success": 5}
    assert [(it["run_id"], it["closed"], it["driven_by"]) for it in world.runs()] == [(name, True, None)]
    assert states(world) == AS_BEFORE
    assert world.check(phase="ended") == []


def test_a_rejected_run_patches_nothing(world):
    driver = run(world)
    until_recorded(driver, "gate_reached")
    assert world.do("reject", *world.kept, "--reason", "not today").code == 0
    ended = driver.ended()
    assert ended.code == 22, ended.err
    assert {(host["outcome"], host["code"]) for host in world.report()["instances"]} == {("skipped", "FW-H0026")}
    assert not patching(world)
    assert states(world) == AS_BEFORE
    assert world.check(phase="ended") == []


def test_a_paused_run_starts_nothing_until_it_is_resumed(world):
    driver = run(world, "--auto-approve")
    until_recorded(driver, "started", step=0)
    assert world.do("pause", *world.kept).code == 0
    driver.until_said("paused")
    # What was begun is looked after; an image or two later still nothing else has started.
    until_recorded(driver, "succeeded", step=0, times=4)
    assert {it["step"] for it in records(driver.text().splitlines(keepends=True)) if it["event"] == "started"} == {0}
    assert world.do("resume", *world.driving("other")).code == 0
    ended = driver.ended()
    assert ended.code == 0, ended.err
    assert world.report()["outcomes"] == {"success": 5}


@pytest.mark.parametrize("now", [False, True])
def test_an_aborted_run_puts_back_what_it_started(unhurried, now):
    world = unhurried
    driver = run(world, "--auto-approve")
    until_patching(driver)
    aborted = world.do("abort", *world.kept, *(["--now"] if now else []))
    assert aborted.code == 0, aborted.err
    ended = driver.ended()
    assert ended.code == 22, ended.err
    assert bool(changing(world, "CancelCommand")) == now
    assert states(world) == AS_BEFORE
    assert world.check(phase="ended") == []


def test_ctrl_c_finishes_what_was_begun_and_leaves_a_run_that_can_be_resumed(unhurried):
    world = unhurried
    driver = run(world, "--auto-approve")
    until_patching(driver)
    driver.interrupt()
    ended = driver.ended()
    assert ended.code == 130, ended.err
    assert "FW-R0020" in ended.out, ended.out
    assert not changing(world, "CancelCommand")
    resumed = world.do("resume", *world.driving(), "--auto-approve")
    assert resumed.code == 0, resumed.err
    assert world.report()["outcomes"] == {"success": 5}
    assert world.check(phase="ended") == []


def test_a_second_ctrl_c_cancels_what_is_in_flight_and_leaves_at_once(unhurried):
    world = unhurried
    driver = run(world, "--auto-approve")
    until_patching(driver)
    driver.interrupt()
    driver.until_said("press Ctrl-C again")
    driver.interrupt()
    ended = driver.ended()
    assert ended.code == 130, ended.err
    assert changing(world, "CancelCommand")
    resumed = world.do("resume", *world.driving(), "--auto-approve")
    assert resumed.code == 20, resumed.err
    cancelled = [host["code"] for host in world.report()["instances"] if host["outcome"] != "success"]
    assert set(cancelled) == {"FW-H0006"}
    assert states(world) == AS_BEFORE
    assert world.check(phase="ended") == []


def test_who_only_waits_for_a_decision_may_leave_and_come_back(world):
    left = world.do("run", *world.fleet, *world.driving(), "--no-wait", "--output", "jsonl")
    assert left.code == 130, left.err
    lines = [json.loads(line) for line in left.out.splitlines()]
    assert {line["type"] for line in lines[:-1]} == {"record"}
    assert (lines[-1]["type"], lines[-1]["run"]["code"]) == ("summary", "FW-R0019")
    assert world.do("approve", *world.kept).code == 0
    back = world.do("resume", *world.driving(), "--no-wait")
    assert back.code == 0, back.err
    assert world.report()["outcomes"] == {"success": 5}


def test_what_was_cancelled_is_retried(unhurried):
    world = unhurried
    driver = run(world, "--auto-approve")
    until_patching(driver)
    assert world.do("abort", *world.kept, "--now").code == 0
    assert driver.ended().code == 22
    missed = {host["instance_id"] for host in world.report()["instances"] if host["outcome"] != "success"}
    assert missed
    again = world.do("retry", *world.driving("retried"), "--auto-approve")
    assert again.code == 0, again.err
    assert {host["instance_id"]: host["outcome"] for host in world.report("retried")["instances"]} == dict.fromkeys(
        missed, "success"
    )
    assert [it["closed"] for it in world.runs()] == [True, True]


def test_what_did_not_end_well_is_rolled_back(troubled):
    world = troubled
    ended = world.do("run", *world.fleet, *world.driving(), "--auto-approve")
    assert ended.code == 20, ended.err
    first = world.runs()[0]["run_id"]
    worse = {host["instance_id"] for host in world.report()["instances"] if host["outcome"] != "success"}
    assert len(worse) == 2

    again = world.do("retry", first, *world.driving("retried"), "--auto-approve")
    # They have every patch by now, and are proven once more all the same: nobody repaired them.
    assert again.code == 20, again.err
    assert {host["instance_id"] for host in world.report("retried")["instances"] if host["outcome"] != "success"} == worse
    back = world.do("rollback", first, "--failed", *world.driving("back"), "--auto-approve")
    assert back.code in (0, 20), back.err
    hosts = world.report("back")["instances"]
    assert {host["instance_id"] for host in hosts} == worse
    assert {host["outcome"] for host in hosts} == {"rolled_back"}
    assert len(changing(world, "CreateReplaceRootVolumeTask")) == 2
    assert world.check(phase="ended") == []


def test_a_dry_run_changes_nothing(world):
    shown = world.do("run", *world.fleet, *world.driving(), "--dry-run")
    assert shown.code == 0, shown.err
    verdict = json.loads(world.estate.get("/_estate/check?dry_run=true"))
    assert (verdict["findings"], verdict["mutations"]) == ([], [])
    assert not world.state.exists() or world.runs() == []


def test_phases_on_their_own_continue_from_one_another(world):
    def phase(output, *arguments):
        ended = world.do("run", *world.fleet, *world.driving(output), "--auto-approve", *arguments)
        assert ended.code == 0, ended.err
        return world.runs()[0]["run_id"]

    phase("prechecks", "--phase", "precheck")
    assert not changing(world, "CreateImage")
    backups = phase("backups", "--workflow", "backup")
    assert len(changing(world, "CreateImage")) == 5
    patched = phase("patched", "--workflow", "patch", "--skip-phases", "backup", "--from", backups)
    assert len(changing(world, "CreateImage")) == 5, "the images of the run before are used"
    planned = {work["id"]: work["backup"] for work in world.plan("patched")["work"] if work["kind"] == "host"}
    images = {host["instance_id"]: host["image"] for host in world.report("backups")["instances"]}
    assert planned == {host: {"existing": {"image": images[host]}} for host in planned}
    # The workflow that only patches starts nothing: the stopped host is left out.
    assert [host["patches_missing"] for host in world.report("patched")["instances"]] == [0] * 4
    phase("validated", "--phase", "post-patch-validation", "--from", patched)
    assert states(world) == AS_BEFORE
    assert world.check(phase="ended") == []


def test_no_secret_is_printed_or_kept(troubled):
    world = troubled
    ended = world.do("run", *world.fleet, *world.driving(), "--auto-approve", "--log-level", "trace")
    assert ended.code == 20, ended.err
    world.do("status", *world.kept)
    given = world.estate.variables
    secrets = [given[name] for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN") if name in given]
    secrets += [zone["external_id"] for zone in world.estate.zones if zone.get("external_id")]
    assert len(secrets) >= 3, "there is something to look for"
    places = {"what was printed": ended.out + ended.err}
    for path in pathlib.Path(world.directory).rglob("*"):
        if path.is_file() and path != world.estate.inventory:
            places[str(path)] = path.read_bytes().decode(errors="replace")
    assert any("journal" in place for place in places)
    assert [(place, secret) for place, text in places.items() for secret in secrets if secret in text] == []
