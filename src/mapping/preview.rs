//! A mapping shown with one person's values: every field of the app, mapped and unmapped.

use super::compiled::Mapping;
use super::field::{AppSchema, Kind};
use super::record::Record;
use serde::Serialize;
use serde_json::{Map, Value};

/// One field of the app, for the sample user.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviewRow {
    /// The app field.
    pub field: String,
    /// Its name for people.
    pub label: String,
    /// Whether an account cannot be made without it.
    pub mandatory: bool,
    /// Whether the mapping has a rule for it.
    pub mapped: bool,
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
}

/// Every field of the app in the app's order, with what it held and what it should hold.
///
/// `accepted` is what the app last accepted; none where there is no account yet.
pub fn preview(
    mapping: &Mapping,
    schema: &AppSchema,
    kind: Kind,
    resource: &Map<String, Value>,
    accepted: Option<&Record>,
) -> Vec<PreviewRow> {
    let mut desired = mapping.desired(kind, resource);
    let held =
        |record: &Record, name: &str| record.0.get(name).filter(|value| !value.is_null()).cloned();
    schema
        .fields(kind)
        .iter()
        .map(|field| {
            let source = mapping.described(kind, &field.name);
            PreviewRow {
                field: field.name.clone(),
                label: field.label.clone(),
                mandatory: field.mandatory,
                mapped: source.is_some(),
                source: source.unwrap_or_default().to_owned(),
                old: accepted.and_then(|record| held(record, &field.name)),
                new: held(&desired.always, &field.name)
                    .or_else(|| held(&desired.on_create, &field.name)),
                absent: desired.absent.remove(&field.name),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::compiled::tests::{app, william};
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
        let rows = preview(&mapping, &schema, Kind::User, &william(), Some(&accepted));
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
                "source": "Profile field nickName",
                "absent": "nickName is empty in the profile. The app's field is emptied.",
            })
        );
        let unmapped = row("age");
        assert!(!unmapped.mapped && unmapped.source.is_empty() && unmapped.new.is_none());
        assert!(row("login").mandatory);
    }
}
