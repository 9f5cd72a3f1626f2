//! Instances, images, snapshots and root volumes that change as time passes.

use fleetwright_estate::call::{ApiError, Input, QueryParams, Service};
use fleetwright_estate::world::ids::{ImageId, InstanceId};
use fleetwright_estate::world::instance::{Instance, InstanceState, RootDevice};
use jiff::SignedDuration;

use crate::{Stage, code, texts};

const HAND: &str = r#"
name = "life"
seed = 4
[[accounts]]
name = "one"
[fleet]
regions = ["eu-central-1"]
instances_per_cell = 6
[fleet.shares]
stopped = 0.0
terminated = 0.0
spot = 0.0
instance_store = 0.0
"#;

/// A day in a region: calls at given seconds after the start.
pub(crate) struct Day {
    pub(crate) stage: Stage,
}

impl Day {
    fn new(more: &str) -> Self {
        Self { stage: Stage::new(&format!("{HAND}{more}")) }
    }

    /// With a mishap, as a scenario's `[[faults]]` would have it.
    pub(crate) fn with(rule: &str) -> Self {
        let mut day = Self::new("");
        let start = day.stage.prepared.start;
        day.stage.prepared.world.add_mishap(&toml::from_str(rule).expect("a rule"), start);
        day
    }

    /// The moment so many seconds after the start.
    pub(crate) fn moment(&self, second: i64) -> jiff::Timestamp {
        self.stage.prepared.start + SignedDuration::from_secs(second)
    }

    /// A call so many seconds after the start, with everything done that is due by then.
    fn at(&mut self, second: i64, action: &str, params: &[(&str, &str)]) -> Result<String, ApiError> {
        let values = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut call = self.stage.call(Service::Ec2, action, Input::Query(QueryParams { values }));
        call.now = self.moment(second);
        self.stage.prepared.world.advance(&call.account, &call.region, call.now);
        self.stage.prepared.world.befall(&call, call.now);
        self.stage.answer(&call)
    }

    pub(crate) fn ok(&mut self, second: i64, action: &str, params: &[(&str, &str)]) -> String {
        match self.at(second, action, params) {
            Ok(body) => body,
            Err(error) => panic!("{action} at second {second}: {} {}", error.code, error.message),
        }
    }

    fn refused(&mut self, second: i64, action: &str, params: &[(&str, &str)]) -> String {
        code(self.at(second, action, params))
    }

    /// The nth running instance with a root volume.
    pub(crate) fn instance(&self, nth: usize) -> String {
        let region = &self.stage.prepared.world.accounts[&self.stage.account].regions[&self.stage.region];
        let fit = |it: &&Instance| it.state == InstanceState::Running && it.root_device == RootDevice::Ebs;
        region.instances.iter().filter(fit).nth(nth).expect("an instance").id.to_string()
    }

    pub(crate) fn facts(&self, id: &str) -> Instance {
        let region = &self.stage.prepared.world.accounts[&self.stage.account].regions[&self.stage.region];
        region.instances.get(InstanceId::parse(id).expect("an id")).expect("an instance").clone()
    }

    fn state(&mut self, second: i64, id: &str) -> String {
        let body = self.ok(second, "DescribeInstances", &[("InstanceId.1", id)]);
        texts(&body, "name").first().cloned().expect("a state")
    }

    fn image(&mut self, second: i64, instance: &str, name: &str) -> String {
        let params = [("InstanceId", instance), ("Name", name), ("NoReboot", "true")];
        texts(&self.ok(second, "CreateImage", &params), "imageId").remove(0)
    }

    fn image_state(&mut self, second: i64, image: &str) -> String {
        let body = self.ok(second, "DescribeImages", &[("ImageId.1", image)]);
        texts(&body, "imageState").remove(0)
    }
}

const DAY: i64 = 86_400;

