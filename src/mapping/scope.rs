//! Who belongs in an app: a SCIM filter, membership of groups, assignment, or several of these.

use super::compiled::Problem;
use crate::scim::filter::{self, Condition, Filter, eval};
use crate::scim::schema::{Registry, ResourceType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A scope as an administrator writes it. Without any part, everybody belongs in the app.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scope {
    /// SCIM filter over users: `userType eq "Employee" and groups[display eq "Technicians"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Ids of groups; whoever is in one of them, directly or through another group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Whoever is assigned to the app, themselves or through a group.
    #[serde(default, skip_serializing_if = "is_false")]
    pub assigned: bool,
    /// Whether all of these parts must hold, or any.
    #[serde(default, rename = "match", skip_serializing_if = "Match::is_all")]
    pub matching: Match,
}

/// How the parts of a scope go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// Every part must hold.
    #[default]
    All,
    /// One part is enough.
    Any,
}

impl Match {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Scope {
    /// Reads a scope as it is kept: a filter alone, or a JSON object.
    ///
    /// # Errors
    /// A sentence with its remedy.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !text.starts_with('{') {
            let filter = (!text.is_empty()).then(|| text.to_owned());
            return Ok(Self { filter, ..Self::default() });
        }
        serde_json::from_str(text).map_err(|error| format!("the scope cannot be read: {error}"))
    }

    /// As it is kept; none where everybody belongs. A filter alone stays a filter.
    pub fn kept(&self) -> Option<String> {
        let filter = self.filter.as_ref().filter(|filter| !filter.trim().is_empty());
        let rest = Self { filter: None, matching: Match::All, ..self.clone() };
        if rest == Self::default() {
            return filter.cloned();
        }
        let whole = Self { filter: filter.cloned(), ..self.clone() };
        serde_json::to_string(&whole).ok()
    }
}

/// A scope that has been checked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules {
    /// The filter's clauses, which must all hold.
    clauses: Vec<Clause>,
    groups: BTreeSet<String>,
    assigned: bool,
    any: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Clause {
    /// As written, for people.
    text: String,
    condition: Condition,
}

/// What a scope is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The complete resource, with `groups` where [`Rules::reads_groups`] holds.
    pub resource: &'a Map<String, Value>,
    /// How the person is assigned to the app; empty where not at all.
    pub assignments: &'a [Assigned],
}

/// One assignment that reaches somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// Name of the group through which it reaches them; none when they are assigned themselves.
    pub through: Option<String>,
}

/// Whether somebody belongs in an app, part by part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Whether they belong in it.
    pub in_scope: bool,
    /// One sentence.
    pub sentence: String,
    /// The parts of the scope; empty where everybody belongs.
    pub parts: Vec<Part>,
}

/// What one part of a scope says about somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// `filter`, `groups` or `assigned`.
    pub rule: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// What was asked, or what was found.
    pub detail: String,
}

