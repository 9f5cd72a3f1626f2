//! DescribeLaunchTemplates and DescribeLaunchTemplateVersions.

use super::filter::{Catalog, Field, Filters, Scope};
use super::{params, render};
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::wire::xml;
use crate::world::ids::LaunchTemplateId;
use crate::world::launch_templates::{LaunchTemplate, Version};
use crate::world::{Region, World};

/// DescribeLaunchTemplates: templates of the region.
pub(super) struct DescribeLaunchTemplates;
/// DescribeLaunchTemplateVersions: versions of a template; `$Latest` and `$Default` of every template where none is named.
pub(super) struct DescribeLaunchTemplateVersions;

const TEMPLATES: &[&str] = &[
    "LaunchTemplateId.#",
    "LaunchTemplateName.#",
    "Filter.#.Name",
    "Filter.#.Value.#",
    "MaxResults",
    "NextToken",
];
const VERSIONS: &[&str] = &[
    "LaunchTemplateId",
    "LaunchTemplateName",
    "LaunchTemplateVersion.#",
    "MinVersion",
    "MaxVersion",
    "MaxResults",
    "NextToken",
];

/// Rows of a page, at most. Source: EC2 API reference, MaxResults of both.
const PAGE: usize = 200;

type Row = (LaunchTemplateId, LaunchTemplate);

static FILTERS: Catalog<Row> = Catalog { fields: FIELDS, tags: Some(|it| &it.1.tags) };

const FIELDS: &[(&str, Field<Row>)] = &[("launch-template-name", |it, _, v| v.text(&it.1.name))];

fn not_found(what: &str, code: &'static str, value: &str) -> ApiError {
    let message = format!("The specified launch template, with template {what} {value}, does not exist.");
    ApiError::new(400, code, message)
}

fn parsed(text: &str) -> Result<LaunchTemplateId, ApiError> {
    let given = [text];
    let (ids, foreign) = params::ids(
        &given,
        LaunchTemplateId::PREFIX,
        "InvalidLaunchTemplateId.Malformed",
        LaunchTemplateId::parse,
    )?;
    let missing =
        || not_found("ID", "InvalidLaunchTemplateId.NotFound", foreign.first().map_or(text, |it| it));
    ids.first().copied().ok_or_else(missing)
}

fn by_id(region: &Region, text: &str) -> Result<LaunchTemplateId, ApiError> {
    let id = parsed(text)?;
    match region.launch_templates.contains_key(&id) {
        true => Ok(id),
        false => Err(not_found("ID", "InvalidLaunchTemplateId.NotFound", text)),
    }
}

fn by_name(region: &Region, name: &str) -> Result<LaunchTemplateId, ApiError> {
    let found = region.launch_templates.iter().find(|(_, it)| it.name == name);
    let missing = || not_found("name", "InvalidLaunchTemplateName.NotFoundException", name);
    found.map(|(id, _)| *id).ok_or_else(missing)
}

fn creator(call: &Call) -> String {
    format!("arn:aws:iam::{}:root", call.account)
}

impl Operation for DescribeLaunchTemplates {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeLaunchTemplates"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeLaunchTemplates")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, TEMPLATES)?;
        let (_, region) = params::place(world, call)?;
        let ids = call.query().list("LaunchTemplateId");
        let names = call.query().list("LaunchTemplateName");
        let mut wanted = ids.iter().map(|id| by_id(region, id)).collect::<Result<Vec<_>, _>>()?;
        for name in &names {
            wanted.push(by_name(region, name)?);
        }
        let every = ids.is_empty() && names.is_empty();
        let (scope, filters) = (Scope::of(call), Filters::read(call, &FILTERS)?);
        let rows = region.launch_templates.iter().filter(|(id, _)| every || wanted.contains(id));
        let rows: Vec<Row> = rows.map(|(id, it)| (*id, it.clone())).collect();
        let rows = rows.into_iter().filter(|row| filters.accept(row, &scope)).collect();
        let size = params::max_results(call, 1, PAGE, PAGE)?;
        let (shown, next) = params::paged(call, rows, size, |it| it.0.0)?;
        let mut out = String::from("<launchTemplates>");
        for (id, it) in &shown {
            out.push_str("<item>");
            xml::plain(&mut out, "launchTemplateId", id);
            xml::text(&mut out, "launchTemplateName", &it.name);
            if let Some(first) = it.version(1) {
                render::time(&mut out, "createTime", first.created);
            }
            xml::text(&mut out, "createdBy", &creator(call));
            xml::plain(&mut out, "defaultVersionNumber", it.default);
            xml::plain(&mut out, "latestVersionNumber", it.latest());
            render::tags(&mut out, &it.tags);
            out.push_str("</item>");
        }
        out.push_str("</launchTemplates>");
        render::next_token(&mut out, next);
        Ok(out)
    }
}

