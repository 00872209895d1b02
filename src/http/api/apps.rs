//! The catalogue, and the apps that are set up.

mod maintenance;

use super::body::Json;
use super::caller::{Admin, Auditor};
use super::description;
use super::guard::{ApprovalQuery, weighed};
use super::mapping::draft::scope_of;
use super::problem::Problem;
use super::state::ApiState;
use super::view::{self, AdapterView, AppView, Items};
use crate::adapters::adapter::Reason;
use crate::adapters::catalogue;
use crate::auth::Principal;
use crate::id::{self, AppId, OrganizationId, ResourceId};
use crate::mapping::scope::Rules;
use crate::mapping::validation::unmapped;
use crate::outbound::application::{nesting, owner};
use crate::outbound::policy::{Policy, PolicyChange};
use crate::outbound::sync;
use crate::outbound::weigh;
use crate::store::apps::{AppRow, Pause};
use crate::store::mappings::MappingRow;
use crate::store::secrets::SecretRow;
use crate::vault::Place;
use actix_web::{HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A new app.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewApp {
    /// Unique name: letters, digits, `-`, `_` and `.`.
    #[schema(example = "training", min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    name: String,
    /// Kind of adapter: `GET /api/v1/adapters` lists them.
    #[schema(example = "sandbox")]
    adapter: String,
    /// Plain settings of the adapter.
    #[serde(default)]
    settings: Map<String, Value>,
    /// Secret settings; sealed, never shown again.
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// Who belongs in the app: a SCIM filter, or an object with `filter`, `groups` (ids), `assigned`
    /// and `match` (`all`, `any`). Everybody when left out.
    #[serde(default)]
    #[schema(value_type = Option<description::Scope>)]
    scope: Option<Value>,
    /// What happens to leavers.
    #[serde(default)]
    #[schema(value_type = Option<description::Policy>)]
    policy: Option<Policy>,
    /// Sets provisioning up at once.
    #[serde(default)]
    enabled: bool,
}

/// What changes of an app; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppChange {
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    name: Option<String>,
    settings: Option<Map<String, Value>>,
    /// By name; null removes one.
    secrets: Option<BTreeMap<String, Option<String>>>,
    /// A SCIM filter, or an object with `filter`, `groups`, `assigned` and `match`; null means
    /// everybody.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<description::Scope>)]
    scope: Option<Value>,
    /// Key by key, and of `guard` limit by limit: what is left out stays.
    #[schema(value_type = Option<description::Policy>)]
    policy: Option<PolicyChange>,
    /// Id of the user whose values the mapping is shown with; null means the organization's admin.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<description::UserOrNobody>)]
    sample_user: Option<String>,
    /// `true` holds the queue; `false` lets a paused app go on.
    paused: Option<bool>,
    /// `true` or `{"until": …}`: the app is being worked on, so changes wait, and go on by themselves
    /// then; `false` or null ends that.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<description::Maintenance>)]
    maintenance: Option<Value>,
}

/// Null removes, as an empty text does; nothing said is nothing changed.
fn given<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Option::deserialize(deserializer).map(|text| Some(text.unwrap_or_default()))
}

/// Null is something said.
fn said<'de, D>(deserializer: D) -> Result<Option<Value>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Value::deserialize(deserializer).map(Some)
}

/// Switches provisioning on or off.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Provisioning {
    enabled: bool,
}

/// Kinds of app that can be set up.
#[utoipa::path(get, path = "/adapters", operation_id = "listAdapters", tag = "catalogue", responses((status = 200, body = Items<AdapterView>)))]
pub async fn adapters(_: Auditor) -> HttpResponse {
    let items: Vec<AdapterView> = catalogue::entries().iter().map(AdapterView::of).collect();
    HttpResponse::Ok().json(Items { items, next: None })
}

/// One kind of app: settings, fields, default mapping.
#[utoipa::path(get, path = "/adapters/{kind}", operation_id = "getAdapter", tag = "catalogue", responses((status = 200, body = AdapterView), (status = 404, body = Problem)))]
pub async fn adapter(_: Auditor, kind: web::Path<String>) -> Result<HttpResponse, Problem> {
    let entry = entry(&kind).map_err(|problem| Problem::not_found(problem.detail))?;
    Ok(HttpResponse::Ok().json(AdapterView::of(entry)))
}

