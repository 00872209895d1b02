//! What somebody changed in the app itself: pure.
//!
//! An account as the app shows it is compared with what the app last accepted. What differs is put
//! right, tolerated or asked about, by policy and field. To put right is to remember what the app
//! holds: the next push then finds a difference and sends it, as it would for any other.

use super::policy::{Drift, DriftPolicy};
use crate::adapters::adapter::Observed;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What is done about a field that the app holds otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// It is being put right.
    Enforced,
    /// It stays until the directory's value changes.
    Tolerated,
    /// A person is asked; meanwhile it stays.
    Asked,
    /// A person said that it may stay.
    Kept,
    /// It was put right before and came back: the app does not keep what it is told.
    Resisted,
}

/// A field that the app holds otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// What the app holds; null: nothing.
    pub app: Value,
    /// What it last accepted.
    pub accepted: Value,
    /// What is done about it.
    pub answer: Answer,
    /// When it was first seen so, in microseconds since the epoch.
    pub since_us: i64,
}

/// The field that stands for being switched on or off.
pub const ACTIVE: &str = "active";

/// What is remembered of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// What the app last accepted.
    pub record: BTreeMap<String, Value>,
    /// Whether it is switched on, as far as is known.
    pub active: bool,
    /// What was seen to differ before.
    pub drift: BTreeMap<String, Difference>,
}

impl Remembered {
    /// Reads the drift of a link; what cannot be read is forgotten, and found again.
    pub fn drift_of(map: &Map<String, Value>) -> BTreeMap<String, Difference> {
        map.iter()
            .filter_map(|(field, one)| {
                Some((field.clone(), serde_json::from_value(one.clone()).ok()?))
            })
            .collect()
    }
}

/// Compares an account as the app shows it with what is remembered. Answers what is to be remembered
/// from now on: none where nothing changes. `kept` are the fields that are kept equal; the app may do
/// with others as it likes.
pub fn compare(
    remembered: &Remembered,
    observed: &Observed,
    kept: &BTreeSet<String>,
    policy: &DriftPolicy,
    now_us: i64,
) -> Option<Remembered> {
    let mut next = remembered.clone();
    next.drift.retain(|field, _| field == ACTIVE || kept.contains(field));
    for field in kept {
        let value =
            |record: &BTreeMap<String, Value>| record.get(field).cloned().unwrap_or_default();
        let (accepted, app) = (value(&remembered.record), value(&observed.record.0));
        let answer = answer(field, &accepted, &app, remembered, policy);
        if note(&mut next.drift, field, answer, (accepted, app.clone()), now_us) {
            if app.is_null() {
                next.record.remove(field);
            } else {
                next.record.insert(field.clone(), app);
            }
        }
    }
    if let Some(active) = observed.active {
        let (accepted, app) = (Value::Bool(remembered.active), Value::Bool(active));
        let answer = answer(ACTIVE, &accepted, &app, remembered, policy);
        if note(&mut next.drift, ACTIVE, answer, (accepted, app), now_us) {
            next.active = active;
        }
    }
    (next != *remembered).then_some(next)
}

/// Writes down what is done about a field; whether it is to be put right.
fn note(
    drift: &mut BTreeMap<String, Difference>,
    field: &str,
    answer: Option<Answer>,
    (accepted, app): (Value, Value),
    now_us: i64,
) -> bool {
    let Some(answer) = answer else {
        drift.remove(field);
        return false;
    };
    let known = drift.get(field).filter(|known| known.app == app);
    let since_us = known.map_or(now_us, |known| known.since_us);
    // While it is being put right, it is remembered as the app has it.
    let accepted =
        known.filter(|_| accepted == app).map_or(accepted, |known| known.accepted.clone());
    drift.insert(field.to_owned(), Difference { app, accepted, answer, since_us });
    answer == Answer::Enforced
}

