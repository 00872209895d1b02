//! The organization that the caller belongs to.

use super::body::Json;
use super::caller::{Admin, Auditor};
use super::description;
use super::problem::Problem;
use super::state::ApiState;
use crate::id::ResourceId;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The organization.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationView {
    /// Its name in URLs.
    slug: String,
    name: String,
    /// Id of the user with whose values mappings are shown, unless an app says otherwise.
    #[schema(format = "uuid")]
    admin: Option<String>,
}

/// What changes of the organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationChange {
    /// Id of a user; an empty text means nobody.
    #[schema(value_type = description::UserOrNobody)]
    admin: String,
}

/// The organization.
#[utoipa::path(get, path = "/organization", operation_id = "getOrganization", tag = "organization", responses((status = 200, body = OrganizationView)))]
pub async fn get(caller: Auditor, state: web::Data<ApiState>) -> Result<HttpResponse, Problem> {
    shown(&state, &caller).await
}

async fn shown(state: &ApiState, caller: &crate::auth::Principal) -> Result<HttpResponse, Problem> {
    let organizations = state.store().organizations().await?;
    let one = organizations
        .into_iter()
        .find(|one| one.id == caller.organization)
        .ok_or_else(|| Problem::not_found("the organization is gone"))?;
    Ok(HttpResponse::Ok().json(OrganizationView {
        slug: one.slug,
        name: one.name,
        admin: one.admin.map(|id| id.to_string()),
    }))
}

/// Names the organization's admin: the sample user of every mapping.
#[utoipa::path(patch, path = "/organization", operation_id = "updateOrganization", tag = "organization", request_body = OrganizationChange, responses(
    (status = 200, body = OrganizationView), (status = 400, body = Problem)))]
pub async fn update(
    caller: Admin,
    state: web::Data<ApiState>,
    body: Json<OrganizationChange>,
) -> Result<HttpResponse, Problem> {
    let wanted = body.into_inner().admin;
    let unknown = || Problem::field("admin", format!("no user has the id {wanted:?}"));
    let admin: Option<ResourceId> = if wanted.is_empty() {
        None
    } else {
        let id: ResourceId = wanted.parse().map_err(|_bad| unknown())?;
        let found = state
            .store()
            .read(caller.organization, move |reader| reader.resource("User", id))
            .await?;
        found.ok_or_else(unknown)?;
        Some(id)
    };
    state.store().set_organization_admin(caller.organization, admin).await?;
    let now_us = state.clock().now_us();
    let actor = caller.actor();
    state
        .store()
        .write(caller.organization, move |transaction| {
            transaction.record_audit(now_us, &actor, "organization.update", "admin", None)
        })
        .await?;
    shown(&state, &caller).await
}
