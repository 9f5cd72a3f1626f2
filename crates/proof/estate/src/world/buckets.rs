//! S3's buckets and their objects. Names are global: no two accounts have a bucket of the same name.

use std::collections::BTreeMap;
use std::collections::btree_map::Range;
use std::ops::Bound;

use bytes::Bytes;
use jiff::Timestamp;
use md5::{Digest, Md5};

use super::AccountId;

/// Every bucket of every account.
#[derive(Debug, Default)]
pub struct Buckets {
    by_name: BTreeMap<String, Bucket>,
}

/// A bucket.
#[derive(Debug)]
pub struct Bucket {
    /// The account that owns it, and without bucket policies the only one that gets in.
    pub owner: AccountId,
    /// The region it is in.
    pub region: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether Object Lock keeps what is put into it: uploads need a checksum, and what is there stays.
    pub object_lock: bool,
    objects: BTreeMap<String, Object>,
}

/// An object.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its content.
    pub content: Bytes,
    /// When it was put.
    pub modified_at: Timestamp,
    /// The headers it was put with and is given back with, by name: its type, encoding, metadata,
    /// encryption and checksum.
    pub headers: Vec<(String, String)>,
    /// The MD5 of the content in hexadecimal, which without multipart uploads is its `ETag`.
    pub md5: String,
}

impl Object {
    /// An object with this content.
    #[must_use]
    pub fn new(content: Bytes, headers: Vec<(String, String)>, at: Timestamp) -> Self {
        let md5 = hex::encode(Md5::digest(&content));
        Self { content, modified_at: at, headers, md5 }
    }

    /// The `ETag`, quotes included.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.md5)
    }
}

impl Buckets {
    /// The bucket of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Bucket> {
        self.by_name.get(name)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Bucket> {
        self.by_name.get_mut(name)
    }

    /// The buckets of an account, by name.
    pub fn of<'b>(&'b self, account: &'b str) -> impl Iterator<Item = (&'b str, &'b Bucket)> {
        self.by_name
            .iter()
            .filter(move |(_, bucket)| bucket.owner == account)
            .map(|(name, bucket)| (name.as_str(), bucket))
    }

    /// Makes an empty bucket; one that is there already is left alone.
    pub fn create(&mut self, name: &str, owner: &str, region: &str, at: Timestamp) -> &mut Bucket {
        self.by_name.entry(name.to_owned()).or_insert_with(|| Bucket {
            owner: owner.to_owned(),
            region: region.to_owned(),
            created_at: at,
            object_lock: false,
            objects: BTreeMap::new(),
        })
    }
}

impl Bucket {
    /// The object with that key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Object> {
        self.objects.get(key)
    }

    /// Puts an object; an earlier one with that key is gone.
    pub fn put(&mut self, key: &str, object: Object) {
        self.objects.insert(key.to_owned(), object);
    }

    /// Deletes an object and gives it back; `None` where there was none.
    pub fn delete(&mut self, key: &str) -> Option<Object> {
        self.objects.remove(key)
    }

    /// The objects whose keys come after `key`, in the order of their bytes.
    pub fn after(&self, key: &str) -> Range<'_, String, Object> {
        match key {
            "" => self.objects.range::<str, _>((Bound::Unbounded, Bound::Unbounded)),
            key => self.objects.range::<str, _>((Bound::Excluded(key), Bound::Unbounded)),
        }
    }

    /// The objects whose keys are `key` or come after it.
    pub fn from(&self, key: &str) -> Range<'_, String, Object> {
        self.objects.range::<str, _>((Bound::Included(key), Bound::Unbounded))
    }
}

/// Whether S3 takes this name for a bucket
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
#[must_use]
pub fn is_bucket_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = |end: Option<&u8>| end.copied().is_some_and(plain);
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| plain(b) || b == b'-' || b == b'.')
        && ends(name.as_bytes().first())
        && ends(name.as_bytes().last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_s3_takes() {
        for good in ["abc", "fleet-output.eu-1", "0a0"] {
            assert!(is_bucket_name(good), "{good}");
        }
        for bad in ["ab", "Abc", "a_c", "-ab", "ab.", "a..b", "127.0.0.1", &"a".repeat(64)] {
            assert!(!is_bucket_name(bad), "{bad}");
        }
    }

    #[test]
    fn an_etag_is_the_quoted_md5() {
        // RFC 1321, appendix A.5.
        let object = Object::new(Bytes::from_static(b"abc"), Vec::new(), Timestamp::UNIX_EPOCH);
        assert_eq!(object.etag(), "\"900150983cd24fb0d6963f7d28e17f72\"");
    }
}
