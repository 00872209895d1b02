use super::*;
use crate::scim::filter::{Filter, parse, sample};
use crate::scim::schema::{Registry, ResourceType};
use crate::scim::urn;
use proptest::prelude::*;
use serde_json::json;
use std::sync::LazyLock;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

fn kind(name: &str) -> &'static ResourceType {
    REGISTRY.named(name).unwrap()
}

fn meets_filter(filter: &Filter, resource: &Map<String, Value>) -> bool {
    matches(&filter.resolve(kind("User")).unwrap(), resource)
}

fn barbara() -> Value {
    json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "userName": "bjensen@example.com",
        "externalId": "Ext-1",
        "name": { "familyName": "O'Malley", "givenName": "Barbara" },
        "userType": "Employee",
        "active": true,
        "emails": [
            { "value": "bjensen@example.com", "type": "work", "primary": true },
            { "value": "babs@jensen.org", "type": "home" }
        ],
        "groups": [{ "value": "g1", "display": "Tour Guides" }],
        "meta": {
            "resourceType": "User",
            "created": "2010-01-23T04:56:22Z",
            "lastModified": "2011-05-13T04:42:34.5Z"
        },
        (urn::ENTERPRISE_USER): { "employeeNumber": "701984", "manager": { "value": "M1" } }
    })
}

#[test]
fn a_resource_is_told_from_another() {
    let resource = barbara();
    for (text, expected) in [
        (r#"userName eq "BJENSEN@example.com""#, true),
        (r#"externalId eq "ext-1""#, false),
        (r#"name.familyName co "o'm""#, true),
        (r#"userName sw "J""#, false),
        (r#"userName ew ".COM""#, true),
        ("title pr", false),
        ("name pr", true),
        ("emails pr", true),
        ("ims pr", false),
        (r#"title ne "x""#, true),
        ("title eq null", true),
        ("userType ne null", true),
        ("active eq true", true),
        (r#"active eq "False""#, false),
        (r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, true),
        (r#"meta.lastModified gt "2011-05-13T06:42:34.5+02:00""#, false),
        (r#"meta.lastModified ge "2011-05-13T06:42:34.5+02:00""#, true),
        (r#"meta.resourceType eq "User""#, true),
        (r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#, true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:user pr", true),
        ("not (urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr)", false),
        (r#"emails co "jensen.org""#, true),
        (r#"emails ne "babs@jensen.org""#, true),
        (r#"emails.type eq "work" and emails.value sw "babs""#, true),
        (r#"emails[type eq "work" and value sw "babs"]"#, false),
        (r#"emails[type eq "home" and value sw "babs"]"#, true),
        (r#"emails[type eq "home" and not (primary eq true)]"#, true),
        ("emails[primary ne true]", true),
        ("emails[primary eq false]", true),
        (r#"emails[type eq "work" and primary eq false]"#, false),
        ("emails.primary eq false", true),
        ("emails.primary ne true", true),
        ("emails.primary ne false", true),
        ("ims.primary eq false", false),
        ("ims.primary ne true", true),
        ("ims[primary eq false]", false),
        (r#"ims[type eq "xmpp"]"#, false),
        (r#"not (ims[type ne "xmpp"])"#, true),
        (r#"emails[type eq "home"].value eq "babs@jensen.org""#, true),
        (r#"name[givenName eq "barbara"]"#, true),
        (r#"groups eq "g1""#, true),
        (r#"groups.display eq "tour guides""#, true),
        (r#"manager eq "M1""#, true),
        (r#"id eq "2819c223-7f76-453a-919d-413861904646" and manager eq "M2""#, false),
        (
            r#"userType eq "Employee" and (emails co "example.com" or emails.value co "x.org")"#,
            true,
        ),
        (r#"userType ne "Employee" and not (emails co "example.com")"#, false),
    ] {
        let condition = parse(text).unwrap().resolve(kind("User")).unwrap();
        assert_eq!(matches(&condition, resource.as_object().unwrap()), expected, "{text}");
    }
}

#[test]
fn members_are_asked_of_groups() {
    let group = json!({
        "displayName": "Tour Guides",
        "members": [{ "value": "u1", "type": "User" }, { "value": "g2", "type": "Group" }]
    });
    for (text, expected) in [
        (r#"members eq "u1""#, true),
        (r#"members[value eq "u1" and type eq "Group"]"#, false),
        (r#"members.type eq "group""#, true),
        ("members pr", true),
    ] {
        let condition = parse(text).unwrap().resolve(kind("Group")).unwrap();
        assert_eq!(matches(&condition, group.as_object().unwrap()), expected, "{text}");
    }
}

#[test]
fn always_and_never_are_what_they_say() {
    let anyone = Map::new();
    assert!(matches(&Condition::Always, &anyone));
    assert!(!matches(&Condition::Never, &anyone));
    assert!(matches(&Condition::All(Vec::new()), &anyone));
    assert!(!matches(&Condition::Any(Vec::new()), &anyone));
}

proptest! {
    #[test]
    fn not_negates(filter in sample::user_filter(), user in sample::user()) {
        let negated = Filter::Not(Box::new(filter.clone()));
        prop_assert_ne!(meets_filter(&filter, &user), meets_filter(&negated, &user));
    }

    #[test]
    fn de_morgan(
        a in sample::user_filter(),
        b in sample::user_filter(),
        user in sample::user(),
    ) {
        let not = |filter: &Filter| Filter::Not(Box::new(filter.clone()));
        let outer = not(&Filter::And(vec![a.clone(), b.clone()]));
        let inner = Filter::Or(vec![not(&a), not(&b)]);
        prop_assert_eq!(meets_filter(&outer, &user), meets_filter(&inner, &user));
        let outer = not(&Filter::Or(vec![a.clone(), b.clone()]));
        let inner = Filter::And(vec![not(&a), not(&b)]);
        prop_assert_eq!(meets_filter(&outer, &user), meets_filter(&inner, &user));
    }

    #[test]
    fn what_is_printed_means_the_same(filter in sample::user_filter(), user in sample::user()) {
        let again = parse(&filter.to_string()).unwrap();
        prop_assert_eq!(meets_filter(&filter, &user), meets_filter(&again, &user));
    }
}
