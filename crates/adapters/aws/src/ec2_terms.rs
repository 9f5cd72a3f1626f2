//! Filters and tags as EC2 takes and gives them.

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use fleetwright_model::{Tags, Text};

use crate::interner::Interner;

/// Values of one filter per call at most. Source: EC2 API reference, Filter.
pub(crate) const MOST_FILTER_VALUES: usize = 200;

/// A filter with these values, taken literally: EC2 reads `*` and `?` as wildcards.
/// Source: EC2 user guide, "Filter your resources".
pub(crate) fn literal<'t>(name: &str, values: impl IntoIterator<Item = &'t str>) -> Filter {
    let values = values.into_iter().map(escaped).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '*' | '?' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// Tags that the creating call sets on what it makes.
pub(crate) fn tagging(kind: ResourceType, tags: &Tags) -> Option<TagSpecification> {
    let tag = |(key, value): (&Text, &Text)| Tag::builder().key(&**key).value(&**value).build();
    let list: Vec<Tag> = tags.iter().map(tag).collect();
    let specification = TagSpecification::builder().resource_type(kind).set_tags(Some(list));
    (!tags.is_empty()).then(|| specification.build())
}

/// The tags of an answer.
pub(crate) fn tags(tags: Option<Vec<Tag>>, texts: &Interner) -> Tags {
    let tags = tags.unwrap_or_default().into_iter();
    tags.filter_map(|tag| Some((texts.share(&tag.key?), texts.share(&tag.value.unwrap_or_default()))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_wildcards_is_meant_as_it_stands() {
        let filter = literal("tag:a", ["50% *really*?", "c:\\temp"]);
        assert_eq!(filter.values(), ["50% \\*really\\*\\?", "c:\\\\temp"]);
    }

    #[test]
    fn nothing_is_said_of_tags_where_there_are_none() {
        assert_eq!(tagging(ResourceType::Image, &Tags::new()), None);
    }
}
