//! Systems Manager: managed nodes, patch states and patch baselines.

mod describe_instance_information;
mod describe_instance_patch_states;
mod describe_patch_baselines;
mod document;

use crate::call::Operation;

/// Every Systems Manager operation of the estate.
pub fn operations() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(describe_instance_information::DescribeInstanceInformation),
        Box::new(describe_instance_patch_states::DescribeInstancePatchStates),
        Box::new(describe_patch_baselines::DescribePatchBaselines),
    ]
}
