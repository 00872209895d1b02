//! What a run will do: the app's own accounts are read, then everybody is looked at, page by page.
//! Sends nothing but questions.

mod referring;

use super::doubt::Doubt;
use super::losses::Losses;
use super::reading::{Lister, Reading as Listing};
use super::turns::{self, Turns};
use crate::adapters::adapter::Step;
use crate::id::{OrganizationId, ResourceId, RunId};
use crate::mapping::field::Kind;
use crate::mapping::impact::in_words;
use crate::mapping::record::Record;
use crate::outbound::application::Application;
use crate::outbound::engine::Engine;
use crate::outbound::guard::{self, Breach, Removals};
use crate::outbound::plan::Situation;
use crate::outbound::preview::{Rehearsal, rehearse};
use crate::outbound::provision;
use crate::outbound::referred::Referred;
use crate::outbound::situation::{self, Beside, Reading};
use crate::outbound::worker::PLANNED_MEMBERS;
use crate::scim::value::fold;
use crate::store::leases::Lease;
use crate::store::removals::Removed;
use crate::store::runs::{ItemRow, ItemState, RunRow};
use crate::store::{self, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Resources looked at in one transaction.
const PAGE: i64 = 500;
/// Named examples kept per action.
const EXAMPLES: usize = 5;

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// Objects by kind and action: `{"User": {"create": 3, "unchanged": 40}}`.
    pub counts: BTreeMap<String, BTreeMap<String, u64>>,
    /// Ids of the first few objects by action.
    pub examples: BTreeMap<String, Vec<ResourceId>>,
    /// Whether not everybody has been looked at yet.
    pub partial: bool,
    /// What would be taken away.
    pub removals: Removals,
    /// What the app's own list showed; none where it was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
    /// One sentence.
    pub verdict: String,
    /// Whether nobody who was looked at belongs in the app.
    #[serde(skip)]
    nobody: bool,
}

impl Summary {
    fn total(&self, action: &str) -> u64 {
        self.counts.values().filter_map(|counts| counts.get(action)).sum()
    }

    /// Objects that were looked at.
    pub fn seen(&self) -> u64 {
        self.counts.values().flat_map(BTreeMap::values).sum()
    }

    fn count(&mut self, kind: Kind, id: ResourceId, action: &str) {
        let counts = self.counts.entry(kind.as_str().into()).or_default();
        *counts.entry(action.into()).or_default() += 1;
        if action != "unchanged" {
            let examples = self.examples.entry(action.into()).or_default();
            if examples.len() < EXAMPLES {
                examples.push(id);
            }
        }
    }

    /// What the run comes to, or has come to so far, in one sentence.
    fn verdict(&self, application: &Application) -> String {
        let all = self.seen();
        let parts = in_words(|action| self.total(action));
        let listing = self.listing.as_ref();
        let mut sentence = match (self.partial, all, parts.is_empty()) {
            (true, 0, _) => match listing.map(|listing| listing.accounts) {
                Some(accounts) => format!("Reading the app's own accounts: {accounts} so far."),
                None => "Planning has begun.".to_owned(),
            },
            (true, _, _) => format!("So far: {} of {all} objects.", or_none(&parts)),
            (false, 0, _) if application.scope().is_everybody() => {
                "Nothing to do: the directory is empty.".to_owned()
            }
            (false, 0, _) => "Nothing to do: nobody is in the app's scope.".to_owned(),
            (false, _, true) if self.total("unchanged") == all && self.nobody => {
                format!("Nothing to do: nobody of {all} is in the app's scope.")
            }
            (false, _, true) if listing.is_some_and(|listing| listing.incomplete.is_some()) => {
                format!("Nothing to do by what is remembered of {all} objects.")
            }
            (false, _, true) => format!("Nothing to do: all {all} objects are in sync."),
            (false, _, false) => format!("{} of {all} objects.", parts.join(", ")),
        };
        if let Some(why) = listing.and_then(|listing| listing.incomplete.as_ref())
            && !self.partial
        {
            sentence.push_str(" What the app holds was not all seen: ");
            sentence.push_str(why);
        }
        sentence
    }
}

