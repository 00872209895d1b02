//! From failures to SCIM answers: the only place where it happens.
//!
//! | failure | status | keyword |
//! |---|---|---|
//! | a refusal of the protocol | its own | its own |
//! | no, unknown or expired token | 401 | |
//! | the token's scopes do not allow it | 403 | |
//! | no such resource or route | 404 | |
//! | the route has no such method | 405 | |
//! | a unique value is taken | 409 | `uniqueness` |
//! | the version is not the one named | 412 | |
//! | the body is too large | 413 | |
//! | the body is no JSON document by its media type | 415 | |
//! | a member names nobody | 400 | `invalidValue` |
//! | a filter would examine too much | 400 | `tooMany` |
//! | a bug, or the database is away | 500 | |
//! | not supported | 501 | |
//! | the database is busy | 503 | |

use crate::auth::Denied;
use crate::scim::error::{Error as Scim, ScimType};
use crate::{clock, id, store};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use std::fmt;

/// The media type of SCIM.
pub const SCIM_JSON: &str = "application/scim+json";

/// An answer that says what is wrong.
#[derive(Debug)]
pub struct Refusal {
    error: Scim,
    header: Option<(HeaderName, HeaderValue)>,
}

/// Result of a handler.
pub type Result<T> = std::result::Result<T, Refusal>;

impl Refusal {
    /// Any status without a keyword.
    pub fn status(status: u16, detail: impl Into<String>) -> Self {
        Scim::status(status, detail).into()
    }

    /// A 400 `invalidSyntax`.
    pub fn syntax(detail: impl Into<String>) -> Self {
        Scim::bad(ScimType::InvalidSyntax, detail).into()
    }

    /// A 405 that lists what is allowed.
    pub fn method(used: &Method, allowed: &[Method]) -> Self {
        let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        let names = names.join(", ");
        let detail = format!("{used} is not for this address: use {names}");
        Self::status(405, detail).with(header::ALLOW, &names)
    }

    /// A 404 for an address that is nobody's.
    pub fn no_route() -> Self {
        Self::status(
            404,
            "there is nothing at this address: GET /scim/v2/ResourceTypes lists what is",
        )
    }

    /// A 500 whose cause is in the log under this id, and nowhere else.
    pub fn internal(error_id: &str) -> Self {
        let detail = format!(
            "something went wrong here; the administrator finds it in the log as error {error_id}"
        );
        Self::status(500, detail)
    }

    /// The error itself, for an answer that holds several.
    pub fn into_error(self) -> Scim {
        self.error
    }

    fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.header = HeaderValue::from_str(value).ok().map(|value| (name, value));
        self
    }
}

/// An id under which a failure is logged.
pub fn error_id() -> String {
    id::new_uuid(clock::Clock::System.now_us()).to_string()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl From<Scim> for Refusal {
    fn from(error: Scim) -> Self {
        Self { error, header: None }
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        use store::Error as E;
        match error {
            E::Refused(error) => error.into(),
            E::NotFound => Self::status(404, "there is no such resource any more"),
            E::Taken(attribute) => Scim::taken(attribute).into(),
            E::Stale => Self::status(
                412,
                "the resource is not in the state that If-Match or If-None-Match asks for: read it again",
            ),
            E::Dangling(id) => Scim::bad(
                ScimType::InvalidValue,
                format!("members: no User or Group has the id {:?}", shortened(&id)),
            )
            .into(),
            E::TooMany => Scim::bad(
                ScimType::TooMany,
                "the filter would have to examine too many resources: narrow it by an attribute \
                 such as userName, emails.value or meta.lastModified",
            )
            .into(),
            E::Outdated => {
                Self::status(503, "the schemas have just changed: send the request again")
                    .with(header::RETRY_AFTER, "1")
            }
            E::Busy => Self::status(503, "the server is busy: try again in a second")
                .with(header::RETRY_AFTER, "1"),
            E::Corrupt(_) | E::Database(_) => {
                let error_id = error_id();
                tracing::error!(error.id = %error_id, %error, "a request failed");
                Self::internal(&error_id)
            }
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        let challenge = match &denied {
            Denied::Store(_) => None,
            Denied::Missing | Denied::Scheme => Some(String::new()),
            Denied::Unknown | Denied::Expired => {
                Some(format!(", error=\"invalid_token\", error_description=\"{denied}\""))
            }
        };
        match (challenge, denied) {
            (Some(error), denied) => Self::status(401, denied.to_string())
                .with(header::WWW_AUTHENTICATE, &format!("Bearer realm=\"rollcall\"{error}")),
            (None, Denied::Store(error)) => error.into(),
            (None, denied) => Self::status(401, denied.to_string()),
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type(SCIM_JSON);
        if let Some((name, value)) = &self.header {
            response.insert_header((name.clone(), value.clone()));
        }
        response.body(self.error.body().to_string())
    }
}

/// Enough of a text to recognise it by.
pub fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
