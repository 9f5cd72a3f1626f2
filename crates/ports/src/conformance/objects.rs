//! The contract of [`Objects`](crate::Objects), against one bucket that is there.

use fleetwright_model::{Cell, ErrorClass};

use crate::Objects;

/// Reads what is under a key of the bucket, apart from the port.
pub type Read<'a> = &'a (dyn Fn(&str) -> Option<Vec<u8>> + Sync);

/// Runs the whole suite.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(objects: &dyn Objects, cell: &Cell<'_>, bucket: &str, read: Read<'_>) {
    let key = "fleetwright/run-1/111122223333/eu-central-1/amazon-linux.yaml";
    assert_eq!(objects.put(cell, bucket, key, b"patches: []\n").await, Ok(()), "a bucket that is there");
    assert_eq!(read(key).as_deref(), Some(&b"patches: []\n"[..]), "a file comes back byte for byte");
    assert_eq!(objects.put(cell, bucket, key, b"shorter").await, Ok(()), "a file may be replaced");
    assert_eq!(read(key).as_deref(), Some(&b"shorter"[..]), "the newest content counts");
    assert_eq!(read("fleetwright"), None, "what holds files is no file");
    let refused = objects.put(cell, "nobody-has-this-bucket", key, b"x").await;
    let class = refused.expect_err("there is no such bucket").class;
    assert_eq!(class, ErrorClass::NotFound);
}
