//! EC2's reads and CreateTags.

use std::collections::BTreeSet;

use fleetwright_estate::call::{Input, QueryParams, Service};

use crate::{Stage, code, operation, texts};

#[test]
fn pages_cover_every_instance_exactly_once() {
    let mut stage = Stage::of(137);
    let pages = stage.pages("DescribeInstances", &[("MaxResults", "20")], "instanceId");
    // Each instance names its id once for itself.
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 20, 20, 20, 20, 17]);
    assert_eq!(pages.concat(), stage.instance_ids());
}

#[test]
fn pages_of_a_filter_hold_that_many_matches_each() {
    let mut stage = Stage::of(300);
    let filter =
        [("Filter.1.Name", "instance-state-name"), ("Filter.1.Value.1", "running"), ("MaxResults", "25")];
    let pages = stage.pages("DescribeInstances", &filter, "instanceId");
    let (last, full) = pages.split_last().expect("at least one page");
    assert!(full.iter().all(|page| page.len() == 25));
    assert!(!last.is_empty());
    let all: BTreeSet<_> = pages.concat().into_iter().collect();
    assert_eq!(all.len(), pages.concat().len());
}

#[test]
fn a_launch_is_one_reservation_and_indexes_its_instances() {
    let mut stage = Stage::of(200);
    let body = stage.ec2("DescribeInstances", &[]).expect("it answers");
    let reservations = texts(&body, "reservationId");
    let unique: BTreeSet<_> = reservations.iter().collect();
    assert_eq!(unique.len(), reservations.len(), "a launch is not split within a page");
    assert!(reservations.len() < 200, "some launches hold several instances");
}

#[test]
fn values_are_alternatives_and_filters_narrow() {
    let mut stage = Stage::of(400);
    let mut count = |params: &[(&str, &str)]| {
        texts(&stage.ec2("DescribeInstances", params).expect("it answers"), "instanceId").len()
    };
    let running = count(&[("Filter.1.Name", "instance-state-name"), ("Filter.1.Value.1", "running")]);
    let stopped = count(&[("Filter.1.Name", "instance-state-name"), ("Filter.1.Value.1", "stopped")]);
    let either = count(&[
        ("Filter.1.Name", "instance-state-name"),
        ("Filter.1.Value.1", "running"),
        ("Filter.1.Value.2", "stopped"),
    ]);
    assert_eq!(either, running + stopped);
    let windows = count(&[("Filter.1.Name", "platform"), ("Filter.1.Value.1", "windows")]);
    let running_windows = count(&[
        ("Filter.1.Name", "platform"),
        ("Filter.1.Value.1", "windows"),
        ("Filter.2.Name", "instance-state-name"),
        ("Filter.2.Value.1", "running"),
    ]);
    assert!(0 < running_windows && running_windows <= windows && windows < 400);
    let tagged =
        count(&[("Filter.1.Name", "tag:Tier"), ("Filter.1.Value.1", "w*b"), ("Filter.1.Value.2", "d?")]);
    let keyed = count(&[("Filter.1.Name", "tag-key"), ("Filter.1.Value.1", "Tier")]);
    assert!(0 < tagged && tagged < keyed);
}

#[test]
fn what_ec2_refuses_is_refused_with_its_code() {
    let mut stage = Stage::of(30);
    let id = stage.instance_ids()[0].clone();
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("MaxResults", "4")], "InvalidParameterValue"),
        (&[("MaxResults", "1001")], "InvalidParameterValue"),
        (&[("MaxResults", "ten")], "InvalidParameterValue"),
        (&[("InstanceId.1", &id), ("MaxResults", "10")], "InvalidParameterCombination"),
        (&[("InstanceId.1", "i-xyz")], "InvalidInstanceID.Malformed"),
        (&[("InstanceId.1", "vol-00123456789abcdef")], "InvalidInstanceID.Malformed"),
        (&[("InstanceId.1", "i-00000000000000001")], "InvalidInstanceID.NotFound"),
        (&[("InstanceId.1", "i-1234abcd")], "InvalidInstanceID.NotFound"),
        (&[("NextToken", "bm9uc2Vuc2U")], "InvalidNextToken"),
        (&[("Filter.1.Name", "colour"), ("Filter.1.Value.1", "red")], "InvalidParameterValue"),
        (&[("Filter.1.Name", "instance-state-name")], "MissingParameter"),
        (&[("Filters.1.Name", "instance-id")], "UnknownParameter"),
        (&[("Page", "2")], "UnknownParameter"),
    ];
    for (params, expected) in cases {
        assert_eq!(code(stage.ec2("DescribeInstances", params)), *expected, "{params:?}");
    }
    let wrong = stage.ec2("DescribeInstances", &[("MaxResults", "1")]).expect_err("too small a page");
    assert_eq!(
        wrong.message,
        "Value ( 1 ) for parameter maxResults is invalid. Expecting a value greater than 5."
    );
}

