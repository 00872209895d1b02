use super::*;
use crate::scim::error::ScimType;
use crate::scim::schema::{Registry, Type};
use proptest::prelude::*;
use serde_json::json;
use std::sync::LazyLock;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

fn kind(name: &str) -> &'static ResourceType {
    REGISTRY.named(name).unwrap()
}

fn user(body: Value) -> Result<Valid, Error> {
    check(kind("User"), body, Dialect::Standard)
}

/// What is kept of a user with that besides a userName.
fn kept_of(dialect: Dialect, more: Value) -> Result<Value, Error> {
    let mut body = json!({ "schemas": [urn::USER, urn::ENTERPRISE_USER], "userName": "bj" });
    let Value::Object(more) = more else { panic!("an object") };
    body.as_object_mut().unwrap().extend(more);
    let mut attributes = check(kind("User"), body, dialect)?.attributes;
    for name in ["schemas", "userName", "active"] {
        attributes.shift_remove(name);
    }
    Ok(attributes.into())
}

fn refused(result: Result<impl std::fmt::Debug, Error>, scim_type: ScimType, named: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.scim_type(), Some(scim_type), "{error}");
    assert_eq!(error.code(), 400);
    assert!(error.to_string().contains(named), "{named}: {error}");
}

#[test]
fn the_full_user_of_the_rfc_is_kept_as_it_is() {
    // RFC 7643 §8.2 and §8.3, abridged; what the server computes is left out of the result.
    let mut body = json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalId": "701984",
        "userName": "bjensen@example.com",
        "name": {
            "formatted": "Ms. Barbara J Jensen, III",
            "familyName": "Jensen",
            "givenName": "Barbara",
            "middleName": "Jane",
            "honorificPrefix": "Ms.",
            "honorificSuffix": "III"
        },
        "displayName": "Babs Jensen",
        "nickName": "Babs",
        "profileUrl": "https://login.example.com/bjensen",
        "title": "Tour Guide",
        "userType": "Employee",
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "America/Los_Angeles",
        "active": true,
        "password": "t1meMa$heen",
        "emails": [
            { "value": "bjensen@example.com", "type": "work", "primary": true },
            { "value": "babs@jensen.org", "type": "home" }
        ],
        "phoneNumbers": [{ "value": "555-555-5555", "type": "work" }],
        "ims": [{ "value": "someaimhandle", "type": "aim" }],
        "photos": [{ "value": "https://photos.example.com/F", "type": "photo" }],
        "addresses": [{
            "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA",
            "streetAddress": "100 Universal City Plaza",
            "locality": "Hollywood",
            "region": "CA",
            "postalCode": "91608",
            "country": "USA",
            "type": "work"
        }],
        "groups": [{ "value": "e9e30dba-f08f-4109-8486-d5c6a331660a", "display": "Tour Guides" }],
        "x509Certificates": [{ "value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UE" }],
        "meta": { "resourceType": "User", "created": "2010-01-23T04:56:22Z" },
        (urn::ENTERPRISE_USER): {
            "employeeNumber": "701984",
            "costCenter": "4130",
            "organization": "Universal Studios",
            "division": "Theme Park",
            "department": "Tour Operations",
            "manager": {
                "value": "26118915-6090-4610-87e4-49d8ca9f808d",
                "$ref": "../Users/26118915-6090-4610-87e4-49d8ca9f808d",
                "displayName": "John Smith"
            }
        }
    });
    let valid = user(body.clone()).unwrap();
    let expected = body.as_object_mut().unwrap();
    for name in ["id", "password", "groups", "meta"] {
        expected.shift_remove(name);
    }
    expected[urn::ENTERPRISE_USER]["manager"].as_object_mut().unwrap().shift_remove("displayName");
    assert_eq!(Value::Object(valid.attributes.clone()), body);
    assert_eq!(valid.attributes.keys().next().unwrap(), "schemas");
    assert_eq!(valid.members, None);
}

