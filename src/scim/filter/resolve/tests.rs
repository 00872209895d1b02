use super::*;
use crate::scim::error::ScimType;
use crate::scim::filter::parse;
use crate::scim::schema::Registry;
use crate::scim::urn;

fn resolved(kind: &str, text: &str) -> Result<Condition, Error> {
    let registry = Registry::standard();
    parse(text).unwrap().resolve(registry.named(kind).unwrap())
}

fn compared(kind: &str, text: &str) -> (Field, Operator, String) {
    match resolved(kind, text).unwrap() {
        Condition::Compare(field, operator, operand) => (field, operator, operand),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn names_become_canonical_fields() {
    let manager = format!("{}:manager.value", urn::ENTERPRISE_USER);
    for (kind, text, key, operand) in [
        ("User", r#"USERNAME eq "BJ""#, "userName", "bj"),
        ("User", r#"externalId eq "BJ""#, "externalId", "BJ"),
        ("User", r#"emails co "X""#, "emails.value", "x"),
        ("User", r#"Emails.Type eq "Work""#, "emails.type", "work"),
        ("User", r#"active eq "True""#, "active", "true"),
        ("User", "active eq false", "active", "false"),
        ("User", r#"id eq "Ab""#, "id", "Ab"),
        ("User", r#"groups eq "g""#, "groups.value", "g"),
        ("User", r#"groups.display sw "g""#, "groups.display", "g"),
        ("User", r#"meta.resourceType eq "User""#, "meta.resourceType", "User"),
        ("User", r#"schemas eq "urn:X""#, "schemas", "urn:x"),
        ("User", r#"manager eq "M""#, manager.as_str(), "M"),
        ("Group", r#"members eq "U""#, "members.value", "u"),
        ("Group", r#"members.type eq "User""#, "members.type", "user"),
        (
            "User",
            r#"meta.lastModified gt "2011-05-13T06:42:34+02:00""#,
            "meta.lastModified",
            "2011-05-13T04:42:34.000000000Z",
        ),
        ("User", r#"urn:ietf:params:scim:schemas:core:2.0:user:title ew "R""#, "title", "r"),
    ] {
        let (field, _, found) = compared(kind, text);
        assert_eq!((field.key.as_str(), found.as_str()), (key, operand), "{text}");
    }
    let (field, _, _) = compared("User", r#"emails ne "x""#);
    assert!(field.multi_valued && field.indexed && !field.case_exact);
    assert_eq!((field.attribute.as_str(), field.sub.as_deref()), ("emails", Some("value")));
    let (field, _, _) = compared("User", r#"manager.value eq "x""#);
    assert_eq!(field.extension.as_deref(), Some(urn::ENTERPRISE_USER));
    assert!(!compared("User", r#"locale eq "x""#).0.indexed);
}

#[test]
fn null_is_absence() {
    let Condition::Not(inner) = resolved("User", "emails eq null").unwrap() else {
        panic!("a negation");
    };
    let Condition::Present(field) = *inner else { panic!("presence") };
    assert_eq!((field.key.as_str(), field.kind), ("emails", Type::Complex));
    assert!(matches!(resolved("User", "title ne null").unwrap(), Condition::Present(_)));
}

#[test]
fn brackets_bind_one_element() {
    let Condition::Element(outer, inner) =
        resolved("User", r#"emails[type eq "work" and not (primary eq true)]"#).unwrap()
    else {
        panic!("an element");
    };
    assert_eq!((outer.key.as_str(), outer.sub.as_deref()), ("emails", None));
    let Condition::All(parts) = *inner else { panic!("both") };
    let Condition::Compare(field, ..) = &parts[0] else { panic!("a comparison") };
    assert_eq!(field.key, "emails.type");
    let Condition::All(parts) = resolved("User", r#"name[givenName eq "x"]"#).unwrap() else {
        panic!("a single value is its own element");
    };
    assert!(matches!(&parts[0], Condition::Present(field) if field.key == "name"));
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    for (kind, text, named) in [
        ("User", "shoeSize pr", "shoeSize"),
        ("User", "name.shoeSize pr", "name.shoeSize"),
        ("User", "members pr", "members"),
        ("User", r#"name eq "x""#, "name is complex"),
        ("User", r#"password eq "x""#, "password"),
        ("User", "password pr", "password"),
        ("User", "active gt true", "active"),
        ("User", r#"active co "t""#, "active"),
        ("User", r#"active eq "yes""#, "active"),
        ("User", "active eq 1", "active"),
        ("User", r#"x509Certificates.value gt "QQ==""#, "x509Certificates.value"),
        ("User", r#"x509Certificates.value sw "QQ==""#, "x509Certificates.value"),
        ("User", "userName eq 1", "userName"),
        ("User", "userName eq true", "userName"),
        ("User", "userName gt null", "userName"),
        ("User", r#"meta.created co "2011""#, "meta.created"),
        ("User", r#"meta.created eq "2011""#, "meta.created"),
        ("User", "meta.created gt 2011", "meta.created"),
        ("User", "emails[shoeSize pr]", "shoeSize is no part of emails"),
        ("User", "emails[emails.type pr]", "emails.type is no part of emails"),
        ("User", "urn:nobody:2.0:User:title pr", "urn:nobody:2.0:User:title"),
    ] {
        let error = resolved(kind, text).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter), "{text}");
        assert!(error.to_string().contains(named), "{text}: {error}");
    }
}

#[test]
fn numbers_compare_by_value() {
    let mut registry = Registry::standard();
    let kind = std::sync::Arc::make_mut(&mut registry.resource_types[0]);
    let mut number = kind.schema.attribute("title").unwrap().clone();
    number.name = "badge".to_owned();
    number.kind = Type::Integer;
    let mut tags = kind.schema.attribute("title").unwrap().clone();
    tags.name = "tags".to_owned();
    tags.multi_valued = true;
    kind.schema.attributes.extend([number, tags]);
    let of = |text: &str| parse(text).unwrap().resolve(&registry.resource_types[0]);
    let Condition::Compare(_, _, one) = of("badge ge 1").unwrap() else { panic!() };
    let Condition::Compare(_, _, same) = of("badge ge 1.0").unwrap() else { panic!() };
    assert_eq!(one, same);
    for text in ["badge eq \"1\"", "badge co 1", "badge eq true"] {
        assert!(of(text).unwrap_err().to_string().contains("badge"), "{text}");
    }
    let Condition::Element(_, inner) = of("tags[value eq \"x\"]").unwrap() else { panic!() };
    assert!(matches!(*inner, Condition::Compare(field, ..) if field.key == "tags"));
}

#[test]
fn among_several_types_what_a_type_lacks_has_no_value() {
    let registry = Registry::standard();
    let (user, group) = (registry.named("User").unwrap(), registry.named("Group").unwrap());
    let of = |text: &str| {
        let each = parse(text).unwrap().resolve_each([&**user, &**group])?;
        Ok::<_, Error>((each[0].clone(), each[1].clone()))
    };
    let strictly = |kind: &str, text: &str| resolved(kind, text).unwrap();
    for (text, user, group) in [
        (r#"userName eq "x""#, None, Some(Condition::Never)),
        ("userName pr", None, Some(Condition::Never)),
        (&format!("{} pr", urn::ENTERPRISE_USER), None, Some(Condition::Never)),
        (r#"userName ne "x""#, None, Some(Condition::Always)),
        ("userName eq null", None, Some(Condition::Always)),
        ("userName ne null", None, Some(Condition::Never)),
        ("not (userName pr)", None, Some(Condition::Always)),
        (r#"emails[type eq "work"]"#, None, Some(Condition::Never)),
        (r#"not (emails[type eq "work"])"#, None, Some(Condition::Always)),
        ("members pr", Some(Condition::Never), None),
        (r#"displayName eq "x""#, None, None),
        (
            r#"displayName eq "x" or userName eq "x""#,
            None,
            Some(strictly("Group", r#"displayName eq "x""#)),
        ),
        (r#"displayName eq "x" and userName eq "x""#, None, Some(Condition::Never)),
        (r#"meta.resourceType eq "User""#, Some(Condition::Always), Some(Condition::Never)),
        (r#"meta.resourceType ne "User""#, Some(Condition::Never), Some(Condition::Always)),
        (
            r#"meta.resourceType eq "Group" and displayName pr"#,
            Some(Condition::Never),
            Some(strictly("Group", "displayName pr")),
        ),
        ("urn:ietf:params:scim:schemas:core:2.0:User:displayName pr", None, Some(Condition::Never)),
    ] {
        let (found_user, found_group) = of(text).unwrap();
        assert_eq!(found_user, user.unwrap_or_else(|| strictly("User", text)), "{text}");
        assert_eq!(found_group, group.unwrap_or_else(|| strictly("Group", text)), "{text}");
    }
    for (text, named) in [
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User eq "x""#, "enterprise"),
        ("shoeSize pr", "shoeSize"),
        (r#"userName eq "x" or shoeSize eq 1"#, "shoeSize"),
        ("emails[shoeSize pr]", "shoeSize is no part of emails"),
        ("userName gt null", "userName"),
        ("members.value gt null", "members.value"),
        ("password pr", "password"),
        ("active gt true", "active"),
    ] {
        let error = of(text).unwrap_err();
        assert_eq!(error.scim_type(), Some(ScimType::InvalidFilter), "{text}");
        assert!(error.to_string().contains(named), "{text}: {error}");
    }
}
