//! Every operation fleetwright calls.
//!
//! Rates: EC2 Developer Guide, "Request throttling for the Amazon EC2 API", for EC2. STS grants an
//! account and region 600 requests per second for all its callers together (IAM User Guide, "IAM
//! and STS quotas"); we stay well below. The other services publish none for these operations.

use fleetwright_model::Phase;

use crate::operation::{Need, Operation, Principal, Rate, Service};

/// Describe calls with a filter and a page size.
const EC2_PAGED: Rate = Rate::Published { burst: 100, per_second: 20.0 };
/// Describe calls without.
const EC2_UNPAGED: Rate = Rate::Published { burst: 50, per_second: 10.0 };
/// Systems Manager's reads.
const SSM_READ: Rate = Rate::Assumed { burst: 10, per_second: 5.0 };
/// A share of what STS grants.
const STS_SHARE: Rate = Rate::Published { burst: 100, per_second: 100.0 };
/// IAM and Organizations: one small bucket for the partition.
const GLOBAL: Rate = Rate::Assumed { burst: 5, per_second: 4.0 };

const SCAN: &[Phase] = &[Phase::Scan];
const VALIDATE: &[Phase] = &[Phase::Validate];
/// Phases that enter a landing zone at all.
const ENTERING: &[Phase] =
    &[Phase::Scan, Phase::Backup, Phase::Start, Phase::Precheck, Phase::Patch, Phase::Validate];

/// Declares the operations and the list of them.
macro_rules! operations {
    ($($name:ident = $service:ident $wire:literal $iam:literal, $principal:ident, $phases:ident, $need:ident, $rate:ident, $purpose:literal;)+) => {
        $(
            #[doc = $purpose]
            pub(crate) static $name: Operation = Operation {
                service: Service::$service,
                name: $wire,
                iam: $iam,
                principal: Principal::$principal,
                phases: $phases,
                purpose: $purpose,
                need: Need::$need,
                rate: $rate,
            };
        )+
        /// The whole table.
        pub(crate) static ALL: &[&Operation] = &[$(&$name),+];
    };
}

operations! {
    GET_CALLER_IDENTITY = Sts "GetCallerIdentity" "sts:GetCallerIdentity", Zone, ENTERING, Required, STS_SHARE,
        "to know which account the credentials belong to";
    ASSUME_ROLE = Sts "AssumeRole" "sts:AssumeRole", Caller, ENTERING, Required, STS_SHARE,
        "to enter landing zones that name a role";
    DESCRIBE_REGIONS = Ec2 "DescribeRegions" "ec2:DescribeRegions", Zone, SCAN, Required, EC2_UNPAGED,
        "to find the regions enabled in an account";
    DESCRIBE_INSTANCES = Ec2 "DescribeInstances" "ec2:DescribeInstances", Zone, SCAN, Required, EC2_PAGED,
        "to list instances";
    DESCRIBE_INSTANCE_INFORMATION = Ssm "DescribeInstanceInformation" "ssm:DescribeInstanceInformation", Zone, SCAN, Required, SSM_READ,
        "to see which agents answer";
    DESCRIBE_INSTANCE_PATCH_STATES = Ssm "DescribeInstancePatchStates" "ssm:DescribeInstancePatchStates", Zone, SCAN, Required, SSM_READ,
        "to see which patches are missing";
    DESCRIBE_INSTANCE_PATCHES = Ssm "DescribeInstancePatches" "ssm:DescribeInstancePatches", Zone, VALIDATE, Optional, SSM_READ,
        "to name the patches that are missing or failed";
    DESCRIBE_INSTANCE_STATUS = Ec2 "DescribeInstanceStatus" "ec2:DescribeInstanceStatus", Zone, SCAN, Required, EC2_PAGED,
        "to leave ill hosts alone";
    DESCRIBE_PATCH_BASELINES = Ssm "DescribePatchBaselines" "ssm:DescribePatchBaselines", Zone, SCAN, Optional, SSM_READ,
        "to name the baselines of patch states";
    DESCRIBE_VOLUMES = Ec2 "DescribeVolumes" "ec2:DescribeVolumes", Zone, SCAN, Optional, EC2_PAGED,
        "to add up attached storage";
    DESCRIBE_INSTANCE_TYPES = Ec2 "DescribeInstanceTypes" "ec2:DescribeInstanceTypes", Zone, SCAN, Optional, EC2_UNPAGED,
        "to show memory and network performance";
    SIMULATE_PRINCIPAL_POLICY = Iam "SimulatePrincipalPolicy" "iam:SimulatePrincipalPolicy", Zone, ENTERING, Optional, GLOBAL,
        "to check permissions without trying them";
    LIST_ACCOUNTS = Organizations "ListAccounts" "organizations:ListAccounts", Caller, SCAN, Optional, GLOBAL,
        "to find the accounts of the organisation";
    LIST_ACCOUNTS_FOR_PARENT = Organizations "ListAccountsForParent" "organizations:ListAccountsForParent", Caller, SCAN, Optional, GLOBAL,
        "to find the accounts of an organisational unit";
    LIST_ORGANIZATIONAL_UNITS_FOR_PARENT = Organizations "ListOrganizationalUnitsForParent" "organizations:ListOrganizationalUnitsForParent", Caller, SCAN, Optional, GLOBAL,
        "to find the units below an organisational unit";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_there_once_and_is_named_as_its_permission() {
        let names: BTreeSet<&str> = ALL.iter().map(|operation| operation.iam).collect();
        assert_eq!(names.len(), ALL.len());
        for operation in ALL {
            let (prefix, action) = operation.iam.split_once(':').expect("service:Action");
            assert_eq!(action, operation.name);
            assert_eq!(format!("{:?}", operation.service).to_lowercase(), prefix);
            assert!(!operation.purpose.is_empty() && !operation.phases.is_empty());
        }
    }

    #[test]
    fn describe_calls_of_ec2_go_at_the_published_rates() {
        assert_eq!(DESCRIBE_INSTANCES.rate.numbers(), (100, 20.0));
        assert_eq!(DESCRIBE_REGIONS.rate.numbers(), (50, 10.0));
    }
}
