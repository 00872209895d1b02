//! Schemas that an administrator sends: nothing panics; one in which nothing is wrong is answered
//! as it was sent, and resources of the types that it adds to are still what they were.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rollcall_fuzz::scim::dialect::Dialect;
use rollcall_fuzz::scim::schema::Registry;
use rollcall_fuzz::scim::schema::definition::Definition;
use rollcall_fuzz::scim::schema::definition::check::faults;
use rollcall_fuzz::scim::{discovery, path, resource};
use rollcall_fuzz::{REGISTRY, body, documents, mutate};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::body(data, size, max_size, seed)
});

fuzz_target!(|bytes: &[u8]| {
    let Some(body) = body(bytes) else { return };
    let Ok(definition) = serde_json::from_value::<Definition>(body) else { return };
    let faults = faults(&definition, &REGISTRY);
    assert!(faults.iter().all(|fault| !fault.detail.is_empty()));
    if !faults.is_empty() {
        return;
    }
    let stored = serde_json::to_value(&definition).expect("is JSON");
    assert_eq!(serde_json::from_value::<Definition>(stored).expect("reads back"), definition);
    let answered = discovery::schema(&definition.schema(), "");
    let again: Definition = serde_json::from_value(answered).expect("reads back");
    assert_eq!(again.schema().attributes.len(), definition.attributes.len());

    let registry = Registry::with(std::slice::from_ref(&definition), 1);
    let holder = registry.named(definition.holder()).expect("faults has looked");
    for attribute in &definition.attributes {
        let path = path::attribute(&definition.key(&attribute.name)).expect("is a path");
        let place = holder.place(&path).expect("leads to it");
        assert_eq!(place.attribute.name, attribute.name);
    }
    if !definition.required && definition.resource_type.is_none() {
        let kind = REGISTRY.named(&holder.name).expect("is extended");
        for document in documents(kind) {
            // The registry of this target lacks the extensions of the others.
            let mut document = document.clone();
            document.retain(|name, _| {
                registry.named(&holder.name).is_some_and(|kind| {
                    kind.extension(name).is_some() || kind.base_attribute(name).is_some()
                })
            });
            let checked = resource::check(holder, document.clone().into(), Dialect::Standard);
            assert_eq!(checked.map(|valid| valid.attributes.len()), Ok(document.len()));
        }
    }
});
