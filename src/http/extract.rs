//! What every request has: who sends it, parameters, preconditions and a body.

use super::error::{Refusal, Result, SCIM_JSON};
use super::server::State;
use super::trace::{ClientName, Endpoint};
use crate::auth::{Denied, Principal, Scope};
use crate::directory::{Caller, Precondition, Tags};
use crate::scim;
use crate::scim::error::Fault;
use crate::scim::schema::ResourceType;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::web::{self, Bytes, BytesMut};
use actix_web::{HttpMessage as _, HttpRequest};
use futures_util::StreamExt as _;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// How much of a body that is too large is still read, so that its sender gets to see the answer.
const DRAINED: usize = 32 * 1024 * 1024;
/// Most room that is made for a body before any of it is there.
const RESERVED: usize = 1024 * 1024;

/// How many bytes of a body are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Of any request.
    Body(usize),
    /// Of a bulk request: `bulk.maxPayloadSize` of ServiceProviderConfig.
    Bulk(usize),
}

impl Limit {
    const fn bytes(self) -> usize {
        match self {
            Self::Body(bytes) | Self::Bulk(bytes) => bytes,
        }
    }

    fn exceeded(self) -> Refusal {
        match self {
            Self::Body(limit) => Fault::BodyTooLarge { limit }.into(),
            Self::Bulk(limit) => Fault::BulkTooLarge { limit }.into(),
        }
    }
}

/// Who sends the request.
///
/// # Errors
/// [`Denied`].
pub async fn principal(
    request: &HttpRequest,
    state: &State,
) -> std::result::Result<Arc<Principal>, Denied> {
    let header = text(request.headers(), &header::AUTHORIZATION);
    let principal = state.authenticator.authenticate(header.as_deref()).await?;
    request.extensions_mut().insert(ClientName(principal.client.name.clone()));
    Ok(principal)
}

/// Who sends a SCIM request, if that may be done with this scope and the organization that the
/// address names, if it names one, is the caller's.
///
/// # Errors
/// 401, 403, or 404 for somebody else's organization, which is as if it did not exist.
pub async fn scim_caller(
    request: &HttpRequest,
    state: &State,
    wanted: Scope,
) -> Result<Arc<Principal>> {
    let principal = principal_here(request, state).await?;
    if !principal.may(wanted) {
        return Err(Fault::Scope { scope: wanted.as_str() }.into());
    }
    Ok(principal)
}

/// Who sends a SCIM request, if the organization that the address names, if it names one, is the
/// caller's.
///
/// # Errors
/// 401, or 404 for somebody else's organization, which is as if it did not exist.
pub async fn principal_here(request: &HttpRequest, state: &State) -> Result<Arc<Principal>> {
    let principal = principal(request, state).await?;
    if let Some(slug) = segment(request, "organization")
        && !state.authenticator.is_of(&principal, &slug).await?
    {
        return Err(Fault::OtherOrganization.into());
    }
    Ok(principal)
}

/// On whose behalf the directory acts.
///
/// # Errors
/// The store's.
pub async fn caller(state: &State, principal: &Principal) -> Result<Caller> {
    Ok(Caller {
        organization: principal.organization,
        dialect: principal.client.dialect,
        client: principal.client.id,
        actor: principal.actor(),
        registry: state.service.store().registry(principal.organization).await?,
        self_service: false,
    })
}

/// The resource type whose endpoint the address names.
///
/// # Errors
/// 404 where the organization has none there.
pub fn kind(request: &HttpRequest, caller: &Caller) -> Result<Arc<ResourceType>> {
    let endpoint = segment(request, "endpoint").unwrap_or_default();
    let kind = caller.registry.at(&endpoint).cloned().ok_or_else(Refusal::no_route)?;
    request.extensions_mut().insert(Endpoint(kind.endpoint.clone()));
    Ok(kind)
}

/// Who sends a request about a resource type, and which type that is.
///
/// # Errors
/// As [`scim_caller`] and [`kind`].
pub async fn entered(
    request: &HttpRequest,
    state: &State,
    wanted: Scope,
) -> Result<(Caller, Arc<ResourceType>)> {
    let principal = scim_caller(request, state, wanted).await?;
    let caller = caller(state, &principal).await?;
    let kind = kind(request, &caller)?;
    Ok((caller, kind))
}

/// A part of the address, decoded.
pub fn segment(request: &HttpRequest, name: &str) -> Option<String> {
    let part = request.match_info().get(name)?;
    Some(percent_decode_str(part).decode_utf8_lossy().into_owned())
}

/// A header as text; several lines of it are one list.
pub fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<Cow<'_, str>> =
        headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// The conditions in the request's headers.
