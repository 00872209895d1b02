//! The protocol of Rollcall, built from the source of the server without the server.
//!
//! The room `scim` is pure, so that is possible: SQLite, TLS and HTTP stay out, and the targets
//! build in seconds.

pub mod mutate;

/// `src/scim.rs` of the server. A module that the others come to use is missing here until it is
/// named, and the compiler says so.
#[path = "../../src/scim"]
pub mod scim {
    pub mod bulk;
    pub mod cursor;
    pub mod dialect;
    pub mod discovery;
    pub mod error;
    pub mod filter;
    pub mod json;
    pub mod list;
    pub mod patch;
    pub mod path;
    pub mod projection;
    pub mod resource;
    pub mod schema;
    pub mod urn;
    pub mod value;
}

/// `src/mapping.rs` of the server: expressions, what rules are compiled into, and importers.
#[path = "../../src/mapping"]
mod mapping {
    #![allow(dead_code, reason = "the server has more rules than expressions")]

    pub(crate) mod document;
    pub(crate) mod expression;
    pub(crate) mod field;
    pub(crate) mod form;
    pub(crate) mod import;
    pub(crate) mod selector;
    pub(crate) mod suggest;
    pub(crate) mod template;
}

/// `src/adapters/throttle.rs` of the server: what apps say of their limits.
#[path = "../../src/adapters/throttle"]
pub mod throttle {
    pub mod fields;
}

use mapping::form::Facts;
use scim::dialect::Dialect;
use scim::error::{Error, Fault};
use scim::resource;
use scim::schema::definition::Definition;
use scim::schema::definition::check::faults;
use scim::schema::{Registry, ResourceType};
use scim::urn;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// What every target asks about: the standard types, and attributes of every type and with every
/// characteristic, as an administrator would add them.
pub static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let added: Vec<Definition> =
        serde_json::from_str(include_str!("schemas.json")).expect("are definitions");
    let mut registry = Registry::standard();
    for (at, definition) in added.iter().enumerate() {
        assert_eq!(faults(definition, &registry), []);
        registry = Registry::with(&added[..=at], 0);
    }
    registry
});

/// Resources of that type as they are stored: one with hardly anything in it, and one with something
/// of every kind.
pub fn documents(kind: &ResourceType) -> &'static [Map<String, Value>] {
    DOCUMENTS.get(&kind.name).expect("of every type")
}

static DOCUMENTS: LazyLock<HashMap<String, Vec<Map<String, Value>>>> = LazyLock::new(|| {
    let mut documents = HashMap::new();
    for kind in &REGISTRY.resource_types {
        let bodies = match kind.name.as_str() {
            "User" => vec![json!({ "userName": "bjensen" }), user()],
            "Device" => vec![json!({ "serial": "S1", "active": true, "ports": [{ "value": 80 }] })],
            _ => vec![json!({ "displayName": "Tour Guides", "externalId": "g-1" })],
        };
        let checked = |body| resource::check(kind, body, Dialect::Standard).expect("is right");
        let checked = bodies.into_iter().map(|body| checked(body).attributes);
        documents.insert(kind.name.clone(), checked.collect());
    }
    documents
});

const BADGE: &str = "urn:example:params:scim:schemas:extension:badge:2.0:User";

fn user() -> Value {
    json!({
        "userName": "bjensen", "externalId": "701984", "title": "Tour Guide", "active": true,
        "name": { "familyName": "Jensen", "givenName": "Barbara" },
        "emails": [
            { "value": "b@example.com", "type": "work", "primary": true },
            { "value": "babs@example.org", "type": "home" },
            { "value": "b@example.net" },
        ],
        "phoneNumbers": [{ "value": "555-555-5555", "type": "work" }],
        "addresses": [{ "type": "work", "country": "US", "primary": true }],
        "x509Certificates": [{ "value": "MIIDQzCCAqygAwIBAgICEAAwDQYJ" }],
        "roles": [{ "value": "a" }, { "value": "b", "primary": true }],
        urn::ENTERPRISE_USER: {
            "employeeNumber": "701984", "manager": { "value": "26118915" },
        },
        BADGE: {
            "number": 7, "salary": 1.5, "since": "2011-05-13T04:42:34Z", "tags": ["a", "b"],
            "counts": [1, 2], "always": "A",
            "doors": [{ "value": "n", "floor": 1, "note": "x", "primary": true }, { "value": "s" }],
            "desk": { "room": "1.01", "since": "2011-05-13T04:42:34Z" },
        },
    })
}

