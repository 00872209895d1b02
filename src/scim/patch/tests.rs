use super::*;
use crate::scim::dialect::Dialect;
use crate::scim::error::{Error, ScimType};
use crate::scim::resource;
use crate::scim::schema::{Mutability, Registry, ResourceType};
use crate::scim::urn;
use proptest::prelude::*;
use serde_json::json;
use std::sync::LazyLock;

mod members;
mod providers;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

fn kind(name: &str) -> &'static ResourceType {
    REGISTRY.named(name).unwrap()
}

fn barbara() -> Map<String, Value> {
    let body = json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER],
        "userName": "bjensen",
        "externalId": "x1",
        "name": { "familyName": "Jensen", "givenName": "Barbara" },
        "title": "Guide",
        "active": true,
        "emails": [
            { "value": "bjensen@example.com", "type": "work", "primary": true },
            { "value": "babs@jensen.org", "type": "home" }
        ],
        "addresses": [{ "type": "work", "streetAddress": "100 Plaza", "locality": "Hollywood" }],
        (urn::ENTERPRISE_USER): {
            "department": "Tours",
            "manager": { "value": "m1", "$ref": "../Users/m1" }
        }
    });
    resource::check(kind("User"), body, Dialect::Strict).unwrap().attributes
}

fn patch_of(
    kind: &ResourceType,
    current: &Map<String, Value>,
    operations: Value,
    dialect: Dialect,
) -> Result<Patched, Error> {
    let body = json!({ "schemas": [urn::PATCH_OP], "Operations": operations });
    apply(kind, current, &parse(kind, &body, dialect)?, dialect)
}

/// Barbara after the operations.
fn after(dialect: Dialect, operations: Value) -> Result<Value, Error> {
    patch_of(kind("User"), &barbara(), operations, dialect)
        .map(|patched| Value::Object(patched.attributes))
}

/// Barbara as she is, but for what the closure changes.
fn but(change: impl FnOnce(&mut Value)) -> Value {
    let mut user = Value::Object(barbara());
    change(&mut user);
    user
}

fn without(user: &mut Value, name: &str) {
    user.as_object_mut().unwrap().shift_remove(name);
}

fn refused(result: Result<impl std::fmt::Debug, Error>, scim_type: ScimType, named: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.scim_type, Some(scim_type), "{error}");
    assert!(error.detail.contains(named), "{named}: {error}");
}

