//! A mapping shown with one person's values: every field of the app, mapped and unmapped.

use super::compiled::Mapping;
use super::field::{AppSchema, Kind, Mutability};
use super::record::{Cause, Desired, Record};
use serde::Serialize;
use serde_json::Value;

/// One field of the app, for the sample user.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is shown by itself")]
pub struct PreviewRow {
    /// The app field.
    pub field: String,
    /// Its name for people.
    pub label: String,
    /// Whether an account cannot do without it.
    pub mandatory: bool,
    /// Whether its rule cannot be edited.
    #[serde(skip_serializing_if = "is_false")]
    pub locked: bool,
    /// The dependent group whose fields are mapped together or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends: Option<String>,
    /// Whether the mapping has a rule for it.
    pub mapped: bool,
    /// Whether its value is asked for when somebody is assigned.
    #[serde(skip_serializing_if = "is_false")]
    pub asked: bool,
    /// Where its value comes from, in words; empty where it is not mapped.
    pub source: String,
    /// What the app last accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// What the app should hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
    /// Why a mapped field has no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absent: Option<String>,
    /// What kind of reason that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Every field of the app in the app's order, with what it held and what it should hold.
///
/// `desired` is what the mapping came to; `accepted` is what the app last accepted, none where there
/// is no account yet.
pub fn preview(
    mapping: &Mapping,
    schema: &AppSchema,
    kind: Kind,
    desired: &Desired,
    accepted: Option<&Record>,
) -> Vec<PreviewRow> {
    let held =
        |record: &Record, name: &str| record.0.get(name).filter(|value| !value.is_null()).cloned();
    schema
        .fields(kind)
        .iter()
        .map(|field| {
            let name = &field.name;
            let source = mapping.described(kind, name);
            let absence = desired.absent.get(name);
            // What is given once is not given to an account that is there.
            let is_past = accepted.is_some() && desired.on_create.0.contains_key(name);
            PreviewRow {
                field: name.clone(),
                label: field.label.clone(),
                mandatory: field.mandatory.is_any(),
                locked: field.mutability == Mutability::Locked,
                depends: field.depends.clone(),
                mapped: source.is_some(),
                asked: mapping.is_asked(kind, name),
                source: source.unwrap_or_default().to_owned(),
                old: accepted.and_then(|record| held(record, name)),
                new: desired.value(name).filter(|_| !is_past).cloned(),
                absent: if is_past {
                    Some("It is given only when the account is made.".to_owned())
                } else {
                    absence.map(|one| one.sentence.clone())
                },
                cause: absence.map(|one| one.cause),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::compiled::tests::{app, facts, william};
    use crate::scim::schema::Registry;
    use serde_json::json;

    #[test]
    fn every_field_is_shown_with_old_and_new() {
        let document = serde_json::from_value(json!({ "users": [
            { "field": "login", "source": { "kind": "profile", "path": "userName" } },
            { "field": "department", "source":
                { "kind": "profile", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" } },
            { "field": "nick", "source": { "kind": "profile", "path": "nickName" } },
        ]}))
        .unwrap();
        let schema = app();
        let mapping = Mapping::compile(&document, &schema, &Registry::standard()).unwrap();
        let accepted = Record(
            [("department".to_owned(), json!("Sales")), ("nick".to_owned(), Value::Null)].into(),
        );
        let william = william();
        let desired = mapping.desired(Kind::User, &facts(&william), false);
        let rows = preview(&mapping, &schema, Kind::User, &desired, Some(&accepted));
        assert_eq!(rows.len(), schema.users.len());
        let row = |name: &str| rows.iter().find(|row| row.field == name).unwrap();
        assert_eq!(
            serde_json::to_value(row("department")).unwrap(),
            json!({
                "field": "department", "label": "department", "mandatory": false, "mapped": true,
                "source": "Profile field urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                "old": "Sales", "new": "Field Service",
            })
        );
        assert_eq!(
            serde_json::to_value(row("nick")).unwrap(),
            json!({
                "field": "nick", "label": "nick", "mandatory": false, "mapped": true,
                "source": "Profile field nickName", "cause": "empty",
                "absent": "nickName is empty in the profile. The app's field is emptied.",
            })
        );
        let unmapped = row("age");
        assert!(!unmapped.mapped && unmapped.source.is_empty() && unmapped.new.is_none());
        assert!(row("login").mandatory);
    }
}
