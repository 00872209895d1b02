//! Why a person must look at an object.

use crate::adapters::adapter::Reason;
use serde::{Deserialize, Serialize};

/// Why a person must look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// In one word.
    #[serde(default)]
    pub cause: Cause,
    /// In sentences.
    #[serde(flatten)]
    pub reason: Reason,
    /// Ids of the app's objects that it could be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}

impl Parked {
    /// Without candidates.
    pub const fn new(cause: Cause, reason: Reason) -> Self {
        Self { cause, reason, candidates: Vec::new() }
    }
}

/// Why a person must look, or an object waits, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// The mapping makes something of the object that the app's fields do not take.
    Mapping,
    /// No field by which the object could be recognised has a value.
    Unrecognisable,
    /// Several of the app's objects could be it.
    Disputed,
    /// The app's object belongs to another resource.
    Taken,
    /// The app has such an object and does not show it.
    Conflict,
    /// The app refuses the object.
    #[default]
    Refused,
    /// The app no longer has the object.
    Lost,
    /// The app cannot do this.
    Unsupported,
    /// More would be taken away than the limits allow.
    Guard,
    /// The app changes what it is told.
    Unstable,
    /// The app is away or stumbled.
    Unavailable,
    /// The app asked to wait.
    Throttled,
    /// No answer came.
    InDoubt,
    /// The credential is refused.
    Credential,
    /// A setting is wrong.
    Settings,
}
