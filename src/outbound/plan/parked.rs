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

impl Cause {
    /// As it is written, in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mapping => "mapping",
            Self::Unrecognisable => "unrecognisable",
            Self::Disputed => "disputed",
            Self::Taken => "taken",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Lost => "lost",
            Self::Unsupported => "unsupported",
            Self::Guard => "guard",
            Self::Unstable => "unstable",
            Self::Unavailable => "unavailable",
            Self::Throttled => "throttled",
            Self::InDoubt => "inDoubt",
            Self::Credential => "credential",
            Self::Settings => "settings",
        }
    }

    /// What it says about any object, without a value of one: for those who may not see values.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Mapping => "The mapping makes something that the app's field does not take.",
            Self::Unrecognisable => {
                "No field by which the app could recognise the object has a value."
            }
            Self::Disputed => "Several objects of the app match.",
            Self::Taken => "The app's object belongs to another resource.",
            Self::Conflict => "The app has such an object already, but shows none that matches.",
            Self::Refused => "The app refuses the object.",
            Self::Lost => "The app no longer has the account.",
            Self::Unsupported => "The app cannot do this.",
            Self::Guard => "More would be taken away than the limits allow.",
            Self::Unstable => "The app does not keep what it was told.",
            Self::Unavailable => "The app is away or stumbled.",
            Self::Throttled => "The app asks to wait.",
            Self::InDoubt => "No answer came.",
            Self::Credential => "The app refuses the credential.",
            Self::Settings => "A setting of the app is wrong.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_written_as_it_is_read() {
        for cause in [
            Cause::Mapping,
            Cause::Unrecognisable,
            Cause::Disputed,
            Cause::Taken,
            Cause::Conflict,
            Cause::Refused,
            Cause::Lost,
            Cause::Unsupported,
            Cause::Guard,
            Cause::Unstable,
            Cause::Unavailable,
            Cause::Throttled,
            Cause::InDoubt,
            Cause::Credential,
            Cause::Settings,
        ] {
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
            assert!(cause.sentence().ends_with('.'));
        }
    }
}
