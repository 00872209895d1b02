//! Many resources: GET on a collection, and `POST .search` (RFC 7644 §3.4.2, §3.4.3).

use crate::auth::Scope;
use crate::directory::Caller;
use crate::http::error::{Refusal, Result};
use crate::http::extract::{Limit, answer_type, entered, json, list_parameter, parameter};
use crate::http::server::State;
use crate::scim::dialect::{Forgiven, Reading};
use crate::scim::error::{Fault, shortened};
use crate::scim::list::{self, Parameters, Query};
use crate::scim::projection::{self, Projection};
use crate::scim::resource::unknown_member;
use crate::scim::schema::ResourceType;
use crate::scim::urn;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;
use std::sync::Arc;

pub(super) async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let parameters = Parameters {
        filter: parameter(&request, "filter"),
        sort_by: parameter(&request, "sortBy"),
        sort_order: parameter(&request, "sortOrder"),
        start_index: parameter(&request, "startIndex"),
        count: parameter(&request, "count"),
        attributes: list_parameter(&request, "attributes"),
        excluded_attributes: list_parameter(&request, "excludedAttributes"),
    };
    let (caller, kind) = entered(&request, &state, Scope::ScimRead).await?;
    answer(&request, &state, &kind, &caller, &parameters, Forgiven::default()).await
}

pub(super) async fn search(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse> {
    let (caller, kind) = entered(&request, &state, Scope::ScimRead).await?;
    let body = json(&request, payload, Limit::Body(state.body_limit)).await?;
    let reading = Reading::new(caller.dialect);
    let parameters = read(body, &reading)?;
    let forgiven = reading.forgiven();
    answer(&request, &state, &kind, &caller, &parameters, forgiven).await
}

async fn answer(
    request: &HttpRequest,
    state: &State,
    kind: &Arc<ResourceType>,
    caller: &Caller,
    parameters: &Parameters,
    forgiven: Forgiven,
) -> Result<HttpResponse> {
    let (query, projection, forgiven) = {
        let reading = Reading::new(caller.dialect);
        let query = Query::parse_as(kind, parameters, &reading)?;
        let attributes = parameters.attributes.as_deref();
        let excluded = parameters.excluded_attributes.as_deref();
        projection::check_names(&[kind], attributes, excluded, &reading)?;
        let projection = Projection::parse(kind, attributes, excluded)?;
        (query, projection, forgiven.and(reading.forgiven()))
    };
    let start_index = query.start_index;
    let base = state.scim_base();
    let listing = state.service.list(caller, kind, query, base, projection).await?;
    state.service.note_forgiven(caller, forgiven);
    let body = list::response(listing.total, start_index, listing.resources);
    Ok(HttpResponse::Ok().content_type(answer_type(request.headers())).body(body.to_string()))
}

/// Reads a `SearchRequest`.
fn read(body: Value, reading: &Reading) -> Result<Parameters> {
    let Value::Object(body) = body else {
        return Err(Fault::NotAnObject { what: "a SearchRequest".to_owned() }.into());
    };
    let mut parameters = Parameters::default();
    let mut schemas = false;
    for (name, value) in body {
        let wrong = |what: &'static str| {
            Refusal::from(Fault::ParameterShape { name: shortened(&name), what })
        };
        let text = |value: Value| match value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => Err(wrong("a string")),
        };
        let number = |value: Value| match value {
            Value::Null => Ok(None),
            Value::Number(number) => Ok(Some(number.to_string())),
            Value::String(text) => Ok(Some(text)),
            _ => Err(wrong("a number")),
        };
        let names = |value: Value| match value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            Value::Array(names) => names
                .iter()
                .map(|name| name.as_str().ok_or_else(|| wrong("an array of strings")))
                .collect::<Result<Vec<&str>>>()
                .map(|names| Some(names.join(","))),
            _ => Err(wrong("an array of strings")),
        };
        match name.to_ascii_lowercase().as_str() {
            "schemas" => {
                let is_ours = |urn: &Value| {
                    urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(urn::SEARCH_REQUEST))
                };
                schemas = value.as_array().is_some_and(|urns| urns.iter().any(is_ours));
            }
            "filter" => parameters.filter = text(value)?,
            "sortby" => parameters.sort_by = text(value)?,
            "sortorder" => parameters.sort_order = text(value)?,
            "startindex" => parameters.start_index = number(value)?,
            "count" => parameters.count = number(value)?,
            "attributes" => parameters.attributes = names(value)?,
            "excludedattributes" => parameters.excluded_attributes = names(value)?,
            _ => unknown_member("a SearchRequest", &name, reading)?,
        }
    }
    if schemas {
        Ok(parameters)
    } else {
        Err(Fault::SchemasLack { urn: urn::SEARCH_REQUEST.to_owned() }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::dialect::Dialect;
    use serde_json::json;

    /// RFC 7644 §3.4.3, figure 4.
    #[test]
    fn the_example_of_the_rfc_is_read() {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "attributes": ["displayName", "userName"],
            "filter": "displayName sw \"smith\"",
            "startIndex": 1,
            "count": 10
        });
        let parameters = read(body, &Reading::default()).unwrap();
        let expected = Parameters {
            filter: Some("displayName sw \"smith\"".into()),
            attributes: Some("displayName,userName".into()),
            start_index: Some("1".into()),
            count: Some("10".into()),
            ..Parameters::default()
        };
        assert_eq!(parameters, expected);
    }

    #[test]
    fn what_is_no_search_request_is_refused() {
        let urn = urn::SEARCH_REQUEST;
        for (body, expected) in [
            (json!([]), "JSON object"),
            (json!({"filter": "a pr"}), "schemas"),
            (json!({"schemas": [urn::PATCH_OP]}), "schemas"),
            (json!({"schemas": [urn], "count": []}), "count takes a number"),
            (json!({"schemas": [urn], "filter": 1}), "filter takes a string"),
            (json!({"schemas": [urn], "attributes": [1]}), "attributes takes an array"),
            (json!({"schemas": [urn], "sort": "id"}), "\"sort\" is no member of a SearchRequest"),
        ] {
            let strict = Reading::new(Dialect::Strict);
            let refused = read(body.clone(), &strict).unwrap_err().to_string();
            assert!(refused.contains(expected), "{body}: {refused}");
        }
    }
}
