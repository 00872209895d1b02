//! What one person costs: a mapping of 25 fields without expressions, with five, and what there is to
//! pay before and beside it.
//!
//! `cargo bench --bench mapping`. The limits are those of the field mapping's description: 20 µs
//! without expressions, 100 µs with five.

use divan::{Bencher, black_box};
use rollcall::adapters::catalogue;
use rollcall::mapping::compiled::Mapping;
use rollcall::mapping::document::Document;
use rollcall::mapping::field::Kind;
use rollcall::mapping::form::Facts;
use rollcall::mapping::scope::{Candidate, Rules, Scope};
use rollcall::scim::schema::Registry;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

fn main() {
    divan::main();
}

const FIELDS: usize = 25;

fn person() -> Map<String, Value> {
    let person = json!({
        "id": "0190f0a0-0000-7000-8000-000000000001",
        "userName": "William.Woods@zylker.example",
        "name": { "givenName": "William", "familyName": "Woods", "formatted": "William Woods" },
        "displayName": "William Woods",
        "title": "Technician",
        "userType": "Employee",
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "America/Chicago",
        "active": true,
        "emails": [
            { "value": "will@home.example", "type": "home" },
            { "value": "william@zylker.example", "type": "work", "primary": true },
        ],
        "phoneNumbers": [
            { "value": "+1-512-555-0100", "type": "work" },
            { "value": "+1-512-555-0101", "type": "mobile" },
        ],
        "addresses": [{
            "type": "work", "streetAddress": "4141 Hacienda Drive", "locality": "Austin",
            "region": "TX", "postalCode": "78701", "country": "US",
        }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Field Service", "employeeNumber": "701984", "costCenter": "4130",
            "organization": "Zylker", "division": "Services",
        },
        "meta": { "resourceType": "User", "created": "2026-01-31T12:00:00.000Z" },
    });
    person.as_object().cloned().unwrap_or_default()
}

/// The SCIM adapter's default mapping, of which `FIELDS` rules stay; the last `expressions` of them
/// are expressions.
fn document(expressions: usize) -> Document {
    let texts = [
        "upper(name.familyName) + \", \" + name.givenName",
        "emails.filter(e, e.type == \"work\").map(e, e.value).join(\";\")",
        "lookup(department, {\"Field Service\": \"FS\", \"Sales\": \"S\"}, \"other\")",
        "title != null && title.startsWith(\"Tech\") ? initials(displayName) : \"none\"",
        "slug(displayName) + \"@\" + after(userName, \"@\")",
    ];
    let mut document = catalogue::entry("scim").map(|one| one.default_mapping.clone());
    let document = document.as_mut().map(|document| {
        document.users.truncate(FIELDS);
        for (rule, text) in document.users.iter_mut().rev().zip(texts).take(expressions) {
            rule.source =
                serde_json::from_value(json!({ "kind": "expression", "expression": text }))
                    .unwrap_or_else(|_| rule.source.clone());
        }
        document.clone()
    });
    document.unwrap_or_default()
}

fn compiled(expressions: usize) -> Mapping {
    let entry = catalogue::entry("scim");
    let schema = entry.map(|entry| entry.schema.clone()).unwrap_or_default();
    match Mapping::compile(&document(expressions), &schema, &Registry::standard()) {
        Ok(mapping) => mapping,
        Err(problems) => unreachable!("{problems:?}"),
    }
}

#[divan::bench(args = [0, 5])]
fn desired_with_expressions(bencher: Bencher<'_, '_>, expressions: usize) {
    let (mapping, person) = (compiled(expressions), person());
    let (assigned, accounts) = (Map::new(), BTreeMap::new());
    let facts = Facts { resource: &person, assigned: &assigned, accounts: &accounts };
    let desired = mapping.desired(Kind::User, &facts, true);
    assert!(desired.problems.is_empty() && desired.always.0.len() == FIELDS);
    bencher.bench(|| mapping.desired(Kind::User, black_box(&facts), true));
}

#[divan::bench(args = [0, 5])]
fn compile_with_expressions(bencher: Bencher<'_, '_>, expressions: usize) {
    let document = document(expressions);
    let schema = catalogue::entry("scim").map(|entry| entry.schema.clone()).unwrap_or_default();
    let registry = Registry::standard();
    bencher.bench(|| Mapping::compile(black_box(&document), &schema, &registry).is_ok());
}

#[divan::bench]
fn scope_of_a_filter(bencher: Bencher<'_, '_>) {
    let scope = Scope {
        filter: Some("userType eq \"Employee\" and emails[type eq \"work\"].value pr".into()),
        ..Scope::default()
    };
    let rules = Rules::compile(&scope, &Registry::standard()).unwrap_or_default();
    let person = person();
    bencher.bench(|| rules.takes(black_box(Candidate { resource: &person, assignments: &[] })));
}

/// What reading one person from the database costs at least: the limit beside which the above stands.
#[divan::bench]
fn beside_it_reading_the_persons_json(bencher: Bencher<'_, '_>) {
    let text = Value::Object(person()).to_string();
    bencher.bench(|| serde_json::from_str::<Map<String, Value>>(black_box(&text)).is_ok());
}
