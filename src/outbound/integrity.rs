//! Is every change accounted for? Looks at everybody with the worker's own eyes and says of each
//! object where it stands. What differs although nothing is going to be done about it is a lost
//! change; there must be none.
//!
//! What is read of a page (the objects, their links and jobs, what is not published yet, and by which
//! revision the app is worked on) is read at one moment, so nothing that is on its way is taken for
//! lost.

use super::application::{Application, Error as ApplicationError};
use super::engine::Engine;
use super::plan::{Parked, Verdict};
use super::preview::{Rehearsal, rehearse};
use super::situation::{self, Beside, Reading};
use super::sync::Doubt;
use crate::adapters::adapter::Step;
use crate::clock::Stopwatch;
use crate::id::{AppId, OrganizationId, ResourceId};
use crate::mapping::field::Kind;
use crate::store::jobs::JobState;
use crate::store::{self, Reader};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// Objects read at once.
const PAGE: i64 = 500;
/// Objects that are named, of those that are parked and of those that are astray.
const EXAMPLES: usize = 20;
/// How often a page is read again because the app was changed meanwhile.
const MOST_READS: usize = 5;
/// How long an app is waited for that must be asked what it can do.
const ASKED: Duration = Duration::from_secs(2);

/// Where an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// The app holds what it should.
    Applied,
    /// The app holds what it should by what is remembered, but does not show the account: its list
    /// leaves out more than is believed, or it said that it has no such account, and a run that would
    /// see to it waits for a person or was cancelled.
    Doubted,
    /// There is no account, and there should be none.
    OutOfScope,
    /// There is an account that policy, protection or a person leaves alone.
    LeftAlone,
    /// It is being pushed, or will be.
    Pending,
    /// Days of grace are to be over first.
    Waiting,
    /// A person must look, and knows why.
    Parked,
    /// It differs, and the next sync sees to it: provisioning is off, or the mapping, the scope or
    /// the policy was changed since it was last looked at.
    AwaitingSync,
    /// It differs, and nothing is going to be done about it.
    Astray,
}

/// An object that a person should know of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// Its id.
    pub resource: ResourceId,
    /// `User` or `Group`.
    pub kind: &'static str,
    /// Why, in one word; only where it is parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// App field at fault, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// One sentence: what is wrong, or what would be done.
    pub detail: String,
    /// What to do.
    pub remedy: String,
}

/// Where everybody stands, as far as was looked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Integrity {
    /// Objects that were looked at: users, groups where the app is told of them, and accounts whose
    /// person or group is gone. The sum of `counts`.
    pub total: u64,
    /// How many stand where; every state is there.
    pub counts: BTreeMap<State, u64>,
    /// The parked ones by cause.
    pub causes: BTreeMap<&'static str, u64>,
    /// The first of those that are parked, each with its reason.
    pub parked: Vec<Example>,
    /// The first of those that are astray.
    pub astray: Vec<Example>,
    /// Whether everybody was looked at, from where it was begun.
    pub complete: bool,
    /// Where to go on.
    pub next: Option<Place>,
    /// One sentence.
    pub verdict: String,
}

/// Whom the next page begins with: written `user`, `user:<id>` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    stage: Stage,
    after: Option<ResourceId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Of(Kind),
    /// Accounts whose person or group is gone.
    Gone,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Of(Kind::User) => "user",
            Self::Of(Kind::Group) => "group",
            Self::Gone => "gone",
        }
    }

    const fn next(self, groups: bool) -> Option<Self> {
        match self {
            Self::Of(Kind::User) if groups => Some(Self::Of(Kind::Group)),
            Self::Of(_) => Some(Self::Gone),
            Self::Gone => None,
        }
    }
}

impl Place {
    const FIRST: Self = Self { stage: Stage::Of(Kind::User), after: None };
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stage.name())?;
        self.after.map_or(Ok(()), |after| write!(f, ":{after}"))
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (name, after) = match text.split_once(':') {
            Some((name, after)) => (name, Some(after.parse().map_err(|_no_id| ())?)),
            None => (text, None),
        };
        let stages = [Stage::Of(Kind::User), Stage::Of(Kind::Group), Stage::Gone];
        let stage = stages.into_iter().find(|stage| stage.name() == name).ok_or(())?;
        Ok(Self { stage, after })
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Looks at everybody from a place on, a page at a time, until the patience is over; at one page at
/// least. Sends nothing to the app, but may ask it what it can do. None where the app is gone.
///
/// # Errors
/// The store's; the app's settings or mapping, where they cannot be used.
pub async fn examine(
    engine: &Engine,
    organization: OrganizationId,
    app: AppId,
    from: Option<Place>,
    patience: Duration,
) -> Result<Option<Integrity>, ApplicationError> {
    let watch = Stopwatch::start();
    let mut tally = Tally::default();
    let mut place = from.unwrap_or(Place::FIRST);
    let mut deactivates = None;
    let (enabled, next) = loop {
        let Some((application, page)) = page(engine, organization, app, place).await? else {
            return Ok(None);
        };
        let enabled = application.row.enabled;
        let last = page.objects.last().map(|object| object.reading.id);
        let found = judged(&application, engine.clock().now_us(), page).await?;
        for finding in found {
            let finding = finding.settled(&application, &mut deactivates).await;
            tally.add(finding);
        }
        let next = match last {
            Some(last) => Some(Place { after: Some(last), ..place }),
            None => {
                place.stage.next(application.has_groups()).map(|stage| Place { stage, after: None })
            }
        };
        match next {
            Some(next) if watch.elapsed() <= patience => place = next,
            next => break (enabled, next),
        }
    };
    Ok(Some(tally.end(enabled, next)))
}

