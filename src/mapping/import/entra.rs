//! Microsoft Entra's exports.

mod attributes;
mod functions;
mod grammar;

use super::Import;
use super::draft::{Draft, Note, Wanted};
use super::target;
use super::term::{Obstacle, Term};
use super::tree::{MAX_DEPTH, Tree};
use crate::mapping::document::{Apply, OnEmpty};
use crate::mapping::field::{AppSchema, Kind};
use serde_json::Value;

pub(super) fn import(exported: &Value, app: &AppSchema) -> Result<Import, String> {
    let mut draft = Draft::new(app);
    // A synchronization template has its schema within.
    let schema = exported.get("schema").filter(|schema| schema.is_object()).unwrap_or(exported);
    if let Some(rules) = schema.get("synchronizationRules").and_then(Value::as_array) {
        for rule in rules {
            synchronization(rule, &mut draft);
        }
    } else if let Some(mappings) = schema.get("objectMappings").and_then(Value::as_array) {
        objects(mappings, &mut draft);
    } else if schema.get("attributeMappings").is_some_and(Value::is_array) {
        object(schema, &mut draft);
    } else if let Some(list) = schema.as_array().filter(|list| {
        !list.is_empty() && list.iter().all(|one| one.get("targetAttributeName").is_some())
    }) {
        attributes_of(Kind::User, list, &mut draft);
    } else {
        return Err("This is no attribute mapping of Microsoft Entra: it has neither \
                    synchronizationRules nor objectMappings nor attributeMappings. Export it as \
                    JSON under Provisioning, Review your schema, Download, or with Microsoft \
                    Graph: GET /servicePrincipals/{id}/synchronization/jobs/{id}/schema."
            .to_owned());
    }
    Ok(draft.finished())
}

/// A text of an object; empty where there is none.
fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A rule of the schema: one direction between two directories.
fn synchronization(rule: &Value, draft: &mut Draft<'_>) {
    let into = text(rule, "targetDirectoryName");
    if ["Azure Active Directory", "Microsoft Entra ID", "Active Directory"].contains(&into) {
        draft.note(
            "users",
            text(rule, "name"),
            Obstacle::new(
                format!("These rules write to {into}, not to the app."),
                "Leave them out.",
            ),
        );
        return;
    }
    match rule.get("objectMappings").and_then(Value::as_array) {
        Some(mappings) => objects(mappings, draft),
        None => draft.note("users", text(rule, "name"), unreadable("objectMappings")),
    }
}

fn unreadable(name: &str) -> Obstacle {
    Obstacle::new(format!("It has no list {name}."), "Export the mapping again.")
}

fn objects(mappings: &[Value], draft: &mut Draft<'_>) {
    for mapping in mappings {
        object(mapping, draft);
    }
}

/// The rules for one kind of object.
fn object(mapping: &Value, draft: &mut Draft<'_>) {
    let (from, to) = (text(mapping, "sourceObjectName"), text(mapping, "targetObjectName"));
    let name = match text(mapping, "name") {
        "" => to,
        name => name,
    };
    // One that was cut out of its export may have no names.
    let unnamed = (from.is_empty() && to.is_empty()).then_some(Kind::User);
    let Some(kind) = kind(from).or_else(|| kind(to)).or(unnamed) else {
        let obstacle = Obstacle::new(
            format!(
                "These rules are for objects called {from}, and Rollcall knows users and groups."
            ),
            "Leave them out.",
        );
        return draft.note("users", name, obstacle);
    };
    if mapping.get("enabled").and_then(Value::as_bool) == Some(false) {
        let obstacle = Obstacle::new(
            "These rules are switched off in Entra.",
            "To import them, set enabled to true in the export and import it again.",
        );
        return draft.note(kind.place(), name, obstacle);
    }
    let groups = mapping.get("scope").and_then(|scope| scope.get("groups"));
    if let Some(scope) =
        groups.filter(|groups| groups.as_array().is_some_and(|all| !all.is_empty()))
    {
        let obstacle = Obstacle::new(
            "The export limits who is provisioned, which is no part of a mapping.",
            "Choose who gets an account by assigning people and groups to the app.",
        );
        draft.note(kind.place(), &scope.to_string(), obstacle);
    }
    match mapping.get("attributeMappings").and_then(Value::as_array) {
        Some(list) => attributes_of(kind, list, draft),
        None => draft.note(kind.place(), name, unreadable("attributeMappings")),
    }
}

