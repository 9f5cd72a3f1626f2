"""Debian's kubectl on the estate's clusters: what it lists, closes, drains and watches, and what it is refused."""

import json
import pathlib
import re

import pytest

from estate import Estate
from kubectl import Kubectl, program
from processes import Process

SCENARIO = pathlib.Path(__file__).parent / "kubectl.toml"

#: An age as kubectl shows it.
AGE = re.compile(r"(\d+[ydhms]){1,2}")


@pytest.fixture(scope="module")
def served(binary, tmp_path_factory):
    estate = Estate(binary, SCENARIO, tmp_path_factory.mktemp("estate"), "--seed", "7")
    yield estate
    assert estate.stop() == 0


@pytest.fixture(scope="module")
def of_cluster(served, tmp_path_factory):
    """kubectl for a cluster by its name."""
    made = {}

    def find(name):
        if name not in made:
            made[name] = Kubectl(served, name, tmp_path_factory.mktemp(name))
        return made[name]

    yield find
    for kubectl in made.values():
        kubectl.stop()


@pytest.fixture
def shop(of_cluster):
    return of_cluster("shop")


@pytest.fixture
def drained(of_cluster):
    """A cluster whose nodes are all open."""
    kubectl = of_cluster("drained")
    kubectl("uncordon", "--selector", "kubernetes.io/os=linux")
    return kubectl


def items(kubectl, *arguments):
    return json.loads(kubectl("get", *arguments, "--output", "json").stdout)["items"]


def node_of_a(kubectl, pod):
    return next(it["spec"]["nodeName"] for it in items(kubectl, "pods", "-A") if it["metadata"]["name"] == pod)


def test_without_kubectl_there_is_a_failure_and_no_skip(monkeypatch, tmp_path):
    monkeypatch.setenv("FLEETWRIGHT_KUBECTL", str(tmp_path / "nothing"))
    with pytest.raises(AssertionError, match="nothing is missing: run `cargo xtask test --only referee`"):
        program()


def test_the_server_tells_its_version_and_resources(shop):
    versions = json.loads(shop("version", "--output", "json").stdout)
    assert versions["serverVersion"]["gitVersion"].startswith("v1.34.")
    resources = {(row["NAME"], row["APIVERSION"]): row for row in shop.rows("api-resources")}
    deployments = resources["deployments", "apps/v1"]
    assert (deployments["SHORTNAMES"], deployments["NAMESPACED"], deployments["KIND"]) == ("deploy", "true", "Deployment")
    assert resources["nodes", "v1"]["NAMESPACED"] == "false"
    groups = shop("api-versions").stdout.split()
    assert {"v1", "apps/v1", "policy/v1"} <= set(groups) and "policy/v1beta1" not in groups


def test_nodes_are_listed_as_a_table_of_the_same_nodes_as_the_documents(shop):
    rows = shop.rows("get", "nodes", "--output", "wide")
    nodes = items(shop, "nodes")
    assert len(nodes) == 3
    for row, node in zip(rows, nodes, strict=True):
        assert row["NAME"] == node["metadata"]["name"]
        assert row["STATUS"] == "Ready" and row["ROLES"] == "<none>" and AGE.fullmatch(row["AGE"])
        assert row["VERSION"] == node["status"]["nodeInfo"]["kubeletVersion"]
        assert row["OS-IMAGE"] == node["status"]["nodeInfo"]["osImage"]