/// What was read of a page at one moment.
struct Page {
    kind: Option<Kind>,
    objects: Vec<Object>,
    /// Changes of groups are not published yet: they may concern anybody.
    groups_change: bool,
    /// Since when something else decides what the app should hold.
    unsynced_us: Option<i64>,
    /// Why the app's last list was not believed.
    doubt: Option<Doubt>,
}

struct Object {
    reading: Reading,
    job: Option<JobState>,
    /// A change of it is not published yet.
    changes: bool,
    /// The app said that it does not have the account.
    is_missed: bool,
}

/// Reads a page by the revision at which the app is at that moment.
async fn page(
    engine: &Engine,
    organization: OrganizationId,
    app: AppId,
    Place { stage, after }: Place,
) -> Result<Option<(Arc<Application>, Page)>, ApplicationError> {
    for _ in 0..MOST_READS {
        let Some(application) = engine.application(organization, app).await? else {
            return Ok(None);
        };
        let by = (application.row.revision, application.registry.revision);
        let read = match stage {
            Stage::Of(kind) => {
                let terms = std::slice::from_ref(&application.terms);
                let beside = Beside { groups: false, members: 1 };
                let more = move |reader: &mut Reader<'_>, page| put_together(reader, app, by, page);
                situation::page_with(engine, &application, terms, kind, (after, PAGE), beside, more)
                    .await?
                    .map(|page| Page { kind: Some(kind), ..page })
            }
            Stage::Gone => {
                engine
                    .store()
                    .read(organization, move |reader| {
                        let links = reader.links_without_resource(app, after, PAGE)?;
                        let gone = links.into_iter().map(Reading::gone).collect();
                        put_together(reader, app, by, gone)
                    })
                    .await?
            }
        };
        match read {
            Some(page) => return Ok(Some((application, page))),
            // Another mapping or other schemas: read it again by those.
            None => drop(engine.store().newest_registry(organization).await?),
        }
    }
    Err(ApplicationError::Store(store::Error::Busy))
}

/// The page with what decides about it; none where the app or the schemas are others by now.
fn put_together(
    reader: &mut Reader<'_>,
    app: AppId,
    (revision, registry): (i64, i64),
    page: Vec<Reading>,
) -> store::Result<Option<Page>> {
    if reader.app_revision(app)? != Some(revision) || reader.registry_revision()? != registry {
        return Ok(None);
    }
    let ids: Vec<ResourceId> = page.iter().map(|reading| reading.id).collect();
    let jobs = reader.job_states(app, Some(&ids), None, PAGE)?;
    let mut jobs: HashMap<ResourceId, JobState> =
        jobs.into_iter().map(|job| (job.resource, job)).collect();
    let changing = reader.unpublished_of(&ids)?;
    let missed = reader.missed(app, &ids)?;
    let doubt = reader.doubt(app)?.and_then(|doubt| serde_json::from_value(doubt).ok());
    let objects = page
        .into_iter()
        .map(|reading| Object {
            job: jobs.remove(&reading.id),
            changes: changing.contains(&reading.id),
            is_missed: missed.contains(&reading.id),
            reading,
        })
        .collect();
    Ok(Some(Page {
        kind: None,
        objects,
        groups_change: reader.has_unpublished(Kind::Group.as_str())?,
        unsynced_us: reader.unsynced_since(app)?,
        doubt,
    }))
}

/// What was found out about an object.
struct Finding {
    id: ResourceId,
    kind: Kind,
    state: State,
    /// Why it is parked.
    parked: Option<Parked>,
    /// What would be done.
    sentence: String,
    /// Nothing would be left to do if the app could not switch accounts off, and then its account is
    /// left alone.
    switches_off: bool,
}

