//! Many parked objects are one message: counts by cause, and the first few.

use super::event::{App, Event, Kind};
use crate::id::ResourceId;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long objects are collected from the first one on. Another message of the same app and
/// notification comes no sooner.
pub const WINDOW: Duration = Duration::from_mins(1);

/// Most objects in one message; those beyond are in the next.
pub const MOST_OBJECTS: usize = 10_000;

/// How many are named.
const NAMED: usize = 10;

/// An object that was parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The object.
    pub resource: ResourceId,
    /// Its resource type.
    pub kind: String,
    /// Why, in one word.
    pub cause: String,
}

/// The message about those that were parked, in the order in which they were; `sentence` puts a cause
/// into words without a value of any object.
pub fn digest(app: App<'_>, notices: &[Notice], sentence: impl Fn(&str) -> &'static str) -> Event {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for notice in notices {
        *counts.entry(&notice.cause).or_default() += 1;
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let causes: Vec<Value> = counts
        .iter()
        .map(
            |(cause, count)| json!({ "cause": cause, "count": count, "sentence": sentence(cause) }),
        )
        .collect();
    let objects: Vec<Value> = notices
        .iter()
        .take(NAMED)
        .map(|one| json!({ "resource": one.resource, "kind": one.kind, "cause": one.cause }))
        .collect();
    let data = json!({
        "app": { "id": app.id, "name": app.name },
        "count": notices.len(),
        "causes": causes,
        "objects": objects,
        "remedy": app.told_of(
            "GET /api/v1/apps/{app}/parked says of each what to do; a change of the object or \
             POST /api/v1/apps/{app}/retry tries it again."
        ),
    });
    Event { kind: Kind::ObjectParked, app: app.id, data }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AppId, new_uuid};
    use crate::notification::event::{MOST_BYTES, body};
    use proptest::prelude::*;

    fn notices(causes: &[&str]) -> Vec<Notice> {
        let notice = |cause: &&str| Notice {
            resource: ResourceId(new_uuid(0)),
            kind: "User".to_owned(),
            cause: (*cause).to_owned(),
        };
        causes.iter().map(notice).collect()
    }

    proptest! {
        #[test]
        fn counts_add_up_and_it_fits(picks in proptest::collection::vec(0_usize..4, 1..300)) {
            let known = ["refused", "mapping", "guard", "disputed"];
            let causes: Vec<&str> = picks.iter().map(|at| known[*at]).collect();
            let name = "n".repeat(64);
            let app = App { id: AppId(new_uuid(0)), name: &name };
            let told = digest(app, &notices(&causes), |_| "The app refuses the object.");
            let counts = told.data["causes"].as_array().unwrap();
            let sum: u64 = counts.iter().map(|one| one["count"].as_u64().unwrap()).sum();
            prop_assert_eq!(sum, picks.len() as u64);
            prop_assert_eq!(&told.data["count"], picks.len());
            prop_assert!(counts.is_sorted_by_key(|one| std::cmp::Reverse(one["count"].as_u64())));
            prop_assert_eq!(told.data["objects"].as_array().unwrap().len(), picks.len().min(10));
            prop_assert!(body(told.kind, 0, &told.data).len() <= MOST_BYTES);
        }
    }
}