#[test]
fn too_many_filter_values_are_refused() {
    let mut stage = Stage::of(5);
    let names: Vec<String> = (1..=201).map(|n| format!("Filter.1.Value.{n}")).collect();
    let mut params = vec![("Filter.1.Name", "tag:Name")];
    params.extend(names.iter().map(|name| (name.as_str(), "x")));
    assert_eq!(code(stage.ec2("DescribeInstances", &params)), "FilterLimitExceeded");
    params.pop();
    assert_eq!(code(stage.ec2("DescribeInstances", &params)), "no error");
}

#[test]
fn a_token_is_good_for_its_own_request_only() {
    let mut stage = Stage::of(40);
    let first = stage.ec2("DescribeInstances", &[("MaxResults", "10")]).expect("it answers");
    let token = texts(&first, "nextToken").pop().expect("there is more");
    let other_filter =
        [("NextToken", token.as_str()), ("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", "vpc-*")];
    assert_eq!(code(stage.ec2("DescribeInstances", &other_filter)), "InvalidNextToken");
    assert_eq!(code(stage.ec2("DescribeVolumes", &[("NextToken", &token)])), "InvalidNextToken");
    let resized = [("NextToken", token.as_str()), ("MaxResults", "30")];
    let second = stage.ec2("DescribeInstances", &resized).expect("another page size is allowed");
    assert_eq!(texts(&second, "instanceId").len(), 30);
    "us-east-1".clone_into(&mut stage.region);
    assert_eq!(code(stage.ec2("DescribeInstances", &resized)), "InvalidNextToken");
}

#[test]
fn status_shows_running_instances_unless_all_are_asked_for() {
    let mut stage = Stage::of(300);
    let running = stage.ec2("DescribeInstanceStatus", &[]).expect("it answers");
    assert!(!running.contains("<name>stopped</name>"));
    let all = stage.ec2("DescribeInstanceStatus", &[("IncludeAllInstances", "true")]).expect("it answers");
    assert!(all.contains("<name>stopped</name>"));
    assert!(!all.contains("<name>terminated</name>"));
    let impaired = [("Filter.1.Name", "instance-status.status"), ("Filter.1.Value.1", "impaired")];
    let impaired = stage.ec2("DescribeInstanceStatus", &impaired).expect("it answers");
    assert!(impaired.contains("<impairedSince>"));
}

#[test]
fn status_takes_a_hundred_ids_at_most() {
    let mut stage = Stage::of(120);
    let names: Vec<String> = (1..=101).map(|n| format!("InstanceId.{n}")).collect();
    let ids = stage.instance_ids();
    let mut params: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(ids.iter().map(String::as_str)).collect();
    assert_eq!(code(stage.ec2("DescribeInstanceStatus", &params)), "InvalidRequest");
    params.pop();
    assert_eq!(code(stage.ec2("DescribeInstanceStatus", &params)), "no error");
}

#[test]
fn regions_that_must_be_enabled_are_listed_only_on_request() {
    let mut stage = Stage::of(1);
    let usable = texts(&stage.ec2("DescribeRegions", &[]).expect("it answers"), "regionName");
    assert!(usable.contains(&"eu-central-1".to_owned()) && !usable.contains(&"eu-south-1".to_owned()));
    let all = stage.ec2("DescribeRegions", &[("AllRegions", "true")]).expect("it answers");
    assert!(all.contains("<regionName>eu-south-1</regionName>") && all.contains("not-opted-in"));
    assert_eq!(
        code(stage.ec2("DescribeRegions", &[("RegionName.1", "eu-atlantis-1")])),
        "InvalidParameterValue"
    );
}