/// Judges a page where it keeps no request waiting.
async fn judged(
    application: &Arc<Application>,
    now_us: i64,
    page: Page,
) -> Result<Vec<Finding>, ApplicationError> {
    let application = Arc::clone(application);
    let judged = tokio::task::spawn_blocking(move || {
        let find = |object| finding(&application, now_us, &page, object);
        page.objects.iter().filter_map(find).collect()
    });
    let lost = |error| store::Error::Database(format!("the look was cut short: {error}"));
    Ok(judged.await.map_err(lost)?)
}

fn finding(
    application: &Application,
    now_us: i64,
    page: &Page,
    object: &Object,
) -> Option<Finding> {
    let reading = &object.reading;
    let linked = reading.link.as_ref().and_then(|link| Kind::named(&link.kind));
    let kind = page.kind.or(linked)?;
    let judge = |can_deactivate| {
        let mut now = situation::judge(application, &application.terms, kind, reading, now_us);
        now.can_deactivate = can_deactivate;
        rehearse(now)
    };
    let rehearsal = judge(true);
    let mut switches_off = false;
    let mut parked = None;
    let state = match object.job.as_ref().map(|job| job.state.as_str()) {
        Some("parked") => {
            let error = object.job.as_ref().and_then(|job| job.error.as_deref());
            parked = error.and_then(|text| serde_json::from_str(text).ok());
            // A person who does not know why cannot do anything about it.
            if parked.is_some() { State::Parked } else { State::Astray }
        }
        Some("waiting") => State::Waiting,
        Some(_) => State::Pending,
        None if object.changes => State::Pending,
        None => match settled(&rehearsal) {
            // What is left of somebody who is gone is as it should be.
            Some(State::OutOfScope) if reading.link.is_some() => State::Applied,
            Some(State::Applied) if is_doubted(page, object) => State::Doubted,
            Some(state) => state,
            None if page.groups_change => State::Pending,
            None => {
                let off = |step: &Step| matches!(step, Step::Deactivate(_));
                switches_off = rehearsal.steps.iter().any(off) && settled(&judge(false)).is_some();
                if is_excused(application, page, reading) {
                    State::AwaitingSync
                } else {
                    State::Astray
                }
            }
        },
    };
    let sentence = rehearsal.sentence;
    Some(Finding { id: reading.id, kind, state, parked, sentence, switches_off })
}

/// Where an object stands about which nothing is to be done.
fn settled(rehearsal: &Rehearsal) -> Option<State> {
    if rehearsal.parked || !rehearsal.steps.is_empty() {
        return None;
    }
    Some(match rehearsal.verdict? {
        Verdict::InSync | Verdict::SwitchedOff => State::Applied,
        Verdict::NoAccount => State::OutOfScope,
        Verdict::LeftAlone | Verdict::Protected | Verdict::Released => State::LeftAlone,
    })
}

/// Whether the app was seen not to show the account, whatever is remembered of it.
fn is_doubted(page: &Page, object: &Object) -> bool {
    let link = object.reading.link.as_ref();
    object.is_missed
        || page.doubt.as_ref().zip(link).is_some_and(|(doubt, link)| doubt.concerns(link))
}

/// Whether an object may differ although nothing is going to be done about it before the next sync.
fn is_excused(application: &Application, page: &Page, reading: &Reading) -> bool {
    if !application.row.enabled {
        return true;
    }
    let Some(since_us) = page.unsynced_us else { return false };
    // Whatever changed or was pushed since was looked at by what is in force.
    let pushed_us = reading.link.as_ref().map_or(0, |link| link.pushed_us);
    let by_older = reading
        .link
        .as_ref()
        .is_some_and(|link| link.mapping.is_none_or(|mapping| mapping < application.row.mapping));
    by_older || (pushed_us <= since_us && reading.changed_us <= since_us)
}

impl Finding {
    /// Asks the app, once, whether it can switch accounts off at all, where that is what makes the
    /// difference. One that does not say is not blamed for it.
    async fn settled(mut self, application: &Application, deactivates: &mut Option<bool>) -> Self {
        if !self.switches_off {
            return self;
        }
        let can = if let Some(can) = *deactivates {
            can
        } else {
            let asked = tokio::time::timeout(ASKED, application.adapter.capabilities()).await;
            matches!(asked, Ok(Ok(capabilities)) if capabilities.deactivate)
        };
        *deactivates = Some(can);
        if !can {
            self.state = State::LeftAlone;
        }
        self
    }
}

#[derive(Default)]
struct Tally {
    counts: BTreeMap<State, u64>,
    causes: BTreeMap<&'static str, u64>,
    parked: Vec<Example>,
    astray: Vec<Example>,
}