#[test]
fn an_image_is_pending_for_minutes_and_then_available_with_complete_snapshots() {
    let mut day = Day::new("");
    let id = day.instance(0);
    let image = day.image(0, &id, "fw-run-1");
    assert_eq!(day.image_state(179, &image), "pending");
    let of_it = [("Filter.1.Name", "status"), ("Filter.1.Value.1", "pending"), ("Owner.1", "self")];
    let pending = day.ok(60, "DescribeSnapshots", &of_it);
    assert_eq!(texts(&pending, "snapshotId").len(), day.facts(&id).volumes.len());
    assert!(!texts(&pending, "progress").contains(&"100%".to_owned()), "{pending}");
    assert_eq!(day.image_state(900, &image), "available");
    let listed = day.ok(
        900,
        "DescribeImages",
        &[("Owner.1", "self"), ("Filter.1.Name", "name"), ("Filter.1.Value.1", "fw-run-*")],
    );
    for snapshot in texts(&listed, "snapshotId") {
        let one = day.ok(900, "DescribeSnapshots", &[("SnapshotId.1", &snapshot)]);
        assert_eq!(texts(&one, "status"), ["completed"]);
        assert_eq!(texts(&one, "progress"), ["100%"]);
        assert_eq!(texts(&one, "description"), [format!("Created by CreateImage({id}) for {image}")]);
    }
    assert_eq!(day.facts(&id).state, InstanceState::Running);
}

#[test]
fn a_name_is_taken_until_its_image_is_deregistered() {
    let mut day = Day::new("");
    let id = day.instance(0);
    let image = day.image(0, &id, "fw-run-1");
    let again = [("InstanceId", id.as_str()), ("Name", "fw-run-1"), ("NoReboot", "true")];
    let refusal = day.at(1, "CreateImage", &again).expect_err("the name is taken");
    assert_eq!(refusal.code, "InvalidAMIName.Duplicate");
    assert_eq!(refusal.message, format!("AMI name fw-run-1 is already in use by AMI {image}"));
    day.ok(2, "DeregisterImage", &[("ImageId", &image)]);
    assert_eq!(day.refused(3, "DeregisterImage", &[("ImageId", &image)]), "InvalidAMIID.Unavailable");
    let second = day.image(4, &id, "fw-run-1");
    assert_ne!(second, image);
}

#[test]
fn names_and_states_that_cannot_be_imaged_are_refused() {
    let mut day = Day::new("");
    let id = day.instance(0);
    let long = "x".repeat(129);
    for name in ["ab", long.as_str(), "semi;colon", "näive"] {
        let params = [("InstanceId", id.as_str()), ("Name", name)];
        assert_eq!(day.refused(0, "CreateImage", &params), "InvalidAMIName.Malformed", "{name}");
    }
    day.ok(0, "TerminateInstances", &[("InstanceId.1", &id)]);
    let params = [("InstanceId", id.as_str()), ("Name", "too-late")];
    assert_eq!(day.refused(1, "CreateImage", &params), "IncorrectState");
    assert_eq!(day.refused(DAY, "CreateImage", &params), "IncorrectState");
}

#[test]
fn deregistering_leaves_the_snapshots_unless_told_otherwise() {
    let mut day = Day::new("");
    let id = day.instance(0);
    let image = day.image(0, &id, "kept");
    let body = day.ok(DAY, "DescribeImages", &[("ImageId.1", &image)]);
    let snapshots = texts(&body, "snapshotId");
    assert_eq!(day.refused(DAY, "DeleteSnapshot", &[("SnapshotId", &snapshots[0])]), "InvalidSnapshot.InUse");
    day.ok(DAY, "DeregisterImage", &[("ImageId", &image)]);
    day.ok(DAY, "DeleteSnapshot", &[("SnapshotId", &snapshots[0])]);
    assert_eq!(
        day.refused(DAY, "DeleteSnapshot", &[("SnapshotId", &snapshots[0])]),
        "InvalidSnapshot.NotFound"
    );
    let image = day.image(DAY, &id, "gone");
    let body = day.ok(2 * DAY, "DescribeImages", &[("ImageId.1", &image)]);
    let params = [("ImageId", image.as_str()), ("DeleteAssociatedSnapshots", "true")];
    let deleted = day.ok(2 * DAY, "DeregisterImage", &params);
    assert_eq!(texts(&deleted, "snapshotId"), texts(&body, "snapshotId"));
    let gone = texts(&deleted, "snapshotId").remove(0);
    assert_eq!(
        day.refused(2 * DAY, "DescribeSnapshots", &[("SnapshotId.1", &gone)]),
        "InvalidSnapshot.NotFound"
    );
}

