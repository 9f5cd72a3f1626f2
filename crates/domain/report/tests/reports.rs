//! Reports of a small inventory, hostile text included.

use fleetwright_model::{Exit, Gap, GapSubject, Instance, InstanceState, Observed, Region, Tags, Zone, code};
use fleetwright_patch::{CellRead, Host, Inventory, LabelKeys, Listing, Observations, Rules, Summary};
use fleetwright_report::json::{ScanFacts, write_inventory, write_lines, write_summary};
use fleetwright_report::{csv, text};
use fleetwright_testkit::sample::{agent, denied, healthy, instance, now, patch_facts, region, zone};
use serde_json::Value;

fn host(zone: &Zone, region: &Region, instance: Instance) -> Host {
    let observed = Observations {
        instance,
        agent: Observed::Known(agent()),
        patches: Observed::Known(patch_facts()),
        health: Observed::Known(healthy()),
        storage: Observed::NotChecked,
        hardware: Observed::Absent,
    };
    let rules = Rules { start_stopped: true, min_agent_version: None, max_patch_state_age: None };
    Host::new(zone, region, observed, &LabelKeys::default(), &rules, now())
}

fn inventory(instances: Vec<Instance>, gaps: Vec<Gap>) -> Inventory {
    let (zone, region) = (zone("payments", "011122223333", &[]), region("eu-central-1"));
    let mut inventory = Inventory {
        started: now(),
        finished: now(),
        hosts: instances.into_iter().map(|instance| host(&zone, &region, instance)).collect(),
        gaps,
        cells: Vec::new(),
        skipped: Vec::new(),
    };
    inventory.sort();
    inventory
}

fn gap() -> Gap {
    let zone = zone("shop", "444455556666", &[]);
    Gap {
        zone: Some(zone.name),
        account: Some(zone.account),
        region: Some(region("eu-west-1")),
        subject: GapSubject::Agents,
        instances: Some(1),
        failure: denied("ssm:DescribeInstanceInformation"),
    }
}

fn facts() -> ScanFacts {
    ScanFacts { scan_id: "scan-1".into(), fleetwright: "0.1.0".into(), calls: Default::default() }
}

fn csv_of(inventory: &Inventory) -> Vec<Vec<String>> {
    let mut written = Vec::new();
    csv::write_instances(&mut written, &inventory.hosts).expect("memory takes everything");
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_slice());
    reader
        .records()
        .map(|record| record.expect("well-formed CSV").iter().map(str::to_owned).collect())
        .collect()
}

fn tagged(number: u64, name: &str, tags: &[(&str, &str)]) -> Instance {
    let mut instance = instance(number, name);
    instance.tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect::<Tags>();
    instance
}

/// REQUIREMENTS RE-1, word for word.
const REQUIRED_COLUMNS: &str = "instance_id,name,platform,status,instance_type,region,account_id,landing_zone,\
    ami_id,launch_time,private_ip,public_ip,vpc_id,subnet_id,security_groups,ssm_agent_status,ssm_ping_status,\
    ssm_last_ping,cpu_cores,memory_gb,storage_gb,network_performance,tags,requires_backup,patching_group,\
    maintenance_window";

#[test]
fn the_csv_has_the_required_columns_first_and_in_order() {
    let rows = csv_of(&inventory(vec![instance(1, "web-01")], vec![]));
    let required: Vec<&str> = REQUIRED_COLUMNS.split(',').collect();
    assert_eq!(rows[0][..required.len()], required);
}

#[test]
fn a_cell_tells_none_from_not_checked() {
    let rows = csv_of(&inventory(vec![instance(1, "web-01")], vec![]));
    let column = |name: &str| rows[0].iter().position(|column| column == name).expect("a column");
    assert_eq!(rows[1][column("storage_gb")], "not_checked");
    assert_eq!(rows[1][column("memory_gb")], "");
    assert_eq!(rows[1][column("ssm_ping_status")], "Online");
    assert_eq!(rows[1][column("account_id")], "011122223333", "leading zeros stay");
}

#[test]
fn hostile_names_and_tags_stay_one_cell_and_are_no_formulas() {
    let hostile = tagged(
        1,
        "=HYPERLINK(\"http://evil\",\"click\")",
        &[("a\nb", "line\r\nbreak \"quoted\", comma"), ("=cmd|' /C calc'!A0", "+1"), ("ключ", "値🙂")],
    );
    let rows = csv_of(&inventory(vec![hostile, instance(2, "plain")], vec![]));
    assert_eq!(rows.len(), 3, "a line break in a tag does not make a row");
    assert_eq!(rows[1][1], "'=HYPERLINK(\"http://evil\",\"click\")");
    let tags: Value = serde_json::from_str(&rows[1][22]).expect("tags are a JSON object");
    assert_eq!(tags["a\nb"], "line\r\nbreak \"quoted\", comma");
    assert_eq!(tags["ключ"], "値🙂");
    let cells = || rows.iter().flatten();
    assert!(cells().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])));
}

#[test]
fn fifty_tags_are_all_there() {
    let mut fifty = instance(1, "many");
    fifty.tags = (0..50).map(|n| (format!("key-{n:02}").into(), "v".repeat(256).into())).collect();
    let rows = csv_of(&inventory(vec![fifty], vec![]));
    let tags: Value = serde_json::from_str(&rows[1][22]).expect("tags are a JSON object");
    assert_eq!(tags.as_object().map(serde_json::Map::len), Some(50));
}