def test_pods_of_all_namespaces_are_listed_whole_and_in_pages(served, shop):
    pods = items(shop, "pods", "-A")
    rows = shop.rows("get", "pods", "-A", "--output", "wide")
    seen = [(row["NAMESPACE"], row["NAME"], row["NODE"]) for row in rows]
    assert seen == [(it["metadata"]["namespace"], it["metadata"]["name"], it["spec"]["nodeName"]) for it in pods]
    assert {(row["READY"], row["STATUS"], row["RESTARTS"]) for row in rows} == {("1/1", "Running", "0")}
    before = served.call_count()
    paged = shop.rows("get", "po", "-A", "--chunk-size", "4")
    assert [row["NAME"] for row in paged] == [row["NAME"] for row in rows]
    lists = [it for it in served.calls(before) if it["action"] == "kubernetes:list"]
    assert len(lists) == -(-len(pods) // 4), "one request for each page"


def test_short_names_categories_and_selectors_say_what_is_meant(shop):
    shown = shop("get", "all", "--namespace", "shop").stdout
    assert all(f"{kind}/web" in shown for kind in ("pod", "deployment.apps", "replicaset.apps"))
    [budget] = shop.rows("get", "pdb", "--namespace", "shop")
    assert (budget["NAME"], budget["MAX UNAVAILABLE"], budget["ALLOWED DISRUPTIONS"]) == ("web", "1", "1")
    chosen = shop("get", "pods", "-A", "--selector", "app=web", "--output", "name").stdout.split()
    assert len(chosen) == 3 and all(it.startswith("pod/web-") for it in chosen)
    node = node_of_a(shop, chosen[0].removeprefix("pod/"))
    there = shop.rows("get", "pods", "-A", "--field-selector", f"spec.nodeName={node}", "--output", "wide")
    assert {row["NODE"] for row in there} == {node}


def test_what_is_not_there_is_named(shop):
    assert 'pods "nobody" not found' in shop("get", "pod", "nobody", code=1).stderr
    refused = shop("get", "pods", "--field-selector", "spec.colour=red", code=1).stderr
    assert "field label not supported: spec.colour" in refused


def test_deprecated_apis_are_warned_of_and_counted_in_the_metrics(shop):
    warned = shop("get", "endpoints", "-A").stderr
    assert "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice" in warned
    # Raw paths begin at the host, not at the cluster's address.
    metrics = shop("get", "--raw", f"{shop.base}/metrics").stdout
    assert re.search(r'^apiserver_requested_deprecated_apis\{.*resource="endpoints".*\} 1$', metrics, re.MULTILINE)


def test_rights_are_told_and_held(of_cluster):
    viewed = of_cluster("viewed")
    assert viewed("auth", "can-i", "list", "pods", "-A").stdout.strip() == "yes"
    assert viewed("auth", "can-i", "delete", "pods", "-A", code=1).stdout.strip() == "no"
    assert viewed("auth", "can-i", "list", "nodes", code=1).stdout.strip() == "no"
    [pod, *_] = [it["metadata"]["name"] for it in items(viewed, "pods", "--namespace", "kube-system")]
    refused = viewed("delete", "pod", pod, "--namespace", "kube-system", code=1).stderr
    assert "Forbidden" in refused and 'cannot delete resource "pods"' in refused
    assert 'cannot list resource "nodes"' in viewed("get", "nodes", code=1).stderr


def test_a_wrong_token_opens_nothing(shop, of_cluster):
    others = json.loads(of_cluster("viewed").token().stdout)["status"]["token"]
    for token in ["k8s-aws-v1.bm9ib2R5", "nobody", others]:
        configuration = shop.configured_with(token)
        assert "Unauthorized" in shop("get", "nodes", "--kubeconfig", configuration, code=1).stderr
    own = json.loads(shop.token().stdout)["status"]["token"]
    assert len(shop.rows("get", "nodes", "--kubeconfig", shop.configured_with(own))) == 3


def test_a_node_is_closed_and_opened(drained):
    [node, *_] = [it["metadata"]["name"] for it in items(drained, "nodes")]
    assert drained("cordon", node).stdout == f"node/{node} cordoned\n"
    [row] = drained.rows("get", "node", node)
    assert row["STATUS"] == "Ready,SchedulingDisabled"
    assert drained("cordon", node).stdout == f"node/{node} already cordoned\n"
    assert drained("uncordon", node).stdout == f"node/{node} uncordoned\n"
    [row] = drained.rows("get", "node", node)
    assert row["STATUS"] == "Ready"


def test_a_watch_tells_what_happens_while_it_happens(drained):
    [node, *_] = [it["metadata"]["name"] for it in items(drained, "nodes")]
    command = [drained.path, "get", "node", node, "--watch"]
    watching = Process(command, drained.environment, drained.directory)
    try:
        assert watching.until(lambda lines: len(lines) >= 2), watching.text("stderr")
        drained("cordon", node)
        assert watching.until(lambda lines: len(lines) >= 3), watching.text("stderr")
        drained("uncordon", node)
        assert watching.until(lambda lines: len(lines) >= 4), watching.text("stderr")
        assert watching.lives(), "a watch goes on"
    finally:
        said = watching.put_down()
    assert [line.split()[1] for line in said.splitlines()] == ["STATUS", "Ready", "Ready,SchedulingDisabled", "Ready"]


def test_a_drain_is_held_by_a_budget_that_is_named_and_goes_on_when_it_lets_go(drained):
    node = node_of_a(drained, "ledger-0")
    draining = ["drain", node, "--ignore-daemonsets"]
    # With its requests shown, kubectl ends with 255 where it would end with 1.
    held = drained(*draining, "--timeout", "3s", "-v", "8", code=255).stderr
    assert 'error when evicting pods/"ledger-0" -n "bank"' in held
    assert "Cannot evict pod as it would violate the pod's disruption budget." in held
    assert "The disruption budget ledger needs 3 healthy pods and has 3 currently" in held
    assert node_of_a(drained, "ledger-0") == node, "it was left where it is"
    drained("patch", "pdb", "ledger", "--namespace", "bank", "--type", "merge", "-p", '{"spec":{"minAvailable":2}}')
    gone = drained(*draining, "--timeout", "60s").stdout
    assert "evicting pod bank/ledger-0" in gone
    assert gone.splitlines()[-1] in (f"node/{node} evicted", f"node/{node} drained"), "the word is another since 1.22"
    left = drained.rows("get", "pods", "-A", "--field-selector", f"spec.nodeName={node}")
    assert {row["NAME"].rsplit("-", 1)[0] for row in left} == {"aws-node", "kube-proxy"}, "only daemons stay"
    drained("wait", "--for", "condition=Ready", "pod", "--all", "-A", "--timeout", "60s")
    [ledger] = drained.rows("get", "statefulset", "--namespace", "bank")
    assert ledger["READY"] == "3/3"
    drained("patch", "pdb", "ledger", "--namespace", "bank", "--type", "merge", "-p", '{"spec":{"minAvailable":3}}')


def listed(kubectl, *arguments):
    """What `auth can-i --list` says: verbs by resource or path. Where both are empty, the row goes on."""
    lines = kubectl("auth", "can-i", "--list", *arguments).stdout.splitlines()
    assert lines[0].split() == ["Resources", "Non-Resource", "URLs", "Resource", "Names", "Verbs"]
    rows = [re.fullmatch(r"(\S*)\s+\[([^]]*)\]\s+\[([^]]*)\]\s+\[([^]]*)\]", line) for line in lines[1:]]
    return {row[1] or row[2]: set(row[4].split()) for row in rows}


def test_rights_are_listed_as_they_are_held(shop, of_cluster):
    everything = listed(shop)
    assert everything["*.*"] == {"*"} and everything["*"] == {"*"}
    viewed = listed(of_cluster("viewed"), "--namespace", "kube-system")
    assert viewed["pods"] == {"get", "list", "watch"}
    assert "secrets" not in viewed and "nodes" not in viewed
    assert viewed["selfsubjectrulesreviews.authorization.k8s.io"] == {"create"}


def test_a_workload_is_scaled(drained):
    drained("scale", "deployment", "web", "--replicas", "5", "--namespace", "shop")
    drained("rollout", "status", "deployment", "web", "--namespace", "shop", "--timeout", "60s")
    assert len(items(drained, "pods", "--namespace", "shop")) == 5
    drained("scale", "deployment", "web", "--replicas", "3", "--current-replicas", "5", "--namespace", "shop")
    [web] = drained.rows("get", "deployment", "--namespace", "shop")
    assert web["READY"] == "3/3"
    refused = drained("scale", "deployment", "web", "--replicas", "1", "--current-replicas", "9", "--namespace", "shop", code=1)
    assert "Expected replicas to be 9" in refused.stderr


def test_objects_are_made_from_files_that_kubectl_validates(drained):
    kind = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}}
    text = json.dumps({**kind, "data": {"colour": "red"}})
    assert drained("create", "--filename", "-", stdin=text).stdout == "configmap/settings created\n"
    text = json.dumps({**kind, "data": {"colour": "blue"}})
    assert drained("apply", "--filename", "-", stdin=text).stdout == "configmap/settings configured\n"
    made = json.loads(drained("get", "configmap", "settings", "--namespace", "shop", "--output", "json").stdout)
    assert made["data"] == {"colour": "blue"}
    assert drained("delete", "--filename", "-", stdin=text).stdout.startswith('configmap "settings" deleted')


