//! Resource bodies: nothing panics, and checking what was checked changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollcall::scim::dialect::Dialect;
use rollcall::scim::resource;
use rollcall::scim::schema::Registry;
use serde_json::Value;
use std::sync::LazyLock;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else { return };
    for kind in &REGISTRY.resource_types {
        for dialect in [Dialect::Strict, Dialect::Standard, Dialect::Entra, Dialect::Okta] {
            let Ok(valid) = resource::check(kind, body.clone(), dialect) else { continue };
            let again = resource::check(kind, valid.attributes.clone().into(), Dialect::Strict);
            assert_eq!(again.map(|again| again.attributes), Ok(valid.attributes));
        }
    }
});
