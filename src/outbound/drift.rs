//! What somebody changed in the app itself: pure.
//!
//! An account as the app shows it is compared with what the app last accepted. What differs is put
//! right, tolerated or asked about, by policy and field. What is to be put right is noted beside what
//! the app accepted, never in its place: a push that is under way records what it sent and cannot undo
//! the note, and the next one finds a difference and sends it, as it would for any other.

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
    /// It was put right. Shown to nobody; should it come back, it is resisted.
    Righted,
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

/// What an app holds otherwise, by field.
pub type Differences = BTreeMap<String, Difference>;

/// What is remembered of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// What the app last accepted.
    pub record: BTreeMap<String, Value>,
    /// Whether it is switched on, as far as is known.
    pub active: bool,
    /// What was seen to differ before.
    pub drift: Differences,
}

/// Reads what a link keeps; what cannot be read is forgotten, and found again.
pub fn read(map: &Map<String, Value>) -> Differences {
    map.iter()
        .filter_map(|(field, one)| Some((field.clone(), serde_json::from_value(one.clone()).ok()?)))
        .collect()
}

/// Writes down what [`read`] reads: what is shown, and what was put right.
pub fn written(drift: &Differences) -> (Map<String, Value>, Map<String, Value>) {
    let (mut shown, mut righted) = (Map::new(), Map::new());
    for (field, one) in drift {
        let part = if one.answer == Answer::Righted { &mut righted } else { &mut shown };
        part.insert(field.clone(), serde_json::to_value(one).unwrap_or_default());
    }
    (shown, righted)
}

/// What the app holds in the fields that are to be put right; null: nothing.
pub fn to_put_right(drift: &Differences) -> BTreeMap<String, Value> {
    drift
        .iter()
        .filter(|(_, one)| one.answer == Answer::Enforced)
        .map(|(field, one)| (field.clone(), one.app.clone()))
        .collect()
}

/// What is left once the app took these fields from the directory: whatever was said about them is
/// settled. What was to be put right is remembered, in case that it comes back.
pub fn settle(drift: &mut Differences, fields: &[String]) {
    for field in fields {
        match drift.get_mut(field) {
            Some(one) if [Answer::Enforced, Answer::Resisted].contains(&one.answer) => {
                one.answer = Answer::Righted;
            }
            Some(one) if one.answer == Answer::Righted => {}
            _ => drop(drift.remove(field)),
        }
    }
}

/// Compares an account as the app shows it with what is remembered. Answers what differs from now on:
/// none where nothing changes. `kept` are the fields that are kept equal; the app may do with others as
/// it likes.
pub fn compare(
    remembered: &Remembered,
    observed: &Observed,
    kept: &BTreeSet<String>,
    policy: &DriftPolicy,
    now_us: i64,
) -> Option<Differences> {
    let mut next = remembered.drift.clone();
    next.retain(|field, _| field == ACTIVE || kept.contains(field));
    for field in kept {
        let value =
            |record: &BTreeMap<String, Value>| record.get(field).cloned().unwrap_or_default();
        let (accepted, app) = (value(&remembered.record), value(&observed.record.0));
        let answer = answer(field, &accepted, &app, remembered, policy);
        note(&mut next, field, answer, (accepted, app), now_us);
    }
    if let Some(active) = observed.active {
        let (accepted, app) = (Value::Bool(remembered.active), Value::Bool(active));
        let answer = answer(ACTIVE, &accepted, &app, remembered, policy);
        note(&mut next, ACTIVE, answer, (accepted, app), now_us);
    }
    (next != remembered.drift).then_some(next)
}

