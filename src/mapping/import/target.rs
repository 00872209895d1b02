//! Which field of an app a name of another product means.

use crate::mapping::field::AppField;
use crate::scim::urn;

/// The field of that name; or of that name without case; or the one that means the same, where only
/// one does.
pub(super) fn field<'a>(name: &str, fields: &'a [AppField]) -> Option<&'a AppField> {
    let exact = fields.iter().find(|field| field.name == name);
    let alike = || fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
    exact.or_else(alike).or_else(|| {
        let meaning = meaning(name);
        let mut same = fields.iter().filter(|field| self::meaning(&field.name) == meaning);
        same.next().filter(|_| same.next().is_none())
    })
}

/// Whether two names mean the same.
pub(super) fn means(name: &str, other: &str) -> bool {
    meaning(name) == meaning(other)
}

/// One spelling for all names that mean the same.
fn meaning(name: &str) -> String {
    let mut name = name.trim();
    for schema in [urn::USER, urn::GROUP, urn::ENTERPRISE_USER] {
        // URNs have no case.
        if let Some((start, rest)) = name.split_at_checked(schema.len())
            && start.eq_ignore_ascii_case(schema)
            && let Some(rest) = rest.strip_prefix(':')
        {
            name = rest;
        }
    }
    let plain: String = name
        .chars()
        .filter(|letter| !matches!(letter, '_' | '-' | '"' | '\'') && !letter.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect();
    SAME.iter()
        .find(|same| same.contains(&plain.as_str()))
        .and_then(|same| same.first())
        .map_or(plain, |first| (*first).to_owned())
}

/// Names that mean the same, as [`meaning`] spells them: first the SCIM attribute, then what apps
/// with flat names call it.
const SAME: &[&[&str]] = &[
    &["username", "login", "loginname", "userlogin", "userid", "userprincipalname"],
    &["externalid"],
    &["displayname", "fullname", "cn", "commonname"],
    &["name.formatted", "formattedname"],
    &["name.givenname", "givenname", "firstname"],
    &["name.familyname", "familyname", "lastname", "surname", "sn"],
    &["name.middlename", "middlename"],
    &["name.honorificprefix", "honorificprefix", "prefix", "salutation"],
    &["name.honorificsuffix", "honorificsuffix", "suffix"],
    &["nickname", "preferredname"],
    &["title", "jobtitle"],
    &["usertype", "employeetype"],
    &["preferredlanguage", "language"],
    &["locale"],
    &["timezone"],
    &["profileurl", "website"],
    &["active", "isactive", "accountenabled", "enabled"],
    &[
        "emails[typeeqwork].value",
        "emails[primaryeqtrue].value",
        "emails.value",
        "email",
        "mail",
        "workemail",
        "emailaddress",
        "primaryemail",
    ],
    &["emails[typeeqhome].value", "secondemail", "personalemail", "homeemail"],
    &[
        "phonenumbers[typeeqwork].value",
        "phone",
        "primaryphone",
        "workphone",
        "phonenumber",
        "telephonenumber",
        "businessphone",
    ],
    &["phonenumbers[typeeqmobile].value", "mobile", "mobilephone", "cellphone"],
    &["phonenumbers[typeeqhome].value", "homephone"],
    &["phonenumbers[typeeqfax].value", "fax", "faxnumber", "facsimiletelephonenumber"],
    &["addresses[typeeqwork].formatted", "postaladdress", "address"],
    &["addresses[typeeqwork].streetaddress", "streetaddress", "street"],
    &["addresses[typeeqwork].locality", "city", "locationcity", "locality"],
    &["addresses[typeeqwork].region", "state", "region", "province"],
    &["addresses[typeeqwork].postalcode", "postalcode", "zipcode", "zip"],
    &["addresses[typeeqwork].country", "country", "countrycode", "locationcountry"],
    &["employeenumber", "employeeid"],
    &["costcenter"],
    &["organization", "company", "companyname"],
    &["division"],
    &["department"],
    &["manager", "manager.value", "managerid", "reportsto"],
];