#[test]
fn an_image_can_be_slow_fail_or_lose_a_snapshot() {
    let mut day = Day::with("kind = \"image_slow\"\nseconds = 72000");
    let id = day.instance(0);
    let image = day.image(0, &id, "slow");
    assert_eq!(day.image_state(71_999, &image), "pending");
    assert_eq!(day.image_state(72_000, &image), "available");
    for (kind, status) in [("image_fails", "completed"), ("snapshot_fails", "error")] {
        let mut day = Day::with(&format!("kind = \"{kind}\""));
        let id = day.instance(0);
        let image = day.image(0, &id, "fails");
        let body = day.ok(900, "DescribeImages", &[("ImageId.1", &image)]);
        assert_eq!(texts(&body, "imageState"), ["failed"], "{kind}");
        assert_eq!(texts(&body, "code"), ["Client.InternalError"], "{kind}");
        let snapshot = texts(&body, "snapshotId").remove(0);
        let one = day.ok(900, "DescribeSnapshots", &[("SnapshotId.1", &snapshot)]);
        assert_eq!(texts(&one, "status"), [status], "{kind}");
    }
}

#[test]
fn at_most_five_snapshots_of_a_volume_are_pending() {
    let mut day = Day::with("kind = \"image_slow\"\nseconds = 5000");
    let id = day.instance(0);
    for n in 0..5 {
        day.image(n, &id, &format!("image-{n}"));
    }
    let sixth = [("InstanceId", id.as_str()), ("Name", "image-5"), ("NoReboot", "true")];
    assert_eq!(day.refused(5, "CreateImage", &sixth), "ConcurrentSnapshotLimitExceeded");
    assert_eq!(day.refused(6_000, "CreateImage", &sixth), "no error");
}

#[test]
fn an_image_without_no_reboot_reboots_the_instance() {
    let mut day = Day::new("");
    let id = day.instance(0);
    let boot = day.facts(&id).boot_id;
    day.image(0, &id, "quiet");
    assert_eq!(day.facts(&id).boot_id, boot);
    day.ok(1, "CreateImage", &[("InstanceId", &id), ("Name", "loud")]);
    assert_ne!(day.facts(&id).boot_id, boot);
}

#[test]
fn an_instance_stops_and_starts_in_its_own_time_and_its_launch_time_moves() {
    let mut day = Day::new("");
    let id = day.instance(0);
    let before = day.facts(&id);
    let body = day.ok(0, "StopInstances", &[("InstanceId.1", &id)]);
    assert_eq!(texts(&body, "name"), ["stopping", "running"]);
    assert_eq!(day.refused(1, "StartInstances", &[("InstanceId.1", &id)]), "IncorrectInstanceState");
    assert_eq!(day.state(90, &id), "stopped");
    let body = day.ok(100, "StartInstances", &[("InstanceId.1", &id)]);
    assert_eq!(texts(&body, "name"), ["pending", "stopped"]);
    assert_eq!(day.state(140, &id), "running");
    let after = day.facts(&id);
    assert_eq!(after.private_ip, before.private_ip);
    assert!(after.launched_at > before.launched_at && after.boot_id != before.boot_id);
    let status = day.ok(DAY, "DescribeInstanceStatus", &[("InstanceId.1", &id)]);
    assert_eq!(texts(&status, "status")[..3], ["ok", "passed", "ok"]);
}

