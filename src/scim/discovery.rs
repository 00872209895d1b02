//! ServiceProviderConfig, ResourceTypes and Schemas (RFC 7644 §4) as documents.

use super::bulk;
use super::cursor;
use super::list;
use super::schema::{Attribute, Registry, ResourceType, Schema, Type};
use super::urn;
use serde_json::{Map, Value, json};

/// ServiceProviderConfig. `base` is the external SCIM base URL without a trailing slash,
/// `max_payload_size` the largest bulk request in bytes.
pub fn service_provider_config(base: &str, max_payload_size: usize) -> Value {
    json!({
        "schemas": [urn::SERVICE_PROVIDER_CONFIG],
        "patch": { "supported": true },
        "bulk": {
            "supported": true,
            "maxOperations": bulk::MAX_OPERATIONS,
            "maxPayloadSize": max_payload_size
        },
        "filter": { "supported": true, "maxResults": list::MAX_COUNT },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": list::DEFAULT_COUNT,
            "maxPageSize": list::MAX_COUNT,
            "cursorTimeout": cursor::TIMEOUT_SECONDS
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "A bearer token in the Authorization header",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig")
        }
    })
}

/// One `ResourceType`.
pub fn resource_type(kind: &ResourceType, base: &str) -> Value {
    let extensions: Vec<Value> = kind
        .extensions
        .iter()
        .map(|(schema, required)| json!({ "schema": schema.id, "required": required }))
        .collect();
    let mut document = json!({
        "schemas": [urn::RESOURCE_TYPE],
        "id": kind.name,
        "name": kind.name,
        "description": kind.description,
        "endpoint": kind.endpoint,
        "schema": kind.schema.id
    });
    if let Some(document) = document.as_object_mut() {
        if !extensions.is_empty() {
            document.insert("schemaExtensions".to_owned(), extensions.into());
        }
        let location = format!("{base}/ResourceTypes/{}", kind.name);
        document.insert("meta".to_owned(), meta("ResourceType", &location));
    }
    document
}

/// One Schema, with `schemas` and `meta`, without nulls.
pub fn schema(schema: &Schema, base: &str) -> Value {
    json!({
        "schemas": [urn::SCHEMA],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": attributes(&schema.attributes),
        "meta": meta("Schema", &format!("{base}/Schemas/{}", schema.id))
    })
}

/// All of both, as lists: `(ResourceTypes, Schemas)`.
pub fn lists(registry: &Registry, base: &str) -> (Value, Value) {
    let all = |documents: Vec<Value>| list::response(documents.len(), 1, documents);
    let kinds = registry.resource_types.iter().map(|kind| resource_type(kind, base)).collect();
    let schemas = registry.schemas().into_iter().map(|found| schema(found, base)).collect();
    (all(kinds), all(schemas))
}

fn meta(resource_type: &str, location: &str) -> Value {
    json!({ "resourceType": resource_type, "location": location })
}

fn attributes(definitions: &[Attribute]) -> Vec<Value> {
    definitions.iter().map(attribute).collect()
}

