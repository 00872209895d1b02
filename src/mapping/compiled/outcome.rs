//! What one rule comes to for one resource.

use super::super::document::Apply;
use super::super::form::Facts;
use super::super::record::{Absence, Cause, Desired, Misfit};
use super::{OnEmpty, Rule, fit};
use crate::scim::filter::eval;
use serde_json::{Map, Value};

/// What a rule comes to for one resource.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// The app's field is to hold this.
    Set(Value),
    /// There is nothing to put in: the app's field is to be emptied.
    Cleared(Cause, String),
    /// There is nothing to put in: the app's field is left alone.
    Left(Cause, String),
    /// The field is not mapped, and nobody gave it a value: it is none of Rollcall's business.
    Unmapped,
    /// The object cannot be pushed without the field.
    Blocked(Cause, Misfit),
}

impl Outcome {
    /// Writes it into what is desired.
    pub(super) fn enter(self, rule: &Rule, is_new: bool, desired: &mut Desired) {
        let name = rule.field.name.clone();
        let record = match rule.apply {
            Apply::Always => &mut desired.always,
            Apply::Create => &mut desired.on_create,
        };
        let absence = |cause, sentence| Absence { cause, sentence };
        match self {
            Self::Set(value) => {
                record.0.insert(name, value);
            }
            Self::Cleared(cause, why) => {
                // There is nothing to empty in an account that is being made.
                if rule.apply == Apply::Always {
                    record.0.insert(name.clone(), Value::Null);
                }
                let becomes = if is_new { "stays empty" } else { "is emptied" };
                let sentence = format!("{why} The app's field {becomes}.");
                desired.absent.insert(name, absence(cause, sentence));
            }
            Self::Left(cause, why) => {
                desired.absent.insert(name, absence(cause, why));
            }
            Self::Unmapped => {}
            Self::Blocked(cause, misfit) => {
                desired.absent.insert(name, absence(cause, misfit.detail.clone()));
                desired.problems.push(misfit);
            }
        }
    }
}

impl Rule {
    pub(super) fn outcome(&self, facts: &Facts<'_>, is_new: bool) -> Outcome {
        let needed = || self.is_needed(is_new) && self.concerns(facts.resource);
        let (cause, why) = match self.source.form.evaluate(facts) {
            Ok(value) => match fit::normalised(&self.normalise, value) {
                Some(value) => return self.fitted(value, needed),
                None => self.source.why_empty(&self.field, facts),
            },
            Err(stopped) => {
                let detail = format!("{}: {}", self.field.name, stopped);
                let remedy = "Correct the expression in the field mapping.".to_owned();
                let misfit = Misfit { field: self.field.name.clone(), detail, remedy };
                return unfit(misfit, needed());
            }
        };
        match &self.on_empty {
            OnEmpty::Default(value) => Outcome::Set(value.clone()),
            _ if self.implied && !needed() => Outcome::Unmapped,
            OnEmpty::Clear | OnEmpty::Skip if needed() && (is_new || !self.skips()) => {
                Outcome::Blocked(cause, self.missing(cause, &why))
            }
            OnEmpty::Clear => Outcome::Cleared(cause, why),
            OnEmpty::Skip => {
                Outcome::Left(cause, format!("{why} The app's field is left as it is."))
            }
        }
    }

    const fn skips(&self) -> bool {
        matches!(self.on_empty, OnEmpty::Skip)
    }

    /// Whether the account cannot do without the field. One that is given only when the account is
    /// made must not stand in the way of later changes.
    fn is_needed(&self, is_new: bool) -> bool {
        let mandatory = &self.field.mandatory;
        if is_new {
            mandatory.create
        } else {
            mandatory.update && self.apply == Apply::Always && !self.implied
        }
    }

    /// Whether an assignment has to give the field a value.
    pub(super) fn asks(&self) -> bool {
        self.field.mandatory.is_any() && !matches!(self.on_empty, OnEmpty::Default(_))
    }

    /// Whether what is said of the field as mandatory is said of this resource.
    pub(super) fn concerns(&self, resource: &Map<String, Value>) -> bool {
        self.when.as_ref().is_none_or(|condition| eval::matches(condition, resource))
    }

    fn missing(&self, cause: Cause, why: &str) -> Misfit {
        let name = &self.field.name;
        let remedy = if self.source.is_assignment() {
            format!(
                "Give {name} a value where the person is assigned to the app, or map it to a profile \
                 field or a hardcoded value."
            )
        } else if cause == Cause::Pending {
            "It goes by itself once that account is there.".to_owned()
        } else {
            format!("Fill the profile field, or give {name} a default in the field mapping.")
        };
        Misfit {
            field: name.clone(),
            detail: format!("{name} is mandatory in the app, but {why}"),
            remedy,
        }
    }

    fn fitted(&self, value: Value, needed: impl Fn() -> bool) -> Outcome {
        match fit::fit(&self.field, value) {
            Ok(value) => Outcome::Set(value),
            Err(misfit) => unfit(misfit, needed()),
        }
    }
}

fn unfit(misfit: Misfit, needed: bool) -> Outcome {
    if needed {
        Outcome::Blocked(Cause::Misfit, misfit)
    } else {
        Outcome::Left(Cause::Misfit, format!("{} {}", misfit.detail, misfit.remedy))
    }
}