fn or_none(parts: &[String]) -> String {
    if parts.is_empty() { "none to change".to_owned() } else { parts.join(", ") }
}

/// Plans a run, and starts it where it was confirmed and passes no limit. Crashes and other instances
/// are harmless: a run that is still being planned is planned anew, and whoever lost the lease
/// meanwhile adds nothing more to the plan.
///
/// # Errors
/// The store's.
pub(super) async fn plan(
    engine: &Engine,
    organization: OrganizationId,
    run: RunId,
    lease: &Lease,
) -> store::Result<()> {
    let Some(row) = engine.store().read(organization, move |reader| reader.run(run)).await? else {
        return Ok(());
    };
    if row.state != "planning" {
        return Ok(());
    }
    let application = match engine.application(organization, row.app).await {
        Ok(Some(application)) => application,
        Ok(None) => return Ok(()),
        Err(error) => {
            let Some(sentence) = error.sentence() else {
                return Err(store::Error::Database(error.to_string()));
            };
            let now_us = engine.clock().now_us();
            let lease = lease.clone();
            return engine
                .store()
                .write(organization, move |transaction| {
                    if transaction.holds_lease(&lease)? {
                        transaction.fail_run(run, &sentence, now_us)?;
                    }
                    Ok(())
                })
                .await;
        }
    };
    made(engine, &application, row, lease).await
}

/// The same, of an app that has been read.
pub(in crate::outbound) async fn made(
    engine: &Engine,
    application: &Arc<Application>,
    row: RunRow,
    lease: &Lease,
) -> store::Result<()> {
    let mut planner = Planner {
        engine,
        application,
        row,
        lease,
        summary: Summary::default(),
        losing: HashMap::new(),
        lost: Losses::default(),
        doubt: None,
    };
    (planner.summary.partial, planner.summary.nobody) = (true, true);
    if !planner.begin().await? || !planner.list().await? || !planner.walk().await? {
        return Ok(());
    }
    planner.end().await
}

struct Planner<'a> {
    engine: &'a Engine,
    application: &'a Arc<Application>,
    row: RunRow,
    lease: &'a Lease,
    summary: Summary,
    /// Members that each group of the app would lose.
    losing: HashMap<ResourceId, u64>,
    /// What the app does not have any more.
    lost: Losses,
    /// Why its list is not believed.
    doubt: Option<Doubt>,
}

/// An object of a page, judged.
struct Judged {
    item: Option<ItemRow>,
    action: &'static str,
    id: ResourceId,
    /// By which an account that is there already would be recognised, where one is to be made.
    key: Option<String>,
    removals: Removals,
    is_inside: bool,
    /// To whom it refers, where nothing is to be done about it.
    referred: Option<Referred>,
}