/// Why an app is paused that an administrator paused.
const BY_HAND: &str = "Paused by an administrator.";

pub(super) fn entry(kind: &str) -> Result<&'static catalogue::Entry, Problem> {
    catalogue::entry(kind).ok_or_else(|| {
        let known: Vec<&str> = catalogue::entries().iter().map(|entry| entry.kind).collect();
        Problem::field(
            "adapter",
            format!("there is no adapter {kind:?}; there are {}", known.join(", ")),
        )
    })
}

/// The apps that are set up.
#[utoipa::path(get, path = "/apps", operation_id = "listApps", tag = "apps", responses((status = 200, body = Items<AppView>)))]
pub async fn list(caller: Auditor, state: web::Data<ApiState>) -> Result<HttpResponse, Problem> {
    let now_us = state.clock().now_us();
    let items = state
        .store()
        .read(caller.organization, move |reader| {
            reader
                .apps()?
                .into_iter()
                .map(|row| view::app(reader, row, now_us))
                .collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(HttpResponse::Ok().json(Items { items, next: None }))
}

/// One app.
#[utoipa::path(get, path = "/apps/{app}", operation_id = "getApp", tag = "apps", responses((status = 200, body = AppView), (status = 404, body = Problem)))]
pub async fn get(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    shown(&state, caller.organization, row.id, HttpResponse::Ok()).await
}

async fn shown(
    state: &ApiState,
    organization: OrganizationId,
    app: AppId,
    mut answer: actix_web::HttpResponseBuilder,
) -> Result<HttpResponse, Problem> {
    let now_us = state.clock().now_us();
    let view = state
        .store()
        .read(organization, move |reader| match reader.app(app)? {
            Some(row) => view::app(reader, row, now_us).map(Some),
            None => Ok(None),
        })
        .await?;
    Ok(answer.json(view.ok_or_else(|| Problem::not_found("the app was deleted meanwhile"))?))
}

/// Sets an app up, with the adapter's default mapping.
#[utoipa::path(post, path = "/apps", operation_id = "createApp", tag = "apps", request_body = NewApp, responses(
    (status = 201, body = AppView), (status = 400, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn create(
    caller: Admin,
    state: web::Data<ApiState>,
    body: Json<NewApp>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let entry = entry(&body.adapter)?;
    check_name(&body.name)?;
    let names: Vec<String> = body.secrets.keys().cloned().collect();
    catalogue::check_settings(&body.adapter, &body.settings, &names).map_err(Problem::settings)?;
    let (scope, _) = checked_scope(&state, caller.organization, body.scope).await?;
    let policy = body.policy.unwrap_or_default();
    check_policy(&policy, entry)?;
    let now_us = state.clock().now_us();
    let id = AppId(id::new_uuid(now_us));
    let row = AppRow {
        id,
        name: body.name,
        adapter: body.adapter,
        settings: body.settings,
        scope,
        policy: serde_json::to_value(policy).unwrap_or_default(),
        enabled: false,
        paused: None,
        mapping: 1,
        sample: None,
        revision: 1,
        reconciled_us: None,
        created_us: now_us,
        modified_us: now_us,
    };
    let mapping = MappingRow {
        version: 1,
        document: serde_json::to_value(&entry.default_mapping).unwrap_or_default(),
        author: caller.actor(),
        note: Some("default mapping".into()),
        at_us: now_us,
    };
    let secrets = body
        .secrets
        .into_iter()
        .map(|(name, secret)| sealed(&state, caller.organization, id, name, secret))
        .collect::<Result<Vec<_>, _>>()?;
    let actor = caller.actor();
    state
        .store()
        .write(caller.organization, move |transaction| {
            transaction.insert_app(&row)?;
            transaction.insert_mapping(row.id, &mapping)?;
            for secret in &secrets {
                transaction.put_secret(&owner(row.id), secret, now_us)?;
            }
            transaction.record_audit(now_us, &actor, "app.create", &row.name, Some(&row.adapter))
        })
        .await?;
    if body.enabled {
        let row = state.app(caller.organization, &id.to_string()).await?;
        set_provisioning(&state, &caller, row, true).await?;
    }
    let mut answer = HttpResponse::Created();
    answer.insert_header(("Location", format!("/api/v1/apps/{id}")));
    shown(&state, caller.organization, id, answer).await
}

/// Changes an app. What is in its queue stays there. A scope or a policy that takes away more than the
/// limits allow is refused until it is approved.
#[utoipa::path(patch, path = "/apps/{app}", operation_id = "updateApp", tag = "apps", params(ApprovalQuery), request_body = AppChange, responses(
    (status = 200, body = AppView), (status = 400, body = Problem), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn update(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    approval: web::Query<ApprovalQuery>,
    body: Json<AppChange>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let approval = approval.into_inner().read()?;
    let organization = caller.organization;
    let mut row = state.app(organization, &app).await?;
    let id = row.id;
    let mut changes_scope = false;
    let mut change = weigh::Change::default();
    let mut names: Vec<String> = state
        .store()
        .read(organization, move |reader| reader.secrets(&owner(id)))
        .await?
        .into_iter()
        .map(|secret| secret.name)
        .collect();
    if let Some(name) = body.name {
        check_name(&name)?;
        row.name = name;
    }
    let touches_connection = body.settings.is_some() || body.secrets.is_some();
    if let Some(settings) = body.settings {
        row.settings = settings;
    }
    let (mut put, mut removed) = (Vec::new(), Vec::new());
    for (name, secret) in body.secrets.unwrap_or_default() {
        names.retain(|known| *known != name);
        if let Some(secret) = secret {
            names.push(name.clone());
            put.push(sealed(&state, organization, id, name, secret)?);
        } else {
            removed.push(name);
        }
    }
    if touches_connection {
        catalogue::check_settings(&row.adapter, &row.settings, &names)
            .map_err(Problem::settings)?;
        // New settings deserve a new try; who paused by hand goes on by hand.
        row.paused = row.paused.filter(Pause::is_by_hand);
    }
    if body.scope.is_some() {
        let (scope, rules) = checked_scope(&state, organization, body.scope).await?;
        if !rules.needs_assignment() {
            asks_nobody(&state, organization, &row).await?;
        }
        row.scope = scope;
        change.scope = Some(rules);
        changes_scope = true;
    }
    let mut policy: Option<Policy> = serde_json::from_value(row.policy.clone()).ok();
    let nested = policy.as_ref().map(nesting);
    if let Some(changed) = body.policy {
        let changed = changed.of(policy.take().unwrap_or_default());
        check_policy(&changed, entry(&row.adapter)?)?;
        row.policy = serde_json::to_value(&changed).unwrap_or_default();
        change.policy = Some(changed.clone());
        policy = Some(changed);
    }
    if let Some(sample) = body.sample_user {
        row.sample = checked_sample(&state, organization, &sample).await?;
    }
    let now_us = state.clock().now_us();
    row.paused = held(row.paused.take(), body.paused, body.maintenance.as_ref(), now_us)?;
    let permit = weighed(&state, &caller, &row, change, &approval).await?;
    let actor = caller.actor();
    // A scope says of which groups the app is told, too.
    let has_groups = !entry(&row.adapter)?.schema.groups.is_empty();
    let nests = policy.as_ref().map(nesting);
    state
        .store()
        .write(organization, move |transaction| {
            // Changes are published before this or after it, not beside it.
            transaction.lock_organization()?;
            transaction.update_app(&row, now_us)?;
            for secret in &put {
                transaction.put_secret(&owner(id), secret, now_us)?;
            }
            for name in &removed {
                transaction.delete_secret(&owner(id), name)?;
            }
            transaction.record_audit(now_us, &actor, "app.update", &row.name, None)?;
            // Who belongs in the app is another question now, and everybody is asked it.
            if changes_scope && row.enabled {
                transaction.mark_everybody(id, has_groups, now_us)?;
                if let Some(nesting) = nests.filter(|_| has_groups) {
                    transaction.compare_all_members(id, nesting)?;
                }
            }
            // Who counts as a member of a group is another question now.
            if let Some(nesting) = nests.filter(|_| has_groups && row.enabled && nests != nested) {
                transaction.compare_anew(id, nesting, now_us)?;
            }
            permit.carry_out(transaction, &row, (&actor, now_us))
        })
        .await?;
    state.engine.nudge();
    shown(&state, organization, id, HttpResponse::Ok()).await
}

/// What holds an app once this has been asked for.
fn held(
    before: Option<Pause>,
    paused: Option<bool>,
    maintenance: Option<&Value>,
    now_us: i64,
) -> Result<Option<Pause>, Problem> {
    match (paused, maintenance) {
        (Some(_), Some(_)) => {
            Err(Problem::field("maintenance", "give either \"paused\" or \"maintenance\""))
        }
        (Some(true), None) => Ok(Some(Pause::new(Pause::ADMIN, BY_HAND))),
        (Some(false), None) => Ok(None),
        (None, Some(given)) => {
            let is_other = |pause: &Pause| pause.by != Pause::MAINTENANCE;
            Ok(maintenance::pause(given, now_us)?.or_else(|| before.filter(is_other)))
        }
        (None, None) => Ok(before),
    }
}

/// Deletes an app here. Its accounts stay as they are.
#[utoipa::path(delete, path = "/apps/{app}", operation_id = "deleteApp", tag = "apps", responses((status = 204), (status = 404, body = Problem)))]
pub async fn remove(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let now_us = state.clock().now_us();
    let actor = caller.actor();
    state
        .store()
        .write(caller.organization, move |transaction| {
            transaction.delete_app(row.id, &owner(row.id))?;
            transaction.record_audit(now_us, &actor, "app.delete", &row.name, None)
        })
        .await?;
    state.engine.nudge();
    Ok(HttpResponse::NoContent().finish())
}

/// *Test connection*: asks the app, with its credential, and changes nothing there. An app that was
/// paused for its credential or settings goes on when it answers.
#[utoipa::path(post, path = "/apps/{app}/check", operation_id = "testConnection", tag = "apps", responses((status = 200, body = description::Report), (status = 409, body = Problem), (status = 422, body = Problem), (status = 502, body = Problem)))]
pub async fn check(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let application = state.application(&caller, &app).await?;
    let report = application.adapter.check().await?;
    if application.row.paused.as_ref().is_some_and(|pause| !pause.is_by_hand()) {
        let (id, now_us) = (application.row.id, state.clock().now_us());
        state
            .store()
            .write(caller.organization, move |transaction| {
                transaction.pause_app(id, None, None, now_us)
            })
            .await?;
        state.engine.nudge();
    }
    Ok(HttpResponse::Ok().json(report))
}

/// *Setup Provisioning*: on brings everybody in scope into the app and keeps them equal from then
/// on; off stops sending, keeps what is linked, and changes nothing in the app.
#[utoipa::path(put, path = "/apps/{app}/provisioning", operation_id = "setProvisioning", tag = "apps", request_body = Provisioning, responses(
    (status = 200, body = AppView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn provisioning(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    body: Json<Provisioning>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let id = row.id;
    set_provisioning(&state, &caller, row, body.enabled).await?;
    shown(&state, caller.organization, id, HttpResponse::Ok()).await
}

async fn set_provisioning(
    state: &ApiState,
    caller: &Principal,
    row: AppRow,
    enabled: bool,
) -> Result<(), Problem> {
    if row.enabled == enabled {
        return Ok(());
    }
    let mut next = row.clone();
    next.enabled = enabled;
    // Whoever holds it by hand goes on holding it.
    next.paused = next.paused.filter(Pause::is_by_hand);
    if enabled {
        // What cannot be compiled cannot be switched on.
        let application = state
            .engine
            .application(caller.organization, row.id)
            .await?
            .ok_or_else(|| Problem::not_found("the app was deleted meanwhile"))?;
        let change =
            sync::Change { row: next, actor: caller.actor(), action: "app.provisioning.on" };
        drop(application);
        sync::apply(&state.engine, caller.organization, change).await?;
        return Ok(());
    }
    let now_us = state.clock().now_us();
    let actor = caller.actor();
    state
        .store()
        .write(caller.organization, move |transaction| {
            transaction.update_app(&next, now_us)?;
            transaction.record_audit(now_us, &actor, "app.provisioning.off", &next.name, None)
        })
        .await?;
    state.engine.nudge();
    Ok(())
}

fn check_policy(policy: &Policy, entry: &catalogue::Entry) -> Result<(), Problem> {
    let mut faults = policy.faults(&entry.schema);
    faults.extend(policy.unsearchable(&entry.schema, |kind| entry.find_by(kind)));
    if faults.is_empty() { Ok(()) } else { Err(Problem::policy(faults)) }
}

pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    let fits = (1..=64).contains(&name.len())
        && name.chars().all(|one| one.is_ascii_alphanumeric() || "-_.".contains(one))
        && name.parse::<AppId>().is_err();
    if fits {
        Ok(())
    } else {
        Err(Problem::field("name", "give 1 to 64 letters, digits, '-', '_' or '.'"))
    }
}

/// A scope as it is kept, and as it is applied.
async fn checked_scope(
    state: &ApiState,
    organization: OrganizationId,
    given: Option<Value>,
) -> Result<(Option<String>, Rules), Problem> {
    let scope = scope_of(given.unwrap_or_default())?;
    let registry = state.store().registry(organization).await?;
    let rules = Rules::compile(&scope, &registry).map_err(Problem::scope)?;
    let groups = scope.groups.clone();
    let missing = state
        .store()
        .read(organization, move |reader| {
            for group in groups {
                let Ok(id) = group.parse::<ResourceId>() else { return Ok(Some(group)) };
                if reader.resource("Group", id)?.is_none() {
                    return Ok(Some(group));
                }
            }
            Ok(None)
        })
        .await?;
    if let Some(group) = missing {
        return Err(Problem::field("scope/groups", format!("no group has the id {group:?}")));
    }
    Ok((scope.kept(), rules))
}

/// Whether the mapping in force gives every mandatory field a value without anybody being assigned.
async fn asks_nobody(
    state: &ApiState,
    organization: OrganizationId,
    row: &AppRow,
) -> Result<(), Problem> {
    // A mapping that cannot be applied is refused where it is saved or switched on.
    let Ok(Some(application)) = state.engine.application(organization, row.id).await else {
        return Ok(());
    };
    let faults = unmapped(&application.entry.schema, |kind, field| {
        application.mapping().unmapped_mandatory(kind).iter().any(|one| one == field)
    });
    if faults.is_empty() { Ok(()) } else { Err(Problem::mapping(faults)) }
}

async fn checked_sample(
    state: &ApiState,
    organization: OrganizationId,
    sample: &str,
) -> Result<Option<ResourceId>, Problem> {
    if sample.is_empty() {
        return Ok(None);
    }
    let unknown = || Problem::field("sampleUser", format!("no user has the id {sample:?}"));
    let id: ResourceId = sample.parse().map_err(|_bad| unknown())?;
    let found = state.store().read(organization, move |reader| reader.resource("User", id)).await?;
    found.map(|_| Some(id)).ok_or_else(unknown)
}

fn sealed(
    state: &ApiState,
    organization: OrganizationId,
    app: AppId,
    name: String,
    secret: String,
) -> Result<SecretRow, Problem> {
    let owner = owner(app);
    let place = Place { organization: organization.0, owner: &owner, name: &name };
    let sealed = state.vault.seal(place, &SecretString::from(secret)).map_err(|error| {
        Problem::settings(vec![Reason {
            field: Some(name.clone()),
            detail: error.to_string(),
            remedy: "Check the key file.".into(),
        }])
    })?;
    Ok(SecretRow { name, key_id: sealed.key_id, sealed: sealed.bytes })
}
