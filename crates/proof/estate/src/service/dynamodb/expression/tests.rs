//! Every error of the parser, and what expressions do to items.

use serde_json::{Value as Json, json};

use super::{Condition, KeyCondition, Kind, Placeholders, Projection, Update, apply, holds};
use crate::service::dynamodb::attribute::{read_item, write_item};
use crate::world::tables::attribute::Item;
use crate::world::tables::{KeyKind, KeyPart, Schema};

fn placeholders() -> Placeholders {
    let document = json!({
        "ExpressionAttributeNames": { "#s": "status", "#d": "a.b" },
        "ExpressionAttributeValues": {
            ":one": { "N": "1" }, ":two": { "N": "2" }, ":text": { "S": "text" }, ":flag": { "BOOL": true },
            ":set": { "SS": ["a", "b"] }, ":list": { "L": [{ "S": "x" }] }, ":type": { "S": "S" }, ":empty": { "L": [] },
        },
    });
    Placeholders::read(document.as_object().expect("members")).expect("placeholders")
}

fn schema() -> Schema {
    let part = |name: &str, kind| KeyPart { name: name.to_owned(), kind };
    Schema { partition: part("pk", KeyKind::S), sort: Some(part("sk", KeyKind::N)) }
}

/// What is wrong with an expression.
fn problem(kind: Kind, text: &str) -> String {
    let placeholders = placeholders();
    let result = match kind {
        Kind::Condition | Kind::Filter => Condition::parse(kind, text, &placeholders).map(|_| ()),
        Kind::KeyCondition => KeyCondition::parse(text, &placeholders, &schema()).map(|_| ()),
        Kind::Projection => Projection::parse(text, &placeholders).map(|_| ()),
        Kind::Update => Update::parse(text, &placeholders).map(|_| ()),
    };
    let message = result.expect_err(text).message;
    message.strip_prefix(&format!("Invalid {}: ", kind.name())).unwrap_or(&message).to_owned()
}

#[test]
fn a_condition_that_cannot_be_read_says_where() {
    for (text, expected) in [
        (" ", "The expression can not be empty;"),
        ("a = ", "Syntax error; token: \"<EOF>\", near: \"=\""),
        ("a b c", "Syntax error; token: \"b\", near: \"a b c\""),
        ("a = :one)", "Syntax error; token: \")\", near: \":one)\""),
        ("(a = :one", "Syntax error; token: \"<EOF>\", near: \":one\""),
        ("a = 1", "Syntax error; token: \"1\", near: \"= 1\""),
        ("a = $b", "Syntax error; token: \"$\", near: \"a = $b\""),
        ("_a = :one", "Syntax error; token: \"_\", near: \"_a = :\""),
        ("a[:one] = :one", "Syntax error; token: \":one\", near: \"[:one]\""),
        ("status = :one", "Attribute name is a reserved keyword; reserved keyword: status"),
        ("a.data = :one", "Attribute name is a reserved keyword; reserved keyword: data"),
        (
            "#n = :one",
            "An expression attribute name used in the document path is not defined; attribute name: #n",
        ),
        ("a = :n", "An expression attribute value used in expression is not defined; attribute value: :n"),
        ("shout(a)", "Invalid function name; function: shout"),
        ("Size(a) = :one", "Invalid function name; function: Size"),
        ("size(a)", "Syntax error; token: \"<EOF>\", near: \")\""),
        (
            "a = contains(b, :one)",
            "The function is not allowed to be used this way in an expression; function: contains",
        ),
        (
            "if_not_exists(a, :one)",
            "The function is not allowed to be used this way in an expression; function: if_not_exists",
        ),
        (
            "begins_with(a)",
            "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1",
        ),
        (
            "size(a, b) = :one",
            "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2",
        ),
        (
            "begins_with(a, :one)",
            "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
        ),
        (
            "size(:text) = :one",
            "Incorrect operand type for operator or function; operator or function: size, operand type: S",
        ),
        (
            "a < :flag",
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
        (
            "attribute_exists(:one)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "attribute_type(a, :text)",
            "Invalid attribute type name found; type: text, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        (
            "a = a",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]",
        ),
        ("((a = :one))", "The expression has redundant parentheses;"),
        (
            "a BETWEEN :two AND :one",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
        ),
        (
            "a BETWEEN :one AND :text",
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:text}",
        ),
        (
            "a[99999999999999999999] = :one",
            "List index is not within the allowable range; index: [99999999999999999999]",
        ),
    ] {
        assert_eq!(problem(Kind::Condition, text), expected, "{text}");
    }
    let long = format!("a = :one{}", " ".repeat(4_096));
    assert!(problem(Kind::Filter, &long).ends_with("expression size: 4104"));
    let deep = format!("{}a = :one{}", "NOT (".repeat(65), ")".repeat(65));
    assert_eq!(problem(Kind::Condition, &deep), "The expression is nested too deeply");
}