#[test]
fn a_region_that_is_not_enabled_refuses_as_if_the_credentials_were_wrong() {
    let mut stage = Stage::of(1);
    "eu-south-1".clone_into(&mut stage.region);
    assert_eq!(code(stage.ec2("DescribeInstances", &[])), "AuthFailure");
    assert_eq!(
        code(stage.ssm("DescribeInstanceInformation", serde_json::json!({}))),
        "UnrecognizedClientException"
    );
}

#[test]
fn every_attached_volume_is_found_and_pages_hold_each_once() {
    let mut stage = Stage::of(150);
    let body = stage.ec2("DescribeInstances", &[]).expect("it answers");
    let attached: BTreeSet<String> = texts(&body, "volumeId").into_iter().collect();
    let pages = stage.pages("DescribeVolumes", &[("MaxResults", "50")], "attachmentSet");
    let listed: Vec<String> = pages.concat().iter().flat_map(|set| texts(set, "volumeId")).collect();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), attached);
    assert_eq!(listed.len(), attached.len());
    let one = stage.ec2("DescribeVolumes", &[("VolumeId.1", &listed[0])]).expect("it answers");
    assert_eq!(texts(&one, "attachmentSet").len(), 1);
    for (id, expected) in
        [("vol-1", "InvalidVolumeID.Malformed"), ("vol-00000000000000001", "InvalidVolume.NotFound")]
    {
        assert_eq!(code(stage.ec2("DescribeVolumes", &[("VolumeId.1", id)])), expected);
    }
}

#[test]
fn one_deregistered_image_fails_a_listing_by_id_but_not_by_filter() {
    let mut stage = Stage::of(400);
    let body = stage.ec2("DescribeInstances", &[]).expect("it answers");
    let images: BTreeSet<String> = texts(&body, "imageId").into_iter().collect();
    let by_id: Vec<(String, &String)> =
        images.iter().enumerate().map(|(n, id)| (format!("ImageId.{n}"), id)).collect();
    let by_id: Vec<(&str, &str)> = by_id.iter().map(|(name, id)| (name.as_str(), id.as_str())).collect();
    assert_eq!(code(stage.ec2("DescribeImages", &by_id)), "InvalidAMIID.NotFound");
    let values: Vec<String> = (1..=images.len()).map(|n| format!("Filter.1.Value.{n}")).collect();
    let mut by_filter = vec![("Filter.1.Name", "image-id"), ("IncludeDeprecated", "true")];
    by_filter.extend(values.iter().map(String::as_str).zip(images.iter().map(String::as_str)));
    let found = texts(&stage.ec2("DescribeImages", &by_filter).expect("it answers"), "imageId");
    assert!(!found.is_empty() && found.len() < images.len());
}

#[test]
fn owners_and_deprecation_decide_which_images_are_listed() {
    let mut stage = Stage::of(1);
    let own = stage.ec2("DescribeImages", &[("Owner.1", "self")]).expect("it answers");
    assert_eq!(texts(&own, "name"), ["golden-al2023-2026-10"]);
    let mut amazon = |deprecated| {
        let params = [("Owner.1", "amazon"), ("IncludeDeprecated", deprecated)];
        texts(&stage.ec2("DescribeImages", &params).expect("it answers"), "imageId").len()
    };
    assert_eq!((amazon("false"), amazon("true")), (8, 12));
}

#[test]
fn instance_types_come_by_name_by_filter_and_in_pages() {
    let mut stage = Stage::of(1);
    let one = stage.ec2("DescribeInstanceTypes", &[("InstanceType.1", "m7g.large")]).expect("it answers");
    assert_eq!(
        (texts(&one, "defaultVCpus"), texts(&one, "sizeInMiB")),
        (vec!["2".to_owned()], vec!["8192".to_owned()])
    );
    let unknown = [("InstanceType.1", "m7g.large"), ("InstanceType.2", "z9.huge")];
    assert_eq!(code(stage.ec2("DescribeInstanceTypes", &unknown)), "InvalidInstanceType");
    let pages = stage.pages("DescribeInstanceTypes", &[("MaxResults", "10")], "instanceType");
    let all = pages.concat();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(all.len(), fleetwright_estate::world::instance_types::INSTANCE_TYPES.len());
}

