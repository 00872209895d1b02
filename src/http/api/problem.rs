//! What an administrator's client is told when something is wrong: RFC 9457 problem documents that
//! name the field and the remedy.

use crate::adapters::adapter::{Failure, Reason};
use crate::auth::Denied;
use crate::http::error::Refusal;
use crate::id;
use crate::mapping::compiled::Problem as Fault;
use crate::outbound::application;
use crate::outbound::guard::{Breach, Removals, sentence};
use crate::outbound::links;
use crate::outbound::preview;
use crate::outbound::provision;
use crate::store;
use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

/// The type of problem of a change that takes too much away.
const GUARD: &str = "/problems/guard";

/// An error of the admin API.
#[derive(Debug, Clone, Serialize, ToSchema, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// What kind of problem, as a URI reference.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The status in words.
    pub title: &'static str,
    /// What is wrong and what to do.
    pub detail: String,
    /// The faults, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Of a change that takes too much away (`/problems/guard`).
    #[serde(flatten)]
    #[schema(ignore)]
    pub guard: Option<Box<Guarded>>,
}

/// What a change would take away, and how to have it all the same.
#[derive(Debug, Clone, Serialize)]
pub struct Guarded {
    /// The limits that it passes.
    pub breaches: Vec<Breach>,
    /// What it takes away beyond what is in force.
    pub removals: Removals,
    /// What to repeat the request with: `?approve=` this.
    pub approve: u64,
}

/// One fault.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldError {
    /// Which field.
    pub field: String,
    /// What is wrong and what to do.
    pub detail: String,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or("error"),
            detail: detail.into(),
            errors: Vec::new(),
            guard: None,
        }
    }

    /// A 404.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, what)
    }

    /// A 409 for a change that takes away more than the limits allow, and than was approved.
    pub fn guard(breaches: Vec<Breach>, removals: Removals, approved: Option<u64>) -> Self {
        let approve = removals.total();
        let sentence = sentence(&breaches);
        let approved = match approved {
            None => String::new(),
            Some(most) => format!(" Up to {most} were approved."),
        };
        let detail = format!(
            "{sentence}. Nothing was saved.{approved} Look at what the change does; if it is meant, \
             repeat the request with ?approve={approve}"
        );
        Self {
            kind: GUARD,
            guard: Some(Box::new(Guarded { breaches, removals, approve })),
            ..Self::new(StatusCode::CONFLICT, detail)
        }
    }

    /// A 409.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// A 400 that names a field.
    pub fn field(field: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let errors = vec![FieldError { field: field.to_owned(), detail: detail.clone() }];
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, format!("{field}: {detail}")) }
    }

    /// A 400 for a body or query that cannot be read.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// A 403.
    pub fn forbidden(scope: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            format!(
                "this needs a token with the scope {scope:?}: rollcall token create NAME --scope {scope}"
            ),
        )
    }

    /// Any status.
    pub fn status(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::new(status, detail)
    }

    /// A 422 with a fault per field.
    pub fn faults(detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// Faults of a mapping.
    pub fn mapping(faults: Vec<Fault>) -> Self {
        let errors: Vec<FieldError> = faults
            .into_iter()
            .map(|fault| FieldError { field: fault.field, detail: fault.detail })
            .collect();
        Self::faults(
            format!("the mapping has {} problems; nothing was saved", errors.len()),
            errors,
        )
    }

    /// Faults of a scope.
    pub fn scope(faults: Vec<Fault>) -> Self {
        Self::named("the scope cannot be applied", faults)
    }

    /// Faults of a policy.
    pub fn policy(faults: Vec<Fault>) -> Self {
        Self::named("the policy cannot be applied", faults)
    }

    fn named(what: &str, faults: Vec<Fault>) -> Self {
        let errors: Vec<FieldError> = faults
            .into_iter()
            .map(|fault| FieldError { field: fault.field, detail: fault.detail })
            .collect();
        let details: Vec<&str> = errors.iter().map(|error| error.detail.as_str()).collect();
        let detail = format!("{what}: {}", details.join("; "));
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// Faults of an assignment.
    pub fn assignment(faults: Vec<Fault>) -> Self {
        let errors = faults
            .into_iter()
            .map(|fault| FieldError { field: fault.field, detail: fault.detail })
            .collect();
        Self::faults("the app needs other values; nobody was assigned", errors)
    }

    /// Faults of settings.
    pub fn settings(reasons: Vec<Reason>) -> Self {
        let errors: Vec<FieldError> = reasons.into_iter().map(field_error).collect();
        Self::faults("the settings are not right; nothing was saved", errors)
    }
}

fn field_error(reason: Reason) -> FieldError {
    FieldError {
        field: reason.field.unwrap_or_default(),
        detail: format!("{} {}", reason.detail, reason.remedy),
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::not_found("there is no such object"),
            store::Error::Taken(what) => Self::conflict(format!("this {what} is in use")),
            store::Error::Stale => {
                Self::conflict("somebody else changed it meanwhile: read it again")
            }
            store::Error::Outdated => {
                Self::conflict("somebody else changed the schemas meanwhile: read them again")
            }
            store::Error::Dangling(id) => Self::unreadable(format!("nothing has the id {id:?}")),
            store::Error::TooMany => {
                Self::unreadable("the filter matches too much to examine: narrow it")
            }
            store::Error::Busy => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "the database is busy: try again")
            }
            store::Error::Refused(error) => Self::unreadable(error.to_string()),
            store::Error::Corrupt(_) | store::Error::Database(_) => {
                let mut bytes = [0; 4];
                id::fill(&mut bytes);
                let reference = format!("{:08x}", u32::from_be_bytes(bytes));
                tracing::error!(error.id = %reference, error = %error, "a request failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    format!("something went wrong on our side; the log has it as {reference}"),
                )
            }
        }
    }
}

