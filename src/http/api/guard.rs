//! The guard: a change that takes much away is asked about before it is saved, and what the directory
//! itself takes away beyond the limits waits for approval.

use super::body::Json;
use super::caller::{Admin, Auditor};
use super::description;
use super::problem::Problem;
use super::state::ApiState;
use crate::auth::Principal;
use crate::id::ResourceId;
use crate::outbound::application::Error as ApplicationError;
use crate::outbound::guard::{Limits, sentence};
use crate::outbound::policy::Policy;
use crate::outbound::weigh::{self, Change};
use crate::store::apps::AppRow;
use crate::store::jobs::Priority;
use crate::store::removals::{Removed, Waiting};
use crate::store::{self, Transaction};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Most characters of a reason.
const LONGEST_REASON: usize = 1_000;

/// Reads why somebody approves something.
///
/// # Errors
/// 400.
pub fn reason(given: &str) -> Result<String, Problem> {
    let reason = given.trim();
    if !(1..=LONGEST_REASON).contains(&reason.chars().count()) {
        return Err(Problem::field("reason", "say why, in 1 to 1000 characters"));
    }
    Ok(reason.to_owned())
}

/// An approval that comes with a change.
#[derive(Deserialize, IntoParams, Default)]
#[serde(deny_unknown_fields)]
pub struct ApprovalQuery {
    /// Approves that the change takes so much away: `approve` of the answer that refused it.
    #[param(format = Int64, minimum = 0, maximum = 9_223_372_036_854_775_807_i64)]
    approve: Option<i64>,
    /// Why; kept in the audit log.
    #[param(max_length = 1000)]
    reason: Option<String>,
}

impl ApprovalQuery {
    /// Reads what is approved.
    ///
    /// # Errors
    /// 400.
    pub fn read(self) -> Result<Approval, Problem> {
        Approval::new(self.approve, self.reason)
    }
}

/// What somebody approves.
#[derive(Debug, Clone, Default)]
pub struct Approval {
    most: Option<u64>,
    reason: Option<String>,
}

impl Approval {
    /// Up to so much, for a reason.
    ///
    /// # Errors
    /// 400.
    pub fn new(approve: Option<i64>, reason: Option<String>) -> Result<Self, Problem> {
        let most = approve
            .map(u64::try_from)
            .transpose()
            .map_err(|_negative| Problem::field("approve", "give 0 or more"))?;
        if reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
            return Err(Problem::field(
                "reason",
                format!("give {LONGEST_REASON} characters at most"),
            ));
        }
        Ok(Self { most, reason: reason.filter(|reason| !reason.trim().is_empty()) })
    }

    /// For the audit log.
    fn note(&self, what: &str) -> String {
        match &self.reason {
            Some(reason) => format!("{what} Reason: {reason}"),
            None => format!("{what} No reason was given."),
        }
    }
}

/// A change that may be saved: whose accounts go with it, and what was approved of it.
#[derive(Debug, Clone, Default)]
pub struct Permit {
    leaving: Vec<(ResourceId, &'static str, Removed)>,
    approved: Option<String>,
}

impl Permit {
    /// Makes those due whose accounts go, and notes the approval, in the transaction that saves the
    /// change.
    ///
    /// # Errors
    /// The store's.
    pub fn carry_out(
        &self,
        transaction: &mut Transaction<'_>,
        app: &AppRow,
        (actor, now_us): (&str, i64),
    ) -> store::Result<()> {
        let due: Vec<_> =
            self.leaving.iter().map(|(id, kind, _)| (*id, *kind, Priority::Leaving)).collect();
        transaction.mark_due(app.id, &due, now_us)?;
        let Some(approved) = &self.approved else { return Ok(()) };
        let objects: Vec<_> = self.leaving.iter().map(|(id, _, removed)| (*id, *removed)).collect();
        transaction.approve_jobs(app.id, &objects)?;
        transaction.record_audit(now_us, actor, "guard.approve", &app.name, Some(approved))
    }
}

/// Weighs a change of an app. An app that is off is told nothing; one that cannot be worked on is told
/// nothing either until it is mended, and then no more than the limits for an hour allow.
///
/// # Errors
/// 409 where it would take away more than the limits allow, and than is approved.
pub async fn weighed(
    state: &ApiState,
    caller: &Principal,
    row: &AppRow,
    change: Change,
    approval: &Approval,
) -> Result<Permit, Problem> {
    if !row.enabled {
        return Ok(Permit::default());
    }
    let application = match state.engine.application(caller.organization, row.id).await {
        Ok(Some(application)) => application,
        Err(ApplicationError::Store(error)) => return Err(error.into()),
        Ok(None) | Err(_) => return Ok(Permit::default()),
    };
    if application.row.revision != row.revision {
        return Err(store::Error::Stale.into());
    }
    let weight = weigh::weigh(&state.engine, &application, change).await?;
    let breaches = weight.breaches(&application.policy.guard);
    let leaving =
        weight.leaving.iter().map(|(id, kind, removed)| (*id, kind.as_str(), *removed)).collect();
    if breaches.is_empty() {
        return Ok(Permit { leaving, approved: None });
    }
    let total = weight.removals.total();
    if approval.most.is_none_or(|most| most < total) {
        return Err(Problem::guard(breaches, weight.removals, approval.most));
    }
    let approved = approval.note(&format!("{}; {total} approved.", sentence(&breaches)));
    Ok(Permit { leaving, approved: Some(approved) })
}

/// What may be taken away from an app, and what waits for approval.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GuardView {
    /// The limits of the app's policy.
    #[schema(value_type = description::Limits)]
    limits: Limits,
    /// What these come to: the most that may be taken away within an hour; null: anything.
    most: Most,
    /// Of how much.
    of: Has,
    /// What was taken away within the last hour, or up to five minutes more, and not approved.
    last_hour: Taken,
    /// Objects that wait for approval.
    held: u64,
    /// What they would take away: all of it together is what `upTo` approves.
    held_removals: Taken,
}

