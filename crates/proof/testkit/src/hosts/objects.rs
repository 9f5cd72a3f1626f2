use async_trait::async_trait;
use fleetwright_model::{Cell, ErrorClass, Failure, code};
use fleetwright_ports::Objects;

use super::FakeHosts;

/// The IAM action of the call.
const PUT: &str = "s3:PutObject";

impl FakeHosts {
    /// A bucket that may be written to from every cell.
    pub fn add_bucket(&self, bucket: &str) {
        self.lock().buckets.entry(bucket.to_owned()).or_default();
    }

    /// What is under a key of a bucket.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        self.lock().buckets.get(bucket)?.get(key).cloned()
    }
}

#[async_trait]
impl Objects for FakeHosts {
    async fn put(&self, _cell: &Cell<'_>, bucket: &str, key: &str, content: &[u8]) -> Result<(), Failure> {
        self.write(PUT, |state, now| {
            let Some(files) = state.buckets.get_mut(bucket) else {
                let words = format!("the bucket {bucket} does not exist");
                return Err(Failure::new(ErrorClass::NotFound, &code::NOT_FOUND, PUT, &words));
            };
            files.insert(key.to_owned(), content.to_vec());
            state.took_effect(now, PUT, &[], key);
            Ok(())
        })
    }
}
