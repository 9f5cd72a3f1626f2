"""The reports of runs, judged by programs of others: libxml2 the XML, two validators the JSON, a parser of CI
systems the JUnit file, Python's csv module the tables. The runs are made up by the binary: one in which nothing
was to be done, one that failed, one of 50,000 instances, and one in which every text of others is hostile."""

import csv
import json
import re
import subprocess

import jsonschema
import jsonschema_rs
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from lxml import etree

from servers import clean_environment

NAMESPACE = "{urn:fleetwright:run:2}"
SMALL = ["empty", "failed", "mixed", "hostile"]
LARGE = 50_000

#: RE-1 of the requirements, word for word.
REQUIRED = (
    "instance_id,name,platform,status,instance_type,region,account_id,landing_zone,ami_id,launch_time,private_ip,"
    "public_ip,vpc_id,subnet_id,security_groups,ssm_agent_status,ssm_ping_status,ssm_last_ping,cpu_cores,memory_gb,"
    "storage_gb,network_performance,tags,requires_backup,patching_group,maintenance_window"
).split(",")


@pytest.fixture(scope="module")
def ask(binary, tmp_path_factory):
    """The binary's answer on standard output."""
    home = tmp_path_factory.mktemp("reports-home")

    def asked(*arguments):
        command = [binary, *map(str, arguments)]
        return subprocess.run(command, env=clean_environment(home), capture_output=True, check=True).stdout

    return asked


@pytest.fixture(scope="module")
def reports(ask, tmp_path_factory):
    """The directory with the reports of a sample; made once."""
    made = {}

    def of(sample, hosts=63):
        if sample not in made:
            made[sample] = tmp_path_factory.mktemp(f"reports-{sample}")
            which = "mixed" if sample == "large" else sample
            ask("internal", "sample-reports", made[sample], "--sample", which, "--hosts", hosts)
        return made[sample]

    return of


