use super::*;
use crate::mapping::field::{FieldType, Mandatory, Mutability};
use crate::mapping::record::Cause;
use proptest::prelude::*;
use serde_json::json;
use std::sync::LazyLock;

mod fields;
mod problems;

/// An app whose fields have the names of their tests.
pub(crate) fn app() -> AppSchema {
    let field =
        |name: &str, kind| AppField { kind, max_length: None, ..AppField::text(name, name, 0, "") };
    let text = |name| field(name, FieldType::Text);
    AppSchema {
        users: vec![
            AppField { mandatory: Mandatory::always(), ..text("login") },
            text("department"),
            text("nick"),
            AppField { max_length: Some(8), ..text("short") },
            AppField { choices: vec!["Technician".into(), "Manager".into()], ..text("role") },
            field("active", FieldType::Boolean),
            field("age", FieldType::Integer),
            field("since", FieldType::DateTime),
            AppField { mutability: Mutability::CreateOnly, ..text("secret") },
            AppField { depends: Some("place".into()), ..text("city") },
            AppField { depends: Some("place".into()), ..text("country") },
        ],
        groups: vec![AppField { mandatory: Mandatory::always(), ..text("name") }],
    }
}

/// William Woods of Zylker, as the directory holds him.
pub(crate) fn william() -> Map<String, Value> {
    let person = json!({
        "id": "0190f0a0-0000-7000-8000-000000000001",
        "externalId": "w-1",
        "userName": "William.Woods@zylker.example",
        "name": { "givenName": "William", "familyName": "Woods", "middleName": "" },
        "title": "technician",
        "active": true,
        "emails": [
            { "value": "will@home.example", "type": "home" },
            { "value": "william@zylker.example", "type": "work", "primary": true },
        ],
        "phoneNumbers": [{ "value": "1", "type": "fax" }, { "value": "2", "type": "mobile" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Field Service", "employeeNumber": "007",
            "manager": { "value": "m-1", "displayName": "Meg" },
        },
        "meta": { "created": "2026-01-31T12:00:00.000Z", "resourceType": "User" },
    });
    person.as_object().unwrap().clone()
}

/// A profile about which nothing else is known.
pub(crate) fn facts(resource: &Map<String, Value>) -> Facts<'_> {
    static NOTHING: LazyLock<(Map<String, Value>, BTreeMap<String, String>)> =
        LazyLock::new(Default::default);
    Facts { resource, assigned: &NOTHING.0, accounts: &NOTHING.1 }
}

#[expect(clippy::needless_pass_by_value, reason = "a literal reads better")]
fn document(rule: Value) -> Document {
    serde_json::from_value(json!({ "users": [rule] })).unwrap()
}

fn compile(document: &Document) -> Result<Mapping, Vec<Problem>> {
    Mapping::compile(document, &app(), &Registry::standard())
}

fn desired(rule: Value) -> Desired {
    compile(&document(rule)).unwrap().desired(Kind::User, &facts(&william()), false)
}

/// What a field is to hold, by a source.
#[expect(clippy::needless_pass_by_value, reason = "a literal reads better")]
fn value(field: &str, source: Value) -> Option<Value> {
    desired(json!({ "field": field, "source": source })).always.0.get(field).cloned()
}

