//! Who calls the admin API, and what they may do.

use super::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::http::extract;
use crate::http::server::State;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
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

/// Who calls, if they may do what needs that scope.
async fn caller(request: HttpRequest, wanted: Scope) -> Result<Arc<Principal>, Problem> {
    let state = request.app_data::<web::Data<State>>().ok_or_else(|| {
        Problem::status(StatusCode::INTERNAL_SERVER_ERROR, "the server has no state: restart it")
    })?;
    let principal = extract::principal(&request, state).await?;
    if principal.may(wanted) { Ok(principal) } else { Err(Problem::forbidden(wanted.as_str())) }
}

impl FromRequest for Admin {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { caller(request, Scope::Admin).await.map(Self) })
    }
}

impl FromRequest for Auditor {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { caller(request, Scope::Audit).await.map(Self) })
    }
}
