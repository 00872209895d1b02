//! Where the value of a field comes from: the intermediate form, and why it has none.

use super::super::field::AppField;
use super::super::form::{Facts, Form};
use super::super::record::Cause;
use super::super::selector::Selector;
use serde_json::{Map, Value};

/// A source that has been checked.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// How its value is made.
    pub(super) form: Form,
    /// What is needed to say why there is none.
    pub(super) origin: Origin,
}

/// A source as far as people are told about it.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// Profile fields.
    Paths(Vec<String>),
    Template(String),
    Table(Box<Selector>),
    Reference(Box<Selector>),
    Assignment,
    Expression,
    Constant,
}

impl Source {
    /// The id that a reference names.
    pub(super) fn refers_to<'a>(&self, resource: &'a Map<String, Value>) -> Option<&'a str> {
        match &self.origin {
            Origin::Reference(selector) => selector.read(resource).and_then(Value::as_str),
            _ => None,
        }
    }

    pub(super) const fn is_reference(&self) -> bool {
        matches!(self.origin, Origin::Reference(_))
    }

    pub(super) const fn is_assignment(&self) -> bool {
        matches!(self.origin, Origin::Assignment)
    }

    /// Why there is no value: the cause, and a sentence.
    pub(super) fn why_empty(&self, field: &AppField, facts: &Facts<'_>) -> (Cause, String) {
        let empty = |path: &str| format!("{path} is empty in the profile.");
        let sentence = match &self.origin {
            Origin::Paths(paths) => match paths.as_slice() {
                [only] => empty(only),
                paths => format!("{} are empty in the profile.", paths.join(", ")),
            },
            Origin::Template(template) => {
                format!("every field in the template {template} is empty in the profile.")
            }
            Origin::Table(selector) => match selector.read(facts.resource) {
                None => empty(&selector.text),
                Some(_) => format!(
                    "the table has no entry for the profile's {} and no default.",
                    selector.text
                ),
            },
            Origin::Reference(selector) if selector.read(facts.resource).is_some() => {
                let sentence =
                    format!("whom {} names has no account in the app yet.", selector.text);
                return (Cause::Pending, sentence);
            }
            Origin::Reference(selector) => empty(&selector.text),
            Origin::Assignment => {
                format!("no value for {} was given at an assignment.", field.name)
            }
            Origin::Expression => "the expression has no value for this profile.".to_owned(),
            Origin::Constant => "only white space is left of the value.".to_owned(),
        };
        (Cause::Empty, sentence)
    }
}
