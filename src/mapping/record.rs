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
    /// Why a mapped field is not there, by field: for preview and *why*.
    pub absent: BTreeMap<String, String>,
    /// Why the object cannot be pushed at all: a mandatory field has no value that fits.
    pub problems: Vec<Misfit>,
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
