//! What compiling refuses, sentence by sentence.

use super::{app, compile, document};
use crate::mapping::compiled::{Mapping, Problem};
use crate::mapping::document::Document;
use crate::scim::schema::Registry;
use serde_json::{Value, json};

fn problems(document: &Document) -> Vec<(String, String)> {
    Mapping::compile(document, &app(), &Registry::standard())
        .unwrap_err()
        .into_iter()
        .map(|Problem { field, detail }| (field, detail))
        .collect()
}

fn only(rule: Value) -> String {
    let found = problems(&document(rule));
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].1.clone()
}

fn of_path(field: &str, path: &str) -> String {
    only(json!({ "field": field, "source": { "kind": "profile", "path": path } }))
}

#[test]
fn unknown_names_come_with_the_nearest_known_one() {
    let field = problems(&document(
        json!({ "field": "departmant", "source": { "kind": "constant", "value": "x" } }),
    ));
    assert_eq!(field[0].0, "users/departmant");
    assert_eq!(
        field[0].1,
        "the app has no field departmant; correct or remove the rule. Did you mean department?"
    );
    let cases = [
        ("name.familyname2", Some("name.familyName")),
        ("usrName", Some("userName")),
        ("emails[type eq \"work\"].valeu", Some("emails.value")),
        (
            "departmant",
            Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"),
        ),
        ("givenName", Some("name.givenName")),
        ("shoeSize", None),
    ];
    for (path, near) in cases {
        let detail = of_path("nick", path);
        assert!(detail.starts_with(&format!("the profile has no field {path}.")), "{detail}");
        match near {
            Some(near) => assert!(detail.ends_with(&format!(" Did you mean {near}?")), "{detail}"),
            None => assert!(!detail.contains("Did you mean"), "{detail}"),
        }
    }
}

#[test]
fn paths_that_name_no_single_readable_value_are_refused() {
    for (path, needle) in [
        ("", "the path is empty"),
        ("emails[type eq", "is no profile path"),
        ("emails[type gt true].value", "is no profile path"),
        ("name", "name.formatted, name.familyName"),
        ("emails", "name one: emails.value"),
        ("password", "never read back"),
        ("userName[type eq \"x\"]", "one value only"),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "a whole schema"),
    ] {
        let detail = of_path("nick", path);
        assert!(detail.contains(needle), "{path}: {detail}");
    }
    let members: Document = serde_json::from_value(json!({ "groups": [
        { "field": "name", "source": { "kind": "profile", "path": "members.value" } },
    ]}))
    .unwrap();
    assert_eq!(problems(&members)[0].0, "groups/name");
}

#[test]
fn values_of_the_document_must_fit() {
    for (field, value, needle) in [
        ("short", json!("123456789"), "at most 8 characters"),
        ("role", json!("Boss"), "takes only \"Technician\", \"Manager\""),
        ("age", json!("many"), "takes a whole number"),
        ("age", json!(1.5), "takes a whole number"),
        ("active", json!("yes"), "takes true or false"),
        ("since", json!("yesterday"), "2026-01-31T12:00:00Z"),
        ("nick", json!(["a"]), "takes one value, and there is a list"),
        ("nick", Value::Null, "is null"),
        ("nick", json!(""), "is empty"),
    ] {
        for rule in [
            json!({ "field": field, "source": { "kind": "constant", "value": value } }),
            json!({ "field": field, "source": { "kind": "table", "path": "title", "entries": { "a": value } } }),
        ] {
            let detail = only(rule);
            assert!(detail.contains(needle), "{field} {value}: {detail}");
        }
    }
    let default = json!({ "field": "role", "onEmpty": { "default": "Boss" },
        "source": { "kind": "profile", "path": "title" } });
    assert!(only(default).starts_with("the value for an empty source does not fit"));
}

#[test]
fn types_that_never_fit_are_told_before_anyone_is_pushed() {
    assert_eq!(
        of_path("age", "active"),
        "age takes a whole number, which active never is; map another profile field, or translate \
         it with a table."
    );
    assert!(of_path("active", "meta.created").contains("never is"));
}

#[test]
fn tables_and_templates_are_checked() {
    let table = |entries: Value| json!({ "field": "nick", "source": { "kind": "table", "path": "title", "entries": entries } });
    assert!(only(table(json!({}))).contains("the table is empty"));
    assert!(only(table(json!({ "A": "1", "a": "2" }))).contains("twice"));
    let template = |text: &str| {
        only(json!({ "field": "nick", "source": { "kind": "join", "template": text } }))
    };
    assert!(template("{title").contains("character 1 is not closed"));
    assert!(template("a } b").contains("without its {"));
    assert!(template("plain").contains("names no profile field"));
    assert!(template("{titel}").ends_with("Did you mean title?"));
    assert!(
        only(json!({ "field": "nick", "source": { "kind": "first", "paths": [] } }))
            .contains("name some")
    );
}

#[test]
fn every_problem_is_reported_at_once() {
    let document: Document = serde_json::from_value(json!({
        "users": [
            { "field": "nick", "source": { "kind": "profile", "path": "userName" } },
            { "field": "nick", "source": { "kind": "profile", "path": "title" } },
            { "field": "secret", "source": { "kind": "profile", "path": "titel" } },
            { "field": "city", "source": { "kind": "constant", "value": "Austin" } },
        ],
        "groups": [{ "field": "nam", "source": { "kind": "constant", "value": "x" } }],
    }))
    .unwrap();
    let found = problems(&document);
    let fields: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        ["users/nick", "users/secret", "users/secret", "users/country", "groups/nam"]
    );
    assert_eq!(found[0].1, "the field has two rules; remove one.");
    assert!(found[1].1.contains("set \"apply\" to \"create\""));
    assert_eq!(
        found[3].1,
        "country goes together with city (group place); map it too, or leave all of them unmapped."
    );
}

#[test]
fn whole_and_absent_dependent_groups_are_fine() {
    let both: Document = serde_json::from_value(json!({ "users": [
        { "field": "city", "source": { "kind": "constant", "value": "Austin" } },
        { "field": "country", "source": { "kind": "constant", "value": "US" } },
    ]}))
    .unwrap();
    assert!(compile(&both).is_ok());
    assert!(compile(&Document::default()).is_ok());
}

#[test]
fn unknown_members_of_a_document_are_refused() {
    let text = json!({ "users": [{ "field": "nick", "sauce": {}, "source": { "kind": "constant", "value": 1 } }] });
    assert!(serde_json::from_value::<Document>(text).is_err());
}
