//! What the properties of an app's fields come to: mandatory, dependent, allowed, many values,
//! references, assignments.

use super::{app, facts, william};
use crate::mapping::compiled::{Mapping, Subject};
use crate::mapping::document::Document;
use crate::mapping::field::{Allowed, AppField, AppSchema, Kind, Mandatory};
use crate::mapping::form::Facts;
use crate::mapping::record::{Cause, Desired};
use crate::scim::schema::Registry;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

fn schema() -> AppSchema {
    let mut schema = app();
    let text = |name: &str| AppField::text(name, name, 20, "");
    schema.users.extend([
        AppField { mandatory: Mandatory::at_creation(), ..text("given") },
        AppField {
            mandatory: Mandatory {
                when: Some("title eq \"technician\"".into()),
                ..Mandatory::always()
            },
            ..text("van")
        },
        AppField {
            choices: vec!["Standard".into(), "Administrator".into()],
            allowed: Some(Allowed {
                by: "role".into(),
                values: BTreeMap::from([("Manager".into(), vec!["Administrator".into()])]),
            }),
            ..text("profile")
        },
        AppField { multi_valued: true, ..text("numbers") },
        text("boss"),
    ]);
    schema
}

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better")]
fn rules(rules: Value) -> Document {
    serde_json::from_value(json!({ "users": rules })).unwrap()
}

fn compile(document: Value) -> Mapping {
    Mapping::compile(&rules(document), &schema(), &Registry::standard()).unwrap()
}

fn profile(field: &str, path: &str) -> Value {
    json!({ "field": field, "source": { "kind": "profile", "path": path } })
}

fn of(mapping: &Mapping, person: &Map<String, Value>, is_new: bool) -> Desired {
    mapping.desired(Kind::User, &facts(person), is_new)
}

fn blocked(desired: &Desired) -> Vec<&str> {
    desired.problems.iter().map(|problem| problem.field.as_str()).collect()
}

#[test]
fn mandatory_at_creation_may_be_emptied_later() {
    let mapping = compile(json!([
        profile("login", "userName"),
        profile("van", "userName"),
        profile("given", "nickName"),
    ]));
    assert_eq!(blocked(&of(&mapping, &william(), true)), ["van", "given"]);
    let later = of(&mapping, &william(), false);
    assert_eq!(blocked(&later), ["van"], "its value has more than 20 characters");
    assert_eq!(later.always.0["given"], Value::Null);
    assert_eq!(later.absent["given"].cause, Cause::Empty);
}

#[test]
fn mandatory_for_some_concerns_only_them() {
    let mapping = compile(json!([profile("login", "userName"), profile("van", "nickName")]));
    assert_eq!(blocked(&of(&mapping, &william(), false)), ["van"]);
    let mut manager = william();
    manager.insert("title".into(), json!("manager"));
    let desired = of(&mapping, &manager, false);
    assert!(desired.problems.is_empty());
    assert_eq!(desired.always.0["van"], Value::Null);
}