#[test]
fn names_take_their_canonical_case() {
    let valid = user(json!({
        "SCHEMAS": [urn::USER.to_uppercase()],
        "USERNAME": "bj",
        "Emails": [{ "VALUE": "a@b", "Type": "work" }],
        (urn::ENTERPRISE_USER.to_lowercase()): { "DEPARTMENT": "x" },
    }))
    .unwrap();
    assert_eq!(
        Value::Object(valid.attributes),
        json!({
            "schemas": [urn::USER, urn::ENTERPRISE_USER],
            "userName": "bj",
            "active": true,
            "emails": [{ "value": "a@b", "type": "work" }],
            (urn::ENTERPRISE_USER): { "department": "x" },
        })
    );
    for body in [
        json!({ "userName": "a", "username": "b" }),
        json!({ "userName": "a", "foo": 1, "FOO": 2 }),
        json!({ "userName": "a", "name": { "givenName": "x", "GIVENNAME": "y" } }),
        json!({ "userName": "a", (urn::ENTERPRISE_USER): { "division": "x", "Division": "y" } }),
    ] {
        refused(user(body), ScimType::InvalidSyntax, "twice");
    }
}

#[test]
fn absence_has_three_spellings() {
    let gone = json!({
        "title": null, "emails": [], "name": {}, "ims": [null], "addresses": null, "roles": [{}],
        (urn::ENTERPRISE_USER): null
    });
    assert_eq!(kept_of(Dialect::Standard, gone).unwrap(), json!({}));
    let empty = json!({ (urn::ENTERPRISE_USER): { "department": null } });
    let body = json!({ "userName": "bj", (urn::ENTERPRISE_USER): {} });
    assert_eq!(user(body).unwrap().attributes["schemas"], json!([urn::USER]));
    assert_eq!(kept_of(Dialect::Strict, empty).unwrap(), json!({}));
}

#[test]
fn wrong_types_are_refused_by_name() {
    for (more, named) in [
        (json!({ "title": 5 }), "title takes a string"),
        (json!({ "title": ["a", "b"] }), "title takes one value"),
        (json!({ "title": { "a": 1 } }), "title"),
        (json!({ "active": "yes" }), "active takes a boolean"),
        (json!({ "active": 1 }), "active"),
        (json!({ "name": "Barbara" }), "name takes"),
        (json!({ "name": { "givenName": true } }), "name.givenName"),
        (json!({ "emails": [5] }), "emails"),
        (json!({ "emails": "a@b" }), "emails takes an array"),
        (json!({ "emails": ["a@b"] }), "emails takes complex"),
        (json!({ "title": ["a"] }), "title takes one value"),
        (json!({ "title": [] }), "title takes one value"),
        (json!({ "name": [{ "givenName": "x" }] }), "name takes one value"),
        (json!({ "emails": [{ "value": 5 }] }), "emails.value"),
        (json!({ "emails": [{ "primary": true }, { "value": "x", "primary": true }] }), "primary"),
        (json!({ "x509Certificates": [{ "value": "not base64!" }] }), "x509Certificates.value"),
        (json!({ "password": 5 }), "password"),
        (json!({ "title": "a\u{0}b" }), "title must not hold U+0000"),
        (json!({ "userName": "a\u{0}b" }), "userName must not hold U+0000"),
        (json!({ "userName": "a\nb" }), "userName must not hold control characters"),
        (json!({ "title": "x".repeat(MAX_TEXT + 1) }), "title is longer"),
        (json!({ (urn::ENTERPRISE_USER): "x" }), urn::ENTERPRISE_USER),
        (json!({ (urn::ENTERPRISE_USER): { "costCenter": 1 } }), "costCenter"),
        (
            json!({ "roles": vec![json!({ "value": "x" }); MAX_ELEMENTS + 1] }),
            "roles takes at most",
        ),
    ] {
        for dialect in [Dialect::Standard, Dialect::Strict, Dialect::Entra, Dialect::Okta] {
            refused(kept_of(dialect, more.clone()), ScimType::InvalidValue, named);
        }
    }
    let deep = json!({ "foo": [[[[[[[[1]]]]]]]] });
    refused(kept_of(Dialect::Standard, deep), ScimType::InvalidSyntax, "nests deeper");
    let long = json!({ "title": "x".repeat(MAX_TEXT) });
    assert_eq!(kept_of(Dialect::Strict, long.clone()).unwrap(), long);
}

