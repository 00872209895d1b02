//! Everything that is asked of a mapping before it is saved.

use super::compiled::{Mapping, Problem};
use super::document::{Document, GoldenTest, Rule};
use super::field::{AppSchema, Kind, Mutability};
use super::form::Facts;
use super::record::Desired;
use super::{suggest, words};
use crate::scim::projection::remove_secrets;
use crate::scim::schema::Registry;
use serde_json::Value;

/// What a mapping is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The app's fields.
    pub schema: &'a AppSchema,
    /// The mapping that the app starts with: it has the rules of locked fields.
    pub default: &'a Document,
    /// What the directory holds.
    pub directory: &'a Registry,
    /// Whether everybody in the app is assigned to it, so that what is unmapped was asked for.
    pub by_assignment: bool,
}

/// Compiles a mapping that is to be saved.
///
/// # Errors
/// Every problem: those of [`Mapping::compile`]; a locked field with another rule than the default
/// mapping's; a mandatory field that nothing gives a value; a golden test that comes to something
/// else.
pub fn validate(document: &Document, ground: &Ground<'_>) -> Result<Mapping, Vec<Problem>> {
    let compiled = Mapping::compile(document, ground.schema, ground.directory);
    let mut problems = Vec::new();
    for kind in [Kind::User, Kind::Group] {
        locked(kind, document, ground, &mut problems);
    }
    if !ground.by_assignment {
        problems.extend(unmapped(ground.schema, |kind, field| {
            !document.rules(kind).iter().any(|rule| rule.field == field)
        }));
    }
    let mapping = match compiled {
        Ok(mapping) => mapping,
        Err(found) => {
            problems.splice(0..0, found);
            return Err(problems);
        }
    };
    for test in &document.tests {
        problems.extend(strangers(test, ground.schema));
        problems.extend(failures(&mapping, test, ground.directory));
    }
    if problems.is_empty() { Ok(mapping) } else { Err(problems) }
}

/// Mandatory fields that nobody is ever asked for, of those that are unmapped.
pub fn unmapped(schema: &AppSchema, is_unmapped: impl Fn(Kind, &str) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    for kind in [Kind::User, Kind::Group] {
        let fields = schema.fields(kind);
        let missing = fields.iter().filter(|field| {
            // Without a field that some need, the others are kept equal; an impact counts who needs it.
            field.mandatory.create
                && field.mandatory.when.is_none()
                && is_unmapped(kind, &field.name)
        });
        problems.extend(missing.map(|field| Problem {
            field: format!("{}/{}", kind.place(), field.name),
            detail: format!(
                "{} ({}) is mandatory in the app and not mapped; map it to a profile field or a \
                 hardcoded value, or give it the source \"assignment\", and it is asked for when \
                 somebody is assigned to the app.",
                field.name, field.label
            ),
        }));
    }
    problems
}

/// Fields that identify the account keep the rule they have in the default mapping.
fn locked(kind: Kind, document: &Document, ground: &Ground<'_>, problems: &mut Vec<Problem>) {
    let rule = |document: &Document, name: &str| -> Option<Rule> {
        document.rules(kind).iter().find(|rule| rule.field == name).cloned()
    };
    for field in ground.schema.fields(kind) {
        if field.mutability != Mutability::Locked {
            continue;
        }
        let wanted = rule(ground.default, &field.name);
        if rule(document, &field.name) == wanted {
            continue;
        }
        let remedy = match &wanted {
            Some(rule) => format!("leave it as it is: {}", words::rule(rule)),
            None => "leave it unmapped".to_owned(),
        };
        problems.push(Problem {
            field: format!("{}/{}", kind.place(), field.name),
            detail: format!(
                "{} identifies the account in the app and cannot be mapped otherwise; {remedy}.",
                field.name
            ),
        });
    }
}

/// Fields of a golden test that the app does not have.
fn strangers(test: &GoldenTest, schema: &AppSchema) -> Vec<Problem> {
    let fields = schema.fields(test.kind);
    let strange = test.expect.keys().filter(|name| !fields.iter().any(|one| one.name == **name));
    strange
        .map(|name| Problem {
            field: format!("tests/{}", test.name),
            detail: format!(
                "the app has no field {name}; correct the test.{}",
                suggest::nearest(name, fields.iter().map(|field| field.name.as_str()))
            ),
        })
        .collect()
}

/// What a golden test expects and the mapping does not give. As in a push, nothing of the profile is
/// read that is never read back.
pub fn failures(mapping: &Mapping, test: &GoldenTest, directory: &Registry) -> Vec<Problem> {
    let mut profile = test.profile.clone();
    if let Some(definition) = directory.named(test.kind.as_str()) {
        remove_secrets(definition, &mut profile);
    }
    let facts = Facts { resource: &profile, assigned: &test.assigned, accounts: &test.accounts };
    let desired = mapping.desired(test.kind, &facts, true);
    let fault = |detail: String| Problem { field: format!("tests/{}", test.name), detail };
    let mut problems = Vec::new();
    for (field, expected) in &test.expect {
        let got = desired.value(field).unwrap_or(&Value::Null);
        if got != expected {
            problems.push(fault(format!(
                "{field} should be {expected} and is {got}{}; correct the rule or the test.",
                why(&desired, field)
            )));
        }
    }
    problems
}