#[test]
fn starting_all_or_none_and_what_cannot_stop_says_so() {
    let mut day = Day::new("[[instances]]\naccount = \"one\"\nroot_device = \"instance-store\"\n");
    let (first, second) = (day.instance(0), day.instance(1));
    day.ok(0, "TerminateInstances", &[("InstanceId.1", &second)]);
    day.ok(0, "StopInstances", &[("InstanceId.1", &first)]);
    let both = [("InstanceId.1", first.as_str()), ("InstanceId.2", second.as_str())];
    assert_eq!(day.refused(200, "StartInstances", &both), "IncorrectInstanceState");
    assert_eq!(day.state(200, &first), "stopped");
    let region = &day.stage.prepared.world.accounts[&day.stage.account].regions[&day.stage.region];
    let stored = region.instances.iter().find(|it| it.root_device == RootDevice::InstanceStore);
    let stored = stored.expect("one by hand").id.to_string();
    assert_eq!(day.refused(200, "StopInstances", &[("InstanceId.1", &stored)]), "UnsupportedOperation");
    assert_eq!(
        day.refused(200, "CreateImage", &[("InstanceId", &stored), ("Name", "store")]),
        "InvalidParameterValue"
    );
    let hibernate = [("InstanceId.1", first.as_str()), ("Hibernate", "true")];
    assert_eq!(day.refused(200, "StopInstances", &hibernate), "UnsupportedHibernationConfiguration");
}

#[test]
fn a_start_without_capacity_changes_nothing() {
    let mut day = Day::with("kind = \"start_fails\"\ntimes = 1");
    let id = day.instance(0);
    day.ok(0, "StopInstances", &[("InstanceId.1", &id)]);
    assert_eq!(day.refused(200, "StartInstances", &[("InstanceId.1", &id)]), "InsufficientInstanceCapacity");
    assert_eq!(day.state(300, &id), "stopped");
    assert_eq!(day.refused(300, "StartInstances", &[("InstanceId.1", &id)]), "no error");
}

#[test]
fn a_terminated_instance_takes_its_root_volume_and_leaves_its_data() {
    let mut day = Day::new("");
    let id = day.instance(0);
    let volumes = day.facts(&id).volumes;
    day.ok(0, "TerminateInstances", &[("InstanceId.1", &id)]);
    assert_eq!(day.state(0, &id), "shutting-down");
    assert_eq!(day.state(60, &id), "terminated");
    let root = volumes[0].volume.to_string();
    assert_eq!(day.refused(60, "DescribeVolumes", &[("VolumeId.1", &root)]), "InvalidVolume.NotFound");
    assert_eq!(
        day.refused(3_661, "DescribeInstances", &[("InstanceId.1", &id)]),
        "InvalidInstanceID.NotFound"
    );
    for data in &volumes[1..] {
        let body = day.ok(3_661, "DescribeVolumes", &[("VolumeId.1", &data.volume.to_string())]);
        assert_eq!(texts(&body, "status"), ["available"]);
    }
}

#[test]
fn somebody_else_terminates_or_replaces_an_instance_at_a_time_or_on_a_call() {
    let mut day = Day::with("kind = \"instance_terminated\"\nfrom = \"2026-11-02T04:00:00Z\"\ntimes = 1");
    let begin = day.stage.prepared.start;
    let at =
        "2026-11-02T04:00:00Z".parse::<jiff::Timestamp>().expect("a time").duration_since(begin).as_secs();
    let id = day.stage.instance_ids()[0].clone();
    assert_eq!(day.state(at - 1, &id), "running");
    assert_eq!(day.state(at, &id), "shutting-down");

    let id = Day::new("").instance(0);
    let rule = format!(
        "kind = \"instance_replaced\"\ninstance = \"{id}\"\naction = \"CreateImage\"\nnth = {{ exactly = 1 }}"
    );
    let mut day = Day::with(&rule);
    let (before, name) = (day.stage.instance_ids(), day.facts(&id).tags.get("Name").map(str::to_owned));
    assert_eq!(day.refused(0, "CreateImage", &[("InstanceId", &id), ("Name", "late")]), "IncorrectState");
    let after = day.stage.instance_ids();
    let successor = after.iter().find(|id| !before.contains(id)).expect("another").clone();
    assert_eq!(day.facts(&successor).tags.get("Name").map(str::to_owned), name);
    assert_eq!(day.state(100, &successor), "running");
    assert_eq!(day.state(100, &id), "terminated");
}

