//! Bodies of POST and PUT: nothing panics; checking what was checked changes nothing, even by the
//! strict rules; what is stored reads back as it was written.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rollcall_fuzz::scim::dialect::Dialect;
use rollcall_fuzz::scim::resource::{check, keep_immutable};
use rollcall_fuzz::{REGISTRY, body, is_told, mutate};
use serde_json::{Map, Value};
use std::collections::HashSet;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::body(data, size, max_size, seed)
});

fuzz_target!(|bytes: &[u8]| {
    let Some(body) = body(bytes) else { return };
    for kind in &REGISTRY.resource_types {
        let strict = check(kind, body.clone(), Dialect::Strict);
        for dialect in Dialect::ALL {
            let valid = match check(kind, body.clone(), dialect) {
                Ok(valid) => valid,
                Err(error) => {
                    is_told(&error);
                    continue;
                }
            };
            // A body that needed no forgiveness is right, and means the same, by the strict rules.
            if valid.forgiven.is_empty() {
                assert_eq!(strict.as_ref(), Ok(&valid), "{dialect:?}");
            }
            let again = check(kind, valid.attributes.clone().into(), Dialect::Strict);
            let again = again.expect("what is stored is right");
            assert_eq!(again.attributes, valid.attributes);
            let mut kept = again.clone();
            assert_eq!(keep_immutable(kind, &valid.attributes, &mut kept), Ok(()));
            assert_eq!(kept, again, "a PUT of what is there changes nothing");

            let stored = serde_json::to_string(&valid.attributes).expect("is JSON");
            let read: Map<String, Value> = serde_json::from_str(&stored).expect("is JSON");
            assert_eq!(read, valid.attributes);

            for (name, value) in &valid.attributes {
                let Some(elements) = value.as_array() else { continue };
                let unlike: HashSet<String> = elements.iter().map(Value::to_string).collect();
                assert_eq!(unlike.len(), elements.len(), "{name}: each element once");
                let primary = elements.iter().filter(|element| element["primary"] == true);
                assert!(primary.count() <= 1, "{name}: one primary element");
            }

            let members = valid.members.unwrap_or_default();
            let ids: HashSet<&str> = members.iter().map(|member| member.value.as_str()).collect();
            assert_eq!(ids.len(), members.len(), "each member once");
        }
    }
});