#[test]
fn required_attributes_are_required() {
    for body in [
        json!({}),
        json!({ "userName": "" }),
        json!({ "userName": null }),
        json!({ "userName": " " }),
    ] {
        refused(user(body), ScimType::InvalidValue, "userName is required");
    }
    let group = |body| check(kind("Group"), body, Dialect::Standard);
    refused(group(json!({ "members": [] })), ScimType::InvalidValue, "displayName is required");
    for body in [json!([]), json!("x"), Value::Null] {
        refused(user(body), ScimType::InvalidSyntax, "a User is a JSON object");
    }
}

#[test]
fn values_are_not_judged_by_content() {
    let odd = json!({
        "profileUrl": "no url", "locale": "no locale", "timezone": "nowhere",
        "preferredLanguage": "??", "addresses": [{ "country": "Belize", "type": "igloo" }],
        "emails": [{ "value": "not an address", "type": "pigeon" }],
        (urn::ENTERPRISE_USER): { "manager": { "value": "a random string" } }
    });
    for dialect in [Dialect::Standard, Dialect::Strict] {
        assert_eq!(kept_of(dialect, odd.clone()).unwrap(), odd);
    }
}

#[test]
fn repeated_elements_are_kept_once() {
    let more = json!({ "emails": [
        { "value": "a", "type": "work" }, { "type": "work", "value": "a" }, { "value": "a" }
    ] });
    assert_eq!(
        kept_of(Dialect::Strict, more).unwrap(),
        json!({ "emails": [{ "value": "a", "type": "work" }, { "value": "a" }] })
    );
    // RFC 7643 §2.4: the same value and type is the same element, as the attributes compare.
    let more = json!({
        "emails": [
            { "value": "a@x", "type": "work", "primary": true },
            { "value": "b@x", "type": "work" },
            { "value": "A@x", "type": "Work", "display": "A", "primary": false }
        ],
        "addresses": [{ "type": "work", "locality": "A" }, { "type": "work", "locality": "B" }]
    });
    assert_eq!(
        kept_of(Dialect::Strict, more).unwrap(),
        json!({
            "emails": [
                { "value": "A@x", "type": "Work", "primary": true, "display": "A" },
                { "value": "b@x", "type": "work" }
            ],
            "addresses": [{ "type": "work", "locality": "A" }, { "type": "work", "locality": "B" }]
        })
    );
}

/// Each leniency of bodies: what the lenient keep of it, and how the strict refuse it.
#[test]
fn leniencies_have_names() {
    let manager = |id: &str| json!({ (urn::ENTERPRISE_USER): { "manager": { "value": id } } });
    for (more, lenient, strict) in [
        (json!({ "active": "True" }), json!({}), "active"),
        (
            json!({ "roles": [{ "value": "r", "primary": "False" }] }),
            json!({ "roles": [{ "value": "r", "primary": false }] }),
            "roles.primary",
        ),
        (json!({ (urn::ENTERPRISE_USER): { "manager": "m1" } }), manager("m1"), "manager"),
        (
            json!({ "emails": { "value": "a@b", "type": "work" } }),
            json!({ "emails": [{ "value": "a@b", "type": "work" }] }),
            "emails takes an array",
        ),
        (
            json!({ (urn::ENTERPRISE_USER): { "manager": [{ "$ref": null, "value": "m" }] } }),
            manager("m"),
            "manager takes one value",
        ),
    ] {
        for dialect in [Dialect::Standard, Dialect::Entra, Dialect::Okta] {
            assert_eq!(kept_of(dialect, more.clone()).unwrap(), lenient, "{more}");
        }
        refused(kept_of(Dialect::Strict, more), ScimType::InvalidValue, strict);
    }
    let vacated = json!({ (urn::ENTERPRISE_USER): { "manager": { "value": "" } } });
    assert_eq!(kept_of(Dialect::Entra, vacated).unwrap(), json!({}));
}

