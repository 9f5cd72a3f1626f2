"""People at a hub: those who open approval links and decide."""

import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from hub import until
from servers import clean_environment
from template import ADDRESS

PASSPHRASE = "correct horse battery staple"


def keys(binary, directory):
    """The keys of approval links, and one person who may decide: where they lie."""
    path = directory / "approvals.json"
    environment = clean_environment(directory)
    kept = ["--state-dir", directory / "state", "--keys", path]
    for more in (["key", "new"], ["approver", "ann", "--passphrase-stdin"]):
        command = [binary, "approvals", *more, *kept]
        subprocess.run(command, env=environment, input=PASSPHRASE, text=True, check=True, capture_output=True)
    return path


def links(hub):
    """The links that were sent, each once."""
    found = [found for message in hub.messages() for found in re.findall(r"https://\S+/approvals/\S+", message["message"])]
    return list(dict.fromkeys(found))


def browse(hub, link, form=None):
    """What a browser is answered at a link; one that is answered by a function that broke off asks again."""
    url = link.replace(ADDRESS, f"{hub.estate.endpoint}/_http-api/approvals")
    data = urllib.parse.urlencode(form).encode() if form else None
    for _ in range(5):
        try:
            with urllib.request.urlopen(url, data, timeout=120) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                status, body = error.code, error.read().decode()
        if status != 500:
            return status, body
    raise AssertionError(body)


def decide(hub, link, decision):
    """Opens a link, as a person does, and decides: a function that runs twice asks twice, and where the other link
    was answered already, there is nothing left to decide."""
    forged, _, _ = link.rpartition("/")
    assert browse(hub, f"{forged}/AAAA")[0] == 403, "no page for a link that nobody signed"
    status, page = browse(hub, link)
    if status == 410:
        assert re.search(r"FW-V00(08|10|11)", page), page
        return
    assert status == 200 and "passphrase" in page, page
    form = {"token": link.rpartition("/")[2], "decision": decision, "passphrase": PASSPHRASE, "reason": ""}
    status, page = browse(hub, link, form)
    # Where the function ran before, and nobody learnt of it, the link is used up.
    assert status in (200, 410), page


def approve_until_over(hub, execution):
    """Approves whatever is asked, until the execution is over."""
    decided = []

    def look():
        for link in links(hub):
            if link not in decided:
                decided.append(link)
                decide(hub, link, "approve")
        return hub.over(execution)

    return until(look)


def file(hub, run, name):
    bucket = hub.template.reference("ArtefactBucket")
    return hub.client("s3").get_object(Bucket=bucket, Key=f"runs/{run}/{name}")["Body"].read()
