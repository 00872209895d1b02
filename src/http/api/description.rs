//! The description of the API: what utoipa gathers from the handlers, and what it cannot know. The
//! shapes of documents that other rooms read and write stand in `description/*.json`, because only
//! this room knows OpenAPI; so does what every operation can answer.

use super::Description;
use crate::adapters::catalogue;
use actix_web::HttpResponse;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::sync::LazyLock;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{OpenApi as _, PartialSchema, ToSchema};

/// Components, file by file.
const SHAPES: [&str; 5] = [
    include_str!("description/mapping.json"),
    include_str!("description/apps.json"),
    include_str!("description/answers.json"),
    include_str!("description/links.json"),
    include_str!("description/schemas.json"),
];
/// Tags, answers that every operation can give, parameters by name, examples by operation.
const FRAME: &str = include_str!("description/frame.json");
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Names of components of `description/*.json`, for handlers to refer to.
macro_rules! shapes {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "` of `description/*.json`.")]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                // The file has the rest.
                ObjectBuilder::new().build().into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}

shapes! {
    Account AppFields Attribute Dialect Difference Exchange Held Impact Integrity Kind Limits LinkAnswer LinkDetail
    Maintenance MappingDocument PendingReason Plan Policy Preview ProvisionedNow Queue Report
    ResourceType Sample SchemaDefinition Scope Setting Untranslated UserOrNobody Why
}

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let gathered = serde_json::to_value(Description::openapi()).unwrap_or_default();
    completed(gathered)
});

/// The description of the API, in OpenAPI 3.1. Needs no token.
#[utoipa::path(get, path = "/openapi.json", operation_id = "getDescription", tag = "description",
    security(()), responses((status = 200, body = Object)))]
pub async fn get() -> HttpResponse {
    HttpResponse::Ok().json(&*DOCUMENT)
}

/// The methods of a path, as `Allow` lists them.
pub fn methods(pattern: &str) -> String {
    let path = pattern.strip_prefix("/api/v1").unwrap_or(pattern);
    let described = DOCUMENT.get("paths").and_then(|paths| paths.get(path));
    let has = |method: &&str| described.is_some_and(|item| item.get(*method).is_some());
    let mut methods: Vec<String> =
        METHODS.iter().filter(|m| has(m)).map(|m| m.to_uppercase()).collect();
    if methods.first().is_some_and(|first| first == "GET") {
        methods.insert(1, "HEAD".to_owned());
    }
    methods.join(", ")
}

/// What utoipa gathered, with what it cannot know.
fn completed(mut document: Value) -> Value {
    let frame: Value = serde_json::from_str(FRAME).unwrap_or_default();
    let part = |name: &str| frame.get(name).cloned().unwrap_or_default();
    let operations = document.get_mut("paths").and_then(Value::as_object_mut);
    for item in operations.into_iter().flat_map(|paths| paths.values_mut()) {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                complete(operation, &frame);
            }
        }
    }
    if let Some(document) = document.as_object_mut() {
        document.insert("tags".to_owned(), part("tags"));
        let components = document.entry("components").or_insert_with(|| json!({}));
        if let Some(components) = components.as_object_mut() {
            components.insert("responses".to_owned(), part("responses"));
            components.insert("parameters".to_owned(), part("parameters"));
            let schemas = components.entry("schemas").or_insert_with(|| json!({}));
            if let Some(schemas) = schemas.as_object_mut() {
                for shapes in SHAPES {
                    let shapes: Map<String, Value> =
                        serde_json::from_str(shapes).unwrap_or_default();
                    schemas.extend(shapes);
                }
                by_name(schemas);
                guarded(schemas);
                if let Some(adapter) = schemas
                    .get_mut("NewApp")
                    .and_then(|app| app.pointer_mut("/properties/adapter"))
                    .and_then(Value::as_object_mut)
                {
                    let kinds: Vec<&str> =
                        catalogue::entries().iter().map(|one| one.kind).collect();
                    adapter.insert("enum".to_owned(), json!(kinds));
                }
            }
        }
    }
    document
}

