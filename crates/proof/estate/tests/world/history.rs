//! What reads see of a world that has changed lately.

use fleetwright_estate::call::{ApiError, Input, QueryParams, Service};
use fleetwright_estate::world::Region;
use fleetwright_estate::world::ids::{ImageId, InstanceId, VolumeId};
use fleetwright_estate::world::instance::InstanceState;
use jiff::{SignedDuration, Timestamp};

use crate::{Stage, code, texts};

impl Stage {
    fn region(&mut self) -> &mut Region {
        let account = self.prepared.world.accounts.get_mut(&self.account).expect("the account");
        account.regions.get_mut(&self.region).expect("the region")
    }

    /// The time so many seconds after the scenario started.
    fn second(&self, seconds: i64) -> Timestamp {
        self.prepared.start + SignedDuration::from_secs(seconds)
    }

    /// An EC2 read that sees the world as it was that many seconds after the start.
    fn as_of(&mut self, second: i64, action: &str, params: &[(&str, &str)]) -> Result<String, ApiError> {
        let values = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut call = self.call(Service::Ec2, action, Input::Query(QueryParams { values }));
        call.as_of = Some(self.second(second));
        self.answer(&call)
    }

    /// Launches a copy of the first instance, of its first volume and of the first image.
    fn launch(&mut self, second: i64) -> (InstanceId, VolumeId, ImageId) {
        let at = self.second(second);
        let region = self.region();
        let mut instance = region.instances.iter().next().expect("an instance").clone();
        let mut volume = region.volumes.values().next().expect("a volume").clone();
        let mut image = region.images.values().next().expect("an image").clone();
        instance.id = InstanceId(instance.id.0 ^ 1);
        volume.id = VolumeId(volume.id.0 ^ 1);
        image.id = ImageId(image.id.0 ^ 1);
        (instance.launched_at, volume.created_at, image.created_at) = (at, at, at);
        let ids = (instance.id, volume.id, image.id);
        region.instances.insert(instance);
        region.volumes.insert(volume.id, volume);
        region.images.insert(image.id, image);
        ids
    }
}

#[test]
fn what_was_made_later_is_not_there_yet() {
    let mut stage = Stage::of(10);
    let (instance, volume, image) = stage.launch(10);
    let cases = [
        (
            "DescribeInstances",
            "InstanceId.1",
            "instanceId",
            instance.to_string(),
            "InvalidInstanceID.NotFound",
        ),
        (
            "DescribeInstanceStatus",
            "InstanceId.1",
            "instanceId",
            instance.to_string(),
            "InvalidInstanceID.NotFound",
        ),
        ("DescribeVolumes", "VolumeId.1", "volumeId", volume.to_string(), "InvalidVolume.NotFound"),
        ("DescribeImages", "ImageId.1", "imageId", image.to_string(), "InvalidAMIID.NotFound"),
    ];
    for (action, parameter, element, id, refusal) in &cases {
        assert_eq!(code(stage.as_of(9, action, &[(parameter, id)])), *refusal, "{action}");
        assert!(stage.as_of(10, action, &[(parameter, id)]).is_ok(), "{action}");
        let every = [("IncludeAllInstances", "true"), ("IncludeDeprecated", "true")];
        let all = match *action {
            "DescribeInstanceStatus" => &every[..1],
            "DescribeImages" => &every[1..],
            _ => &[],
        };
        let before = texts(&stage.as_of(9, action, all).expect("it answers"), element);
        let after = texts(&stage.as_of(10, action, all).expect("it answers"), element);
        assert!(!before.is_empty() && !before.contains(id) && after.contains(id), "{action}");
    }
}