/// The most that may be taken away.
#[derive(Serialize, ToSchema)]
pub struct Most {
    /// Accounts that are switched off.
    deactivations: Option<u64>,
    /// Accounts and groups that are deleted.
    deletions: Option<u64>,
    /// Members that groups lose.
    memberships: Option<u64>,
}

/// How much an app has.
#[derive(Serialize, ToSchema)]
pub struct Has {
    /// Accounts and groups: what a share of deletions is taken of.
    accounts: u64,
    /// Accounts that are switched on: what a share of deactivations is taken of.
    active: u64,
    /// Members of its groups.
    memberships: u64,
}

/// What is taken away.
#[derive(Serialize, ToSchema)]
pub struct Taken {
    /// Accounts that are switched off.
    deactivations: u64,
    /// Accounts and groups that are deleted.
    deletions: u64,
    /// Members that groups lose.
    memberships: u64,
}

impl From<Removed> for Taken {
    fn from(removed: Removed) -> Self {
        let Removed { deactivations, deletions, memberships } = removed;
        Self { deactivations, deletions, memberships }
    }
}

/// What may be taken away from an app within an hour without anybody being asked, what was, and how much
/// waits for approval.
#[utoipa::path(get, path = "/apps/{app}/guard", operation_id = "getGuard", tag = "guard", responses((status = 200, body = GuardView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn get(
    caller: Auditor,
    state: web::Data<ApiState>,
    app: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let row = state.app(caller.organization, &app).await?;
    let policy: Policy = serde_json::from_value(row.policy).map_err(|_other_shape| {
        Problem::conflict("this version of Rollcall cannot read the app's policy: save it again")
    })?;
    let limits = policy.guard;
    let (id, now_us) = (row.id, state.clock().now_us());
    let (has, taken, waiting) = state
        .store()
        .read(caller.organization, move |reader| {
            let taken = reader.removed_lately(id, now_us)?;
            Ok((reader.held_by(id)?, taken, reader.waiting_for_approval(id)?))
        })
        .await?;
    Ok(HttpResponse::Ok().json(GuardView {
        limits,
        most: Most {
            deactivations: limits.deactivations.most(has.active),
            deletions: limits.deletions.most(has.accounts),
            memberships: limits.memberships.most(has.memberships),
        },
        of: Has { accounts: has.accounts, active: has.active, memberships: has.memberships },
        last_hour: taken.into(),
        held: waiting.objects,
        held_removals: waiting.removals.into(),
    }))
}

/// What is approved.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeldApproval {
    /// At most so much is taken away: `heldRemovals` of what was looked at, all together.
    #[schema(format = Int64, minimum = 0, maximum = 9_223_372_036_854_775_807_i64)]
    up_to: i64,
    /// Why; kept in the audit log.
    #[schema(min_length = 1, max_length = 1000, example = "The branch was closed.")]
    reason: String,
}

/// What is taken away, in words.
fn in_words(removed: &Removed) -> String {
    let parts = [
        (removed.deactivations, "accounts switched off"),
        (removed.deletions, "accounts and groups deleted"),
        (removed.memberships, "members of groups"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
    if parts.is_empty() { "nothing that is known".to_owned() } else { parts.join(", ") }
}

/// How many objects wait no longer.
#[derive(Serialize, ToSchema)]
pub struct Released {
    released: u64,
}

/// Approves what waits for approval: it is done, whatever the limits. Refused when more waits than is
/// approved. What the source has put right meanwhile finds nothing to do.
#[utoipa::path(post, path = "/apps/{app}/guard/approve", operation_id = "approveHeld", tag = "guard", request_body = HeldApproval, responses(
    (status = 202, body = Released), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn approve(
    caller: Admin,
    state: web::Data<ApiState>,
    app: web::Path<String>,
    body: Json<HeldApproval>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let up_to =
        u64::try_from(body.up_to).map_err(|_negative| Problem::field("upTo", "give 0 or more"))?;
    let reason = reason(&body.reason)?;
    let row = state.app(caller.organization, &app).await?;
    let name = row.name.clone();
    let now_us = state.clock().now_us();
    let actor = caller.actor();
    let released = state
        .store()
        .write(caller.organization, move |transaction| {
            let approved = transaction.approve_waiting(row.id, up_to, now_us)?;
            if approved.objects > 0 {
                let note = format!(
                    "{} objects that waited approved, which take away {}. Reason: {reason}",
                    approved.objects,
                    in_words(&approved.removals)
                );
                let note = Some(note.as_str());
                transaction.record_audit(now_us, &actor, "guard.approve", &row.name, note)?;
                return Ok(Ok(approved.objects));
            }
            let waiting = transaction.waiting_for_approval(row.id)?;
            Ok(if waiting.objects == 0 { Ok(0) } else { Err(waiting) })
        })
        .await?;
    let released = released.map_err(|Waiting { objects, removals }| {
        let total = removals.total();
        Problem::conflict(format!(
            "{objects} objects wait for approval, which take away {}, and up to {up_to} were \
             approved: nothing was released. Look at them (GET /api/v1/apps/{name}/parked), and \
             approve {total}.",
            in_words(&removals)
        ))
    })?;
    state.engine.nudge();
    Ok(HttpResponse::Accepted().json(Released { released }))
}
