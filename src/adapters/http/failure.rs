//! What a status means for the one who asked.

use super::Answer;
use crate::adapters::adapter::{Failure, Reason};
use serde_json::Value;
use std::time::Duration;

/// Longest sentence of an app that is repeated, in characters.
const LONGEST: usize = 300;

impl Answer {
    /// Whether the app did what it was asked.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The answer of an app that did what it was asked, or what to do now.
    ///
    /// # Errors
    /// See [`Answer::failure`].
    pub fn success(self) -> Result<Self, Failure> {
        if self.is_success() { Ok(self) } else { Err(self.failure()) }
    }

    /// What to do about an answer that is no success.
    pub fn failure(&self) -> Failure {
        let detail = self.sentence();
        match self.status {
            300..400 => self.redirected(),
            400 if self.scim_type() == Some("uniqueness") => Failure::Conflict { detail },
            // Owners and service accounts are often protected; the credential is good for the others.
            403 if self.about_one => Failure::Refused(Reason {
                field: None,
                detail,
                remedy:
                    "The app protects this object, or the credential may not change it: look in \
                         the app, then try again."
                        .into(),
            }),
            401 | 403 => Failure::Unauthorized(detail),
            404 | 410 => Failure::Gone,
            405 | 501 => Failure::Unsupported(detail),
            407 => misconfigured(detail, "Check the proxy settings of this machine."),
            // Timed out while reading, too early, or changed meanwhile: nothing was done.
            408 | 412 | 425 => Failure::Again { after: self.retry_after, detail },
            409 => Failure::Conflict { detail },
            status if is_throttle(status, self.retry_after) => {
                Failure::Throttled { after: self.retry_after }
            }
            400..500 => {
                Failure::Refused(Reason { field: None, detail, remedy: remedy(self.status).into() })
            }
            // The app may have stumbled after it did what it was asked, or its gateway gave up on it.
            500.. if !self.repeatable => Failure::InDoubt { detail },
            500.. => Failure::Again { after: self.retry_after, detail },
            _ => misconfigured(detail, "Check the address in the app's settings."),
        }
    }

    /// The keyword of a SCIM error.
    pub fn scim_type(&self) -> Option<&str> {
        self.body.as_ref()?.get("scimType")?.as_str()
    }

    /// What the app said, in one line, with its status.
    pub(super) fn sentence(&self) -> String {
        match self.body.as_ref().and_then(said) {
            Some(said) => format!("The app answered {}: {said}", self.status),
            None => format!("The app answered {}.", self.status),
        }
    }

    fn redirected(&self) -> Failure {
        let host = self.location.as_ref().and_then(|location| location.host_str());
        let place = host.map_or_else(|| "elsewhere".to_owned(), |host| format!("to {host}"));
        misconfigured(
            format!("The app answered {} and points {place}.", self.status),
            "Enter the address that the app really has: redirects are not followed, so that the \
             credential goes nowhere else.",
        )
    }
}

/// Whether the app asks to wait: too much was asked of it, or it says when it is back.
pub(super) const fn is_throttle(status: u16, retry_after: Option<Duration>) -> bool {
    status == 429 || status == 503 && retry_after.is_some()
}

fn misconfigured(detail: String, remedy: &str) -> Failure {
    Failure::Misconfigured(Reason { field: Some("url".into()), detail, remedy: remedy.into() })
}

const fn remedy(status: u16) -> &'static str {
    match status {
        413 => "The object is too large for the app; map fewer or shorter fields.",
        _ => "Correct the value in the profile or in the field mapping, then try again.",
    }
}

/// The sentence in an error body: SCIM's `detail`, or what other APIs call it.
fn said(body: &Value) -> Option<String> {
    let text = match body {
        Value::String(text) => text.as_str(),
        Value::Array(errors) => return errors.first().and_then(said),
        Value::Object(members) => {
            let direct = ["detail", "message", "error_description", "title", "description"];
            return direct
                .iter()
                .filter_map(|name| members.get(*name).filter(|value| value.is_string()))
                .find_map(said)
                .or_else(|| {
                    ["error", "errors"].iter().find_map(|name| members.get(*name).and_then(said))
                });
        }
        _ => return None,
    };
    let clean: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        return None;
    }
    if words.chars().count() <= LONGEST {
        return Some(words);
    }
    Some(words.chars().take(LONGEST - 1).chain(['…']).collect())
}
