//! What a change of an app would take away, counted before it is saved.
//!
//! Whoever has an account is looked at with what is in force and with the change, by the functions that
//! judge for the worker. Only the difference counts: what is due anyway is not the change's doing.

mod fate;

use super::application::{Application, nesting};
use super::engine::Engine;
use super::guard::{Breach, Limits, Removals, Totals, breaches};
use super::policy::Policy;
use super::situation::{self, Both, Terms};
use crate::id::ResourceId;
use crate::mapping::compiled::Mapping;
use crate::mapping::document::{Document, Rule};
use crate::mapping::field::Kind;
use crate::mapping::scope::Rules;
use crate::store;
use crate::store::pushes::Nesting;
use crate::store::removals::{Removal, Removed};
use fate::{Judge, Seen};
use std::sync::Arc;

/// Accounts read at once.
const PAGE: usize = 500;

/// A change that is not saved; what is left out stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Another mapping, as it is written and as it is applied.
    pub mapping: Option<(Document, Mapping)>,
    /// Another scope.
    pub scope: Option<Rules>,
    /// Another policy.
    pub policy: Option<Policy>,
    /// A user or group whose assignment is taken back.
    pub unassigned: Option<ResourceId>,
}

/// What a change would take away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Weight {
    /// How much.
    pub removals: Removals,
    /// Of how much.
    pub totals: Totals,
    /// Whose accounts would be switched off or deleted, and groups that would lose members, in order of
    /// id, with what is taken away of each on the way.
    pub leaving: Vec<(ResourceId, Kind, Removed)>,
}

impl Weight {
    /// The limits that the change would pass.
    pub fn breaches(&self, limits: &Limits) -> Vec<Breach> {
        breaches(limits, &self.removals, &Removals::default(), &self.totals)
    }
}

/// Counts what a change would take away beyond what is in force. A change that cannot take anything
/// away is not worth a walk, and gets none. Sends nothing.
///
/// # Errors
/// The store's.
pub async fn weigh(
    engine: &Engine,
    application: &Arc<Application>,
    change: Change,
) -> store::Result<Weight> {
    let unassigned = change.unassigned;
    let nesting = change.policy.as_ref().map(nesting);
    let nesting = nesting.filter(|nesting| *nesting != application.nesting());
    let terms = narrowed(engine, application, change).await?;
    if terms.is_none() && nesting.is_none() {
        return Ok(Weight::default());
    }
    let _walk = engine.walk().await;
    let app = application.row.id;
    let held =
        engine.store().read(application.organization, move |reader| reader.held_by(app)).await?;
    let mut weight = Weight { totals: held.into(), ..Weight::default() };
    if let Some(nesting) = nesting.filter(|_| application.has_groups()) {
        recount(engine, application, nesting, &mut weight).await?;
    }
    let Some(terms) = terms else { return Ok(weight) };
    let judge = Arc::new(Judge::new(application, terms, engine.clock().now_us()));
    let mut accounts = Accounts::of(engine, application, unassigned).await?;
    while let Some(ids) = accounts.next(engine, application).await? {
        let terms = judge.terms();
        let page = situation::some(engine, application, terms, ids, unassigned).await?;
        look(engine, application, &judge, page, &mut weight).await?;
    }
    weight.leaving.sort_unstable_by_key(|one| one.0);
    Ok(weight)
}

/// Counts who leaves the app's groups when members count in another way.
async fn recount(
    engine: &Engine,
    application: &Application,
    nesting: Nesting,
    weight: &mut Weight,
) -> store::Result<()> {
    let (app, now) = (application.row.id, application.nesting());
    let (anyway, then) = engine
        .store()
        .read(application.organization, move |reader| {
            Ok((reader.losing_members(app, now)?, reader.losing_members(app, nesting)?))
        })
        .await?;
    for (group, count) in then {
        let more = count.saturating_sub(anyway.get(&group).copied().unwrap_or_default());
        if more > 0 {
            weight.removals.memberships += more;
            weight.leaving.push((group, Kind::Group, Removal::Membership.times(more)));
        }
    }
    Ok(())
}

/// Judges a page where it keeps no request waiting.
async fn look(
    engine: &Engine,
    application: &Application,
    judge: &Arc<Judge>,
    page: Vec<Both>,
    weight: &mut Weight,
) -> store::Result<()> {
    let judge = Arc::clone(judge);
    let judged = tokio::task::spawn_blocking(move || {
        let seen = page.iter().map(|both| (both.now.id, both.kind, judge.see(both)));
        seen.filter(|(_, _, seen)| *seen != Seen::Nothing).collect::<Vec<_>>()
    });
    let lost = |error| store::Error::Database(format!("the count was lost: {error}"));
    let mut deleted = Vec::new();
    for (id, kind, seen) in judged.await.map_err(lost)? {
        match seen {
            Seen::Nothing => {}
            Seen::Renamed => weight.removals.keys += 1,
            Seen::Off => {
                weight.removals.deactivations += 1;
                weight.leaving.push((id, kind, Removal::Deactivation.times(1)));
            }
            Seen::Gone => {
                weight.removals.deletions += 1;
                // Days of grace switch an account off first.
                let both = Removed { deactivations: 1, deletions: 1, memberships: 0 };
                weight.leaving.push((id, kind, both));
                deleted.push(id);
            }
        }
    }
    if deleted.is_empty() {
        return Ok(());
    }
    // Who is deleted is in no group any more.
    let app = application.row.id;
    let told = engine
        .store()
        .read(application.organization, move |reader| reader.told_of(app, &deleted))
        .await?;
    weight.removals.memberships += told;
    Ok(())
}