#[test]
fn the_rules_of_the_rfc_hold_in_every_dialect() {
    let ext = urn::ENTERPRISE_USER;
    let table = [
        // RFC 7644 §3.5.2.1: add
        (
            json!([{ "op": "add", "path": "title", "value": "Chief" }]),
            but(|user| user["title"] = "Chief".into()),
        ),
        (
            json!([{ "op": "add", "path": "nickName", "value": "Babs" }]),
            but(|user| user["nickName"] = "Babs".into()),
        ),
        (
            json!([{ "op": "add", "value": {
                "emails": [{ "value": "b@x", "type": "other" }], "nickname": "Babs"
            } }]),
            but(|user| {
                user["nickName"] = "Babs".into();
                let more = json!({ "value": "b@x", "type": "other" });
                user["emails"].as_array_mut().unwrap().push(more);
            }),
        ),
        (
            json!([{ "op": "add", "path": "name", "value": { "middleName": "Jane" } }]),
            but(|user| user["name"]["middleName"] = "Jane".into()),
        ),
        (
            json!([{ "op": "add", "path": "emails", "value": { "value": "b@x" } }]),
            but(|user| user["emails"].as_array_mut().unwrap().push(json!({ "value": "b@x" }))),
        ),
        (
            json!([{ "op": "add", "path": format!("{ext}:employeeNumber"), "value": "7" }]),
            but(|user| user[ext]["employeeNumber"] = "7".into()),
        ),
        (
            json!([{ "op": "add", "path": format!("{}:title", urn::USER), "value": "Chief" }]),
            but(|user| user["title"] = "Chief".into()),
        ),
        (json!([{ "op": "add", "path": "title", "value": null }]), but(|_| ())),
        // RFC 7644 §3.5.2.2: remove
        (json!([{ "op": "remove", "path": "title" }]), but(|user| without(user, "title"))),
        (json!([{ "op": "remove", "path": "emails" }]), but(|user| without(user, "emails"))),
        (
            json!([{ "op": "remove", "path": "emails[type eq \"work\" and value ew \"example.com\"]" }]),
            but(|user| {
                user["emails"].as_array_mut().unwrap().remove(0);
            }),
        ),
        (
            json!([{ "op": "remove", "path": "emails[value pr]" }]),
            but(|user| without(user, "emails")),
        ),
        (
            json!([{ "op": "remove", "path": "addresses[type eq \"work\"].locality" }]),
            but(|user| without(&mut user["addresses"][0], "locality")),
        ),
        (
            json!([{ "op": "remove", "path": "name.givenName" }]),
            but(|user| without(&mut user["name"], "givenName")),
        ),
        (
            json!([
                { "op": "remove", "path": "name.givenName" },
                { "op": "remove", "path": "name.familyName" }
            ]),
            but(|user| without(user, "name")),
        ),
        (
            json!([{ "op": "remove", "path": "emails.primary" }]),
            but(|user| without(&mut user["emails"][0], "primary")),
        ),
        (json!([{ "op": "remove", "path": "nickName" }]), but(|_| ())),
        (
            json!([{ "op": "remove", "path": ext }]),
            but(|user| {
                without(user, ext);
                user["schemas"] = json!([urn::USER]);
            }),
        ),
        (
            json!([
                { "op": "remove", "path": format!("{ext}:department") },
                { "op": "remove", "path": format!("{ext}:manager") }
            ]),
            but(|user| {
                without(user, ext);
                user["schemas"] = json!([urn::USER]);
            }),
        ),
        // RFC 7644 §3.5.2.3: replace
        (
            json!([{ "op": "replace", "path": "USERNAME", "value": "babs" }]),
            but(|user| user["userName"] = "babs".into()),
        ),
        (
            json!([{ "op": "replace", "path": "name", "value": { "givenName": "Babs" } }]),
            but(|user| user["name"]["givenName"] = "Babs".into()),
        ),
        (
            json!([{ "op": "replace", "path": "emails", "value": [{ "value": "b@x" }] }]),
            but(|user| user["emails"] = json!([{ "value": "b@x" }])),
        ),
        (
            json!([{ "op": "replace", "path": "emails", "value": [] }]),
            but(|user| without(user, "emails")),
        ),
        (
            json!([{ "op": "replace", "path": "title", "value": null }]),
            but(|user| without(user, "title")),
        ),
        (
            json!([{ "op": "replace", "path": "nickName", "value": "Babs" }]),
            but(|user| user["nickName"] = "Babs".into()),
        ),
        (
            json!([{ "op": "replace", "path": "addresses[type eq \"work\"]", "value": {
                "type": "work", "streetAddress": "911 Universal City Plaza", "primary": true
            } }]),
            but(|user| {
                user["addresses"] = json!([
                    { "type": "work", "streetAddress": "911 Universal City Plaza", "primary": true }
                ]);
            }),
        ),
        (
            json!([{ "op": "replace", "path": "addresses[type eq \"work\"].streetAddress",
                "value": "1010 Broadway Ave" }]),
            but(|user| user["addresses"][0]["streetAddress"] = "1010 Broadway Ave".into()),
        ),
        (
            json!([{ "op": "replace", "value": {
                "emails": [{ "value": "b@x", "type": "work", "primary": true }], "nickname": "Babs"
            } }]),
            but(|user| {
                user["nickName"] = "Babs".into();
                user["emails"] = json!([{ "value": "b@x", "type": "work", "primary": true }]);
            }),
        ),
        (
            json!([{ "op": "replace", "path": ext, "value": { "division": "Parks" } }]),
            but(|user| user[ext]["division"] = "Parks".into()),
        ),
        (
            json!([{ "op": "replace", "value": { (ext): { "division": "Parks" } } }]),
            but(|user| user[ext]["division"] = "Parks".into()),
        ),
        // In order: later operations see what earlier ones did.
        (
            json!([
                { "op": "remove", "path": "emails" },
                { "op": "add", "path": "emails", "value": [{ "value": "b@x", "type": "work" }] },
                { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "c@x" }
            ]),
            but(|user| user["emails"] = json!([{ "value": "c@x", "type": "work" }])),
        ),
        // A password is taken, and nothing of it is kept.
        (json!([{ "op": "replace", "path": "password", "value": "s3cret" }]), but(|_| ())),
        (json!([{ "op": "replace", "value": { "password": "s3cret" } }]), but(|_| ())),
        (json!([{ "op": "remove", "path": "password" }]), but(|_| ())),
    ];
    for (operations, expected) in table {
        for dialect in [Dialect::Strict, Dialect::Standard, Dialect::Entra, Dialect::Okta] {
            let result = after(dialect, operations.clone());
            assert_eq!(result, Ok(expected.clone()), "{dialect:?} {operations}");
        }
    }
}

