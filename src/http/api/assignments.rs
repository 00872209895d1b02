//! Who is assigned to an app, and with which values.

use super::body::Json;
use super::caller::{Admin, Auditor};
use super::description;
use super::guard::{Approval, ApprovalQuery, weighed};
use super::paging::{PAGE, is_full, parsed};
use super::problem::Problem;
use super::state::ApiState;
use super::view::Items;
use crate::clock::rfc3339;
use crate::id::{OrganizationId, ResourceId};
use crate::mapping::compiled::{Asked, Subject};
use crate::mapping::impact::name;
use crate::outbound::application::Application;
use crate::outbound::weigh::Change;
use crate::store::assignments::AssignmentRow;
use crate::store::jobs::Priority;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// Somebody to assign.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAssignment {
    /// Id of a user or a group.
    #[schema(format = "uuid")]
    resource: String,
    /// Values for the fields that are asked for, by app field. Of a group, they are for everybody in
    /// it.
    #[serde(default)]
    fields: Map<String, Value>,
}

/// An assignment.
#[derive(Serialize, ToSchema)]
pub struct AssignmentView {
    #[schema(format = "uuid")]
    resource: String,
    /// `User` or `Group`.
    kind: String,
    fields: Map<String, Value>,
    author: String,
    #[schema(format = DateTime)]
    assigned: String,
    #[schema(format = DateTime)]
    modified: String,
}

impl AssignmentView {
    fn of(row: AssignmentRow) -> Self {
        Self {
            resource: row.resource.to_string(),
            kind: row.kind,
            fields: row.fields,
            author: row.author,
            assigned: rfc3339(row.assigned_us),
            modified: rfc3339(row.modified_us),
        }
    }
}

/// A field that an assignment is asked for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskedView {
    /// The app field.
    name: String,
    label: String,
    /// `text`, `boolean`, `integer`, `decimal`, `datetime` or `date`.
    #[serde(rename = "type")]
    kind: String,
    multi_valued: bool,
    mandatory: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<Value>,
}

impl AskedView {
    fn of(asked: &Asked<'_>) -> Self {
        let field = asked.field;
        let kind = serde_json::to_value(field.kind).ok();
        Self {
            name: field.name.clone(),
            label: field.label.clone(),
            kind: kind.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
            multi_valued: field.multi_valued,
            mandatory: asked.mandatory,
            max_length: field.max_length,
            choices: field.choices.clone(),
            description: field.description.clone(),
            example: field.example.clone(),
        }
    }
}

/// What an assignment of somebody is asked for, and what it says if there is one.
#[derive(Serialize, ToSchema)]
pub struct Form {
    #[schema(format = "uuid")]
    resource: String,
    kind: String,
    name: String,
    /// Null while they are not assigned themselves.
    assignment: Option<AssignmentView>,
    /// The app's mandatory fields that the mapping leaves unmapped, then others that it leaves to
    /// the assignment.
    asked: Vec<AskedView>,
}

/// Which page, or whose.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AssignmentQuery {
    /// `User` or `Group`; both when left out.
    #[param(value_type = Option<description::Kind>)]
    kind: Option<String>,
    /// `next` of the page before.
    #[param(format = "uuid")]
    after: Option<String>,
}

/// Whose assignment.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct WhoseQuery {
    /// Id of a user or a group.
    #[param(format = "uuid")]
    resource: String,
    /// Approves that the change takes so much away: `approve` of the answer that refused it.
    #[param(format = Int64, minimum = 0, maximum = 9_223_372_036_854_775_807_i64)]
    approve: Option<i64>,
    /// Why; kept in the audit log.
    #[param(max_length = 500)]
    reason: Option<String>,
}

/// Somebody who can be assigned.
struct Somebody {
    id: ResourceId,
    kind: String,
    resource: Map<String, Value>,
}

