//! What differs between two versions of a mapping.

use super::document::{Document, Rule};
use super::field::Kind;
use super::words;
use serde::Serialize;

/// One rule or test that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// `users/Last_Name`, `groups/name` or `tests/a name`.
    pub field: String,
    /// What happened to it.
    pub change: Change,
    /// What it was, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What happened to a rule or test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It says something else.
    Changed,
}

/// What differs between two documents, field by field: first what the later one has, in its order,
/// then what is gone. The order of rules makes no difference, because it changes nothing.
pub fn difference(before: &Document, after: &Document) -> Vec<Difference> {
    let mut found = Vec::new();
    for kind in [Kind::User, Kind::Group] {
        let place = |rule: &Rule| format!("{}/{}", kind.place(), rule.field);
        compare(
            before.rules(kind),
            after.rules(kind),
            place,
            words::rule,
            words::differing,
            &mut found,
        );
    }
    let place = |test: &super::document::GoldenTest| format!("tests/{}", test.name);
    let both = |old: &super::document::GoldenTest, new: &super::document::GoldenTest| {
        (words::test(old), words::test(new))
    };
    compare(&before.tests, &after.tests, place, words::test, both, &mut found);
    found
}

fn compare<T: PartialEq>(
    before: &[T],
    after: &[T],
    place: impl Fn(&T) -> String,
    words: impl Fn(&T) -> String,
    differing: impl Fn(&T, &T) -> (String, String),
    found: &mut Vec<Difference>,
) {
    for one in after {
        let field = place(one);
        let old = before.iter().find(|old| place(old) == field);
        if old == Some(one) {
            continue;
        }
        found.push(match old {
            Some(old) => {
                let (before, after) = differing(old, one);
                Difference {
                    field,
                    change: Change::Changed,
                    before: Some(before),
                    after: Some(after),
                }
            }
            None => {
                Difference { field, change: Change::Added, before: None, after: Some(words(one)) }
            }
        });
    }
    for one in before {
        let field = place(one);
        if !after.iter().any(|new| place(new) == field) {
            found.push(Difference {
                field,
                change: Change::Removed,
                before: Some(words(one)),
                after: None,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(value: serde_json::Value) -> Document {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn rules_that_come_go_and_change_are_named_in_words() {
        let before = document(json!({ "users": [
            { "field": "a", "source": { "kind": "constant", "value": 1 } },
            { "field": "b", "source": { "kind": "profile", "path": "title" } },
            { "field": "c", "source": { "kind": "profile", "path": "userName" } },
        ]}));
        let after = document(json!({
            "users": [
                { "field": "c", "source": { "kind": "profile", "path": "userName" } },
                { "field": "b", "source": { "kind": "profile", "path": "title" },
                  "normalise": ["upper"], "apply": "create" },
            ],
            "groups": [{ "field": "a", "source": { "kind": "assignment" } }],
        }));
        assert_eq!(
            serde_json::to_value(difference(&before, &after)).unwrap(),
            json!([
                { "field": "users/b", "change": "changed", "before": "Profile field title",
                  "after": "Profile field title, upper case, only when the account is made" },
                { "field": "users/a", "change": "removed", "before": "Hardcoded value 1" },
                { "field": "groups/a", "change": "added",
                  "after": "Asked for when somebody is assigned" },
            ])
        );
        assert!(difference(&after, &after).is_empty());
    }

    #[test]
    fn of_tables_the_entries_that_differ_are_named() {
        let table = |entries: serde_json::Value| {
            document(json!({ "users": [{ "field": "role", "source":
                { "kind": "table", "path": "title", "entries": entries } }] }))
        };
        let before = table(json!({ "A": "x", "B": "y", "C": "z" }));
        let after = table(json!({ "A": "x", "B": "w", "D": "z" }));
        let found = difference(&before, &after);
        assert_eq!(
            (found[0].before.as_deref(), found[0].after.as_deref()),
            (
                Some("Table by title (3 entries): \"B\" = \"y\", \"C\" = \"z\""),
                Some("Table by title (3 entries): \"B\" = \"w\", \"D\" = \"z\"")
            )
        );
    }
}
