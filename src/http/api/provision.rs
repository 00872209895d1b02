//! *Provision now*.

use super::caller::Admin;
use super::description;
use super::links::named;
use super::problem::Problem;
use super::state::ApiState;
use super::view::{AttemptView, LinkView, PendingView};
use crate::outbound::provision::{self, Outcome};
use crate::store::attempts::Wanted;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a request waits for the end of the work.
pub(super) const PATIENCE: Duration = Duration::from_secs(25);

/// *Provision now*: works on one user or group at once, parked or not, and tells every step: what was
/// read, whether and why it is in scope, how its account is known, what was sent and answered, and what
/// came of it. 202 when it is not at an end after 25 seconds; it goes on then.
#[utoipa::path(post, path = "/apps/{app}/provision/{resource}", operation_id = "provision", tag = "links",
    params(("app" = String, Path), ("resource" = String, Path)),
    responses((status = 200, body = description::ProvisionedNow), (status = 202, body = description::ProvisionedNow), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn provision(
    caller: Admin,
    state: web::Data<ApiState>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (application, id) = named(&state, &caller, path).await?;
    let app = application.row.id;
    let last = state
        .store()
        .read(caller.organization, move |reader| {
            let wanted = Wanted { app: Some(app), resource: Some(id), ..Wanted::default() };
            reader.attempts(&wanted, 1)
        })
        .await?
        .pop()
        .map(|attempt| attempt.id);
    let done = provision::now(&state.engine, &application, id, PATIENCE).await?;
    let (link, job, attempts) = state
        .store()
        .read(caller.organization, move |reader| {
            let link = reader.link(app, id)?;
            let job = reader.job_states(app, Some(&[id]), None, 1)?.into_iter().next();
            let wanted = Wanted { app: Some(app), resource: Some(id), ..Wanted::default() };
            Ok((link, job, reader.attempts(&wanted, 100)?))
        })
        .await?;
    let recorded: Vec<AttemptView> = attempts
        .into_iter()
        .take_while(|attempt| Some(attempt.id) != last)
        .map(AttemptView::of)
        .collect();
    let mut answer = if done.outcome == Outcome::Running {
        HttpResponse::Accepted()
    } else {
        HttpResponse::Ok()
    };
    let mut body = serde_json::to_value(&done).unwrap_or_default();
    let more = json!({
        "recorded": recorded,
        "link": link.map(|link| LinkView::of(link, job.clone())),
        "pending": job.map(PendingView::of),
    });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    Ok(answer.json(body))
}
