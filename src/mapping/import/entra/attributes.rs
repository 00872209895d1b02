//! Entra's attributes as profile fields.

use super::super::term::{Obstacle, Term};
use crate::mapping::field::Kind;

/// What an attribute is in a profile.
pub(super) fn attribute(kind: Kind, name: &str) -> Result<Term, Obstacle> {
    let same = |known: &str| known.eq_ignore_ascii_case(name);
    if ["objectId", "id", "immutableId", "onPremisesImmutableId"].into_iter().any(same) {
        return Err(Obstacle::identity(name));
    }
    if kind == Kind::Group {
        return if same("displayName") {
            Ok(Term::Field("displayName"))
        } else {
            Err(Obstacle::attribute(name))
        };
    }
    if ["IsSoftDeleted", "accountEnabled"].into_iter().any(same) {
        return Err(Obstacle::active());
    }
    if same("manager") {
        return Ok(Term::Manager);
    }
    if same("appRoleAssignments") {
        return Err(Obstacle::new(
            "The roles that were assigned are read here as they are kept in Entra.",
            "Make a rule whose source is assignment, and give the value when assigning.",
        ));
    }
    if ["proxyAddresses", "otherMails"].into_iter().any(same) {
        return Err(Obstacle::new(
            format!("{name} holds several addresses, which a profile keeps one by one."),
            "Map the addresses you need by their type, as emails[type eq \"home\"].value.",
        ));
    }
    if same("mailNickname") {
        return Err(Obstacle::new(
            format!("{name} is an alias for mail, and no field of the profile holds that."),
            "Map the part of userName before the @ with an expression, before(userName, \"@\"), or \
             add a profile field for it, fill it, and map that field.",
        ));
    }
    FIELDS
        .iter()
        .find(|(_, names)| names.iter().copied().any(same))
        .map(|(field, _)| Term::Field(field))
        .ok_or_else(|| Obstacle::attribute(name))
}

/// Profile fields and the attributes that fill them: names of Microsoft Graph, of Entra's own and
/// of Active Directory.
const FIELDS: &[(&str, &[&str])] = &[
    ("userName", &["userPrincipalName", "originalUserPrincipalName"]),
    ("displayName", &["displayName", "cn"]),
    ("name.givenName", &["givenName"]),
    ("name.familyName", &["surname", "sn"]),
    ("name.middleName", &["middleName"]),
    ("name.honorificPrefix", &["personalTitle"]),
    ("name.honorificSuffix", &["generationQualifier"]),
    ("title", &["jobTitle", "title"]),
    ("userType", &["userType", "employeeType"]),
    ("preferredLanguage", &["preferredLanguage"]),
    ("profileUrl", &["wWWHomePage"]),
    ("emails[type eq \"work\"].value", &["mail", "email"]),
    (
        "phoneNumbers[type eq \"work\"].value",
        &["telephoneNumber", "businessPhones", "businessPhone"],
    ),
    ("phoneNumbers[type eq \"mobile\"].value", &["mobile", "mobilePhone"]),
    ("phoneNumbers[type eq \"home\"].value", &["homePhone"]),
    ("phoneNumbers[type eq \"fax\"].value", &["facsimileTelephoneNumber", "faxNumber"]),
    // Where Entra's own default mapping for SCIM apps puts it.
    ("addresses[type eq \"work\"].formatted", &["physicalDeliveryOfficeName", "officeLocation"]),
    ("addresses[type eq \"work\"].streetAddress", &["streetAddress", "street"]),
    ("addresses[type eq \"work\"].locality", &["city", "l"]),
    ("addresses[type eq \"work\"].region", &["state", "st"]),
    ("addresses[type eq \"work\"].postalCode", &["postalCode"]),
    ("addresses[type eq \"work\"].country", &["country", "c", "co"]),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
        &["employeeId", "employeeNumber"],
    ),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", &["department"]),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization",
        &["companyName", "company"],
    ),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division",
        &["employeeOrgData.division", "division"],
    ),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter",
        &["employeeOrgData.costCenter", "costCenter"],
    ),
];
