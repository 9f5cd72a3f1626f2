//! CBOR (RFC 8949) as far as Smithy's RPC v2 protocol uses it, to and from JSON values.
//!
//! A moment is tag 1 on the wire. In a document it is an object with the one member [`MOMENT`].

use serde_json::{Map, Number, Value};

/// The member that marks a moment, in seconds since 1970.
pub const MOMENT: &str = "$epoch-seconds";

/// How deeply a document may be nested, so that a hostile one cannot exhaust the stack.
const MAX_DEPTH: usize = 32;

/// Why bytes are no document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// They end in the middle.
    #[error("the CBOR document ends early")]
    Cut,
    /// Something is in them that this protocol does not use.
    #[error("the CBOR document has an item of kind {0} that the protocol does not use")]
    Unexpected(u8),
    /// Nested too deeply.
    #[error("the CBOR document is nested too deeply")]
    Deep,
}

/// A moment as a document carries it.
#[must_use]
pub fn moment(seconds: f64) -> Value {
    let mut object = Map::new();
    object.insert(MOMENT.to_owned(), seconds.into());
    Value::Object(object)
}

/// Turns every moment of a document into its number of seconds, as the JSON protocols write them.
pub fn flatten_moments(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(flatten_moments),
        Value::Object(map) => match map.get(MOMENT) {
            Some(seconds) => *value = seconds.clone(),
            None => map.values_mut().for_each(flatten_moments),
        },
        _ => {}
    }
}

/// Reads one document; tags are dropped, so that a moment is its number of seconds.
///
/// # Errors
/// [`CborError`] says what is wrong with the bytes.
pub fn read(bytes: &[u8]) -> Result<Value, CborError> {
    Reader { rest: bytes }.item(0)
}

struct Reader<'b> {
    rest: &'b [u8],
}

/// A head's argument: a number, or a length that only a break ends.
enum Argument {
    Given(u64),
    Open,
}

const BREAK: u8 = 0xff;

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], CborError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CborError::Cut)?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<u64, CborError> {
        Ok(self.take(bytes)?.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }

    fn argument(&mut self, low: u8) -> Result<Argument, CborError> {
        Ok(Argument::Given(match low {
            0..=23 => low.into(),
            24..=27 => self.number(1 << (low - 24))?,
            31 => return Ok(Argument::Open),
            other => return Err(CborError::Unexpected(other)),
        }))
    }

    fn at_break(&mut self) -> Result<bool, CborError> {
        if *self.rest.first().ok_or(CborError::Cut)? == BREAK {
            self.take(1)?;
            return Ok(true);
        }
        Ok(false)
    }

    fn more(&mut self, argument: &mut Argument) -> Result<bool, CborError> {
        match argument {
            Argument::Open => Ok(!self.at_break()?),
            Argument::Given(0) => Ok(false),
            Argument::Given(left) => {
                *left -= 1;
                Ok(true)
            }
        }
    }

    fn item(&mut self, depth: usize) -> Result<Value, CborError> {
        if depth > MAX_DEPTH {
            return Err(CborError::Deep);
        }
        let head = self.take(1)?[0];
        let (major, low) = (head >> 5, head & 0x1f);
        if major == 7 {
            return self.simple(low);
        }
        let mut argument = self.argument(low)?;
        match (major, &argument) {
            (0, Argument::Given(n)) => Ok((*n).into()),
            (1, Argument::Given(n)) => Ok((-1 - i64::try_from(*n).unwrap_or(i64::MAX - 1)).into()),
            (2 | 3, _) => Ok(Value::String(self.text(argument)?)),
            (4, _) => {
                let mut list = Vec::new();
                while self.more(&mut argument)? {
                    list.push(self.item(depth + 1)?);
                }
                Ok(Value::Array(list))
            }
            (5, _) => {
                let mut map = Map::new();
                while self.more(&mut argument)? {
                    let Value::String(key) = self.item(depth + 1)? else {
                        return Err(CborError::Unexpected(head));
                    };
                    map.insert(key, self.item(depth + 1)?);
                }
                Ok(Value::Object(map))
            }
            (6, Argument::Given(_)) => self.item(depth + 1),
            _ => Err(CborError::Unexpected(head)),
        }
    }

    fn text(&mut self, argument: Argument) -> Result<String, CborError> {
        let mut bytes = Vec::new();
        match argument {
            Argument::Given(length) => bytes.extend_from_slice(self.take(length as usize)?),
            Argument::Open => {
                while !self.at_break()? {
                    let low = self.take(1)?[0] & 0x1f;
                    let Argument::Given(length) = self.argument(low)? else {
                        return Err(CborError::Unexpected(low));
                    };
                    bytes.extend_from_slice(self.take(length as usize)?);
                }
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn simple(&mut self, low: u8) -> Result<Value, CborError> {
        Ok(match low {
            20 => Value::Bool(false),
            21 => Value::Bool(true),
            22 | 23 => Value::Null,
            25 => float(half(self.number(2)? as u16)),
            26 => float(f32::from_bits(self.number(4)? as u32).into()),
            27 => float(f64::from_bits(self.number(8)?)),
            other => return Err(CborError::Unexpected(other)),
        })
    }
}

fn float(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// A half-precision number (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 => f64::INFINITY,
        _ => (mantissa + 1_024.0) * 2_f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

/// Writes a document.
#[must_use]
pub fn write(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    item(&mut out, value);
    out
}

fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    match argument {
        0..=23 => out.push(major | argument as u8),
        24..=0xff => out.extend([major | 24, argument as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend((argument as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend((argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend(argument.to_be_bytes());
        }
    }
}

fn item(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(n), _) => head(out, 0, n),
            (None, Some(n)) => head(out, 1, (-1 - n).unsigned_abs()),
            _ => double(out, number.as_f64().unwrap_or(0.0)),
        },
        Value::String(text) => {
            head(out, 3, text.len() as u64);
            out.extend(text.as_bytes());
        }
        Value::Array(list) => {
            head(out, 4, list.len() as u64);
            list.iter().for_each(|one| item(out, one));
        }
        Value::Object(map) => {
            if let (1, Some(seconds)) = (map.len(), map.get(MOMENT).and_then(Value::as_f64)) {
                head(out, 6, 1);
                double(out, seconds);
                return;
            }
            head(out, 5, map.len() as u64);
            for (key, one) in map {
                head(out, 3, key.len() as u64);
                out.extend(key.as_bytes());
                item(out, one);
            }
        }
    }
}

fn double(out: &mut Vec<u8>, number: f64) {
    out.push(0xfb);
    out.extend(number.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_reads_back_as_it_was_written() {
        let document = json!({"a": [1, -7, 1.5, true, null, "ü"], "b": {"n": 4_294_967_296_u64, "m": 300}});
        assert_eq!(read(&write(&document)), Ok(document));
        assert_eq!(read(&write(&moment(1.5))), Ok(json!(1.5)));
    }

    #[test]
    fn open_lengths_and_half_precision_are_read() {
        // {_ "a": [_ 1, 2], "b": (_ "x", "y"), "c": 1.5} with the last in half precision.
        let bytes = b"\xbf\x61a\x9f\x01\x02\xff\x61b\x7f\x61x\x61y\xff\x61c\xf9\x3e\x00\xff";
        assert_eq!(read(bytes), Ok(json!({"a": [1, 2], "b": "xy", "c": 1.5})));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        assert_eq!(read(b"\xa1\x61a"), Err(CborError::Cut));
        assert_eq!(read(&[0x81; 64]), Err(CborError::Deep));
        assert_eq!(read(b"\x1c"), Err(CborError::Unexpected(28)));
    }
}
