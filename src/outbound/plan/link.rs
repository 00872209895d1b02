//! What is remembered of an account.

use crate::adapters::adapter::RemoteId;
use crate::mapping::record::Record;
use crate::outbound::drift::ACTIVE;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How an account came to be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Rollcall made it.
    Created,
    /// It was there before.
    Adopted,
}

/// What Rollcall remembers of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The app's id; none while it is unknown whether a creation took effect.
    pub remote: Option<RemoteId>,
    /// Whether the account is switched on, as far as Rollcall knows.
    pub active: bool,
    /// How it came to be linked.
    pub origin: Origin,
    /// What the app last accepted.
    pub record: Record,
    /// What it was seen to hold otherwise since and is to be put right, by field; null: nothing.
    pub otherwise: BTreeMap<String, Value>,
    /// Since when its person should have no account, in microseconds since the epoch.
    pub leaving_us: Option<i64>,
    /// Whether it is followed.
    pub state: Following,
}

/// Whether an account is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Following {
    /// It is kept equal to its person.
    #[default]
    Kept,
    /// The app no longer has it, and a person is to say what becomes of it.
    Lost,
    /// It is left alone until somebody links it again.
    Released,
}

impl Link {
    /// A link to an account that Rollcall made or took over.
    pub fn new(remote: RemoteId, active: bool, origin: Origin, record: Record) -> Self {
        Self {
            remote: Some(remote),
            active,
            origin,
            record,
            otherwise: BTreeMap::new(),
            leaving_us: None,
            state: Following::Kept,
        }
    }

    /// A link to what is about to be made.
    pub fn in_doubt(record: Record) -> Self {
        Self {
            remote: None,
            active: true,
            origin: Origin::Created,
            record,
            otherwise: BTreeMap::new(),
            leaving_us: None,
            state: Following::Kept,
        }
    }

    /// Whether the app has the account switched on, as far as Rollcall knows.
    pub fn is_on(&self) -> bool {
        self.otherwise.get(ACTIVE).and_then(Value::as_bool).unwrap_or(self.active)
    }

    /// What the app holds, as far as Rollcall knows.
    pub fn held(&self) -> Cow<'_, Record> {
        if self.otherwise.is_empty() {
            return Cow::Borrowed(&self.record);
        }
        let mut held = self.record.clone();
        for (field, value) in self.otherwise.iter().filter(|(field, _)| *field != ACTIVE) {
            if value.is_null() {
                held.0.remove(field);
            } else {
                held.0.insert(field.clone(), value.clone());
            }
        }
        Cow::Owned(held)
    }

    /// Fields that were to be put right and need not be: the directory wants what the app holds.
    pub fn agreed(&self, desired: &Record) -> Vec<String> {
        let agrees = |field: &&String| desired.0.get(*field) == self.otherwise.get(*field);
        self.otherwise.keys().filter(agrees).cloned().collect()
    }

    /// The app holds all of this now.
    pub fn accepted(&mut self, whole: Record) {
        self.record = whole;
        self.otherwise.retain(|field, _| field == ACTIVE);
    }

    /// The app switched the account on or off.
    pub fn switched(&mut self, active: bool) {
        self.active = active;
        self.otherwise.remove(ACTIVE);
    }
}
