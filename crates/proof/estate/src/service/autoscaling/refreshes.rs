//! StartInstanceRefresh, CancelInstanceRefresh and DescribeInstanceRefreshes.

use jiff::SignedDuration;

use super::{group, on_group};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::query::{self, Page};
use crate::wire::xml;
use crate::world::command::uuid;
use crate::world::ids::LaunchTemplateId;
use crate::world::scaling::Group;
use crate::world::scaling::refresh::{self, Desired, Preferences, Refresh};
use crate::world::{Region, World};

/// StartInstanceRefresh: a group's instances are replaced a few at a time.
pub(super) struct StartInstanceRefresh;
/// CancelInstanceRefresh: the refresh that goes on ends where it is.
pub(super) struct CancelInstanceRefresh;
/// DescribeInstanceRefreshes: a group's refreshes, the latest first.
pub(super) struct DescribeInstanceRefreshes;

/// Refreshes of a page, at most.
const PAGE: usize = 100;

/// Preferences that the estate goes by.
const PREFERENCES: [&str; 7] = [
    "MinHealthyPercentage",
    "MaxHealthyPercentage",
    "SkipMatching",
    "InstanceWarmup",
    "ScaleInProtectedInstances",
    "StandbyInstances",
    "AutoRollback",
];

fn preferences(call: &Call) -> Result<Preferences, ApiError> {
    let usual = Preferences::default();
    let name = |name: &str| format!("Preferences.{name}");
    let mut given = call.query().values.keys().filter_map(|key| key.strip_prefix("Preferences."));
    if let Some(odd) = given.find(|key| !PREFERENCES.contains(key)) {
        return Err(query::invalid(format!("Preferences.{odd}: the estate does not support this parameter")));
    }
    let percent = |key: &str, usual: usize, (least, most): (usize, usize)| {
        let Some(text) = call.query().get(&name(key)) else { return Ok(usual) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number
            .ok_or_else(|| query::invalid(format!("{key}: '{text}' must be a number from {least} to {most}")))
    };
    for (key, only) in
        [("ScaleInProtectedInstances", "Wait"), ("StandbyInstances", "Wait"), ("AutoRollback", "false")]
    {
        if call.query().get(&name(key)).is_some_and(|given| given != only) {
            return Err(query::invalid(format!("Preferences.{key}: the estate supports {only} only")));
        }
    }
    let wanted = Preferences {
        min_healthy: percent("MinHealthyPercentage", usual.min_healthy, (0, 100))?,
        max_healthy: percent("MaxHealthyPercentage", usual.max_healthy, (100, 200))?,
        skip_matching: call.query().get(&name("SkipMatching")) == Some("true"),
        warmup: match call.query().get(&name("InstanceWarmup")) {
            None => None,
            Some(_) => Some(SignedDuration::from_secs(percent("InstanceWarmup", 0, (0, 86_400))? as i64)),
        },
    };
    match wanted.max_healthy - wanted.min_healthy > 100 {
        true => Err(query::invalid(
            "The difference between MinHealthyPercentage and MaxHealthyPercentage cannot be greater than 100.",
        )),
        false => Ok(wanted),
    }
}

/// The launch template that a call wants the group to be made from when all is replaced; none where it names none.
fn desired(region: &Region, call: &Call) -> Result<Option<Desired>, ApiError> {
    const MEMBERS: [&str; 3] =
        ["LaunchTemplate.LaunchTemplateId", "LaunchTemplate.LaunchTemplateName", "LaunchTemplate.Version"];
    let given = call.query().structure("DesiredConfiguration");
    if let Some(odd) = given.values.keys().find(|key| !MEMBERS.contains(&key.as_str())) {
        let message = format!("DesiredConfiguration.{odd}: the estate does not support this parameter");
        return Err(query::invalid(message));
    }
    if given.values.is_empty() {
        return Ok(None);
    }
    let faulty = |what: String| {
        query::invalid(format!(
            "You must use a valid fully-formed launch template. The specified launch template {what}."
        ))
    };
    let found = match (given.get(MEMBERS[0]), given.get(MEMBERS[1])) {
        (Some(id), None) => {
            LaunchTemplateId::parse(id).ok().filter(|id| region.launch_templates.contains_key(id))
        }
        (None, Some(name)) => {
            region.launch_templates.iter().find(|(_, it)| it.name == name).map(|(id, _)| *id)
        }
        _ => return Err(query::invalid("One of launchTemplateId and launchTemplateName must be given.")),
    };
    let id = found.ok_or_else(|| faulty("does not exist".to_owned()))?;
    let version = given.get(MEMBERS[2]).unwrap_or("$Default").to_owned();
    match region.launch_templates.get(&id).and_then(|it| it.number(&version)) {
        Some(_) => Ok(Some(Desired { id, version })),
        None => Err(faulty(format!("version {version} does not exist"))),
    }
}

impl Operation for StartInstanceRefresh {
    fn service(&self) -> Service {
        Service::AutoScaling
    }

    fn name(&self) -> &'static str {
        "StartInstanceRefresh"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_group(world, call, "autoscaling:StartInstanceRefresh")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["AutoScalingGroupName", "Strategy", "Preferences", "DesiredConfiguration"])?;
        let preferences = preferences(call)?;
        if call.query().get("Strategy").is_some_and(|given| given != "Rolling") {
            return Err(query::invalid("Strategy: the estate supports Rolling only"));
        }
        let mut place = query::place(world, call)?;
        let number = group(place.region, call)?;
        if let Some(refresh) = place.region.scaling.get(number).and_then(Group::refreshing) {
            let message = format!(
                "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh. \
                 (InstanceRefreshId: {})",
                uuid(refresh.id)
            );
            return Err(ApiError::new(400, "InstanceRefreshInProgress", message));
        }
        let desired = desired(place.region, call)?;
        let id = refresh::begin(&mut place, number, (preferences, desired), call.now);
        let mut body = String::new();
        xml::text_if(&mut body, "InstanceRefreshId", id.map(uuid).as_deref());
        Ok(body)
    }
}

