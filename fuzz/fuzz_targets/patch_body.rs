//! PATCH bodies: nothing panics, and what comes out is a document that `check` would let in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollcall::scim::dialect::Dialect;
use rollcall::scim::schema::Registry;
use rollcall::scim::{patch, resource};
use serde_json::{Value, json};
use std::sync::LazyLock;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else { return };
    for kind in &REGISTRY.resource_types {
        let start = json!({
            "userName": "bjensen", "displayName": "Babs",
            "emails": [{ "value": "b@example.com", "type": "work", "primary": true }]
        });
        let start = resource::check(kind, start, Dialect::Standard).expect("a right body");
        for dialect in [Dialect::Strict, Dialect::Standard, Dialect::Entra, Dialect::Okta] {
            let Ok(operations) = patch::parse(kind, &body, dialect) else { continue };
            let Ok(patched) = patch::apply(kind, &start.attributes, &operations, dialect) else {
                continue;
            };
            assert_eq!(patched.changed, patched.attributes != start.attributes);
            let again = resource::check(kind, patched.attributes.into(), Dialect::Strict);
            assert!(again.is_ok(), "{again:?}");
        }
    }
});
