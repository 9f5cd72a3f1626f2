"""EKS clusters by our commands over the estate: what is listed, what an assessment says, and that it lies about
nothing that it could not see; boto3 sees the same clusters."""

import json
import pathlib
import shlex
import subprocess

import botocore
import botocore.session
import botocore.validate
import pytest

from estate import Clients, Estate

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Eks:
    """`fleetwright eks …` in the first landing zone of an estate."""

    def __init__(self, binary, estate, home):
        self.binary, self.estate, self.home = binary, estate, home

    def __call__(self, *arguments):
        """Its exit code, standard output and standard error."""
        command = [self.binary, "eks", *arguments]
        if arguments[0] != "explain" and arguments[:2] not in [("plan", it) for it in ("show", "diff", "check")]:
            command += ["--landing-zones", f"{self.estate.inventory},{self.estate.zones[0]['name']}"]
        ended = subprocess.run(
            [str(part) for part in command],
            env=self.estate.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=240,
        )
        return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture(scope="module")
def served(binary, tmp_path_factory):
    estate = Estate(binary, ROOT / "scenarios" / "clusters.toml", tmp_path_factory.mktemp("estate"), "--seed", "7")
    yield estate
    assert estate.stop() == 0


@pytest.fixture
def eks(binary, served, tmp_path):
    return Eks(binary, served, tmp_path)


def test_clusters_are_listed_as_boto3_sees_them(eks, served):
    code, out, err = eks("list", "--output", "json")
    assert code == 0, err
    rows = {row["name"]: row for row in json.loads(out)}
    client = Clients(served).zone("eks")
    assert set(rows) == set(client.list_clusters()["clusters"])
    for name, row in rows.items():
        seen = client.describe_cluster(name=name)["cluster"]
        assert (row["version"], row["status"]) == (seen["version"], seen["status"])
    [offer] = client.describe_cluster_versions(clusterVersions=["1.33"])["clusterVersions"]
    ends = offer["endOfStandardSupportDate"]
    assert rows["troubled"]["standard_support_ends"].startswith(ends.strftime("%Y-%m-%d"))
    assert rows["troubled"]["support"] == "extended", "1.33 left standard support in July 2026"
    assert rows["troubled"]["extra_dollars_per_month"] == 365.0


def test_checks_are_explained_without_aws(eks):
    code, out, _ = eks("explain", "eks-p1", "--output", "json")
    assert code == 0
    [page] = json.loads(out)
    assert page["code"] == "EKS-P1" and page["remedy"]
    code, _, err = eks("explain", "EKS-Z9")
    assert code == 2 and "EKS-Z9" in err


def test_mistakes_are_told_before_anything_is_asked(eks):
    assert eks("assess", "-odd-")[0] == 2
    code, _, err = eks("assess", "ready", "--to", "latest")
    assert code == 2 and "FW-X0002" in err
    (eks.home / "s.yaml").write_text("- code: EKS-Z9\n  reason: none\n  expires_at: 2027-03-31T00:00:00Z\n")
    code, _, err = eks("assess", "ready", "--suppressions", "s.yaml")
    assert code == 10 and "FW-X0003" in err and "s.yaml:1" in err
    code, _, err = eks("assess", "ready", "--to", "1.33")
    assert code == 2 and "1.34" in err
    code, _, err = eks("assess", "nobody")
    assert code != 0 and "nobody" in err


def assessed(eks, cluster, *more):
    """The exit code and the document of an assessment."""
    code, out, err = eks("assess", cluster, "--format", "json", *more)
    assert out, err
    return code, json.loads(out)


def verdicts(document):
    """What each check said, by its code; the worst where it was asked for several hops."""
    order = ["pass", "not-evaluated", "finding"]
    worst = {}
    for result in document["results"]:
        seen = worst.get(result["code"], "pass")
        worst[result["code"]] = max(seen, result["verdict"], key=order.index)
    return worst


def findings(document, code):
    return [row for it in document["results"] if it["code"] == code for row in it.get("findings", [])]


def test_what_stands_in_the_way_is_found_and_named(eks):
    code, document = assessed(eks, "troubled", "--to", "1.34")
    assert code == 15 and document["readiness"] == "not-ready"
    said = verdicts(document)
    # A budget that lets nobody go, a webhook nobody answers for, what EKS itself found.
    [budget] = [row for row in findings(document, "EKS-P1") if "ledger" in row["subject"]]
    assert budget["severity"] == "blocking"
    assert any("image-policy" in row["subject"] for row in findings(document, "EKS-W1"))
    assert said["EKS-C7"] == "finding"
    assert any("importer" in row["subject"] for row in findings(document, "EKS-P8"))
    assert any("Terraform" in row["subject"] for row in findings(document, "EKS-R3"))


def test_a_healthy_cluster_passes_what_its_own_api_is_asked(eks):
    code, document = assessed(eks, "ready", "--to", "1.35")
    said = verdicts(document)
    blocking = [row for it in document["results"] for row in it.get("findings", []) if row["severity"] == "blocking"]
    assert blocking == []
    for passed in ["EKS-V1", "EKS-V5", "EKS-C2", "EKS-C10", "EKS-A1", "EKS-W1", "EKS-N1", "EKS-N13", "EKS-P1"]:
        assert said[passed] == "pass", (passed, [it for it in document["results"] if it["code"] == passed])
    assert code in (0, 20), document["readiness"]


