//! Filters: no text panics; what is read prints to what reads the same; its meaning is a function.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rollcall::scim::filter::{Filter, eval, parse};
use rollcall::scim::schema::Registry;
use std::sync::LazyLock;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::standard);

fuzz_target!(|text: &str| {
    let Ok(filter) = parse(text) else { return };
    let printed = filter.to_string();
    // Printing can make a filter longer than what is accepted: 1e9 becomes 1000000000.0.
    if let Ok(again) = parse(&printed) {
        assert_eq!(again.to_string(), printed);
    }
    for kind in &REGISTRY.resource_types {
        let Ok(condition) = filter.resolve(kind) else { continue };
        let negation = Filter::Not(Box::new(filter.clone())).resolve(kind).expect("as the inner");
        let nothing = serde_json::Map::new();
        assert_ne!(eval::matches(&condition, &nothing), eval::matches(&negation, &nothing));
    }
});