impl Rules {
    /// Checks a scope against what the directory holds.
    ///
    /// # Errors
    /// Every fault, each with its part and the remedy.
    pub fn compile(scope: &Scope, directory: &Registry) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut clauses = Vec::new();
        if let Some(text) = scope.filter.as_deref().filter(|text| !text.trim().is_empty()) {
            match (directory.named("User"), filter::parse(text)) {
                (None, _) => problems.push(fault("filter", "there are no users".to_owned())),
                (_, Err(error)) => problems.push(fault("filter", error.to_string())),
                (Some(users), Ok(filter)) => match parts(filter, users) {
                    Ok(found) => clauses = found,
                    Err(detail) => problems.push(fault("filter", detail)),
                },
            }
        }
        for group in &scope.groups {
            if !is_id(group) {
                problems.push(fault(
                    "groups",
                    format!("{group:?} is no id of a group; GET /scim/v2/Groups lists them."),
                ));
            }
        }
        if problems.is_empty() {
            Ok(Self {
                clauses,
                groups: scope.groups.iter().map(|id| id.to_lowercase()).collect(),
                assigned: scope.assigned,
                any: scope.matching == Match::Any,
            })
        } else {
            Err(problems)
        }
    }

    /// Whether everybody belongs in the app.
    pub fn is_everybody(&self) -> bool {
        self.clauses.is_empty() && self.groups.is_empty() && !self.assigned
    }

    /// Whether nobody belongs in the app who is not assigned to it.
    pub fn needs_assignment(&self) -> bool {
        let alone = self.clauses.is_empty() && self.groups.is_empty();
        self.assigned && (alone || !self.any)
    }

    /// Whether assignments decide about anybody.
    pub fn reads_assignments(&self) -> bool {
        self.assigned
    }

    /// Whether memberships decide about anybody.
    pub fn reads_groups(&self) -> bool {
        !self.groups.is_empty() || self.clauses.iter().any(|clause| reads_groups(&clause.condition))
    }

    /// Whether a group is told to the app: all are, unless the scope names some or goes by
    /// assignment.
    pub fn takes_group(&self, id: &str, is_assigned: bool) -> bool {
        (self.groups.is_empty() && !self.assigned)
            || self.groups.contains(id)
            || (self.assigned && is_assigned)
    }

    /// Whether somebody belongs in the app. The same as [`Rules::explain`], without the words.
    pub fn takes(&self, who: Candidate<'_>) -> bool {
        let filter = (!self.clauses.is_empty()).then(|| self.filter_holds(who));
        let groups = (!self.groups.is_empty()).then(|| self.common_groups(who).next().is_some());
        let assigned = self.assigned.then_some(!who.assignments.is_empty());
        let mut parts = [filter, groups, assigned].into_iter().flatten().peekable();
        if parts.peek().is_none() {
            return true;
        }
        if self.any { parts.any(|holds| holds) } else { parts.all(|holds| holds) }
    }

    /// Whether somebody belongs in the app, and by which part of the scope.
    pub fn explain(&self, who: Candidate<'_>) -> Decision {
        let mut parts: Vec<Part> = self
            .clauses
            .iter()
            .map(|clause| Part {
                rule: "filter",
                holds: eval::matches(&clause.condition, who.resource),
                detail: clause.text.clone(),
            })
            .collect();
        if !self.groups.is_empty() {
            let names: Vec<String> = self.common_groups(who).collect();
            parts.push(Part {
                rule: "groups",
                holds: !names.is_empty(),
                detail: if names.is_empty() {
                    "in none of the scope's groups".to_owned()
                } else {
                    format!("in {}", names.join(", "))
                },
            });
        }
        if self.assigned {
            let ways: Vec<String> = who
                .assignments
                .iter()
                .map(|one| match &one.through {
                    None => "themselves".to_owned(),
                    Some(group) => format!("through the group {group}"),
                })
                .collect();
            parts.push(Part {
                rule: "assigned",
                holds: !ways.is_empty(),
                detail: if ways.is_empty() {
                    "not assigned to the app".to_owned()
                } else {
                    format!("assigned {}", ways.join(" and "))
                },
            });
        }
        let in_scope = self.takes(who);
        let sentence = sentence(in_scope, &parts, self.any);
        Decision { in_scope, sentence, parts }
    }

    fn filter_holds(&self, who: Candidate<'_>) -> bool {
        self.clauses.iter().all(|clause| eval::matches(&clause.condition, who.resource))
    }

    /// Names of the scope's groups that somebody is in.
    fn common_groups<'a>(&'a self, who: Candidate<'a>) -> impl Iterator<Item = String> + 'a {
        let groups = who.resource.get("groups").and_then(Value::as_array);
        groups.into_iter().flatten().filter_map(|group| {
            let id = group.get("value")?.as_str()?;
            let name = group.get("display").and_then(Value::as_str).unwrap_or(id);
            self.groups.contains(id).then(|| name.to_owned())
        })
    }
}

fn sentence(in_scope: bool, parts: &[Part], any: bool) -> String {
    let said = |holds: bool| {
        let words: Vec<&str> = parts
            .iter()
            .filter(|part| part.holds == holds)
            .map(|part| part.detail.as_str())
            .collect();
        words.join("; ")
    };
    match (in_scope, parts.is_empty()) {
        (true, true) => "In scope: everybody is.".to_owned(),
        (true, false) => format!("In scope: {}.", said(true)),
        (false, _) if any => format!("Out of scope: none of this holds: {}.", said(false)),
        (false, _) => format!("Out of scope: this does not hold: {}.", said(false)),
    }
}

fn fault(part: &str, detail: String) -> Problem {
    Problem { field: format!("scope/{part}"), detail }
}

/// The clauses of a filter that must all hold, each with its own words.
fn parts(filter: Filter, users: &ResourceType) -> Result<Vec<Clause>, String> {
    let filters = match filter {
        Filter::And(parts) => parts,
        other => vec![other],
    };
    filters
        .into_iter()
        .map(|filter| {
            let text = filter.to_string();
            let condition = filter.resolve(users).map_err(|error| error.to_string())?;
            Ok(Clause { text, condition })
        })
        .collect()
}

fn is_id(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}

fn reads_groups(condition: &Condition) -> bool {
    match condition {
        Condition::Always | Condition::Never => false,
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(reads_groups),
        Condition::Not(part) => reads_groups(part),
        Condition::Present(field)
        | Condition::Compare(field, _, _)
        | Condition::Element(field, _) => field.attribute == "groups",
    }
}

#[cfg(test)]
mod tests;
