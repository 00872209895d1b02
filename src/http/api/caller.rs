//! Who calls the admin API, and what they may do.

use super::problem::Problem;
use super::state::ApiState;
use crate::auth::{Principal, Scope};
use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use std::ops::Deref;
use std::sync::Arc;

/// A caller who may change things: scope `admin`.
pub struct Admin(Arc<Principal>);

/// A caller who may look: scope `audit` or `admin`.
pub struct Auditor(Arc<Principal>);

impl Deref for Admin {
    type Target = Principal;
    fn deref(&self) -> &Principal {
        &self.0
    }
}

impl Deref for Auditor {
    type Target = Principal;
    fn deref(&self) -> &Principal {
        &self.0
    }
}

async fn principal(request: HttpRequest) -> Result<Arc<Principal>, Problem> {
    let state = request.app_data::<web::Data<ApiState>>().ok_or_else(|| {
        Problem::status(
            actix_web::http::StatusCode::INTERNAL_SERVER_ERROR,
            "the admin API has no state",
        )
    })?;
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    Ok(state.authenticator.authenticate(header).await?)
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let principal = principal(request).await?;
            if principal.may(Scope::Admin) {
                Ok(Self(principal))
            } else {
                Err(Problem::forbidden("admin"))
            }
        })
    }
}

impl FromRequest for Auditor {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let principal = principal(request).await?;
            if principal.may(Scope::Audit) {
                Ok(Self(principal))
            } else {
                Err(Problem::forbidden("audit"))
            }
        })
    }
}