/// `User`, `urn:…:2.0:User`, `Group`.
fn kind(name: &str) -> Option<Kind> {
    let last = name.rsplit_once(':').map_or(name, |(_, last)| last);
    match last.to_ascii_lowercase().as_str() {
        "user" | "users" => Some(Kind::User),
        "group" | "groups" => Some(Kind::Group),
        _ => None,
    }
}

fn attributes_of(kind: Kind, mappings: &[Value], draft: &mut Draft<'_>) {
    for mapping in mappings {
        let source = mapping.get("source").filter(|source| !source.is_null());
        let written = source.map_or_else(String::new, written);
        let field = text(mapping, "targetAttributeName");
        draft.rule(kind, field, &written, || wanted(kind, field, mapping, source));
    }
}

/// A source as people know it.
fn written(source: &Value) -> String {
    match (text(source, "type"), text(source, "expression"), text(source, "name")) {
        ("Constant", _, name) if !name.is_empty() => format!("\"{name}\""),
        ("Attribute", "", name) => format!("[{name}]"),
        (_, "", "") => source.to_string(),
        (_, "", name) => name.to_owned(),
        (_, expression, _) => expression.to_owned(),
    }
}

fn wanted(
    kind: Kind,
    field: &str,
    mapping: &Value,
    source: Option<&Value>,
) -> Result<Wanted, Obstacle> {
    let default = match mapping.get("defaultValue") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(value) => Some(value.clone()),
    };
    let apply = apply(mapping)?;
    let Some(source) = source else {
        // Nothing is read: the default is what an account begins with.
        let value = match default {
            Some(Value::String(text)) => Term::Text(text),
            Some(Value::Bool(value)) => Term::Boolean(value),
            Some(Value::Number(number)) => Term::Number(number.to_string()),
            _ => {
                return Err(Obstacle::new(
                    "The rule has neither a source nor a default value.",
                    "Leave the field unmapped.",
                ));
            }
        };
        return Ok(Wanted {
            term: value,
            apply: Apply::Create,
            on_empty: OnEmpty::Clear,
            notes: Vec::new(),
        });
    };
    let mut tree = tree(source)?;
    // Around a whole expression it says what is so anyway.
    while let Tree::Call(name, arguments) = &mut tree {
        if !name.eq_ignore_ascii_case("IgnoreFlowIfNullOrEmpty") || arguments.len() != 1 {
            break;
        }
        let Some(inner) = arguments.pop() else { break };
        tree = inner;
    }
    let term = match identity(field, &tree) {
        Some(term) => term?,
        None => functions::term(kind, &tree)?,
    };
    let mut notes = Vec::new();
    if functions::calls(&tree, "NormalizeDiacritics") {
        let difference = Obstacle::new(
            "NormalizeDiacritics takes accents off Latin letters only; transliterate, which is \
             used here, also writes Cyrillic, Chinese and all other letters in Latin ones.",
            "Keep it if that is right; otherwise take transliterate out of the rule.",
        );
        notes.push(Note { later: false, difference });
    }
    let on_empty = match default {
        _ if term.has_always_a_value() => OnEmpty::Clear,
        Some(value) => {
            let difference = Obstacle::new(
                "Entra uses the default only when it makes an account; here it is used whenever \
                 the source is empty.",
                "Keep it if that is right; otherwise set \"onEmpty\" of the rule to \"skip\", which \
                 leaves the field as it is.",
            );
            notes.push(Note { later: true, difference });
            OnEmpty::Default(value)
        }
        // Entra never empties a field.
        None => OnEmpty::Skip,
    };
    Ok(Wanted { term, apply, on_empty, notes })
}