impl Tally {
    fn add(&mut self, finding: Finding) {
        *self.counts.entry(finding.state).or_default() += 1;
        let (resource, kind) = (finding.id, finding.kind.as_str());
        match (finding.state, finding.parked) {
            (State::Parked, Some(Parked { cause, reason, .. })) => {
                let cause = cause.as_str();
                *self.causes.entry(cause).or_default() += 1;
                if self.parked.len() < EXAMPLES {
                    self.parked.push(Example {
                        resource,
                        kind,
                        cause: Some(cause),
                        field: reason.field,
                        detail: reason.detail,
                        remedy: reason.remedy,
                    });
                }
            }
            (State::Astray, _) if self.astray.len() < EXAMPLES => self.astray.push(Example {
                resource,
                kind,
                cause: None,
                field: None,
                detail: finding.sentence,
                remedy:
                    "Provision the object now, or start a Quick Sync, and report this: it is a \
                         defect of Rollcall."
                        .into(),
            }),
            _ => {}
        }
    }

    fn end(mut self, enabled: bool, next: Option<Place>) -> Integrity {
        for (state, _) in WORDS {
            self.counts.entry(state).or_default();
        }
        let total = self.counts.values().sum();
        let complete = next.is_none();
        let verdict = verdict(&self.counts, enabled, complete);
        let Self { counts, causes, parked, astray } = self;
        Integrity { total, counts, causes, parked, astray, complete, next, verdict }
    }
}

/// Every state, with what a count of it says.
const WORDS: [(State, &str); 9] = [
    (State::Applied, "applied"),
    (State::Doubted, "not shown by the app"),
    (State::OutOfScope, "out of scope"),
    (State::LeftAlone, "left alone"),
    (State::Pending, "pending"),
    (State::Waiting, "waiting for days of grace"),
    (State::Parked, "parked with a reason"),
    (State::AwaitingSync, "awaiting a sync"),
    (State::Astray, "astray"),
];

fn verdict(counts: &BTreeMap<State, u64>, enabled: bool, complete: bool) -> String {
    let count = |state: State| counts.get(&state).copied().unwrap_or_default();
    let parts: Vec<String> = WORDS
        .iter()
        .filter(|(state, _)| count(*state) > 0 && *state != State::Astray)
        .map(|(state, words)| format!("{} {words}", count(*state)))
        .collect();
    let so_far = if complete { "" } else { "So far: " };
    let off = if enabled { "" } else { " Provisioning is off." };
    let doubted = count(State::Doubted);
    match (count(State::Astray), parts.is_empty()) {
        (0, false) if doubted > 0 => format!(
            "{so_far}The app does not show {doubted} of the accounts that it should have: {}. Look \
             at the app and at its runs.{off}",
            parts.join(", ")
        ),
        (0, true) => format!("{so_far}There is nobody to account for.{off}"),
        (0, false) => format!("{so_far}Every change is accounted for: {}.{off}", parts.join(", ")),
        (1, _) => format!(
            "{so_far}1 object differs from what the app should hold, and nothing is going to be \
             done about it.{off}"
        ),
        (astray, _) => format!(
            "{so_far}{astray} objects differ from what the app should hold, and nothing is going \
             to be done about it.{off}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::new_uuid;

    #[test]
    fn places_are_read_as_they_are_written() {
        let id = ResourceId(new_uuid(1));
        for stage in [Stage::Of(Kind::User), Stage::Of(Kind::Group), Stage::Gone] {
            for after in [None, Some(id)] {
                let place = Place { stage, after };
                assert_eq!(place.to_string().parse(), Ok(place));
            }
        }
        for wrong in ["", "users", "user:", "user:7", "gone:x", ":"] {
            assert_eq!(wrong.parse::<Place>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn a_verdict_says_what_a_person_wants_to_know() {
        let say = |counts: &[(State, u64)], enabled, complete| {
            verdict(&counts.iter().copied().collect(), enabled, complete)
        };
        assert_eq!(say(&[], true, true), "There is nobody to account for.");
        assert_eq!(
            say(&[(State::Applied, 7), (State::Parked, 1)], true, true),
            "Every change is accounted for: 7 applied, 1 parked with a reason."
        );
        assert_eq!(
            say(&[(State::AwaitingSync, 7)], false, false),
            "So far: Every change is accounted for: 7 awaiting a sync. Provisioning is off."
        );
        assert!(
            say(&[(State::Applied, 7), (State::Astray, 2)], true, true).starts_with("2 objects")
        );
        assert_eq!(
            say(&[(State::Applied, 7), (State::Doubted, 30)], true, true),
            "The app does not show 30 of the accounts that it should have: 7 applied, 30 not shown \
             by the app. Look at the app and at its runs."
        );
    }
}
