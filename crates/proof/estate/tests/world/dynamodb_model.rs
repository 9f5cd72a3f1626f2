//! DynamoDB against a model of a few lines: random items, conditions and updates come out the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fleetwright_estate::call::{ApiError, Service};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::balancing::Scene;

const ATTRIBUTES: [&str; 3] = ["a1", "b2", "c3"];

/// What the model knows of an item: numbers by name.
type Numbers = BTreeMap<&'static str, i64>;

#[derive(Clone, Debug)]
enum Condition {
    Exists(&'static str),
    Compare(&'static str, &'static str, i64),
    Between(&'static str, i64, i64),
    In(&'static str, Vec<i64>),
    Same(&'static str, &'static str),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
}

#[derive(Clone, Debug)]
enum Step {
    Set(i64),
    Plus(&'static str, i64),
    Default(&'static str, i64),
    Add(i64),
    Remove,
}

#[derive(Clone, Debug)]
enum Action {
    Put(Numbers),
    Update(BTreeMap<&'static str, Step>),
    Delete,
}

#[derive(Clone, Debug)]
struct Change {
    partition: u8,
    sort: i64,
    action: Action,
    condition: Option<Condition>,
}

fn attribute() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&ATTRIBUTES[..])
}

fn number() -> impl Strategy<Value = i64> {
    -3_i64..4
}

fn condition() -> impl Strategy<Value = Condition> {
    let signs = prop::sample::select(&["=", "<>", "<", "<=", ">", ">="][..]);
    let leaf = prop_oneof![
        attribute().prop_map(Condition::Exists),
        (attribute(), signs, number()).prop_map(|(a, sign, n)| Condition::Compare(a, sign, n)),
        (attribute(), number(), 0_i64..3).prop_map(|(a, low, more)| Condition::Between(a, low, low + more)),
        (attribute(), prop::collection::vec(number(), 1..4)).prop_map(|(a, all)| Condition::In(a, all)),
        (0_usize..3, 1_usize..3).prop_map(|(a, b)| Condition::Same(ATTRIBUTES[a], ATTRIBUTES[(a + b) % 3])),
    ];
    leaf.prop_recursive(4, 16, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            pair.clone().prop_map(|(one, two)| Condition::And(Box::new(one), Box::new(two))),
            pair.prop_map(|(one, two)| Condition::Or(Box::new(one), Box::new(two))),
            inner.prop_map(|one| Condition::Not(Box::new(one))),
        ]
    })
}

fn change() -> impl Strategy<Value = Change> {
    let step = prop_oneof![
        number().prop_map(Step::Set),
        (attribute(), number()).prop_map(|(a, n)| Step::Plus(a, n)),
        (attribute(), number()).prop_map(|(a, n)| Step::Default(a, n)),
        number().prop_map(Step::Add),
        Just(Step::Remove),
    ];
    let action = prop_oneof![
        prop::collection::btree_map(attribute(), number(), 0..4).prop_map(Action::Put),
        prop::collection::btree_map(attribute(), step, 1..4).prop_map(Action::Update),
        Just(Action::Delete),
    ];
    (0_u8..2, 0_i64..3, action, prop::option::of(condition()))
        .prop_map(|(partition, sort, action, condition)| Change { partition, sort, action, condition })
}

/// An expression with its values.
#[derive(Default)]
struct Written {
    text: String,
    values: Map<String, Value>,
}

impl Written {
    fn value(&mut self, number: i64) -> String {
        let name = format!(":v{}", self.values.len());
        self.values.insert(name.clone(), json!({ "N": number.to_string() }));
        name
    }
}

impl Condition {
    fn holds(&self, item: &Numbers) -> bool {
        let value = |name: &str| item.get(name).copied();
        match self {
            Self::Exists(a) => value(a).is_some(),
            Self::Compare(a, "<>", n) => value(a) != Some(*n),
            Self::Compare(a, sign, n) => value(a).is_some_and(|it| match *sign {
                "=" => it == *n,
                "<" => it < *n,
                "<=" => it <= *n,
                ">" => it > *n,
                _ => it >= *n,
            }),
            Self::Between(a, low, high) => value(a).is_some_and(|it| (*low..=*high).contains(&it)),
            Self::In(a, all) => value(a).is_some_and(|it| all.contains(&it)),
            Self::Same(a, b) => value(a).is_some() && value(a) == value(b),
            Self::And(one, two) => one.holds(item) && two.holds(item),
            Self::Or(one, two) => one.holds(item) || two.holds(item),
            Self::Not(one) => !one.holds(item),
        }
    }

    fn write(&self, to: &mut Written) -> String {
        match self {
            Self::Exists(a) => format!("attribute_exists({a})"),
            Self::Compare(a, sign, n) => format!("{a} {sign} {}", to.value(*n)),
            Self::Between(a, low, high) => format!("{a} BETWEEN {} AND {}", to.value(*low), to.value(*high)),
            Self::In(a, all) => {
                let all: Vec<String> = all.iter().map(|n| to.value(*n)).collect();
                format!("{a} IN ({})", all.join(", "))
            }
            Self::Same(a, b) => format!("{a} = {b}"),
            Self::And(one, two) => format!("{} AND {}", one.inner(to), two.inner(to)),
            Self::Or(one, two) => format!("{} OR {}", one.inner(to), two.inner(to)),
            Self::Not(one) => format!("NOT {}", one.inner(to)),
        }
    }

    /// In parentheses where the order of evaluation would change.
    fn inner(&self, to: &mut Written) -> String {
        match self {
            Self::And(..) | Self::Or(..) => format!("({})", self.write(to)),
            _ => self.write(to),
        }
    }
}

/// What an update makes of an item; nothing where it refers to what is not there.
fn updated(item: &Numbers, steps: &BTreeMap<&'static str, Step>) -> Option<Numbers> {
    let mut after = item.clone();
    for (name, step) in steps {
        match step {
            Step::Set(n) => after.insert(name, *n),
            Step::Plus(from, n) => after.insert(name, item.get(from)? + n),
            Step::Default(from, n) => after.insert(name, item.get(from).copied().unwrap_or(*n)),
            Step::Add(n) => after.insert(name, item.get(name).copied().unwrap_or(0) + n),
            Step::Remove => after.remove(name),
        };
    }
    Some(after)
}

fn write_update(steps: &BTreeMap<&'static str, Step>, to: &mut Written) {
    for (section, is_in) in [
        (
            "SET",
            (|step: &Step| matches!(step, Step::Set(_) | Step::Plus(..) | Step::Default(..)))
                as fn(&Step) -> bool,
        ),
        ("ADD", |step| matches!(step, Step::Add(_))),
        ("REMOVE", |step| matches!(step, Step::Remove)),
    ] {
        let mut parts = Vec::new();
        for (name, step) in steps.iter().filter(|(_, step)| is_in(step)) {
            parts.push(match step {
                Step::Set(n) => format!("{name} = {}", to.value(*n)),
                Step::Plus(from, n) => format!("{name} = {from} + {}", to.value(*n)),
                Step::Default(from, n) => format!("{name} = if_not_exists({from}, {})", to.value(*n)),
                Step::Add(n) => format!("{name} {}", to.value(*n)),
                Step::Remove => (*name).to_owned(),
            });
        }
        if !parts.is_empty() {
            write!(to.text, "{section} {} ", parts.join(", ")).expect("a text takes it");
        }
    }
}

fn item(partition: u8, sort: i64, numbers: &Numbers) -> Value {
    let mut item = key(partition, sort);
    for (name, number) in numbers {
        item[*name] = json!({ "N": number.to_string() });
    }
    item
}

fn key(partition: u8, sort: i64) -> Value {
    json!({ "pk": { "S": format!("p{partition}") }, "sk": { "N": sort.to_string() } })
}

fn ask(scene: &mut Scene, action: &str, document: Value) -> Result<Value, ApiError> {
    scene.json(20, Service::DynamoDb, action, document)
}

fn request(change: &Change) -> (&'static str, Value) {
    let mut written = Written::default();
    let mut document = json!({ "TableName": "model" });
    let verb = match &change.action {
        Action::Put(numbers) => {
            document["Item"] = item(change.partition, change.sort, numbers);
            "PutItem"
        }
        Action::Update(steps) => {
            write_update(steps, &mut written);
            document["UpdateExpression"] = written.text.clone().into();
            "UpdateItem"
        }
        Action::Delete => "DeleteItem",
    };
    if verb != "PutItem" {
        document["Key"] = key(change.partition, change.sort);
    }
    if let Some(condition) = &change.condition {
        document["ConditionExpression"] = condition.write(&mut written).into();
    }
    if !written.values.is_empty() {
        document["ExpressionAttributeValues"] = written.values.into();
    }
    (verb, document)
}

fn table(scene: &mut Scene) {
    let made = json!({
        "TableName": "model",
        "AttributeDefinitions": [
            { "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": "sk", "AttributeType": "N" },
        ],
        "KeySchema": [
            { "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" },
        ],
        "BillingMode": "PAY_PER_REQUEST",
    });
    scene.json(0, Service::DynamoDb, "CreateTable", made).expect("a table");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_change_has_the_effect_that_the_model_says(changes in prop::collection::vec(change(), 1..24), filter in condition()) {
        let mut scene = Scene::new("");
        table(&mut scene);
        let mut model: BTreeMap<(u8, i64), Numbers> = BTreeMap::new();
        for change in changes {
            let at = (change.partition, change.sort);
            let before = model.get(&at).cloned().unwrap_or_default();
            let (verb, document) = request(&change);
            let result = ask(&mut scene, verb, document.clone());
            let allowed = change.condition.as_ref().is_none_or(|condition| condition.holds(&before));
            let after = match &change.action {
                Action::Put(numbers) => Some(Some(numbers.clone())),
                Action::Update(steps) => updated(&before, steps).map(Some),
                Action::Delete => Some(None),
            };
            let expected = match (allowed, &after) {
                (false, _) => "ConditionalCheckFailedException",
                (true, None) => "ValidationException",
                (true, Some(_)) => "",
            };
            let code = result.err().map(|error| error.code.into_owned()).unwrap_or_default();
            prop_assert_eq!(code, expected, "{}", document);
            match after.filter(|_| allowed) {
                Some(Some(numbers)) => drop(model.insert(at, numbers)),
                Some(None) => drop(model.remove(&at)),
                None => {}
            }
        }
        for partition in 0..2 {
            let mut written = Written::default();
            let filter_text = filter.write(&mut written);
            let mut values = written.values;
            values.insert(":p".to_owned(), json!({ "S": format!("p{partition}") }));
            let asked = json!({
                "TableName": "model", "KeyConditionExpression": "pk = :p",
                "FilterExpression": filter_text, "ExpressionAttributeValues": values,
            });
            let found = ask(&mut scene, "Query", asked).expect("an answer");
            let wanted: Vec<Value> = model
                .iter()
                .filter(|((p, _), numbers)| *p == partition && filter.holds(numbers))
                .map(|((p, sort), numbers)| item(*p, *sort, numbers))
                .collect();
            prop_assert_eq!(&found["Items"], &Value::from(wanted));
        }
    }
}