#[test]
fn the_unknown_is_ignored_or_refused() {
    let ms = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
    for (body, named) in [
        (json!({ "schemas": [urn::USER], "userName": "bj", "shoeSize": 5 }), "shoeSize"),
        (json!({ "schemas": [urn::USER], "userName": "bj", "name": { "x": 1 } }), "\"x\""),
        (json!({ "schemas": [urn::USER], "userName": "bj", "urn:x:y": {} }), "urn:x:y"),
        (
            json!({ "schemas": [urn::USER], "userName": "bj", (urn::ENTERPRISE_USER): { "x": 1 } }),
            "\"x\"",
        ),
        (json!({ "schemas": [urn::ENTERPRISE_USER], "userName": "bj" }), urn::USER),
        (json!({ "schemas": [], "userName": "bj" }), urn::USER),
        (json!({ "userName": "bj" }), urn::USER),
    ] {
        assert_eq!(
            Value::Object(user(body.clone()).unwrap().attributes),
            json!({ "schemas": [urn::USER], "userName": "bj", "active": true })
        );
        refused(check(kind("User"), body, Dialect::Strict), ScimType::InvalidSyntax, named);
    }
    let foreign = json!({ "schemas": [urn::USER, ms], "userName": "bj" });
    assert!(user(foreign.clone()).is_ok());
    refused(check(kind("User"), foreign, Dialect::Strict), ScimType::InvalidValue, ms);
    for schemas in [json!(5), json!([5]), json!({}), json!(urn::USER)] {
        let body = json!({ "schemas": schemas, "userName": "bj" });
        refused(user(body), ScimType::InvalidSyntax, "schemas takes");
    }
}

#[test]
fn an_extension_need_not_be_announced() {
    let body = json!({
        "schemas": [urn::USER], "userName": "bj", (urn::ENTERPRISE_USER): { "division": "d" }
    });
    let valid = check(kind("User"), body, Dialect::Standard).unwrap();
    assert_eq!(valid.attributes["schemas"], json!([urn::USER, urn::ENTERPRISE_USER]));
    let body = json!({ "schemas": [urn::ENTERPRISE_USER, urn::USER], "userName": "b" });
    let valid = check(kind("User"), body, Dialect::Strict).unwrap();
    assert_eq!(valid.attributes["schemas"], json!([urn::USER]));
}

#[test]
fn members_leave_the_document() {
    let group = |members: Value, dialect| {
        let body = json!({ "schemas": [urn::GROUP], "displayName": "g", "members": members });
        check(kind("Group"), body, dialect)
    };
    let of = |value: &str, kind: Option<&str>| Member {
        value: value.to_owned(),
        kind: kind.map(str::to_owned),
    };
    let valid = group(
        json!([
            { "value": "u1", "$ref": "../Users/u1", "display": "Babs", "type": "User" },
            { "VALUE": "g1" },
            { "value": "u1" }
        ]),
        Dialect::Strict,
    )
    .unwrap();
    assert_eq!(valid.members, Some(vec![of("u1", Some("User")), of("g1", None)]));
    assert!(!valid.attributes.contains_key("members"));
    for nobody in [json!([]), Value::Null] {
        assert_eq!(group(nobody, Dialect::Strict).unwrap().members, Some(Vec::new()));
    }
    let body = json!({ "schemas": [urn::GROUP], "displayName": "g" });
    assert_eq!(check(kind("Group"), body, Dialect::Strict).unwrap().members, None);
    for wrong in [
        json!([{}]),
        json!([{ "value": "" }]),
        json!([null]),
        json!([5]),
        json!([[]]),
        json!(["u1"]),
    ] {
        refused(group(wrong, Dialect::Standard), ScimType::InvalidValue, "members");
    }
    refused(group(json!(["u1"]), Dialect::Strict), ScimType::InvalidValue, "members");
}