impl Planner<'_> {
    /// Runs `work` in a transaction, if planning is still ours; none where it is not. What the app was
    /// seen to hold is not part of the plan and needs no such fence.
    async fn fenced<T, F>(&self, work: F) -> store::Result<Option<T>>
    where
        T: Send + 'static,
        F: Fn(&mut Transaction<'_>) -> store::Result<T> + Send + 'static,
    {
        let lease = self.lease.clone();
        self.engine
            .store()
            .write(self.application.organization, move |transaction| {
                if !transaction.holds_lease(&lease)? {
                    return Ok(None);
                }
                work(transaction).map(Some)
            })
            .await
    }

    /// Forgets what an earlier attempt had planned; whether there is anything to plan.
    async fn begin(&self) -> store::Result<bool> {
        let run = self.row.id;
        let begun = self.fenced(move |transaction| {
            let is_open = transaction.run(run)?.is_some_and(|row| row.state == "planning");
            if is_open {
                transaction.clear_items(run)?;
            }
            Ok(is_open)
        });
        Ok(begun.await?.unwrap_or(false))
    }

    /// Notes how far planning has come; whether the run is still wanted, and planning it still ours.
    async fn note(&mut self) -> store::Result<bool> {
        self.summary.verdict = self.summary.verdict(self.application);
        let summary = serde_json::to_value(&self.summary).unwrap_or_default();
        let seen = i64::try_from(self.summary.seen()).unwrap_or(i64::MAX);
        let listed = self.summary.listing.as_ref().map_or(0, |listing| listing.accounts);
        let read = i64::try_from(listed).unwrap_or(i64::MAX);
        let run = self.row.id;
        let noted =
            self.fenced(move |transaction| transaction.note_planning(run, (seen, read), &summary));
        Ok(noted.await?.unwrap_or(false))
    }

    /// Reads the app's own accounts.
    async fn list(&mut self) -> store::Result<bool> {
        let mut lister = Lister::of(&self.row);
        loop {
            let goes_on = lister.step(self.engine, self.application).await?;
            if !self.lose(&mut lister).await? {
                return Ok(false);
            }
            self.summary.listing = Some(lister.reading.clone());
            if !goes_on {
                self.doubt = lister.doubt;
                return Ok(true);
            }
            if !self.note().await? {
                return Ok(false);
            }
        }
    }

    /// Adds to the plan what the app does not have any more; whether planning is still ours.
    async fn lose(&mut self, lister: &mut Lister) -> store::Result<bool> {
        let losses = std::mem::take(&mut lister.losses);
        if losses.is_empty() {
            return Ok(true);
        }
        let (app, run, new) = (self.application.row.id, self.row.id, losses.clone());
        let noted = self.fenced(move |transaction| {
            // It may have been paused since it was asked.
            let held = transaction.app(app)?.as_ref().and_then(provision::held);
            if held.is_none() {
                transaction.insert_losses(run, &new)?;
            }
            Ok(held)
        });
        let Some(held) = noted.await? else { return Ok(false) };
        if let Some(why) = held {
            let count = u64::try_from(losses.len()).unwrap_or_default();
            lister.reading.lost = lister.reading.lost.saturating_sub(count);
            lister.reading.doubted += count;
            lister.conclude_nothing(&format!("The app says that it does not have {count}"), &why);
        } else {
            self.lost.extend(losses);
        }
        Ok(true)
    }

    /// Looks at everybody.
    async fn walk(&mut self) -> store::Result<bool> {
        let beside = Beside { groups: false, members: PLANNED_MEMBERS };
        if let Some(nesting) = self.application.groups() {
            let app = self.application.row.id;
            self.losing = self
                .engine
                .store()
                .read(self.application.organization, move |reader| {
                    reader.losing_members(app, nesting)
                })
                .await?;
        }
        for kind in self.application.kinds() {
            let mut after = None;
            loop {
                let terms = std::slice::from_ref(&self.application.terms);
                let from = (after, PAGE);
                let page =
                    situation::page(self.engine, self.application, terms, *kind, from, beside)
                        .await?;
                let Some(last) = page.last().map(|reading| reading.id) else { break };
                if !self.settle(*kind, page).await? {
                    return Ok(false);
                }
                after = Some(last);
            }
        }
        let app = self.application.row.id;
        let mut after = None;
        loop {
            let gone = self
                .engine
                .store()
                .read(self.application.organization, move |reader| {
                    reader.links_without_resource(app, after, PAGE)
                })
                .await?;
            let Some(last) = gone.last().map(|link| link.resource) else { return Ok(true) };
            for kind in [Kind::User, Kind::Group] {
                let page: Vec<Reading> = gone
                    .iter()
                    .filter(|link| link.kind == kind.as_str())
                    .map(|link| Reading::gone(link.clone()))
                    .collect();
                if !page.is_empty() && !self.settle(kind, page).await? {
                    return Ok(false);
                }
            }
            after = Some(last);
        }
    }

    /// Judges a page and adds to the plan what there is to do; whether the run is still wanted.
    async fn settle(&mut self, kind: Kind, page: Vec<Reading>) -> store::Result<bool> {
        let application = Arc::clone(self.application);
        let now_us = self.engine.clock().now_us();
        let policy = application.policy.lost;
        let page: Vec<Reading> =
            page.into_iter().map(|reading| self.lost.settled(reading, policy)).collect();
        // Expressions of everybody take their time, and keep no request waiting here.
        let judged = tokio::task::spawn_blocking(move || {
            page.iter()
                .map(|reading| judge(&application, kind, reading, now_us))
                .collect::<Vec<Judged>>()
        });
        let mut judged = judged.await.map_err(|error| {
            store::Error::Database(format!("planning was interrupted: {error}"))
        })?;
        let (app, run) = (self.application.row.id, self.row.id);
        let keys: Vec<String> = judged.iter().filter_map(|one| one.key.clone()).collect();
        let strays = if keys.is_empty() {
            HashMap::new()
        } else {
            self.engine
                .store()
                .read(self.application.organization, move |reader| {
                    reader.strays_matching(app, kind.as_str(), &keys)
                })
                .await?
        };
        let mut items = Vec::new();
        for one in &mut judged {
            let matches = one.key.as_ref().and_then(|key| strays.get(key)).copied();
            let action = match matches {
                Some(1) => "adopt",
                Some(_) => "refused",
                None => one.action,
            };
            self.summary.count(kind, one.id, action);
            self.summary.nobody &= !one.is_inside;
            self.summary.removals.deactivations += one.removals.deactivations;
            self.summary.removals.deletions += one.removals.deletions;
            let leaving = self.losing.get(&one.id).copied().unwrap_or_default();
            self.summary.removals.memberships += leaving;
            self.summary.removals.keys += one.removals.keys;
            if let Some(mut item) = one.item.take() {
                action.clone_into(&mut item.action);
                item.removals = Removed {
                    deactivations: one.removals.deactivations,
                    deletions: one.removals.deletions,
                    memberships: leaving,
                };
                items.push(item);
            }
        }
        if !items.is_empty() {
            let added = self.fenced(move |transaction| transaction.insert_items(run, &items));
            if added.await?.is_none() {
                return Ok(false);
            }
        }
        let referring = judged.into_iter().filter_map(|one| Some((one.id, one.referred?)));
        Ok(self.refer(kind, referring.collect()).await? && self.note().await?)
    }

    /// Ends planning: the run waits for its confirmation, or is held for the limits that it passes, or
    /// waits for its turn.
    async fn end(&mut self) -> store::Result<()> {
        self.summary.partial = false;
        self.summary.verdict = self.summary.verdict(self.application);
        let summary = serde_json::to_value(&self.summary).unwrap_or_default();
        let seen = self.summary.seen();
        let total = seen.saturating_sub(self.summary.total("unchanged"));
        let total = i64::try_from(total).unwrap_or(i64::MAX);
        let (run, app) = (self.row.id, self.application.row.id);
        let (removals, limits) = (self.summary.removals, self.application.policy.guard);
        let turns = Turns::of(self.application);
        let doubt = self.doubt.clone();
        let listed = self.summary.listing.as_ref().map_or(0, |listing| listing.accounts);
        let counts =
            (i64::try_from(seen).unwrap_or(i64::MAX), i64::try_from(listed).unwrap_or(i64::MAX));
        let now_us = self.engine.clock().now_us();
        self.fenced(move |transaction| {
            let totals = transaction.held_by(app)?.into();
            // What the last hour took away counts, whoever took it, unless somebody approved it.
            let lately = transaction.removed_lately(app, now_us)?.into();
            let breaches = guard::breaches(&limits, &removals, &lately, &totals);
            let held = held(run, &breaches, doubt.as_ref());
            transaction.lock_organization()?;
            if let Some(doubt) = &doubt {
                transaction.note_doubt(app, &serde_json::to_value(doubt).unwrap_or_default())?;
            }
            if !transaction.note_planning(run, counts, &summary)?
                || !transaction.end_planning(run, total, held.as_ref(), now_us)?
            {
                return Ok(());
            }
            let waits = held.is_some() || !transaction.run(run)?.is_some_and(|row| row.confirm);
            if waits && total > 0 {
                // What the app was seen to hold otherwise has no job until the run is applied.
                transaction.await_sync(app, now_us)?;
            }
            if held.is_some() {
                return Ok(());
            }
            let confirmed = transaction.run(run)?.is_some_and(|row| row.confirm);
            if confirmed {
                transaction.confirm_run(run, now_us)?;
                turns::start(transaction, turns, run, now_us)?;
            }
            Ok(())
        })
        .await?;
        self.engine.nudge();
        Ok(())
    }
}

