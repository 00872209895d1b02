//! The fields of a SCIM app: every one is a SCIM attribute path, and knows where it stands in a
//! resource.

use crate::mapping::document::{Document, Rule, Source};
use crate::mapping::field::{AppField, AppSchema, Kind, Mandatory};
use crate::scim::urn;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// Where a field stands in a resource.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// Its name: the SCIM attribute path.
    pub(super) name: String,
    /// URN of the extension that holds it.
    pub(super) extension: Option<&'static str>,
    /// Attribute.
    pub(super) attribute: &'static str,
    /// `type` of the element, for attributes with many values.
    pub(super) element: Option<&'static str>,
    /// Part of the attribute or element.
    pub(super) sub: Option<&'static str>,
    /// Whether it is that part of every element: a list.
    pub(super) list: bool,
    /// Whether the other parts of the attribute describe what this part points at, so that they do
    /// not outlive it.
    pub(super) reference: bool,
    /// Whether case matters in comparisons.
    pub(super) case_exact: bool,
}

impl Target {
    /// The attribute as a path: with its URN, without element and part.
    pub(super) fn whole(&self) -> String {
        match self.extension {
            Some(urn) => format!("{urn}:{}", self.attribute),
            None => self.attribute.to_owned(),
        }
    }

    /// The element as a path: `emails[type eq "work"]`.
    pub(super) fn element_path(&self) -> String {
        let whole = self.whole();
        self.element.map_or_else(|| whole.clone(), |kind| format!("{whole}[type eq \"{kind}\"]"))
    }

    /// The attribute as a resource holds it, with all its elements or parts.
    pub(super) fn held<'a>(&self, resource: &'a Map<String, Value>) -> Option<&'a Value> {
        match self.extension {
            Some(urn) => resource.get(urn)?.get(self.attribute),
            None => resource.get(self.attribute),
        }
    }

    /// A filter for resources in which the field has this value.
    pub(super) fn equals(&self, value: &Value) -> String {
        // A SCIM string literal is a JSON string.
        match (self.element, self.sub) {
            (Some(kind), Some(sub)) => {
                format!("{}[type eq \"{kind}\" and {sub} eq {value}]", self.whole())
            }
            _ => format!("{} eq {value}", self.name),
        }
    }
}

/// The target of a field; none where the app has no such field.
pub(super) fn target(kind: Kind, name: &str) -> Option<&'static Target> {
    targets(kind).iter().find(|target| target.name == name)
}

/// Every target of a kind of object.
pub(super) fn targets(kind: Kind) -> &'static [Target] {
    static USERS: LazyLock<Vec<Target>> =
        LazyLock::new(|| USER_ROWS.iter().map(target_of).collect());
    static GROUPS: LazyLock<Vec<Target>> =
        LazyLock::new(|| GROUP_ROWS.iter().map(target_of).collect());
    match kind {
        Kind::User => &USERS,
        Kind::Group => &GROUPS,
    }
}

/// What the catalogue shows.
pub fn schema() -> AppSchema {
    AppSchema {
        users: USER_ROWS.iter().map(|row| field_of(Kind::User, row)).collect(),
        groups: GROUP_ROWS.iter().map(|row| field_of(Kind::Group, row)).collect(),
    }
}

/// The mapping an app starts with: like to like. The app's `externalId` is Rollcall's own id.
pub fn default_mapping() -> Document {
    let rules = |rows: &[Row]| {
        rows.iter()
            .filter_map(|row| {
                let field = target_of(row).name;
                let path = || Source::Profile { path: field.clone() };
                let source = match row.default {
                    Start::Nothing => return None,
                    Start::Same => path(),
                    Start::Path(path) => Source::Profile { path: path.to_owned() },
                    Start::Account(path) => Source::Reference { path: path.to_owned() },
                    Start::First(paths) => Source::First {
                        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
                    },
                };
                Some(Rule {
                    field: field.clone(),
                    source,
                    apply: crate::mapping::document::Apply::default(),
                    on_empty: crate::mapping::document::OnEmpty::default(),
                    normalise: Vec::new(),
                })
            })
            .collect()
    };
    Document { users: rules(USER_ROWS), groups: rules(GROUP_ROWS), tests: Vec::new() }
}