#[test]
fn what_is_there_already_changes_nothing() {
    for operations in [
        json!([{ "op": "add", "path": "title", "value": "Guide" }]),
        json!([{ "op": "add", "path": "emails",
            "value": [{ "type": "home", "value": "babs@jensen.org" }] }]),
        json!([{ "op": "replace", "path": "name", "value": { "givenName": "Barbara" } }]),
        json!([{ "op": "replace", "path": "emails[type eq \"home\"].value",
            "value": "babs@jensen.org" }]),
        json!([{ "op": "remove", "path": "nickName" }]),
        json!([{ "op": "remove", "path": "title" },
            { "op": "add", "path": "title", "value": "Guide" }]),
        json!([{ "op": "replace", "value": Value::Object(barbara()) }]),
    ] {
        let patched =
            patch_of(kind("User"), &barbara(), operations.clone(), Dialect::Strict).unwrap();
        assert!(!patched.changed, "{operations}");
        assert_eq!(patched.attributes, barbara());
        assert!(patched.members.is_empty());
    }
    let operations = json!([{ "op": "add", "path": "title", "value": "guide" }]);
    assert!(patch_of(kind("User"), &barbara(), operations, Dialect::Strict).unwrap().changed);
}

#[test]
fn there_is_one_primary() {
    let emails = |operations| after(Dialect::Strict, operations).map(|user| user["emails"].clone());
    let (work, home) = ("bjensen@example.com", "babs@jensen.org");
    for (operations, expected) in [
        (
            json!([{ "op": "add", "path": "emails", "value": [{ "value": "b", "primary": true }] }]),
            json!([
                { "value": work, "type": "work", "primary": false },
                { "value": home, "type": "home" },
                { "value": "b", "primary": true }
            ]),
        ),
        (
            json!([{ "op": "replace", "path": "emails[type eq \"home\"].primary", "value": true }]),
            json!([
                { "value": work, "type": "work", "primary": false },
                { "value": home, "type": "home", "primary": true }
            ]),
        ),
        (
            // The same value and type is the same element (RFC 7643 §2.4).
            json!([{ "op": "add", "path": "emails",
                "value": [{ "value": home, "type": "home", "primary": true }] }]),
            json!([
                { "value": work, "type": "work", "primary": false },
                { "value": home, "type": "home", "primary": true }
            ]),
        ),
    ] {
        assert_eq!(emails(operations.clone()), Ok(expected), "{operations}");
    }
    for operations in [
        json!([{ "op": "replace", "path": "emails", "value": [
            { "value": "a", "primary": true }, { "value": "b", "primary": true }] }]),
        json!([{ "op": "replace", "path": "emails[value pr].primary", "value": true }]),
        json!([{ "op": "replace", "path": "emails.primary", "value": true }]),
    ] {
        refused(emails(operations), ScimType::InvalidValue, "primary");
    }
}