impl From<application::Error> for Problem {
    fn from(error: application::Error) -> Self {
        match error {
            application::Error::Store(error) => error.into(),
            application::Error::Settings(reason) => Self::settings(vec![reason]),
            application::Error::Mapping(faults) => Self::mapping(faults),
        }
    }
}

impl From<links::Error> for Problem {
    fn from(error: links::Error) -> Self {
        let named = |status, field: &str, detail: String| Self {
            errors: vec![FieldError { field: field.to_owned(), detail: detail.clone() }],
            ..Self::new(status, format!("{field}: {detail}"))
        };
        match error {
            links::Error::Store(error) => error.into(),
            links::Error::App(failure) => failure.into(),
            links::Error::Unknown(detail) => Self::not_found(detail),
            links::Error::Conflict(detail) => Self::conflict(detail),
            links::Error::Taken { field, detail } => named(StatusCode::CONFLICT, field, detail),
            links::Error::Wrong { field, detail } => {
                named(StatusCode::UNPROCESSABLE_ENTITY, field, detail)
            }
        }
    }
}

impl From<provision::Error> for Problem {
    fn from(error: provision::Error) -> Self {
        match error {
            provision::Error::Store(error) => error.into(),
            provision::Error::Unknown(detail) => Self::not_found(detail),
            provision::Error::Held(detail) => Self::conflict(detail),
        }
    }
}

impl From<preview::Error> for Problem {
    fn from(error: preview::Error) -> Self {
        match error {
            preview::Error::Store(error) => error.into(),
            preview::Error::NoSample(detail) => Self::conflict(detail),
            preview::Error::Unknown(detail) => Self::not_found(detail),
            preview::Error::App(failure) => failure.into(),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(reason) | Failure::Misconfigured(reason) => Self {
                errors: vec![field_error(reason.clone())],
                ..Self::new(StatusCode::BAD_GATEWAY, format!("{} {}", reason.detail, reason.remedy))
            },
            Failure::Throttled { after: Some(wait) } => {
                let seconds = wait.as_secs().saturating_add(1);
                let detail = format!("the app asks to wait: try again in {seconds} s");
                Self::new(StatusCode::BAD_GATEWAY, detail)
            }
            other => Self::new(StatusCode::BAD_GATEWAY, other.to_string()),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Store(error) => error.into(),
            other => Self::new(StatusCode::UNAUTHORIZED, Refusal::from(other).to_string()),
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        answer.content_type("application/problem+json");
        if self.status == 401 {
            answer.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"rollcall\""));
        }
        if self.status == 503 {
            answer.insert_header((RETRY_AFTER, "1"));
        }
        answer.json(self)
    }
}