#[test]
fn half_a_dependent_group_is_not_sent() {
    let city = |on_empty: &str| {
        compile(json!([
            profile("city", "userName"),
            { "field": "country", "source": { "kind": "profile", "path": "nickName" },
              "onEmpty": on_empty },
        ]))
    };
    let cleared = of(&city("clear"), &william(), false);
    assert_eq!(
        (&cleared.always.0["city"], &cleared.always.0["country"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(cleared.absent["city"].cause, Cause::Partner);
    assert_eq!(
        cleared.absent["city"].sentence,
        "city goes together with country, which has no value. The app's field is emptied."
    );
    let skipped = of(&city("skip"), &william(), false);
    assert!(skipped.always.0.is_empty());
    assert_eq!(skipped.absent["city"].cause, Cause::Partner);
    let whole = compile(json!([profile("city", "userName"), profile("country", "title")]));
    assert_eq!(of(&whole, &william(), false).always.0.len(), 2);
}

#[test]
fn a_dependent_group_is_given_at_one_time() {
    let document = rules(json!([
        profile("city", "userName"),
        { "field": "country", "source": { "kind": "profile", "path": "title" }, "apply": "create" },
    ]));
    let problems = Mapping::compile(&document, &schema(), &Registry::standard()).unwrap_err();
    assert_eq!(problems[0].field, "users/country");
    assert!(problems[0].detail.contains("the same \"apply\""), "{problems:?}");
}

#[test]
fn values_that_do_not_go_together_stop_the_object() {
    let with = |role: &str| {
        compile(json!([
            { "field": "role", "source": { "kind": "table", "path": "title",
              "entries": { "technician": role } } },
            { "field": "profile", "source": { "kind": "constant", "value": "Standard" } },
        ]))
    };
    assert!(of(&with("Technician"), &william(), false).problems.is_empty());
    let desired = of(&with("Manager"), &william(), false);
    assert_eq!(blocked(&desired), ["profile"]);
    assert_eq!(
        desired.problems[0].detail,
        "profile \"Standard\" does not go with role \"Manager\", which takes \"Administrator\"."
    );
    let constants = rules(json!([
        { "field": "role", "source": { "kind": "constant", "value": "Manager" } },
        { "field": "profile", "source": { "kind": "constant", "value": "standard" } },
    ]));
    let problems = Mapping::compile(&constants, &schema(), &Registry::standard()).unwrap_err();
    assert_eq!(problems[0].field, "users/profile");
}

#[test]
fn fields_with_many_values_get_all_of_them_once() {
    let value = |source: Value| {
        let mapping = compile(json!([{ "field": "numbers", "source": source }]));
        of(&mapping, &william(), false).always.0["numbers"].clone()
    };
    let path = |path: &str| json!({ "kind": "profile", "path": path });
    assert_eq!(value(path("phoneNumbers.value")), json!(["1", "2"]));
    assert_eq!(value(path("phoneNumbers[type eq \"fax\"].value")), json!(["1"]));
    assert_eq!(value(path("title")), json!(["technician"]));
    assert_eq!(value(path("nickName")), Value::Null);
    assert_eq!(value(json!({ "kind": "constant", "value": ["b", "a", "b"] })), json!(["b", "a"]));
    assert_eq!(
        value(json!({ "kind": "first", "paths": ["nickName", "phoneNumbers.value"] })),
        json!(["1", "2"])
    );
    assert_eq!(
        value(json!({ "kind": "table", "path": "phoneNumbers.value", "entries": { "1": "x" },
            "default": "y" })),
        json!(["x", "y"])
    );
    // The order of a list is its source's, and one value is one value elsewhere.
    let mapping = compile(json!([profile("nick", "phoneNumbers.value")]));
    assert_eq!(of(&mapping, &william(), false).always.0["nick"], "1");
}

#[test]
fn references_wait_for_the_account() {
    let path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
    let mapping =
        compile(json!([{ "field": "boss", "source": { "kind": "reference", "path": path } }]));
    let (person, nothing) = (william(), Map::new());
    assert_eq!(mapping.references(Kind::User, &person), ["m-1"]);
    let waiting = of(&mapping, &person, true);
    assert_eq!(waiting.always.0["boss"], Value::Null, "nobody else's account stays in its place");
    assert_eq!(waiting.absent["boss"].cause, Cause::Pending);
    let accounts = BTreeMap::from([("m-1".to_owned(), "remote-7".to_owned())]);
    let facts = Facts { resource: &person, assigned: &nothing, accounts: &accounts };
    assert_eq!(mapping.desired(Kind::User, &facts, false).always.0["boss"], "remote-7");
    let alone = json!({ "userName": "ann" });
    let alone = of(&mapping, alone.as_object().unwrap(), false);
    assert_eq!(alone.always.0["boss"], Value::Null, "without a manager the field is emptied");
}

#[test]
fn an_assignment_is_asked_for_what_is_mandatory_and_unmapped_and_only_that() {
    let mapping = compile(json!([
        profile("given", "name.givenName"),
        { "field": "nick", "source": { "kind": "assignment" } },
    ]));
    let person = william();
    let asked = |subject| {
        let asked = mapping.asked(subject).into_iter();
        asked.map(|one| (one.field.name.clone(), one.mandatory)).collect::<Vec<_>>()
    };
    let pair = |name: &str, mandatory| (name.to_owned(), mandatory);
    assert_eq!(
        asked(Subject::Person(&person)),
        [pair("login", true), pair("van", true), pair("nick", false)]
    );
    let mut manager = person.clone();
    manager.insert("title".into(), json!("manager"));
    assert_eq!(asked(Subject::Person(&manager)), [pair("login", true), pair("nick", false)]);
    assert_eq!(
        asked(Subject::Group),
        [pair("login", true), pair("name", true), pair("nick", false), pair("van", false)]
    );

    let given =
        |values: Value| mapping.assigned(Subject::Person(&person), values.as_object().unwrap());
    let faults: Vec<String> =
        given(json!({ "van": "1234567890123456789012", "logn": "x", "given": "y" }))
            .unwrap_err()
            .into_iter()
            .map(|one| format!("{}: {}", one.field, one.detail))
            .collect();
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(faults[0].starts_with("fields/van: van takes at most 20 characters"), "{faults:?}");
    assert!(faults[1].ends_with("Did you mean login?"), "{faults:?}");
    assert!(faults[2].contains("the field mapping gives given a value"), "{faults:?}");
    assert!(faults[3].starts_with("fields/login: login (login) is mandatory"), "{faults:?}");

    let values = given(json!({ "login": "ww", "van": 7, "nick": null })).unwrap();
    assert_eq!(Value::Object(values.clone()), json!({ "login": "ww", "van": "7" }));
    let accounts = BTreeMap::new();
    let facts = Facts { resource: &person, assigned: &values, accounts: &accounts };
    let desired = mapping.desired(Kind::User, &facts, true);
    assert!(desired.problems.is_empty(), "{:?}", desired.problems);
    assert_eq!((&desired.always.0["login"], &desired.always.0["van"]), (&json!("ww"), &json!("7")));
    // Without the assignment nobody gets an account, and who has one keeps it.
    assert_eq!(blocked(&of(&mapping, &person, true)), ["login", "van"]);
    assert!(of(&mapping, &person, false).problems.is_empty());
}

#[test]
fn normalisers_change_text_and_lists() {
    let value = |path: &str, normalise: Value| {
        let mapping = compile(json!([
            { "field": "numbers", "source": { "kind": "profile", "path": path }, "normalise": normalise },
        ]));
        let mut person = william();
        person.insert("nickName".into(), json!("  Žofie \u{a0} Semančík "));
        person.insert(
            "phoneNumbers".into(),
            json!([{ "value": "(512) 555-0100" }, { "value": "0049 30 901820" }, { "value": "no number" }]),
        );
        of(&mapping, &person, false).always.0["numbers"].clone()
    };
    assert_eq!(value("nickName", json!(["collapse", "transliterate"])), json!(["Zofie Semancik"]));
    assert_eq!(value("nickName", json!(["trim", "lower"])), json!(["žofie \u{a0} semančík"]));
    assert_eq!(
        value("phoneNumbers.value", json!([{ "e164": "us" }])),
        json!(["+15125550100", "+4930901820", "no number"])
    );
    let wrong = rules(json!([
        { "field": "nick", "source": { "kind": "profile", "path": "title" }, "normalise": [{ "e164": "Texas" }] },
    ]));
    let problems = Mapping::compile(&wrong, &schema(), &Registry::standard()).unwrap_err();
    assert!(problems[0].detail.contains("ISO 3166"), "{problems:?}");
}

#[test]
fn numbers_and_dates_are_converted_where_nothing_is_lost() {
    use crate::mapping::field::FieldType;
    let mut schema = app();
    let field =
        |name: &str, kind| AppField { kind, max_length: None, ..AppField::text(name, name, 0, "") };
    schema.users.extend([field("rate", FieldType::Decimal), field("day", FieldType::Date)]);
    let value = |field: &str, value: Value| {
        let document = rules(json!([
            { "field": field, "source": { "kind": "constant", "value": value } },
        ]));
        let mapping = Mapping::compile(&document, &schema, &Registry::standard()).ok()?;
        of(&mapping, &william(), false).always.0.get(field).cloned()
    };
    assert_eq!(value("rate", json!("1.5")), Some(json!(1.5)));
    assert_eq!(value("rate", json!(3)), Some(json!(3)));
    assert_eq!(value("rate", json!("many")), None);
    assert_eq!(value("rate", json!("NaN")), None);
    assert_eq!(value("day", json!("2026-01-31")), Some(json!("2026-01-31")));
    assert_eq!(value("day", json!("2026-01-31T23:00:00-05:00")), Some(json!("2026-01-31")));
    assert_eq!(value("day", json!("31.1.2026")), None);
    assert_eq!(value("day", json!("20260131T120000Z")), None);
}

#[test]
fn what_is_read_is_known() {
    let mapping = compile(json!([
        profile("nick", "name.givenName"),
        { "field": "department", "source": { "kind": "join", "template": "{title} {groups.display}" } },
    ]));
    let reads = mapping.reads(Kind::User);
    assert!(reads["nick"].contains("name.givenName"), "{reads:?}");
    assert!(reads["department"].contains("title"), "{reads:?}");
    assert!(mapping.reads_groups());
    assert!(!compile(json!([profile("nick", "title")])).reads_groups());
}
