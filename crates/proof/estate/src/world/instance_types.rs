//! The instance types of the estate: sizes as EC2 publishes them.
//!
//! Source: EC2 instance types guide (specifications for general purpose, compute and memory
//! optimised instances).

/// A processor architecture, as EC2 names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit x86.
    X86,
    /// 64-bit Arm (Graviton).
    Arm,
}

impl Architecture {
    /// EC2's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        }
    }
}

/// What kind of processor capacity a family sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// Credits (the t families).
    Burstable,
    /// All of it, all of the time.
    Fixed,
}

/// An instance type.
#[derive(Debug, PartialEq)]
pub struct InstanceType {
    /// Its name, e.g. `m6i.large`.
    pub name: &'static str,
    /// Virtual processors.
    pub vcpus: u32,
    /// Physical cores.
    pub cores: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// EC2's words for its network.
    pub network: &'static str,
    /// Its architecture.
    pub architecture: Architecture,
    /// Who makes the processor.
    pub manufacturer: &'static str,
    /// Sustained clock speed in GHz.
    pub clock_ghz: f64,
    /// How processor time is sold.
    pub capacity: Capacity,
    /// Network interfaces at most.
    pub interfaces: u32,
    /// IPv4 addresses per interface at most.
    pub addresses_per_interface: u32,
    /// EBS bandwidth in Mbit/s: baseline, and for half an hour a day.
    pub ebs_mbps: (u32, u32),
}

impl InstanceType {
    /// Threads on each core.
    pub const fn threads_per_core(&self) -> u32 {
        self.vcpus / self.cores
    }
}

/// What the sizes of one family share.
struct Family {
    architecture: Architecture,
    manufacturer: &'static str,
    clock_ghz: f64,
    capacity: Capacity,
}

const T3: Family = Family {
    architecture: Architecture::X86,
    manufacturer: "Intel",
    clock_ghz: 2.5,
    capacity: Capacity::Burstable,
};
const T4G: Family = Family {
    architecture: Architecture::Arm,
    manufacturer: "AWS",
    clock_ghz: 2.5,
    capacity: Capacity::Burstable,
};
const M5: Family = Family {
    architecture: Architecture::X86,
    manufacturer: "Intel",
    clock_ghz: 3.1,
    capacity: Capacity::Fixed,
};
const M6I: Family = Family {
    architecture: Architecture::X86,
    manufacturer: "Intel",
    clock_ghz: 3.5,
    capacity: Capacity::Fixed,
};
const M7G: Family = Family {
    architecture: Architecture::Arm,
    manufacturer: "AWS",
    clock_ghz: 2.6,
    capacity: Capacity::Fixed,
};

/// vCPU, memory in GiB, network, (interfaces, addresses), EBS Mbit/s.
const fn size(
    name: &'static str,
    family: Family,
    vcpus: u32,
    memory_gib_halves: u64,
    network: &'static str,
    (interfaces, addresses_per_interface): (u32, u32),
    ebs_mbps: (u32, u32),
) -> InstanceType {
    let threads = match family.architecture {
        Architecture::X86 => 2,
        Architecture::Arm => 1,
    };
    InstanceType {
        name,
        vcpus,
        cores: vcpus / threads,
        memory_mib: memory_gib_halves * 512,
        network,
        architecture: family.architecture,
        manufacturer: family.manufacturer,
        clock_ghz: family.clock_ghz,
        capacity: family.capacity,
        interfaces,
        addresses_per_interface,
        ebs_mbps,
    }
}

const TEN: &str = "Up to 10 Gigabit";
const TWELVE: &str = "Up to 12.5 Gigabit";

/// Every type, sorted by name. Memory is in half GiB, so that the smallest sizes fit.
pub static INSTANCE_TYPES: &[InstanceType] = &[
    size("c6i.2xlarge", M6I, 8, 32, TWELVE, (4, 15), (2500, 10000)),
    size("c6i.4xlarge", M6I, 16, 64, TWELVE, (8, 30), (5000, 10000)),
    size("c6i.large", M6I, 2, 8, TWELVE, (3, 10), (650, 10000)),
    size("c6i.xlarge", M6I, 4, 16, TWELVE, (4, 15), (1250, 10000)),
    size("c7g.large", M7G, 2, 8, TWELVE, (3, 10), (630, 10000)),
    size("m5.2xlarge", M5, 8, 64, TEN, (4, 15), (2300, 4750)),
    size("m5.large", M5, 2, 16, TEN, (3, 10), (650, 4750)),
    size("m5.xlarge", M5, 4, 32, TEN, (4, 15), (1150, 4750)),
    size("m6i.2xlarge", M6I, 8, 64, TWELVE, (4, 15), (2500, 10000)),
    size("m6i.4xlarge", M6I, 16, 128, TWELVE, (8, 30), (5000, 10000)),
    size("m6i.large", M6I, 2, 16, TWELVE, (3, 10), (650, 10000)),
    size("m6i.xlarge", M6I, 4, 32, TWELVE, (4, 15), (1250, 10000)),
    size("m7g.2xlarge", M7G, 8, 64, "Up to 15 Gigabit", (4, 15), (2500, 10000)),
    size("m7g.large", M7G, 2, 16, TWELVE, (3, 10), (630, 10000)),
    size("m7g.xlarge", M7G, 4, 32, TWELVE, (4, 15), (1250, 10000)),
    size("r6i.2xlarge", M6I, 8, 128, TWELVE, (4, 15), (2500, 10000)),
    size("r6i.4xlarge", M6I, 16, 256, TWELVE, (8, 30), (5000, 10000)),
    size("r6i.large", M6I, 2, 32, TWELVE, (3, 10), (650, 10000)),
    size("r6i.xlarge", M6I, 4, 64, TWELVE, (4, 15), (1250, 10000)),
    size("t3.2xlarge", T3, 8, 64, "Up to 5 Gigabit", (4, 15), (695, 2780)),
    size("t3.large", T3, 2, 16, "Up to 5 Gigabit", (3, 12), (695, 2780)),
    size("t3.medium", T3, 2, 8, "Up to 5 Gigabit", (3, 6), (347, 2085)),
    size("t3.micro", T3, 2, 2, "Up to 5 Gigabit", (2, 2), (87, 2085)),
    size("t3.small", T3, 2, 4, "Up to 5 Gigabit", (3, 4), (174, 2085)),
    size("t3.xlarge", T3, 4, 32, "Up to 5 Gigabit", (4, 15), (695, 2780)),
    size("t4g.medium", T4G, 2, 8, "Up to 5 Gigabit", (3, 6), (347, 2085)),
    size("t4g.small", T4G, 2, 4, "Up to 5 Gigabit", (3, 4), (174, 2085)),
];

/// The type with this name.
pub fn find(name: &str) -> Option<&'static InstanceType> {
    INSTANCE_TYPES.binary_search_by(|known| known.name.cmp(name)).ok().map(|at| &INSTANCE_TYPES[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name() {
        for known in INSTANCE_TYPES {
            assert_eq!(find(known.name).map(|found| found.name), Some(known.name));
            assert_eq!(known.vcpus, known.cores * known.threads_per_core());
        }
        assert!(find("x1e.gigantic").is_none());
    }
}