async fn somebody(
    state: &ApiState,
    organization: OrganizationId,
    id: &str,
) -> Result<Somebody, Problem> {
    let unknown = || Problem::not_found(format!("no user or group has the id {id:?}"));
    let id: ResourceId = id.parse().map_err(|_bad| unknown())?;
    let stored = state.store().read(organization, move |reader| reader.resource_any(id)).await?;
    let stored = stored.ok_or_else(unknown)?;
    if !["User", "Group"].contains(&stored.kind.as_str()) {
        return Err(unknown());
    }
    let registry = state.store().registry(organization).await?;
    let definition = registry.named(&stored.kind).ok_or_else(unknown)?;
    let resource = stored.complete(definition, state.engine.base_url());
    Ok(Somebody { id, kind: stored.kind, resource })
}

impl Somebody {
    fn subject(&self) -> Subject<'_> {
        if self.kind == "Group" { Subject::Group } else { Subject::Person(&self.resource) }
    }
}

/// Users and groups that are assigned to an app.
#[utoipa::path(get, path = "/apps/{app}/assignments", operation_id = "listAssignments", tag = "assignments", params(AssignmentQuery), responses((status = 200, body = Items<AssignmentView>), (status = 404, body = Problem)))]
pub async fn list(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    query: web::Query<AssignmentQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let row = state.app(caller.organization, &app).await?;
    if let Some(kind) = query.kind.as_deref().filter(|kind| !["User", "Group"].contains(kind)) {
        return Err(Problem::field("kind", format!("{kind:?} is neither User nor Group")));
    }
    let after = parsed("after", query.after)?;
    let rows = state
        .store()
        .read(caller.organization, move |reader| {
            reader.assignments(row.id, query.kind.as_deref(), after, PAGE)
        })
        .await?;
    let next = rows.last().filter(|_| is_full(rows.len())).map(|row| row.resource.to_string());
    let items = rows.into_iter().map(AssignmentView::of).collect();
    Ok(HttpResponse::Ok().json(Items { items, next }))
}

/// What an assignment of a user or group is asked for, and what it says if there is one.
#[utoipa::path(get, path = "/apps/{app}/assignments/{resource}", operation_id = "getAssignment", tag = "assignments",
    params(("app" = String, Path), ("resource" = String, Path)),
    responses((status = 200, body = Form), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn get(
    caller: Auditor,
    state: web::Data<ApiState>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (app, resource) = path.into_inner();
    let application = state.application(&caller, &app).await?;
    let who = somebody(&state, caller.organization, &resource).await?;
    let (app, id) = (application.row.id, who.id);
    let row =
        state.store().read(caller.organization, move |reader| reader.assignment(app, id)).await?;
    let asked = application.mapping().asked(who.subject());
    Ok(HttpResponse::Ok().json(Form {
        resource: id.to_string(),
        name: name(&who.resource),
        kind: who.kind.clone(),
        assignment: row.map(AssignmentView::of),
        asked: asked.iter().map(AskedView::of).collect(),
    }))
}

/// Assigns a user or a group, or changes the values of an assignment. Mandatory fields of the app
/// that the mapping leaves unmapped must be given a value.
#[utoipa::path(post, path = "/apps/{app}/assignments", operation_id = "assign", tag = "assignments", request_body = NewAssignment, responses(
    (status = 200, body = AssignmentView), (status = 201, body = AssignmentView), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn assign(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    body: Json<NewAssignment>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let application = state.application(&caller, &app).await?;
    let who = somebody(&state, caller.organization, &body.resource).await?;
    let fields =
        application.mapping().assigned(who.subject(), &body.fields).map_err(Problem::assignment)?;
    let now_us = state.clock().now_us();
    let new = AssignmentRow {
        app: application.row.id,
        resource: who.id,
        kind: who.kind.clone(),
        fields,
        author: caller.actor(),
        assigned_us: now_us,
        modified_us: now_us,
    };
    let (is_new, row) = keep(&state, &caller, &application, new).await?;
    state.engine.nudge();
    let mut answer = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer.json(AssignmentView::of(row)))
}

