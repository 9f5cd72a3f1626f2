//! References of container images.

use std::fmt;

/// A reference taken apart: `registry/repository:tag@digest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef {
    /// The registry's host, where one is named.
    pub registry: Option<String>,
    /// The repository within it, such as `eks/kube-proxy`.
    pub repository: String,
    /// The tag.
    pub tag: Option<String>,
    /// The digest, such as `sha256:…`.
    pub digest: Option<String>,
}

impl ImageRef {
    /// Takes a reference apart; `None` where it is none.
    ///
    /// Source: distribution/reference, "Grammar": the part before the first slash is a host where it has a dot or
    /// a colon, or is `localhost`.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) if digest.contains(':') => (rest, Some(digest.to_owned())),
            Some(_) => return None,
            None => (text, None),
        };
        let (registry, path) = match rest.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
            _ => (None, rest),
        };
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (path, None),
        };
        let word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        };
        (word(repository) && tag.is_none_or(word)).then(|| Self {
            registry: registry.map(str::to_owned),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }

    /// The last part of the repository: the image's own name.
    pub fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or(&self.repository)
    }

    /// The version that the tag begins with, such as 1.33.5 of `v1.33.5-eksbuild.2`: major, minor, patch.
    pub fn version(&self) -> Option<(u32, u32, u32)> {
        let tag = self.tag.as_deref()?;
        let numbers = tag.strip_prefix('v').unwrap_or(tag);
        let numbers = numbers.split(['-', '+', '_']).next()?;
        let mut parts = numbers.split('.').map(str::parse);
        let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
        let patch = parts.next().unwrap_or(Ok(0)).ok()?;
        parts.next().is_none().then_some((major, minor, patch))
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}/")?;
        }
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart_and_put_together() {
        let eks = "602401143452.dkr.ecr.eu-central-1.amazonaws.com/eks/kube-proxy:v1.33.5-minimal-eksbuild.2";
        let read = ImageRef::parse(eks).expect("a reference");
        assert_eq!((read.name(), read.version()), ("kube-proxy", Some((1, 33, 5))));
        assert_eq!(read.to_string(), eks);
        let port = ImageRef::parse("localhost:5000/app@sha256:abc").expect("a reference");
        assert_eq!((port.registry.as_deref(), port.tag.as_deref()), (Some("localhost:5000"), None));
        assert_eq!(port.digest.as_deref(), Some("sha256:abc"));
        assert_eq!(ImageRef::parse("library/nginx").and_then(|image| image.version()), None);
        for text in ["", "a b", "x@y", ":tag"] {
            assert_eq!(ImageRef::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_version_is_what_the_tag_begins_with() {
        let of = |tag: &str| ImageRef::parse(&format!("x:{tag}")).and_then(|image| image.version());
        assert_eq!(of("v1.11.4"), Some((1, 11, 4)));
        assert_eq!(of("1.9"), Some((1, 9, 0)));
        assert_eq!(of("latest"), None);
        assert_eq!(of("2024.01.02.3"), None);
    }
}
