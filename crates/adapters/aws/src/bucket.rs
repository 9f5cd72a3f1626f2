//! A bucket: the artefacts of runs, and what lies beside them.
//!
//! Sources: Amazon S3 API reference, "GetObject", "ListObjectsV2".

use async_trait::async_trait;
use fleetwright_model::{Cell, ErrorClass, Failure, Region, Text, Zone};
use fleetwright_ports::journal::check_key;
use fleetwright_ports::{Artifacts, JournalError, Objects, RunId};

use crate::Aws;
use crate::clients::Connection;
use crate::operations::{GET_OBJECT, LIST_BUCKET};
use crate::signed::{Request, Signer, form};

/// What S3 says where there is no such object.
const NO_SUCH_KEY: &str = "NoSuchKey";

/// A bucket. Artefacts of a run lie under `runs/<run>/`.
pub struct Bucket {
    aws: Aws,
    zone: Zone,
    region: Region,
    name: Text,
}

impl Bucket {
    /// The bucket of that name, which is in that region, called as that landing zone.
    pub fn new(aws: Aws, zone: Zone, region: Region, name: Text) -> Self {
        Self { aws, zone, region, name }
    }

    /// Where it is, for messages.
    fn place(&self) -> Text {
        format!("bucket {} ({}, {})", self.name, self.zone.account, self.region).into()
    }

    fn refused(&self, failure: &Failure) -> JournalError {
        let (place, cause) = (self.place(), failure.to_string().into());
        match failure.class {
            ErrorClass::Denied | ErrorClass::NotFound => JournalError::Refused { place, cause },
            _ => JournalError::Storage { place, cause },
        }
    }

    fn connection(&self) -> Connection<'_, Signer> {
        self.aws.at(&self.zone, &self.region)
    }

    /// An object; none where there is none of that key.
    ///
    /// # Errors
    /// The key is not of safe segments, or S3 refuses.
    pub async fn get_object(&self, key: &str) -> Result<Option<Vec<u8>>, JournalError> {
        check_key(key, &self.place())?;
        let request = Request {
            service: "s3",
            method: "GET",
            path: format!("/{}/{key}", self.name),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let send = |signer: &Signer| signer.clone().send(request.clone());
        match self.connection().call(&GET_OBJECT, send).await {
            Ok(answered) => Ok(Some(answered.body)),
            Err(failure) if failure.service_code.as_deref() == Some(NO_SUCH_KEY) => Ok(None),
            Err(failure) => Err(self.refused(&failure)),
        }
    }

    /// The keys that begin so, sorted.
    ///
    /// # Errors
    /// S3 refuses.
    pub async fn list_objects(&self, prefix: &str) -> Result<Vec<String>, JournalError> {
        let (mut keys, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("list-type", "2"), ("prefix", prefix)];
            query.extend(token.as_deref().map(|token| ("continuation-token", token)));
            let path = format!("/{}?{}", self.name, form(&query));
            let request =
                Request { service: "s3", method: "GET", path, headers: Vec::new(), body: Vec::new() };
            let send = |signer: &Signer| signer.clone().send(request.clone());
            let answered = self.connection().call(&LIST_BUCKET, send).await;
            let answered = answered.map_err(|failure| self.refused(&failure))?;
            let page = String::from_utf8_lossy(&answered.body);
            keys.extend(elements(&page, "Key").map(str::to_owned));
            token = elements(&page, "NextContinuationToken").next().map(str::to_owned);
            if token.is_none() {
                keys.sort_unstable();
                return Ok(keys);
            }
        }
    }
}

/// What elements of that name hold. The keys we leave, and S3's tokens, have nothing in them that XML escapes.
fn elements<'x>(document: &'x str, name: &str) -> impl Iterator<Item = &'x str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = document;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (held, after) = after.split_once(&close)?;
        rest = after;
        Some(held)
    })
}

fn key_of(run: &RunId, key: &str) -> String {
    format!("runs/{run}/{key}")
}

#[async_trait]
impl Artifacts for Bucket {
    async fn put(&self, run: &RunId, key: &str, bytes: &[u8]) -> Result<(), JournalError> {
        check_key(key, &self.place())?;
        let cell = Cell { zone: &self.zone, region: self.region.clone() };
        let put = Objects::put(&self.aws, &cell, &self.name, &key_of(run, key), bytes).await;
        put.map_err(|failure| self.refused(&failure))
    }

    async fn get(&self, run: &RunId, key: &str) -> Result<Option<Vec<u8>>, JournalError> {
        check_key(key, &self.place())?;
        self.get_object(&key_of(run, key)).await
    }

    async fn list(&self, run: &RunId, prefix: &str) -> Result<Vec<String>, JournalError> {
        let root = key_of(run, "");
        let keys = self.list_objects(&format!("{root}{prefix}")).await?;
        Ok(keys.iter().filter_map(|key| key.strip_prefix(&root)).map(str::to_owned).collect())
    }
}
