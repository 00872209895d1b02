//! Who is told of events by webhook, and what became of the messages.

mod view;

use super::apps::check_name;
use super::body::Json;
use super::caller::{Admin, Auditor};
use super::paging::{PAGE, is_full, parsed};
use super::problem::Problem;
use super::state::ApiState;
use super::view::Items;
use crate::id::{self, AppId, NotificationId, OrganizationId};
use crate::notification::address;
use crate::notification::event::Kind;
use crate::notification::signature::{Secret, generate};
use crate::outbound::notifier::{self, SECRET, owner};
use crate::store::notifications::NotificationRow;
use crate::store::secrets::SecretRow;
use crate::vault::Place;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::IntoParams;
use view::{DeliveryView, NewNotification, NotificationChange, NotificationView, TrialView};

/// Most notifications of an organization: each costs a row per event.
const MOST: usize = 32;
/// Most apps that one names.
const MOST_APPS: usize = 100;

/// Which messages.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DeliveryQuery {
    /// `next` of the page before.
    #[param(format = "uuid")]
    before: Option<String>,
}

/// Everybody who is told of events, by name.
#[utoipa::path(get, path = "/notifications", operation_id = "listNotifications", tag = "notifications", responses((status = 200, body = Items<NotificationView>)))]
pub async fn list(caller: Auditor, state: web::Data<ApiState>) -> Result<HttpResponse, Problem> {
    let (rows, names) = state
        .store()
        .read(caller.organization, |reader| Ok((reader.notifications()?, names(reader)?)))
        .await?;
    let items = rows.into_iter().map(|row| NotificationView::of(row, &names, None)).collect();
    Ok(HttpResponse::Ok().json(Items { items, next: None }))
}

fn names(reader: &mut crate::store::Reader<'_>) -> crate::store::Result<HashMap<AppId, String>> {
    Ok(reader.apps()?.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Tells somebody of events from now on.
#[utoipa::path(post, path = "/notifications", operation_id = "createNotification", tag = "notifications", request_body = NewNotification, responses(
    (status = 201, body = NotificationView), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub async fn create(
    caller: Admin,
    state: web::Data<ApiState>,
    body: Json<NewNotification>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let organization = caller.organization;
    check_name(&body.name)?;
    check_url(&body.url)?;
    check_events(body.events.as_deref())?;
    let apps = apps(&state, organization, body.apps).await?;
    let count = state.store().read(organization, |reader| reader.notifications()).await?.len();
    if count >= MOST {
        return Err(Problem::conflict(format!(
            "there are {count} notifications, which is the most: delete one that nobody needs"
        )));
    }
    let now_us = state.clock().now_us();
    let id = NotificationId(id::new_uuid(now_us));
    let (secret, shown_secret) = sealed(&state, organization, id, body.secret)?;
    let row = NotificationRow {
        id,
        name: body.name,
        url: body.url,
        events: body.events,
        apps,
        enabled: body.enabled,
        disabled: None,
        created_us: now_us,
        modified_us: now_us,
    };
    let actor = caller.actor();
    state
        .store()
        .write(organization, move |transaction| {
            transaction.insert_notification(&row)?;
            transaction.put_secret(&owner(id), &secret, now_us)?;
            transaction.record_audit(now_us, &actor, "notification.create", &row.name, None)
        })
        .await?;
    let mut answer = HttpResponse::Created();
    answer.insert_header(("Location", format!("/api/v1/notifications/{id}")));
    shown(&state, organization, id, shown_secret, answer).await
}

/// Somebody who is told of events.
#[utoipa::path(get, path = "/notifications/{notification}", operation_id = "getNotification", tag = "notifications", responses(
    (status = 200, body = NotificationView), (status = 404, body = Problem)))]
pub async fn get(
    caller: Auditor,
    state: web::Data<ApiState>,
    notification: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = found(&state, caller.organization, &notification).await?;
    shown(&state, caller.organization, row.id, None, HttpResponse::Ok()).await
}

