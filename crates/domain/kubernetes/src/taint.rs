//! Taints of nodes and what pods put up with.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a taint does to pods that do not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// They are not placed there.
    NoSchedule,
    /// They are placed elsewhere where that is possible.
    PreferNoSchedule,
    /// They are not placed there, and those that run there go.
    NoExecute,
}

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value; may be empty.
    #[serde(default)]
    pub value: String,
    /// What it does.
    pub effect: Effect,
}

/// A toleration of a pod. `seconds` for which a `NoExecute` taint is put up with are left out: they delay only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toleration {
    /// The key; `None` with [`Tolerated::Any`] tolerates every key.
    pub key: Option<String>,
    /// Which values.
    pub value: Tolerated,
    /// The effect; `None` for every effect.
    pub effect: Option<Effect>,
}

/// Which values of a taint are tolerated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tolerated {
    /// Operator `Exists`.
    Any,
    /// Operator `Equal`.
    Equal(String),
}

impl Toleration {
    /// A toleration of everything, as agents on every node have it.
    pub fn everything() -> Self {
        Self { key: None, value: Tolerated::Any, effect: None }
    }

    /// Whether it tolerates a taint.
    ///
    /// Source: kubernetes.io, "Taints and Tolerations".
    pub fn tolerates(&self, taint: &Taint) -> bool {
        let key = match (&self.key, &self.value) {
            (None, value) => *value == Tolerated::Any,
            (Some(key), _) => *key == taint.key,
        };
        let value = match &self.value {
            Tolerated::Any => true,
            Tolerated::Equal(value) => *value == taint.value,
        };
        key && value && self.effect.is_none_or(|effect| effect == taint.effect)
    }

    /// Whether it tolerates what a cordoned or tainted node keeps pods away with, whatever the key.
    pub fn tolerates_everything(&self) -> bool {
        self.key.is_none() && self.value == Tolerated::Any && self.effect != Some(Effect::PreferNoSchedule)
    }
}

/// The first taint that keeps a pod with these tolerations from being placed.
pub fn untolerated<'a>(taints: &'a [Taint], tolerations: &[Toleration]) -> Option<&'a Taint> {
    let bars = |taint: &&Taint| {
        taint.effect != Effect::PreferNoSchedule && !tolerations.iter().any(|of| of.tolerates(taint))
    };
    taints.iter().find(bars)
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.as_str() {
            "" => write!(f, "{}:{:?}", self.key, self.effect),
            value => write!(f, "{}={value}:{:?}", self.key, self.effect),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taint(effect: Effect) -> Taint {
        Taint { key: "gpu".into(), value: "yes".into(), effect }
    }

    fn toleration(key: Option<&str>, value: Option<&str>, effect: Option<Effect>) -> Toleration {
        let value = value.map_or(Tolerated::Any, |value| Tolerated::Equal(value.into()));
        Toleration { key: key.map(str::to_owned), value, effect }
    }

    #[test]
    fn key_value_and_effect_must_fit() {
        let taint = taint(Effect::NoSchedule);
        for (tolerates, toleration) in [
            (true, toleration(Some("gpu"), Some("yes"), Some(Effect::NoSchedule))),
            (true, toleration(Some("gpu"), None, None)),
            (true, Toleration::everything()),
            (false, toleration(Some("gpu"), Some("no"), None)),
            (false, toleration(Some("cpu"), None, None)),
            (false, toleration(Some("gpu"), None, Some(Effect::NoExecute))),
            (false, toleration(None, Some("yes"), None)),
        ] {
            assert_eq!(toleration.tolerates(&taint), tolerates, "{toleration:?}");
        }
    }

    #[test]
    fn a_preference_keeps_nobody_away() {
        assert_eq!(untolerated(&[taint(Effect::PreferNoSchedule)], &[]), None);
        let taints = [taint(Effect::PreferNoSchedule), taint(Effect::NoExecute)];
        assert_eq!(untolerated(&taints, &[]).map(Taint::to_string), Some("gpu=yes:NoExecute".into()));
    }
}
