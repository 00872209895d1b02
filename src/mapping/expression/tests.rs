//! The language: what is refused and where, what the functions do, what is too much.

mod bombs;
mod faults;
mod nulls;
mod oracle;

use super::{FUNCTIONS, Fault, compile};
use crate::mapping::form::{Facts, Form, Shape, Stopped};
use crate::scim::schema::definition::Definition;
use crate::scim::schema::{Registry, ResourceType, Type};
use crate::scim::urn;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// `User` with an extension of its own that has an attribute of every kind.
static USER: LazyLock<Arc<ResourceType>> = LazyLock::new(|| {
    let badge: Definition = serde_json::from_value(badge()).unwrap();
    let registry = Registry::with(&[badge], 0);
    Arc::clone(registry.named("User").unwrap())
});

const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";

fn badge() -> Value {
    let added: Vec<Value> =
        serde_json::from_str(include_str!("../../../fuzz/src/schemas.json")).unwrap();
    added.into_iter().find(|definition| definition.to_string().contains(BADGE)).unwrap()
}

/// A profile with letters that are not ASCII and without a title.
fn radovan() -> Map<String, Value> {
    let profile = json!({
        "userName": "radovan@example.com", "active": true, "nickName": "",
        "name": { "givenName": "Radovan", "familyName": "Semančík" },
        "emails": [
            { "value": "radovan@example.com", "type": "work", "primary": true },
            { "value": "rado@example.org", "type": "home" },
        ],
        urn::ENTERPRISE_USER: { "department": "r&d", "manager": { "value": "26118915" } },
        BADGE: { "number": 7, "salary": 1.5, "since": "2011-05-13T04:42:34Z", "tags": ["a", "b"] },
    });
    match profile {
        Value::Object(profile) => profile,
        _ => unreachable!(),
    }
}

