//! Okta's attributes as profile fields.

use super::super::term::{Obstacle, Term};

/// What an attribute is in a profile: `user.firstName`, `source.firstName`.
pub(super) fn attribute(name: &str) -> Result<Term, Obstacle> {
    let (holder, own) = name.split_once('.').unwrap_or(("", name));
    match holder {
        "user" | "source" => {}
        "org" => {
            return Err(Obstacle::new(
                format!("{name} is a property of the Okta organization."),
                "Write the value itself, as a hardcoded value.",
            ));
        }
        "" => return Err(Obstacle::attribute(name)),
        other => {
            return Err(Obstacle::new(
                format!("{name} is read from the account in another app ({other})."),
                "Add a profile field for it, fill it, and map that field.",
            ));
        }
    }
    match own {
        "id" => return Err(Obstacle::identity(name)),
        "status" => return Err(Obstacle::active()),
        "managerId" => return Ok(Term::Manager),
        _ => {}
    }
    FIELDS
        .iter()
        .find(|(_, names)| names.contains(&own))
        .map(|(field, _)| Term::Field(field))
        .ok_or_else(|| Obstacle::attribute(name))
}

/// Profile fields and the attributes of Okta's base profile that fill them.
const FIELDS: &[(&str, &[&str])] = &[
    ("userName", &["login", "username", "userName"]),
    ("displayName", &["displayName"]),
    ("name.givenName", &["firstName"]),
    ("name.familyName", &["lastName"]),
    ("name.middleName", &["middleName"]),
    ("name.honorificPrefix", &["honorificPrefix"]),
    ("name.honorificSuffix", &["honorificSuffix"]),
    ("nickName", &["nickName"]),
    ("title", &["title"]),
    ("userType", &["userType"]),
    ("preferredLanguage", &["preferredLanguage"]),
    ("locale", &["locale"]),
    ("timezone", &["timezone"]),
    ("profileUrl", &["profileUrl"]),
    ("emails[type eq \"work\"].value", &["email"]),
    ("emails[type eq \"home\"].value", &["secondEmail"]),
    ("phoneNumbers[type eq \"work\"].value", &["primaryPhone"]),
    ("phoneNumbers[type eq \"mobile\"].value", &["mobilePhone"]),
    ("addresses[type eq \"work\"].formatted", &["postalAddress"]),
    ("addresses[type eq \"work\"].streetAddress", &["streetAddress"]),
    ("addresses[type eq \"work\"].locality", &["city"]),
    ("addresses[type eq \"work\"].region", &["state"]),
    ("addresses[type eq \"work\"].postalCode", &["zipCode"]),
    ("addresses[type eq \"work\"].country", &["countryCode"]),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
        &["employeeNumber"],
    ),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter", &["costCenter"]),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization", &["organization"]),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division", &["division"]),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", &["department"]),
    // Okta keeps the manager's name beside the manager's id.
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName",
        &["manager"],
    ),
];
