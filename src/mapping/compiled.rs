//! A mapping checked against an app's fields and the directory's schema.
//!
//! Compiling finds everything that can be known without a person's values; what is left for
//! [`Mapping::desired`] is whether one value fits. Equal resources give equal bytes: nothing here
//! asks for time, randomness or the order of a hash table.

mod check;
mod fit;
mod outcome;
mod source;
mod together;

use super::document::{Apply, Document, Normaliser};
use super::field::{AppField, AppSchema, Kind};
use super::form::Facts;
use super::record::{Desired, Misfit};
use crate::scim::filter::Condition;
use crate::scim::schema::Registry;
use outcome::Outcome;
use serde_json::{Map, Value};
use source::Source;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with a mapping: which rule, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `users` or `groups`, then the app field: `users/Last_Name`.
    pub field: String,
    /// One sentence: what is wrong and what to do.
    pub detail: String,
}

/// A mapping that can be applied. The default gives nobody anything.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    users: Rules,
    groups: Rules,
}

/// The rules of one kind of object.
#[derive(Debug, Clone, Default)]
struct Rules {
    rules: Vec<Rule>,
    /// Mandatory fields that the document has no rule for. Each has one here all the same, which
    /// takes what was given at the assignment.
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
    /// For whom the field is mandatory, where it is for some only.
    when: Option<Condition>,
    /// The document does not have it.
    implied: bool,
}

/// [`super::document::OnEmpty`] with its value checked and normalised.
#[derive(Debug, Clone)]
enum OnEmpty {
    Clear,
    Skip,
    Default(Value),
}

/// A field that is asked for when somebody is assigned to the app.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked<'a> {
    /// The app field.
    pub field: &'a AppField,
    /// Whether the assignment cannot do without.
    pub mandatory: bool,
}

/// Who is assigned to an app.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    /// A person, as a complete resource.
    Person(&'a Map<String, Value>),
    /// A group, and with it whoever is in it.
    Group,
}

impl<'a> Subject<'a> {
    /// Kinds of object whose fields are asked for, each with the person whose they are.
    fn parts(self) -> Vec<(Kind, Option<&'a Map<String, Value>>)> {
        match self {
            Self::Person(person) => vec![(Kind::User, Some(person))],
            Self::Group => vec![(Kind::User, None), (Kind::Group, None)],
        }
    }
}

impl Mapping {
    /// Compiles a document. Every problem is reported, not the first: unknown or doubled app field,
    /// unknown profile path (with the nearest known one), an expression that is none (with the
    /// character), a constant or table value of the wrong type or length or not among the choices,
    /// half a dependent group, create-only field applied always. A mandatory field left unmapped is
    /// no problem here: see [`Mapping::unmapped_mandatory`].
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
    /// `is_new`: there is no account yet.
    ///
    /// A value that does not fit the app's field is never sent: the field is then absent, and where
    /// the app cannot do without it, among `problems`.
    pub fn desired(&self, kind: Kind, facts: &Facts<'_>, is_new: bool) -> Desired {
        let rules = &self.of(kind).rules;
        let mut outcomes: Vec<Outcome> =
            rules.iter().map(|rule| rule.outcome(facts, is_new)).collect();
        together::whole_groups(rules, &mut outcomes);
        together::allowed(rules, &mut outcomes);
        let mut desired = Desired::default();
        for (rule, outcome) in rules.iter().zip(outcomes) {
            outcome.enter(rule, is_new, &mut desired);
        }
        desired
    }

    /// Ids of the people and groups whose accounts in the app the resource refers to, each once.
    pub fn references(&self, kind: Kind, resource: &Map<String, Value>) -> Vec<String> {
        let ids: BTreeSet<&str> =
            self.of(kind).rules.iter().filter_map(|rule| rule.source.refers_to(resource)).collect();
        ids.into_iter().map(str::to_owned).collect()
    }

    /// The fields that are kept equal; those that are given only when an account is made are not
    /// among them.
    pub fn kept_fields(&self, kind: Kind) -> BTreeSet<String> {
        let rules = self.of(kind).rules.iter().filter(|rule| rule.apply == Apply::Always);
        rules.map(|rule| rule.field.name.clone()).collect()
    }

    /// The fields that hold other people's accounts.
    pub fn reference_fields(&self, kind: Kind) -> Vec<String> {
        let rules = self.of(kind).rules.iter().filter(|rule| rule.source.is_reference());
        rules.map(|rule| rule.field.name.clone()).collect()
    }

    /// Whether any rule refers to other people's accounts.
    pub fn has_references(&self, kind: Kind) -> bool {
        self.of(kind).rules.iter().any(|rule| rule.source.is_reference())
    }

    /// Mandatory fields of the app that no rule gives a value.
    pub fn unmapped_mandatory(&self, kind: Kind) -> &[String] {
        &self.of(kind).unmapped_mandatory
    }

