//! What would be sent, without sending it: the same mapping and the same plan as the worker's.

use super::application::Application;
use super::engine::Engine;
use super::plan::{self, Found, Link, Next, Origin, Parked, Situation, Standing, Verdict};
use super::situation::{self, Beside, Reading, Terms};
use super::words;
use crate::adapters::adapter::{Failure, Reason, RemoteId, Step, WireRequest};
use crate::clock::rfc3339;
use crate::id::ResourceId;
use crate::mapping::compiled::{Mapping, Problem, misfits};
use crate::mapping::field::Kind;
use crate::mapping::impact::name;
use crate::mapping::preview::{PreviewRow, preview as rows};
use crate::mapping::record::{Desired, Record};
use crate::mapping::scope::{Decision, Rules};
use crate::store::{self, links::LinkRow};
use serde::Serialize;
use std::sync::Arc;

/// Members of a group that are shown; more of them go in further requests.
const MEMBERS: usize = 100;

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// There is nobody to show.
    #[error("{0}")]
    NoSample(String),
    /// The sample that was asked for is not there.
    #[error("{0}")]
    Unknown(String),
    /// The app had to be asked what it can do, and did not answer.
    #[error(transparent)]
    App(#[from] Failure),
}

/// A mapping, shown with one person's values.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// Whose values these are.
    pub sample: Sample,
    /// Whether they belong in the app, and by which part of the scope.
    pub scope: Decision,
    /// Every field of the app, mapped and unmapped.
    pub fields: Vec<PreviewRow>,
    /// One sentence: what would happen.
    pub verdict: String,
    /// Exactly what would be sent, secrets left out; a note says where an object is read first. A look
    /// that finds nobody is assumed. Of members, the first request.
    pub requests: Vec<WireRequest>,
    /// Why a step cannot be expressed for this app; the requests are missing then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// The person or group whose values are shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// Its id.
    pub id: ResourceId,
    /// `User` or `Group`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// A mapping or a scope that is not saved; what is left out is as it is in force.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// A mapping.
    pub mapping: Option<Mapping>,
    /// A scope.
    pub scope: Option<Rules>,
}

impl Draft {
    pub(super) fn terms(self, application: &Application) -> Terms {
        let Terms { mapping, scope, policy } = application.terms.clone();
        Terms {
            mapping: self.mapping.map_or(mapping, Arc::new),
            scope: self.scope.map_or(scope, Arc::new),
            policy,
        }
    }
}

/// Shows a mapping and a scope (the app's, or a draft) with the values of a person or group.
///
/// Without a sample: the app's sample user, else the organization's admin, else whoever was there
/// first.
///
/// # Errors
/// See [`Error`].
pub async fn preview(
    engine: &Engine,
    application: &Application,
    draft: Draft,
    sample: Option<ResourceId>,
) -> Result<Preview, Error> {
    let terms = draft.terms(application);
    let id = chosen(engine, application, sample).await?;
    let kind = engine
        .store()
        .read(application.organization, move |reader| reader.resource_any(id))
        .await?
        .and_then(|stored| Kind::named(&stored.kind));
    let unknown = || Error::Unknown(format!("no user or group has the id {id}"));
    let Some(kind) = kind else { return Err(unknown()) };
    let both = std::slice::from_ref(&terms);
    let beside = Beside { groups: true, members: MEMBERS };
    let reading = situation::read(engine, application, both, kind, id, beside).await?;
    let Some(present) = &reading.present else { return Err(unknown()) };
    let now_us = engine.clock().now_us();
    let now = situation::judge(application, &terms, kind, &reading, now_us);
    let is_new = now.link.as_ref().is_none_or(|link| link.remote.is_none());
    // Somebody who is switched off or out of scope is shown with the values they would have.
    let desired = match now.standing {
        Standing::Member => now.desired.clone(),
        _ => present.desired(&terms, kind, is_new),
    };
    let accepted = now.link.as_ref().map(Link::held);
    let schema = &application.entry.schema;
    let fields = rows(&terms.mapping, schema, kind, &desired, accepted.as_deref());
    let Rehearsal { steps, sentence: verdict, .. } = rehearse(now);
    let (requests, unknown) = match application.adapter.requests(kind, &steps).await {
        Ok(requests) => (requests, None),
        Err(failure) => (Vec::new(), Some(failure.to_string())),
    };
    let sample = Sample { id, kind: kind.as_str(), name: name(&present.resource) };
    let scope = present.decision(&terms, kind);
    Ok(Preview { sample, scope, fields, verdict, requests, unknown })
}

