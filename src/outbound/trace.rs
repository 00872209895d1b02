//! What was done for one object, step by step: kept only for whoever asked to see it.
//!
//! What was read and decided is told by the worker; what the app was asked and answered is heard on
//! the way to its adapter, so that a trace cannot leave out a request.

mod calls;

use super::application::Application;
use super::plan::{Next, Situation, Verdict};
use super::situation::Reading;
use super::words;
use crate::adapters::adapter::WireRequest;
use crate::clock::{Clock, rfc3339};
use crate::mapping::field::Kind;
use crate::mapping::impact::name;
use crate::mapping::record::Cause as AbsenceCause;
use crate::mapping::scope::Decision;
use calls::Heard;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// Most steps that are kept; a group of any size has more, and the rest are counted.
const MOST_STEPS: usize = 200;
/// Most steps whose requests are kept.
const MOST_SHOWN: usize = 50;

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// `wait`, `read`, `scope`, `match` or `plan`, or what the app was asked: `find`, `get`, `create`,
    /// `update`, `activate`, `deactivate`, `delete` or `members`.
    pub step: &'static str,
    /// When, as RFC 3339.
    pub at: String,
    /// What was read, decided or asked.
    pub sentence: String,
    /// The scope's decision, part by part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Decision>,
    /// App fields that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Mapped fields that have no value and so are not given, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Absent>,
    /// What was sent, secrets left out, as the adapter knew it beforehand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<WireRequest>,
    /// What the app answered; none where it was not asked, or has not answered yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// A mapped field that has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Absent {
    /// The app's.
    pub field: String,
    /// What kind of reason.
    pub cause: AbsenceCause,
    /// Why, and what becomes of the app's field.
    pub sentence: String,
}

/// What the app answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `done`, or what kind of no: `again`, `throttled`, `inDoubt`, `conflict`, `gone`, `refused`,
    /// `unauthorized`, `misconfigured` or `unsupported`.
    pub class: &'static str,
    /// One sentence.
    pub detail: String,
    /// Milliseconds.
    pub took_ms: u64,
}

/// Keeps steps, or does nothing. Clones keep theirs in the same place.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Kept>>);

struct Kept {
    clock: Clock,
    steps: Mutex<(Vec<Step>, u64)>,
}

impl Trace {
    /// One that keeps what it is told.
    pub fn kept(clock: Clock) -> Self {
        Self(Some(Arc::new(Kept { clock, steps: Mutex::default() })))
    }

    /// The steps so far, and how many more there were than are kept.
    pub fn steps(&self) -> (Vec<Step>, u64) {
        self.0.as_ref().map(|kept| kept.steps.lock().clone()).unwrap_or_default()
    }

    /// The app, with everything heard that it is asked.
    pub(super) fn listening(&self, application: &Application) -> Application {
        let adapter = Arc::new(Heard::new(Arc::clone(&application.adapter), self.clone()));
        Application { adapter, ..application.clone() }
    }

    /// Whether the next step's requests are kept.
    fn shows_requests(&self) -> bool {
        self.0.as_ref().is_some_and(|kept| kept.steps.lock().0.len() < MOST_SHOWN)
    }

    /// Keeps a step; answers where.
    fn add(&self, step: Step) -> Option<usize> {
        let kept = self.0.as_ref()?;
        let mut steps = kept.steps.lock();
        if steps.0.len() >= MOST_STEPS {
            steps.1 = steps.1.saturating_add(1);
            return None;
        }
        steps.0.push(step);
        Some(steps.0.len() - 1)
    }

    fn answered(&self, at: Option<usize>, answer: Answer) {
        if let (Some(kept), Some(at)) = (&self.0, at)
            && let Some(step) = kept.steps.lock().0.get_mut(at)
        {
            step.answer = Some(answer);
        }
    }

    fn step(&self, step: &'static str, sentence: String) -> Step {
        let now_us = self.0.as_ref().map_or(0, |kept| kept.clock.now_us());
        Step {
            step,
            at: rfc3339(now_us),
            sentence,
            scope: None,
            fields: Vec::new(),
            absent: Vec::new(),
            requests: Vec::new(),
            answer: None,
        }
    }

    /// Somebody else has the object at present.
    pub(super) fn waits(&self) {
        if self.0.is_some() {
            let text = "Another worker has the object at present: its end is waited for.";
            self.add(self.step("wait", text.to_owned()));
        }
    }

    /// What was read, whether it belongs in the app, and how its account is known.
    pub(super) fn read(&self, application: &Application, kind: Kind, reading: &Reading) {
        if self.0.is_none() {
            return;
        }
        let link = reading.link.as_ref();
        let remembered = words::remembered(kind, link);
        let sentence = match &reading.present {
            None => format!("Gone from the directory. {remembered}"),
            Some(present) => {
                let is_off = present.resource.get("active") == Some(&Value::Bool(false));
                let how = if is_off { ", inactive" } else { "" };
                format!("{} is in the directory{how}. {remembered}", name(&present.resource))
            }
        };
        self.add(self.step("read", sentence));
        if let Some(present) = &reading.present {
            let decision = present.decision(&application.terms, kind);
            let sentence = decision.sentence.clone();
            self.add(Step { scope: Some(decision), ..self.step("scope", sentence) });
        }
        let matched = words::matched(&application.match_fields(kind), link);
        self.add(self.step("match", matched));
    }

    /// What comes next. Where the app is to hold something, what it is not given is named too.
    pub(super) fn decided(&self, now: &Situation, next: &Next) {
        if self.0.is_none() {
            return;
        }
        let (sentence, fields) = words::decided(now.kind, next);
        let holds =
            matches!(next, Next::Create(_) | Next::Update(..) | Next::Done(Verdict::InSync));
        let absent = now.desired.absent.iter().filter(|_| holds);
        let absent = absent.map(|(field, absence)| Absent {
            field: field.clone(),
            cause: absence.cause,
            sentence: absence.sentence.clone(),
        });
        let absent = absent.collect();
        self.add(Step { fields, absent, ..self.step("plan", sentence) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_for_is_not_kept_and_what_is_too_much_is_counted() {
        let none = Trace::default();
        none.waits();
        assert_eq!(none.steps(), (Vec::new(), 0));
        let trace = Trace::kept(Clock::held_at(0));
        for _ in 0..MOST_STEPS + 7 {
            trace.clone().waits();
        }
        let (steps, more) = trace.steps();
        assert_eq!((steps.len(), more), (MOST_STEPS, 7));
        assert_eq!(steps[0].at, "1970-01-01T00:00:00.000Z");
    }
}
