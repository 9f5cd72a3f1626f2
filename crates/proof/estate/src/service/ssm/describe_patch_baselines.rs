//! DescribePatchBaselines.

use serde::{Deserialize, Serialize};

use super::document;
use crate::call::{ApiError, Call, Operation, Requirement, Service};
use crate::service::page;
use crate::world::World;
use crate::world::ids::BaselineId;
use crate::world::patching::{AWS_BASELINE_ACCOUNT, Baseline, BaselineOwner};

/// DescribePatchBaselines: the predefined ones and the account's own.
pub(super) struct DescribePatchBaselines;

/// Filters of one call, at most.
const MAX_FILTERS: usize = 5;
/// Baselines of a page: least, most, default.
const PAGE: (usize, usize, usize) = (1, 100, 100);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    #[serde(default)]
    filters: Vec<Filter>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'w> {
    baseline_identities: Vec<Identity<'w>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Identity<'w> {
    baseline_id: String,
    baseline_name: &'w str,
    operating_system: &'static str,
    baseline_description: &'w str,
    default_baseline: bool,
}

impl Filter {
    fn check(&self) -> Result<(), ApiError> {
        if matches!(self.key.as_str(), "OWNER" | "NAME_PREFIX" | "OPERATING_SYSTEM") {
            return Ok(());
        }
        Err(ApiError::new(
            400,
            "ValidationException",
            format!(
                "The filter key {} is not supported; supported keys: NAME_PREFIX, OWNER, OPERATING_SYSTEM",
                self.key
            ),
        ))
    }

    fn accepts(&self, baseline: &Baseline) -> bool {
        let owner = match baseline.owner {
            BaselineOwner::Aws => "AWS",
            BaselineOwner::Account => "Self",
        };
        self.values.iter().any(|value| match self.key.as_str() {
            "OWNER" => value == owner,
            "NAME_PREFIX" => baseline.name.starts_with(value.as_str()),
            _ => value == baseline.operating_system,
        })
    }
}

/// AWS gives its own baselines' ids as ARNs; patch states name them without.
fn id(baseline: &Baseline, region: &str) -> String {
    match baseline.owner {
        BaselineOwner::Aws => {
            format!("arn:aws:ssm:{region}:{AWS_BASELINE_ACCOUNT}:patchbaseline/{}", baseline.id)
        }
        BaselineOwner::Account => baseline.id.to_string(),
    }
}

impl Operation for DescribePatchBaselines {
    fn service(&self) -> Service {
        Service::Ssm
    }

    fn name(&self) -> &'static str {
        "DescribePatchBaselines"
    }

    fn requirements(&self, _: &World, _: &Call) -> Vec<Requirement> {
        vec![Requirement::any_resource("ssm:DescribePatchBaselines")]
    }

    fn answer(&self, world: &mut World, call: &Call) -> Result<String, ApiError> {
        let input: Input = document::read(call)?;
        let region = document::region(world, call)?;
        let (least, most, default) = PAGE;
        let size = document::page_size(input.max_results, least, most, default)?;
        if input.filters.len() > MAX_FILTERS {
            return Err(document::constraint(
                &format!("'{} filters'", input.filters.len()),
                "filters",
                &format!("Member must have length less than or equal to {MAX_FILTERS}"),
            ));
        }
        input.filters.iter().try_for_each(Filter::check)?;
        let start = document::start(call, input.next_token.as_deref())?;

        let mut answer = Answer { baseline_identities: Vec::new(), next_token: None };
        for baseline in region.baselines.range(BaselineId(start)..).map(|(_, baseline)| baseline) {
            if !input.filters.iter().all(|filter| filter.accepts(baseline)) {
                continue;
            }
            if answer.baseline_identities.len() == size {
                answer.next_token = Some(page::token(call, baseline.id.0));
                break;
            }
            answer.baseline_identities.push(Identity {
                baseline_id: id(baseline, &call.region),
                baseline_name: &baseline.name,
                operating_system: baseline.operating_system,
                baseline_description: &baseline.description,
                default_baseline: baseline.default,
            });
        }
        document::write(&answer)
    }
}