#[test]
fn an_update_that_cannot_be_read_says_why() {
    for (text, expected) in [
        ("a = :one", "Syntax error; token: \"a\", near: \"a =\""),
        ("SET a = :one SET b = :two", "The \"SET\" section can only be used once in an update expression;"),
        ("SET a :one", "Syntax error; token: \":one\", near: \"a :one\""),
        (
            "SET a = :one, a.b = :two",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]",
        ),
        (
            "SET a[0] = :one REMOVE a.b",
            "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [0]], path two: [a, b]",
        ),
        (
            "SET a = :one + :text",
            "Incorrect operand type for operator or function; operator or function: +, operand type: S",
        ),
        (
            "SET a = list_append(a, :one)",
            "Incorrect operand type for operator or function; operator or function: list_append, operand type: N",
        ),
        (
            "SET a = if_not_exists(:one, :two)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "SET a = if_not_exists(b)",
            "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
        ),
        ("SET a = size(b)", "The function is not allowed in an update expression; function: size"),
        ("SET a = shout(b)", "Invalid function name; function: shout"),
        ("ADD a b", "Syntax error; token: \"b\", near: \"a b\""),
        (
            "ADD a :text",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
        ),
        (
            "DELETE a :one",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
        ),
    ] {
        assert_eq!(problem(Kind::Update, text), expected, "{text}");
    }
}

#[test]
fn a_key_condition_that_is_none_says_why() {
    for (text, expected) in [
        ("sk = :one", "Query condition missed key schema element: pk"),
        ("pk = :text AND further = :one", "Query condition missed key schema element: sk"),
        ("pk < :text", "Query key condition not supported"),
        (
            "pk = :one",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        ("pk = :text OR sk = :one", "Invalid operator used in KeyConditionExpression: OR"),
        ("pk = :text AND sk <> :one", "Invalid operator used in KeyConditionExpression: <>"),
        (
            "pk = :text AND sk > :one AND sk < :two",
            "KeyConditionExpressions must only contain one condition per key",
        ),
        ("pk.a = :text", "KeyConditionExpressions cannot have conditions on nested attributes"),
        ("attribute_exists(pk)", "Invalid operator used in KeyConditionExpression: attribute_exists"),
        ("pk = sk", "Query key condition not supported"),
    ] {
        assert_eq!(problem(Kind::KeyCondition, text), expected, "{text}");
    }
    assert!(problem(Kind::Projection, "a, a[0]").starts_with("Two document paths overlap"));
    assert_eq!(problem(Kind::Projection, "a,"), "Syntax error; token: \"<EOF>\", near: \",\"");
}

#[test]
fn what_is_given_and_not_used_is_refused() {
    let unused = |document: Json, expressions: bool| {
        let read = Placeholders::read(document.as_object().expect("members"));
        read.and_then(|it| it.all_used(expressions)).expect_err("refused").message
    };
    let names = json!({ "ExpressionAttributeNames": { "#a": "a" } });
    assert_eq!(
        unused(names.clone(), false),
        "ExpressionAttributeNames can only be specified when using expressions"
    );
    assert_eq!(
        unused(names, true),
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}"
    );
    let empty = json!({ "ExpressionAttributeValues": {} });
    assert_eq!(unused(empty, true), "ExpressionAttributeValues must not be empty");
    let odd = json!({ "ExpressionAttributeValues": { "v": { "S": "x" } } });
    assert_eq!(unused(odd, true), "ExpressionAttributeValues contains invalid key: Syntax error; key: \"v\"");
}

