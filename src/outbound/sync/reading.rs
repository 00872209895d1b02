//! An app's own accounts, read and compared with what is remembered of them. Sends nothing but
//! questions, and never takes an account for gone because a list does not show it: the app is asked
//! for it by its id.

use super::patience::{Patience, Unanswered};
use crate::adapters::adapter::{AccountPage, Failure, Observed};
use crate::id::{self, AttemptId, ResourceId, RunId};
use crate::mapping::field::Kind;
use crate::outbound::application::Application;
use crate::outbound::drift::{self, Answer, Remembered};
use crate::outbound::engine::Engine;
use crate::outbound::plan::Following;
use crate::outbound::policy::Lost;
use crate::scim::value::fold;
use crate::store::attempts::AttemptRow;
use crate::store::links::LinkRow;
use crate::store::observed::{Noted, StrayRow};
use crate::store::{self, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Accounts that are missing from the list and asked for at once in one transaction.
const MISSING: i64 = 100;

/// What reading the app's own accounts came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reading {
    /// Accounts that the app listed.
    pub accounts: u64,
    /// Those in which it holds something otherwise.
    pub drifting: u64,
    /// Linked accounts that it no longer has.
    pub lost: u64,
    /// Accounts that belong to nobody here.
    pub strays: u64,
    /// Why it was not read, or not whole; then nothing is concluded from what was not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

/// Reads the app's own accounts, page by page.
#[derive(Debug)]
pub(super) struct Lister {
    /// What it has come to so far.
    pub(super) reading: Reading,
    patience: Patience,
    /// Kinds that are read whole.
    kinds: usize,
    walk: Option<Walk>,
}

/// How far the list of one kind has been read.
#[derive(Debug)]
struct Walk {
    begun_us: i64,
    from: Option<String>,
    accounts: u64,
    total: Option<u64>,
}

impl Lister {
    /// Reads for a run.
    pub(super) fn of(run: RunId) -> Self {
        let patience = Patience::new(run);
        Self { reading: Reading::default(), patience, kinds: 0, walk: None }
    }

    /// Reads the next page; false when there is none, or no more can be read.
    ///
    /// # Errors
    /// The store's. The app's end in [`Reading::incomplete`].
    pub(super) async fn step(
        &mut self,
        engine: &Engine,
        application: &Application,
    ) -> store::Result<bool> {
        if self.kinds == 0 && self.walk.is_none() {
            let asked = self
                .patience
                .answer(engine, application.organization, || application.adapter.capabilities());
            self.reading.incomplete = match asked.await {
                Ok(capabilities) if capabilities.list => None,
                Ok(_) => Some("The app cannot list its accounts.".to_owned()),
                Err(unanswered) => Some(unanswered.sentence("The app could not be asked")?),
            };
            if self.reading.incomplete.is_some() {
                return Ok(false);
            }
        }
        let Some(kind) = application.kinds().get(self.kinds).copied() else {
            let (app, now_us) = (application.row.id, engine.clock().now_us());
            engine
                .store()
                .write(application.organization, move |transaction| {
                    transaction.note_reconciled(app, now_us)
                })
                .await?;
            return Ok(false);
        };
        let asked_us = engine.clock().now_us();
        let mut walk = self.walk.take().unwrap_or(Walk {
            begun_us: asked_us,
            from: None,
            accounts: 0,
            total: None,
        });
        let from = walk.from.as_deref();
        let asked = self
            .patience
            .answer(engine, application.organization, || application.adapter.list(kind, from));
        let page = match asked.await {
            Ok(page) => page,
            Err(_) if planted!(PartialList) => {
                AccountPage { accounts: Vec::new(), next: None, total: None }
            }
            Err(unanswered) => {
                let why = unanswered.sentence("The list broke off")?;
                return Ok(self.breaks_off(why));
            }
        };
        walk.accounts += u64::try_from(page.accounts.len()).unwrap_or_default();
        walk.total = page.total.or(walk.total);
        let next = page.next.clone();
        settle(engine, application, kind, page, asked_us, &mut self.reading).await?;
        if let Some(next) = next {
            if walk.from.as_ref() == Some(&next) {
                return Ok(self.breaks_off("The list goes round in circles.".to_owned()));
            }
            walk.from = Some(next);
            self.walk = Some(walk);
            return Ok(true);
        }
        let Walk { accounts, total, begun_us, .. } = walk;
        if let Some(total) = total.filter(|total| accounts < *total) {
            return Ok(self.breaks_off(format!(
                "The app showed {accounts} of the {total} that it says it has."
            )));
        }
        if let Some(why) = missing(engine, application, (kind, begun_us), self).await? {
            return Ok(self.breaks_off(why));
        }
        self.kinds += 1;
        Ok(true)
    }

    fn breaks_off(&mut self, sentence: String) -> bool {
        self.reading.incomplete = Some(sentence);
        false
    }
}

/// Compares a page with what is remembered, and notes what differs and what belongs to nobody.
async fn settle(
    engine: &Engine,
    application: &Application,
    kind: Kind,
    page: AccountPage,
    asked_us: i64,
    reading: &mut Reading,
) -> store::Result<()> {
    let app = application.row.id;
    let kept = application.mapping().kept_fields(kind);
    let policy = application.policy.drift.clone();
    let matching = application.match_fields(kind).into_iter().next().unwrap_or_default();
    let accounts = page.accounts;
    let count = u64::try_from(accounts.len()).unwrap_or_default();
    let (drifting, strays) = engine
        .store()
        .write(application.organization, move |transaction| {
            let ids: Vec<String> = accounts.iter().map(|one| one.id.0.clone()).collect();
            // First, because it locks the links: nobody decides about them or records them meanwhile.
            transaction.note_seen(app, kind.as_str(), &ids, asked_us)?;
            let links = transaction.links_by_remote(app, kind.as_str(), &ids)?;
            let righted = transaction.righted_of(app, kind.as_str(), &ids)?;
            let (mut drifting, mut strays) = (0, Vec::new());
            for observed in &accounts {
                match links.get(&observed.id.0) {
                    Some(link) => {
                        let righted = righted.get(&link.resource);
                        let differs = drifts((link, righted), observed, &kept, &policy, asked_us);
                        if let Some(noted) = differs.noted {
                            transaction.note_observed(app, &noted, asked_us)?;
                        }
                        drifting += u64::from(differs.is_other);
                    }
                    None => strays.push(stray(kind, observed, &matching, asked_us)),
                }
            }
            Ok((drifting, strays))
        })
        .await?;
    reading.accounts += count;
    reading.drifting += drifting;
    reading.strays += keep_strays(engine, application, kind, strays).await?;
    Ok(())
}

/// Notes accounts that belong to nobody, and answers how many. Whoever is linked to one of them is so
/// before this or after it, not beside it: it would stay listed as nobody's.
async fn keep_strays(
    engine: &Engine,
    application: &Application,
    kind: Kind,
    strays: Vec<StrayRow>,
) -> store::Result<u64> {
    if strays.is_empty() {
        return Ok(0);
    }
    let app = application.row.id;
    engine
        .store()
        .write(application.organization, move |transaction| {
            transaction.lock_organization()?;
            let ids: Vec<String> = strays.iter().map(|one| one.remote_id.clone()).collect();
            let linked = transaction.links_by_remote(app, kind.as_str(), &ids)?;
            let mut strays = strays.clone();
            strays.retain(|one| !linked.contains_key(&one.remote_id));
            transaction.put_strays(app, &strays)?;
            Ok(u64::try_from(strays.len()).unwrap_or_default())
        })
        .await
}

struct Differs {
    noted: Option<Noted>,
    /// Whether the app holds something otherwise.
    is_other: bool,
}

fn drifts(
    (link, righted): (&LinkRow, Option<&Map<String, Value>>),
    observed: &Observed,
    kept: &BTreeSet<String>,
    policy: &crate::outbound::policy::DriftPolicy,
    now_us: i64,
) -> Differs {
    let mut known = righted.map(drift::read).unwrap_or_default();
    known.extend(drift::read(&link.drift));
    let remembered = Remembered {
        record: link.record.clone().into_iter().collect(),
        active: link.state != "deactivated",
        drift: known,
    };
    let next = drift::compare(&remembered, observed, kept, policy, now_us);
    let now = next.as_ref().unwrap_or(&remembered.drift);
    let is_other = now.values().any(|one| one.answer != Answer::Righted);
    let noted = next.as_ref().map(|next| {
        let (drift, righted) = drift::written(next);
        Noted { resource: link.resource, drift, righted }
    });
    Differs { noted, is_other }
}

fn stray(kind: Kind, observed: &Observed, matching: &str, now_us: i64) -> StrayRow {
    let label = observed.record.0.get(matching).and_then(Value::as_str).unwrap_or(&observed.id.0);
    StrayRow {
        kind: kind.as_str().to_owned(),
        remote_id: observed.id.0.clone(),
        label: label.to_owned(),
        match_key: fold(label),
        active: observed.active,
        seen_us: now_us,
    }
}

/// Looks into accounts that the list did not show. A list that leaves out more than may be deleted is
/// not believed.
async fn missing(
    engine: &Engine,
    application: &Application,
    (kind, begun_us): (Kind, i64),
    Lister { reading, patience, .. }: &mut Lister,
) -> store::Result<Option<String>> {
    let app = application.row.id;
    let (unseen, all) = engine
        .store()
        .read(application.organization, move |reader| {
            reader.count_unseen(app, kind.as_str(), begun_us)
        })
        .await?;
    let most = application.policy.guard.deletions.most(all);
    if let Some(most) = most.filter(|most| unseen > *most) {
        return Ok(Some(format!(
            "The list leaves out {unseen} of {all} linked {}: more than the limit of {most}, so it is \
             not believed.",
            if kind == Kind::User { "accounts" } else { "groups" }
        )));
    }
    let mut after: Option<ResourceId> = None;
    loop {
        let page = engine
            .store()
            .read(application.organization, move |reader| {
                reader.unseen_links(app, kind.as_str(), begun_us, (after, MISSING))
            })
            .await?;
        let Some(last) = page.last().map(|link| link.resource) else { break };
        for link in page {
            let Some(remote) = link.remote_id.clone() else { continue };
            let id = crate::adapters::adapter::RemoteId(remote);
            if planted!(PartialList) {
                lose(engine, application, kind, link, begun_us).await?;
                continue;
            }
            let asked = patience
                .answer(engine, application.organization, || application.adapter.read(kind, &id));
            match asked.await {
                Err(Unanswered::App(Failure::Gone)) => {
                    lose(engine, application, kind, link, begun_us).await?;
                    reading.lost += 1;
                }
                Ok(_) => {}
                Err(unanswered) => {
                    let begun = "An account that the list leaves out could not be asked for";
                    return unanswered.sentence(begun).map(Some);
                }
            }
        }
        after = Some(last);
    }
    engine
        .store()
        .write(application.organization, move |transaction| {
            transaction.forget_strays(app, kind.as_str(), begun_us)
        })
        .await?;
    Ok(None)
}

/// The app was asked for the account, and does not have it: what becomes of the link is the policy's.
async fn lose(
    engine: &Engine,
    application: &Application,
    kind: Kind,
    link: LinkRow,
    begun_us: i64,
) -> store::Result<()> {
    let (app, now_us) = (application.row.id, engine.clock().now_us());
    let state = match application.policy.lost {
        Lost::Recreate => None,
        Lost::Park => Some(Following::Lost),
        Lost::Release => Some(Following::Released),
    };
    let attempt = AttemptRow {
        id: AttemptId(id::new_uuid(now_us)),
        app,
        resource: link.resource,
        kind: kind.as_str().into(),
        run: None,
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
    };
    engine
        .store()
        .write(application.organization, move |transaction: &mut Transaction<'_>| {
            transaction.lock_organization()?;
            // Whatever was pushed since knows better.
            let now = transaction.link(app, link.resource)?;
            if now.is_none_or(|now| now.remote_id != link.remote_id || now.pushed_us >= begun_us) {
                return Ok(());
            }
            transaction.mark_referrers(app, link.resource, now_us)?;
            transaction.forget_account(app, link.resource)?;
            match state {
                None => transaction.delete_link(app, link.resource, true)?,
                Some(state) => {
                    let state = if state == Following::Lost { "lost" } else { "released" };
                    transaction.put_link(&LinkRow { state: state.to_owned(), ..link.clone() })?;
                }
            }
            transaction.insert_attempt(&attempt)
        })
        .await
}
