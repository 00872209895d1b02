use super::*;
use crate::scim::error::ScimType;
use crate::scim::schema::Registry;
use crate::scim::urn;
use serde_json::json;

fn complete() -> Value {
    json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER],
        "id": "2819c223",
        "userName": "bjensen",
        "password": "never",
        "name": { "givenName": "Barbara", "familyName": "Jensen" },
        "emails": [
            { "value": "b@x", "type": "work" }, { "type": "home" }
        ],
        "groups": [{ "value": "g1", "display": "Guides" }],
        (urn::ENTERPRISE_USER): { "department": "Tours", "manager": { "value": "m1" } },
        "meta": { "resourceType": "User", "created": "2010-01-23T04:56:22Z" }
    })
}

fn projected(attributes: Option<&str>, excluded: Option<&str>) -> Value {
    let registry = Registry::standard();
    let user = registry.named("User").unwrap();
    let projection = Projection::parse(user, attributes, excluded).unwrap();
    let Value::Object(mut resource) = complete() else { panic!() };
    projection.apply(user, &mut resource);
    resource.into()
}

#[test]
fn named_attributes_and_the_minimum_stay() {
    let ext = urn::ENTERPRISE_USER;
    let of = |more: Value| {
        let mut all = json!({ "schemas": [urn::USER, ext], "id": "2819c223" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    for (attributes, expected) in [
        ("userName", of(json!({ "userName": "bjensen" }))),
        (
            " USERNAME , name.GivenName ",
            of(json!({
                "userName": "bjensen", "name": { "givenName": "Barbara" }
            })),
        ),
        ("emails.value", of(json!({ "emails": [{ "value": "b@x" }] }))),
        (
            "emails.value,emails",
            of(json!({
                "emails": [{ "value": "b@x", "type": "work" }, { "type": "home" }]
            })),
        ),
        ("id", of(json!({}))),
        ("meta.resourceType", of(json!({ "meta": { "resourceType": "User" } }))),
        ("groups.display", of(json!({ "groups": [{ "display": "Guides" }] }))),
        ("password,shoeSize,%%", of(json!({}))),
        (ext, of(json!({ (ext): { "department": "Tours", "manager": { "value": "m1" } } }))),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            of(json!({ (ext): { "department": "Tours" } })),
        ),
        ("manager.value", of(json!({ (ext): { "manager": { "value": "m1" } } }))),
        ("manager.$ref", of(json!({}))),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:userName",
            of(json!({ "userName": "bjensen" })),
        ),
    ] {
        assert_eq!(projected(Some(attributes), None), expected, "{attributes}");
    }
}

#[test]
fn excluded_attributes_go_unless_always_returned() {
    let ext = urn::ENTERPRISE_USER;
    let but = |change: fn(&mut Map<String, Value>)| {
        let mut all = complete();
        let map = all.as_object_mut().unwrap();
        map.shift_remove("password");
        change(map);
        all
    };
    let registry = Registry::standard();
    assert_eq!(registry.resource_types[0].extensions[0].0.id, ext);
    for (excluded, expected) in [
        ("id,schemas,shoeSize", but(|_| ())),
        ("groups, userName", but(|all| all.retain(|key, _| key != "groups" && key != "userName"))),
        (
            "name.givenName",
            but(|all| {
                all["name"].as_object_mut().unwrap().shift_remove("givenName");
            }),
        ),
        ("emails.type", but(|all| all["emails"] = json!([{ "value": "b@x" }]))),
        (ext, but(|all| all.retain(|key, _| key != urn::ENTERPRISE_USER))),
        (
            "manager.value",
            but(|all| {
                all[urn::ENTERPRISE_USER] = json!({ "department": "Tours" });
            }),
        ),
    ] {
        assert_eq!(projected(None, Some(excluded)), expected, "{excluded}");
    }
    assert_eq!(projected(None, None), but(|_| ()), "no password by default");
    assert_eq!(projected(Some(" "), Some("")), but(|_| ()));
}

#[test]
fn both_at_once_are_refused() {
    let registry = Registry::standard();
    let error =
        Projection::parse(&registry.resource_types[0], Some("id"), Some("name")).unwrap_err();
    assert_eq!(error.scim_type(), Some(ScimType::InvalidValue));
}

#[test]
fn costly_attributes_are_wanted_only_where_answered() {
    let registry = Registry::standard();
    let group = registry.named("Group").unwrap();
    for (attributes, excluded, expected) in [
        (None, None, true),
        (None, Some("members"), false),
        (None, Some("displayName"), true),
        (None, Some("members.display"), true),
        (Some("displayName"), None, false),
        (Some("MEMBERS"), None, true),
        (Some("members.value"), None, true),
        (Some("shoeSize"), None, false),
    ] {
        let projection = Projection::parse(group, attributes, excluded).unwrap();
        assert_eq!(projection.wants(group, "members"), expected, "{attributes:?} {excluded:?}");
    }
    let user = registry.named("User").unwrap();
    assert!(!Projection::default().wants(user, "password"));
    assert!(!Projection::default().wants(user, "members"));
}

#[test]
fn on_request_means_when_named() {
    let mut registry = Registry::standard();
    let user = std::sync::Arc::make_mut(&mut registry.resource_types[0]);
    let name = |attribute: &&mut Attribute| attribute.name == "userName";
    user.schema.attributes.iter_mut().find(name).unwrap().returned = Returned::Request;
    let has = |attributes, excluded| {
        let projection = Projection::parse(user, attributes, excluded).unwrap();
        let Value::Object(mut resource) = complete() else { panic!() };
        projection.apply(user, &mut resource);
        resource.contains_key("userName")
    };
    assert!(!has(None, None));
    assert!(!has(None, Some("name")));
    assert!(has(Some("userName"), None));
}

/// RFC 7643 §7: in answer to a write also when the client wrote it.
#[test]
fn on_request_means_also_when_written() {
    let mut registry = Registry::standard();
    let user = std::sync::Arc::make_mut(&mut registry.resource_types[0]);
    let name = |wanted: &'static str| move |attribute: &&mut Attribute| attribute.name == wanted;
    let attributes = &mut user.schema.attributes;
    attributes.iter_mut().find(name("userName")).unwrap().returned = Returned::Request;
    let emails = attributes.iter_mut().find(name("emails")).unwrap();
    emails.sub_attributes.iter_mut().find(name("type")).unwrap().returned = Returned::Request;
    let mut written = Written::default();
    for (path, value) in [
        ("userName", json!("bjensen")),
        ("emails", json!([{ "value": "b@x", "TYPE": "work" }])),
        ("name", json!({ "givenName": "B" })),
    ] {
        written.note(&user.place(&path::attribute(path).unwrap()).unwrap(), Some(&value));
    }
    let shown = |attributes, excluded| {
        let projection = Projection::parse(user, attributes, excluded).unwrap();
        let Value::Object(mut resource) = complete() else { panic!() };
        projection.of_writing(written.clone()).apply(user, &mut resource);
        (resource.get("userName").is_some(), resource.get("emails").cloned())
    };
    let whole = json!([{ "value": "b@x", "type": "work" }, { "type": "home" }]);
    assert_eq!(shown(None, None), (true, Some(whole.clone())));
    assert_eq!(shown(None, Some("name")), (true, Some(whole)));
    assert_eq!(shown(None, Some("userName,emails.type")).1, Some(json!([{ "value": "b@x" }])));
    assert!(!shown(None, Some("userName")).0);
    assert_eq!(shown(Some("name"), None), (false, None));
    assert!(!Projection::default().wants(user, "userName"));
}

#[test]
fn what_is_never_read_back_is_taken_out_everywhere() {
    const KEYS: &str = "urn:example:params:scim:schemas:extension:keys:2.0:User";
    let definition = json!({
        "id": KEYS, "name": "Keys", "extends": "User",
        "attributes": [
            { "name": "secret", "returned": "never" },
            { "name": "hidden", "mutability": "writeOnly", "returned": "never" },
            { "name": "badge", "type": "complex", "subAttributes": [
                { "name": "number" }, { "name": "pin", "returned": "never" },
            ] },
            { "name": "keys", "type": "complex", "multiValued": true, "subAttributes": [
                { "name": "value" }, { "name": "pin", "returned": "never" },
            ] },
        ],
    });
    let definition = serde_json::from_value(definition).unwrap();
    let registry = Registry::with(&[definition], 0);
    let user = registry.named("User").unwrap();
    let cleaned = |extension: Value| {
        let resource = json!({
            "schemas": [urn::USER, KEYS], "userName": "ann", "PassWord": "s3cret", "unknown": {},
            "name": {}, "emails": [], (KEYS): extension,
        });
        let Value::Object(mut resource) = resource else { panic!() };
        remove_secrets(user, &mut resource);
        resource
    };
    let resource = cleaned(json!({
        "secret": "a", "Hidden": "b", "badge": { "number": "7", "PIN": "9182" },
        "keys": [{ "value": "k", "pin": "1" }, { "pin": "2" }],
    }));
    assert_eq!(
        Value::Object(resource),
        json!({
            "schemas": [urn::USER, KEYS], "userName": "ann", "unknown": {}, "name": {}, "emails": [],
            (KEYS): { "badge": { "number": "7" }, "keys": [{ "value": "k" }] },
        })
    );
    let nothing_else = json!({ "secret": "a", "badge": { "pin": "9" }, "keys": [{ "pin": "1" }] });
    assert!(!cleaned(nothing_else).contains_key(KEYS));
    assert!(cleaned(json!({})).contains_key(KEYS));
}
