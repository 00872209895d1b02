//! What can be done by hand, and what policy would do, in words and as requests.

use super::{State, Subject};
use crate::adapters::adapter::{RemoteId, WireRequest};
use crate::mapping::field::Kind;
use crate::mapping::record::Desired;
use crate::outbound::application::Application;
use crate::outbound::plan::{Situation, Standing};
use crate::outbound::preview::{Rehearsal, rehearse};
use crate::outbound::words::noun;
use serde::Serialize;

/// Something that can be done by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Act {
    /// *Provision now*.
    Provision,
    /// What waits or is parked is tried at once.
    Retry,
    /// It is left alone.
    Unlink,
    /// Its account is looked for anew.
    Relink,
    /// An object of the app is said to be it.
    Link,
}

/// Something that can be done by hand, and what it does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// Which; the last part of its path.
    pub action: Act,
    /// What it does in the app.
    pub remote: String,
    /// What it does here.
    pub here: String,
    /// What it sends, secrets left out. A look that finds nobody is assumed. Of members, the first
    /// request.
    pub requests: Vec<WireRequest>,
    /// Why the requests are not known, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// What becomes of an account when its person leaves in some way.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `deactivated`, `deleted`, `outOfScope` or `unassigned`.
    pub event: Standing,
    /// What the policy would do, in one sentence.
    pub sentence: String,
    /// What would be sent, secrets left out.
    pub requests: Vec<WireRequest>,
    /// Why the requests are not known, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// The requests of a rehearsal, or why they are not known.
async fn requests(
    application: &Application,
    kind: Kind,
    rehearsal: &Rehearsal,
) -> (Vec<WireRequest>, Option<String>) {
    match application.adapter.requests(kind, &rehearsal.steps).await {
        Ok(requests) => (requests, None),
        Err(failure) => (Vec::new(), Some(failure.to_string())),
    }
}

async fn action(
    application: &Application,
    kind: Kind,
    action: Act,
    now: Situation,
    words: impl FnOnce(&Rehearsal) -> (String, String),
) -> Action {
    told(application, kind, action, &rehearse(now), words).await
}

async fn told(
    application: &Application,
    kind: Kind,
    action: Act,
    rehearsal: &Rehearsal,
    words: impl FnOnce(&Rehearsal) -> (String, String),
) -> Action {
    let (remote, here) = words(rehearsal);
    let (requests, unknown) = requests(application, kind, rehearsal).await;
    Action { action, remote, here, requests, unknown }
}

/// What happens when the object is looked at again as it is: what stopped it the last time stops it
/// again, unless that changed in the app.
fn again(subject: &Subject) -> Rehearsal {
    let rehearsal = rehearse(subject.now.clone());
    match subject.disputed() {
        Some(parked) if !rehearsal.parked => rehearsal.stopped_by(&parked.reason),
        _ => rehearsal,
    }
}

/// Everything that can be done at present.
pub(super) async fn all(application: &Application, subject: &Subject) -> Vec<Action> {
    let mut all = vec![provision(application, subject).await];
    if subject.job.as_ref().is_some_and(|job| job.state != "running") {
        all.push(retry(application, subject).await);
    }
    if subject.state() != State::Released {
        all.push(unlink(subject));
    }
    if whether_relink(subject).is_ok() {
        all.push(relink(application, subject).await);
    }
    if !subject.is_gone() {
        all.push(link(subject));
    }
    all
}

async fn provision(application: &Application, subject: &Subject) -> Action {
    told(application, subject.kind, Act::Provision, &again(subject), |rehearsal| {
        (
            rehearsal.sentence.clone(),
            "It is looked at now, and every step is told. Nothing but that object is sent."
                .to_owned(),
        )
    })
    .await
}

pub(super) async fn retry(application: &Application, subject: &Subject) -> Action {
    let here = match subject.job.as_ref().map(|job| job.state.as_str()) {
        Some("parked") => "It is no longer parked: it is tried as soon as a worker is free.",
        Some("waiting") => "It is looked at again; its days of grace go on.",
        Some(_) => "It is tried as soon as a worker is free, and not later.",
        None => "Nothing waits: it is looked at again.",
    };
    told(application, subject.kind, Act::Retry, &again(subject), |rehearsal| {
        (rehearsal.sentence.clone(), here.to_owned())
    })
    .await
}

