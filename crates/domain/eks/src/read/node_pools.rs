//! Node pools of Karpenter and of EKS Auto Mode.
//!
//! Source: karpenter.sh, "NodePools", "NodeClasses" and "Disruption", version 1; EKS User Guide, "Create a node pool".

use fleetwright_kubernetes::{IntOrPercent, Node, Resources};
use serde_json::Value;

use super::value::{self, Fault, items, member, named, needed, parsed, text, texts};
use super::{Kind, Objects, Read};
use crate::facts::NodePool;
use crate::maker::{Maker, maker};
use crate::pool_budget::{BUDGETS, CLOSED, front};

/// The group of Auto Mode's classes of nodes.
const AUTO_MODE: &str = "eks.amazonaws.com";

/// Every pool, with the images of its class.
pub(super) fn read(objects: &Objects, nodes: &[Node]) -> Read<Vec<NodePool>> {
    let pools = objects.list(Kind::NodePools)?;
    let mut found = Vec::new();
    for pool in pools {
        let auto_mode = pool["spec"]["template"]["spec"]["nodeClassRef"]["group"] == AUTO_MODE;
        // Auto Mode chooses images itself, and its classes are not listed.
        let classes = if auto_mode { &[][..] } else { objects.list(Kind::Ec2NodeClasses)? };
        let read = node_pool(pool, auto_mode, classes, nodes);
        found.push(value::of(pool, read)?);
    }
    Ok(found)
}

fn node_pool(of: &Value, auto_mode: bool, classes: &[Value], nodes: &[Node]) -> Result<NodePool, Fault> {
    let name = needed(of, "/metadata/name")?;
    let own = |node: &&Node| maker(node) == Maker::Pool(name);
    let count = i32::try_from(nodes.iter().filter(own).count()).unwrap_or(i32::MAX);
    let (image_family, pinned_images) = match auto_mode {
        true => ("Bottlerocket".to_owned(), false),
        false => images(of, classes)?,
    };
    // We hold no pool of Auto Mode: what stands in front there is its own.
    let held = !auto_mode && front(of) == Some(CLOSED);
    Ok(NodePool {
        name: name.to_owned(),
        auto_mode,
        image_family,
        pinned_images,
        held,
        budget: budget(of, held, count)?,
        vcpus_left: vcpus_left(of)?,
    })
}

/// The image family of a pool, and whether its images are fixed.
fn images(pool: &Value, classes: &[Value]) -> Result<(String, bool), Fault> {
    let name = needed(pool, "/spec/template/spec/nodeClassRef/name")?;
    let class = named(classes, "", name).ok_or_else(|| format!("its EC2NodeClass {name} does not exist"))?;
    let (mut family, mut pinned) = (text(class, "/spec/amiFamily")?.map(str::to_owned), false);
    for term in items(class, "/spec/amiSelectorTerms")? {
        match text(term, "/alias")? {
            // `al2023@latest`; a version behind the @ is one of many for each version of Kubernetes.
            Some(alias) => {
                let of_alias = alias.split('@').next().unwrap_or(alias);
                family.get_or_insert_with(|| of_alias.to_uppercase());
            }
            None => pinned = true,
        }
    }
    Ok((family.unwrap_or_else(|| "Custom".to_owned()), pinned))
}

/// What Karpenter lets go at once where nothing is said.
const USUAL_BUDGET: IntOrPercent = IntOrPercent::Percent(10);
/// What it lets go where no budget holds.
const NO_BUDGET: IntOrPercent = IntOrPercent::Percent(100);

/// The tightest budget that holds for drift at any time, without ours in front. One with a schedule holds now and then,
/// and leaves the rest of the time.
fn budget(pool: &Value, held: bool, nodes: i32) -> Result<IntOrPercent, Fault> {
    let Some(budgets) = member(pool, BUDGETS) else { return Ok(USUAL_BUDGET) };
    let mut tightest = NO_BUDGET;
    for budget in items(budgets, "")?.iter().skip(usize::from(held)) {
        let reasons = texts(budget, "/reasons")?;
        let drift = reasons.is_empty() || reasons.iter().any(|reason| reason == "Drifted");
        if !drift || text(budget, "/schedule")?.is_some_and(|schedule| !schedule.is_empty()) {
            continue;
        }
        let of = member(budget, "/nodes").and_then(IntOrPercent::read);
        let of = of.ok_or("nodes of a disruption budget is neither number nor share")?;
        // With no node yet, budgets are compared as if there were a hundred.
        let nodes = if nodes == 0 { 100 } else { nodes };
        if of.of(nodes) < tightest.of(nodes) {
            tightest = of;
        }
    }
    Ok(tightest)
}

fn vcpus_left(pool: &Value) -> Result<Option<u32>, Fault> {
    let limits: Resources = parsed(pool, "/spec/limits")?.unwrap_or_default();
    let Some(limit) = limits.get("cpu") else { return Ok(None) };
    let used: Resources = parsed(pool, "/status/resources")?.unwrap_or_default();
    let left = limit.minus(used.get("cpu").copied().unwrap_or_default());
    Ok(Some(u32::try_from(left.in_units().max(0)).unwrap_or(u32::MAX)))
}
