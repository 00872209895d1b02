//! An app's own accounts, read and compared with what is remembered of them. Sends nothing but
//! questions, and never takes an account for gone because a list does not show it: the app is asked
//! for it by its id, and nothing becomes of those that it does not have before the run starts.
//!
//! Nothing is concluded from what is missing while nothing is sent to the app: it is off, or being
//! worked on, or somebody keeps hands off it.

use super::doubt::{Doubt, noun};
use super::patience::{Patience, Unanswered};
use crate::adapters::adapter::{AccountPage, Failure, Observed, RemoteId};
use crate::id::ResourceId;
use crate::mapping::field::Kind;
use crate::outbound::application::Application;
use crate::outbound::drift::{self, Answer, Remembered};
use crate::outbound::engine::Engine;
use crate::outbound::provision;
use crate::scim::value::fold;
use crate::store;
use crate::store::links::LinkRow;
use crate::store::observed::{Noted, StrayRow};
use crate::store::runs::{LossRow, RunRow};
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
    /// Linked accounts that it no longer has: each was asked for by its id.
    pub lost: u64,
    /// Linked accounts that the list leaves out and from which nothing is concluded: they are too many,
    /// or nothing is sent to the app at present.
    pub doubted: u64,
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
    /// Accounts that the app does not have, and that were not handed on yet.
    pub(super) losses: Vec<LossRow>,
    /// Why the list is not believed.
    pub(super) doubt: Option<Doubt>,
    /// Whether it is, whatever it leaves out.
    believed: bool,
    patience: Patience,
    /// Kinds that are read whole.
    kinds: usize,
    walk: Option<Walk>,
    missing: Option<Missing>,
}

/// How far the list of one kind has been read.
#[derive(Debug)]
struct Walk {
    begun_us: i64,
    from: Option<String>,
    accounts: u64,
    total: Option<u64>,
}

/// How far those have been asked for whom the list of a kind left out.
#[derive(Debug)]
struct Missing {
    kind: Kind,
    begun_us: i64,
    after: Option<ResourceId>,
}

impl Lister {
    /// Reads for a run.
    pub(super) fn of(run: &RunRow) -> Self {
        Self {
            reading: Reading::default(),
            losses: Vec::new(),
            doubt: None,
            believed: run.believed_us.is_some(),
            patience: Patience::new(run.id),
            kinds: 0,
            walk: None,
            missing: None,
        }
    }

    /// Reads the next page, or asks for some of those whom the list left out; false when there is
    /// nothing more to read, or no more can be read.
    ///
    /// # Errors
    /// The store's. The app's end in [`Reading::incomplete`].
    pub(super) async fn step(
        &mut self,
        engine: &Engine,
        application: &Application,
    ) -> store::Result<bool> {
        if let Some(missing) = self.missing.take() {
            return self.ask(engine, application, missing).await;
        }
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
            // What nothing was concluded from was not read whole.
            if self.reading.incomplete.is_some() {
                return Ok(false);
            }
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
        self.compare(engine, application, kind, begun_us).await
    }

    /// Looks how many the list of a kind left out, and whether it is believed.
    async fn compare(
        &mut self,
        engine: &Engine,
        application: &Application,
        kind: Kind,
        begun_us: i64,
    ) -> store::Result<bool> {
        let app = application.row.id;
        let ((unseen, linked), row) = engine
            .store()
            .read(application.organization, move |reader| {
                let counts = reader.count_unseen(app, kind.as_str(), begun_us)?;
                Ok((counts, reader.app(app)?))
            })
            .await?;
        if unseen > 0
            && let Some(why) = row.as_ref().and_then(provision::held)
        {
            self.reading.doubted += unseen;
            self.conclude_nothing(
                &format!("The list leaves out {unseen} of {linked} linked {}", noun(kind)),
                &why,
            );
            self.kinds += 1;
            return Ok(true);
        }
        let limit = application.policy.guard.deletions;
        let doubt = Doubt::of(kind, (unseen, linked), limit, begun_us).filter(|_| !self.believed);
        if let Some(doubt) = doubt {
            self.reading.doubted += unseen;
            let sentence = format!(
                "The app's list leaves out {unseen} of {linked} linked {}, which is more than the \
                 limit of {}: it is not believed.",
                noun(kind),
                doubt.most
            );
            self.doubt = Some(doubt);
            return Ok(self.breaks_off(sentence));
        }
        self.missing = Some(Missing { kind, begun_us, after: None });
        Ok(true)
    }

    /// Asks the app by their ids for some of those whom its list left out.
    async fn ask(
        &mut self,
        engine: &Engine,
        application: &Application,
        Missing { kind, begun_us, after }: Missing,
    ) -> store::Result<bool> {
        let app = application.row.id;
        let page = engine
            .store()
            .read(application.organization, move |reader| {
                reader.unseen_links(app, kind.as_str(), begun_us, (after, MISSING))
            })
            .await?;
        let Some(last) = page.last().map(|link| link.resource) else {
            engine
                .store()
                .write(application.organization, move |transaction| {
                    transaction.forget_strays(app, kind.as_str(), begun_us)
                })
                .await?;
            self.kinds += 1;
            return Ok(true);
        };
        for link in page {
            let Some(remote_id) = link.remote_id else { continue };
            let id = RemoteId(remote_id.clone());
            let is_gone = planted!(PartialList) || {
                let asked = self.patience.answer(engine, application.organization, || {
                    application.adapter.read(kind, &id)
                });
                match asked.await {
                    Ok(_) => false,
                    Err(Unanswered::App(Failure::Gone)) => true,
                    Err(unanswered) => {
                        let begun = "An account that the list leaves out could not be asked for";
                        let why = unanswered.sentence(begun)?;
                        return Ok(self.breaks_off(why));
                    }
                }
            };
            if is_gone {
                self.reading.lost += 1;
                self.losses.push(LossRow {
                    resource: link.resource,
                    kind: link.kind,
                    remote_id,
                    since_us: begun_us,
                });
            }
        }
        self.missing = Some(Missing { kind, begun_us, after: Some(last) });
        Ok(true)
    }

    /// What is missing says nothing while nothing is sent to the app.
    pub(super) fn conclude_nothing(&mut self, what: &str, why: &str) {
        let sentence = format!("{what}, from which nothing is concluded at present. {why}");
        self.reading.incomplete = Some(match self.reading.incomplete.take() {
            Some(before) => format!("{before} {sentence}"),
            None => sentence,
        });
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