impl Operation for DescribeLaunchTemplateVersions {
    fn service(&self) -> Service {
        Service::Ec2
    }

    fn name(&self) -> &'static str {
        "DescribeLaunchTemplateVersions"
    }

    fn paginated(&self, call: &Call) -> bool {
        super::filtered_or_paginated(call)
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ec2:DescribeLaunchTemplateVersions")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        params::only(call, VERSIONS)?;
        let (_, region) = params::place(world, call)?;
        let named = match (call.query().get("LaunchTemplateId"), call.query().get("LaunchTemplateName")) {
            (Some(id), None) => Some(by_id(region, id)?),
            (None, Some(name)) => Some(by_name(region, name)?),
            (None, None) => None,
            (Some(_), Some(_)) => {
                let message = "Only one of LaunchTemplateId and LaunchTemplateName may be given.";
                return Err(ApiError::new(400, "InvalidParameterCombination", message));
            }
        };
        let asked = call.query().list("LaunchTemplateVersion");
        if named.is_none() && (asked.is_empty() || asked.iter().any(|it| !it.starts_with('$'))) {
            let message =
                "The request must contain the parameter launch template ID or launch template name.";
            return Err(ApiError::new(400, "MissingParameter", message));
        }
        let bound = |name: &str, usual: usize| {
            call.query().get(name).map_or(Some(usual), |text| text.parse().ok()).ok_or_else(|| {
                ApiError::new(400, "InvalidParameterValue", format!("Invalid integer value for {name}"))
            })
        };
        let (least, most) = (bound("MinVersion", 1)?, bound("MaxVersion", usize::MAX)?);
        let mut rows = Vec::new();
        let all = region.launch_templates.iter().filter(|(id, _)| named.is_none_or(|named| named == **id));
        for (id, it) in all {
            let mut numbers =
                asked.iter().map(|text| number(*id, it, text)).collect::<Result<Vec<_>, _>>()?;
            if asked.is_empty() {
                numbers = (1..=it.latest()).filter(|number| (least..=most).contains(number)).collect();
            }
            numbers.sort_unstable_by(|a, b| b.cmp(a));
            numbers.dedup();
            rows.extend(
                numbers.into_iter().filter_map(|number| Some((*id, it, number, it.version(number)?))),
            );
        }
        let size = params::max_results(call, 1, PAGE, PAGE)?;
        let from = usize::try_from(params::start(call)?).unwrap_or(usize::MAX);
        let mut out = String::from("<launchTemplateVersionSet>");
        for (id, it, number, version) in rows.iter().skip(from).take(size) {
            version_item(&mut out, (*id, it), (*number, version), &creator(call));
        }
        out.push_str("</launchTemplateVersionSet>");
        let next =
            (from + size < rows.len()).then(|| crate::service::page::token(call, (from + size) as u64));
        render::next_token(&mut out, next);
        Ok(out)
    }
}

fn number(id: LaunchTemplateId, it: &LaunchTemplate, text: &str) -> Result<usize, ApiError> {
    it.number(text).ok_or_else(|| {
        let message = format!("Could not find launch template version {text} for launch template {id}.");
        ApiError::new(400, "InvalidLaunchTemplateId.VersionNotFound", message)
    })
}

fn version_item(
    out: &mut String,
    (id, it): (LaunchTemplateId, &LaunchTemplate),
    (number, version): (usize, &Version),
    by: &str,
) {
    out.push_str("<item>");
    xml::plain(out, "launchTemplateId", id);
    xml::text(out, "launchTemplateName", &it.name);
    xml::plain(out, "versionNumber", number);
    render::time(out, "createTime", version.created);
    xml::text(out, "createdBy", by);
    xml::plain(out, "defaultVersion", number == it.default);
    xml::element(out, "launchTemplateData", |out| {
        if let Some(image) = version.image {
            xml::plain(out, "imageId", image);
        }
        xml::text_if(out, "instanceType", version.instance_type.as_deref());
        xml::text_if(out, "userData", version.user_data.as_deref());
    });
    out.push_str("</item>");
}