#[test]
fn a_new_manager_takes_the_old_reference_along() {
    let ext = urn::ENTERPRISE_USER;
    for (operations, manager) in [
        (
            json!([{ "op": "replace", "path": format!("{ext}:manager"), "value": { "value": "m2" } }]),
            json!({ "value": "m2" }),
        ),
        (
            json!([{ "op": "replace", "path": format!("{ext}:manager.value"), "value": "m2" }]),
            json!({ "value": "m2" }),
        ),
        (
            json!([{ "op": "add", "path": format!("{ext}:manager"),
                "value": { "$ref": "../Users/m2", "value": "m2", "displayName": "Read Only" } }]),
            json!({ "value": "m2", "$ref": "../Users/m2" }),
        ),
        (
            json!([{ "op": "replace", "path": format!("{ext}:manager"), "value": { "value": "m1" } }]),
            json!({ "value": "m1", "$ref": "../Users/m1" }),
        ),
    ] {
        let user = after(Dialect::Strict, operations).unwrap();
        assert_eq!(user[ext]["manager"], manager);
    }
}

#[test]
fn wrong_operations_are_refused_by_name() {
    use ScimType as S;
    for (operation, scim_type, named) in [
        (json!({ "op": "remove" }), S::NoTarget, "path"),
        (json!({ "op": "remove", "value": { "title": 1 } }), S::NoTarget, "path"),
        (json!({ "op": "remove", "path": "userName" }), S::Mutability, "userName"),
        (json!({ "op": "remove", "path": "schemas" }), S::Mutability, "schemas"),
        (json!({ "op": "remove", "path": "id" }), S::Mutability, "id"),
        (json!({ "op": "replace", "path": "id", "value": "x" }), S::Mutability, "id"),
        (json!({ "op": "replace", "path": "meta.created", "value": "x" }), S::Mutability, "meta"),
        (
            json!({ "op": "add", "path": "groups", "value": [{ "value": "g" }] }),
            S::Mutability,
            "groups",
        ),
        (json!({ "op": "remove", "path": "groups[value eq \"g\"]" }), S::Mutability, "groups"),
        (
            json!({ "op": "replace", "path": "manager.displayName", "value": "x" }),
            S::Mutability,
            "manager.displayName",
        ),
        (json!({ "op": "replace", "path": "userName", "value": "" }), S::InvalidValue, "userName"),
        (
            json!({ "op": "replace", "path": "userName", "value": null }),
            S::InvalidValue,
            "userName",
        ),
        (json!({ "op": "replace", "path": "active", "value": "maybe" }), S::InvalidValue, "active"),
        (json!({ "op": "replace", "path": "name", "value": "x" }), S::InvalidValue, "name"),
        (json!({ "op": "replace", "path": "title", "value": 5 }), S::InvalidValue, "title"),
        (
            json!({ "op": "replace", "path": "title", "value": ["a", "b"] }),
            S::InvalidValue,
            "title",
        ),
        (json!({ "op": "replace", "path": "title", "value": "a\u{0}" }), S::InvalidValue, "title"),
        (json!({ "op": "replace", "path": "password", "value": 5 }), S::InvalidValue, "password"),
        (json!({ "op": "replace", "path": "emails.value", "value": 5 }), S::InvalidValue, "emails"),
        (json!({ "op": "add", "path": "title" }), S::InvalidValue, "value"),
        (json!({ "op": "add", "value": "x" }), S::InvalidValue, "object"),
        (json!({ "op": "replace", "value": null }), S::InvalidValue, "object"),
        (
            json!({ "op": "add", "value": { "title": "a", "TITLE": "b" } }),
            S::InvalidSyntax,
            "TITLE",
        ),
        (
            json!({ "op": "add", "path": urn::ENTERPRISE_USER, "value": 5 }),
            S::InvalidValue,
            "object",
        ),
        (json!({ "op": "add", "path": "shoeSize", "value": 5 }), S::InvalidPath, "shoeSize"),
        (json!({ "op": "add", "path": "name.shoeSize", "value": 5 }), S::InvalidPath, "shoeSize"),
        (json!({ "op": "add", "path": "emails[0]", "value": 5 }), S::InvalidFilter, "character 8"),
        (json!({ "op": "add", "path": "", "value": 5 }), S::InvalidPath, "character 1"),
        (json!({ "op": "add", "path": 5, "value": 5 }), S::InvalidPath, "path"),
        (json!({ "op": "add", "path": "/title", "value": 5 }), S::InvalidPath, "character 1"),
        (json!({ "op": "add", "path": "name[givenName pr]", "value": 5 }), S::InvalidPath, "name"),
        (json!({ "op": "remove", "path": "emails[x pr]" }), S::InvalidFilter, "x"),
        (json!({ "op": "remove", "path": "emails[type pr].x" }), S::InvalidPath, "x"),
        (json!({ "op": "remove", "path": "emails[primary gt true]" }), S::InvalidFilter, "primary"),
        (
            json!({ "op": "replace", "path": "ims[type eq \"xmpp\"].value", "value": "x" }),
            S::NoTarget,
            "ims",
        ),
        (json!({ "op": "move", "path": "title" }), S::InvalidSyntax, "move"),
        (json!({ "op": 5, "path": "title" }), S::InvalidSyntax, "op"),
        (json!({ "path": "title" }), S::InvalidSyntax, "op"),
        (json!("add"), S::InvalidSyntax, "operation"),
        (
            json!({ "op": "add", "OP": "add", "path": "title", "value": "x" }),
            S::InvalidSyntax,
            "op",
        ),
    ] {
        for dialect in [Dialect::Strict, Dialect::Standard, Dialect::Okta] {
            let fine = json!({ "op": "add", "path": "title", "value": "Chief" });
            let result = after(dialect, json!([fine, operation.clone()]));
            let error = result.clone().unwrap_err();
            assert!(error.detail.starts_with("operation 2: "), "{error}");
            refused(result, scim_type, named);
        }
    }
}