impl Operation for CancelInstanceRefresh {
    fn service(&self) -> Service {
        Service::AutoScaling
    }

    fn name(&self) -> &'static str {
        "CancelInstanceRefresh"
    }

    fn mutates(&self) -> bool {
        true
    }

    fn requirements(&self, world: &World, call: &Call) -> Vec<Requirement> {
        on_group(world, call, "autoscaling:CancelInstanceRefresh")
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["AutoScalingGroupName"])?;
        let mut place = query::place(world, call)?;
        let number = group(place.region, call)?;
        let none = || {
            let message = "No in progress or pending Instance Refresh found for Auto Scaling group";
            ApiError::new(400, "ActiveInstanceRefreshNotFound", message)
        };
        let id = refresh::cancel(&mut place, number).ok_or_else(none)?;
        let mut body = String::new();
        xml::text(&mut body, "InstanceRefreshId", &uuid(id));
        Ok(body)
    }
}

impl Operation for DescribeInstanceRefreshes {
    fn service(&self) -> Service {
        Service::AutoScaling
    }

    fn name(&self) -> &'static str {
        "DescribeInstanceRefreshes"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("autoscaling:DescribeInstanceRefreshes")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        query::only(call, &["AutoScalingGroupName", "InstanceRefreshIds", "MaxRecords", "NextToken"])?;
        let page = Page::read(call, ("NextToken", "MaxRecords"), (50, PAGE), "InvalidNextToken")?;
        let region = query::region(world, call)?;
        let number = group(region, call)?;
        let ids = call.query().list("InstanceRefreshIds.member");
        let Some(group) = region.scaling.get(number) else { return Ok(String::new()) };
        let wanted = |it: &&Refresh| ids.is_empty() || ids.contains(&uuid(it.id).as_str());
        let all: Vec<&Refresh> = group.refreshes.iter().rev().filter(wanted).collect();
        let mut body = String::new();
        xml::element(&mut body, "InstanceRefreshes", |out| {
            for it in all.iter().skip(page.from).take(page.size) {
                xml::element(out, "member", |out| refresh_element(out, (region, group), it));
            }
        });
        xml::text_if(&mut body, "NextToken", page.next(call, all.len()).as_deref());
        Ok(body)
    }
}

fn refresh_element(out: &mut String, (region, group): (&Region, &Group), it: &Refresh) {
    xml::text(out, "InstanceRefreshId", &uuid(it.id));
    xml::text(out, "AutoScalingGroupName", &group.name);
    xml::text(out, "Status", it.status.name());
    xml::text_if(out, "StatusReason", it.reason.as_deref());
    xml::text(out, "StartTime", &query::time(it.began));
    xml::text_if(out, "EndTime", it.ended.map(query::time).as_deref());
    xml::plain(out, "PercentageComplete", it.percent());
    xml::plain(out, "InstancesToUpdate", it.old.len());
    xml::element(out, "Preferences", |out| {
        xml::plain(out, "MinHealthyPercentage", it.preferences.min_healthy);
        xml::plain(out, "MaxHealthyPercentage", it.preferences.max_healthy);
        let warmup = it.preferences.warmup.unwrap_or(group.grace);
        xml::plain(out, "InstanceWarmup", warmup.as_secs());
        xml::plain(out, "SkipMatching", it.preferences.skip_matching);
        xml::plain(out, "AutoRollback", false);
        xml::text(out, "ScaleInProtectedInstances", "Wait");
        xml::text(out, "StandbyInstances", "Wait");
    });
    if let Some(Desired { id, version }) = &it.desired {
        xml::element(out, "DesiredConfiguration", |out| super::describe::template(out, region, *id, version));
    }
    xml::text(out, "Strategy", "Rolling");
}
