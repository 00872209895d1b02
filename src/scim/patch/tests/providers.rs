//! What identity providers really send.

use super::*;

fn minimal() -> Map<String, Value> {
    let body = json!({ "schemas": [urn::USER], "userName": "bjensen" });
    resource::check(kind("User"), body, Dialect::Strict).unwrap().attributes
}

fn grown(dialect: Dialect, operations: Value) -> Result<Value, Error> {
    patch_of(kind("User"), &minimal(), operations, dialect)
        .map(|patched| Value::Object(patched.attributes))
}

#[test]
fn entra_speaks_in_capitals_and_text() {
    let operations = json!([
        { "op": "Replace", "path": "active", "value": "False" },
        { "op": "Add", "path": "nickName", "value": "Babs" },
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "new@example.com" },
        { "op": "Add", "path": format!("{}:manager", urn::ENTERPRISE_USER), "value": "271" },
    ]);
    let expected = but(|user| {
        user["active"] = false.into();
        user["nickName"] = "Babs".into();
        user["emails"][0]["value"] = "new@example.com".into();
        user[urn::ENTERPRISE_USER]["manager"] = json!({ "value": "271" });
    });
    for dialect in [Dialect::Entra, Dialect::Standard] {
        assert_eq!(after(dialect, operations.clone()), Ok(expected.clone()));
    }
    refused(after(Dialect::Strict, operations), ScimType::InvalidSyntax, "Replace");
}

