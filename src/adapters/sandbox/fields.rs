//! The sandbox's fields: those of a small app for field staff.

use crate::mapping::document::{Apply, Document, OnEmpty, Rule, Source};
use crate::mapping::field::{Allowed, AppField, AppSchema, FieldType, Mandatory, Mutability};
use serde_json::Value;

/// The fields that must be mapped together.
const LOCATION: &str = "location";

fn text(name: &str, label: &str, longest: usize, description: &str, example: &str) -> AppField {
    AppField { example: Some(example.into()), ..AppField::text(name, label, longest, description) }
}

/// What the catalogue shows.
pub fn schema() -> AppSchema {
    let located = |field: AppField| AppField { depends: Some(LOCATION.to_owned()), ..field };
    AppSchema {
        users: vec![
            AppField {
                mandatory: Mandatory::always(),
                ..text(
                    "loginName",
                    "Login name",
                    100,
                    "By which the person signs in; unique.",
                    "william.woods@zylker.example",
                )
            },
            text("firstName", "First name", 40, "Given name.", "William"),
            AppField {
                mandatory: Mandatory::always(),
                ..text("lastName", "Last name", 80, "Family name.", "Woods")
            },
            text("fullName", "Full name", 120, "As shown to others.", "William Woods"),
            text("email", "E-mail", 254, "Address at work.", "william.woods@zylker.example"),
            text(
                "phone",
                "Phone",
                40,
                "Number at work, or of the mobile phone.",
                "+1-512-555-0100",
            ),
            text("mobile", "Mobile phone", 40, "Number of the mobile phone.", "+1-512-555-0101"),
            text("department", "Department", 100, "Where the person works.", "Field Service"),
            text("jobTitle", "Job title", 100, "What the person does.", "Technician"),
            text("employeeNumber", "Employee number", 20, "Given by the organization.", "701984"),
            AppField {
                choices: ["technician", "manager", "member"].map(str::to_owned).into(),
                ..text("role", "Role", 20, "What the person may do in the app.", "technician")
            },
            located(text("locationCity", "City", 80, "City of the place of work.", "Austin")),
            located(text("locationCountry", "Country", 60, "Its country.", "US")),
            AppField {
                choices: ["standard", "full"].map(str::to_owned).into(),
                allowed: Some(Allowed {
                    by: "role".to_owned(),
                    values: ["technician", "member"]
                        .map(|role| (role.to_owned(), vec!["standard".to_owned()]))
                        .into(),
                }),
                ..text(
                    "access",
                    "Access",
                    20,
                    "How much the person sees; only managers see everything.",
                    "standard",
                )
            },
            AppField {
                mandatory: Mandatory {
                    when: Some("userType eq \"Contractor\"".to_owned()),
                    ..Mandatory::always()
                },
                ..text(
                    "costCenter",
                    "Cost center",
                    20,
                    "Who pays; the app does not take contractors without.",
                    "4130",
                )
            },
            text("company", "Company", 100, "Name of the company.", "Zylker"),
            text(
                "manager",
                "Manager",
                64,
                "The manager's account in the app, by its id.",
                "01926f0e-7c1a-7d52-9c3e-2f0a5b6c7d8e",
            ),
            AppField {
                multi_valued: true,
                example: Some(serde_json::json!(["Printers", "Scanners"])),
                ..AppField::text("skills", "Skills", 60, "What the person knows about.")
            },
            AppField {
                mutability: Mutability::CreateOnly,
                ..text("source", "Made by", 40, "Who made the account.", "Rollcall")
            },
            AppField {
                kind: FieldType::DateTime,
                max_length: None,
                ..text(
                    "joined",
                    "Joined",
                    0,
                    "Since when the person is in the directory.",
                    "2026-01-31T12:00:00Z",
                )
            },
        ],
        groups: vec![
            AppField {
                mandatory: Mandatory::always(),
                ..text("name", "Name", 100, "As shown to others; unique.", "Technicians")
            },
            text(
                "reference",
                "Reference",
                60,
                "The group's id in the directory.",
                "01926f0e-7c1a-7d52-9c3e-2f0a5b6c7d8f",
            ),
        ],
    }
}

/// The mapping an app starts with.
pub fn default_mapping() -> Document {
    let path = |path: &str| Source::Profile { path: path.to_owned() };
    let enterprise = |name: &str| path(&format!("{}:{name}", crate::scim::urn::ENTERPRISE_USER));
    let first = |paths: &[&str]| Source::First {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    };
    let rule = |field: &str, source: Source| Rule {
        field: field.to_owned(),
        source,
        apply: Apply::Always,
        on_empty: OnEmpty::Clear,
        normalise: Vec::new(),
    };
    let roles = [
        ("Technician", "technician"),
        ("Senior Technician", "technician"),
        ("Manager", "manager"),
        ("Service Manager", "manager"),
    ];
    Document {
        users: vec![
            rule("loginName", path("userName")),
            rule("firstName", path("name.givenName")),
            rule("lastName", path("name.familyName")),
            rule(
                "fullName",
                Source::Join { template: "{name.givenName} {name.familyName}".to_owned() },
            ),
            rule("email", first(&["emails[type eq \"work\"].value", "emails.value"])),
            rule(
                "phone",
                first(&[
                    "phoneNumbers[type eq \"work\"].value",
                    "phoneNumbers[type eq \"mobile\"].value",
                    "phoneNumbers.value",
                ]),
            ),
            rule("department", enterprise("department")),
            rule("jobTitle", path("title")),
            rule("employeeNumber", enterprise("employeeNumber")),
            rule("costCenter", enterprise("costCenter")),
            rule(
                "role",
                Source::Table {
                    path: "title".to_owned(),
                    entries: roles
                        .map(|(title, role)| (title.to_owned(), Value::from(role)))
                        .into(),
                    default: Some("member".into()),
                },
            ),
            rule(
                "manager",
                Source::Reference {
                    path: format!("{}:manager.value", crate::scim::urn::ENTERPRISE_USER),
                },
            ),
            rule("locationCity", path("addresses[type eq \"work\"].locality")),
            rule("locationCountry", path("addresses[type eq \"work\"].country")),
            Rule {
                apply: Apply::Create,
                ..rule("source", Source::Constant { value: "Rollcall".into() })
            },
        ],
        groups: vec![rule("name", path("displayName")), rule("reference", path("id"))],
        tests: Vec::new(),
    }
}
