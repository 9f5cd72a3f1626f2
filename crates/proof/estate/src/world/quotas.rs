//! What an account may have in a region, as Service Quotas tells it.

use std::collections::BTreeMap;

/// Quotas of a region that differ from [`KNOWN`], by code.
pub type Quotas = BTreeMap<&'static str, f64>;

/// A quota that the estate knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quota {
    /// The service it is of: its code, its name.
    pub service: (&'static str, &'static str),
    /// Its code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What applies to an account that no scenario says anything of.
    pub value: f64,
}

const EC2: (&str, &str) = ("ec2", "Amazon Elastic Compute Cloud (Amazon EC2)");
const VPC: (&str, &str) = ("vpc", "Amazon Virtual Private Cloud (Amazon VPC)");
const EBS: (&str, &str) = ("ebs", "Amazon Elastic Block Store (Amazon EBS)");

/// vCPUs of standard instances that an account of the estate may run. New accounts have 5, which AWS raises as they are
/// used; the estate's fleets have been running for long.
const VCPUS: f64 = 4_096.0;

/// All of them, sorted by service and code. Source: AWS General Reference, "Amazon EC2", "Amazon VPC" and "Amazon EBS
/// endpoints and quotas"; storage is in TiB.
pub const KNOWN: [Quota; 7] = [
    Quota {
        service: EBS,
        code: "L-09BD8365",
        name: "Storage for Provisioned IOPS SSD (io2) volumes, in TiB",
        value: 20.0,
    },
    Quota {
        service: EBS,
        code: "L-7A658B76",
        name: "Storage for General Purpose SSD (gp3) volumes, in TiB",
        value: 50.0,
    },
    Quota {
        service: EBS,
        code: "L-D18FCD1D",
        name: "Storage for General Purpose SSD (gp2) volumes, in TiB",
        value: 50.0,
    },
    Quota {
        service: EBS,
        code: "L-FD252861",
        name: "Storage for Provisioned IOPS SSD (io1) volumes, in TiB",
        value: 50.0,
    },
    Quota {
        service: EC2,
        code: "L-1216C47A",
        name: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
        value: VCPUS,
    },
    Quota {
        service: EC2,
        code: "L-34B43A08",
        name: "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
        value: VCPUS,
    },
    Quota { service: VPC, code: "L-DF5E4CA3", name: "Network interfaces per Region", value: 5_000.0 },
];