/// What is done about a field; none where the app holds what it accepted.
fn answer(
    field: &str,
    accepted: &Value,
    app: &Value,
    remembered: &Remembered,
    policy: &DriftPolicy,
) -> Option<Answer> {
    if accepted == app {
        // It is remembered so because it is being put right, or the app has come round.
        let known = remembered.drift.get(field)?;
        return (known.answer == Answer::Enforced && known.app == *app).then_some(Answer::Enforced);
    }
    let same = remembered.drift.get(field).filter(|known| known.app == *app);
    match (policy.of(field), same.map(|known| known.answer)) {
        (Drift::Enforce, Some(Answer::Enforced | Answer::Resisted)) => Some(Answer::Resisted),
        (Drift::Enforce, _) => Some(Answer::Enforced),
        (Drift::Tolerate, _) => Some(Answer::Tolerated),
        (Drift::Ask, Some(Answer::Kept)) => Some(Answer::Kept),
        (Drift::Ask, _) => Some(Answer::Asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::adapter::RemoteId;
    use crate::mapping::record::Record;
    use serde_json::json;

    fn fields(value: Value) -> BTreeMap<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    fn remembered(record: Value) -> Remembered {
        Remembered { record: fields(record), active: true, drift: BTreeMap::new() }
    }

    fn shown(record: Value) -> Observed {
        let record = Record(fields(record));
        Observed { id: RemoteId("r1".into()), record, active: Some(true) }
    }

    fn kept() -> BTreeSet<String> {
        ["title".to_owned(), "city".to_owned()].into()
    }

    fn policy(otherwise: Drift) -> DriftPolicy {
        DriftPolicy { otherwise, fields: BTreeMap::new() }
    }

    #[test]
    fn what_is_as_it_was_changes_nothing() {
        let known = remembered(json!({ "title": "Boss", "locale": "en" }));
        let observed = shown(json!({ "title": "Boss", "locale": "de", "shoe": 43 }));
        assert_eq!(compare(&known, &observed, &kept(), &policy(Drift::Enforce), 7), None);
    }

    #[test]
    fn what_is_put_right_is_remembered_as_the_app_has_it() {
        let known = remembered(json!({ "title": "Boss" }));
        let observed = shown(json!({ "title": "Chief", "city": "Rome" }));
        let next = compare(&known, &observed, &kept(), &policy(Drift::Enforce), 7).unwrap();
        assert_eq!(next.record, fields(json!({ "title": "Chief", "city": "Rome" })));
        assert_eq!(next.drift["title"].answer, Answer::Enforced);
        assert_eq!(next.drift["city"].accepted, Value::Null, "somebody filled it in");
        assert_eq!(compare(&next, &observed, &kept(), &policy(Drift::Enforce), 8), None);
        // It was put right, and the app keeps it.
        let righted = Remembered { record: fields(json!({ "title": "Boss" })), ..next.clone() };
        let well = shown(json!({ "title": "Boss" }));
        let end = compare(&righted, &well, &kept(), &policy(Drift::Enforce), 9).unwrap();
        assert!(end.drift.is_empty());
        // It was put right, and came back.
        let again = compare(&righted, &observed, &kept(), &policy(Drift::Enforce), 9).unwrap();
        assert_eq!(again.drift["title"].answer, Answer::Resisted);
        assert_eq!(again.drift["title"].since_us, 7);
        assert_eq!(again.record, fields(json!({ "title": "Boss" })), "nothing is sent again");
        assert_eq!(compare(&again, &observed, &kept(), &policy(Drift::Enforce), 10), None);
    }

    #[test]
    fn what_is_tolerated_or_asked_about_stays() {
        let known = remembered(json!({ "title": "Boss" }));
        let observed = shown(json!({ "title": "Chief" }));
        for (how, answer) in [(Drift::Tolerate, Answer::Tolerated), (Drift::Ask, Answer::Asked)] {
            let next = compare(&known, &observed, &kept(), &policy(how), 7).unwrap();
            assert_eq!(next.record, known.record);
            assert_eq!(next.drift["title"].answer, answer);
            assert_eq!(compare(&next, &observed, &kept(), &policy(how), 8), None, "asked once");
        }
        let mut decided = compare(&known, &observed, &kept(), &policy(Drift::Ask), 7).unwrap();
        decided.drift.get_mut("title").unwrap().answer = Answer::Kept;
        assert_eq!(compare(&decided, &observed, &kept(), &policy(Drift::Ask), 8), None);
        let third = shown(json!({ "title": "King" }));
        let next = compare(&decided, &third, &kept(), &policy(Drift::Ask), 9).unwrap();
        assert_eq!(next.drift["title"].answer, Answer::Asked, "another value is another question");
    }

    #[test]
    fn being_switched_off_in_the_app_is_a_difference_too() {
        let known = remembered(json!({}));
        let mut observed = shown(json!({}));
        observed.active = Some(false);
        let fields = [(ACTIVE.to_owned(), Drift::Tolerate)].into();
        let tolerant = DriftPolicy { otherwise: Drift::Enforce, fields };
        let next = compare(&known, &observed, &kept(), &tolerant, 7).unwrap();
        assert!(next.active && next.drift.contains_key(ACTIVE));
        let next = compare(&known, &observed, &kept(), &policy(Drift::Enforce), 7).unwrap();
        assert!(!next.active, "the plan then switches it on again");
        observed.active = None;
        assert_eq!(compare(&known, &observed, &kept(), &policy(Drift::Enforce), 7), None);
    }
}