pub(super) fn unlink(subject: &Subject) -> Action {
    let noun = noun(subject.kind);
    let link = subject.reading.link.as_ref();
    let remote = match (link, subject.remote()) {
        (None, _) => "Nothing is sent; nothing is made or taken over.".to_owned(),
        (Some(link), None) if link.state == "in_doubt" => {
            format!("Nothing is sent. Whether the app made the {noun} is not known: look there.")
        }
        (Some(_), None) => "Nothing is sent.".to_owned(),
        (Some(link), Some(id)) => {
            let how = match (subject.kind, link.state.as_str()) {
                (Kind::Group, _) => ", with its members",
                (Kind::User, "deactivated") => ", switched off",
                (Kind::User, _) => ", with its access and its groups",
            };
            format!("Nothing is sent. The {noun} {id} stays in the app as it is{how}.")
        }
    };
    let who = subject.called();
    let here = if subject.is_gone() {
        format!(
            "The {noun} is forgotten. What the policy still had in store for it is not done: \
             nobody switches it off, deletes it or takes it out of its groups."
        )
    } else {
        let leaving = match subject.kind {
            Kind::User => "does not switch the account off",
            Kind::Group => "does not delete the app's group",
        };
        format!(
            "The {noun} is no longer followed: {who} is left alone in this app, whatever changes, \
             until somebody links or relinks. Leaving the directory {leaving}."
        )
    };
    Action { action: Act::Unlink, remote, here, requests: Vec::new(), unknown: None }
}

/// Whether an account may be looked for anew.
///
/// # Errors
/// A sentence: why not, and what to do instead.
pub(super) fn whether_relink(subject: &Subject) -> Result<(), String> {
    let who = subject.called();
    match subject.now.standing {
        Standing::Deleted => Err(format!(
            "{who} is gone from the directory, so there is nothing to look by: unlink it to forget \
             its account"
        )),
        Standing::Member => Ok(()),
        // Nobody would look for the account of somebody who should have none, and policy would not
        // be done to it.
        _ if subject.is_followed() => Err(format!(
            "{who} should have no account in this app now, so none would be looked for: link the \
             right one by its id, or unlink it"
        )),
        _ => Ok(()),
    }
}

/// The same object without anything known of an account.
pub(super) fn afresh(subject: &Subject) -> Situation {
    Situation { link: None, found: None, ..subject.now.clone() }
}

pub(super) async fn relink(application: &Application, subject: &Subject) -> Action {
    let noun = noun(subject.kind);
    let fields = application.match_fields(subject.kind).join(", then by ");
    let who = subject.called();
    let mut here = match (subject.is_followed(), subject.remote()) {
        (true, Some(id)) => format!(
            "The link to {id} is forgotten first; should another {noun} be found, {id} stays in the \
             app as it is."
        ),
        _ => format!("{who} is no longer left alone or parked."),
    };
    let leaves = subject.now.members.remove.len();
    if subject.kind == Kind::Group && leaves > 0 {
        let stay = "members who left, and of whom the app was not told yet, stay in its group.";
        here = format!("{here} {leaves} {stay}");
    }
    action(application, subject.kind, Act::Relink, afresh(subject), |rehearsal| {
        let sentence = &rehearsal.sentence;
        let remote = if subject.now.standing == Standing::Member && !rehearsal.parked {
            format!(
                "It is looked for by {fields}. One that is found and belongs to nobody is taken \
                 over and brought up to date. If none is found: {sentence}"
            )
        } else {
            sentence.clone()
        };
        (remote, here)
    })
    .await
}

fn link(subject: &Subject) -> Action {
    let noun = noun(subject.kind);
    let candidates = subject.candidates();
    let which = if candidates.is_empty() {
        "whose id you give".to_owned()
    } else {
        format!("whose id you give ({})", candidates.join(", "))
    };
    Action {
        action: Act::Link,
        remote: format!("The app is asked for the {noun} {which}; then it is brought up to date."),
        here: format!("It is followed from then on as the {noun} of {}.", subject.called()),
        requests: Vec::new(),
        unknown: Some("Without \"confirm\", the answer shows what it would send.".to_owned()),
    }
}

/// Linking a certain object, as the app shows it.
pub(super) async fn link_to(
    application: &Application,
    subject: &Subject,
    now: Situation,
    remote: &RemoteId,
) -> Action {
    let noun = noun(subject.kind);
    let who = subject.called();
    let mut here = format!("{} is followed from now on as the {noun} of {who}.", remote.0);
    if let Some(old) = subject.remote().filter(|old| *old != remote.0) {
        let stays = "is forgotten and stays in the app as it is, with its access.";
        here = format!("{here} The {noun} {old} {stays}");
    }
    action(application, subject.kind, Act::Link, now, |rehearsal| {
        (rehearsal.sentence.clone(), here)
    })
    .await
}

/// What becomes of the account when its person leaves, way by way.
pub(super) async fn events(application: &Application, subject: &Subject) -> Vec<Event> {
    let ways: &[Standing] = match subject.kind {
        Kind::User => {
            &[Standing::Deactivated, Standing::Deleted, Standing::OutOfScope, Standing::Unassigned]
        }
        Kind::Group => &[Standing::Deleted, Standing::OutOfScope],
    };
    let mut events = Vec::new();
    if subject.reading.link.is_none() || subject.is_gone() {
        return events;
    }
    for way in ways {
        let now = Situation { standing: *way, desired: Desired::default(), ..subject.now.clone() };
        let rehearsal = rehearse(now);
        let (requests, unknown) = requests(application, subject.kind, &rehearsal).await;
        let sentence = rehearsal.sentence;
        events.push(Event { event: *way, sentence, requests, unknown });
    }
    events
}