/// Where a field's value comes from in the mapping that an app starts with.
#[derive(Clone, Copy)]
enum Start {
    Nothing,
    Same,
    Path(&'static str),
    First(&'static [&'static str]),
    /// The account of whom this path names.
    Account(&'static str),
}

/// A line of the table below.
struct Row {
    place: Place,
    label: &'static str,
    description: &'static str,
    example: &'static str,
    default: Start,
}

#[derive(Clone, Copy)]
enum Place {
    Plain(&'static str),
    Part(&'static str, &'static str),
    Element(&'static str, &'static str, &'static str),
    Enterprise(&'static str),
    /// The `value` by which a complex attribute points at another object.
    Reference(&'static str),
    /// The values of all elements.
    List(&'static str),
}

fn target_of(row: &Row) -> Target {
    let list = matches!(row.place, Place::List(_));
    let reference = matches!(row.place, Place::Reference(_));
    let (extension, attribute, element, sub) = match row.place {
        Place::List(attribute) => (None, attribute, None, Some("value")),
        Place::Plain(attribute) => (None, attribute, None, None),
        Place::Part(attribute, sub) => (None, attribute, None, Some(sub)),
        Place::Element(attribute, kind, sub) => (None, attribute, Some(kind), Some(sub)),
        Place::Enterprise(attribute) => (Some(urn::ENTERPRISE_USER), attribute, None, None),
        Place::Reference(attribute) => (Some(urn::ENTERPRISE_USER), attribute, None, Some("value")),
    };
    let mut target = Target {
        name: String::new(),
        extension,
        attribute,
        element,
        sub,
        list,
        reference,
        case_exact: attribute == "externalId",
    };
    target.name = target.element_path();
    if let Some(sub) = sub {
        target.name.push('.');
        target.name.push_str(sub);
    }
    target
}

fn field_of(kind: Kind, row: &Row) -> AppField {
    let target = target_of(row);
    AppField {
        mandatory: if target.name == mandatory(kind) {
            Mandatory::always()
        } else {
            Mandatory::default()
        },
        max_length: None,
        multi_valued: target.list,
        example: Some(if target.list {
            Value::from(vec![row.example])
        } else {
            row.example.into()
        }),
        ..AppField::text(&target.name, row.label, 0, row.description)
    }
}

/// The one field that RFC 7643 §4 asks for.
const fn mandatory(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "userName",
        Kind::Group => "displayName",
    }
}

macro_rules! rows {
    ($($place:expr, $label:literal, $description:literal, $example:literal, $default:expr;)*) => {
        &[$(Row {
            place: $place,
            label: $label,
            description: $description,
            example: $example,
            default: $default,
        }),*]
    };
}

use Place::{Element, Enterprise, List, Part, Plain, Reference};
use Start::{Account, First, Nothing, Path, Same};

const USER_ROWS: &[Row] = rows! {
    Plain("userName"), "User name", "By which the person signs in; unique in the app.",
        "william.woods@zylker.example", Same;
    Plain("externalId"), "External id", "Rollcall's id of the person, by which the app can ask back.",
        "01926f0e-7c1a-7d52-9c3e-2f0a5b6c7d8e", Path("id");
    Plain("displayName"), "Display name", "As shown to others.", "William Woods",
        First(&["displayName", "name.formatted"]);
    Part("name", "formatted"), "Full name", "The whole name as written.", "Mr. William Woods", Same;
    Part("name", "givenName"), "Given name", "First name.", "William", Same;
    Part("name", "familyName"), "Family name", "Last name.", "Woods", Same;
    Part("name", "middleName"), "Middle name", "Middle names.", "James", Same;
    Part("name", "honorificPrefix"), "Title before the name", "Honorific prefix.", "Dr.", Same;
    Part("name", "honorificSuffix"), "Title after the name", "Honorific suffix.", "III", Same;
    Plain("nickName"), "Nickname", "What colleagues say.", "Will", Same;
    Plain("profileUrl"), "Profile page", "Address of the person's page.",
        "https://people.zylker.example/william", Nothing;
    Plain("title"), "Job title", "What the person does.", "Technician", Same;
    Plain("userType"), "Kind of user", "Relation to the organization.", "Employee", Same;
    Plain("preferredLanguage"), "Language", "As in HTTP's Accept-Language.", "en-US", Same;
    Plain("locale"), "Locale", "For dates, numbers and currency.", "en-US", Same;
    Plain("timezone"), "Time zone", "From the IANA time zone database.", "America/Chicago", Same;
    Element("emails", "work", "value"), "Work e-mail", "Address at work.",
        "william.woods@zylker.example", First(&["emails[type eq \"work\"].value", "emails.value"]);
    Element("emails", "home", "value"), "Private e-mail", "Address at home.",
        "will@example.com", Nothing;
    Element("phoneNumbers", "work", "value"), "Work phone", "Number at work.",
        "+1-512-555-0100", Same;
    Element("phoneNumbers", "mobile", "value"), "Mobile phone", "Number of the mobile phone.",
        "+1-512-555-0101", Same;
    Element("phoneNumbers", "home", "value"), "Private phone", "Number at home.",
        "+1-512-555-0102", Nothing;
    Element("phoneNumbers", "fax", "value"), "Fax", "Number of the fax machine.",
        "+1-512-555-0103", Nothing;
    Element("addresses", "work", "formatted"), "Work address", "The whole address as written.",
        "4141 Hacienda Drive, Austin", Nothing;
    Element("addresses", "work", "streetAddress"), "Street", "Street and number at work.",
        "4141 Hacienda Drive", Same;
    Element("addresses", "work", "locality"), "City", "City of the place of work.", "Austin", Same;
    Element("addresses", "work", "region"), "State", "State or region of the place of work.",
        "TX", Same;
    Element("addresses", "work", "postalCode"), "Postal code", "Of the place of work.",
        "78701", Same;
    Element("addresses", "work", "country"), "Country", "ISO 3166-1 code of the place of work.",
        "US", Same;
    List("roles"), "Roles", "What the person may do in the app: all roles, or none.",
        "technician", Nothing;
    List("entitlements"), "Entitlements", "What the person has a right to in the app: all of it, or \
        nothing.", "tools", Nothing;
    Enterprise("employeeNumber"), "Employee number", "Given by the organization.", "701984", Same;
    Enterprise("costCenter"), "Cost center", "Who pays.", "4130", Same;
    Enterprise("organization"), "Organization", "Name of the company.", "Zylker", Same;
    Enterprise("division"), "Division", "Part of the company.", "Services", Same;
    Enterprise("department"), "Department", "Part of the division.", "Field Service", Same;
    Reference("manager"), "Manager", "The manager's account in the app, by its id.",
        "2819c223-7f76-453a-919d-413861904646",
        Account("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value");
};

const GROUP_ROWS: &[Row] = rows! {
    Plain("displayName"), "Name", "As shown to others.", "Technicians", Same;
    Plain("externalId"), "External id", "Rollcall's id of the group, by which the app can ask back.",
        "01926f0e-7c1a-7d52-9c3e-2f0a5b6c7d8f", Path("id");
};