/// When a rule applies; by default, always.
fn apply(mapping: &Value) -> Result<Apply, Obstacle> {
    let flow = match mapping.get("flowType") {
        None | Some(Value::Null) => return Ok(Apply::Always),
        Some(Value::String(flow)) => flow.clone(),
        Some(other) => other.to_string(),
    };
    match flow.to_ascii_lowercase().as_str() {
        "" | "always" | "valueaddonly" => Ok(Apply::Always),
        "objectaddonly" => Ok(Apply::Create),
        "multivalueaddonly" | "attributeaddonly" => Err(Obstacle::new(
            "The rule applies here only while the app's field is empty, or only adds to a list.",
            "Make a rule that applies always, or only when the account is made.",
        )),
        _ => Err(Obstacle::new(
            format!("Its flowType is {flow}, and Rollcall does not know when such a rule applies."),
            "Set flowType to Always or to ObjectAddOnly in the export and import it again, or \
             write the rule by hand.",
        )),
    }
}

/// The app's `externalId` is the directory's id of the person or group: Rollcall's where it was
/// Entra's. The mail alias, which Entra's own default mapping puts there, is no such thing.
fn identity(field: &str, tree: &Tree) -> Option<Result<Term, Obstacle>> {
    let Tree::Attribute(name) = tree else { return None };
    if !target::means(field, "externalId") {
        return None;
    }
    match name.to_ascii_lowercase().as_str() {
        "objectid" | "id" => Some(Ok(Term::Field("id"))),
        "mailnickname" => Some(Err(Obstacle::identity(name))),
        _ => None,
    }
}

/// The source of an attribute mapping as a tree.
fn tree(source: &Value) -> Result<Tree, Obstacle> {
    let (name, expression) = (text(source, "name"), text(source, "expression"));
    match text(source, "type") {
        "Attribute" if !name.is_empty() => Ok(Tree::Attribute(name.to_owned())),
        "Constant" if !name.is_empty() => Ok(Tree::Text(name.to_owned())),
        _ if !expression.trim().is_empty() => grammar::parse(expression).map_err(|problem| {
            Obstacle::new(
                format!("It cannot be read: {problem}"),
                "Correct the expression, or write the rule by hand.",
            )
        }),
        "Function" if !name.is_empty() => function(source, 0),
        _ => Err(Obstacle::new("The rule has no source.", "Leave the field unmapped.")),
    }
}

/// A function that was exported by its parameters only.
fn function(source: &Value, depth: usize) -> Result<Tree, Obstacle> {
    let name = text(source, "name");
    if depth >= MAX_DEPTH {
        return Err(Obstacle::new(
            format!("It is nested more than {MAX_DEPTH} levels deep."),
            "Write the rule by hand.",
        ));
    }
    match text(source, "type") {
        "Attribute" => return Ok(Tree::Attribute(name.to_owned())),
        "Constant" => return Ok(Tree::Text(name.to_owned())),
        _ => {}
    }
    let parameters = source.get("parameters").and_then(Value::as_array);
    let parameters = parameters.map(Vec::as_slice).unwrap_or_default();
    let mut arguments = Vec::new();
    let mut keys = Vec::new();
    for parameter in parameters {
        let value = parameter.get("value").unwrap_or(&Value::Null);
        keys.push(text(parameter, "key").to_ascii_lowercase());
        arguments.push(function(value, depth + 1)?);
    }
    if name.eq_ignore_ascii_case("Replace") {
        // Its arguments are known by name, and most of them are left out.
        arguments = [
            &["source"] as &[&str],
            &["oldvalue"],
            &["regexpattern"],
            &["regexgroupname"],
            &["replacementvalue", "replacement"],
            &["replacementattributename", "replacementpropertyname"],
            &["template"],
        ]
        .into_iter()
        .map(|names| {
            let at = keys.iter().position(|key| names.contains(&key.as_str()));
            at.and_then(|at| arguments.get(at)).cloned().unwrap_or(Tree::Omitted)
        })
        .collect();
    }
    if name.is_empty() {
        return Ok(Tree::Omitted);
    }
    Ok(Tree::Call(name.to_owned(), arguments))
}