#[test]
fn a_root_volume_is_replaced_and_the_instance_stays_who_it_is() {
    let mut day = Day::new("");
    let id = day.instance(0);
    let image = day.image(0, &id, "before");
    let before = day.facts(&id);
    let request = [("InstanceId", id.as_str()), ("ImageId", image.as_str()), ("ClientToken", "run-1")];
    assert_eq!(day.refused(10, "CreateReplaceRootVolumeTask", &request), "InvalidAMIID.Unavailable");
    let task =
        texts(&day.ok(1_000, "CreateReplaceRootVolumeTask", &request), "replaceRootVolumeTaskId").remove(0);
    let again = day.ok(1_001, "CreateReplaceRootVolumeTask", &request);
    assert_eq!(texts(&again, "replaceRootVolumeTaskId"), std::slice::from_ref(&task));
    let other = [request[0], ("ClientToken", "run-1")];
    assert_eq!(day.refused(1_002, "CreateReplaceRootVolumeTask", &other), "IdempotentParameterMismatch");
    let mut state = |second| {
        let body = day.ok(second, "DescribeReplaceRootVolumeTasks", &[("ReplaceRootVolumeTaskId.1", &task)]);
        texts(&body, "taskState").remove(0)
    };
    assert_eq!([state(1_005), state(1_010), state(1_250)], ["pending", "in-progress", "succeeded"]);
    let after = day.facts(&id);
    assert_eq!(
        (after.private_ip, after.launched_at, after.interface),
        (before.private_ip, before.launched_at, before.interface)
    );
    assert_ne!(after.volumes[0].volume, before.volumes[0].volume);
    assert_eq!(after.volumes[1..], before.volumes[1..]);
    assert_ne!(after.boot_id, before.boot_id);
    assert_eq!(after.image, ImageId::parse(&image).expect("an id"));
    let old = before.volumes[0].volume.to_string();
    let kept = day.ok(1_250, "DescribeVolumes", &[("VolumeId.1", &old)]);
    assert_eq!(texts(&kept, "status"), ["available"]);
}

#[test]
fn a_replacement_that_fails_leaves_the_old_root_volume() {
    let mut day = Day::with("kind = \"root_task_fails\"");
    let id = day.instance(0);
    let before = day.facts(&id);
    let body = day.ok(0, "CreateReplaceRootVolumeTask", &[("InstanceId", &id)]);
    let task = texts(&body, "replaceRootVolumeTaskId").remove(0);
    let body = day.ok(DAY, "DescribeReplaceRootVolumeTasks", &[("ReplaceRootVolumeTaskId.1", &task)]);
    assert_eq!(texts(&body, "taskState"), ["failed"]);
    assert_eq!(day.facts(&id).volumes, before.volumes);
}

