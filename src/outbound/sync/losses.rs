//! Accounts that the app does not have any more: planned with as if it were settled, and settled when the
//! run starts.

use super::turns::Turns;
use crate::id::{self, AttemptId, ResourceId, RunId};
use crate::outbound::plan::Following;
use crate::outbound::policy::Lost;
use crate::outbound::situation::Reading;
use crate::store::attempts::AttemptRow;
use crate::store::links::LinkRow;
use crate::store::runs::LossRow;
use crate::store::{self, Transaction};
use std::collections::HashMap;

/// Losses that are settled in one transaction.
const SOME: usize = 100;

/// What becomes of the link; none: it is forgotten, and the account made anew.
const fn following(policy: Lost) -> Option<Following> {
    match policy {
        Lost::Recreate => None,
        Lost::Park => Some(Following::Lost),
        Lost::Release => Some(Following::Released),
    }
}

/// What a plan found lost, by the object whose account it was.
#[derive(Debug, Default)]
pub(super) struct Losses(HashMap<ResourceId, LossRow>);

impl Losses {
    pub(super) fn extend(&mut self, losses: Vec<LossRow>) {
        self.0.extend(losses.into_iter().map(|loss| (loss.resource, loss)));
    }

    /// What was read, as it is once the losses are settled.
    pub(super) fn settled(&self, mut reading: Reading, policy: Lost) -> Reading {
        if self.0.is_empty() {
            return reading;
        }
        let is_lost = |link: &LinkRow| {
            let loss = self.0.get(&link.resource);
            loss.is_some_and(|loss| is_so(loss, link))
        };
        if let Some(link) = reading.link.take_if(|link| is_lost(link)) {
            reading.lose(following(policy).map(|state| LinkRow { state: state_of(state), ..link }));
        }
        if policy != Lost::Release {
            let targets = reading.targets.clone();
            for target in targets {
                if let Some(loss) = self.0.get(&target) {
                    reading.forget_account(target, &loss.remote_id);
                }
            }
        }
        reading
    }
}

fn state_of(state: Following) -> String {
    if state == Following::Lost { LinkRow::LOST } else { LinkRow::RELEASED }.to_owned()
}

/// Whether the account is still the one that was lost. What was pushed or seen since knows better.
fn is_so(loss: &LossRow, link: &LinkRow) -> bool {
    link.remote_id.as_ref() == Some(&loss.remote_id)
        && link.pushed_us < loss.since_us
        && link.seen_us.is_none_or(|seen_us| seen_us < loss.since_us)
}

/// Settles the next losses of a run by the policy; whether none is left.
pub(super) fn settle(
    transaction: &mut Transaction<'_>,
    turns: Turns,
    run: RunId,
    now_us: i64,
) -> store::Result<bool> {
    let losses = transaction.losses(run, i64::try_from(SOME).unwrap_or(i64::MAX))?;
    for loss in &losses {
        lose(transaction, turns, (run, loss), now_us)?;
        transaction.settle_loss(run, loss.resource)?;
    }
    Ok(losses.len() < SOME)
}

fn lose(
    transaction: &mut Transaction<'_>,
    Turns { app, lost: policy, .. }: Turns,
    (run, loss): (RunId, &LossRow),
    now_us: i64,
) -> store::Result<()> {
    let Some(link) = transaction.link(app, loss.resource)?.filter(|link| is_so(loss, link)) else {
        return Ok(());
    };
    transaction.mark_referrers(app, link.resource, now_us)?;
    transaction.forget_account(app, link.resource)?;
    transaction.remember_made(app, link.resource)?;
    match following(policy) {
        None => transaction.delete_link(app, link.resource, true)?,
        Some(state) => transaction.put_link(&LinkRow { state: state_of(state), ..link })?,
    }
    transaction.insert_attempt(&AttemptRow {
        id: AttemptId(id::new_uuid(now_us)),
        app,
        resource: loss.resource,
        kind: loss.kind.clone(),
        run: Some(run),
        action: "lost".into(),
        outcome: "done".into(),
        fields: Vec::new(),
        detail: Some("The app was asked for the account and does not have it.".into()),
        took_us: 0,
        at_us: now_us,
        cause: Some("lost".into()),
        remedy: None,
        next_us: None,
        wire: None,
    })
}