@pytest.fixture(scope="module")
def json_schema(ask):
    schema = json.loads(ask("report", "--schema", "json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema


@pytest.fixture(scope="module")
def xml_schema(ask):
    return etree.XMLSchema(etree.fromstring(ask("report", "--schema", "xml")))


def sealed(schema):
    """The schema without room for what it does not name: today's documents have nothing else."""
    schema = json.loads(json.dumps(schema))
    schema["additionalProperties"] = False
    for name, part in schema["properties"].items():
        row = part.get("items", part)
        if "required" in row and name not in ("view", "milestones"):
            row["additionalProperties"] = False
    return schema


@pytest.mark.parametrize("sample", SMALL)
def test_the_json_is_what_its_schema_says_and_nothing_else(reports, json_schema, sample):
    document = json.loads((reports(sample) / "run.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(
        sealed(json_schema), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    assert [f"{list(error.path)}: {error.message[:200]}" for error in validator.iter_errors(document)] == []


def test_the_schema_refuses_what_is_wrong(reports, json_schema):
    """A schema that takes everything would pass every other test."""
    validator = jsonschema.Draft202012Validator(sealed(json_schema))
    document = json.loads((reports("mixed") / "run.json").read_text())
    for spoil in (
        lambda it: it["instances"][0].update(outcome="fine"),
        lambda it: it["instances"][0].pop("instance_id"),
        lambda it: it["instances"][0].update(cpu_cores="two"),
        lambda it: it["instances"][0].update(surprise=1),
        lambda it: it["run"].update(status="ok"),
        lambda it: it.pop("errors"),
    ):
        spoilt = json.loads(json.dumps(document))
        spoil(spoilt)
        assert not validator.is_valid(spoilt)


@pytest.mark.parametrize("sample", SMALL)
def test_the_xml_is_what_its_schema_says(reports, xml_schema, sample):
    document = etree.parse(reports(sample) / "run.xml")
    xml_schema.assertValid(document)
    assert document.docinfo.doctype == ""


def test_the_xml_schema_refuses_what_is_wrong(reports, xml_schema):
    for spoil in (
        lambda row: row.remove(row.find(NAMESPACE + "outcome")),
        lambda row: row.find(NAMESPACE + "outcome").__setattr__("text", "fine"),
        lambda row: row.find(NAMESPACE + "rebooted").__setattr__("text", "perhaps"),
        lambda row: row.append(etree.Element(NAMESPACE + "surprise")),
    ):
        document = etree.parse(reports("mixed") / "run.xml")
        spoil(document.find(f".//{NAMESPACE}instance"))
        assert not xml_schema.validate(document)


def columns(schema):
    """The columns of each table, in their order: every property is required, and the list of them has an order."""
    rows = {name: part["items"] for name, part in schema["properties"].items() if "items" in part}
    assert all(set(row["required"]) == set(row["properties"]) for row in rows.values())
    return {name: row["required"] for name, row in rows.items()}


@pytest.mark.parametrize("sample", SMALL)
def test_csv_json_and_xml_say_the_same(reports, json_schema, sample):
    """The same tables with the same columns and the same values; only what a format cannot hold is replaced."""
    directory = reports(sample)
    document = json.loads((directory / "run.json").read_text())
    xml = etree.parse(directory / "run.xml").getroot()
    tables = columns(json_schema)
    files = {path.stem for path in (directory / "csv").iterdir()}
    assert files == {*tables, "run"} == {etree.QName(child).localname for child in xml}
    for name, names in tables.items():
        with open(directory / "csv" / f"{name}.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
            assert rows == [] or list(rows[0]) == names
        in_xml = list(xml.find(NAMESPACE + name))
        assert len(rows) == len(document[name]) == len(in_xml), name
        for cells, values, element in zip(rows, document[name], in_xml):
            for column in names:
                shown = element.find(NAMESPACE + column)
                assert (values[column] is None) == (shown is None), (name, column)
                if isinstance(values[column], str):
                    assert text_of(shown) == for_xml(values[column]), (name, column)
                    assert cells[column] == for_csv(values[column]), (name, column)


def text_of(element):
    return element.text or ""


def for_xml(text):
    """XML 1.0, 2.2: what it cannot hold is replaced."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", text)


def for_csv(text):
    text = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "\ufffd", text)
    return "'" + text if text[:1] in tuple("=+-@\t\r\n＝＋－＠") and text else text


@pytest.mark.parametrize("sample", SMALL)
def test_the_instance_table_begins_as_required(reports, sample):
    with open(reports(sample) / "csv" / "instances.csv", newline="", encoding="utf-8") as file:
        assert next(csv.reader(file))[:26] == REQUIRED


def test_no_cell_of_a_hostile_run_is_a_formula_and_no_file_holds_controls(reports):
    directory = reports("hostile")
    cells = 0
    for path in (directory / "csv").iterdir():
        raw = path.read_bytes()
        assert b"\x00" not in raw and b"\x1b" not in raw
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.reader(file, strict=True):
                cells += len(row)
                assert not [cell for cell in row if re.match("[=+@\t\r\n＝＋－＠]|-[^0-9]", cell)]
    assert cells > 10_000
    for name in ("summary.txt", "errors.txt", "compliance.txt", "executive.txt"):
        text = (directory / name).read_text(encoding="utf-8")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text), name


def test_the_hostile_texts_come_through_whole(reports):
    """Safe is not enough: what was said can be read again."""
    document = json.loads((reports("hostile") / "run.json").read_text())
    names = {row["name"] for row in document["instances"]}
    assert {"=cmd|'/C calc'!A0", "]]>", "nul\0nul", "</script><img src=x onerror=alert(1)>"} <= names
    assert max(map(len, names)) == 7_500
    in_xml = {text_of(it) for it in etree.parse(reports("hostile") / "run.xml").iter(NAMESPACE + "name")}
    assert {for_xml(name) for name in names} <= in_xml


#: What the run as a whole came to, by its status.
WHOLE = {200: type(None), 206: Failure, 500: Error}


@pytest.mark.parametrize("sample", SMALL)
def test_pipelines_can_read_the_junit_file(reports, sample):
    document = json.loads((reports(sample) / "run.json").read_text())
    parsed = JUnitXml.fromfile(str(reports(sample) / "junit.xml"))
    suites = {suite.name: suite for suite in parsed}
    cases = [case for name, suite in suites.items() if name.startswith("wave ") for case in suite]
    assert len(cases) == len(document["instances"])
    verdicts = {
        "success": type(None),
        "skipped": Skipped,
        "not_ready": Skipped,
        "stuck": Error,
        "open": Error,
    }
    by_id = {case.name.split(" ")[0]: case for case in cases}
    for row in document["instances"]:
        results = by_id[row["instance_id"]].result
        found = type(results[0]) if results else type(None)
        assert found is verdicts.get(row["outcome"], Failure), row["outcome"]
    (whole,) = suites["run"]
    assert (type(whole.result[0]) if whole.result else type(None)) is WHOLE[document["run"]["status"]]
    every = [case for suite in parsed for case in suite]
    assert parsed.tests == len(every)
    assert parsed.failures == sum(any(type(it) is Failure for it in case.result) for case in every)
    assert parsed.errors == sum(any(type(it) is Error for it in case.result) for case in every)


def test_the_samples_are_what_they_are_called(reports):
    def run(sample):
        return json.loads((reports(sample) / "run.json").read_text())["run"]

    assert (run("empty")["status"], run("empty")["instances"]) == (200, 0)
    assert run("failed")["status"] == 500 and run("failed")["failed"] > 0
    assert run("mixed")["status"] in (206, 500) and run("mixed")["success"] > 30


def test_a_run_of_50_000_instances_is_read_by_all(reports, json_schema, ask):
    directory = reports("large", LARGE)
    with open(directory / "run.json", encoding="utf-8") as file:
        document = json.load(file)
    assert next(jsonschema_rs.Draft202012Validator(sealed(json_schema)).iter_errors(document), None) is None
    assert document["run"]["instances"] == len(document["instances"]) == LARGE
    steps = len(document["timeline"])
    del document
    # A row at a time, as it is read: the whole tree would take gigabytes.
    schema = etree.XMLSchema(etree.fromstring(ask("report", "--schema", "xml")))
    seen = {"instance": 0, "step": 0}
    for _, element in etree.iterparse(directory / "run.xml", schema=schema):
        name = etree.QName(element).localname
        if name in seen and element.getparent().tag != element.tag and len(element):
            seen[name] += 1
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    assert seen == {"instance": LARGE, "step": steps}
    with open(directory / "csv" / "instances.csv", newline="", encoding="utf-8") as file:
        assert sum(1 for _ in csv.reader(file, strict=True)) == LARGE + 1
    parsed = JUnitXml.fromfile(str(directory / "junit.xml"))
    assert sum(suite.tests for suite in parsed if suite.name.startswith("wave ")) == LARGE
