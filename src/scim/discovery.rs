//! ServiceProviderConfig, ResourceTypes and Schemas (RFC 7644 §4) as documents.

use super::schema::{Registry, ResourceType, Schema};
use serde_json::Value;

/// ServiceProviderConfig. `base` is the external SCIM base URL without a trailing slash.
pub fn service_provider_config(_base: &str) -> Value {
    todo!()
}

/// One ResourceType.
pub fn resource_type(_kind: &ResourceType, _base: &str) -> Value {
    todo!()
}

/// One Schema, with `schemas` and `meta`, without nulls.
pub fn schema(_schema: &Schema, _base: &str) -> Value {
    todo!()
}

/// All of both, as ListResponses: `(ResourceTypes, Schemas)`.
pub fn lists(_registry: &Registry, _base: &str) -> (Value, Value) {
    todo!()
}
