//! Bodies of requests: JSON that is taken as it is meant, or refused with the place of the fault.

mod strict;

use super::problem::{FieldError, Problem};
use crate::http::server::State;
use crate::scim;
use actix_web::dev::{Decompress, Payload};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use actix_web::web::{self, Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::ops::Deref;
use strict::Strict;

/// How much of a body that is too large is still read, so that its sender gets to see the answer.
const DRAINED: usize = 32 * 1024 * 1024;

/// What a body says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/json`, or nothing said.
    Json,
    /// `application/yaml`.
    Yaml,
    /// Something else.
    Other,
}

/// A body that has been received and not been read.
pub struct Raw {
    bytes: Bytes,
    format: Format,
}

/// A body that is JSON of a certain shape.
pub struct Json<T>(T);

impl Raw {
    /// What it says it is.
    pub const fn format(&self) -> Format {
        self.format
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if self.format != Format::Json {
            return Err(Problem::status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send the header Content-Type: application/json",
            ));
        }
        json(&self.bytes)
    }
}

impl Deref for Raw {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<T> Json<T> {
    /// What it holds.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Json<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A body that may be left out, but not be wrong.
///
/// # Errors
/// 415 for what is no JSON; 400 for what is not of that shape.
pub fn optional<T: DeserializeOwned + Default>(body: &Raw) -> Result<T, Problem> {
    if body.is_empty() { Ok(T::default()) } else { body.read() }
}

/// Reads JSON of a certain shape.
///
/// # Errors
/// 400 for what is no JSON, has a key twice, holds U+0000, or is of another shape; with the place.
pub fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let value = scim::json::read(body).map_err(|error| Problem::unreadable(error.to_string()))?;
    shaped(value)
}

/// Reads YAML of a certain shape.
///
/// # Errors
/// 400 as for JSON.
pub fn yaml<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // What follows the first line is a piece of the body.
    let unreadable = |error: String| {
        let error = error.lines().next().unwrap_or_default();
        Problem::unreadable(format!("the body is no YAML: {error}"))
    };
    let text = std::str::from_utf8(body).map_err(|error| unreadable(error.to_string()))?;
    let value = serde_saphyr::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    shaped(value)
}

fn shaped<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    without_nul(&value)?;
    T::deserialize(Strict::new(value)).map_err(|error| {
        let detail = format!("the body is not what is expected here: {error}");
        let field = if error.place.is_empty() { "body".to_owned() } else { error.place };
        let errors = vec![FieldError { field, detail: error.detail }];
        Problem { errors, ..Problem::unreadable(detail) }
    })
}

/// Whether no text in it holds U+0000, which no database keeps.
///
/// # Errors
/// 400 with the place.
fn without_nul(value: &Value) -> Result<(), Problem> {
    match nul(value) {
        None => Ok(()),
        Some(place) => Err(Problem::field(
            if place.is_empty() { "body" } else { &place },
            "holds the character U+0000, which cannot be kept: leave it out",
        )),
    }
}

/// Where the first text is that holds U+0000.
fn nul(value: &Value) -> Option<String> {
    let below = |step: String, value: &Value| {
        nul(value).map(|rest| if rest.is_empty() { step } else { format!("{step}/{rest}") })
    };
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| below(at.to_string(), item))
        }
        Value::Object(map) => map.iter().find_map(|(key, item)| {
            if key.contains('\0') {
                return Some(key.replace('\0', "\\u0000"));
            }
            below(key.clone(), item)
        }),
        _ => None,
    }
}

/// Receives a body.
async fn receive(request: &HttpRequest, payload: Payload) -> Result<Raw, Problem> {
    let encoding = request.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    let known = |name: &[u8]| {
        [&b"identity"[..], b"gzip"].iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    if !encoding.is_none_or(known) {
        return Err(Problem::status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the body as it is, or with Content-Encoding: gzip",
        ));
    }
    let mut payload = Decompress::from_headers(payload, request.headers());
    let limit = request.app_data::<web::Data<State>>().map_or(0, |state| state.body_limit);
    let mut bytes = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_gone: PayloadError| {
            Problem::unreadable("the body cannot be read to its end: send it again")
        })?;
        seen = seen.saturating_add(chunk.len());
        if seen <= limit {
            bytes.extend_from_slice(&chunk);
        } else if seen > DRAINED {
            break;
        }
    }
    if seen > limit {
        return Err(Problem::status(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {limit} bytes: send less at once"),
        ));
    }
    Ok(Raw { bytes: bytes.freeze(), format: format(request) })
}

fn format(request: &HttpRequest) -> Format {
    if !request.headers().contains_key(CONTENT_TYPE) {
        return Format::Json;
    }
    let named = request.content_type().to_ascii_lowercase();
    match named.strip_prefix("application/") {
        Some(kind) if kind == "json" || kind.ends_with("+json") => Format::Json,
        Some("yaml" | "x-yaml") => Format::Yaml,
        _ if named == "text/yaml" => Format::Yaml,
        _ => Format::Other,
    }
}

impl FromRequest for Raw {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { receive(&request, payload).await })
    }
}

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { receive(&request, payload).await?.read().map(Json) })
    }
}