#[test]
fn a_launch_happens_once_per_client_token() {
    let mut day = Day::new("");
    let id = day.instance(0);
    let it = day.facts(&id);
    let image = day.image(0, &id, "source");
    let (size, subnet) = (it.instance_type.name, it.subnet.id.to_string());
    let request = [
        ("ImageId", image.as_str()),
        ("InstanceType", size),
        ("SubnetId", &subnet),
        ("MinCount", "2"),
        ("MaxCount", "2"),
        ("ClientToken", "run-1/restore"),
        ("IamInstanceProfile.Name", "managed-instance"),
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "Name"),
        ("TagSpecification.1.Tag.1.Value", "restored"),
    ];
    let first = day.ok(1_000, "RunInstances", &request);
    let again = day.ok(1_001, "RunInstances", &request);
    let ids = |body: &str| -> Vec<String> {
        body.split("<item><instanceId>").skip(1).map(|rest| rest[..19].to_owned()).collect()
    };
    assert_eq!(ids(&first).len(), 2);
    assert_eq!(ids(&first), ids(&again));
    let mut other = request;
    other[1].1 = "t3.large";
    if size != "t3.large" {
        assert_eq!(day.refused(1_002, "RunInstances", &other), "IdempotentParameterMismatch");
    }
    let launched = ids(&first).remove(0);
    assert_eq!(day.state(1_100, &launched), "running");
    assert_eq!(day.facts(&launched).tags.get("Name"), Some("restored"));
    let source = day.facts(&id).private_ip.to_string();
    let taken = [
        request[0],
        request[1],
        request[2],
        ("MinCount", "1"),
        ("MaxCount", "1"),
        ("PrivateIpAddress", &source),
    ];
    assert_eq!(day.refused(1_200, "RunInstances", &taken), "InvalidIPAddress.InUse");
}

#[test]
fn a_launch_keeps_what_it_says_of_the_metadata_service() {
    let mut day = Day::new("");
    let id = day.instance(0);
    let size = day.facts(&id).instance_type.name;
    let image = day.image(0, &id, "source");
    let launch = |hops: &'static str| {
        [
            ("ImageId", image.clone()),
            ("InstanceType", size.to_owned()),
            ("MinCount", "1".to_owned()),
            ("MaxCount", "1".to_owned()),
            ("MetadataOptions.HttpTokens", "optional".to_owned()),
            ("MetadataOptions.HttpEndpoint", "disabled".to_owned()),
            ("MetadataOptions.HttpPutResponseHopLimit", hops.to_owned()),
        ]
    };
    let plain = launch("3");
    let plain: Vec<(&str, &str)> = plain.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let launched = day.ok(1_000, "RunInstances", &plain);
    for said in [
        "<httpTokens>optional</httpTokens>",
        "<httpPutResponseHopLimit>3</httpPutResponseHopLimit>",
        "<httpEndpoint>disabled</httpEndpoint>",
    ] {
        assert!(launched.contains(said), "{said} in {launched}");
    }
    let far = launch("65");
    let far: Vec<(&str, &str)> = far.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(day.refused(1_001, "RunInstances", &far), "InvalidParameterValue");
}

#[test]
fn a_data_volume_moves_to_another_instance_of_its_zone() {
    let mut day = Day::new("[[instances]]\naccount = \"one\"\ncount = 40\nzone = 1\n");
    let ids = day.stage.instance_ids();
    let holder = ids.iter().rev().find(|id| day.facts(id).volumes.len() > 1).expect("one has data").clone();
    let other =
        ids.iter().rev().find(|id| **id != holder && day.facts(id).volumes.len() == 1).expect("one").clone();
    let data = day.facts(&holder).volumes[1].volume.to_string();
    let to_other = [("VolumeId", data.as_str()), ("InstanceId", other.as_str()), ("Device", "/dev/sdg")];
    assert_eq!(day.refused(0, "AttachVolume", &to_other), "VolumeInUse");
    let root = day.facts(&holder).volumes[0].volume.to_string();
    assert_eq!(day.refused(0, "DetachVolume", &[("VolumeId", &root)]), "OperationNotPermitted");
    assert_eq!(texts(&day.ok(0, "DetachVolume", &[("VolumeId", &data)]), "status"), ["detaching"]);
    assert_eq!(texts(&day.ok(1, "AttachVolume", &to_other), "status"), ["attaching"]);
    assert_eq!(day.facts(&holder).volumes.len(), 1);
    assert_eq!(day.facts(&other).volumes[1].volume.to_string(), data);
}

