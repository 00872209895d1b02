//! The turn of a run: it starts when no other run of its app is being applied, and what its plan found
//! lost has been settled.

use super::losses;
use crate::id::{AppId, RunId};
use crate::outbound::application::Application;
use crate::outbound::policy::Lost;
use crate::store::pushes::Nesting;
use crate::store::{self, Transaction};

/// What starting a run depends on.
#[derive(Debug, Clone, Copy)]
pub struct Turns {
    pub(super) app: AppId,
    /// How the app is told of groups; none where it is not.
    pub(super) groups: Option<Nesting>,
    /// What becomes of accounts that the app lost.
    pub(super) lost: Lost,
}

impl Turns {
    /// Of an app as it is now.
    pub fn of(application: &Application) -> Self {
        Self {
            app: application.row.id,
            groups: application.groups(),
            lost: application.policy.lost,
        }
    }
}

/// How the turn of a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::outbound) enum Turn {
    /// It has not come.
    Waits,
    /// It has come, and more losses are to be settled in further transactions first.
    Comes,
    /// The run is started.
    Started,
}

/// Starts a run whose turn it is. One of an app that is switched off waits: nothing changes meanwhile,
/// and no link is forgotten.
pub(in crate::outbound) fn start(
    transaction: &mut Transaction<'_>,
    turns: Turns,
    run: RunId,
    now_us: i64,
) -> store::Result<Turn> {
    // Nobody starts, cancels or switches off meanwhile.
    transaction.lock_organization()?;
    let is_queued = transaction.run(run)?.is_some_and(|row| row.state == "queued");
    let is_on = transaction.app(turns.app)?.is_some_and(|row| row.enabled);
    if !is_queued || !is_on || transaction.is_running(turns.app)? {
        return Ok(Turn::Waits);
    }
    if !losses::settle(transaction, turns, run, now_us)? {
        return Ok(Turn::Comes);
    }
    if !transaction.start_run(run, now_us)? {
        return Ok(Turn::Waits);
    }
    if let Some(nesting) = turns.groups {
        transaction.compare_all_members(turns.app, nesting)?;
    }
    Ok(Turn::Started)
}