async fn keep(
    state: &ApiState,
    caller: &Admin,
    application: &Application,
    new: AssignmentRow,
) -> Result<(bool, AssignmentRow), Problem> {
    let name = application.row.name.clone();
    let actor = caller.actor();
    let kept = state
        .store()
        .write(caller.organization, move |transaction| {
            // An app is switched on before this or after it, not beside it.
            transaction.lock_organization()?;
            let enabled = transaction.app(new.app)?.is_some_and(|app| app.enabled);
            let before = transaction.assignment(new.app, new.resource)?;
            transaction.put_assignment(&new)?;
            let detail = new.resource.to_string();
            transaction.record_audit(
                new.modified_us,
                &actor,
                "app.assign",
                &name,
                Some(&detail),
            )?;
            if enabled {
                mark(transaction, &new)?;
            }
            let assigned_us = before.as_ref().map_or(new.assigned_us, |row| row.assigned_us);
            Ok((before.is_none(), AssignmentRow { assigned_us, ..new.clone() }))
        })
        .await?;
    Ok(kept)
}

/// Whoever is assigned belongs in the app from now on, or is told other values, or neither: they
/// are looked at.
fn mark(
    transaction: &mut crate::store::Transaction<'_>,
    row: &AssignmentRow,
) -> crate::store::Result<()> {
    let one = [(row.resource, row.kind.as_str(), Priority::of(&row.kind))];
    transaction.mark_due(row.app, &one, row.modified_us)?;
    if row.kind == "Group" {
        transaction.mark_below(row.app, row.resource, row.modified_us)?;
    }
    Ok(())
}

/// Takes an assignment back. What becomes of the account is the app's policy. Where that takes away
/// more than the limits allow, it is refused until it is approved.
#[utoipa::path(delete, path = "/apps/{app}/assignments/{resource}", operation_id = "unassign", tag = "assignments",
    params(("app" = String, Path), ("resource" = String, Path), ApprovalQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn remove(
    caller: Admin,
    state: web::Data<ApiState>,
    path: web::Path<(String, String)>,
    approval: web::Query<ApprovalQuery>,
) -> Result<HttpResponse, Problem> {
    let (app, resource) = path.into_inner();
    let approval = approval.into_inner().read()?;
    take_back(&state, &caller, (&app, &resource), approval).await
}

/// Takes an assignment back. What becomes of the account is the app's policy. Where that takes away
/// more than the limits allow, it is refused until it is approved.
#[utoipa::path(delete, path = "/apps/{app}/assignments", operation_id = "unassignByQuery", tag = "assignments", params(WhoseQuery), responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn remove_one(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    whose: web::Query<WhoseQuery>,
) -> Result<HttpResponse, Problem> {
    let whose = whose.into_inner();
    let approval = Approval::new(whose.approve, whose.reason)?;
    take_back(&state, &caller, (&app, &whose.resource), approval).await
}

async fn take_back(
    state: &ApiState,
    caller: &Admin,
    (app, resource): (&str, &str),
    approval: Approval,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, app).await?;
    let unknown = || Problem::not_found(format!("{resource:?} is not assigned to this app"));
    let id: ResourceId = resource.parse().map_err(|_bad| unknown())?;
    let app = row.id;
    let there = state.store().read(caller.organization, move |reader| reader.assignment(app, id));
    if there.await?.is_none() {
        return Err(unknown());
    }
    let change = Change { unassigned: Some(id), ..Change::default() };
    let permit = weighed(state, caller, &row, change, &approval).await?;
    let now_us = state.clock().now_us();
    let actor = caller.actor();
    let removed = state
        .store()
        .write(caller.organization, move |transaction| {
            transaction.lock_organization()?;
            let enabled = transaction.app(row.id)?.is_some_and(|app| app.enabled);
            let Some(mut before) = transaction.assignment(row.id, id)? else { return Ok(false) };
            transaction.remove_assignment(row.id, id)?;
            let detail = id.to_string();
            transaction.record_audit(now_us, &actor, "app.unassign", &row.name, Some(&detail))?;
            if enabled {
                before.modified_us = now_us;
                mark(transaction, &before)?;
                permit.carry_out(transaction, &row, (&actor, now_us))?;
            }
            Ok(true)
        })
        .await?;
    if !removed {
        return Err(unknown());
    }
    state.engine.nudge();
    Ok(HttpResponse::NoContent().finish())
}
