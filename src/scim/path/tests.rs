use super::*;
use crate::scim::error::ScimType;
use crate::scim::schema::Registry;
use crate::scim::urn;
use ScimType::{InvalidFilter, InvalidPath};

fn plain(schema: Option<&str>, attribute: &str, sub: Option<&str>) -> AttributePath {
    AttributePath {
        schema: schema.map(str::to_owned),
        attribute: attribute.to_owned(),
        sub: sub.map(str::to_owned),
    }
}

#[test]
fn attribute_paths_read() {
    for (text, expected) in [
        ("userName", plain(None, "userName", None)),
        ("name.givenName", plain(None, "name", Some("givenName"))),
        ("members.$ref", plain(None, "members", Some("$ref"))),
        ("$ref", plain(None, "$ref", None)),
        ("x_1-a", plain(None, "x_1-a", None)),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User:userName",
            plain(Some("urn:ietf:params:scim:schemas:core:2.0:User"), "userName", None),
        ),
        (
            "URN:ietf:params:scim:schemas:core:2.0:User:name.familyName",
            plain(Some("URN:ietf:params:scim:schemas:core:2.0:User"), "name", Some("familyName")),
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            plain(Some(urn::ENTERPRISE_USER), "manager", Some("value")),
        ),
    ] {
        assert_eq!(attribute(text).unwrap(), expected, "{text}");
        assert_eq!(expected.to_string(), text);
    }
}

#[test]
fn wrong_attribute_paths_say_where() {
    for (text, position) in [
        ("", 1),
        ("1st", 1),
        (".userName", 1),
        ("userName.", 10),
        ("name.givenName.first", 15),
        ("name givenName", 5),
        ("emails[type pr]", 7),
        ("naïve", 3),
        (":userName", 1),
        ("urn:x:", 7),
        ("emails[0]", 7),
        ("emails.0", 8),
    ] {
        let error = attribute(text).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidPath), "{text}");
        assert!(
            error.to_string().starts_with(&format!("path, character {position}: ")),
            "{text}: {error}"
        );
    }
    assert!(attribute(&"a".repeat(MAX_LENGTH + 1)).is_err());
}

#[test]
fn patch_paths_of_the_rfc_read() {
    let registry = Registry::standard();
    let user = registry.named("User").unwrap();
    for text in [
        "members",
        "name.familyName",
        "addresses[type eq \"work\"]",
        "members[value eq \"2819c223-7f76-453a-919d-413861904646\"]",
        "members[value eq \"2819c223-7f76-453a-919d-413861904646\"].displayName",
        "emails[type eq \"work\" and value ew \"example.com\"]",
        "urn:ietf:params:scim:schemas:core:2.0:User:emails[primary eq true].value",
    ] {
        let path = parse(user, text).unwrap();
        assert_eq!(path.to_string(), text);
        assert_eq!(parse(user, &path.to_string()).unwrap(), path);
    }
    let Path::Elements { attribute, sub, .. } =
        parse(user, "members[value eq\"2819c223\"]").unwrap()
    else {
        panic!("a value path");
    };
    assert_eq!(attribute, plain(None, "members", None));
    assert_eq!(sub, None);
}

#[test]
fn an_extension_urn_alone_is_the_extension() {
    let registry = Registry::standard();
    let user = registry.named("User").unwrap();
    let group = registry.named("Group").unwrap();
    let extension = Path::Extension(urn::ENTERPRISE_USER.to_owned());
    assert_eq!(parse(user, urn::ENTERPRISE_USER).unwrap(), extension);
    assert_eq!(parse(user, &urn::ENTERPRISE_USER.to_uppercase()).unwrap(), extension);
    let Path::Attribute(path) = parse(group, urn::ENTERPRISE_USER).unwrap() else {
        panic!("groups have no such extension");
    };
    assert!(group.place(&path).is_none());
    let Path::Attribute(path) =
        parse(user, &format!("{}:Department", urn::ENTERPRISE_USER.to_lowercase())).unwrap()
    else {
        panic!("an attribute");
    };
    assert_eq!(
        user.place(&path).unwrap().key(),
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"
    );
}

#[test]
fn an_unqualified_extension_attribute_is_found() {
    let registry = Registry::standard();
    let user = registry.named("User").unwrap();
    let place = user.place(&attribute("Manager.value").unwrap()).unwrap();
    assert_eq!(place.key(), format!("{}:manager.value", urn::ENTERPRISE_USER));
    assert!(user.place(&attribute("shoeSize").unwrap()).is_none());
}

#[test]
fn wrong_patch_paths_say_where_and_what() {
    let registry = Registry::standard();
    let user = registry.named("User").unwrap();
    for (text, scim_type, position) in [
        ("", InvalidPath, 1),
        ("emails[type eq \"work\"", InvalidFilter, 22),
        ("emails[]", InvalidFilter, 8),
        ("emails[0]", InvalidFilter, 8),
        ("emails[type eq work]", InvalidFilter, 16),
        ("emails[type eq \"work\"]value", InvalidPath, 23),
        ("emails[type eq \"work\"].", InvalidPath, 24),
        ("emails[type eq \"work\"].value.x", InvalidPath, 29),
        ("emails.value[type pr]", InvalidPath, 13),
        ("emails[addresses[type pr]]", InvalidFilter, 17),
        ("a b", InvalidPath, 2),
        ("/emails/0", InvalidPath, 1),
    ] {
        let error = parse(user, text).unwrap_err();
        assert_eq!(error.scim_type(), Some(scim_type), "{text}: {error}");
        assert!(
            error.to_string().contains(&format!(", character {position}: ")),
            "{text}: {error}"
        );
    }
}
