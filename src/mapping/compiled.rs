//! A mapping checked against an app's fields and the directory's schema.
//!
//! Compiling finds everything that can be known without a person's values; what is left for
//! [`Mapping::desired`] is whether one value fits. Equal resources give equal bytes: nothing here
//! asks for time, randomness or the order of a hash table.

mod check;
mod fit;
mod selector;
mod source;
mod suggest;
mod template;

use super::document::{Apply, Document, Normaliser};
use super::field::{AppField, AppSchema, Kind};
use super::record::{Desired, Misfit};
use crate::scim::schema::Registry;
use serde_json::{Map, Value};
use source::Source;

/// What is wrong with a mapping: which rule, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `users` or `groups`, then the app field: `users/Last_Name`.
    pub field: String,
    /// One sentence: what is wrong and what to do.
    pub detail: String,
}

/// A mapping that can be applied.
#[derive(Debug, Clone)]
pub struct Mapping {
    users: Rules,
    groups: Rules,
}

/// The rules of one kind of object.
#[derive(Debug, Clone)]
struct Rules {
    rules: Vec<Rule>,
    unmapped_mandatory: Vec<String>,
}

/// One rule, ready to be applied.
#[derive(Debug, Clone)]
struct Rule {
    field: AppField,
    source: Source,
    /// The source in words, for people.
    described: String,
    apply: Apply,
    on_empty: OnEmpty,
    normalise: Vec<Normaliser>,
}

/// [`super::document::OnEmpty`] with its value checked and normalised.
#[derive(Debug, Clone)]
enum OnEmpty {
    Clear,
    Skip,
    Default(Value),
}

/// What a rule comes to for one resource.
enum Outcome {
    /// The app's field is to hold this; null empties it.
    Set(Value),
    /// The app's field is to be emptied, and why there is nothing to put in.
    Cleared(String),
    /// The app's field is left alone, and why.
    Left(String),
    /// The object cannot be pushed without the field, and why there is no value for it.
    Blocked(Misfit),
}

impl Mapping {
    /// Compiles a document. Every problem is reported, not the first: unknown or doubled app field,
    /// unknown profile path (with the nearest known one), a constant or table value of the wrong
    /// type or length or not among the choices, half a dependent group, create-only field applied
    /// always. A mandatory field left unmapped is no problem: see [`Mapping::unmapped_mandatory`].
    pub fn compile(
        document: &Document,
        app: &AppSchema,
        directory: &Registry,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let users = check::rules(Kind::User, &document.users, app, directory, &mut problems);
        let groups = check::rules(Kind::Group, &document.groups, app, directory, &mut problems);
        if problems.is_empty() { Ok(Self { users, groups }) } else { Err(problems) }
    }

    /// What the app should hold for a complete SCIM resource (with `id`, `meta`, `groups`).
    ///
    /// A value that does not fit the app's field is never sent: the field is then absent, and where
    /// the app cannot do without it, among `problems`.
    pub fn desired(&self, kind: Kind, resource: &Map<String, Value>) -> Desired {
        let mut desired = Desired::default();
        for rule in &self.of(kind).rules {
            let name = rule.field.name.clone();
            let record = match rule.apply {
                Apply::Always => &mut desired.always,
                Apply::Create => &mut desired.on_create,
            };
            match rule.outcome(resource) {
                Outcome::Set(value) => {
                    record.0.insert(name, value);
                }
                Outcome::Cleared(why) => {
                    // There is nothing to empty in an account that is being made.
                    if rule.apply == Apply::Always {
                        record.0.insert(name.clone(), Value::Null);
                    }
                    desired.absent.insert(name, why);
                }
                Outcome::Left(why) => {
                    desired.absent.insert(name, why);
                }
                Outcome::Blocked(misfit) => {
                    desired.absent.insert(name, misfit.detail.clone());
                    desired.problems.push(misfit);
                }
            }
        }
        desired
    }

    /// Mandatory fields of the app that no rule gives a value.
    pub fn unmapped_mandatory(&self, kind: Kind) -> Vec<String> {
        self.of(kind).unmapped_mandatory.clone()
    }

    /// Whether any rule for users reads their groups, so that a membership is part of what an app is
    /// told of a person.
    pub fn reads_groups(&self) -> bool {
        self.users.rules.iter().any(|rule| rule.source.reads("groups"))
    }

    /// Where the value of an app field comes from, in words; none where it is not mapped.
    pub(super) fn described(&self, kind: Kind, field: &str) -> Option<&str> {
        let rule = self.of(kind).rules.iter().find(|rule| rule.field.name == field)?;
        Some(&rule.described)
    }

    fn of(&self, kind: Kind) -> &Rules {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }
}

impl Rule {
    fn outcome(&self, resource: &Map<String, Value>) -> Outcome {
        let why = match self.source.value(resource) {
            Ok(value) => match fit::normalised(&self.normalise, value) {
                Some(value) => return self.fitted(value),
                None => "only white space is left of the value.".to_owned(),
            },
            Err(why) => why,
        };
        match &self.on_empty {
            OnEmpty::Default(value) => Outcome::Set(value.clone()),
            OnEmpty::Skip => Outcome::Left(format!("{why} The app's field is left as it is.")),
            OnEmpty::Clear if self.is_needed() => {
                let detail = format!("{} is mandatory in the app, but {why}", self.field.name);
                Outcome::Blocked(Misfit {
                    field: self.field.name.clone(),
                    remedy: format!(
                        "Fill the profile field, or give {} a default in the field mapping.",
                        self.field.name
                    ),
                    detail,
                })
            }
            OnEmpty::Clear => Outcome::Cleared(format!("{why} The app's field is emptied.")),
        }
    }

    /// Whether no account can be kept equal without the field. One that is given only when the
    /// account is made must not stand in the way of later changes: there the app itself refuses.
    fn is_needed(&self) -> bool {
        self.field.mandatory && self.apply == Apply::Always
    }

    fn fitted(&self, value: Value) -> Outcome {
        match fit::fit(&self.field, value) {
            Ok(value) => Outcome::Set(value),
            Err(misfit) if self.is_needed() => Outcome::Blocked(misfit),
            Err(misfit) => Outcome::Left(format!("{} {}", misfit.detail, misfit.remedy)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
