//! Exports in, documents out.

mod entra;
mod okta;

use super::{Import, Untranslated};
use crate::mapping::document::Rule;
use crate::mapping::field::{AppField, AppSchema, FieldType, Kind, Mutability};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Fields of a SCIM app.
const USERS: &[&str] = &[
    "userName",
    "externalId",
    "displayName",
    "name.formatted",
    "name.givenName",
    "name.familyName",
    "name.middleName",
    "name.honorificPrefix",
    "name.honorificSuffix",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "emails[type eq \"work\"].value",
    "emails[type eq \"home\"].value",
    "phoneNumbers[type eq \"work\"].value",
    "phoneNumbers[type eq \"mobile\"].value",
    "phoneNumbers[type eq \"home\"].value",
    "phoneNumbers[type eq \"fax\"].value",
    "addresses[type eq \"work\"].formatted",
    "addresses[type eq \"work\"].streetAddress",
    "addresses[type eq \"work\"].locality",
    "addresses[type eq \"work\"].region",
    "addresses[type eq \"work\"].postalCode",
    "addresses[type eq \"work\"].country",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    "roles[primary eq \"True\"].value",
];

fn fields(names: &[&str]) -> Vec<AppField> {
    names.iter().map(|name| AppField::text(name, name, 1_000, "A field.")).collect()
}

/// A SCIM app.
fn scim() -> AppSchema {
    AppSchema { users: fields(USERS), groups: fields(&["displayName", "externalId"]) }
}

/// An app with names of its own.
fn flat() -> AppSchema {
    let mut app = AppSchema {
        users: fields(&["loginName", "firstName", "Last_Name", "fullName", "email", "x", "y"]),
        groups: Vec::new(),
    };
    app.users.push(AppField {
        kind: FieldType::Boolean,
        max_length: None,
        ..AppField::text("vip", "VIP", 0, "Whether it is a very important person.")
    });
    app.users.push(AppField {
        mutability: Mutability::CreateOnly,
        ..AppField::text("source", "Made by", 40, "Who made the account.")
    });
    app.users.push(AppField {
        mutability: Mutability::Locked,
        ..AppField::text("reference", "Reference", 60, "The person's id in the directory.")
    });
    app
}

fn exported(text: &str) -> Value {
    serde_json::from_str(text).expect("the fixture is JSON")
}

fn entra_fixture() -> Value {
    exported(include_str!("fixtures/entra.json"))
}

fn okta_fixture() -> Value {
    exported(include_str!("fixtures/okta.json"))
}

/// How the notes on rules that were translated begin; everything else names what was lost.
const NOTES: &[&str] = &["Entra uses the default", "NormalizeDiacritics takes accents"];

fn is_note(one: &Untranslated) -> bool {
    NOTES.iter().any(|start| one.detail.starts_with(start))
}

fn notes(import: &Import) -> usize {
    import.untranslated.iter().filter(|one| is_note(one)).count()
}

/// The rule, as JSON without the field; or the reason why there is none.
fn outcome(import: &Import) -> Result<Value, String> {
    match (import.document.users.as_slice(), import.untranslated.as_slice()) {
        ([rule], told) if told.iter().all(is_note) => {
            let mut rule = serde_json::to_value(rule).expect("a rule is JSON");
            rule.as_object_mut().expect("an object").remove("field");
            Ok(rule)
        }
        ([], [one]) => Err(one.detail.clone()),
        _ => panic!("one rule gives one rule or one sentence: {import:?}"),
    }
}

/// Every rule on a line, then everything that was left out (✗) or is not quite the same (!).
fn shown(import: &Import) -> String {
    let line = |place: &str, rule: &Rule| {
        let mut json = serde_json::to_value(rule).expect("a rule is JSON");
        json.as_object_mut().expect("an object").remove("field");
        format!("{place}/{} ← {json}\n", rule.field)
    };
    let document = &import.document;
    let mut text: String = document.users.iter().map(|rule| line("users", rule)).collect();
    text.extend(document.groups.iter().map(|rule| line("groups", rule)));
    text.extend(import.untranslated.iter().map(|one| {
        let Untranslated { field, source, detail, remedy } = one;
        let sign = if is_note(one) { '!' } else { '✗' };
        format!("{sign} {field} ← {source}\n    {detail} {remedy}\n")
    }));
    text
}

/// How many rules were translated or named. A note stands beside its rule and is neither.
fn count(import: &Import) -> usize {
    let rules = import.document.users.len() + import.document.groups.len();
    rules + import.untranslated.len() - notes(import)
}

