//! People on whom a mapping is best tried: those with the emptiest profile, the longest values,
//! letters beyond ASCII, the same matching key as somebody else, a manager who is not there.

use super::impact::name;
use super::record::{Cause, Desired};
use crate::scim::value::fold;
use serde::Serialize;
use serde_json::{Map, Value};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Most matching keys that are remembered, in 8 bytes each; beyond half of it, doubles come to be
/// missed.
const MOST_KEYS: u64 = 1 << 22;
/// How far from its place a key is looked for.
const REACH: u64 = 16;
/// People kept whose values the app does not take.
const MISFITS: usize = 5;

/// Why somebody is a good sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Trial {
    /// Most mapped fields have no value.
    Emptiest,
    /// The longest value of all.
    Longest,
    /// Letters beyond ASCII.
    NonAscii,
    /// Has the same matching key as somebody else.
    DoubledKey,
    /// A reference leads to nobody who has an account.
    NoReference,
    /// A value does not fit the app's field.
    Misfit,
}

/// Somebody on whom a mapping is well tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pick {
    /// Id of the person.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Why them.
    pub trial: Trial,
    /// The same in one sentence.
    pub detail: String,
}

/// Looks for samples, one person after the other, in memory that does not grow with their number.
#[derive(Debug)]
pub struct Samples {
    keys: Vec<String>,
    references: Vec<String>,
    /// Hashes of the keys that were seen, near the places that they name; 0 is a free place.
    known: Vec<u64>,
    emptiest: Option<(usize, Pick)>,
    longest: Option<(usize, Pick)>,
    non_ascii: Option<(usize, Pick)>,
    doubled: Option<Pick>,
    dangling: Option<Pick>,
    alone: Option<Pick>,
    misfits: Vec<Pick>,
}

impl Samples {
    /// Nobody seen yet. `expected` people will be, roughly; `keys` are the app fields by which
    /// accounts are recognised, `references` those that hold other people's accounts.
    pub fn new(expected: u64, keys: Vec<String>, references: Vec<String>) -> Self {
        let each = u64::try_from(keys.len()).unwrap_or(1).saturating_mul(2);
        let slots = expected.saturating_mul(each).clamp(64, MOST_KEYS).next_power_of_two();
        Self {
            keys,
            references,
            known: vec![0; usize::try_from(slots).unwrap_or(64)],
            emptiest: None,
            longest: None,
            non_ascii: None,
            doubled: None,
            dangling: None,
            alone: None,
            misfits: Vec::new(),
        }
    }

    /// Looks at one person, and at what the mapping makes of them.
    pub fn see(&mut self, id: &str, resource: &Map<String, Value>, desired: &Desired) {
        let pick =
            |trial, detail: String| Pick { id: id.to_owned(), name: name(resource), trial, detail };
        let empty = desired.absent.values().filter(|one| one.cause == Cause::Empty).count();
        if empty > 0 && self.emptiest.as_ref().is_none_or(|(most, _)| empty > *most) {
            let detail = format!("{empty} mapped fields have no value.");
            self.emptiest = Some((empty, pick(Trial::Emptiest, detail)));
        }
        for (field, value) in desired.always.0.iter().chain(&desired.on_create.0) {
            let Value::String(text) = value else { continue };
            let length = text.chars().count();
            if self.longest.as_ref().is_none_or(|(most, _)| length > *most) {
                let detail = format!("{field} has {length} characters.");
                self.longest = Some((length, pick(Trial::Longest, detail)));
            }
            if !text.is_ascii() {
                let beyond = text.chars().filter(|letter| !letter.is_ascii()).count();
                if self.non_ascii.as_ref().is_none_or(|(most, _)| beyond > *most) {
                    let detail = format!("{field} has letters beyond ASCII.");
                    self.non_ascii = Some((beyond, pick(Trial::NonAscii, detail)));
                }
            }
        }
        if self.dangling.is_none()
            && let Some((field, _)) =
                desired.absent.iter().find(|(_, one)| one.cause == Cause::Pending)
        {
            let detail = format!("{field} refers to somebody who has no account in the app.");
            self.dangling = Some(pick(Trial::NoReference, detail));
        }
        if self.alone.is_none()
            && let Some(field) = self.references.iter().find(|field| {
                desired.absent.get(*field).is_some_and(|one| one.cause == Cause::Empty)
            })
        {
            self.alone = Some(pick(Trial::NoReference, format!("{field} names nobody.")));
        }
        if self.misfits.len() < MISFITS
            && let Some((_, absence)) =
                desired.absent.iter().find(|(_, one)| one.cause == Cause::Misfit)
        {
            self.misfits.push(pick(Trial::Misfit, absence.sentence.clone()));
        }
        if self.doubled.is_none()
            && let Some(field) = self.double(desired)
        {
            let detail =
                format!("{field}, by which accounts are recognised, is somebody else's too.");
            self.doubled = Some(pick(Trial::DoubledKey, detail));
        }
    }