/// A definition with the characteristics that its type has: complex values and booleans know
/// neither case nor uniqueness.
fn attribute(definition: &Attribute) -> Value {
    let mut document = Map::new();
    let mut say = |name: &str, value: Value| document.insert(name.to_owned(), value);
    say("name", definition.name.as_str().into());
    say("type", json!(definition.kind));
    if !definition.sub_attributes.is_empty() {
        say("subAttributes", attributes(&definition.sub_attributes).into());
    }
    say("multiValued", definition.multi_valued.into());
    say("description", definition.description.as_str().into());
    say("required", definition.required.into());
    if !definition.canonical_values.is_empty() {
        say("canonicalValues", json!(definition.canonical_values));
    }
    let textual = !matches!(definition.kind, Type::Complex | Type::Boolean);
    if textual {
        say("caseExact", definition.case_exact.into());
    }
    say("mutability", json!(definition.mutability));
    say("returned", json!(definition.returned));
    if textual {
        say("uniqueness", json!(definition.uniqueness));
    }
    if !definition.reference_types.is_empty() {
        say("referenceTypes", json!(definition.reference_types));
    }
    Value::Object(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://example.com/scim/v2";

    fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
        visit(value);
        match value {
            Value::Array(values) => values.iter().for_each(|value| walk(value, visit)),
            Value::Object(parts) => parts.values().for_each(|value| walk(value, visit)),
            _ => {}
        }
    }

    #[test]
    fn the_configuration_says_what_is_there() {
        let config = service_provider_config(BASE, 4096);
        assert_eq!(config["schemas"], json!([urn::SERVICE_PROVIDER_CONFIG]));
        assert_eq!(config["patch"], json!({ "supported": true }));
        assert_eq!(
            config["bulk"],
            json!({ "supported": true, "maxOperations": 1000, "maxPayloadSize": 4096 })
        );
        assert_eq!(config["filter"], json!({ "supported": true, "maxResults": 1000 }));
        assert_eq!(
            config["pagination"],
            json!({
                "cursor": true, "index": true, "defaultPaginationMethod": "index",
                "defaultPageSize": 100, "maxPageSize": 1000, "cursorTimeout": 3600
            })
        );
        for (name, supported) in [("changePassword", false), ("sort", true), ("etag", true)] {
            assert_eq!(config[name], json!({ "supported": supported }));
        }
        assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
        assert_eq!(config["meta"]["location"], "https://example.com/scim/v2/ServiceProviderConfig");
    }

    #[test]
    fn resource_types_and_schemas_agree() {
        let registry = Registry::standard();
        let (kinds, schemas) = lists(&registry, BASE);
        assert_eq!((&kinds["totalResults"], &schemas["totalResults"]), (&json!(2), &json!(3)));
        let ids: Vec<&Value> =
            schemas["Resources"].as_array().unwrap().iter().map(|schema| &schema["id"]).collect();
        for kind in kinds["Resources"].as_array().unwrap() {
            assert_eq!(kind["id"], kind["name"]);
            assert!(ids.contains(&&kind["schema"]));
            for extension in kind["schemaExtensions"].as_array().into_iter().flatten() {
                assert!(ids.contains(&&extension["schema"]));
                assert_eq!(extension["required"], false);
            }
            let location = format!("{BASE}/ResourceTypes/{}", kind["name"].as_str().unwrap());
            assert_eq!(
                kind["meta"],
                json!({ "resourceType": "ResourceType", "location": location })
            );
        }
        for schema in schemas["Resources"].as_array().unwrap() {
            assert_eq!(schema["schemas"], json!([urn::SCHEMA]));
            let location = format!("{BASE}/Schemas/{}", schema["id"].as_str().unwrap());
            assert_eq!(schema["meta"], json!({ "resourceType": "Schema", "location": location }));
        }
    }

    #[test]
    fn nothing_is_null_and_nothing_of_ours_is_told() {
        let (kinds, schemas) = lists(&Registry::standard(), BASE);
        for document in [kinds, schemas, service_provider_config(BASE, 4096)] {
            walk(&document, &mut |value| {
                assert!(!value.is_null());
                assert!(value.get("indexed").is_none());
                if value.get("type") == Some(&json!("complex")) {
                    assert!(value.get("uniqueness").is_none());
                }
            });
        }
    }

    #[test]
    fn an_attribute_is_answered_as_the_rfc_writes_it() {
        let registry = Registry::standard();
        let user = schema(&registry.named("User").unwrap().schema, BASE);
        let named = |name: &str| {
            let all = user["attributes"].as_array().unwrap();
            all.iter().find(|attribute| attribute["name"] == name).unwrap().clone()
        };
        let mut user_name = named("userName");
        user_name.as_object_mut().unwrap().shift_remove("description");
        assert_eq!(
            user_name,
            json!({
                "name": "userName", "type": "string", "multiValued": false, "required": true,
                "caseExact": false, "mutability": "readWrite", "returned": "default",
                "uniqueness": "server"
            })
        );
        let kind = named("emails")["subAttributes"][2].clone();
        assert_eq!(kind["canonicalValues"], json!(["work", "home", "other"]));
        assert_eq!(named("profileUrl")["referenceTypes"], json!(["external"]));
        assert!(named("active").get("caseExact").is_none());
    }
}
