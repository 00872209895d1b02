//! Many resources: GET on a collection, and `POST .search` (RFC 7644 §3.4.2, §3.4.3).

use super::body::send;
use crate::auth::Scope;
use crate::directory::{Caller, Listing, Shown};
use crate::http::error::{Refusal, Result, error_id};
use crate::http::extract::{
    Limit, answer_type, caller, entered, json, list_parameter, parameter, scim_caller,
};
use crate::http::server::State;
use crate::scim::cursor::{self, Bound, Cursor};
use crate::scim::dialect::{Forgiven, Reading};
use crate::scim::error::{Fault, shortened};
use crate::scim::list::{self, Head, Paging, Parameters, Part, Search};
use crate::scim::projection::{self, Projection};
use crate::scim::resource::unknown_member;
use crate::scim::schema::ResourceType;
use crate::scim::urn;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;
use std::sync::Arc;

/// GET on the endpoint of a resource type.
pub(super) async fn list(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let (caller, kind) = entered(&request, &state, Scope::ScimRead).await?;
    let asked = Asked::by_address(&request, Some(kind));
    answer(&request, &state, &caller, &asked).await
}

/// `POST .search` of a resource type.
pub(super) async fn search(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse> {
    let (caller, kind) = entered(&request, &state, Scope::ScimRead).await?;
    let body = json(&request, payload, Limit::Body(state.body_limit)).await?;
    let asked = Asked::by_body(body, &caller, Some(kind))?;
    answer(&request, &state, &caller, &asked).await
}

/// GET on the base: all resource types at once (RFC 7644 §3.4.2.1).
pub(super) async fn list_all(request: HttpRequest, state: Data<State>) -> Result<HttpResponse> {
    let principal = scim_caller(&request, &state, Scope::ScimRead).await?;
    let caller = caller(&state, &principal).await?;
    answer(&request, &state, &caller, &Asked::by_address(&request, None)).await
}

/// `POST .search` of all resource types.
pub(super) async fn search_all(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse> {
    let principal = scim_caller(&request, &state, Scope::ScimRead).await?;
    let caller = caller(&state, &principal).await?;
    let body = json(&request, payload, Limit::Body(state.body_limit)).await?;
    let asked = Asked::by_body(body, &caller, None)?;
    answer(&request, &state, &caller, &asked).await
}

/// What is asked, and of which resource type; none for all.
struct Asked {
    parameters: Parameters,
    kind: Option<Arc<ResourceType>>,
    forgiven: Forgiven,
}

impl Asked {
    fn by_address(request: &HttpRequest, kind: Option<Arc<ResourceType>>) -> Self {
        Self { parameters: parameters(request), kind, forgiven: Forgiven::default() }
    }

    fn by_body(body: Value, caller: &Caller, kind: Option<Arc<ResourceType>>) -> Result<Self> {
        let reading = Reading::new(caller.dialect);
        let parameters = read(body, &reading)?;
        Ok(Self { parameters, kind, forgiven: reading.forgiven() })
    }

    /// The query, how much of each type to show, and what had to be forgiven for it.
    fn read(&self, caller: &Caller) -> Result<(Search, Vec<Shown>, Forgiven)> {
        let Self { parameters, kind, forgiven } = self;
        let reading = Reading::new(caller.dialect);
        let search = match kind {
            Some(kind) => Search::of_type(kind, parameters, &reading)?,
            None => Search::of_all(&caller.registry.resource_types, parameters, &reading)?,
        };
        let attributes = parameters.attributes.as_deref();
        let excluded = parameters.excluded_attributes.as_deref();
        let kinds: Vec<&ResourceType> = search.parts.iter().map(|part| &*part.kind).collect();
        projection::check_names(&kinds, attributes, excluded, &reading)?;
        let mut shown = Vec::with_capacity(search.parts.len());
        for Part { kind, .. } in &search.parts {
            shown.push((Arc::clone(kind), Projection::parse(kind, attributes, excluded)?));
        }
        Ok((search, shown, forgiven.and(reading.forgiven())))
    }
}

async fn answer(
    request: &HttpRequest,
    state: &State,
    caller: &Caller,
    asked: &Asked,
) -> Result<HttpResponse> {
    let Asked { parameters, kind, .. } = asked;
    let (mut search, shown, forgiven) = asked.read(caller)?;
    let base = state.scim_base();
    let mut head = Head::default();
    let mut cursors = None;
    match search.page {
        Paging::Index { start_index, .. } => head.start_index = Some(start_index),
        Paging::Cursor { count, .. } => {
            let endpoint = kind.as_ref().map_or("", |kind| kind.endpoint.as_str());
            let of_query = Cursors::new(state, caller, endpoint, parameters, count);
            if let Some(text) = parameters.cursor.as_deref().filter(|text| !text.is_empty()) {
                let cursor = of_query.open(text)?;
                head.total = cursor.total;
                search = search.from(cursor.from);
            }
            cursors = Some(of_query);
        }
    }
    let Listing { total, count, resources, previous, next } =
        state.service.search(caller, search, base, shown).await?;
    if let Some(total) = total {
        head.total = u64::try_from(total).unwrap_or(u64::MAX);
    }
    head.count = count;
    if let Some(cursors) = cursors {
        head.previous = previous.map(|from| cursors.seal(from, head.total)).transpose()?;
        head.next = next.map(|from| cursors.seal(from, head.total)).transpose()?;
    }
    state.service.note_forgiven(caller, forgiven);
    let mut response = HttpResponse::Ok();
    response.content_type(answer_type(request.headers()));
    Ok(send(request, response, resources.within(&head.opening(), list::CLOSING)))
}

fn parameters(request: &HttpRequest) -> Parameters {
    let named = |name| parameter(request, name);
    Parameters {
        filter: named("filter"),
        sort_by: named("sortBy"),
        sort_order: named("sortOrder"),
        start_index: named("startIndex"),
        count: named("count"),
        attributes: list_parameter(request, "attributes"),
        excluded_attributes: list_parameter(request, "excludedAttributes"),
        cursor: named("cursor"),
    }
}

/// The cursors of one query of one client.
struct Cursors<'s> {
    state: &'s State,
    context: Vec<u8>,
    count: usize,
    now_us: i64,
}

impl<'s> Cursors<'s> {
    fn new(
        state: &'s State,
        caller: &Caller,
        endpoint: &str,
        parameters: &Parameters,
        count: usize,
    ) -> Self {
        let (organization, actor) = (caller.organization.0, caller.actor.as_str());
        let context = cursor::context(organization, actor, endpoint, parameters);
        Self { state, context, count, now_us: state.service.clock().now_us() }
    }

    fn open(&self, text: &str) -> Result<Cursor> {
        let bytes = self.state.vault.open_token(&self.context, text);
        let cursor = bytes.and_then(|bytes| Cursor::decode(&bytes)).ok_or(Fault::InvalidCursor)?;
        cursor.check(self.count, self.now_us)?;
        Ok(cursor)
    }

    fn seal(&self, from: Bound, total: u64) -> Result<String> {
        let count = u16::try_from(self.count).unwrap_or(u16::MAX);
        let cursor = Cursor { issued_us: self.now_us, count, total, from };
        self.state.vault.seal_token(&self.context, &cursor.encode()).map_err(|error| {
            let error_id = error_id();
            tracing::error!(error.id = %error_id, %error, "a cursor was not sealed");
            Refusal::internal(&error_id)
        })
    }
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
            "cursor" => parameters.cursor = text(value)?,
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