    /// The key that somebody seen before has too.
    fn double(&mut self, desired: &Desired) -> Option<String> {
        let mut double = None;
        for field in &self.keys {
            let Some(value) = desired.value(field) else { continue };
            let mut hasher = DefaultHasher::new();
            // Most apps recognise accounts without regard to case.
            let text = value.as_str().map_or_else(|| value.to_string(), fold);
            (field, text).hash(&mut hasher);
            let hash = hasher.finish().max(1);
            let count = u64::try_from(self.known.len()).unwrap_or(1).max(1);
            for step in 0..REACH {
                let place = usize::try_from(hash.wrapping_add(step) % count).unwrap_or(0);
                let Some(known) = self.known.get_mut(place) else { break };
                if *known == hash {
                    double = Some(field.clone());
                    break;
                }
                if *known == 0 {
                    *known = hash;
                    break;
                }
            }
        }
        double
    }

    /// The people found, each once, the most telling first.
    pub fn picks(self) -> Vec<Pick> {
        let mut picks: Vec<Pick> = Vec::new();
        let found = self
            .misfits
            .into_iter()
            .chain(self.doubled)
            .chain(self.emptiest.map(|(_, pick)| pick))
            .chain(self.longest.map(|(_, pick)| pick))
            .chain(self.non_ascii.map(|(_, pick)| pick))
            .chain(self.dangling)
            .chain(self.alone);
        for pick in found {
            if !picks.iter().any(|known| known.id == pick.id && known.trial == pick.trial) {
                picks.push(pick);
            }
        }
        picks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::record::Absence;
    use serde_json::json;

    fn person(number: u128) -> (String, Map<String, Value>) {
        let id = uuid::Uuid::from_u128(number).to_string();
        let resource = json!({ "userName": format!("u{number}") });
        (id, resource.as_object().unwrap().clone())
    }

    fn desired(fields: Value) -> Desired {
        Desired { always: serde_json::from_value(fields).unwrap(), ..Desired::default() }
    }

    #[test]
    fn every_planted_oddity_is_found() {
        let mut samples = Samples::new(100, vec!["login".into()], vec!["boss".into()]);
        for number in 0..100_u128 {
            let (id, resource) = person(number);
            let mut wanted =
                desired(json!({ "login": format!("u{number}"), "name": "Ann", "city": "Austin" }));
            let absent = |cause| Absence { cause, sentence: "because.".into() };
            match number {
                17 => {
                    wanted.always.0.insert("login".into(), json!("U3"));
                }
                23 => {
                    wanted.always.0.insert("name".into(), json!("Žofie"));
                }
                42 => {
                    wanted.always.0.insert("city".into(), json!("x".repeat(300)));
                }
                50 => {
                    wanted.absent.insert("manager".into(), absent(Cause::Pending));
                }
                55 => {
                    wanted.absent.insert("boss".into(), absent(Cause::Empty));
                }
                61 => {
                    wanted.absent.insert("title".into(), absent(Cause::Empty));
                    wanted.absent.insert("name".into(), absent(Cause::Empty));
                }
                77 => {
                    wanted.absent.insert("city".into(), absent(Cause::Misfit));
                }
                _ => {}
            }
            samples.see(&id, &resource, &wanted);
        }
        let found: Vec<(Trial, String)> =
            samples.picks().into_iter().map(|pick| (pick.trial, pick.name)).collect();
        assert_eq!(
            found,
            [
                (Trial::Misfit, "u77".into()),
                (Trial::DoubledKey, "u17".into()),
                (Trial::Emptiest, "u61".into()),
                (Trial::Longest, "u42".into()),
                (Trial::NonAscii, "u23".into()),
                (Trial::NoReference, "u50".into()),
                (Trial::NoReference, "u55".into()),
            ]
        );
    }

    #[test]
    fn no_double_is_missed_among_many() {
        const MANY: u128 = 20_000;
        let mut missed = 0;
        for double in 0..20_u128 {
            let mut samples = Samples::new(20_000, vec!["login".into()], Vec::new());
            for number in 0..MANY {
                // The last one has the key of somebody far before.
                let own = if number == MANY - 1 { double * 900 } else { number };
                samples.double(&desired(json!({ "login": format!("u{own}") })));
                if number == MANY - 1 && samples.doubled.is_none() {
                    let again = samples.double(&desired(json!({ "login": format!("u{own}") })));
                    missed += u32::from(again.is_none());
                }
            }
        }
        assert_eq!(missed, 0);
    }
}
