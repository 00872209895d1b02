//! From changes to jobs: which apps does a change concern?
//!
//! One instance at a time publishes the changes of the directory in order and marks *(app,
//! resource)* as due, in the same transaction. Marking twice is harmless.

use super::engine::Engine;
use crate::id::{OrganizationId, ResourceId};
use crate::store::changes::{ChangeOp, ChangeRow};
use crate::store::jobs::Priority;
use crate::store::pushes::{Moved, Nesting};
use crate::store::{self, Transaction};
use std::collections::BTreeMap;

/// Most changes that one transaction publishes.
const BATCH: i64 = 500;

/// Publishes every change of an organization; answers how many jobs were marked.
///
/// # Errors
/// The store's.
pub(super) async fn dispatch(
    engine: &Engine,
    organization: OrganizationId,
) -> Result<usize, store::Error> {
    let mut marked = 0;
    loop {
        let watched = engine.watched_apps(organization).await?;
        let now_us = engine.clock().now_us();
        let done = engine
            .store()
            .write(organization, move |transaction| {
                transaction.lock_organization()?;
                // An app that was switched on since must not miss what is published here.
                let enabled = transaction.enabled_apps()?;
                for app in enabled {
                    let known = watched.iter().find(|one| one.app == app);
                    let revision = transaction.app_revision(app)?;
                    // Another scope or mapping may follow other changes.
                    if known.is_none_or(|one| one.revision.is_some() && one.revision != revision) {
                        return Ok(None);
                    }
                }
                let changes = transaction.publish_changes(BATCH)?;
                let jobs = mark(transaction, &watched, &changes, now_us)?;
                Ok(Some((changes.len(), jobs)))
            })
            .await?;
        let Some((published, jobs)) = done else { continue };
        marked += jobs;
        if published < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            return Ok(marked);
        }
    }
}

/// An app that follows the directory, with what decides which changes concern it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched {
    pub(super) app: crate::id::AppId,
    /// At which it was read; none where it cannot be worked on.
    pub(super) revision: Option<i64>,
    pub(super) groups: bool,
    /// Who counts as a member of a group there; none where that is not known.
    pub(super) nesting: Option<Nesting>,
    /// Memberships can bring people in or out, or are part of what the app is told of them.
    pub(super) follows_memberships: bool,
}

fn mark(
    transaction: &mut Transaction<'_>,
    watched: &[Watched],
    changes: &[ChangeRow],
    now_us: i64,
) -> store::Result<usize> {
    // A burst of changes of one object is one job.
    let mut due: BTreeMap<ResourceId, (&str, Priority)> = BTreeMap::new();
    let mut concerned: Vec<ResourceId> = Vec::new();
    let mut left: Vec<ResourceId> = Vec::new();
    for row in changes {
        let change = &row.change;
        let priority = match (change.kind.as_str(), change.op) {
            (_, ChangeOp::Delete) => Priority::Leaving,
            ("Group", _) => Priority::Group,
            _ => Priority::User,
        };
        let entry = due.entry(change.resource).or_insert((change.kind.as_str(), priority));
        entry.1 = entry.1.min(priority);
        concerned.extend(&change.joined);
        left.extend(&change.left);
        if change.kind == "Group" && change.op == ChangeOp::Update {
            // Its name may be what a scope or a mapping reads.
            concerned.push(change.resource);
        }
    }
    // Who was switched off loses access, and goes before those who only change.
    let people: Vec<ResourceId> =
        due.iter().filter(|(_, (kind, _))| *kind == "User").map(|(id, _)| *id).collect();
    for id in transaction.inactive_among(&people)? {
        due.entry(id).and_modify(|(_, priority)| *priority = Priority::Leaving);
    }
    let mut jobs = 0;
    for app in watched {
        let mine: Vec<_> = due
            .iter()
            .filter(|(_, (kind, _))| *kind == "User" || (*kind == "Group" && app.groups))
            .map(|(id, (kind, priority))| (*id, *kind, *priority))
            .collect();
        jobs += mine.len();
        transaction.mark_due(app.app, &mine, now_us)?;
        if app.groups {
            let ways = app.nesting.as_ref().map_or(&Nesting::EVERY[..], std::slice::from_ref);
            for row in changes.iter().filter(|row| row.change.kind == "Group") {
                let ChangeRow { change, .. } = row;
                let moved =
                    Moved { group: change.resource, joined: &change.joined, left: &change.left };
                for nesting in ways {
                    if !moved.is_empty() {
                        jobs += transaction.mark_moved(app.app, moved, *nesting, now_us)?;
                    } else if change.op == ChangeOp::Members {
                        // Too many to list in the change: ask the tables.
                        transaction.compare_members(app.app, change.resource, *nesting)?;
                    }
                }
            }
        }
        if app.follows_memberships {
            let mut people: BTreeMap<ResourceId, Priority> = BTreeMap::new();
            people.extend(
                transaction.users_below(&concerned)?.iter().map(|id| (*id, Priority::User)),
            );
            // Who leaves a group may lose what it gave.
            people
                .extend(transaction.users_below(&left)?.iter().map(|id| (*id, Priority::Leaving)));
            let mine: Vec<_> =
                people.into_iter().map(|(id, priority)| (id, "User", priority)).collect();
            jobs += mine.len();
            transaction.mark_due(app.app, &mine, now_us)?;
        }
    }
    Ok(jobs)
}
