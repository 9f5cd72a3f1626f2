//! Typed resource ids in AWS's long form: a prefix and 17 hexadecimal digits.
//!
//! The estate issues ids whose first digit is 0, as AWS does, so that the other sixteen fit a
//! `u64`: a hundred thousand instances then carry numbers, not strings.

use std::fmt;

/// How an id sent by a client can fail to be one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdFault {
    /// Not the form of such an id at all (AWS: `…ID.Malformed`).
    Malformed,
    /// The right form, but the estate never issues such an id (AWS: `…ID.NotFound`).
    Foreign,
}

/// Reads the digits behind `prefix`, which must be 8 (the old form) or 17 hexadecimal digits.
fn parse(prefix: &str, text: &str) -> Result<u64, IdFault> {
    let digits = text.strip_prefix(prefix).ok_or(IdFault::Malformed)?;
    let hexadecimal = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !hexadecimal || (digits.len() != 8 && digits.len() != 17) {
        return Err(IdFault::Malformed);
    }
    match digits.strip_prefix('0') {
        Some(rest) if rest.len() == 16 => u64::from_str_radix(rest, 16).map_err(|_| IdFault::Malformed),
        _ => Err(IdFault::Foreign),
    }
}

macro_rules! resource_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// What comes before the digits.
            pub const PREFIX: &'static str = $prefix;

            /// Reads an id as a client wrote it.
            ///
            /// # Errors
            /// [`IdFault`] says whether the text has the wrong form or is merely not ours.
            pub fn parse(text: &str) -> Result<Self, IdFault> {
                parse($prefix, text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "0{:016x}"), self.0)
            }
        }
    };
}

resource_id!(
    /// An EC2 instance, `i-…`.
    InstanceId, "i-");
resource_id!(
    /// The launch an instance came from, `r-…`.
    ReservationId, "r-");
resource_id!(
    /// An EBS volume, `vol-…`.
    VolumeId, "vol-");
resource_id!(
    /// An EBS snapshot, `snap-…`.
    SnapshotId, "snap-");
resource_id!(
    /// A machine image, `ami-…`.
    ImageId, "ami-");
resource_id!(
    /// A subnet, `subnet-…`.
    SubnetId, "subnet-");
resource_id!(
    /// A virtual private cloud, `vpc-…`.
    VpcId, "vpc-");
resource_id!(
    /// A security group, `sg-…`.
    SecurityGroupId, "sg-");
resource_id!(
    /// An elastic network interface, `eni-…`.
    InterfaceId, "eni-");
resource_id!(
    /// The attachment of a network interface, `eni-attach-…`.
    InterfaceAttachmentId, "eni-attach-");
resource_id!(
    /// A task that replaces a root volume, `replacevol-…`.
    RootTaskId, "replacevol-");
resource_id!(
    /// A launch template, `lt-…`.
    LaunchTemplateId, "lt-");
resource_id!(
    /// A Systems Manager patch baseline, `pb-…`.
    BaselineId, "pb-");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id = InstanceId(0x0123_4567_89ab_cdef);
        assert_eq!(id.to_string(), "i-00123456789abcdef");
        assert_eq!(InstanceId::parse("i-00123456789abcdef"), Ok(id));
    }

    #[test]
    fn the_wrong_form_differs_from_an_id_that_is_not_ours() {
        for text in ["", "i-", "i-xyz", "vol-00123456789abcdef", "i-00123456789ABCDEF", "i-123"] {
            assert_eq!(InstanceId::parse(text), Err(IdFault::Malformed), "{text}");
        }
        for text in ["i-1234abcd", "i-f0123456789abcdef"] {
            assert_eq!(InstanceId::parse(text), Err(IdFault::Foreign), "{text}");
        }
    }
}
