//! Rules in words, as people read them beside a field and in a comparison of versions.

use super::document::{Apply, GoldenTest, Normaliser, OnEmpty, Rule, Source};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A source in words.
pub fn source(source: &Source) -> String {
    match source {
        Source::Profile { path } => format!("Profile field {path}"),
        Source::Constant { value } => format!("Hardcoded value {value}"),
        Source::First { paths } => format!("First with a value of {}", paths.join(", ")),
        Source::Join { template } => format!("Joined as {template}"),
        Source::Table { path, entries, default } => {
            let entries = match entries.len() {
                1 => "1 entry".to_owned(),
                count => format!("{count} entries"),
            };
            match default {
                Some(value) => format!("Table by {path} ({entries}, otherwise {value})"),
                None => format!("Table by {path} ({entries})"),
            }
        }
        Source::Reference { path } => format!("Account of {path}"),
        Source::Assignment => "Asked for when somebody is assigned".to_owned(),
        Source::Expression { expression } => format!("Expression {expression}"),
    }
}

/// A whole rule in words.
pub fn rule(rule: &Rule) -> String {
    let mut words = source(&rule.source);
    for normaliser in &rule.normalise {
        words.push_str(", ");
        match normaliser {
            Normaliser::Trim => words.push_str("trimmed"),
            Normaliser::Collapse => words.push_str("white space collapsed"),
            Normaliser::Lower => words.push_str("lower case"),
            Normaliser::Upper => words.push_str("upper case"),
            Normaliser::Transliterate => words.push_str("transliterated"),
            Normaliser::E164(country) => {
                words.push_str("as an international number of ");
                words.push_str(country);
            }
        }
    }
    match &rule.on_empty {
        OnEmpty::Clear => {}
        OnEmpty::Skip => words.push_str(", left alone when empty"),
        OnEmpty::Default(value) => {
            words.push_str(", when empty ");
            words.push_str(&value.to_string());
        }
    }
    if rule.apply == Apply::Create {
        words.push_str(", only when the account is made");
    }
    words
}

/// Two rules for a field in words that show what differs: of tables, the entries that do.
pub(super) fn differing(before: &Rule, after: &Rule) -> (String, String) {
    let (mut was, mut is) = (rule(before), rule(after));
    if let (Source::Table { entries: old, .. }, Source::Table { entries: new, .. }) =
        (&before.source, &after.source)
    {
        let differs = |one: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>| {
            let entries = one.iter().filter(|(key, value)| other.get(*key) != Some(*value));
            let entries: Vec<String> =
                entries.map(|(key, value)| format!("{key:?} = {value}")).collect();
            if entries.is_empty() { String::new() } else { format!(": {}", entries.join(", ")) }
        };
        was.push_str(&differs(old, new));
        is.push_str(&differs(new, old));
    }
    (was, is)
}

/// A golden test in words.
pub(super) fn test(test: &GoldenTest) -> String {
    let expected: Vec<String> =
        test.expect.iter().map(|(field, value)| format!("{field} = {value}")).collect();
    let mut words = format!(
        "{} of the {} {}",
        expected.join(", "),
        test.kind.as_str().to_lowercase(),
        Value::Object(test.profile.clone())
    );
    if !test.assigned.is_empty() {
        let _ = write!(words, ", assigned with {}", Value::Object(test.assigned.clone()));
    }
    for (id, account) in &test.accounts {
        let _ = write!(words, ", where {id} has the account {account}");
    }
    words
}
