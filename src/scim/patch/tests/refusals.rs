//! What is refused, and how.

use super::*;
use crate::scim::schema::Mutability;

#[test]
fn wrong_operations_are_refused_by_name() {
    use ScimType as S;
    for (operation, scim_type, named) in [
        (json!({ "op": "remove" }), S::NoTarget, "path"),
        (json!({ "op": "remove", "value": { "title": 1 } }), S::NoTarget, "path"),
        (
            json!({ "op": "replace", "path": "userName", "value": "a\tb" }),
            S::InvalidValue,
            "control",
        ),
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
            json!({ "op": "replace", "path": format!("{}:manager.displayName", urn::ENTERPRISE_USER), "value": "x" }),
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
        (
            json!({ "op": "remove", "path": format!("schemas[value eq \"{}\"]", urn::ENTERPRISE_USER) }),
            S::InvalidPath,
            "schemas",
        ),
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
            assert!(error.to_string().starts_with("operation 2: "), "{error}");
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
            assert_eq!(error.scim_type(), Some(ScimType::InvalidSyntax), "{body}");
        }
    }
    for dialect in [Dialect::Strict, Dialect::Standard, Dialect::Entra] {
        let other = json!({ "schemas": [urn::USER], "Operations": [op] });
        refused(parse(kind("User"), &other, dialect), ScimType::InvalidSyntax, urn::PATCH_OP);
    }
    let body = json!({ "schemas": [urn::PATCH_OP], "operations": vec![op; MAX_OPERATIONS + 1] });
    assert_eq!(parse(kind("User"), &body, Dialect::Standard).unwrap_err().code(), 413);
}

#[test]
fn strangers_in_a_set_of_attributes_are_ignored_or_refused() {
    let expected = but(|user| user["title"] = "Chief".into());
    for (more, scim_type) in [
        (json!({ "shoeSize": 5 }), ScimType::InvalidSyntax),
        (json!({ "name.shoeSize": 5 }), ScimType::InvalidSyntax),
        (json!({ (urn::ENTERPRISE_USER): { "shoeSize": 5 } }), ScimType::InvalidSyntax),
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
fn another_id_in_a_value_is_refused_and_the_same_is_not() {
    let checked = |value: Value| {
        let body = json!({ "schemas": [urn::PATCH_OP], "Operations": [
            { "op": "replace", "path": "title", "value": "x" },
            { "op": "replace", "value": value }
        ] });
        check_id(&parse(kind("User"), &body, Dialect::Strict).unwrap(), "7")
    };
    for same in [json!({ "id": "7" }), json!({ "ID": null, "title": "y" }), json!({})] {
        assert_eq!(checked(same), Ok(()));
    }
    for other in [json!({ "id": "8" }), json!({ "Id": 7 }), json!({ "title": "y", "id": "" })] {
        let refused = checked(other).unwrap_err();
        assert_eq!(refused.to_string(), "operation 2: id is read-only");
        assert_eq!(refused.scim_type(), Some(ScimType::Mutability));
    }
}