/// Whether an error says what every error must say.
///
/// # Panics
/// When it does not.
pub fn is_told(error: &Error) {
    assert!((400..500).contains(&error.code()), "{error:?}");
    assert!(!error.to_string().is_empty(), "{error:?}");
    assert_eq!(error.body()["status"], error.code().to_string());
}

/// A body as the server reads it; none for what it refuses.
///
/// # Panics
/// When it is another than what a JSON reader of other people finds.
pub fn body(bytes: &[u8]) -> Option<Value> {
    let theirs = serde_json::from_slice::<Value>(bytes);
    match scim::json::read(bytes) {
        Ok(body) => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            assert_eq!(serde_json::from_slice::<Value>(bytes).ok().as_ref(), Some(&body));
            Some(body)
        }
        Err(error) => {
            is_told(&error);
            // They keep the last of two keys.
            assert!(theirs.is_err() || matches!(*error.fault, Fault::KeyTwice { .. }), "{error}");
            None
        }
    }
}

/// What is true of every text that may be an expression of another product.
///
/// # Panics
/// When it is not.
pub fn import(text: &str) {
    let schema = mapping::field::AppSchema {
        users: vec![mapping::field::AppField::text("displayName", "Name", 100, "")],
        groups: Vec::new(),
    };
    let entra = json!([{
        "targetAttributeName": "displayName",
        "source": { "type": "Function", "expression": text },
    }]);
    let okta = json!({ "properties": {
        "displayName": { "expression": text, "pushStatus": "PUSH" },
    } });
    let imports = [
        mapping::import::entra(&entra, &schema).expect("is an export"),
        mapping::import::okta(&okta, &schema).expect("is a mapping"),
    ];
    for import in imports {
        let named = import.untranslated.iter();
        for one in named {
            assert!(!one.detail.is_empty() && !one.remedy.is_empty(), "{one:?}");
        }
        match import.document.users.as_slice() {
            [] => assert!(!import.untranslated.is_empty(), "dropped in silence"),
            [only] => assert_eq!(only.field, "displayName"),
            more => panic!("one rule became {}", more.len()),
        }
        let kept = serde_json::to_value(&import.document).expect("is JSON");
        let again = serde_json::from_value(kept).ok();
        assert_eq!(again, Some(import.document));
    }
}

/// What is true of every text that may be an expression.
///
/// # Panics
/// When it is not.
pub fn expression(kind: &ResourceType, text: &str) {
    let form = match mapping::expression::compile(kind, text) {
        Ok(form) => form,
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                assert!((1..=text.chars().count() + 1).contains(&fault.at), "{fault:?}");
                assert!(fault.detail.ends_with(['.', '?']), "{fault:?}");
            }
            return;
        }
    };
    let reads = form.reads();
    let (assigned, accounts) = (Map::new(), BTreeMap::new());
    for document in documents(kind).iter().chain([&Map::new()]) {
        let value = |resource: &Map<String, Value>| {
            form.evaluate(&Facts { resource, assigned: &assigned, accounts: &accounts })
        };
        let whole = value(document);
        match &whole {
            Ok(value) => assert!(value.to_string().len() <= 8 * 16 * 1_024, "it has a bound"),
            Err(stopped) => assert!(stopped.to_string().ends_with('.')),
        }
        // Nothing else is looked at than what it says it reads.
        let mut part = document.clone();
        part.retain(|name, _| {
            reads.iter().any(|path| {
                let rest = path.strip_prefix(name.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
            })
        });
        assert_eq!(value(&part), whole);
    }
}