#[test]
fn wrong_bodies_are_refused() {
    let op = json!({ "op": "remove", "path": "title" });
    for body in [
        json!([]),
        json!({}),
        json!({ "schemas": [urn::PATCH_OP] }),
        json!({ "schemas": [urn::PATCH_OP], "Operations": [] }),
        json!({ "schemas": [urn::PATCH_OP], "Operations": op }),
        json!({ "schemas": [urn::PATCH_OP], "Operations": [op], "operations": [op] }),
        json!({ "schemas": 5, "Operations": [op] }),
    ] {
        for dialect in [Dialect::Strict, Dialect::Standard] {
            let error = parse(kind("User"), &body, dialect).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{body}");
        }
    }
    for body in
        [json!({ "Operations": [op] }), json!({ "schemas": [urn::USER], "Operations": [op] })]
    {
        refused(
            parse(kind("User"), &body, Dialect::Strict),
            ScimType::InvalidSyntax,
            urn::PATCH_OP,
        );
        assert_eq!(parse(kind("User"), &body, Dialect::Standard).unwrap().len(), 1);
    }
    let body = json!({ "operations": vec![op; MAX_OPERATIONS + 1] });
    assert_eq!(parse(kind("User"), &body, Dialect::Standard).unwrap_err().status, 413);
}

#[test]
fn strangers_in_a_set_of_attributes_are_ignored_or_refused() {
    let expected = but(|user| user["title"] = "Chief".into());
    for (more, scim_type) in [
        (json!({ "shoeSize": 5 }), ScimType::InvalidSyntax),
        (json!({ "name.shoeSize": 5 }), ScimType::InvalidSyntax),
        (json!({ (urn::ENTERPRISE_USER): { "shoeSize": 5 } }), ScimType::InvalidSyntax),
        (json!({ "id": "x", "meta": {} }), ScimType::Mutability),
        (json!({ "groups": [] }), ScimType::Mutability),
        (json!({ "schemas": ["urn:x"] }), ScimType::InvalidValue),
    ] {
        let mut value = json!({ "title": "Chief" });
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let operations = json!([{ "op": "replace", "value": value }]);
        assert_eq!(after(Dialect::Standard, operations.clone()), Ok(expected.clone()));
        refused(after(Dialect::Strict, operations), scim_type, "operation 1");
    }
}