/// Why a run waits for somebody, and what to do; none where it does not. A list that is not believed
/// comes first: what it leaves out is not known, and so is what would be taken away.
fn held(run: RunId, breaches: &[Breach], doubt: Option<&Doubt>) -> Option<Value> {
    if let Some(doubt) = doubt {
        let (sentence, remedy) = (doubt.sentence(), Doubt::remedy(run));
        let value = serde_json::json!({
            "breaches": breaches, "list": doubt, "sentence": sentence, "remedy": remedy,
        });
        return Some(value);
    }
    let remedy = format!(
        "Look at its plan, then approve it: POST /api/v1/runs/{run}/approve {{\"reason\": …}}. Or \
         cancel it: POST /api/v1/runs/{run}/cancel."
    );
    (!breaches.is_empty()).then(|| {
        serde_json::json!({
            "breaches": breaches, "sentence": guard::sentence(breaches), "remedy": remedy,
        })
    })
}

fn judge(application: &Application, kind: Kind, reading: &Reading, now_us: i64) -> Judged {
    let situation = situation::judge(application, &application.terms, kind, reading, now_us);
    let before = situation.link.as_ref().map(|link| link.held().into_owned());
    let matching = situation.match_fields.clone();
    let is_inside = reading.present.is_some() && is_member(&situation);
    let rehearsal = rehearse(situation);
    let action = rehearsal.action();
    let key = (action == "create").then(|| created_key(&rehearsal, &matching)).flatten();
    let removals = removals(&rehearsal, before.as_ref(), &matching);
    let item = (action != "unchanged").then(|| ItemRow {
        resource: reading.id,
        kind: kind.as_str().to_owned(),
        action: action.to_owned(),
        digest: rehearsal.digest(),
        state: ItemState::Planned.as_str().to_owned(),
        removals: Removed::default(),
    });
    let refers = item.is_none() && is_inside && !reading.targets.is_empty();
    let referred = refers.then(|| Referred::of(reading));
    Judged { item, action, id: reading.id, key, removals, is_inside, referred }
}

