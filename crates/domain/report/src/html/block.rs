//! One block of the file: JSON, deflated, as base64 in an element that no browser runs.

use std::io::{self, Write};

use base64::engine::general_purpose::{GeneralPurpose, STANDARD};
use base64::write::EncoderWriter;
use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::{MZError, MZFlush, MZStatus};

/// Higher ones take twice the time for a few percent.
const LEVEL: i32 = 4;

/// A window with the zlib header, so that a damaged block is noticed when it is unpacked.
const ZLIB_WINDOW_BITS: i32 = 15;

/// Writes a block whose JSON `fill` writes.
///
/// # Errors
/// What the writer or `fill` says.
pub(super) fn write(
    mut out: &mut dyn Write,
    id: &str,
    fill: impl FnOnce(&mut Deflate<EncoderWriter<'static, GeneralPurpose, &mut dyn Write>>) -> io::Result<()>,
) -> io::Result<()> {
    write!(out, "<script type=\"application/octet-stream\" id=\"{id}\">")?;
    let mut json = Deflate::new(EncoderWriter::new(&mut out as &mut dyn Write, &STANDARD));
    fill(&mut json)?;
    json.finish()?.finish()?;
    out.write_all(b"</script>\n")
}

/// A writer that deflates.
pub(super) struct Deflate<W> {
    inner: W,
    compressor: Box<CompressorOxide>,
    /// Small writes are gathered here: each call of the compressor has its price.
    gathered: Vec<u8>,
    buffer: Box<[u8]>,
}

const GATHERED: usize = 64 * 1024;

impl<W: Write> Deflate<W> {
    fn new(inner: W) -> Self {
        let flags = create_comp_flags_from_zip_params(LEVEL, ZLIB_WINDOW_BITS, 0);
        Self {
            inner,
            compressor: Box::new(CompressorOxide::new(flags)),
            gathered: Vec::with_capacity(GATHERED),
            buffer: vec![0; GATHERED].into_boxed_slice(),
        }
    }

    /// Packs what was gathered.
    fn push(&mut self, flush: MZFlush) -> io::Result<()> {
        let mut gathered = std::mem::take(&mut self.gathered);
        let done = self.pack(&gathered, flush);
        gathered.clear();
        self.gathered = gathered;
        done
    }

    fn pack(&mut self, mut input: &[u8], flush: MZFlush) -> io::Result<()> {
        loop {
            let done = deflate(&mut self.compressor, input, &mut self.buffer, flush);
            input = &input[done.bytes_consumed..];
            self.inner.write_all(&self.buffer[..done.bytes_written])?;
            match done.status {
                Ok(MZStatus::StreamEnd) => break,
                Ok(_) if flush == MZFlush::None && input.is_empty() => break,
                // Nothing to do for a buffer that was empty all along.
                Err(MZError::Buf) if flush == MZFlush::None && input.is_empty() => break,
                Ok(_) => {}
                Err(cause) => return Err(io::Error::other(format!("deflate: {cause:?}"))),
            }
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<W> {
        self.push(MZFlush::Finish)?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Deflate<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.len() + bytes.len() > GATHERED && !self.gathered.is_empty() {
            self.push(MZFlush::None)?;
        }
        if bytes.len() > GATHERED {
            self.pack(bytes, MZFlush::None)?;
            return Ok(bytes.len());
        }
        self.gathered.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;

    fn unpacked(block: &[u8]) -> Vec<u8> {
        let text = std::str::from_utf8(block).expect("base64 is ASCII");
        let inside = text.split_once('>').expect("an element").1.split_once("</script>").expect("it ends").0;
        let packed = STANDARD.decode(inside).expect("base64");
        miniz_oxide::inflate::decompress_to_vec_zlib(&packed).expect("zlib")
    }

    #[test]
    fn a_block_unpacks_to_what_was_written() {
        for length in [0, 1, GATHERED - 1, GATHERED, GATHERED + 1, 1_000_000] {
            let text: Vec<u8> = (0..length).map(|at| (at * at % 251) as u8).collect();
            let mut out = Vec::new();
            write(&mut out, "core", |json| text.chunks(777).try_for_each(|part| json.write_all(part)))
                .expect("memory");
            assert!(unpacked(&out) == text, "{length} bytes");
        }
    }

    #[test]
    fn what_is_in_a_block_cannot_end_it() {
        let mut out = Vec::new();
        write(&mut out, "core", |json| json.write_all(b"</script><script>alert(1)</script>"))
            .expect("memory");
        assert_eq!(String::from_utf8(out).expect("ASCII").matches("<").count(), 2);
    }
}
