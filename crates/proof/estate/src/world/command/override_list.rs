//! `InstallOverrideList`: exactly these patches instead of those that the baseline approves.
//!
//! Sources: Systems Manager user guide, "SSM Command document for patching: AWS-RunPatchBaseline",
//! parameter `InstallOverrideList`, and "Sample scenario for using the InstallOverrideList parameter".

use jiff::Timestamp;

use crate::authorize::role_may;
use crate::policy::pattern;
use crate::world::ids::InstanceId;
use crate::world::instance_types::Architecture;
use crate::world::patch_catalog::Patch;
use crate::world::platform::Platform;
use crate::world::timeline::Place;

/// A list as it is written in YAML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverrideList {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    /// On Linux the package with its architecture, with `*`; on Windows the article.
    id: String,
    /// On Linux the version, with `*`; any where absent. On Windows a note.
    title: Option<String>,
}

impl OverrideList {
    /// Reads a list: `patches:` and below it entries with `id` and `title`; other fields are notes.
    ///
    /// # Errors
    /// The line that is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut begun = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') || line == "---" {
                continue;
            }
            if line == "patches:" {
                begun = true;
                continue;
            }
            let field = match line.strip_prefix('-') {
                Some(rest) => {
                    entries.push(Entry::default());
                    rest.trim()
                }
                None => line,
            };
            if field.is_empty() {
                continue;
            }
            let read = field.split_once(':').filter(|_| begun);
            let (Some((name, value)), Some(entry)) = (read, entries.last_mut()) else {
                return Err(format!("line {}: \"{line}\" is not an entry of patches", number + 1));
            };
            let value = scalar(value.trim())
                .ok_or_else(|| format!("line {}: \"{line}\" is not a text", number + 1))?;
            match name.trim() {
                "id" => entry.id = value,
                "title" => entry.title = Some(value),
                _ => {}
            }
        }
        match entries.iter().position(|entry| entry.id.is_empty()) {
            Some(place) => Err(format!("entry {} has no id", place + 1)),
            None if !begun => Err("it has no patches".to_owned()),
            None => Ok(Self { entries }),
        }
    }

    /// Whether the patch is on the list, as a host of that kind knows it.
    #[must_use]
    pub fn names(&self, patch: &Patch, platform: Platform, architecture: Architecture) -> bool {
        self.entries.iter().any(|entry| {
            if platform.is_windows() {
                return pattern::matches(&entry.id, patch.id);
            }
            let [_, version] = patch.versions(platform);
            let version = format!("0:{version}");
            pattern::matches(&entry.id, &format!("{}.{}", patch.title, architecture.name()))
                && entry.title.as_ref().is_none_or(|title| pattern::matches(title, &version))
        })
    }
}

/// A YAML scalar in quotes of either kind, or plain.
fn scalar(text: &str) -> Option<String> {
    for quote in ['\'', '"'] {
        if let Some(rest) = text.strip_prefix(quote) {
            let inner = rest.strip_suffix(quote)?;
            return Some(if quote == '\'' { inner.replace("''", "'") } else { inner.to_owned() });
        }
    }
    Some(text.to_owned())
}

/// Bucket and key of an address: `s3://…`, or `https://…` with the bucket in the path or the name.
fn address(url: &str) -> Option<(&str, &str)> {
    if let Some(path) = url.strip_prefix("s3://") {
        return path.split_once('/');
    }
    let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
    if !host.ends_with(".amazonaws.com") {
        return None;
    }
    match host.find(".s3.").or_else(|| host.find(".s3-")) {
        Some(end) => Some((&host[..end], path)),
        None if host.starts_with("s3.") || host.starts_with("s3-") => path.split_once('/'),
        None => None,
    }
}

/// Fetches the list with the instance profile's permissions.
///
/// # Errors
/// What the document prints where it cannot.
pub(super) fn fetch(
    place: &Place<'_>,
    id: InstanceId,
    url: &str,
    at: Timestamp,
) -> Result<OverrideList, String> {
    let unable = |why: &str| format!("Unable to retrieve install override list from {url}: {why}\n");
    let (bucket, key) = address(url).ok_or_else(|| unable("the URL is not one of S3"))?;
    let profile = place.region.instances.get(id).and_then(|it| it.profile.clone());
    let arn = format!("arn:aws:s3:::{bucket}/{key}");
    let allowed = profile.is_some_and(|role| role_may(place, &role, "s3:GetObject", &arn, at));
    let known = place.outside.buckets.get(bucket).ok_or_else(|| unable("NoSuchBucket"))?;
    if !allowed || known.owner != place.account {
        return Err(unable("An error occurred (403) when calling the GetObject operation: Forbidden"));
    }
    let object = known.get(key).ok_or_else(|| unable("NoSuchKey"))?;
    OverrideList::parse(&String::from_utf8_lossy(&object.content)).map_err(|why| unable(&why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::patch_catalog::patches;

    #[test]
    fn the_sample_of_the_guide_is_read() {
        let sample = "patches:\n    -\n        id: 'kernel.x86_64'\n    -\n        id: 'bind*.x86_64'\n        \
                      title: '32:9.8.2*'\n    - id: glibc*\n      title: \"*\"\n      note: 'ours'\n";
        let list = OverrideList::parse(sample).expect("a list");
        let on = |title: &str| {
            let platform = Platform::AmazonLinux2023;
            let patch = patches(platform).iter().find(|it| it.title == title).expect("a patch");
            list.names(patch, platform, Architecture::X86)
        };
        assert!(on("kernel") && on("glibc"));
        assert!(!on("bind-utils"), "another version");
        assert!(!on("openssl"));
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_line() {
        for (text, problem) in [
            ("", "no patches"),
            ("packages:\n- id: a\n", "line 1"),
            ("patches:\n- title: 'x'\n", "no id"),
            ("patches:\nid: a\n", "line 2"),
            ("patches:\n- id: 'a\n", "line 2"),
        ] {
            let error = OverrideList::parse(text).expect_err(text);
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn every_form_of_address_leads_to_the_object() {
        for url in [
            "s3://lists/a/b.yaml",
            "https://s3.eu-central-1.amazonaws.com/lists/a/b.yaml",
            "https://s3-eu-central-1.amazonaws.com/lists/a/b.yaml",
            "https://s3.amazonaws.com/lists/a/b.yaml",
            "https://lists.s3.eu-central-1.amazonaws.com/a/b.yaml",
        ] {
            assert_eq!(address(url), Some(("lists", "a/b.yaml")), "{url}");
        }
        for url in ["lists/a.yaml", "s3://lists", "https://example.org/lists/a.yaml"] {
            assert_eq!(address(url), None, "{url}");
        }
    }
}
