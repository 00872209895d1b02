//! Okta's profile mappings.

mod attributes;
mod functions;
mod grammar;

use super::Import;
use super::draft::{Draft, Wanted};
use super::term::Obstacle;
use crate::mapping::document::{Apply, OnEmpty};
use crate::mapping::field::{AppSchema, Kind};
use serde_json::Value;

pub(super) fn import(exported: &Value, app: &AppSchema) -> Result<Import, String> {
    let Some(properties) = exported.get("properties").and_then(Value::as_object) else {
        return Err("This is no profile mapping of Okta: it has no properties. Fetch one with \
                    GET /api/v1/mappings/{id}, where the list GET /api/v1/mappings tells the id."
            .to_owned());
    };
    let end =
        |name: &str| exported.get(name).and_then(|end| end.get("type")).and_then(Value::as_str);
    if end("target") == Some("user") && end("source") != Some("user") {
        return Err("This mapping leads from the app into Okta. Fetch the one whose source is \
                    Okta's user and whose target is the app."
            .to_owned());
    }
    let mut draft = Draft::new(app);
    for (field, property) in properties {
        let expression = property.get("expression").and_then(Value::as_str).unwrap_or_default();
        draft.rule(Kind::User, field, expression, || wanted(expression, property));
    }
    Ok(draft.finished())
}

fn wanted(expression: &str, property: &Value) -> Result<Wanted, Obstacle> {
    if expression.trim().is_empty() {
        return Err(Obstacle::new("The field has no expression.", "Leave the field unmapped."));
    }
    let tree = grammar::parse(expression).map_err(|problem| {
        Obstacle::new(
            format!("It cannot be read: {problem}"),
            "Correct the expression, or write the rule by hand.",
        )
    })?;
    let term = functions::term(&tree)?;
    // The console calls it "Apply mapping on user create only".
    let only_create = property.get("pushStatus").and_then(Value::as_str) == Some("DONT_PUSH");
    let apply = if only_create { Apply::Create } else { Apply::Always };
    // Okta pushes that a value is gone.
    Ok(Wanted { term, apply, on_empty: OnEmpty::Clear, notes: Vec::new() })
}