#[test]
fn tags_are_set_on_all_resources_or_none() {
    let mut stage = Stage::of(10);
    let ids = stage.instance_ids();
    let broken = [
        ("ResourceId.1", ids[0].as_str()),
        ("ResourceId.2", "i-00000000000000001"),
        ("Tag.1.Key", "Run"),
        ("Tag.1.Value", "r-1"),
    ];
    assert_eq!(code(stage.ec2("CreateTags", &broken)), "InvalidInstanceID.NotFound");
    let by_run = [("Filter.1.Name", "tag:Run"), ("Filter.1.Value.1", "r-*")];
    let count = |stage: &mut Stage| {
        texts(&stage.ec2("DescribeInstances", &by_run).expect("it answers"), "instanceId").len()
    };
    assert_eq!(count(&mut stage), 0);
    let sound = [broken[0], ("ResourceId.2", ids[1].as_str()), broken[2], broken[3]];
    assert_eq!(stage.ec2("CreateTags", &sound).expect("it answers"), "<return>true</return>");
    assert_eq!(count(&mut stage), 2);
}

#[test]
fn tags_aws_would_refuse_are_refused() {
    let mut stage = Stage::of(10);
    let ids = stage.instance_ids();
    let long = "k".repeat(129);
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("Tag.1.Key", "K")], "MissingParameter"),
        (&[("ResourceId.1", &ids[0])], "MissingParameter"),
        (&[("ResourceId.1", &ids[0]), ("Tag.1.Key", "aws:mine")], "InvalidParameterValue"),
        (&[("ResourceId.1", &ids[0]), ("Tag.1.Key", "AWS:mine")], "InvalidParameterValue"),
        (&[("ResourceId.1", &ids[0]), ("Tag.1.Key", &long)], "InvalidParameterValue"),
        (&[("ResourceId.1", &ids[0]), ("Tag.1.Key", "K"), ("Tag.2.Key", "K")], "InvalidParameterValue"),
        (&[("ResourceId.1", "nonsense"), ("Tag.1.Key", "K")], "InvalidID"),
    ];
    for (params, expected) in cases {
        assert_eq!(code(stage.ec2("CreateTags", params)), *expected, "{params:?}");
    }
    let names: Vec<String> = (1..=51).map(|n| format!("Tag.{n}.Key")).collect();
    let mut params = vec![("ResourceId.1", ids[0].as_str())];
    let keys: Vec<String> = (1..=51).map(|n| format!("key-{n}")).collect();
    params.extend(names.iter().map(String::as_str).zip(keys.iter().map(String::as_str)));
    assert_eq!(code(stage.ec2("CreateTags", &params)), "TagLimitExceeded");
}

#[test]
fn tagging_is_judged_by_what_is_tagged_and_with_what() {
    let stage = Stage::of(10);
    let id = stage.instance_ids()[0].clone();
    let params = [("ResourceId.1", id.as_str()), ("Tag.1.Key", "Run"), ("Tag.1.Value", "r-1")];
    let values = params.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let call = stage.call(Service::Ec2, "CreateTags", Input::Query(QueryParams { values }));
    let needed = operation(&call).requirements(&stage.prepared.world, &call);
    let [needed] = needed.as_slice() else { panic!("one resource, one requirement") };
    assert_eq!(needed.resource, format!("arn:aws:ec2:eu-central-1:{}:instance/{id}", stage.account));
    let has = |key: &str, value: &str| needed.context.iter().any(|(k, v)| k == key && v == value);
    assert!(has("aws:RequestTag/Run", "r-1") && has("aws:TagKeys", "Run"));
    assert!(needed.context.iter().any(|(key, _)| key.starts_with("ec2:ResourceTag/")));
}
