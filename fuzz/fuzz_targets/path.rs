//! Paths: no text panics, and what is read prints to what reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollcall::scim::path;
use rollcall::scim::schema::Registry;
use std::sync::LazyLock;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

fuzz_target!(|text: &str| {
    if let Ok(attribute) = path::attribute(text) {
        assert_eq!(path::attribute(&attribute.to_string()), Ok(attribute));
    }
    for kind in &REGISTRY.resource_types {
        if let Ok(read) = path::parse(kind, text)
            && let Ok(again) = path::parse(kind, &read.to_string())
        {
            assert_eq!(again.to_string(), read.to_string());
        }
    }
});