#[test]
fn immutable_attributes_take_one_value() {
    let mut kind = kind("User").clone();
    for attribute in &mut kind.schema.attributes {
        if ["nickName", "title", "emails"].contains(&attribute.name.as_str()) {
            attribute.mutability = Mutability::Immutable;
        }
    }
    let with =
        |operation: Value| patch_of(&kind, &barbara(), json!([operation]), Dialect::Standard);
    for fine in [
        json!({ "op": "add", "path": "nickName", "value": "x" }),
        json!({ "op": "replace", "path": "title", "value": "Guide" }),
        json!({ "op": "remove", "path": "nickName" }),
    ] {
        assert!(with(fine.clone()).is_ok(), "{fine}");
    }
    for (wrong, named) in [
        (json!({ "op": "add", "path": "title", "value": "x" }), "title"),
        (json!({ "op": "replace", "value": { "title": "x" } }), "title"),
        (json!({ "op": "remove", "path": "title" }), "title"),
        (json!({ "op": "add", "path": "emails", "value": [{ "value": "x" }] }), "emails"),
        (json!({ "op": "remove", "path": "emails[type eq \"work\"]" }), "emails"),
    ] {
        refused(with(wrong), ScimType::Mutability, named);
    }
}

#[test]
fn many_operations_are_fast() {
    let one = |at: usize| json!({ "op": "add", "path": "title", "value": format!("t{at}") });
    let titles: Vec<Value> = (0..MAX_OPERATIONS).map(one).collect();
    let user = after(Dialect::Standard, titles.into()).unwrap();
    assert_eq!(user["title"], format!("t{}", MAX_OPERATIONS - 1));
    let heavy: Vec<Value> = std::iter::once(json!({ "op": "add", "path": "roles",
        "value": (0..2_000).map(|n| json!({ "value": n.to_string() })).collect::<Vec<_>>() }))
    .chain(
        (0..9_999)
            .map(|n| json!({ "op": "replace", "path": "roles.display", "value": n.to_string() })),
    )
    .collect();
    let error = after(Dialect::Standard, heavy.into()).unwrap_err();
    assert_eq!(error.status, 413, "bounded: {error}");
}

fn operation() -> impl Strategy<Value = Value> {
    let path = prop::sample::select(vec![
        "title",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "emails[type eq \"work\"]",
        "emails[type eq \"work\"].value",
        "emails[primary eq true].primary",
        "manager",
        "addresses[type eq \"home\"].country",
        "active",
        "userName",
        urn::ENTERPRISE_USER,
        "roles",
    ]);
    let value = prop::sample::select(vec![
        json!("x"),
        json!(""),
        Value::Null,
        json!(true),
        json!([]),
        json!({}),
        json!({ "value": "x", "type": "work", "primary": true }),
        json!({ "givenName": "x" }),
        json!([{ "value": "x", "primary": true }, { "value": "y", "type": "work" }]),
        json!({ "department": "x", "manager": { "value": "m" } }),
        json!({ "value": "" }),
    ]);
    let op = prop::sample::select(vec!["add", "remove", "replace"]);
    (op, prop::option::weighted(0.9, path), value).prop_map(|(op, path, value)| {
        let mut operation = json!({ "op": op, "value": value });
        if let Some(path) = path {
            operation["path"] = path.into();
        }
        operation
    })
}

proptest! {
    #[test]
    fn what_comes_out_is_valid(
        operations in prop::collection::vec(operation(), 1..6),
        entra in any::<bool>(),
    ) {
        let dialect = if entra { Dialect::Entra } else { Dialect::Strict };
        if let Ok(patched) = patch_of(kind("User"), &barbara(), operations.into(), dialect) {
            let body = Value::Object(patched.attributes.clone());
            let mut checked = resource::check(kind("User"), body, Dialect::Strict).unwrap();
            if !patched.attributes.contains_key("active") {
                checked.attributes.shift_remove("active");
            }
            prop_assert_eq!(&checked.attributes, &patched.attributes);
            prop_assert_eq!(patched.changed, patched.attributes != barbara());
        }
    }

    #[test]
    fn applying_together_is_applying_one_by_one(
        operations in prop::collection::vec(operation(), 1..5),
    ) {
        let together = patch_of(
            kind("User"), &barbara(), operations.clone().into(), Dialect::Standard,
        );
        let mut user = Ok(barbara());
        for operation in operations {
            user = user.and_then(|user| {
                patch_of(kind("User"), &user, json!([operation]), Dialect::Standard)
                    .map(|patched| patched.attributes)
            });
        }
        if let Ok(user) = user {
            prop_assert_eq!(together.map(|patched| patched.attributes), Ok(user));
        }
    }
}