def test_an_api_that_lets_nobody_in_is_not_taken_for_healthy(eks):
    code, document = assessed(eks, "closed", "--to", "1.34")
    said = verdicts(document)
    assert code in (15, 20) and document["readiness"] != "ready"
    for unseen in ["EKS-V5", "EKS-A1", "EKS-W1", "EKS-N1", "EKS-P1"]:
        assert said[unseen] == "not-evaluated", unseen
    causes = {row["cause"] for it in document["results"] if it["code"] == "EKS-P1" for row in it["unread"]}
    assert causes == {"denied"}


def test_manifests_are_judged_with_their_lines_and_suppressions_have_an_end(eks):
    (eks.home / "flows.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n"
        "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: old, namespace: shop}\n"
    )
    _, document = assessed(eks, "ready", "--to", "1.35", "--manifests", "flows.yaml")
    [found] = findings(document, "EKS-A5")
    assert "flows.yaml:5" in found["subject"] + found["evidence"]
    (eks.home / "s.yaml").write_text(
        "- code: EKS-A5\n  reason: not deployed any more\n  expires_at: 2099-01-01T00:00:00Z\n"
    )
    _, document = assessed(
        eks, "ready", "--to", "1.35", "--manifests", "flows.yaml", "--suppressions", "s.yaml"
    )
    [found] = findings(document, "EKS-A5")
    assert found["suppressed"] == "not deployed any more"


def test_every_form_is_written_and_none_calls_unknown_healthy(eks):
    code, out, err = eks("assess", "closed", "--to", "1.34", "--format", "sarif", "--output-dir", "out")
    sarif = json.loads(out)
    assert sarif["version"] == "2.1.0"
    names = {path.name for path in (eks.home / "out").iterdir()}
    assert names == {f"readiness.{ending}" for ending in ["txt", "json", "md", "sarif", "xml"]}
    assert json.loads((eks.home / "out" / "readiness.sarif").read_text()) == sarif
    text = (eks.home / "out" / "readiness.txt").read_text()
    assert "could not look" in text.splitlines()[0]
    assert "FW-X000" in err and code in (15, 20)


def commands_of(runbook):
    """The calls of EKS in a runbook as name and parameters, each held against botocore's model."""
    model = botocore.session.get_session().get_service_model("eks")
    operations = {botocore.xform_name(name, "-"): name for name in model.operation_names}
    calls = []
    for line in runbook.splitlines():
        words = shlex.split(line) if line.startswith("aws eks ") and "--cli-input-json" in line else []
        if words:
            given = json.loads(words[words.index("--cli-input-json") + 1])
            shape = model.operation_model(operations[words[2]]).input_shape
            report = botocore.validate.ParamValidator().validate(given, shape)
            assert not report.has_errors(), (line, report.generate_report())
            calls.append((words[2], given))
    assert calls
    return calls


def test_a_plan_is_written_checked_compared_and_refused_when_it_was_edited(eks):
    code, out, err = eks("plan", "ready", "--to", "1.36", "--out", "later.json")
    assert code == 0, err
    document = json.loads((eks.home / "later.json").read_text())
    plan = document["upgrade"]
    assert [hop["to"] for hop in plan["hops"]] == ["1.35", "1.36"]
    order = [step["id"] for step in plan["steps"]]
    assert order.index("approve-1.35") < order.index("control-plane-1.35") < order.index("control-plane-1.36")
    rolls = [step for step in order if step.startswith("nodes-")]
    assert rolls == ["nodes-blue-1.36"], "nodes are replaced once for two hops"
    assert document["digest"] in err
    code, out, _ = eks("plan", "check", "later.json", "--output", "json")
    assert code == 0 and json.loads(out)[0]["safe"]
    code, runbook, _ = eks("plan", "show", "later.json", "--format", "runbook")
    assert code == 0
    calls = commands_of(runbook)
    assert ("update-cluster-version", "1.36") in [(name, given.get("version")) for name, given in calls]
    assert not any(given.get("force") for _, given in calls)
    assert eks("plan", "ready", "--to", "1.35", "--out", "sooner.json")[0] == 0
    code, out, _ = eks("plan", "diff", "later.json", "sooner.json", "--output", "json")
    assert code == 0 and "control-plane-1.36" in out
    (eks.home / "edited.json").write_text(json.dumps(document).replace("1.36", "1.37"))
    code, _, err = eks("plan", "check", "edited.json")
    assert code != 0 and "changed after it was made" in err


def test_a_plan_over_blockers_says_so_and_one_to_nowhere_is_none(eks):
    code, out, err = eks("plan", "troubled", "--to", "1.34")
    assert code == 15 and "FW-X0004" in err and "ledger" in out
    code, _, err = eks("plan", "ready", "--to", "1.34")
    assert code == 21 and "already" in err
    assert not (eks.home / "nothing.json").exists()
    assert eks("plan", "ready", "--strategy", "blue-green")[0] == 2
    assert eks("plan", "ready", "--accept", "EKS-Z9=none")[0] == 2
