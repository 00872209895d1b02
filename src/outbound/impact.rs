//! What a mapping or a scope would do to everybody, page by page; sends nothing.

use super::application::Application;
use super::engine::Engine;
use super::plan::Standing;
use super::preview::{Draft, rehearse};
use super::situation::{self, Beside, Reading, Terms};
use crate::clock::Stopwatch;
use crate::mapping::field::Kind;
use crate::mapping::impact::{Impact, Seen, Tally};
use crate::mapping::record::Record;
use crate::store;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// Resources read at once.
const PAGE: i64 = 500;

/// How far a count has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Objects that were looked at.
    pub done: u64,
    /// Objects in all, as of the beginning.
    pub total: u64,
}

/// Looks at everybody with a draft and with what is in force. `report` is told after every page how
/// far it has come; when it answers that nobody listens any more, counting stops and there is no
/// impact.
///
/// # Errors
/// The store's.
pub async fn impact(
    engine: &Engine,
    application: &Arc<Application>,
    draft: Draft,
    mut report: impl FnMut(Progress) -> bool,
) -> store::Result<Option<Impact>> {
    let _walk = engine.walk().await;
    let total = total(engine, application).await?;
    let now_us = engine.clock().now_us();
    let terms = [application.terms.clone(), draft.terms(application)];
    let mut tally = tally(application, &terms, total);
    for kind in application.kinds() {
        let mut after = None;
        loop {
            let beside = Beside { groups: application.has_groups(), members: 1 };
            let page =
                situation::page(engine, application, &terms, *kind, (after, PAGE), beside).await?;
            let Some(last) = page.last().map(|reading| reading.id) else { break };
            tally = seen(application, &terms, (*kind, now_us), page, tally).await?;
            after = Some(last);
            if !report(Progress { done: tally.objects(), total }) {
                return Ok(None);
            }
        }
    }
    tally = leavers(engine, application, &terms, tally).await?;
    Ok(Some(tally.end()))
}

/// The people on whom a mapping is best tried, as far as they are found within the time given.
/// Answers how many were looked at, and of how many.
///
/// # Errors
/// The store's.
pub async fn samples(
    engine: &Engine,
    application: &Arc<Application>,
    draft: Draft,
    patience: Duration,
) -> store::Result<(Impact, Progress)> {
    let _walk = engine.walk().await;
    let total = total(engine, application).await?;
    let now_us = engine.clock().now_us();
    let terms = [application.terms.clone(), draft.terms(application)];
    let mut tally = tally(application, &terms, total);
    let watch = Stopwatch::start();
    let mut after = None;
    loop {
        let page = situation::page(
            engine,
            application,
            &terms,
            Kind::User,
            (after, PAGE),
            Beside::default(),
        )
        .await?;
        let Some(last) = page.last().map(|reading| reading.id) else { break };
        tally = seen(application, &terms, (Kind::User, now_us), page, tally).await?;
        after = Some(last);
        if watch.elapsed() > patience {
            break;
        }
    }
    let progress = Progress { done: tally.objects(), total };
    Ok((tally.end(), progress))
}

fn tally(application: &Application, [_, draft]: &[Terms; 2], total: u64) -> Tally {
    let references = draft.mapping.reference_fields(Kind::User);
    Tally::new(total, application.match_fields(Kind::User), references)
}

async fn total(engine: &Engine, application: &Application) -> store::Result<u64> {
    let kinds = application.kinds();
    engine
        .store()
        .read(application.organization, move |reader| {
            kinds.iter().try_fold(0, |sum, kind| Ok(sum + reader.count_of(kind.as_str())?))
        })
        .await
}

async fn leavers(
    engine: &Engine,
    application: &Application,
    terms: &[Terms; 2],
    mut tally: Tally,
) -> store::Result<Tally> {
    let app = application.row.id;
    let now_us = engine.clock().now_us();
    let mut after = None;
    loop {
        let page = engine
            .store()
            .read(application.organization, move |reader| {
                reader.links_without_resource(app, after, PAGE)
            })
            .await?;
        let Some(last) = page.last().map(|link| link.resource) else { return Ok(tally) };
        for link in page {
            if let Some(kind) = Kind::named(&link.kind) {
                see(application, terms, (kind, now_us), &Reading::gone(link), &mut tally);
            }
        }
        after = Some(last);
    }
}

/// Judges a page where it keeps no request waiting: expressions of everybody take their time.
async fn seen(
    application: &Arc<Application>,
    terms: &[Terms; 2],
    when: (Kind, i64),
    page: Vec<Reading>,
    mut tally: Tally,
) -> store::Result<Tally> {
    let (application, terms) = (Arc::clone(application), terms.clone());
    let judged = tokio::task::spawn_blocking(move || {
        for reading in &page {
            see(&application, &terms, when, reading, &mut tally);
        }
        tally
    });
    judged.await.map_err(|error| store::Error::Database(format!("the count was lost: {error}")))
}

fn see(
    application: &Application,
    [in_force, draft]: &[Terms; 2],
    (kind, now_us): (Kind, i64),
    reading: &Reading,
    tally: &mut Tally,
) {
    let judge = |terms: &Terms| situation::judge(application, terms, kind, reading, now_us);
    let (before, now) = (judge(in_force), judge(draft));
    let accepted: Option<Record> = now.link.as_ref().map(|link| link.held().into_owned());
    let desired = (now.standing == Standing::Member).then(|| now.desired.clone());
    let (before, now) = (rehearse(before), rehearse(now));
    // What would be sent, not what is desired: to empty what is empty is to change nothing.
    let affected = before.steps != now.steps || before.parked != now.parked;
    tally.see(&Seen {
        kind,
        id: &reading.id.to_string(),
        resource: reading.present.as_ref().map(|present| &present.resource),
        desired: desired.as_ref(),
        accepted: accepted.as_ref(),
        action: now.action(),
        sentence: &now.sentence,
        in_force: before.action(),
        affected,
        groups: reading.groups,
    });
}
