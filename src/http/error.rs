//! From failures to SCIM answers: the only place where it happens. What is said is a row of the
//! table of errors, [`Fault`].

use crate::auth::Denied;
use crate::scim::error::{Error as Scim, Fault, shortened};
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
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// Result of a handler.
pub type Result<T> = std::result::Result<T, Refusal>;

impl Refusal {
    /// A 405 that lists what is allowed.
    pub fn method(used: &Method, allowed: &[Method]) -> Self {
        let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        let allowed = names.join(", ");
        let fault = Fault::Method { method: used.to_string(), allowed: allowed.clone() };
        Self::from(fault).with(header::ALLOW, &allowed)
    }

    /// A 404 for an address that is nobody's.
    pub fn no_route() -> Self {
        Fault::NoRoute.into()
    }

    /// A 500 whose cause is in the log under this id, and nowhere else.
    pub fn internal(error_id: &str) -> Self {
        Fault::Internal { id: error_id.to_owned() }.into()
    }

    /// The error itself, for an answer that holds several.
    pub fn into_error(self) -> Scim {
        self.error
    }

    fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.header = HeaderValue::from_str(value).ok().map(|value| Box::new((name, value)));
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

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Scim::from(fault).into()
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
            E::NotFound => Fault::Gone.into(),
            E::Taken(attribute) => Fault::Taken { attribute: attribute.to_owned() }.into(),
            E::Stale => Fault::Stale.into(),
            E::Dangling(id) => Fault::Dangling { id: shortened(&id) }.into(),
            E::TooMany => Fault::TooMany.into(),
            E::Outdated => Self::from(Fault::Outdated).with(header::RETRY_AFTER, "1"),
            E::Busy => Self::from(Fault::Busy).with(header::RETRY_AFTER, "1"),
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
        let fault = match denied {
            Denied::Missing => Fault::NoToken,
            Denied::Scheme => Fault::OtherScheme,
            Denied::Unknown => Fault::UnknownToken,
            Denied::Expired => Fault::ExpiredToken,
            Denied::Store(error) => return error.into(),
        };
        // RFC 6750 §3: no error code where there was no token of ours.
        let invalid = match fault {
            Fault::UnknownToken | Fault::ExpiredToken => {
                format!(", error=\"invalid_token\", error_description=\"{fault}\"")
            }
            _ => String::new(),
        };
        Self::from(fault)
            .with(header::WWW_AUTHENTICATE, &format!("Bearer realm=\"rollcall\"{invalid}"))
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.error.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type(SCIM_JSON);
        if let Some((name, value)) = self.header.as_deref() {
            response.insert_header((name.clone(), value.clone()));
        }
        response.body(self.error.body().to_string())
    }
}