    /// The fields that an assignment of somebody is asked for: the app's mandatory fields that the
    /// mapping leaves unmapped, where they are mandatory for this person; then those that the mapping
    /// leaves to the assignment. An assignment of a group is asked for the fields of its people, and
    /// for the group's own.
    pub fn asked(&self, subject: Subject<'_>) -> Vec<Asked<'_>> {
        let mut asked = Vec::new();
        for (kind, person) in subject.parts() {
            let rules = self.of(kind).rules.iter().filter(|rule| rule.source.is_assignment());
            for rule in rules {
                // Whether a group's people are concerned is not known here: it may be given.
                let concerned = match person {
                    Some(person) => rule.concerns(person),
                    None => rule.when.is_none(),
                };
                let mandatory = rule.asks() && concerned;
                let doubled = asked.iter().any(|one: &Asked<'_>| one.field.name == rule.field.name);
                if !doubled && (mandatory || !rule.implied || person.is_none()) {
                    asked.push(Asked { field: &rule.field, mandatory });
                }
            }
        }
        asked.sort_by_key(|one| !one.mandatory);
        asked
    }

    /// Checks the values given at an assignment, and answers them as the app takes them.
    ///
    /// # Errors
    /// Every fault: a mandatory field without a value, a value that does not fit, a field that the
    /// assignment is not asked for.
    pub fn assigned(
        &self,
        subject: Subject<'_>,
        given: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<Problem>> {
        let asked = self.asked(subject);
        let mut problems = Vec::new();
        let mut values = Map::new();
        let mut faulty = BTreeSet::new();
        let mut fault = |field: &str, detail: String| {
            problems.push(Problem { field: format!("fields/{field}"), detail });
        };
        for (name, value) in given {
            let rule = subject.parts().into_iter().find_map(|(kind, _)| {
                self.rule(kind, name).filter(|rule| rule.source.is_assignment())
            });
            let Some(rule) = rule else {
                fault(name, self.not_asked(subject, name, &asked));
                continue;
            };
            // White space is no value that somebody chose.
            let value = fit::normalised(&[Normaliser::Trim], value.clone())
                .and_then(|_| fit::normalised(&rule.normalise, value.clone()));
            match value.map(|value| fit::fit(&rule.field, value)) {
                None => {}
                Some(Ok(value)) => {
                    values.insert(name.clone(), value);
                }
                Some(Err(misfit)) => {
                    faulty.insert(name.as_str());
                    fault(name, format!("{} {}", misfit.detail, misfit.remedy));
                }
            }
        }
        for one in asked.iter().filter(|one| one.mandatory) {
            let name = &one.field.name;
            if !values.contains_key(name) && !faulty.contains(name.as_str()) {
                fault(
                    name,
                    format!(
                        "{name} ({}) is mandatory in the app and not mapped; give it a value.",
                        one.field.label
                    ),
                );
            }
        }
        if problems.is_empty() { Ok(values) } else { Err(problems) }
    }

    fn not_asked(&self, subject: Subject<'_>, name: &str, asked: &[Asked<'_>]) -> String {
        if subject.parts().into_iter().any(|(kind, _)| self.rule(kind, name).is_some()) {
            return format!("the field mapping gives {name} a value; leave it out.");
        }
        let known = asked.iter().map(|one| one.field.name.as_str());
        let near = super::suggest::nearest(name, known);
        format!("{name} is no field that an assignment is asked for; leave it out.{near}")
    }

    /// Whether any rule for users reads their groups, so that a membership is part of what an app is
    /// told of a person.
    pub fn reads_groups(&self) -> bool {
        self.users
            .rules
            .iter()
            .any(|rule| rule.source.form.reads().iter().any(|path| is_groups(path)))
    }

    /// Whether what is given at assignments is part of what the app is told.
    pub fn reads_assignments(&self, kind: Kind) -> bool {
        self.of(kind).rules.iter().any(|rule| rule.source.is_assignment())
    }

    /// The profile paths that each mapped field is made from: which personal data goes where, and
    /// whom a change of a profile field concerns.
    pub fn reads(&self, kind: Kind) -> BTreeMap<&str, BTreeSet<String>> {
        let rules = self.of(kind).rules.iter().filter(|rule| !rule.implied);
        rules.map(|rule| (rule.field.name.as_str(), rule.source.form.reads())).collect()
    }

    /// Where the value of an app field comes from, in words; none where it is not mapped.
    pub(super) fn described(&self, kind: Kind, field: &str) -> Option<&str> {
        self.rule(kind, field).filter(|rule| !rule.implied).map(|rule| rule.described.as_str())
    }

    /// Whether an assignment is asked for the field's value.
    pub(super) fn is_asked(&self, kind: Kind, field: &str) -> bool {
        self.rule(kind, field).is_some_and(|rule| rule.source.is_assignment())
    }

    fn rule(&self, kind: Kind, field: &str) -> Option<&Rule> {
        self.of(kind).rules.iter().find(|rule| rule.field.name == field)
    }

    fn of(&self, kind: Kind) -> &Rules {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }
}

fn is_groups(path: &str) -> bool {
    path == "groups" || path.starts_with("groups.") || path.starts_with("groups[")
}

/// What would not fit of a person's values, for the check of a mapping before it is saved.
pub fn misfits(desired: &Desired) -> Vec<Misfit> {
    use super::record::Cause;
    desired
        .absent
        .iter()
        .filter(|(_, absence)| absence.cause == Cause::Misfit)
        .map(|(field, absence)| Misfit {
            field: field.clone(),
            detail: absence.sentence.clone(),
            remedy: String::new(),
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests;
