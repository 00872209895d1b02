//! What goes over the wire while one object is worked on, for the ledger.
//!
//! [`recorded`] is put around the work; every request that [`super::Http`] sends within it is noted,
//! without a single value of a person, and [`taken`] hands out what was noted since the last time.
//! The notes are few and short, whatever is sent.

use super::redaction;
use super::{Answer, Call};
use crate::adapters::adapter::Failure;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

/// Most exchanges that are kept of those between two takings; the newest stay.
const MOST: usize = 20;
/// Longest text of all exchanges that are handed out together, in bytes of JSON.
const LONGEST: usize = 8 * 1024;
/// Longest body, in bytes of JSON, once its values are gone.
const LONGEST_BODY: usize = 3 * 1024;

/// A request and what came of it, without values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// HTTP method.
    pub method: String,
    /// Host and path as they were, the names of the query without their values.
    pub url: String,
    /// The body's keys and structure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// HTTP status; none where no answer came.
    pub status: Option<u16>,
    /// What the app said where it did not do what it was asked, or why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// Keys and structure of the answer's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Milliseconds from sending to the last byte.
    pub took_ms: u64,
}

/// The exchanges of one try, oldest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wire {
    /// At most twenty, 8 KiB in all.
    pub exchanges: Vec<Exchange>,
    /// How many older ones are left out.
    #[serde(default)]
    pub left_out: u32,
}

impl Wire {
    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty() && self.left_out == 0
    }

    /// How long the app took in all.
    pub fn took(&self) -> Duration {
        Duration::from_millis(self.exchanges.iter().map(|one| one.took_ms).sum())
    }
}

#[derive(Default)]
struct Notes {
    exchanges: VecDeque<Exchange>,
    left_out: u32,
}

tokio::task_local! {
    static NOTES: RefCell<Notes>;
}

/// Does some work, and notes what it sends. Work within noted work keeps notes of its own.
pub async fn recorded<F: Future>(work: F) -> F::Output {
    NOTES.scope(RefCell::default(), work).await
}

/// What was sent since the last taking; nothing where nothing is noted.
pub fn taken() -> Wire {
    NOTES.try_with(|notes| fitted(notes.take())).unwrap_or_default()
}

/// Notes a request and what came of it.
pub(super) fn note(call: &Call, sent: &Result<Answer, Failure>, took: Duration) {
    // Nobody may be listening: a connection is tested, or accounts are listed.
    let _noted = NOTES.try_with(|notes| {
        let mut notes = notes.borrow_mut();
        if notes.exchanges.len() >= MOST {
            notes.exchanges.pop_front();
            notes.left_out = notes.left_out.saturating_add(1);
        }
        notes.exchanges.push_back(exchange(call, sent, took));
    });
}

fn exchange(call: &Call, sent: &Result<Answer, Failure>, took: Duration) -> Exchange {
    let body = |value: &Value| {
        let redacted = redaction::body(value);
        let length = redacted.to_string().len();
        if length > LONGEST_BODY { format!("… {length} bytes").into() } else { redacted }
    };
    let (status, said, answer) = match sent {
        Ok(answer) => {
            let said = (!answer.is_success()).then(|| answer.sentence());
            (Some(answer.status), said, answer.body.as_ref().map(body))
        }
        Err(failure) => (None, Some(failure.to_string()), None),
    };
    Exchange {
        method: call.method.to_string(),
        url: redaction::url(&call.url),
        body: call.body.as_ref().map(body),
        status,
        said,
        answer,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }
}

/// The newest of them, as far as there is room; bodies go first.
fn fitted(notes: Notes) -> Wire {
    let Notes { exchanges, mut left_out } = notes;
    let mut room = LONGEST;
    let mut kept = VecDeque::with_capacity(exchanges.len());
    let length = |one: &Exchange| serde_json::to_string(one).map_or(0, |text| text.len() + 1);
    for mut one in exchanges.into_iter().rev() {
        if length(&one) > room {
            one.body = one.body.map(|_long| "…".into());
            one.answer = None;
        }
        if let Some(rest) = room.checked_sub(length(&one)) {
            room = rest;
            kept.push_front(one);
        } else {
            // Older ones that would still fit are left out too: there is no hole.
            room = 0;
            left_out = left_out.saturating_add(1);
        }
    }
    Wire { exchanges: kept.into(), left_out }
}

#[cfg(test)]
mod tests;