def test_pools_claims_and_pods_on_fargate_are_seen(of_cluster):
    pooled = of_cluster("pooled")
    [pool] = items(pooled, "nodepools")
    assert pool["spec"]["disruption"]["budgets"] == [{"nodes": "1"}] and pool["status"]["resources"]["nodes"] == "2"
    assert [row["NAME"] for row in pooled.rows("get", "ec2nc")] == ["default"]
    claims = {it["status"]["nodeName"] for it in items(pooled, "nodeclaims")}
    own = items(pooled, "nodes", "--selector", "karpenter.sh/nodepool=default")
    assert {it["metadata"]["name"] for it in own} == claims and len(claims) == 2
    fargate = items(pooled, "nodes", "--selector", "eks.amazonaws.com/compute-type=fargate")
    workers = {it["spec"]["nodeName"] for it in items(pooled, "pods", "--namespace", "jobs")}
    assert {it["metadata"]["name"] for it in fargate} == workers and len(workers) == 2


def job_of(kubectl, suite, name):
    """Makes a Job of a CronJob. Before 1.21 kubectl knows CronJobs of batch/v1beta1 only, which no cluster serves any more."""
    client = json.loads(kubectl("version", "--output", "json").stdout)["clientVersion"]
    if int(re.match(r"\d+", client["minor"])[0]) >= 21:
        made = kubectl("create", "job", name, "--from", f"cronjob/{suite}", "--namespace", "shop")
    else:
        [found] = [it for it in items(kubectl, "cronjobs", "--namespace", "shop") if it["metadata"]["name"] == suite]
        metadata = {"name": name, "namespace": "shop", "annotations": {"cronjob.kubernetes.io/instantiate": "manual"}}
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": found["spec"]["jobTemplate"]["spec"]}
        made = kubectl("create", "--filename", "-", stdin=json.dumps(job))
    assert made.stdout == f"job.batch/{name} created\n"