#[test]
fn an_instance_is_in_the_state_it_had_and_a_restart_does_not_hide_it() {
    let mut stage = Stage::of(10);
    let instances = stage.region().instances.iter();
    let id =
        instances.filter(|it| it.state == InstanceState::Running).map(|it| it.id).next().expect("one runs");
    let changes = [(10, InstanceState::Stopping), (20, InstanceState::Stopped), (30, InstanceState::Pending)];
    for (second, state) in changes {
        let at = stage.second(second);
        let it = stage.region().change_instance(id, at).expect("it exists");
        (it.state, it.state_since) = (state, at);
        if state == InstanceState::Pending {
            it.launched_at = at;
        }
    }
    let asked = id.to_string();
    for (second, expected) in
        [(0, "running"), (9, "running"), (10, "stopping"), (19, "stopping"), (29, "stopped"), (30, "pending")]
    {
        let list = stage.as_of(second, "DescribeInstances", &[("InstanceId.1", &asked)]).expect("it answers");
        assert!(list.contains(&format!("<name>{expected}</name>")), "second {second}: {list}");
    }
    let running = [("InstanceId.1", asked.as_str())];
    let status = |stage: &mut Stage, second| {
        texts(&stage.as_of(second, "DescribeInstanceStatus", &running).expect("it answers"), "instanceId")
            .len()
    };
    assert_eq!((status(&mut stage, 9), status(&mut stage, 10)), (1, 0));
}

#[test]
fn volumes_and_images_show_the_tags_they_had() {
    let mut stage = Stage::of(10);
    let volume = stage.region().volumes.keys().next().expect("a volume").to_string();
    let image = stage.region().images.keys().next().expect("an image").to_string();
    let params = [("ResourceId.1", volume.as_str()), ("ResourceId.2", &image), ("Tag.1.Key", "Run")];
    stage.ec2("CreateTags", &params).expect("tagged");
    let by_tag = [("Filter.1.Name", "tag-key"), ("Filter.1.Value.1", "Run"), ("IncludeDeprecated", "true")];
    for (action, params, element) in
        [("DescribeVolumes", &by_tag[..2], "volumeId"), ("DescribeImages", &by_tag[..], "imageId")]
    {
        let seen = |stage: &mut Stage, second| {
            texts(&stage.as_of(second, action, params).expect("it answers"), element).len()
        };
        assert_eq!(seen(&mut stage, -1), 0, "{action}");
        assert!(seen(&mut stage, 0) > 0, "{action}");
    }
}

#[test]
fn a_listing_goes_on_from_a_page_of_another_age() {
    let mut stage = Stage::of(12);
    let old = stage.instance_ids();
    let new = stage.launch(10).0.to_string();
    let first = stage.as_of(0, "DescribeInstances", &[("MaxResults", "5")]).expect("the page answers");
    let token = texts(&first, "nextToken").pop().expect("there is more");
    let rest = [("MaxResults", "1000"), ("NextToken", token.as_str())];
    let now = stage.ec2("DescribeInstances", &rest).expect("the page answers");
    let then = stage.as_of(0, "DescribeInstances", &rest).expect("the page answers");
    let ids = |page: &str| -> Vec<String> {
        page.split("<item><instanceId>").skip(1).map(|rest| rest[..19].to_owned()).collect()
    };
    assert_eq!([ids(&first), ids(&then)].concat(), old);
    assert_eq!([ids(&first), ids(&now)].concat(), [old, vec![new]].concat());
}

#[test]
fn the_history_is_bounded_in_number_and_in_age() {
    let mut stage = Stage::of(10);
    let id = stage.region().instances.iter().next().expect("an instance").id;
    let (start, almost, hour) = (stage.second(0), stage.second(3_599), stage.second(3_600));
    let region = stage.region();
    for _ in 0..10_001 {
        region.change_instance(id, start).expect("it exists");
    }
    assert_eq!(region.history.len(), 10_000);
    region.change_instance(id, almost).expect("it exists");
    assert_eq!(region.history.len(), 10_000);
    region.change_instance(id, hour).expect("it exists");
    assert_eq!(region.history.len(), 2);
}
