//! What an app should hold for one object.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Values by app field. Null means: the app's field is to be empty. A field that is not here is none
/// of Rollcall's business. Equal input gives equal bytes: the map is sorted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Record(pub BTreeMap<String, Value>);

/// What is desired for one object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Desired {
    /// Fields that are kept equal.
    pub always: Record,
    /// Fields that are given when the account is made, and then left to the app.
    pub on_create: Record,
    /// Why a field is not there, by field: for preview, impact and *why*.
    pub absent: BTreeMap<String, Absence>,
    /// Why the object cannot be pushed at all: a mandatory field has no value that fits, or values
    /// do not go together.
    pub problems: Vec<Misfit>,
}

impl Desired {
    /// The value that a field should have; none where it has none.
    pub fn value(&self, field: &str) -> Option<&Value> {
        [&self.always, &self.on_create]
            .into_iter()
            .find_map(|record| record.0.get(field))
            .filter(|value| !value.is_null())
    }
}

/// Why a field has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// What kind of reason.
    pub cause: Cause,
    /// For people, with what becomes of the app's field.
    pub sentence: String,
}

/// Kinds of reason for which a field has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// The source has none.
    Empty,
    /// The source has one that the app's field does not take.
    Misfit,
    /// It refers to an account that is not there yet.
    Pending,
    /// Another field of its dependent group has none.
    Partner,
}

/// A value that an app would refuse, found before sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// App field.
    pub field: String,
    /// One sentence: what does not fit.
    pub detail: String,
    /// One sentence: what to do.
    pub remedy: String,
}