fn why(desired: &Desired, field: &str) -> String {
    desired.absent.get(field).map_or_else(String::new, |absence| {
        format!(" ({})", absence.sentence.trim_end_matches('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::compiled::tests::app;
    use crate::mapping::field::AppField;
    use serde_json::json;

    fn document(value: Value) -> Document {
        serde_json::from_value(value).unwrap()
    }

    fn schema() -> AppSchema {
        let mut schema = app();
        schema.users.push(AppField {
            mutability: Mutability::Locked,
            ..AppField::text("email", "E-mail", 100, "")
        });
        schema
    }

    fn problems(value: Value, by_assignment: bool) -> Vec<(String, String)> {
        let schema = schema();
        let default = document(json!({
            "users": [{ "field": "email", "source": { "kind": "profile", "path": "emails.value" } }],
        }));
        let directory = Registry::standard();
        let ground =
            Ground { schema: &schema, default: &default, directory: &directory, by_assignment };
        let faults = validate(&document(value), &ground).err().unwrap_or_default();
        faults.into_iter().map(|one| (one.field, one.detail)).collect()
    }

    fn rules(rest: &[Value]) -> Value {
        let mut rules = vec![
            json!({ "field": "email", "source": { "kind": "profile", "path": "emails.value" } }),
            json!({ "field": "login", "source": { "kind": "profile", "path": "userName" } }),
        ];
        rules.extend_from_slice(rest);
        Value::from(rules)
    }

    fn groups() -> Value {
        json!([{ "field": "name", "source": { "kind": "profile", "path": "displayName" } }])
    }

    #[test]
    fn what_is_whole_is_saved() {
        assert_eq!(problems(json!({ "users": rules(&[]), "groups": groups() }), false), []);
    }

    #[test]
    fn a_missing_mandatory_field_is_named_unless_assignments_ask_for_it() {
        let only_email = json!([
            { "field": "email", "source": { "kind": "profile", "path": "emails.value" } },
        ]);
        let document = json!({ "users": only_email, "groups": groups() });
        let found = problems(document.clone(), false);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "users/login");
        assert!(found[0].1.contains("\"assignment\""), "{found:?}");
        assert_eq!(problems(document, true), []);
        let asked = rules(&[])
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| match rule["field"].as_str() {
                Some("login") => json!({ "field": "login", "source": { "kind": "assignment" } }),
                _ => rule.clone(),
            })
            .collect::<Vec<_>>();
        assert_eq!(problems(json!({ "users": asked, "groups": groups() }), false), []);
    }

    #[test]
    fn a_locked_field_keeps_its_rule() {
        for email in [
            json!({ "field": "email", "source": { "kind": "profile", "path": "userName" } }),
            json!({ "field": "nick", "source": { "kind": "profile", "path": "title" } }),
        ] {
            let users = json!([
                email, { "field": "login", "source": { "kind": "profile", "path": "userName" } },
            ]);
            let found = problems(json!({ "users": users, "groups": groups() }), false);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(
                (found[0].0.as_str(), found[0].1.as_str()),
                (
                    "users/email",
                    "email identifies the account in the app and cannot be mapped otherwise; leave \
                     it as it is: Profile field emails.value."
                )
            );
        }
    }

    #[test]
    fn golden_tests_read_no_more_than_a_push() {
        const KEYS: &str = "urn:example:keys:2.0:User";
        let keys = serde_json::from_value(json!({
            "id": KEYS, "name": "Keys", "extends": "User",
            "attributes": [{ "name": "keys", "type": "complex", "multiValued": true, "subAttributes": [
                { "name": "value" }, { "name": "pin", "returned": "never" },
            ] }],
        }));
        let directory = Registry::with(&[keys.unwrap()], 0);
        let expression = "[keys[0], 'x'][0].pin";
        let mapping = document(json!({
            "users": rules(&[json!({
                "field": "nick", "source": { "kind": "expression", "expression": expression },
            })]),
            "groups": groups(),
            "tests": [{
                "name": "Ann",
                "profile": { "userName": "ann", (KEYS): { "keys": [{ "value": "k", "pin": "9182" }] } },
                "expect": { "nick": null },
            }],
        }));
        let schema = schema();
        let compiled = Mapping::compile(&mapping, &schema, &directory).unwrap();
        assert_eq!(failures(&compiled, &mapping.tests[0], &directory), []);
    }

    #[test]
    fn golden_tests_are_run() {
        let with = |expect: Value| {
            problems(
                json!({
                    "users": rules(&[json!({
                        "field": "nick", "source": { "kind": "join", "template": "{name.givenName}!" },
                    })]),
                    "groups": groups(),
                    "tests": [{ "name": "Ann", "profile": { "userName": "ann", "name": { "givenName": "Ann" } },
                                "expect": expect }],
                }),
                false,
            )
        };
        assert_eq!(with(json!({ "login": "ann", "nick": "Ann!", "department": null })), []);
        let found = with(json!({ "login": "bob", "nick": "Ann!", "email": "x" }));
        let details: Vec<&str> = found.iter().map(|(_, detail)| detail.as_str()).collect();
        assert_eq!(
            details,
            [
                "email should be \"x\" and is null (emails.value is empty in the profile. The app's \
                 field stays empty); correct the rule or the test.",
                "login should be \"bob\" and is \"ann\"; correct the rule or the test.",
            ]
        );
        assert_eq!(found[0].0, "tests/Ann");
        let found = with(json!({ "nik": null }));
        assert!(found[0].1.ends_with("Did you mean nick?"), "{found:?}");
    }
}
