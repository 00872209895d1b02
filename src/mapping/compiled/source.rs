//! Where the value of a field comes from, checked, and reading it.

use super::super::document;
use super::selector::Selector;
use super::template::Template;
use crate::scim::value::fold;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A source whose paths have been checked and whose values fit the app's field.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Constant(Value),
    /// One or several; the first that has a value.
    First(Vec<Selector>),
    Join(String, Template),
    Table {
        selector: Box<Selector>,
        /// By folded key.
        entries: BTreeMap<String, Value>,
        default: Option<Value>,
    },
}

impl Source {
    /// Whether the value depends on that attribute.
    pub(super) fn reads(&self, attribute: &str) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::First(selectors) => selectors.iter().any(|selector| selector.reads(attribute)),
            Self::Join(_, template) => template.reads(attribute),
            Self::Table { selector, .. } => selector.reads(attribute),
        }
    }

    /// The value, or a sentence that says why there is none.
    pub(super) fn value(&self, resource: &Map<String, Value>) -> Result<Value, String> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::First(selectors) => selectors
                .iter()
                .find_map(|selector| selector.read(resource))
                .cloned()
                .ok_or_else(|| empty(selectors)),
            Self::Join(template, compiled) => {
                compiled.render(resource).map(Value::String).ok_or_else(|| {
                    format!("every field in the template {template} is empty in the profile.")
                })
            }
            Self::Table { selector, entries, default } => {
                let key = selector.read(resource).map(|value| match value {
                    Value::String(text) => fold(text.trim()),
                    value => value.to_string(),
                });
                let found = key.as_ref().and_then(|key| entries.get(key)).or(default.as_ref());
                found.cloned().ok_or_else(|| match key {
                    None => format!("{} is empty in the profile.", selector.text),
                    Some(_) => format!(
                        "the table has no entry for the profile's {} and no default.",
                        selector.text
                    ),
                })
            }
        }
    }
}

fn empty(selectors: &[Selector]) -> String {
    let names: Vec<&str> = selectors.iter().map(|selector| selector.text.as_str()).collect();
    match names.as_slice() {
        [only] => format!("{only} is empty in the profile."),
        names => format!("{} are empty in the profile.", names.join(", ")),
    }
}

/// A source in words, as people read it beside a field.
pub(super) fn described(source: &document::Source) -> String {
    match source {
        document::Source::Profile { path } => format!("Profile field {path}"),
        document::Source::Constant { value } => format!("Hardcoded value {value}"),
        document::Source::First { paths } => format!("First with a value of {}", paths.join(", ")),
        document::Source::Join { template } => format!("Joined as {template}"),
        document::Source::Table { path, entries, default } => {
            let entries = match entries.len() {
                1 => "1 entry".to_owned(),
                count => format!("{count} entries"),
            };
            match default {
                Some(value) => format!("Table by {path} ({entries}, otherwise {value})"),
                None => format!("Table by {path} ({entries})"),
            }
        }
    }
}
