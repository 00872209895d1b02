//! Identity providers and scripts: how they speak SCIM, which tokens they hold, what they need to be
//! forgiven.

use super::body::Json;
use super::caller::{Admin, Auditor};
use super::description;
use super::problem::Problem;
use super::state::ApiState;
use super::view::Items;
use crate::auth::Principal;
use crate::clock::rfc3339;
use crate::http::server::State;
use crate::scim::dialect::{Dialect, Leniency};
use crate::store::clients::{Client, TokenRow, Uses};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A client.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientView {
    name: String,
    /// `standard`, `okta`, `entra` or `strict`.
    #[schema(value_type = description::Dialect)]
    dialect: &'static str,
    #[schema(format = DateTime)]
    created: String,
    /// Its tokens, newest first. Their secrets are stored nowhere.
    tokens: Vec<TokenView>,
    /// What its requests needed to be forgiven, the most used first. Without any, the client can be
    /// `strict`.
    leniencies: Vec<LeniencyView>,
}

/// A token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// By which people recognise it.
    prefix: String,
    scopes: Vec<String>,
    #[schema(format = DateTime)]
    created: String,
    /// From when it is refused; null means never.
    #[schema(format = DateTime)]
    expires: Option<String>,
    /// To the minute; null means never.
    #[schema(format = DateTime)]
    last_used: Option<String>,
}

/// A leniency that a client has needed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeniencyView {
    /// As `docs/dialects.md` names it.
    name: &'static str,
    /// What is forgiven.
    sentence: &'static str,
    /// Whether the client's dialect forgives it now.
    forgiven: bool,
    /// How many requests needed it.
    uses: i64,
    #[schema(format = DateTime)]
    last_used: String,
}

/// What changes of a client.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientChange {
    /// `standard`, `okta`, `entra` or `strict`.
    #[schema(value_type = description::Dialect)]
    dialect: String,
}

impl ClientView {
    fn of(client: Client, tokens: &[TokenRow], uses: &[Uses]) -> Self {
        let dialect = client.dialect;
        let held = tokens.iter().filter(|token| token.client.id == client.id);
        let needed = uses.iter().filter(|uses| uses.client == client.id);
        Self {
            dialect: dialect.as_str(),
            created: rfc3339(client.created_us),
            tokens: held.map(TokenView::of).collect(),
            leniencies: needed.map(|uses| LeniencyView::of(*uses, dialect)).collect(),
            name: client.name,
        }
    }
}

impl TokenView {
    fn of(token: &TokenRow) -> Self {
        Self {
            prefix: token.prefix.clone(),
            scopes: token.scopes.clone(),
            created: rfc3339(token.created_us),
            expires: token.expires_us.map(rfc3339),
            last_used: token.used_us.map(rfc3339),
        }
    }
}

impl LeniencyView {
    fn of(uses: Uses, dialect: Dialect) -> Self {
        let leniency: Leniency = uses.leniency;
        Self {
            name: leniency.name(),
            sentence: leniency.sentence(),
            forgiven: dialect.forgives(leniency),
            uses: uses.count,
            last_used: rfc3339(uses.last_us),
        }
    }
}

/// Every client, by name.
#[utoipa::path(get, path = "/clients", operation_id = "listClients", tag = "clients", responses((status = 200, body = Items<ClientView>)))]
pub async fn list(caller: Auditor, state: web::Data<ApiState>) -> Result<HttpResponse, Problem> {
    let items = all(&state, &caller).await?;
    Ok(HttpResponse::Ok().json(Items { items, next: None }))
}

async fn all(state: &ApiState, caller: &Principal) -> Result<Vec<ClientView>, Problem> {
    // What this process has counted is part of the answer.
    state.service.write_leniencies().await?;
    let (clients, tokens, uses) = state
        .store()
        .read(caller.organization, |reader| {
            Ok((reader.clients()?, reader.tokens()?, reader.leniencies()?))
        })
        .await?;
    Ok(clients.into_iter().map(|client| ClientView::of(client, &tokens, &uses)).collect())
}

/// One client.
#[utoipa::path(get, path = "/clients/{name}", operation_id = "getClient", tag = "clients", responses(
    (status = 200, body = ClientView), (status = 404, body = Problem)))]
pub async fn get(
    caller: Auditor,
    state: web::Data<ApiState>,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    shown(&state, &caller, &name).await
}

async fn shown(state: &ApiState, caller: &Principal, name: &str) -> Result<HttpResponse, Problem> {
    let found = all(state, caller).await?.into_iter().find(|client| client.name == name);
    Ok(HttpResponse::Ok().json(found.ok_or_else(|| unknown(name))?))
}

fn unknown(name: &str) -> Problem {
    Problem::not_found(format!("there is no client {name:?}: GET /api/v1/clients lists them"))
}

/// Changes how a client speaks SCIM, from its next request on; other instances follow within half a
/// minute.
#[utoipa::path(patch, path = "/clients/{name}", operation_id = "updateClient", tag = "clients", request_body = ClientChange, responses(
    (status = 200, body = ClientView), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub async fn update(
    caller: Admin,
    state: web::Data<ApiState>,
    door: web::Data<State>,
    name: web::Path<String>,
    body: Json<ClientChange>,
) -> Result<HttpResponse, Problem> {
    let dialect = Dialect::named(&body.dialect).ok_or_else(|| {
        let known = Dialect::ALL.map(Dialect::as_str).join(", ");
        Problem::field("dialect", format!("{:?} is no dialect: {known} are", body.dialect))
    })?;
    let (wanted, actor, now_us) = (name.clone(), caller.actor(), state.clock().now_us());
    let before = state
        .store()
        .write(caller.organization, move |transaction| {
            let before = transaction.set_dialect(&wanted, dialect)?;
            if let Some(before) = before.filter(|before| *before != dialect) {
                let detail = format!("dialect: {} → {}", before.as_str(), dialect.as_str());
                transaction.record_audit(
                    now_us,
                    &actor,
                    "client.update",
                    &wanted,
                    Some(&detail),
                )?;
            }
            Ok(before)
        })
        .await?;
    before.ok_or_else(|| unknown(&name))?;
    door.authenticator.forget();
    shown(&state, &caller, &name).await
}