/// A document is written and read as it is, every field has one rule, every sentence is one, and a
/// note has its rule.
fn is_sound(import: &Import) {
    let written = serde_json::to_value(&import.document).expect("a document is JSON");
    assert_eq!(
        serde_json::from_value::<crate::mapping::document::Document>(written).expect("reads"),
        import.document
    );
    for rules in [&import.document.users, &import.document.groups] {
        for (at, rule) in rules.iter().enumerate() {
            assert!(rules.iter().skip(at + 1).all(|other| other.field != rule.field), "{rule:?}");
        }
    }
    for one in &import.untranslated {
        assert!(one.field.starts_with("users") || one.field.starts_with("groups"), "{one:?}");
        assert!(one.detail.ends_with('.') && one.remedy.ends_with('.'), "{one:?}");
        if is_note(one) {
            let (place, field) = one.field.split_once('/').expect("a note is about a field");
            let rules = if place == Kind::User.place() {
                &import.document.users
            } else {
                &import.document.groups
            };
            let has_rule = rules.iter().any(|rule| super::target::means(field, &rule.field));
            assert!(has_rule, "{one:?}");
        }
    }
}

/// Some of a list.
fn some(list: &[Value], kept: &[bool]) -> Vec<Value> {
    list.iter()
        .zip(kept.iter().cycle())
        .filter(|(_, kept)| **kept)
        .map(|(one, _)| one.clone())
        .collect()
}

/// Text that looks like an expression, and any other.
fn text() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("("),
        Just(")"),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(","),
        Just("."),
        Just("\""),
        Just("'"),
        Just("\\"),
        Just(" "),
        Just("+"),
        Just("-"),
        Just("!"),
        Just("?"),
        Just(":"),
        Just("="),
        Just("=="),
        Just("<>"),
        Just("AND"),
        Just(" or "),
        Just("null"),
        Just("user.firstName"),
        Just("[mail]"),
        Just("[givenName]"),
        Just("Join"),
        Just("Switch("),
        Just("Replace("),
        Just("String.len("),
        Just("String.replaceFirst("),
        Just("IIF("),
        Just("String.stringSwitch("),
        Just("\"a\""),
        Just("1"),
        Just("-20"),
        Just("9999999999999999999"),
        Just("Mid("),
        Just("Coalesce("),
        Just("matches"),
        Just("é"),
        Just("\u{0}"),
    ];
    prop_oneof![
        proptest::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat()),
        ".{0,80}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
        Just(json!("Function")),
        Just(json!("Attribute")),
        Just(json!("User")),
        Just(json!("userName")),
    ];
    let key = prop_oneof![
        Just("schema"),
        Just("synchronizationRules"),
        Just("objectMappings"),
        Just("source"),
        Just("attributeMappings"),
        Just("targetAttributeName"),
        Just("type"),
        Just("name"),
        Just("expression"),
        Just("parameters"),
        Just("value"),
        Just("key"),
        Just("defaultValue"),
        Just("flowType"),
        Just("properties"),
        Just("pushStatus"),
        Just("target"),
        Just("scope"),
        Just("groups"),
        Just("sourceObjectName"),
        Just("x"),
    ]
    .prop_map(str::to_owned);
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_expression_gives_a_rule_or_a_sentence(expression in text()) {
        let function = json!({"type": "Function", "expression": expression, "name": "F"});
        let one = json!([{"targetAttributeName": "x", "source": function}]);
        let import = super::entra(&one, &flat()).expect("a list of attribute mappings");
        prop_assert_eq!(count(&import), 1);
        is_sound(&import);
        let one = json!({"properties": {"x": {"expression": expression}}});
        let import = super::okta(&one, &flat()).expect("a profile mapping");
        prop_assert_eq!(count(&import), 1);
        is_sound(&import);
    }

    #[test]
    fn any_json_is_read_or_refused(value in value()) {
        for import in [super::entra(&value, &flat()), super::okta(&value, &flat())].into_iter().flatten() {
            is_sound(&import);
        }
    }

    #[test]
    fn nothing_of_a_part_is_dropped(kept in proptest::collection::vec(any::<bool>(), 1..50)) {
        let whole = entra_fixture();
        let mut part = Vec::new();
        let mut rules = 0;
        for mapping in whole["synchronizationRules"][0]["objectMappings"].as_array().expect("a list") {
            let mut mapping = mapping.clone();
            let list = some(mapping["attributeMappings"].as_array().expect("a list"), &kept);
            rules += list.len();
            mapping["attributeMappings"] = list.into();
            part.push(mapping);
        }
        for app in [scim(), flat(), AppSchema::default()] {
            let import = super::entra(&json!({"objectMappings": part}), &app).expect("an export");
            prop_assert_eq!(count(&import), rules);
            is_sound(&import);
        }

        let whole = okta_fixture();
        let properties: serde_json::Map<String, Value> = whole["properties"]
            .as_object().expect("an object").iter().zip(kept.iter().cycle())
            .filter(|(_, kept)| **kept)
            .map(|((field, property), _)| (field.clone(), property.clone()))
            .collect();
        let rules = properties.len();
        for app in [scim(), flat(), AppSchema::default()] {
            let import = super::okta(&json!({"properties": properties}), &app).expect("a mapping");
            prop_assert_eq!(count(&import), rules);
            is_sound(&import);
        }
    }
}

