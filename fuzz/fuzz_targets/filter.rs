//! Filters: no text panics, what is read prints to what reads the same, and its meaning is a
//! function of the two: `not` turns it round, and nothing else does.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rollcall_fuzz::scim::filter::{Filter, MAX_LENGTH, eval, parse};
use rollcall_fuzz::{REGISTRY, documents, is_told, mutate};
use serde_json::Map;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::filter(data, size, max_size, seed)
});

fuzz_target!(|text: &str| {
    let filter = match parse(text) {
        Ok(filter) => filter,
        Err(error) => return is_told(&error),
    };
    let printed = filter.to_string();
    match parse(&printed) {
        Ok(again) => assert_eq!(again, filter, "{printed}"),
        // Printing can make a filter longer or deeper than what is accepted: 1e9 becomes
        // 1000000000.0, and a[x or y].b pr becomes a[(x or y) and b pr].
        Err(error) => assert!(
            printed.len() > MAX_LENGTH || error.to_string().contains("nested deeper"),
            "{printed}: {error}"
        ),
    }
    for kind in &REGISTRY.resource_types {
        let condition = match filter.resolve(kind) {
            Ok(condition) => condition,
            Err(error) => {
                is_told(&error);
                continue;
            }
        };
        let resolved = |filter: Filter| filter.resolve(kind).expect("as the inner");
        let negation = resolved(Filter::Not(Box::new(filter.clone())));
        for resource in documents(kind).iter().chain([&Map::new()]) {
            let matches = |condition| eval::matches(condition, resource);
            assert_ne!(matches(&condition), matches(&negation));
        }
    }
});