/// Changes of what somebody is told, and where. One that was switched off by itself is switched on again
/// with `enabled`.
#[utoipa::path(patch, path = "/notifications/{notification}", operation_id = "updateNotification", tag = "notifications", request_body = NotificationChange, responses(
    (status = 200, body = NotificationView), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn update(
    caller: Admin,
    state: web::Data<ApiState>,
    notification: web::Path<String>,
    body: Json<NotificationChange>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let organization = caller.organization;
    let id = found(&state, organization, &notification).await?.id;
    if let Some(name) = &body.name {
        check_name(name)?;
    }
    if let Some(url) = &body.url {
        check_url(url)?;
    }
    check_events(body.events.as_ref().and_then(Option::as_deref))?;
    let wanted_apps = match body.apps {
        Some(wanted) => Some(apps(&state, organization, wanted).await?),
        None => None,
    };
    let (secret, shown_secret) = match body.secret {
        Some(given) => {
            let (row, made) = sealed(&state, organization, id, given)?;
            (Some(row), made)
        }
        None => (None, None),
    };
    let now_us = state.clock().now_us();
    let actor = caller.actor();
    state
        .store()
        .write(organization, move |transaction| {
            // Two who change it at the same time both get what they asked for.
            transaction.lock_organization()?;
            let row = transaction.notification(id)?.ok_or(crate::store::Error::NotFound)?;
            let enabled = body.enabled.unwrap_or(row.enabled);
            let changed = NotificationRow {
                name: body.name.clone().unwrap_or(row.name),
                url: body.url.clone().unwrap_or(row.url),
                events: body.events.clone().unwrap_or(row.events),
                apps: wanted_apps.clone().unwrap_or(row.apps),
                enabled,
                disabled: row.disabled.filter(|_| body.enabled.is_none()),
                modified_us: now_us,
                ..row
            };
            transaction.update_notification(&changed)?;
            if let Some(secret) = &secret {
                transaction.put_secret(&owner(id), secret, now_us)?;
            }
            transaction.record_audit(now_us, &actor, "notification.update", &changed.name, None)
        })
        .await?;
    shown(&state, organization, id, shown_secret, HttpResponse::Ok()).await
}