#[test]
fn the_realistic_mapping_of_entra_is_translated() {
    let import = super::entra(&entra_fixture(), &scim()).expect("an export");
    assert_eq!(count(&import), 40);
    is_sound(&import);
    insta::assert_snapshot!(shown(&import));
}

#[test]
fn the_realistic_mapping_of_okta_is_translated() {
    let import = super::okta(&okta_fixture(), &scim()).expect("a mapping");
    assert_eq!(count(&import), 35);
    is_sound(&import);
    insta::assert_snapshot!(shown(&import));
}

#[test]
fn what_is_no_export_is_refused_with_a_remedy() {
    for wrong in [json!(null), json!([]), json!({}), json!([1]), json!({"users": []})] {
        let refusal = super::entra(&wrong, &scim()).expect_err("no export");
        assert!(refusal.contains("Export it"), "{refusal}");
        let refusal = super::okta(&wrong, &scim()).expect_err("no mapping");
        assert!(refusal.contains("Fetch one"), "{refusal}");
    }
    let mut inward = okta_fixture();
    let source = inward["source"].take();
    inward["source"] = inward["target"].take();
    inward["target"] = source;
    assert!(super::okta(&inward, &scim()).expect_err("inward").contains("into Okta"));
}

#[test]
fn no_depth_and_no_length_is_too_much() {
    let deep =
        |open: &str, close: &str| format!("{}[mail]{}", open.repeat(3_000), close.repeat(3_000));
    let long = |sign: &str, operand: &str| vec![operand; 1_500].join(sign);
    for expression in [
        deep("(", ")"),
        deep("Not(", ")"),
        deep("Join(\"\",", ")"),
        long(" AND ", "[a]=[b]"),
        long(" or ", "[a]"),
        format!("Append([mail], \"{}\")", "x".repeat(20_000)),
    ] {
        let one = json!([{"targetAttributeName": "x", "source": {"expression": expression}}]);
        let import = super::entra(&one, &flat()).expect("a list");
        assert_eq!(count(&import), 1);
        assert!(import.document.users.is_empty());
    }
    for expression in [
        deep("(", ")"),
        deep("!", ""),
        deep("{", "}"),
        deep("String.len(", ")"),
        long(" + ", "user.firstName"),
        long("-", "1"),
        long("==", "1"),
        long("?1:", "1"),
        long("?:", "1"),
        format!("f(){}", ".a".repeat(4_000)),
        format!("f(){}", "[0]".repeat(3_000)),
        format!("f(){}", ".a()".repeat(2_000)),
    ] {
        let one = json!({"properties": {"x": {"expression": expression}}});
        let import = super::okta(&one, &flat()).expect("a mapping");
        assert_eq!(count(&import), 1);
        assert!(import.document.users.is_empty(), "{:?}", import.document);
    }
    let mut doubling = "[mail]".to_owned();
    for _ in 0..30 {
        doubling = format!("Switch(IsPresent([mail]), {doubling})");
    }
    let one = json!([{"targetAttributeName": "x", "source": {"expression": doubling}}]);
    let import = super::entra(&one, &flat()).expect("a list");
    assert_eq!(count(&import), 1);
    let mut nested = json!({"type": "Attribute", "name": "mail"});
    for _ in 0..60 {
        nested = json!({"type": "Function", "name": "Replace", "parameters": [{"key": "source", "value": nested}]});
    }
    let import = super::entra(&json!([{"targetAttributeName": "x", "source": nested}]), &flat())
        .expect("a list");
    assert!(import.untranslated[0].detail.contains("32 levels"));
}