#[test]
fn profile_paths_read_what_they_name() {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let cases = [
        ("userName", json!("William.Woods@zylker.example")),
        ("USERNAME", json!("William.Woods@zylker.example")),
        ("id", json!("0190f0a0-0000-7000-8000-000000000001")),
        ("externalId", json!("w-1")),
        ("meta.created", json!("2026-01-31T12:00:00.000Z")),
        ("name.givenName", json!("William")),
        ("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName", json!("Woods")),
        ("emails.value", json!("william@zylker.example")),
        (r#"emails[type eq "home"].value"#, json!("will@home.example")),
        (r#"Emails[Type eq "HOME"].Value"#, json!("will@home.example")),
        ("emails[primary eq true].type", json!("work")),
        ("phoneNumbers.value", json!("1")),
        (r#"phoneNumbers[type eq "mobile" or type eq "other"].value"#, json!("2")),
        (r#"phoneNumbers[not (type eq "fax")].value"#, json!("2")),
        (&format!("{ENTERPRISE}:department"), json!("Field Service")),
        (&format!("{ENTERPRISE}:manager.value"), json!("m-1")),
        ("active", json!("true")),
        // Nothing there: the app's field is emptied.
        ("name.middleName", Value::Null),
        ("nickName", Value::Null),
        (r#"emails[type eq "other"].value"#, Value::Null),
    ];
    for (path, expected) in cases {
        let found = value("nick", json!({ "kind": "profile", "path": path }));
        assert_eq!(found, Some(expected), "{path}");
    }
}

#[test]
fn every_kind_of_source_gives_its_value() {
    let cases = [
        ("nick", json!({ "kind": "constant", "value": "Zylker" }), json!("Zylker")),
        ("nick", json!({ "kind": "constant", "value": 12 }), json!("12")),
        ("active", json!({ "kind": "constant", "value": false }), json!(false)),
        ("active", json!({ "kind": "profile", "path": "active" }), json!(true)),
        (
            "age",
            json!({ "kind": "profile", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber" }),
            json!(7),
        ),
        (
            "since",
            json!({ "kind": "profile", "path": "meta.created" }),
            json!("2026-01-31T12:00:00.000Z"),
        ),
        (
            "nick",
            json!({ "kind": "first", "paths": ["nickName", "name.middleName", "name.givenName"] }),
            json!("William"),
        ),
        (
            "nick",
            json!({ "kind": "join", "template": "{name.familyName},  {name.givenName} {nickName}" }),
            json!("Woods, William"),
        ),
        ("nick", json!({ "kind": "join", "template": "{{{title}}}" }), json!("{technician}")),
        (
            "nick",
            json!({ "kind": "join", "template": r#"<{emails[type eq "work"].value}>"# }),
            json!("<william@zylker.example>"),
        ),
        (
            "nick",
            json!({ "kind": "join", "template": "({nickName}) {name.middleName}" }),
            Value::Null,
        ),
        (
            "role",
            json!({ "kind": "table", "path": "title", "entries": { "TECHNICIAN": "technician" } }),
            json!("Technician"),
        ),
        (
            "role",
            json!({ "kind": "table", "path": "title", "entries": { "boss": "Manager" }, "default": "Technician" }),
            json!("Technician"),
        ),
        (
            "role",
            json!({ "kind": "table", "path": "nickName", "entries": { "boss": "Manager" }, "default": "Manager" }),
            json!("Manager"),
        ),
        (
            "nick",
            json!({ "kind": "table", "path": "active", "entries": { "True": "on", "false": "off" } }),
            json!("on"),
        ),
    ];
    for (field, source, expected) in cases {
        assert_eq!(value(field, source.clone()), Some(expected), "{source}");
    }
}

#[test]
fn an_empty_source_clears_skips_or_defaults() {
    let rule = |on_empty: Value| json!({ "field": "nick", "source": { "kind": "profile", "path": "nickName" }, "onEmpty": on_empty });
    let cleared = desired(rule(json!("clear")));
    assert_eq!(cleared.always.0["nick"], Value::Null);
    assert_eq!(
        cleared.absent["nick"].sentence,
        "nickName is empty in the profile. The app's field is emptied."
    );
    let skipped = desired(rule(json!("skip")));
    assert!(skipped.always.0.is_empty());
    assert_eq!(
        skipped.absent["nick"].sentence,
        "nickName is empty in the profile. The app's field is left as it is."
    );
    let defaulted = desired(rule(json!({ "default": "none" })));
    assert_eq!(defaulted.always.0["nick"], "none");
    assert!(defaulted.absent.is_empty());
}

#[test]
fn normalisers_apply_in_order() {
    let found = desired(json!({
        "field": "nick", "normalise": ["trim", "lower"],
        "source": { "kind": "profile", "path": "userName" },
    }));
    assert_eq!(found.always.0["nick"], "william.woods@zylker.example");
    let upper = desired(json!({
        "field": "role", "normalise": ["upper"],
        "source": { "kind": "profile", "path": "title" },
    }));
    assert_eq!(upper.always.0["role"], "Technician", "the app's own spelling");
}

#[test]
fn fields_given_at_creation_are_kept_apart() {
    let found = desired(json!({
        "field": "secret", "apply": "create", "source": { "kind": "profile", "path": "title" },
    }));
    assert!(found.always.0.is_empty());
    assert_eq!(found.on_create.0["secret"], "technician");
    let nothing = desired(json!({
        "field": "secret", "apply": "create", "source": { "kind": "profile", "path": "nickName" },
    }));
    assert!(nothing.on_create.0.is_empty() && nothing.absent.contains_key("secret"));
}

#[test]
fn values_that_do_not_fit_are_not_sent() {
    let cases = [
        ("short", "userName", "short takes at most 8 characters, and the value has 28."),
        ("role", "userName", "role takes only \"Technician\", \"Manager\"."),
        ("age", "title", "age takes a whole number, and the value is none."),
        ("since", "title", "since takes a date and time, and the value is none."),
        ("active", "title", "active takes true or false, and the value is none."),
    ];
    for (field, path, detail) in cases {
        let found =
            desired(json!({ "field": field, "source": { "kind": "profile", "path": path } }));
        assert!(found.always.0.is_empty(), "{field}");
        assert!(found.problems.is_empty(), "{field}");
        let why = &found.absent[field].sentence;
        assert_eq!(found.absent[field].cause, Cause::Misfit);
        assert!(why.starts_with(detail) && why.len() > detail.len(), "{why}");
        assert!(!why.contains("woods") && !why.contains("Woods"), "no values in sentences: {why}");
    }
}

#[test]
fn a_mandatory_field_without_a_value_is_a_problem() {
    let found =
        desired(json!({ "field": "login", "source": { "kind": "profile", "path": "nickName" } }));
    assert!(found.always.0.is_empty());
    assert_eq!(
        found.problems,
        [Misfit {
            field: "login".into(),
            detail: "login is mandatory in the app, but nickName is empty in the profile.".into(),
            remedy: "Fill the profile field, or give login a default in the field mapping.".into(),
        }]
    );
}

#[test]
fn documents_survive_a_round_trip() {
    let text = json!({
        "users": [
            { "field": "login", "source": { "kind": "profile", "path": "userName" }, "normalise": ["lower"] },
            { "field": "nick", "source": { "kind": "join", "template": "{title}" }, "onEmpty": { "default": "x" } },
            { "field": "city", "source": { "kind": "constant", "value": "Austin" }, "onEmpty": "skip", "apply": "create" },
            { "field": "role", "source": { "kind": "table", "path": "title", "entries": { "a": "Manager" }, "default": "Manager" } },
            { "field": "age", "source": { "kind": "first", "paths": ["title"] } },
        ],
        "groups": [{ "field": "name", "source": { "kind": "profile", "path": "displayName" } }],
    });
    let document: Document = serde_json::from_value(text.clone()).unwrap();
    assert_eq!(serde_json::to_value(&document).unwrap(), text);
}

#[test]
fn groups_have_rules_of_their_own() {
    let document: Document = serde_json::from_value(json!({ "groups": [
        { "field": "name", "source": { "kind": "profile", "path": "displayName" } },
    ]}))
    .unwrap();
    let mapping = compile(&document).unwrap();
    let group = json!({ "id": "g", "displayName": "Zylker" });
    let found = mapping.desired(Kind::Group, &facts(group.as_object().unwrap()), false);
    assert_eq!(found.always.0["name"], "Zylker");
    assert_eq!(mapping.unmapped_mandatory(Kind::User), ["login"]);
    assert!(mapping.unmapped_mandatory(Kind::Group).is_empty());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("true")),
        Just(json!("work")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("(value|type|primary|givenName|[a-z]{1,4})", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_a_path_and_a_template_or_a_problem(text in "\\PC{0,40}") {
        for source in [
            json!({ "kind": "profile", "path": text }),
            json!({ "kind": "join", "template": text }),
            json!({ "kind": "table", "path": text, "entries": { text.clone(): text } }),
        ] {
            if let Ok(mapping) = compile(&document(json!({ "field": text, "source": source.clone() }))) {
                mapping.desired(Kind::User, &facts(&william()), false);
            }
            if let Ok(mapping) = compile(&document(json!({ "field": "nick", "source": source }))) {
                mapping.desired(Kind::User, &facts(&william()), false);
            }
        }
    }

    #[test]
    fn any_resource_gives_values_that_fit_and_the_same_bytes_again(
        user_name in any_json(), name in any_json(), emails in any_json(), active in any_json(),
    ) {
        let mut resource = william();
        resource.insert("userName".into(), user_name);
        resource.insert("name".into(), name);
        resource.insert("emails".into(), emails);
        resource.insert("active".into(), active);
        let mapping = Mapping::compile(
            &serde_json::from_value(json!({ "users": [
                { "field": "login", "source": { "kind": "profile", "path": "userName" } },
                { "field": "short", "source": { "kind": "join", "template": "{name.givenName}{title}" } },
                { "field": "role", "source": { "kind": "profile", "path": "name.givenName" } },
                { "field": "age", "source": { "kind": "profile", "path": "emails[type eq \"work\"].value" } },
                { "field": "active", "source": { "kind": "profile", "path": "active" } },
                { "field": "since", "source": { "kind": "profile", "path": "emails.value" } },
            ]})).unwrap(),
            &app(),
            &Registry::standard(),
        ).unwrap();
        let first = mapping.desired(Kind::User, &facts(&resource), false);
        // The order of members in the input has no say either.
        let turned: Map<String, Value> =
            resource.iter().rev().map(|(name, value)| (name.clone(), value.clone())).collect();
        let second = mapping.desired(Kind::User, &facts(&turned), false);
        prop_assert_eq!(
            serde_json::to_string(&first.always).unwrap(),
            serde_json::to_string(&second.always).unwrap()
        );
        prop_assert_eq!(&first, &second);
        for (name, value) in &first.always.0 {
            let schema = app();
            let field = schema.users.iter().find(|field| &field.name == name).unwrap();
            if value.is_null() {
                prop_assert!(!field.mandatory.update);
                continue;
            }
            match field.kind {
                FieldType::Text | FieldType::DateTime | FieldType::Date => {
                    prop_assert!(value.is_string());
                }
                FieldType::Decimal => prop_assert!(value.is_number()),
                FieldType::Boolean => prop_assert!(value.is_boolean()),
                FieldType::Integer => prop_assert!(value.is_i64() || value.is_u64()),
            }
            if let (Some(longest), Some(text)) = (field.max_length, value.as_str()) {
                prop_assert!(text.chars().count() <= longest);
            }
        }
        for field in ["login", "short", "role", "age", "active", "since"] {
            prop_assert!(first.always.0.contains_key(field) || first.absent.contains_key(field));
        }
    }
}
