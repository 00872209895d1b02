use super::*;
use crate::scim::dialect::Dialect;
use crate::scim::error::{Error, ScimType};
use crate::scim::resource;
use crate::scim::schema::{Registry, ResourceType};
use crate::scim::urn;
use serde_json::json;
use std::sync::LazyLock;

mod members;
mod properties;
mod providers;
mod refusals;

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
    let mut body = json!({ "schemas": [urn::PATCH_OP] });
    body["Operations"] = operations;
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
    assert_eq!(error.scim_type(), Some(scim_type), "{error}");
    assert!(error.to_string().contains(named), "{named}: {error}");
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
        (
            // RFC 7643 §2.5: null is the state of being unassigned.
            json!([{ "op": "add", "path": "title", "value": null }]),
            but(|user| without(user, "title")),
        ),
        (json!([{ "op": "add", "path": "emails", "value": null }]), but(|_| ())),
        (json!([{ "op": "add", "path": "emails", "value": [] }]), but(|_| ())),
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
        json!([{ "op": "add", "path": "emails",
            "value": [{ "type": "home", "value": "babs@jensen.org", "primary": false }] }]),
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
            // One claims it; that another one has had it is no claim.
            json!([{ "op": "add", "path": "emails", "value": [
                { "value": work, "type": "work" }, { "value": "b", "primary": true }
            ] }]),
            json!([
                { "value": work, "type": "work", "primary": false },
                { "value": home, "type": "home" },
                { "value": "b", "primary": true }
            ]),
        ),
        (
            // Without a value, the element is all that it says, but for being primary.
            json!([
                { "op": "replace", "path": "emails",
                    "value": [{ "type": "x", "display": "X", "primary": true }] },
                { "op": "add", "path": "emails", "value": [{ "value": "b", "primary": true }] },
                { "op": "add", "path": "emails", "value": [{ "type": "x", "display": "X" }] }
            ]),
            json!([
                { "type": "x", "display": "X", "primary": false }, { "value": "b", "primary": true }
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
fn what_becomes_equal_is_one() {
    let ims = |operations| after(Dialect::Strict, operations).map(|user| user["ims"].clone());
    for (operations, expected) in [
        (
            // The one that is demoted is the one that is added beside its successor.
            json!([
                { "op": "add", "path": "ims", "value": [{ "type": "a", "primary": true }] },
                { "op": "add", "path": "ims", "value": [
                    { "type": "b", "primary": true }, { "type": "a", "primary": false }] },
            ]),
            json!([{ "type": "a", "primary": false }, { "type": "b", "primary": true }]),
        ),
        (
            json!([
                { "op": "add", "path": "ims", "value": [
                    { "type": "a", "display": "x" }, { "type": "a", "display": "y" }] },
                { "op": "replace", "path": "ims[display eq \"y\"].display", "value": "x" },
            ]),
            json!([{ "type": "a", "display": "x" }]),
        ),
    ] {
        assert_eq!(ims(operations.clone()), Ok(expected), "{operations}");
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
