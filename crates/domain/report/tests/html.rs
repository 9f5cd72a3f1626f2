//! The HTML report as a file: whole, and the same for the same run. What it shows is tested in a browser
//! (`web/test`), on runs that were made up as these.

#[path = "../examples/made_up_runs/facts.rs"]
mod facts;
#[path = "../examples/made_up_runs/fleet.rs"]
mod fleet;
#[path = "../examples/made_up_runs/tale.rs"]
mod tale;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleet::Manner;
use fleetwright_report::html;
use serde_json::Value;

/// Every host of more than two blocks.
const HOSTS: u32 = 1_100;

/// The report of a run that is made up anew, from the plan on.
fn report(manner: Manner) -> Vec<u8> {
    let plan = fleet::plan(HOSTS, manner);
    let tale = tale::tell(&plan, manner);
    let record = facts::record(&plan, &tale, &tale::run_name(manner), manner, facts::gather(&plan, manner));
    drop(tale);
    let mut file = Vec::new();
    html::write(&mut file, &record).expect("memory takes everything");
    file
}

/// A block of a report, unpacked.
fn block(report: &[u8], id: &str) -> Value {
    let text = std::str::from_utf8(report).expect("UTF-8");
    let begin = format!("<script type=\"application/octet-stream\" id=\"{id}\">");
    let packed = text.split_once(&begin).unwrap_or_else(|| panic!("no block {id}")).1;
    let packed = STANDARD.decode(packed.split_once("</script>").expect("it ends").0).expect("base64");
    let json = miniz_oxide::inflate::decompress_to_vec_zlib(&packed).expect("zlib");
    serde_json::from_slice(&json).expect("JSON")
}

#[test]
fn equal_records_give_equal_bytes() {
    for manner in [Manner::Mixed, Manner::Well, Manner::Failed, Manner::UnderWay, Manner::Hostile] {
        // Maps of two records are in different orders: what is told must not depend on that.
        let (first, second) = (report(manner), report(manner));
        let apart = first.iter().zip(&second).position(|(a, b)| a != b);
        assert_eq!((apart, first.len()), (None, second.len()), "{manner:?}");
    }
}

#[test]
fn a_report_has_every_host_in_its_columns_and_its_blocks_of_details() {
    let report = report(Manner::Hostile);
    let (core, rest) = (block(&report, "core"), block(&report, "rest"));
    assert_eq!(core["hosts"], HOSTS);
    for head in core["columns"].as_array().expect("columns") {
        let name = head["name"].as_str().expect("a name");
        let data = if head["block"] == 0 { &core["data"][name] } else { &rest[name] };
        let length = |part: &str| data[part].as_array().map(Vec::len);
        match length("v") {
            Some(values) => assert_eq!(values, HOSTS as usize, "{name}"),
            None => {
                assert_eq!(length("i"), Some(HOSTS as usize), "{name}");
                let most =
                    data["i"].as_array().and_then(|places| places.iter().filter_map(Value::as_u64).max());
                assert_eq!(
                    most.map(|place| place as usize + 1),
                    length("d"),
                    "{name}: every value is somebody's"
                );
            }
        }
    }
    let details: Vec<usize> = (0..3)
        .map(|number| block(&report, &format!("detail-{number}"))["hosts"].as_array().map_or(0, Vec::len))
        .collect();
    assert_eq!(details, [500, 500, 100]);
    assert!(!String::from_utf8_lossy(&report).contains("id=\"detail-3\""));
}