/// Writes down what is done about a field.
fn note(
    drift: &mut Differences,
    field: &str,
    answer: Option<Answer>,
    (accepted, app): (Value, Value),
    now_us: i64,
) {
    let Some(answer) = answer else {
        drift.remove(field);
        return;
    };
    let known = drift.get(field).filter(|known| known.app == app);
    let since_us = known.map_or(now_us, |known| known.since_us);
    drift.insert(field.to_owned(), Difference { app, accepted, answer, since_us });
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
        return None;
    }
    let same = remembered.drift.get(field).filter(|known| known.app == *app);
    Some(match (policy.of(field), same.map(|known| known.answer)) {
        // Not sent yet, or decided by somebody: that holds until the value is another one.
        (_, Some(known @ (Answer::Enforced | Answer::Kept))) => known,
        (Drift::Enforce, Some(Answer::Righted | Answer::Resisted)) => Answer::Resisted,
        (Drift::Enforce, _) => Answer::Enforced,
        (Drift::Tolerate, _) => Answer::Tolerated,
        (Drift::Ask, _) => Answer::Asked,
    })
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
    fn what_is_put_right_is_no_longer_shown_and_not_sent_a_third_time() {
        let known = remembered(json!({ "title": "Boss" }));
        let observed = shown(json!({ "title": "Chief", "city": "Rome" }));
        let drift = compare(&known, &observed, &kept(), &policy(Drift::Enforce), 7).unwrap();
        let app = fields(json!({ "title": "Chief", "city": "Rome" }));
        assert_eq!(to_put_right(&drift), app);
        assert_eq!(drift["city"].accepted, Value::Null, "somebody filled it in");
        let next = Remembered { drift, ..known };
        assert_eq!(compare(&next, &observed, &kept(), &policy(Drift::Enforce), 8), None);
        // It was put right, and nothing is shown any more.
        let mut righted = next;
        settle(&mut righted.drift, &["title".to_owned(), "city".to_owned(), "shoe".to_owned()]);
        let (visible, remembered) = written(&righted.drift);
        assert_eq!((visible.len(), remembered.len()), (0, 2));
        assert_eq!(read(&remembered), righted.drift);
        assert!(to_put_right(&righted.drift).is_empty());
        // The app keeps it.
        let well = shown(json!({ "title": "Boss" }));
        let end = compare(&righted, &well, &kept(), &policy(Drift::Enforce), 9).unwrap();
        assert!(end.is_empty());
        // It came back.
        let again = compare(&righted, &observed, &kept(), &policy(Drift::Enforce), 9).unwrap();
        assert_eq!(again["title"].answer, Answer::Resisted);
        assert_eq!(again["title"].since_us, 7);
        assert!(to_put_right(&again).is_empty(), "nothing is sent again");
        let again = Remembered { drift: again, ..righted };
        assert_eq!(compare(&again, &observed, &kept(), &policy(Drift::Enforce), 10), None);
    }

    #[test]
    fn what_the_directory_overwrote_is_settled_whatever_was_said_about_it() {
        let known = remembered(json!({ "title": "Boss" }));
        let observed = shown(json!({ "title": "Chief" }));
        let asked = compare(&known, &observed, &kept(), &policy(Drift::Ask), 7).unwrap();
        for answer in [Answer::Tolerated, Answer::Asked, Answer::Kept] {
            let mut drift = asked.clone();
            drift.get_mut("title").unwrap().answer = answer;
            settle(&mut drift, &["title".to_owned()]);
            assert!(drift.is_empty(), "{answer:?}");
        }
    }

    #[test]
    fn what_somebody_decided_holds_under_every_policy() {
        let known = remembered(json!({ "title": "Boss" }));
        let observed = shown(json!({ "title": "Chief" }));
        let mut drift = compare(&known, &observed, &kept(), &policy(Drift::Ask), 7).unwrap();
        for answer in [Answer::Kept, Answer::Enforced] {
            drift.get_mut("title").unwrap().answer = answer;
            let decided = Remembered { drift: drift.clone(), ..known.clone() };
            for how in [Drift::Enforce, Drift::Tolerate, Drift::Ask] {
                assert_eq!(compare(&decided, &observed, &kept(), &policy(how), 8), None);
            }
        }
    }

    #[test]
    fn what_is_tolerated_or_asked_about_stays() {
        let known = remembered(json!({ "title": "Boss" }));
        let observed = shown(json!({ "title": "Chief" }));
        for (how, answer) in [(Drift::Tolerate, Answer::Tolerated), (Drift::Ask, Answer::Asked)] {
            let drift = compare(&known, &observed, &kept(), &policy(how), 7).unwrap();
            assert!(to_put_right(&drift).is_empty());
            assert_eq!(drift["title"].answer, answer);
            let next = Remembered { drift, ..known.clone() };
            assert_eq!(compare(&next, &observed, &kept(), &policy(how), 8), None, "asked once");
        }
        let mut drift = compare(&known, &observed, &kept(), &policy(Drift::Ask), 7).unwrap();
        drift.get_mut("title").unwrap().answer = Answer::Kept;
        let decided = Remembered { drift, ..known };
        let third = shown(json!({ "title": "King" }));
        let next = compare(&decided, &third, &kept(), &policy(Drift::Ask), 9).unwrap();
        assert_eq!(next["title"].answer, Answer::Asked, "another value is another question");
    }

    #[test]
    fn being_switched_off_in_the_app_is_a_difference_too() {
        let known = remembered(json!({}));
        let mut observed = shown(json!({}));
        observed.active = Some(false);
        let fields = [(ACTIVE.to_owned(), Drift::Tolerate)].into();
        let tolerant = DriftPolicy { otherwise: Drift::Enforce, fields };
        let next = compare(&known, &observed, &kept(), &tolerant, 7).unwrap();
        assert_eq!(next[ACTIVE].answer, Answer::Tolerated);
        let next = compare(&known, &observed, &kept(), &policy(Drift::Enforce), 7).unwrap();
        assert_eq!(to_put_right(&next)[ACTIVE], json!(false), "the plan then switches it on again");
        observed.active = None;
        assert_eq!(compare(&known, &observed, &kept(), &policy(Drift::Enforce), 7), None);
    }
}