#[test]
fn entra_grows_a_minimal_user() {
    let ext = urn::ENTERPRISE_USER;
    let operations = json!([
        { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "b@example.com" },
        { "op": "Add", "path": "emails[type eq \"work\"].primary", "value": "True" },
        { "op": "Add", "path": "addresses[type eq \"work\"].formatted", "value": "100 Plaza" },
        { "op": "Add", "path": "addresses[type eq \"work\"].country", "value": "Belize" },
        { "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "555" },
        { "op": "Add", "path": "roles[primary eq \"True\"].display", "value": "Admin" },
        { "op": "Add", "path": "roles[primary eq \"True\"].value", "value": "admin" },
        { "op": "Add", "path": "name.givenName", "value": "Barbara" },
        { "op": "Add", "path": format!("{ext}:employeeNumber"), "value": "7" },
    ]);
    let expected = json!({
        "schemas": [urn::USER, ext],
        "userName": "bjensen",
        "name": { "givenName": "Barbara" },
        "active": true,
        "emails": [{ "type": "work", "value": "b@example.com", "primary": true }],
        "phoneNumbers": [{ "type": "mobile", "value": "555" }],
        "addresses": [{ "type": "work", "formatted": "100 Plaza", "country": "Belize" }],
        "roles": [{ "primary": true, "display": "Admin", "value": "admin" }],
        (ext): { "employeeNumber": "7" }
    });
    for dialect in [Dialect::Entra, Dialect::Standard, Dialect::Okta] {
        assert_eq!(grown(dialect, operations.clone()), Ok(expected.clone()));
    }
}

#[test]
fn replace_on_no_element_creates_it_for_entra_alone() {
    let operations =
        json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@x" }]);
    let user = grown(Dialect::Entra, operations.clone()).unwrap();
    assert_eq!(user["emails"], json!([{ "type": "work", "value": "b@x" }]));
    for dialect in [Dialect::Standard, Dialect::Strict, Dialect::Okta] {
        refused(grown(dialect, operations.clone()), ScimType::NoTarget, "emails");
    }
}

#[test]
fn add_on_no_element_needs_a_filter_that_describes_one() {
    let add = |path: &str| json!([{ "op": "add", "path": path, "value": "b@x" }]);
    let described = "emails[type eq \"work\" and primary eq true].value";
    let user = grown(Dialect::Standard, add(described)).unwrap();
    assert_eq!(user["emails"], json!([{ "value": "b@x", "type": "work", "primary": true }]));
    let bare = grown(Dialect::Entra, add("emails[type eq \"work\"]"));
    refused(bare, ScimType::InvalidValue, "emails takes complex");
    refused(grown(Dialect::Strict, add(described)), ScimType::NoTarget, "emails");
    for path in [
        "emails[type eq \"work\" or type eq \"home\"].value",
        "emails[type sw \"w\"].value",
        "emails[not (type eq \"work\")].value",
        "emails[type eq \"work\" and type eq \"home\"].value",
    ] {
        refused(grown(Dialect::Entra, add(path)), ScimType::NoTarget, "emails");
    }
}

#[test]
fn remove_on_no_element_is_an_error_of_the_rfc() {
    let operations = json!([{ "op": "remove", "path": "ims[type eq \"xmpp\"]" }]);
    for dialect in [Dialect::Standard, Dialect::Strict] {
        refused(after(dialect, operations.clone()), ScimType::NoTarget, "ims");
    }
    for dialect in [Dialect::Entra, Dialect::Okta] {
        assert_eq!(after(dialect, operations.clone()), Ok(but(|_| ())));
    }
}

#[test]
fn managers_come_in_many_shapes_and_go_as_nothing() {
    let ext = urn::ENTERPRISE_USER;
    let qualified = format!("{ext}:manager");
    for (path, value) in [
        (qualified.as_str(), json!("m2")),
        ("manager", json!([{ "$ref": null, "value": "m2" }])),
        ("manager", json!({ "value": "m2" })),
        ("manager.value", json!("m2")),
    ] {
        let operations = json!([{ "op": "Add", "path": path, "value": value }]);
        let user = after(Dialect::Entra, operations).unwrap();
        assert_eq!(user[ext]["manager"], json!({ "value": "m2" }), "{path}");
    }
    for (op, value) in [
        ("replace", json!({ "value": "" })),
        ("replace", json!("")),
        ("replace", Value::Null),
        ("remove", Value::Null),
    ] {
        let operations = json!([{ "op": op, "path": qualified, "value": value }]);
        let user = after(Dialect::Entra, operations).unwrap();
        assert_eq!(user[ext], json!({ "department": "Tours" }), "{op} {value}");
    }
    let operations = json!([{ "op": "replace", "path": "manager.value", "value": "" }]);
    assert_eq!(after(Dialect::Entra, operations).unwrap()[ext], json!({ "department": "Tours" }));
}

#[test]
fn keys_may_be_paths() {
    let ext = urn::ENTERPRISE_USER;
    let operations = json!([{ "op": "replace", "value": {
        "displayName": "Babs",
        "name.givenName": "Babs",
        (format!("{ext}:employeeNumber")): "7",
        (format!("{ext}:manager.value")): "m2",
        "emails[type eq \"work\"].value": "new@example.com",
        (format!("{}:title", urn::USER)): "Chief",
        (ext): { "division": "Parks" },
        "name.shoeSize": "ignored"
    } }]);
    let expected = but(|user| {
        user["displayName"] = "Babs".into();
        user["name"]["givenName"] = "Babs".into();
        user["title"] = "Chief".into();
        user["emails"][0]["value"] = "new@example.com".into();
        user[ext] = json!({
            "department": "Tours", "employeeNumber": "7", "division": "Parks",
            "manager": { "value": "m2" }
        });
    });
    for dialect in [Dialect::Entra, Dialect::Standard] {
        assert_eq!(after(dialect, operations.clone()), Ok(expected.clone()));
    }
    let inside = json!([{ "op": "replace", "value": { (ext): { "manager.value": "m2" } } }]);
    assert_eq!(after(Dialect::Entra, inside).unwrap()[ext]["manager"], json!({ "value": "m2" }));
    refused(after(Dialect::Strict, operations), ScimType::InvalidSyntax, "name.givenName");
}

#[test]
fn listed_elements_alone_are_removed() {
    for value in [
        json!([{ "value": "babs@jensen.org", "display": "other" }]),
        json!([{ "type": "home" }]),
        json!({ "value": "babs@jensen.org", "type": "home" }),
        json!([{ "value": "BABS@jensen.org", "type": "Home" }]),
    ] {
        let operations = json!([{ "op": "remove", "path": "emails", "value": value }]);
        let expected = but(|user| {
            user["emails"].as_array_mut().unwrap().pop();
        });
        assert_eq!(after(Dialect::Standard, operations.clone()), Ok(expected), "{value}");
        refused(after(Dialect::Strict, operations), ScimType::InvalidSyntax, "takes no value");
    }
}

#[test]
fn okta_deactivates_and_renames_without_a_path() {
    let deactivate = json!([{ "op": "replace", "value": { "active": false } }]);
    assert_eq!(after(Dialect::Okta, deactivate), Ok(but(|user| user["active"] = false.into())));
    let password = json!([{ "op": "replace", "value": { "password": "s3cret" } }]);
    let patched = patch_of(kind("User"), &barbara(), password, Dialect::Okta).unwrap();
    assert!(!patched.changed);
    let group = resource::check(
        kind("Group"),
        json!({ "schemas": [urn::GROUP], "displayName": "g" }),
        Dialect::Okta,
    )
    .unwrap()
    .attributes;
    let push_now =
        json!([{ "op": "replace", "value": { "members": [], "id": "g1", "displayName": "n" } }]);
    let patched = patch_of(kind("Group"), &group, push_now, Dialect::Okta).unwrap();
    assert_eq!(patched.attributes["displayName"], "n");
    assert_eq!(patched.members, vec![MemberChange::Replace(Vec::new())]);
}