#[test]
fn json_carries_every_column_of_the_csv_under_the_same_name() {
    let inventory = inventory(vec![instance(1, "web-01")], vec![]);
    let mut written = Vec::new();
    write_inventory(&mut written, &inventory, &facts()).expect("memory takes everything");
    let document: Value = serde_json::from_slice(&written).expect("JSON");
    let host = document["instances"][0].as_object().expect("an object");
    let names: Vec<&str> = csv::columns().map(|column| column.name).collect();
    assert!(names.iter().all(|name| host.contains_key(*name)));
    assert_eq!(host.len(), names.len());
    assert_eq!(host["storage_gb"], "not_checked");
    assert_eq!(host["memory_gb"], Value::Null);
    assert_eq!(document["format"], "fleetwright.inventory/1.0");
}

#[test]
fn a_scan_with_gaps_is_partial_and_says_206() {
    let partial = inventory(vec![instance(1, "web-01")], vec![gap()]);
    assert_eq!(partial.outcome().exit, Exit::Partial);
    let mut written = Vec::new();
    write_summary(&mut written, &partial, &Summary::of(&partial), &facts()).expect("memory takes everything");
    let document: Value = serde_json::from_slice(&written).expect("JSON");
    assert_eq!(document["scan"]["status"], 206);
    assert_eq!(document["gaps"][0]["landing_zone"], "shop");
    assert_eq!(document["gaps"][0]["failure"]["class"], "denied");
    assert_eq!(document["gaps"][0]["failure"]["code"], "FW-A0008");
    assert_eq!(inventory(vec![], vec![]).outcome().exit, Exit::Nothing);
}

#[test]
fn a_scan_that_read_nothing_at_all_is_not_partial_but_failed_for_its_cause() {
    let mut blind = inventory(vec![], vec![gap()]);
    assert_eq!(blind.outcome().exit, Exit::Resource, "the exit code of the missing permission");
    let mut written = Vec::new();
    write_summary(&mut written, &blind, &Summary::of(&blind), &facts()).expect("memory takes everything");
    let document: Value = serde_json::from_slice(&written).expect("JSON");
    assert_eq!(document["scan"]["status"], 500);

    let (zone, region) = (zone("payments", "011122223333", &[]), region("eu-central-1"));
    let cell = |listing| CellRead {
        zone: zone.name.clone(),
        account: zone.account.clone(),
        region: region.clone(),
        listing,
        hosts: 0,
        filtered: 0,
    };
    blind.cells.push(cell(Listing::NotRead));
    assert_eq!(blind.outcome().exit, Exit::Resource, "still nothing was seen");
    let mut written = String::new();
    text::write_scan(&mut written, &blind, &Summary::of(&blind), 160).expect("memory takes everything");
    assert!(written.contains("not read"), "a region that was not read is not a region with 0: {written}");
    blind.cells.push(cell(Listing::Complete));
    assert_eq!(blind.outcome().exit, Exit::Partial, "one region was read and is empty");
}

#[test]
fn a_stopped_scan_says_so_in_its_reports_and_not_only_in_its_exit_code() {
    let mut stopped = gap();
    stopped.failure.code = &code::INTERRUPTED;
    let interrupted = inventory(vec![instance(1, "web-01")], vec![gap(), stopped]);
    assert_eq!(interrupted.outcome().exit, Exit::Interrupted);
    let mut written = Vec::new();
    write_inventory(&mut written, &interrupted, &facts()).expect("memory takes everything");
    let document: Value = serde_json::from_slice(&written).expect("JSON");
    assert_eq!((&document["scan"]["status"], &document["scan"]["exit_code"]), (&206.into(), &130.into()));
}

#[test]
fn json_lines_end_with_the_summary() {
    let partial = inventory(vec![instance(1, "a"), instance(2, "b")], vec![gap()]);
    let mut written = Vec::new();
    write_lines(&mut written, &partial, &Summary::of(&partial), &facts()).expect("memory takes everything");
    let lines: Vec<Value> = String::from_utf8(written)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object per line"))
        .collect();
    let types: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
    assert_eq!(types, ["instance", "instance", "gap", "summary"]);
    assert_eq!(lines[3]["eligibility"]["eligible"], 2);
}

#[test]
fn the_text_counts_names_gaps_with_next_steps_and_hides_control_characters() {
    let mut stopped = instance(2, "b\x1b[31m");
    stopped.state = InstanceState::Stopped;
    let partial = inventory(vec![instance(1, "a"), stopped], vec![gap()]);
    let mut written = String::new();
    text::write_scan(&mut written, &partial, &Summary::of(&partial), 160).expect("memory takes everything");
    assert!(
        written.contains("1 can be patched now, 1 after a start, 0 cannot, 0 could not be judged"),
        "{written}"
    );
    assert!(written.contains("Could not be read (1 gap):"), "{written}");
    assert!(
        written.contains("shop (444455556666) eu-west-1 agents of 1 instance: ssm:Describe"),
        "{written}"
    );
    assert!(written.contains("FW-A0008 Permission missing: Allow the action"), "{written}");
    assert!(!written.contains('\x1b'));
}
