//! Bodies of PATCH: nothing panics; what comes out is a document that the strict rules let in;
//! `changed` says whether it differs; operations together are the operations one by one.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rollcall_fuzz::scim::dialect::Dialect;
use rollcall_fuzz::scim::error::Error;
use rollcall_fuzz::scim::patch::{self, MemberChange, Op, Operation, Patched};
use rollcall_fuzz::scim::path::Path;
use rollcall_fuzz::scim::resource;
use rollcall_fuzz::scim::schema::ResourceType;
use rollcall_fuzz::{REGISTRY, body, documents, is_told, mutate};
use serde_json::{Map, Value};
use std::collections::HashSet;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::body(data, size, max_size, seed)
});

fuzz_target!(|bytes: &[u8]| {
    let Some(body) = body(bytes) else { return };
    for kind in &REGISTRY.resource_types {
        for start in documents(kind) {
            let strict = applied(kind, start, &body, Dialect::Strict);
            if let Ok((operations, patched)) = &strict {
                holds(kind, start, operations, Dialect::Strict, patched);
            }
            for dialect in Dialect::ALL {
                let Ok((operations, patched)) = applied(kind, start, &body, dialect) else {
                    continue;
                };
                let strict = strict.as_ref().ok().map(|(_, patched)| patched);
                if strict == Some(&patched) {
                    continue;
                }
                // What needed no forgiveness is right, and means the same, by the strict rules.
                assert!(!patched.forgiven.is_empty(), "{dialect:?} {patched:?} {strict:?}");
                holds(kind, start, &operations, dialect, &patched);
            }
        }
    }
});

fn applied(
    kind: &ResourceType,
    start: &Map<String, Value>,
    body: &Value,
    dialect: Dialect,
) -> Result<(Vec<Operation>, Patched), Error> {
    let operations = patch::parse(kind, body, dialect).inspect_err(is_told)?;
    let patched = patch::apply(kind, start, &operations, dialect).inspect_err(is_told)?;
    Ok((operations, patched))
}

fn holds(
    kind: &ResourceType,
    start: &Map<String, Value>,
    operations: &[Operation],
    dialect: Dialect,
    patched: &Patched,
) {
    assert_eq!(patched.changed, patched.attributes != *start);

    let body = Value::Object(patched.attributes.clone());
    let mut checked =
        resource::check(kind, body, Dialect::Strict).expect("what is stored is right");
    // A new user is active without a word of it; one whose `active` was removed has said nothing.
    if !patched.attributes.contains_key("active") {
        checked.attributes.shift_remove("active");
    }
    assert_eq!(checked.attributes, patched.attributes);

    for change in &patched.members {
        match change {
            MemberChange::Add(members) | MemberChange::Replace(members) => {
                let ids: HashSet<_> = members.iter().map(|member| &member.value).collect();
                assert_eq!(ids.len(), members.len(), "each member once");
            }
            MemberChange::Remove(ids) => {
                assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "each once");
            }
            MemberChange::RemoveWhere(_) => {}
        }
    }

    let mut stepwise = Ok(start.clone());
    for operation in operations {
        stepwise = stepwise.and_then(|document| {
            let one = std::slice::from_ref(operation);
            patch::apply(kind, &document, one, dialect).map(|patched| patched.attributes)
        });
    }
    // One by one, a required attribute may be missing in between; together it may not be.
    if let Ok(stepwise) = stepwise {
        assert_eq!(stepwise, patched.attributes);
    }

    // Putting the same value in the same place once more changes nothing.
    if let [Operation { op: Op::Replace, path: Some(Path::Attribute(_)), .. }] = operations {
        let again = patch::apply(kind, &patched.attributes, operations, dialect);
        assert!(!again.expect("as before").changed);
    }
}
