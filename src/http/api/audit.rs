//! The audit log: who did what, and why.

use super::caller::Auditor;
use super::paging::{PAGE, is_full, parsed};
use super::problem::Problem;
use super::state::ApiState;
use super::view::Items;
use crate::clock::rfc3339;
use crate::store::audit::{AuditRow, Wanted};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// What was done, as entries show it: `guard.approve`, `app.update`, `User.create`.
    #[param(min_length = 3)]
    action: Option<String>,
    /// To what: the name of an app (as it was called then), a client or a notification, the URN of a
    /// schema, or the id of a user or group.
    #[param(min_length = 1)]
    subject: Option<String>,
    /// `next` of the page before.
    #[param(format = "uuid")]
    after: Option<String>,
}

/// Something that somebody did.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditView {
    #[schema(format = "uuid")]
    id: String,
    #[schema(format = DateTime)]
    at: String,
    /// Who: `client:` and its name, `cli`, or `rollcall` for what it did by itself.
    actor: String,
    /// What, as `guard.approve`, `app.update` or `User.create`.
    action: String,
    /// To what: the name of an app, a client or a notification, the URN of a schema, or the id of a user
    /// or group.
    subject: String,
    /// More about it, such as what was approved and the reason that was given; null where there is
    /// nothing to say. Never a secret or a value of a profile.
    detail: Option<String>,
}

impl AuditView {
    fn of(row: AuditRow) -> Self {
        let AuditRow { id, at_us, actor, action, subject, detail } = row;
        Self { id: id.to_string(), at: rfc3339(at_us), actor, action, subject, detail }
    }
}

/// Whether a text can be the name of an action: a thing and what is done to it, between dots.
fn is_action(text: &str) -> bool {
    let mut parts = text.split('.');
    let is_word = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.chars().all(|one| one.is_ascii_alphanumeric() || "_-".contains(one))
    };
    parts.clone().count() >= 2 && parts.all(is_word)
}

/// Who did what, newest first: changes of the directory, of apps and of everything else that can be
/// changed, and what was approved. As long as `[retention]` keeps it.
#[utoipa::path(get, path = "/audit", operation_id = "listAudit", tag = "activity", params(AuditQuery), responses((status = 200, body = Items<AuditView>), (status = 400, body = Problem)))]
pub async fn list(
    caller: Auditor,
    state: web::Data<ApiState>,
    query: web::Query<AuditQuery>,
) -> Result<HttpResponse, Problem> {
    let AuditQuery { action, subject, after } = query.into_inner();
    if let Some(action) = action.as_ref().filter(|action| !is_action(action)) {
        let detail = format!("{action:?} is no action: give one as entries show it, as app.update");
        return Err(Problem::field("action", detail));
    }
    if subject.as_ref().is_some_and(String::is_empty) {
        return Err(Problem::field("subject", "give a name or an id, or leave it out"));
    }
    let wanted = Wanted { action, subject, before: parsed("after", after)? };
    let rows =
        state.store().read(caller.organization, move |reader| reader.audit(&wanted, PAGE)).await?;
    let next = rows.last().filter(|_| is_full(rows.len())).map(|row| row.id.to_string());
    let items = rows.into_iter().map(AuditView::of).collect();
    Ok(HttpResponse::Ok().json(Items { items, next }))
}

#[cfg(test)]
mod tests {
    use super::is_action;

    #[test]
    fn an_action_is_a_thing_and_what_is_done_to_it() {
        for action in ["User.create", "app.provisioning.off", "My_Badge.update"] {
            assert!(is_action(action), "{action}");
        }
        for wrong in ["", "create", "app.", ".create", "app..off", "app create.x", "a.1\u{0}"] {
            assert!(!is_action(wrong), "{wrong}");
        }
    }
}