/// A page of a list refers to the shape that it is a list of; utoipa writes it out instead.
fn by_name(schemas: &mut Map<String, Value>) {
    let pages: Vec<String> =
        schemas.keys().filter(|name| name.starts_with("Items_")).cloned().collect();
    for page in pages {
        let one = page.trim_start_matches("Items_").to_owned();
        if !schemas.contains_key(&one) {
            continue;
        }
        let items = schemas.get_mut(&page).and_then(|page| page.pointer_mut("/properties/items"));
        if let Some(items) = items.and_then(Value::as_object_mut) {
            let shape = json!({ "$ref": format!("#/components/schemas/{one}") });
            items.insert("items".to_owned(), shape);
        }
    }
}

/// What a problem has besides, where a change would take too much away.
fn guarded(schemas: &mut Map<String, Value>) {
    let problem = schemas.get_mut("Problem").and_then(|one| one.get_mut("properties"));
    if let Some(properties) = problem.and_then(Value::as_object_mut) {
        let breach = json!({ "$ref": "#/components/schemas/Breach" });
        let breaches = json!({ "type": "array", "items": breach,
            "description": "Of a change that takes too much away (`/problems/guard`): the limits that it passes." });
        let removals = json!({ "$ref": "#/components/schemas/Removals",
            "description": "What it takes away beyond what is in force." });
        let approve = json!({ "type": "integer", "format": "int64", "minimum": 0,
            "description": "What to repeat the request with: `?approve=` this." });
        properties.insert("breaches".to_owned(), breaches);
        properties.insert("removals".to_owned(), removals);
        properties.insert("approve".to_owned(), approve);
    }
}

/// One operation: what it can answer, its parameters, an example of its body.
fn complete(operation: &mut Map<String, Value>, frame: &Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    let mut in_path = false;
    for parameter in parameters.into_iter().flatten() {
        let place = parameter.get("in").and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if place == "path" {
            in_path = true;
            *parameter = json!({ "$ref": format!("#/components/parameters/{name}") });
        } else if let Some(schema) = parameter.get_mut("schema") {
            not_null(schema);
        }
    }
    let has_body = operation.contains_key("requestBody");
    let is_open = operation.get("security").is_some_and(|security| security == &json!([{}]));
    let mut possible = vec!["400"];
    if !is_open {
        possible.extend(["401", "403", "503"]);
    }
    if in_path {
        possible.push("404");
    }
    if has_body {
        possible.extend(["413", "415"]);
    }
    if let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        let named: Vec<String> =
            answers.keys().filter(|status| status.as_str() >= "400").cloned().collect();
        for status in named.iter().map(String::as_str).chain(possible) {
            let name = frame.pointer(&format!("/statuses/{status}")).and_then(Value::as_str);
            if let Some(name) = name {
                let answer = json!({ "$ref": format!("#/components/responses/{name}") });
                answers.insert(status.to_owned(), answer);
            }
        }
        answers.sort_keys();
        for (status, answer) in answers.iter_mut() {
            tell(status, answer);
        }
    }
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    let example = frame.pointer(&format!("/examples/{id}")).cloned();
    if let Some(example) = example
        && let Some(content) = operation
            .get_mut("requestBody")
            .and_then(|body| body.pointer_mut("/content/application~1json"))
            .and_then(Value::as_object_mut)
    {
        content.insert("example".to_owned(), example);
    }
    summarise(operation);
}

/// A parameter of the query is there or it is not; there is no null.
fn not_null(schema: &mut Value) {
    if let Some(kinds) = schema.get_mut("type")
        && let Some(list) = kinds.as_array()
    {
        *kinds = list.iter().find(|kind| *kind != "null").cloned().unwrap_or_default();
    }
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array)
        && let Some(one) = choices.iter().find(|choice| choice.get("$ref").is_some())
    {
        *schema = one.clone();
    }
}

/// Every answer says what it is.
fn tell(status: &str, answer: &mut Value) {
    let Some(answer) = answer.as_object_mut() else { return };
    if answer.get("description").is_some_and(|text| text == "") {
        let text = match status {
            "201" => "Made.",
            "202" => "Taken on; it is done as soon as it is due.",
            "204" => "Done.",
            _ => "As it is now.",
        };
        answer.insert("description".to_owned(), text.into());
    }
}