fn is_member(situation: &Situation) -> bool {
    use crate::outbound::plan::Standing;
    matches!(situation.standing, Standing::Member | Standing::Deactivated)
}

fn created_key(rehearsal: &Rehearsal, matching: &[String]) -> Option<String> {
    let first = matching.first()?;
    rehearsal.steps.iter().find_map(|step| match step {
        Step::Create(record) => record.0.get(first)?.as_str().map(fold),
        _ => None,
    })
}

/// What the steps take away.
pub(super) fn removals(
    rehearsal: &Rehearsal,
    before: Option<&Record>,
    matching: &[String],
) -> Removals {
    let mut removals = Removals::default();
    for step in &rehearsal.steps {
        match step {
            Step::Deactivate(_) => removals.deactivations += 1,
            Step::Delete(_) => removals.deletions += 1,
            Step::Members(_, change) => {
                removals.memberships += u64::try_from(change.remove.len()).unwrap_or_default();
            }
            Step::Update(_, change, _) => {
                let renamed = matching.iter().any(|field| {
                    let had = before.is_some_and(|record| record.0.contains_key(field));
                    had && (change.set.contains_key(field) || change.cleared.contains(field))
                });
                removals.keys += u64::from(renamed);
            }
            Step::Find(_) | Step::Create(_) | Step::Reactivate(_) => {}
        }
    }
    removals
}
