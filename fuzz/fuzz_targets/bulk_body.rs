//! Bodies of `/Bulk`: nothing panics; every operation has one step, and what it refers to has an
//! earlier one or the same; references become ids, and none is left.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rollcall_fuzz::scim::bulk::{self, Method, Operation, Outcome, Request, Step};
use rollcall_fuzz::scim::dialect::Dialect;
use rollcall_fuzz::scim::{patch, resource};
use rollcall_fuzz::{REGISTRY, body, is_told, mutate};
use serde_json::Value;
use std::collections::HashMap;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::body(data, size, max_size, seed)
});

fuzz_target!(|bytes: &[u8]| {
    let Some(body) = body(bytes) else { return };
    for dialect in Dialect::ALL {
        let request = match bulk::parse(&REGISTRY, body.clone(), dialect) {
            Ok(request) => request,
            Err(error) => {
                is_told(&error);
                continue;
            }
        };
        assert!(!request.operations.is_empty());
        assert_ne!(request.fail_on_errors, Some(0));
        in_order(&request);
        for operation in &request.operations {
            match &operation.action {
                Err(error) => is_told(error),
                Ok(action) => {
                    let data = action.clone().resolved(&|_| Some(ID.to_owned())).data;
                    // What is no object is refused by whoever reads it.
                    assert!(!data.is_object() || !refers(&data), "{data}");
                    let _ = match action.method {
                        Method::Post | Method::Put => {
                            resource::check(&action.kind, data, dialect).map(|_| ())
                        }
                        Method::Patch => patch::parse(&action.kind, &data, dialect).map(|_| ()),
                        Method::Delete => Ok(()),
                    };
                }
            }
        }
        answered(request);
    }
});

const ID: &str = "2819c223-7f76-453a-919d-413861904646";

fn in_order(request: &Request) {
    let operations = &request.operations;
    let steps = request.steps();
    let mut step_of = HashMap::new();
    for (number, step) in steps.iter().enumerate() {
        let together = match step {
            Step::One(at) => std::slice::from_ref(at),
            Step::Circle(all) | Step::Knot(all) => all.as_slice(),
        };
        for at in together {
            assert_eq!(step_of.insert(*at, number), None, "{at} is in two steps");
        }
    }
    assert_eq!(step_of.len(), operations.len(), "each is in a step");

    let mut needed = vec![false; operations.len()];
    for (at, operation) in operations.iter().enumerate() {
        assert!(operation.needs.is_sorted_by(|a, b| a < b), "ascending");
        for need in &operation.needs {
            needed[*need] = true;
            assert_eq!(operations[*need].sent.method.as_deref(), Some("POST"));
            assert!(step_of[need] <= step_of[&at], "{need} comes before {at}");
        }
    }
    let unrelated = |at: &usize| operations[*at].needs.is_empty() && !needed[*at];
    let theirs = (0..operations.len()).filter(unrelated).map(|at| step_of[&at]);
    assert!(theirs.is_sorted(), "whoever refers to nobody keeps its place");

    for step in &steps {
        let Step::Circle(circle) = step else { continue };
        assert!(circle.len() > 1);
        for (place, at) in circle.iter().enumerate() {
            for member in members(&operations[*at]) {
                let after = &circle[place..];
                let found = after
                    .iter()
                    .find(|at| operations[**at].sent.bulk_id == Some(member.to_owned()));
                assert_eq!(found, None, "members come before their groups");
            }
        }
    }
}

/// What a new group has for members by the client's own ids, where it is written as the RFC does.
fn members(operation: &Operation) -> Vec<&str> {
    let Ok(action) = &operation.action else { return Vec::new() };
    let members = action.data.get("members").filter(|_| action.kind.has_members());
    let members = members.and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    members
        .iter()
        .filter_map(|member| member.get("value")?.as_str()?.strip_prefix("bulkId:"))
        .collect()
}

fn refers(value: &Value) -> bool {
    match value {
        Value::String(text) => text.strip_prefix("bulkId:").is_some_and(|id| !id.is_empty()),
        Value::Array(values) => values.iter().any(refers),
        Value::Object(parts) => parts.values().any(refers),
        _ => false,
    }
}

/// The answer repeats who asked, in the order of the request.
fn answered(request: Request) {
    let outcome = |operation: &Operation| Outcome {
        location: None,
        version: None,
        result: operation.action.as_ref().map(|_| 200).map_err(Clone::clone),
    };
    let done = request.operations.iter().map(|one| (&one.sent, outcome(one)));
    let response = bulk::response(done);
    let answers = response["Operations"].as_array().expect("an array");
    assert_eq!(answers.len(), request.operations.len());
    for (answer, operation) in answers.iter().zip(&request.operations) {
        assert_eq!(answer.get("bulkId").and_then(Value::as_str), operation.sent.bulk_id.as_deref());
        assert_eq!(answer["status"] == "200", operation.action.is_ok());
    }
}