def test_a_job_of_a_cron_job_is_waited_for_and_its_pods_say_how_it_went(of_cluster):
    suited = of_cluster("suited")
    assert {row["NAME"] for row in suited.rows("get", "cronjobs", "--namespace", "shop")} == {"smoke", "pay"}
    job_of(suited, "smoke", "smoke-1")
    suited("wait", "--for", "condition=complete", "job/smoke-1", "--namespace", "shop", "--timeout", "60s")
    [done] = suited.rows("get", "jobs", "smoke-1", "--namespace", "shop")
    assert (done["STATUS"], done["COMPLETIONS"]) == ("Complete", "1/1")
    [pod] = suited.rows("get", "pods", "--namespace", "shop", "--selector", "job-name=smoke-1")
    assert (pod["READY"], pod["STATUS"]) == ("0/1", "Completed")
    job_of(suited, "pay", "pay-1")
    suited("wait", "--for", "condition=failed", "job/pay-1", "--namespace", "shop", "--timeout", "60s")
    [pod] = items(suited, "pods", "--namespace", "shop", "--selector", "job-name=pay-1")
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["message"]) == (1, "no card is taken")
    suited("delete", "job", "smoke-1", "pay-1", "--namespace", "shop")
    assert items(suited, "jobs", "--namespace", "shop") == []
