//! What is remembered of an account.

use crate::adapters::adapter::RemoteId;
use crate::mapping::record::Record;
use serde::{Deserialize, Serialize};

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
            leaving_us: None,
            state: Following::Kept,
        }
    }
}