#[test]
fn a_new_id_is_unknown_to_reads_for_a_while() {
    let mut day = Day::with("kind = \"unknown_new_id\"\nseconds = 5");
    let id = day.instance(0);
    let image = day.image(0, &id, "fresh");
    assert_eq!(day.refused(4, "DescribeImages", &[("ImageId.1", &image)]), "InvalidAMIID.NotFound");
    assert_eq!(day.image_state(5, &image), "pending");
}

#[test]
fn tags_are_deleted_by_key_or_by_key_and_value() {
    let mut day = Day::new("");
    let id = day.instance(0);
    let tag = [("ResourceId.1", id.as_str()), ("Tag.1.Key", "run"), ("Tag.1.Value", "1")];
    day.ok(0, "CreateTags", &tag);
    day.ok(1, "DeleteTags", &[tag[0], tag[1], ("Tag.1.Value", "2")]);
    assert_eq!(day.facts(&id).tags.get("run"), Some("1"));
    day.ok(2, "DeleteTags", &tag[..2]);
    assert_eq!(day.facts(&id).tags.get("run"), None);
}

#[test]
fn an_image_with_tags_needs_leave_to_tag_while_making() {
    let day = Day::new("");
    let id = day.instance(0);
    let params = [
        ("InstanceId", id.as_str()),
        ("Name", "tagged"),
        ("TagSpecification.1.ResourceType", "snapshot"),
        ("TagSpecification.1.Tag.1.Key", "run"),
        ("TagSpecification.1.Tag.1.Value", "7"),
    ];
    let values = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let call = day.stage.call(Service::Ec2, "CreateImage", Input::Query(QueryParams { values }));
    let needed = crate::operation(&call).requirements(&day.stage.prepared.world, &call);
    let (account, region) = (&day.stage.account, &day.stage.region);
    let asked: Vec<(&str, &str)> =
        needed.iter().map(|it| (it.action.as_ref(), it.resource.as_str())).collect();
    assert_eq!(
        asked,
        [
            ("ec2:CreateImage", format!("arn:aws:ec2:{region}:{account}:instance/{id}").as_str()),
            ("ec2:CreateImage", &format!("arn:aws:ec2:{region}::image/*")),
            ("ec2:CreateImage", &format!("arn:aws:ec2:{region}::snapshot/*")),
            ("ec2:CreateTags", &format!("arn:aws:ec2:{region}::snapshot/*")),
        ]
    );
    let has = |n: usize, key: &str, value: &str| {
        needed[n].context.iter().any(|(k, v)| (k.as_str(), v.as_str()) == (key, value))
    };
    assert!(has(3, "ec2:CreateAction", "CreateImage") && has(3, "aws:RequestTag/run", "7"));
    assert!(has(0, "aws:ResourceTag/Name", day.facts(&id).tags.get("Name").unwrap_or_default()));
}

#[test]
fn two_thousand_images_are_made_and_listed_without_walking_the_fleet_for_each() {
    let mut day = Day { stage: Stage::of(2_000) };
    let all = day.stage.instance_ids();
    let fit: Vec<String> = all
        .into_iter()
        .filter(|id| {
            let it = day.facts(id);
            it.state == InstanceState::Running && it.root_device == RootDevice::Ebs
        })
        .collect();
    for (n, id) in fit.iter().enumerate() {
        day.image(n as i64 / 5, id, &format!("run-{n}"));
    }
    let own = [("Owner.1", "self"), ("Filter.1.Name", "state"), ("Filter.1.Value.1", "available")];
    let listed = day.ok(DAY, "DescribeImages", &own);
    // The account has a golden image of its own.
    assert_eq!(texts(&listed, "imageState").len(), fit.len() + 1);
}

#[test]
fn the_same_calls_give_the_same_world() {
    let run = || {
        let mut day = Day::new("");
        let ids = day.stage.instance_ids();
        for (n, id) in ids.iter().enumerate() {
            day.ok(n as i64, "CreateImage", &[("InstanceId", id), ("Name", &format!("image-{n}"))]);
        }
        day.ok(DAY, "DescribeImages", &[("Owner.1", "self")])
    };
    assert_eq!(run(), run());
}