/// What would become of the account of somebody who is gone from the directory: one sentence, and the
/// requests.
pub async fn leaver(
    engine: &Engine,
    application: &Application,
    kind: Kind,
    link: LinkRow,
) -> (String, Vec<WireRequest>) {
    let reading = Reading::gone(link);
    let now_us = engine.clock().now_us();
    let now = situation::judge(application, &application.terms, kind, &reading, now_us);
    let Rehearsal { steps, sentence, .. } = rehearse(now);
    let requests = application.adapter.requests(kind, &steps).await.unwrap_or_default();
    (sentence, requests)
}

/// What would be done about an object now, in one sentence; of somebody who is gone, about the account
/// that is left.
///
/// # Errors
/// The store's.
pub(super) async fn verdict(
    engine: &Engine,
    application: &Application,
    kind: Kind,
    id: ResourceId,
) -> store::Result<String> {
    let both = std::slice::from_ref(&application.terms);
    let beside = Beside { groups: false, members: 1 };
    let reading = situation::read(engine, application, both, kind, id, beside).await?;
    let now_us = engine.clock().now_us();
    let now = situation::judge(application, &application.terms, kind, &reading, now_us);
    Ok(rehearse(now).sentence)
}

/// What of the sample user's values a mapping would put where it does not fit; nothing where there is
/// nobody to show.
///
/// # Errors
/// See [`Error`].
pub async fn misfits_of_sample(
    engine: &Engine,
    application: &Application,
    mapping: Mapping,
) -> Result<Vec<Problem>, Error> {
    let id = match chosen(engine, application, None).await {
        Ok(id) => id,
        Err(Error::NoSample(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let terms = Draft { mapping: Some(mapping), scope: None }.terms(application);
    let both = std::slice::from_ref(&terms);
    let reading =
        situation::read(engine, application, both, Kind::User, id, Beside::default()).await?;
    let Some(present) = &reading.present else { return Ok(Vec::new()) };
    let who = name(&present.resource);
    let misfits = misfits(&present.desired(&terms, Kind::User, true));
    Ok(misfits
        .into_iter()
        .map(|misfit| Problem {
            field: format!("{}/{}", Kind::User.place(), misfit.field),
            detail: format!("for the sample user {who}: {}", misfit.detail),
        })
        .collect())
}

async fn chosen(
    engine: &Engine,
    application: &Application,
    sample: Option<ResourceId>,
) -> Result<ResourceId, Error> {
    if let Some(id) = sample {
        return Ok(id);
    }
    let organization = application.organization;
    let organizations = engine.store().organizations().await?;
    let admin = organizations.iter().find(|one| one.id == organization).and_then(|one| one.admin);
    for id in application.row.sample.into_iter().chain(admin) {
        // Whoever was chosen may have left since.
        let there =
            engine.store().read(organization, move |reader| reader.resource("User", id)).await?;
        if there.is_some() {
            return Ok(id);
        }
    }
    let first = engine.store().read(organization, |reader| reader.page_of("User", None, 1)).await?;
    first.first().map(|stored| stored.id).ok_or_else(|| {
        Error::NoSample("the directory is empty: push or create a user first".into())
    })
}

/// What the worker would do from some situation.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsal {
    /// What it would ask of the app, in order.
    pub steps: Vec<Step>,
    /// Whether a person would have to look first.
    pub parked: bool,
    /// Why nothing is left to do in the end; none where a person has to look, or where nothing is
    /// done before days of grace are over.
    pub verdict: Option<Verdict>,
    /// One sentence: what comes of it.
    pub sentence: String,
}

impl Rehearsal {
    /// Tells one plan from another: equal plans have equal digests.
    pub fn digest(&self) -> String {
        let text = format!("{:?} {}", self.steps, self.parked);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let mut first = [0; 16];
        for (byte, whole) in first.iter_mut().zip(digest.as_ref()) {
            *byte = *whole;
        }
        format!("{:032x}", u128::from_be_bytes(first))
    }

    /// The same where somebody must look first: nothing but looks is sent.
    pub(super) fn stopped_by(mut self, reason: &Reason) -> Self {
        self.steps.retain(|step| matches!(step, Step::Find(_)));
        self.parked = true;
        self.verdict = None;
        self.sentence = nothing_is_sent(reason);
        self
    }

    /// What it comes to in one word.
    pub fn action(&self) -> &'static str {
        let acts = self.steps.iter().find_map(|step| match step {
            Step::Find(_) => None,
            Step::Create(_) => Some("create"),
            Step::Update(..) | Step::Members(..) => Some("update"),
            Step::Deactivate(_) => Some("deactivate"),
            Step::Reactivate(_) => Some("reactivate"),
            Step::Delete(_) => Some("delete"),
        });
        acts.unwrap_or(if self.parked { "refused" } else { "unchanged" })
    }
}

/// What the worker would do from here, if a look finds nobody.
pub fn rehearse(mut now: Situation) -> Rehearsal {
    let mut steps = Vec::new();
    let mut done = Vec::new();
    for _ in 0..8 {
        match plan::next(&now) {
            Next::Look(keys) => {
                steps.extend(keys.into_iter().map(Step::Find));
                now.found = Some(Vec::<Found>::new());
            }
            Next::Create(record) => {
                done.push("is created");
                let id = RemoteId("{id}".into());
                now.link = Some(Link::new(id, true, Origin::Created, record.clone()));
                steps.push(Step::Create(record));
            }
            Next::Adopt(observed) => {
                let active = observed.active.unwrap_or(true);
                now.link = Some(Link::new(observed.id, active, Origin::Adopted, observed.record));
            }
            Next::Update(remote, change, whole) => {
                done.push("is updated");
                steps.push(Step::Update(remote, change, whole.clone()));
                set_record(&mut now, whole);
            }
            Next::SetActive(remote, active) => {
                done.push(if active { "is switched on" } else { "is switched off" });
                steps.push(if active {
                    Step::Reactivate(remote)
                } else {
                    Step::Deactivate(remote)
                });
                if let Some(link) = &mut now.link {
                    link.switched(active);
                }
            }
            Next::Delete(remote) => {
                done.push("is deleted");
                steps.push(Step::Delete(remote));
                now.link = None;
                now.desired = Desired::default();
            }
            Next::Unlink => (now.link, now.found) = (None, None),
            Next::Note(leaving_us) => {
                if let Some(link) = &mut now.link {
                    link.leaving_us = leaving_us;
                }
            }
            Next::Wait(until_us) => {
                let day = rfc3339(until_us);
                let sentence =
                    format!("{} Nothing more is done before {day}.", so_far(&now, &done));
                return Rehearsal { steps, parked: false, verdict: None, sentence };
            }
            Next::Park(Parked { reason, .. }) => {
                let sentence = nothing_is_sent(&reason);
                return Rehearsal { steps, parked: true, verdict: None, sentence };
            }
            Next::Done(verdict) => {
                let told = now.members.add.len() + now.members.remove.len();
                if verdict == Verdict::InSync
                    && told > 0
                    && let Some(remote) = now.link.as_ref().and_then(|link| link.remote.clone())
                {
                    done.push("is told of its members");
                    steps.push(Step::Members(remote, now.members.clone()));
                }
                let sentence = if done.is_empty() {
                    words::verdict(now.kind, verdict)
                } else {
                    let noun = words::noun(now.kind);
                    format!("The {noun} {}.", done.join(", then "))
                };
                return Rehearsal { steps, parked: false, verdict: Some(verdict), sentence };
            }
        }
    }
    let sentence = "The plan does not end; this is a defect of Rollcall.".into();
    Rehearsal { steps, parked: true, verdict: None, sentence }
}

/// Why a person must look first.
pub(super) fn nothing_is_sent(Reason { detail, remedy, .. }: &Reason) -> String {
    format!("Nothing is sent. {detail} {remedy}")
}

fn so_far(now: &Situation, done: &[&str]) -> String {
    let noun = words::noun(now.kind);
    if done.is_empty() {
        let is_off = now.link.as_ref().is_some_and(|link| !link.is_on());
        let how = if is_off { "is switched off" } else { "stays as it is" };
        return format!("The {noun} {how}.");
    }
    format!("The {noun} {}.", done.join(", then "))
}

fn set_record(now: &mut Situation, whole: Record) {
    if let Some(link) = &mut now.link {
        link.accepted(whole);
    }
}