fn item() -> Item {
    let document = json!({
        "pk": { "S": "text" },
        "status": { "S": "running" },
        "n": { "N": "1.0" },
        "a.b": { "S": "dotted" },
        "kinds": { "SS": ["a", "b"] },
        "series": { "L": [{ "S": "x" }, { "S": "y" }, { "M": { "deep": { "N": "2" } } }] },
        "tree": { "M": { "leaf": { "S": "text" } } },
    });
    read_item(&document, "Item").expect("an item")
}

#[test]
fn a_condition_is_held_against_an_item() {
    let item = item();
    for (text, expected) in [
        ("n = :one", true),
        ("n <> :one", false),
        ("absent <> :one", true),
        ("absent = :one", false),
        ("absent < :one", false),
        ("NOT absent < :one", true),
        ("#d = :text OR #s > :text AND n = :one", false),
        ("(#d = :text OR n = :one) AND n < :two", true),
        ("n in (:two, :one)", true),
        ("n between :one and :two", true),
        ("begins_with(tree.leaf, :text)", true),
        ("contains(series, :text) or contains(#s, :text)", false),
        ("series[2].deep = :two", true),
        ("series[3].deep = :two", false),
        ("size(series) > :two and size(pk) > :two", true),
        ("size(n) = :one", false),
        ("kinds = :set", true),
        ("attribute_type(pk, :type)", true),
        ("attribute_exists(tree.leaf) AND attribute_not_exists(tree.twig)", true),
        ("pk = tree.leaf", true),
        ("pk < :one", false),
    ] {
        let condition = Condition::parse(Kind::Condition, text, &placeholders()).expect(text);
        assert_eq!(holds(&condition, &item), expected, "{text}");
    }
}

#[test]
fn an_update_takes_every_value_from_the_item_as_it_was() {
    let updated = |text: &str| {
        let update = Update::parse(text, &placeholders()).expect(text);
        apply(&update, &item()).map(|item| write_item(&item)).map_err(|error| error.message)
    };
    let swapped = updated("SET pk = #s, #s = pk").expect("it fits");
    assert_eq!((&swapped["pk"], &swapped["status"]), (&json!({ "S": "running" }), &json!({ "S": "text" })));
    let removed = updated("REMOVE series[0], series[1], series[9], absent").expect("it fits");
    assert_eq!(removed["series"], json!({ "L": [{ "M": { "deep": { "N": "2" } } }] }));
    let filled =
        updated("SET series[9] = :two, series[8] = :one, series[2].more = n - :two").expect("it fits");
    assert_eq!(
        filled["series"]["L"].as_array().map(|it| it[3..].to_vec()),
        Some(vec![json!({ "N": "1" }), json!({ "N": "2" })])
    );
    assert_eq!(filled["series"]["L"][2]["M"]["more"], json!({ "N": "-1" }));
    let emptied = updated("DELETE #s :set").expect_err("a text is no set");
    assert_eq!(emptied, "An operand in the update expression has an incorrect data type");
    assert!(updated("DELETE kinds :set").expect("it fits").get("kinds").is_none(), "no set is empty");
    for (text, message) in [
        (
            "SET absent.part = :one",
            "The document path provided in the update expression is invalid for update",
        ),
        ("REMOVE n.part", "The document path provided in the update expression is invalid for update"),
        ("SET a = absent", "The provided expression refers to an attribute that does not exist in the item"),
        ("SET a = pk + :one", "An operand in the update expression has an incorrect data type"),
        ("ADD pk :one", "An operand in the update expression has an incorrect data type"),
    ] {
        assert_eq!(updated(text), Err(message.to_owned()), "{text}");
    }
}

#[test]
fn a_projection_keeps_the_shape_and_nothing_else() {
    let projection = Projection::parse("#d, series[2].deep, series[0], tree.twig, absent", &placeholders());
    let shown = write_item(&projection.expect("a projection").pick(&item()));
    let list = json!({ "L": [{ "S": "x" }, { "M": { "deep": { "N": "2" } } }] });
    assert_eq!(shown, json!({ "a.b": { "S": "dotted" }, "series": list }));
}
