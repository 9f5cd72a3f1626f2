//! The contract of [`Parameters`](crate::Parameters), below a path that nobody else uses.

use fleetwright_model::{Cell, ErrorClass};

use crate::Parameters;
use crate::parameters::{NewParameter, ParameterKind};

/// Where the suite puts its parameters.
const PATH: &str = "/fleetwright-conformance";

fn parameter(name: &str, value: &str, kind: ParameterKind) -> NewParameter {
    NewParameter { name: format!("{PATH}/{name}"), kind, value: value.into(), key: None }
}

/// Runs the whole suite; what it puts, it deletes.
///
/// # Panics
/// With the rule that was broken.
pub async fn check(parameters: &dyn Parameters, cell: &Cell<'_>) {
    let plain = parameter("plain", "one", ParameterKind::String);
    assert_eq!(parameters.put(cell, &plain).await.expect("it is new"), 1);
    let again = NewParameter { value: "two".into(), ..plain.clone() };
    assert_eq!(parameters.put(cell, &again).await.expect("it is put over the other"), 2);
    let versions = parameters.versions(cell, &plain.name).await;
    let values: Vec<(u64, &str)> = versions.items.iter().map(|it| (it.version, it.value.as_str())).collect();
    assert_eq!((versions.failure.clone(), values), (None, vec![(1, "one"), (2, "two")]));
    let other = NewParameter { kind: ParameterKind::SecureString, ..plain.clone() };
    let refused = parameters.put(cell, &other).await.expect_err("a parameter keeps its type");
    assert_eq!(refused.class, ErrorClass::Permanent, "{refused}");

    let secret = parameter("deep/er/secret", "canary", ParameterKind::SecureString);
    parameters.put(cell, &secret).await.expect("it is new");
    let tag = |value: &str| vec![("Owner".to_owned(), value.to_owned())];
    for value in ["somebody", "conformance"] {
        parameters.tag(cell, &secret.name, &tag(value)).await.expect("it is there");
    }
    assert_eq!(
        parameters.tags(cell, &secret.name).await,
        Ok(tag("conformance")),
        "the later replaces the earlier"
    );
    let nowhere =
        parameters.tag(cell, &format!("{PATH}/never"), &tag("x")).await.expect_err("it is not there");
    assert_eq!(nowhere.class, ErrorClass::NotFound, "{nowhere}");
    let list = parameter("list", "a,b", ParameterKind::StringList);
    parameters.put(cell, &list).await.expect("it is new");
    let long = parameter("long", &"x".repeat(4_097), ParameterKind::String);
    parameters.put(cell, &long).await.expect("an advanced one has room");
    let short = NewParameter { value: "short".into(), ..long };
    parameters.put(cell, &short).await.expect("one that was long may become short");
    for number in 0..52 {
        let many = parameter(&format!("many/p{number:02}"), "1", ParameterKind::String);
        parameters.put(cell, &many).await.expect("it is new");
    }

    let below = parameters.below(cell, PATH).await;
    assert_eq!((below.failure.clone(), below.items.len()), (None, 56), "every page is read");
    assert!(below.items.is_sorted_by(|a, b| a.name < b.name));
    for put in [&again, &secret, &list, &short] {
        let held = below.items.iter().find(|it| it.name == put.name).expect("it is there");
        assert_eq!((held.kind, &held.value), (put.kind, &put.value), "decrypted, as it was put");
        assert!(held.at.is_some());
    }
    assert!(!format!("{below:?}{secret:?}").contains("canary"), "a secret is in no Debug");

    let mut names: Vec<String> = below.items.iter().map(|it| it.name.clone()).collect();
    names.push(format!("{PATH}/never"));
    let read = parameters.named(cell, &names).await.expect("they are read");
    assert_eq!(read.found.len(), 56, "however many are asked for");
    assert_eq!(read.missing, [format!("{PATH}/never")]);
    let gone = parameters.delete(cell, &names).await.expect("they are deleted");
    assert_eq!((gone.found.len(), gone.missing.len()), (56, 1));
    let gone = parameters.delete(cell, &names).await.expect("doing it twice is no error");
    assert_eq!((gone.found.len(), gone.missing.len()), (0, 57));
    assert_eq!(parameters.below(cell, PATH).await.items, []);
}