pub fn precondition(request: &HttpRequest) -> Precondition {
    let tags = |name| text(request.headers(), name).map(|header| Tags::parse(&header));
    Precondition { if_match: tags(&header::IF_MATCH), if_none_match: tags(&header::IF_NONE_MATCH) }
}

/// A parameter of the query; its name counts in any case, and the first of several counts.
pub fn parameter(request: &HttpRequest, name: &str) -> Option<String> {
    url::form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.into_owned())
}

/// A parameter of the query that is a list; several of them are one list.
pub fn list_parameter(request: &HttpRequest, name: &str) -> Option<String> {
    let lists: Vec<Cow<'_, str>> = url::form_urlencoded::parse(request.query_string().as_bytes())
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect();
    (!lists.is_empty()).then(|| lists.join(","))
}

/// The body as JSON.
///
/// # Errors
/// 415 for another media type, 413 for more than the limit, 400 `invalidSyntax` with the position
/// for what is no JSON.
pub async fn json(request: &HttpRequest, payload: web::Payload, limit: Limit) -> Result<Value> {
    check_media_type(request.headers())?;
    let body = body(request.headers(), payload, limit).await?;
    Ok(scim::json::read(&body)?)
}

/// The whole body.
///
/// # Errors
/// 413 for more than the limit.
pub async fn body(headers: &HeaderMap, mut payload: web::Payload, limit: Limit) -> Result<Bytes> {
    let too_large = || limit.exceeded();
    let limit = limit.bytes();
    let announced = text(headers, &header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    if announced.is_some_and(|length: usize| length > limit.max(DRAINED)) {
        return Err(too_large());
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or(0).min(limit).min(RESERVED));
    let mut seen = 0_usize;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_gone| Fault::BodyCutShort)?;
        seen = seen.saturating_add(chunk.len());
        if seen <= limit {
            body.extend_from_slice(&chunk);
        } else if seen > DRAINED {
            break;
        }
    }
    if seen > limit { Err(too_large()) } else { Ok(body.freeze()) }
}

fn check_media_type(headers: &HeaderMap) -> Result<()> {
    if let Some(encoding) = text(headers, &header::CONTENT_ENCODING)
        && !encoding.trim().eq_ignore_ascii_case("identity")
    {
        return Err(Fault::Encoding.into());
    }
    let Some(sent) = text(headers, &header::CONTENT_TYPE) else { return Ok(()) };
    if [SCIM_JSON, "application/json"].iter().any(|known| is_media_type(&sent, known)) {
        return Ok(());
    }
    Err(Fault::MediaType.into())
}

/// Whether a media type is this one, whatever its parameters.
fn is_media_type(sent: &str, known: &str) -> bool {
    sent.split(';').next().is_some_and(|sent| sent.trim().eq_ignore_ascii_case(known))
}

/// The media type to answer in: SCIM's, unless the request accepts `application/json` and names
/// SCIM's not at all.
pub fn answer_type(headers: &HeaderMap) -> &'static str {
    const JSON: &str = "application/json";
    let accepted = text(headers, &header::ACCEPT).unwrap_or_default();
    let names = |known| accepted.split(',').any(|range| is_media_type(range, known));
    if names(JSON) && !names(SCIM_JSON) { JSON } else { SCIM_JSON }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_answer_is_scim_unless_only_json_is_named() {
        for (accepted, expected) in [
            (None, SCIM_JSON),
            (Some("*/*"), SCIM_JSON),
            (Some("text/html"), SCIM_JSON),
            (Some("application/json"), "application/json"),
            (Some("application/json;q=0.9, */*"), "application/json"),
            (Some("application/json, application/scim+json; charset=utf-8"), SCIM_JSON),
        ] {
            let mut request = TestRequest::default();
            if let Some(accepted) = accepted {
                request = request.insert_header((header::ACCEPT, accepted));
            }
            let request = request.to_http_request();
            assert_eq!(answer_type(request.headers()), expected, "{accepted:?}");
        }
    }

    #[test]
    fn parameters_are_decoded_and_found_in_any_case() {
        let request = TestRequest::with_uri(
            "/Users?excludedattributes=a%2Cb&filter=a+eq%20%22%C3%A9%22&filter=x",
        )
        .to_http_request();
        assert_eq!(parameter(&request, "excludedAttributes").as_deref(), Some("a,b"));
        assert_eq!(parameter(&request, "filter").as_deref(), Some("a eq \"é\""));
        assert_eq!(parameter(&request, "count"), None);
        let request =
            TestRequest::with_uri("/Users?attributes=a,b&x=1&Attributes=c").to_http_request();
        assert_eq!(list_parameter(&request, "attributes").as_deref(), Some("a,b,c"));
        assert_eq!(list_parameter(&request, "excludedAttributes"), None);
    }
}