fn compiled(text: &str) -> Form {
    compile(&USER, text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

fn faults(text: &str) -> Vec<Fault> {
    compile(&USER, text).map_or_else(|faults| faults, |_| panic!("{text} is compiled"))
}

/// Steps and result for a profile.
fn steps(text: &str, profile: &Map<String, Value>) -> (usize, Result<Value, Stopped>) {
    let (assigned, accounts) = (Map::new(), BTreeMap::new());
    let facts = Facts { resource: profile, assigned: &assigned, accounts: &accounts };
    let form = compiled(text);
    let (steps, result) = form.steps(&facts);
    assert_eq!(form.evaluate(&facts), result, "{text}");
    (steps, result)
}

fn evaluated(text: &str) -> Result<Value, Stopped> {
    steps(text, &radovan()).1
}

#[track_caller]
fn is(text: &str, expected: &Value) {
    assert_eq!(evaluated(text).as_ref(), Ok(expected), "{text}");
}

#[test]
fn every_example_comes_to_what_the_table_says() {
    for function in FUNCTIONS {
        let result: Value = serde_json::from_str(function.result).unwrap();
        is(function.example, &result);
        assert!(function.example.contains(function.name), "{}", function.name);
        assert!(function.description.ends_with('.'), "{}", function.name);
    }
}

#[test]
fn signatures_show_what_may_be_left_out() {
    let signature =
        |name: &str| FUNCTIONS.iter().find(|function| function.name == name).unwrap().signature();
    assert_eq!(signature("pad"), "pad(text, width, [fill])");
    assert_eq!(signature("map"), "list.map(name, value)");
    assert_eq!(signature("coalesce"), "coalesce(value, …)");
    assert_eq!(signature("has"), "has(path)");
}

#[test]
fn functions_count_characters_and_know_their_bounds() {
    for (text, expected) in [
        (r#"upper("straße ǆ")"#, json!("STRASSE Ǆ")),
        (r#"lower("ΟΔΟΣ İ")"#, json!("οδος i̇")),
        (r#"trim("\u00a0 é\t")"#, json!("é")),
        (r#"replace("ééé", "é", "ab")"#, json!("ababab")),
        (r#"replace("abc", "", "x")"#, json!("abc")),
        (r#"substr("Žlutý", -3)"#, json!("utý")),
        (r#"substr("Žlutý", -99, 2)"#, json!("Žl")),
        (r#"substr("Žlutý", 2, 99)"#, json!("utý")),
        (r#"substr("Žlutý", 99)"#, json!(null)),
        (r#"substr("Žlutý", 1, -1)"#, json!(null)),
        (r#"left("Žlutý", 2) + right("Žlutý", 2)"#, json!("Žltý")),
        (r#"left("a", 9223372036854775807)"#, json!("a")),
        (r#"left("a", -1)"#, json!(null)),
        (r#"right("é", 0)"#, json!(null)),
        (r#"right("é", 9223372036854775807)"#, json!("é")),
        (r#"substr("é", -9223372036854775808)"#, json!("é")),
        (r#"before("a@b@c", "@") + after("a@b@c", "@")"#, json!("ab@c")),
        (r#"before("abc", "@")"#, json!("abc")),
        (r#"after("abc", "@")"#, json!(null)),
        (r#"pad("é", 3, "ŽX")"#, json!("ŽXé")),
        (r#"pad("é", 3)"#, json!("  é")),
        (r#"pad("éé", 1, "0")"#, json!("éé")),
        (r#"pad("é", 9223372036854775807, "")"#, json!("é")),
        (r#"pad("é", -5, "0")"#, json!("é")),
        (r#"split("éa", "")"#, json!(["é", "a"])),
        (r#"split("a,,b", ",").size()"#, json!(3)),
        (r#"[1, null, 2.5, true, "x", ""].join("-")"#, json!("1-2.5-true-x")),
        (r#"["a", "b"].join()"#, json!("ab")),
        (
            r#"transliterate("Björn Łukasz Ørsted ß 北京")"#,
            json!("Bjorn Lukasz Orsted ss Bei Jing"),
        ),
        (r#"slug("  Ünïcode -- & Co. KG ")"#, json!("unicode-co-kg")),
        (r#"slug("O'Brien")"#, json!("obrien")),
        (r#"slug("!!!")"#, json!(null)),
        (r#"initials("émile  van 't Hoff")"#, json!("ÉVH")),
        (r#"formatDate("2024-02-29", "yyyy/MM/dd")"#, json!("2024/02/29")),
        (r#"formatDate("2024-02-29T08:09:10", "HHmmss")"#, json!("080910")),
        (r#"formatDate(since, "dd.MM.yyyy")"#, json!("13.05.2011")),
        (r#"matches("Žlutý", "^\\w+$")"#, json!(true)),
        (r#"matches("a1", r"^\d")"#, json!(false)),
        (r#"lookup(" SALES ", {"sales": "S"}, "?")"#, json!("S")),
        (r#"lookup("x", {"sales": "S"})"#, json!(null)),
        (r#"lookup(title, {"sales": "S"}, "?")"#, json!("?")),
        ("lookup(7, {7: -1, true: 2})", json!(-1)),
        (r#"lookup("x", {}, userName).before("@")"#, json!("radovan")),
        ("coalesce(title, nickName, [], 7)", json!(7)),
        (r#"default("", "x")"#, json!("x")),
        (r#"size("Žlutý") + size(emails) + size(title) + size({"a": 1})"#, json!(8)),
        ("string(3.0) + string(-1) + string(true)", json!("3-1true")),
        ("int(-1.9) + int(\" 3 \")", json!(2)),
        ("double(3) / 2.0", json!(1.5)),
        (r#"bool("TRUE") && bool(true)"#, json!(true)),
        (r#""é".contains("") && "é".startsWith("é") && !"é".endsWith("e")"#, json!(true)),
    ] {
        is(text, &expected);
    }
}

#[test]
fn names_match_in_any_case_and_extensions_by_their_own_names() {
    for (text, expected) in [
        ("USERNAME", json!("radovan@example.com")),
        ("Name.GIVENname", json!("Radovan")),
        ("user.userName", json!("radovan@example.com")),
        ("User.Name.familyName", json!("Semančík")),
        (r#"user["name"]["givenName"]"#, json!("Radovan")),
        ("department", json!("r&d")),
        ("manager.value", json!("26118915")),
        ("number + 1", json!(8)),
        ("salary * 2.0", json!(3.0)),
        ("tags", json!(["a", "b"])),
        ("tags[1]", json!("b")),
        ("emails[0].VALUE", json!("radovan@example.com")),
        ("emails.map(name, name.type)", json!(["work", "home"])),
        (
            "emails.map(e, e.value.split(\"@\").map(p, p.upper() + e.type).join(\"/\"))[1]",
            json!("RADOhome/EXAMPLE.ORGhome"),
        ),
        ("user.emails.filter(e, e.primary).map(e, e.value)", json!(["radovan@example.com"])),
        (r#"{"a": [1, {"b": userName}]}.a[1].b.size()"#, json!(19)),
        (r#"{"b": 1, "a": 2}.map(k, k)"#, json!(["b", "a"])),
    ] {
        is(text, &expected);
    }
    is(&format!("user[\"{}\"].department", urn::ENTERPRISE_USER.to_uppercase()), &json!("r&d"));
    is(&format!("user[\"{}\"].userName.before('@')", urn::USER), &json!("radovan"));
}

#[test]
fn what_is_read_is_known() {
    let reads = |text: &str| compiled(text).reads().into_iter().collect::<Vec<_>>();
    assert_eq!(
        reads("upper(Name.familyname) + name.givenName"),
        ["name.familyName", "name.givenName"]
    );
    assert_eq!(reads(r#"emails.filter(e, e.type == "work").map(e, e.value)"#), ["emails"]);
    assert_eq!(reads("department"), [format!("{}:department", urn::ENTERPRISE_USER)]);
    assert_eq!(reads("manager.value"), [format!("{}:manager.value", urn::ENTERPRISE_USER)]);
    assert_eq!(
        reads("active ? coalesce(title, nickName) : has(user.profileUrl) ? [locale][0] : 'x'"),
        ["active", "locale", "nickName", "profileUrl", "title"]
    );
    assert_eq!(reads(r#"lookup(userType, {"a": 1}, timezone)"#), ["timezone", "userType"]);
    assert_eq!(reads("1 + 1"), [""; 0]);
}

#[test]
fn the_shape_of_a_result_is_known() {
    let list = |shape| Shape::List(Box::new(shape));
    for (text, shape) in [
        ("userName", Shape::Value(Type::String)),
        ("userName + 'x'", Shape::Value(Type::String)),
        ("active", Shape::Value(Type::Boolean)),
        ("since", Shape::Value(Type::DateTime)),
        ("number * 2", Shape::Value(Type::Integer)),
        ("number * 2.0", Shape::Value(Type::Decimal)),
        ("active ? 1 : 2", Shape::Value(Type::Integer)),
        ("active ? 1 : 'a'", Shape::Unknown),
        ("active ? null : 'a'", Shape::Value(Type::String)),
        ("coalesce(title, 'a')", Shape::Value(Type::String)),
        ("lookup(title, {'a': 1, 'b': 2}, 3)", Shape::Value(Type::Integer)),
        ("emails.map(e, e.value)", list(Shape::Value(Type::String))),
        ("emails.map(e, e.primary)", list(Shape::Value(Type::Boolean))),
        ("emails.filter(e, e.primary)", list(Shape::Object)),
        ("tags", list(Shape::Value(Type::String))),
        ("emails.exists(e, e.primary)", Shape::Value(Type::Boolean)),
        ("name", Shape::Object),
        ("size(emails)", Shape::Value(Type::Integer)),
        ("null", Shape::Nothing),
    ] {
        assert_eq!(compiled(text).shape(), shape, "{text}");
    }
}

#[test]
fn what_goes_wrong_is_told_without_values() {
    for (text, told) in [
        ("1 / (number - 7)", "a number is divided by zero; test the divisor before."),
        (
            "number + 9223372036854775807",
            "+ comes to a number that is too large; use smaller numbers.",
        ),
        (
            "-(-9223372036854775807 - 1)",
            "- comes to a number that is too large; use smaller numbers.",
        ),
        ("1.0 / 0.0", "the expression comes to a number that is too large; use smaller numbers."),
        (
            "int(userName)",
            "int was given a text that is not a whole number; test it with matches().",
        ),
        (
            "double(userName)",
            "double was given a text that is not a number; test it with matches().",
        ),
        (
            "bool(userName)",
            "bool was given a text that is not true or false; test it with matches().",
        ),
        ("int(1e300)", "int comes to a number that is too large; use smaller numbers."),
        (
            "formatDate(userName, 'yyyy')",
            "formatDate was given a text that is not a date like 2026-01-31 or a time like \
             2026-01-31T12:00:00Z; test it with matches().",
        ),
        (
            "lower([1, 'a'][0])",
            "lower takes text and was given a whole number; convert the value before.",
        ),
        (
            "[1, 'a'][0] + userName",
            "+ takes two texts, two numbers or two lists and was given a whole number; convert the \
             value before.",
        ),
    ] {
        assert_eq!(
            evaluated(text).map_err(|stopped| stopped.to_string()),
            Err(told.to_owned()),
            "{text}"
        );
    }
}
