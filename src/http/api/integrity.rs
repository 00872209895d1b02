//! Whether every change is accounted for.

use super::caller::Auditor;
use super::description;
use super::problem::Problem;
use super::state::ApiState;
use crate::outbound::integrity::{self, Place};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use std::time::Duration;
use utoipa::IntoParams;

/// How long one request looks before it answers with what it has.
const PATIENCE: Duration = Duration::from_secs(3);

/// From where to look.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct IntegrityQuery {
    /// `next` of the answer before.
    after: Option<String>,
}

/// Whether every acknowledged change is accounted for: applied, pending, parked with a reason, or out
/// of scope. Looks at everybody as the worker does, for about three seconds; where that is not enough,
/// `next` says where to go on, and counts of several answers add up. Sends nothing. `astray` counts
/// what differs although nothing is going to be done about it: it must be 0.
#[utoipa::path(get, path = "/apps/{app}/integrity", operation_id = "checkIntegrity", tag = "activity", params(IntegrityQuery), responses(
    (status = 200, body = description::Integrity), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub async fn check(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    query: web::Query<IntegrityQuery>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let from: Option<Place> = match query.into_inner().after {
        Some(text) => Some(text.parse().map_err(|()| {
            Problem::field("after", format!("{text:?} is not the \"next\" of an answer"))
        })?),
        None => None,
    };
    let looked = integrity::examine(&state.engine, caller.organization, row.id, from, PATIENCE);
    match looked.await? {
        Some(found) => Ok(HttpResponse::Ok().json(found)),
        None => Err(Problem::not_found("the app was deleted meanwhile")),
    }
}
