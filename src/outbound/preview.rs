//! What would be sent, without sending it: the same mapping and the same plan as the worker's.

use super::application::Application;
use super::engine::Engine;
use super::plan::{self, Found, Link, Next, Origin, Situation, Standing};
use super::situation;
use crate::adapters::adapter::{Failure, Reason, RemoteId, Step, WireRequest};
use crate::id::{OrganizationId, ResourceId};
use crate::mapping::compiled::Mapping;
use crate::mapping::field::Kind;
use crate::mapping::preview::{PreviewRow, preview as rows};
use crate::mapping::record::{Desired, Record};
use crate::scim::filter::eval;
use crate::store;
use serde::Serialize;
use serde_json::{Map, Value};

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
    /// Every field of the app, mapped and unmapped.
    pub fields: Vec<PreviewRow>,
    /// One sentence: what would happen.
    pub verdict: String,
    /// Exactly what would be sent, secrets left out. A look that finds nobody is assumed.
    pub requests: Vec<WireRequest>,
    /// Why the app could not be asked how it wants to be told; the requests are missing then.
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

/// Shows a mapping (the app's, or a draft) with the values of a person or group.
///
/// Without a sample: the app's sample user, else the organization's admin, else whoever was there
/// first.
///
/// # Errors
/// See [`Error`].
pub async fn preview(
    engine: &Engine,
    application: &Application,
    draft: Option<Mapping>,
    sample: Option<ResourceId>,
) -> Result<Preview, Error> {
    let mapping = draft.as_ref().unwrap_or(&application.mapping);
    let organization = application.organization;
    let id = chosen(engine, organization, application, sample).await?;
    let registry = std::sync::Arc::clone(&application.registry);
    let base = engine.base_url().to_owned();
    let app = application.row.id;
    let scope = application.scope.clone();
    let read = engine
        .store()
        .read(organization, move |reader| {
            let Some(stored) = reader.resource_any(id)? else { return Ok(None) };
            let Some(kind) = Kind::named(&stored.kind) else { return Ok(None) };
            let complete = situation::complete(reader, &registry, kind, &stored, &base, true)?;
            let link = reader.link(app, id)?;
            Ok(Some((kind, complete, link)))
        })
        .await?;
    let Some((kind, complete, link)) = read else {
        return Err(Error::Unknown(format!("no user or group has the id {id}")));
    };
    let in_scope =
        kind == Kind::Group || scope.is_none_or(|condition| eval::matches(&condition, &complete));
    let present = (complete, in_scope);
    let mut now = situation::judge(application, kind, Some(&present), link);
    if now.standing == Standing::Member {
        now.desired = situation::desired(mapping, kind, &present.0, now.link.is_none());
    }
    let accepted = now.link.as_ref().map(|link| &link.record);
    let fields = rows(mapping, &application.entry.schema, kind, &present.0, accepted);
    let Rehearsal { steps, sentence: verdict, .. } = rehearse(now);
    let (requests, unknown) = match application.adapter.requests(kind, &steps).await {
        Ok(requests) => (requests, None),
        Err(failure) => (Vec::new(), Some(failure.to_string())),
    };
    let sample = Sample { id, kind: kind.as_str(), name: name(&present.0) };
    Ok(Preview { sample, fields, verdict, requests, unknown })
}

async fn chosen(
    engine: &Engine,
    organization: OrganizationId,
    application: &Application,
    sample: Option<ResourceId>,
) -> Result<ResourceId, Error> {
    if let Some(id) = sample {
        return Ok(id);
    }
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

fn name(resource: &Map<String, Value>) -> String {
    ["displayName", "userName", "id"]
        .iter()
        .find_map(|field| resource.get(*field).and_then(Value::as_str))
        .unwrap_or_default()
        .to_owned()
}

/// What the worker would do from some situation.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsal {
    /// What it would ask of the app, in order.
    pub steps: Vec<Step>,
    /// Whether a person would have to look first.
    pub parked: bool,
    /// One sentence: what comes of it.
    pub sentence: String,
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
                now.link = Some(Link {
                    remote: Some(RemoteId("{id}".into())),
                    active: true,
                    origin: Origin::Created,
                    record: record.clone(),
                });
                steps.push(Step::Create(record));
            }
            Next::Adopt(observed) => {
                now.link = Some(Link {
                    remote: Some(observed.id),
                    active: observed.active.unwrap_or(true),
                    origin: Origin::Adopted,
                    record: observed.record,
                });
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
                    link.active = active;
                }
            }
            Next::Delete(remote) => {
                done.push("is deleted");
                steps.push(Step::Delete(remote));
                now.link = None;
                now.desired = Desired::default();
            }
            Next::Unlink => now.link = None,
            Next::Park(Reason { detail, remedy, .. }) => {
                let sentence = format!("Nothing is sent. {detail} {remedy}");
                return Rehearsal { steps, parked: true, sentence };
            }
            Next::Done(verdict) => {
                let sentence = if done.is_empty() {
                    match verdict {
                        plan::Verdict::InSync => "The app holds what it should.".to_owned(),
                        plan::Verdict::SwitchedOff => "The account is switched off.".to_owned(),
                        plan::Verdict::NoAccount => {
                            "There is no account, and there should be none.".to_owned()
                        }
                        plan::Verdict::LeftAlone => "The account is left alone.".to_owned(),
                    }
                } else {
                    format!("The account {}.", done.join(", then "))
                };
                return Rehearsal { steps, parked: false, sentence };
            }
        }
    }
    let sentence = "The plan does not end; this is a defect of Rollcall.".into();
    Rehearsal { steps, parked: true, sentence }
}

fn set_record(now: &mut Situation, whole: Record) {
    if let Some(link) = &mut now.link {
        link.record = whole;
    }
}