/// The summary is the first sentence; the description says all.
fn summarise(operation: &mut Map<String, Value>) {
    let text = ["summary", "description"]
        .iter()
        .filter_map(|name| operation.get(*name).and_then(Value::as_str))
        .collect::<Vec<_>>()
        .join(" ")
        .replace('\n', " ");
    let first = text.split_once(". ").map_or(text.as_str(), |(first, _)| first);
    let first = first.trim_end_matches('.').to_owned();
    operation.insert("summary".to_owned(), first.into());
    operation.insert("description".to_owned(), text.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every operation, with its path and method.
    fn operations() -> Vec<(String, &'static Map<String, Value>)> {
        let paths = DOCUMENT["paths"].as_object().unwrap();
        paths
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().unwrap().iter().map(move |(method, operation)| {
                    (format!("{method} {path}"), operation.as_object().unwrap())
                })
            })
            .collect()
    }

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Object(map) => {
                for (key, item) in map {
                    match item.as_str() {
                        Some(text) if key == "$ref" => {
                            found.insert(text.to_owned());
                        }
                        _ => references(item, found),
                    }
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_component_is_used() {
        let mut found = BTreeSet::new();
        references(&DOCUMENT, &mut found);
        for reference in &found {
            let target = DOCUMENT.pointer(reference.trim_start_matches('#'));
            assert!(target.is_some_and(Value::is_object), "{reference}");
        }
        for kind in ["schemas", "responses", "parameters"] {
            for name in DOCUMENT["components"][kind].as_object().unwrap().keys() {
                let reference = format!("#/components/{kind}/{name}");
                assert!(found.contains(&reference), "nobody refers to {reference}");
            }
        }
    }

    #[test]
    fn no_name_is_given_to_two_shapes() {
        let gathered = serde_json::to_value(Description::openapi()).unwrap();
        let gathered = gathered["components"]["schemas"].as_object().unwrap();
        let mut written = BTreeSet::new();
        for shapes in SHAPES {
            for name in serde_json::from_str::<Map<String, Value>>(shapes).unwrap().keys() {
                let elsewhere = gathered.get(name).and_then(|shape| shape.get("properties"));
                assert!(elsewhere.is_none(), "{name} is a shape of a handler, too");
                assert!(written.insert(name.clone()), "{name} is written twice");
            }
        }
    }

    #[test]
    fn nothing_is_left_to_guess() {
        let mut ids = BTreeSet::new();
        let tags: BTreeSet<&str> = DOCUMENT["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag["name"].as_str().unwrap())
            .collect();
        for (name, operation) in operations() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{name}: {id} is another operation's id too");
            assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{name}");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name}");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.contains_key("400"), "{name}");
            assert_eq!(answers.contains_key("401"), id != "getDescription", "{name}");
            assert_eq!(
                answers.contains_key("404"),
                name.contains('{') || id == "listAttempts",
                "{name}"
            );
            assert_eq!(
                answers.contains_key("415"),
                operation.contains_key("requestBody"),
                "{name}"
            );
            for (status, answer) in answers {
                let shared = answer["$ref"].as_str().is_some_and(|to| to.contains("/responses/"));
                assert_eq!(
                    shared,
                    status.as_str() >= "400",
                    "{name}: {status} has a shape of its own"
                );
            }
        }
        for shapes in SHAPES {
            let shapes: Map<String, Value> = serde_json::from_str(shapes).unwrap();
            assert!(shapes.values().all(|shape| shape["description"].is_string()));
        }
        let frame: Value = serde_json::from_str(FRAME).unwrap();
        for id in frame["examples"].as_object().unwrap().keys() {
            assert!(
                ids.contains(id.as_str()),
                "there is an example for {id}, which is no operation"
            );
        }
    }

    #[test]
    fn what_a_path_takes_is_told() {
        assert_eq!(methods("/api/v1/apps/{app}"), "GET, HEAD, DELETE, PATCH");
        assert_eq!(methods("/api/v1/runs/{run}/confirm"), "POST");
    }
}