#[test]
fn immutable_attributes_keep_their_first_value() {
    let mut kind = kind("User").clone();
    for attribute in &mut kind.schema.attributes {
        if attribute.name == "nickName" {
            attribute.mutability = Mutability::Immutable;
        }
    }
    let valid = |body: Value| check(&kind, body, Dialect::Standard).unwrap();
    let first = valid(json!({ "userName": "a", "nickName": "x" }));
    let none = valid(json!({ "userName": "a" }));
    let other = valid(json!({ "userName": "a", "nickName": "y" }));
    let cleared = valid(json!({ "userName": "a", "nickName": null }));
    let replace = |from: &Valid, to: &Valid| {
        let mut to = to.clone();
        keep_immutable(&kind, &from.attributes, &mut to).map(|()| to.attributes)
    };
    assert_eq!(replace(&first, &first), Ok(first.attributes.clone()));
    assert_eq!(replace(&none, &first), Ok(first.attributes.clone()));
    assert_eq!(replace(&first, &none), Ok(first.attributes.clone()), "not spoken of");
    assert_eq!(replace(&none, &cleared), Ok(none.attributes.clone()));
    refused(replace(&first, &other), ScimType::Mutability, "nickName");
    refused(replace(&first, &cleared), ScimType::Mutability, "nickName");
}

#[test]
fn other_types_of_value_are_checked() {
    let mut kind = kind("User").clone();
    let plain = kind.schema.attribute("title").unwrap().clone();
    let of = |name: &str, kind: Type| Attribute { name: name.to_owned(), kind, ..plain.clone() };
    kind.schema.attributes.extend([
        of("whole", Type::Integer),
        of("real", Type::Decimal),
        of("since", Type::DateTime),
    ]);
    let checked = |name: &str, value: Value| {
        check(&kind, json!({ "userName": "a", (name): value }), Dialect::Standard)
    };
    for (name, right, wrong) in [
        ("whole", json!(5), json!(5.5)),
        ("whole", json!(-5), json!("5")),
        ("real", json!(5.5), json!("5.5")),
        ("since", json!("2011-05-13T04:42:34+02:00"), json!("2011-05-13")),
        ("since", json!("2011-05-13T04:42:34.25Z"), json!(2011)),
    ] {
        assert_eq!(checked(name, right.clone()).unwrap().attributes[name], right);
        refused(checked(name, wrong), ScimType::InvalidValue, name);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z\0é]{0,4}".prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "userName",
        "USERNAME",
        "emails",
        "value",
        "type",
        "primary",
        "name",
        "givenName",
        "active",
        "schemas",
        "manager",
        "members",
        "password",
        urn::ENTERPRISE_USER,
        "x",
    ]);
    leaf.prop_recursive(5, 32, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5).prop_map(|parts| Value::Object(
                parts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn checking_what_was_checked_changes_nothing(mut body in any_json(), entra in any::<bool>()) {
        if let Some(body) = body.as_object_mut() {
            body.retain(|key, _| !key.eq_ignore_ascii_case("userName"));
            body.insert("userName".to_owned(), "bj".into());
        }
        let dialect = if entra { Dialect::Entra } else { Dialect::Strict };
        if let Ok(valid) = check(kind("User"), body, dialect) {
            let again = check(kind("User"), valid.attributes.clone().into(), Dialect::Strict);
            prop_assert_eq!(again, Ok(Valid { forgiven: Forgiven::default(), ..valid }));
        }
    }
}