/// Tells somebody nothing any more. What has not arrived is forgotten.
#[utoipa::path(delete, path = "/notifications/{notification}", operation_id = "deleteNotification", tag = "notifications", responses((status = 204), (status = 404, body = Problem)))]
pub async fn remove(
    caller: Admin,
    state: web::Data<ApiState>,
    notification: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = found(&state, caller.organization, &notification).await?;
    let (now_us, actor) = (state.clock().now_us(), caller.actor());
    state
        .store()
        .write(caller.organization, move |transaction| {
            transaction.delete_notification(row.id, &owner(row.id))?;
            transaction.record_audit(now_us, &actor, "notification.delete", &row.name, None)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sends a `notification.test`, switched on or not, and answers what came back. It is tried once.
#[utoipa::path(post, path = "/notifications/{notification}/test", operation_id = "testNotification", tag = "notifications", responses((status = 200, body = TrialView), (status = 404, body = Problem)))]
pub async fn test(
    caller: Admin,
    state: web::Data<ApiState>,
    notification: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = found(&state, caller.organization, &notification).await?;
    let trial = notifier::test(&state.engine, caller.organization, row).await?;
    Ok(HttpResponse::Ok().json(TrialView::of(trial)))
}

/// The messages for somebody, newest first, and what became of them.
#[utoipa::path(get, path = "/notifications/{notification}/deliveries", operation_id = "listDeliveries", tag = "notifications", params(DeliveryQuery), responses(
    (status = 200, body = Items<DeliveryView>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn deliveries(
    caller: Auditor,
    state: web::Data<ApiState>,
    notification: web::Path<String>,
    query: web::Query<DeliveryQuery>,
) -> Result<HttpResponse, Problem> {
    let before = parsed("before", query.into_inner().before)?;
    let id = found(&state, caller.organization, &notification).await?.id;
    let rows = state
        .store()
        .read(caller.organization, move |reader| reader.deliveries(id, before, PAGE))
        .await?;
    let next = rows.last().filter(|_| is_full(rows.len())).map(|row| row.id.to_string());
    let items = rows.into_iter().map(DeliveryView::of).collect();
    Ok(HttpResponse::Ok().json(Items { items, next }))
}

/// A notification by name or id.
async fn found(
    state: &ApiState,
    organization: OrganizationId,
    name: &str,
) -> Result<NotificationRow, Problem> {
    let wanted = name.to_owned();
    let row = state
        .store()
        .read(organization, move |reader| {
            if let Some(row) = reader.notification_named(&wanted)? {
                return Ok(Some(row));
            }
            match wanted.parse::<NotificationId>() {
                Ok(id) => reader.notification(id),
                Err(_) => Ok(None),
            }
        })
        .await?;
    row.ok_or_else(|| {
        Problem::not_found(format!(
            "there is no notification {name:?}: GET /api/v1/notifications lists them"
        ))
    })
}

async fn shown(
    state: &ApiState,
    organization: OrganizationId,
    id: NotificationId,
    secret: Option<SecretString>,
    mut answer: actix_web::HttpResponseBuilder,
) -> Result<HttpResponse, Problem> {
    let (row, names) = state
        .store()
        .read(organization, move |reader| Ok((reader.notification(id)?, names(reader)?)))
        .await?;
    let row = row.ok_or_else(|| Problem::not_found("the notification was deleted meanwhile"))?;
    let secret = secret.map(|secret| secret.expose_secret().to_owned());
    Ok(answer.json(NotificationView::of(row, &names, secret)))
}

fn check_url(text: &str) -> Result<(), Problem> {
    address::read(text).map(|_| ()).map_err(|detail| Problem::field("url", detail))
}

fn check_events(events: Option<&[String]>) -> Result<(), Problem> {
    let Some(events) = events else { return Ok(()) };
    let known = Kind::ALL.map(Kind::as_str).join(", ");
    if events.is_empty() || events.len() > Kind::ALL.len() {
        let detail = format!("give null for everything, or some of {known}");
        return Err(Problem::field("events", detail));
    }
    match events.iter().enumerate().find(|(_, event)| Kind::named(event).is_none()) {
        Some((at, event)) => {
            let detail = format!("{event:?} is no event: {known} are");
            Err(Problem::field(&format!("events/{at}"), detail))
        }
        None => Ok(()),
    }
}

/// Ids of apps by their names or ids.
async fn apps(
    state: &ApiState,
    organization: OrganizationId,
    wanted: Option<Vec<String>>,
) -> Result<Option<Vec<AppId>>, Problem> {
    let Some(wanted) = wanted else { return Ok(None) };
    if wanted.is_empty() || wanted.len() > MOST_APPS {
        let detail = format!("give null for all, or 1 to {MOST_APPS} names or ids of apps");
        return Err(Problem::field("apps", detail));
    }
    let mut ids = Vec::with_capacity(wanted.len());
    for (at, name) in wanted.iter().enumerate() {
        let app = state.app(organization, name).await.map_err(|problem| {
            if problem.status == StatusCode::NOT_FOUND.as_u16() {
                Problem::field(&format!("apps/{at}"), problem.detail)
            } else {
                problem
            }
        })?;
        ids.push(app.id);
    }
    Ok(Some(ids))
}

/// A secret as it is kept, and as it is shown when it was made here.
fn sealed(
    state: &ApiState,
    organization: OrganizationId,
    id: NotificationId,
    given: Option<String>,
) -> Result<(SecretRow, Option<SecretString>), Problem> {
    let is_given = given.is_some();
    let secret = given.map_or_else(generate, SecretString::from);
    if Secret::read(&secret).is_none() {
        let detail =
            "give \"whsec_\" and the base64 of 24 to 64 bytes, or leave it out to have one made";
        return Err(Problem::field("secret", detail));
    }
    let owner = owner(id);
    let place = Place { organization: organization.0, owner: &owner, name: SECRET };
    let sealed = state.vault.seal(place, &secret).map_err(|error| {
        Problem::status(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the secret cannot be sealed: {error}; check the key file"),
        )
    })?;
    let row = SecretRow { name: SECRET.to_owned(), key_id: sealed.key_id, sealed: sealed.bytes };
    Ok((row, (!is_given).then_some(secret)))
}
