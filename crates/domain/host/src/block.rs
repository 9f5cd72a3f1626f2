//! The long lists of an answer: gzip in base64, unpacked within bounds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// The most that is unpacked, in bytes; an honest block is a few thousand.
pub const UNPACKED_MAX: usize = 256 * 1024;

/// A block that cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Not base64.
    #[error("the compressed lists are not base64")]
    Base64,
    /// Not gzip (RFC 1952), or with parts that our scripts do not write.
    #[error("the compressed lists are not gzip")]
    Gzip,
    /// Damaged, cut off, or larger than [`UNPACKED_MAX`].
    #[error("the compressed lists are damaged, cut off or larger than {UNPACKED_MAX} bytes")]
    Damaged,
}

/// Unpacks the text of a block.
///
/// # Errors
/// [`BlockError`]; what is damaged is refused as a whole, because half a list looks like one.
pub fn unpack(encoded: &str) -> Result<String, BlockError> {
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| BlockError::Base64)?;
    let body = bytes.strip_prefix(&[0x1f, 0x8b, 8]).ok_or(BlockError::Gzip)?;
    // Flags (1), time (4), extra flags (1), system (1); our scripts set no flag.
    let [0, _, _, _, _, _, _, deflated @ ..] = body else { return Err(BlockError::Gzip) };
    let (deflated, trailer) = deflated.split_last_chunk::<8>().ok_or(BlockError::Gzip)?;
    let text = decompress_to_vec_with_limit(deflated, UNPACKED_MAX).map_err(|_| BlockError::Damaged)?;
    let [a, b, c, d, length @ ..] = *trailer;
    let right =
        u32::from_le_bytes([a, b, c, d]) == crc32(&text) && u32::from_le_bytes(length) as usize == text.len();
    if right { Ok(String::from_utf8_lossy(&text).into_owned()) } else { Err(BlockError::Damaged) }
}

/// The check sum of RFC 1952, bit by bit: blocks are small.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for &byte in bytes {
        sum ^= u32::from(byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'services a b\n' | gzip -9nc | base64`
    const BLOCK: &str = "H4sIAAAAAAACAytOLSrLTE4tVkhUSOICAA7GNtINAAAA";

    #[test]
    fn what_gzip_packed_is_unpacked() {
        assert_eq!(unpack(BLOCK), Ok("services a b\n".into()));
    }

    #[test]
    fn a_cut_or_changed_block_is_refused_as_a_whole() {
        assert!(unpack(&BLOCK[..BLOCK.len() - 4]).is_err());
        let changed = BLOCK.replacen("LTE4", "LTE5", 1);
        assert!(matches!(unpack(&changed), Err(BlockError::Damaged)));
        assert_eq!(unpack("%%%"), Err(BlockError::Base64));
        assert_eq!(unpack("QUJD"), Err(BlockError::Gzip));
    }

    #[test]
    fn a_small_block_cannot_fill_the_memory() {
        let packed = miniz_oxide::deflate::compress_to_vec(&vec![0; UNPACKED_MAX * 8], 9);
        let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3];
        gzip.extend(packed);
        gzip.extend([0; 8]);
        assert_eq!(unpack(&STANDARD.encode(gzip)), Err(BlockError::Damaged));
    }
}