/// What decides now, and what would; none where the change cannot take anything away.
async fn narrowed(
    engine: &Engine,
    application: &Application,
    change: Change,
) -> store::Result<Option<[Terms; 2]>> {
    let now = &application.terms;
    let mapping = match change.mapping {
        Some((document, mapping)) if renames(engine, application, &document).await? => {
            Some(Arc::new(mapping))
        }
        _ => None,
    };
    let scope = change.scope.filter(|scope| *scope != *now.scope).map(Arc::new);
    let policy = change.policy.filter(|policy| takes_otherwise(&now.policy, policy)).map(Arc::new);
    let reads_assignments = now.scope.reads_assignments()
        || application.kinds().iter().any(|kind| now.mapping.reads_assignments(*kind));
    let unassigns = change.unassigned.is_some() && reads_assignments;
    if mapping.is_none() && scope.is_none() && policy.is_none() && !unassigns {
        return Ok(None);
    }
    // Values are worked out only where a name could change, or where a name protects.
    let protects = !now.policy.protected.is_empty()
        || policy.as_ref().is_some_and(|policy| !policy.protected.is_empty());
    let values = mapping.is_some() || unassigns || protects;
    let in_force = Terms {
        mapping: if values { Arc::clone(&now.mapping) } else { Arc::default() },
        ..now.clone()
    };
    let then = Terms {
        mapping: mapping.unwrap_or_else(|| Arc::clone(&in_force.mapping)),
        scope: scope.unwrap_or_else(|| Arc::clone(&now.scope)),
        policy: policy.unwrap_or_else(|| Arc::clone(&now.policy)),
    };
    Ok(Some([in_force, then]))
}

/// Whether a policy says something else about who leaves, and about whom it says it.
fn takes_otherwise(now: &Policy, then: &Policy) -> bool {
    let leaving = |policy: &Policy| {
        [
            policy.deactivated,
            policy.deleted,
            policy.out_of_scope,
            policy.unassigned,
            policy.group_deleted,
        ]
    };
    let protects = !now.protected.is_empty() || !then.protected.is_empty();
    leaving(now) != leaving(then)
        || now.groups != then.groups
        || now.protected != then.protected
        || (protects && now.matching != then.matching)
}

/// Whether a mapping makes something else of a field by which accounts are recognised.
async fn renames(
    engine: &Engine,
    application: &Application,
    document: &Document,
) -> store::Result<bool> {
    let (app, version) = (application.row.id, application.row.mapping);
    let row = engine
        .store()
        .read(application.organization, move |reader| reader.mapping(app, version))
        .await?;
    let in_force = match row {
        None => application.entry.default_mapping.clone(),
        Some(row) => match serde_json::from_value(row.document) {
            Ok(document) => document,
            Err(_other_shape) => return Ok(true),
        },
    };
    let schema = &application.entry.schema;
    Ok(application.kinds().iter().any(|kind| {
        application.match_fields(*kind).iter().any(|name| {
            let field = schema.fields(*kind).iter().find(|field| field.name == *name);
            // A field that goes with others depends on their rules, too.
            let alone =
                field.is_some_and(|field| field.depends.is_none() && field.allowed.is_none());
            !alone || rule(&in_force, *kind, name) != rule(document, *kind, name)
        })
    }))
}

fn rule<'d>(document: &'d Document, kind: Kind, field: &str) -> Option<&'d Rule> {
    let rules = match kind {
        Kind::User => &document.users,
        Kind::Group => &document.groups,
    };
    rules.iter().find(|rule| rule.field == field)
}

/// Whose accounts are looked at, page by page.
enum Accounts {
    /// Everybody's who has one, after an id.
    All(Option<ResourceId>),
    /// Some people's.
    Some(std::vec::IntoIter<ResourceId>),
}

impl Accounts {
    async fn of(
        engine: &Engine,
        application: &Application,
        unassigned: Option<ResourceId>,
    ) -> store::Result<Self> {
        let Some(resource) = unassigned else { return Ok(Self::All(None)) };
        let below = engine
            .store()
            .read(application.organization, move |reader| reader.users_below(&[resource]))
            .await?;
        Ok(Self::Some(below.into_iter()))
    }

    async fn next(
        &mut self,
        engine: &Engine,
        application: &Application,
    ) -> store::Result<Option<Vec<ResourceId>>> {
        let page: Vec<ResourceId> = match self {
            Self::Some(left) => left.take(PAGE).collect(),
            Self::All(after) => {
                let (app, from) = (application.row.id, *after);
                let ids = engine
                    .store()
                    .read(application.organization, move |reader| {
                        reader.linked_after(app, from, PAGE)
                    })
                    .await?;
                *after = ids.last().copied();
                ids
            }
        };
        Ok((!page.is_empty()).then_some(page))
    }
}
