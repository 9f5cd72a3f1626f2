//! Selectors over labels, and over labels of nodes.

use serde::{Deserialize, Serialize};

use crate::object::Labels;

/// Which objects are meant: every requirement must hold. One without requirements selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that must have exactly these values.
    pub match_labels: Labels,
    /// Further requirements.
    pub match_expressions: Vec<Requirement>,
}

/// A requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// What must hold of it.
    pub operator: Operator,
    /// Values to compare with.
    #[serde(default)]
    pub values: Vec<String>,
}

/// How a label is compared. `Gt` and `Lt` are for nodes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    /// The value is one of those given.
    In,
    /// The value is none of those given, or the label is absent.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// The value is a whole number above the one given.
    Gt,
    /// The value is a whole number below the one given.
    Lt,
}

impl LabelSelector {
    /// Selects by one label.
    pub fn label(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { match_labels: [(key.into(), value.into())].into(), match_expressions: Vec::new() }
    }

    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|requirement| requirement.holds(labels))
    }
}

impl Requirement {
    /// Whether it holds of an object with these labels.
    pub fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let number = |text: &String| text.parse::<i64>().ok();
        let compare = |holds: fn(i64, i64) -> bool| {
            let bound = self.values.first().and_then(number).filter(|_| self.values.len() == 1);
            value.and_then(number).zip(bound).is_some_and(|(value, bound)| holds(value, bound))
        };
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
            Operator::Gt => compare(|value, bound| value > bound),
            Operator::Lt => compare(|value, bound| value < bound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(operator: Operator, values: &[&str], label: Option<&str>) -> bool {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        let labels = label.map(|value| ("k".to_owned(), value.to_owned())).into_iter().collect();
        Requirement { key: "k".into(), operator, values }.holds(&labels)
    }

    #[test]
    fn each_operator_judges_values_and_absent_labels() {
        assert!(holds(Operator::In, &["a", "b"], Some("b")));
        assert!(!holds(Operator::In, &["a"], None));
        assert!(holds(Operator::NotIn, &["a"], Some("b")));
        assert!(holds(Operator::NotIn, &["a"], None));
        assert!(!holds(Operator::NotIn, &["a"], Some("a")));
        assert!(holds(Operator::Exists, &[], Some("")));
        assert!(holds(Operator::DoesNotExist, &[], None));
        assert!(holds(Operator::Gt, &["9"], Some("10")));
        assert!(holds(Operator::Lt, &["10"], Some("9")));
        assert!(!holds(Operator::Gt, &["x"], Some("10")));
        assert!(!holds(Operator::Lt, &["1", "2"], Some("0")));
    }

    #[test]
    fn all_requirements_must_hold_and_none_selects_everything() {
        assert!(LabelSelector::default().matches(&Labels::new()));
        let mut selector = LabelSelector::label("app", "web");
        let labels: Labels = [("app".to_owned(), "web".to_owned())].into();
        assert!(selector.matches(&labels));
        selector.match_expressions.push(Requirement {
            key: "app".into(),
            operator: Operator::DoesNotExist,
            values: vec![],
        });
        assert!(!selector.matches(&labels));
    }
}
