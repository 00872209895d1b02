//! What an app holds of one person or group, and what people can do about it by hand: each action
//! with the sentence that says what it does, there and here, and the requests that it leads to.

mod actions;
mod hands;

pub use actions::{Act, Action, Event};
pub use hands::{adopt, relink, retry, unlink};

use super::application::Application;
use super::engine::Engine;
use super::plan::{self, Cause, Next, Parked, Situation, Standing, Verdict};
use super::preview::{nothing_is_sent, rehearse};
use super::situation::{self, Beside, Reading};
use super::words;
use crate::adapters::adapter::Failure;
use crate::id::ResourceId;
use crate::mapping::field::Kind;
use crate::mapping::impact::name;
use crate::store;
use crate::store::jobs::JobState;
use crate::store::links::LinkRow;
use serde::Serialize;

/// Members of a group that are shown in requests; more of them go in further ones.
const MEMBERS: usize = 100;

/// Why an action cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The app had to be asked, and did not answer as it should.
    #[error(transparent)]
    App(#[from] Failure),
    /// There is no such person or group.
    #[error("{0}")]
    Unknown(String),
    /// It does not go with what is there: one sentence, with the remedy.
    #[error("{0}")]
    Conflict(String),
    /// A field says what does not go with what is there.
    #[error("{field}: {detail}")]
    Taken {
        /// Which.
        field: &'static str,
        /// What is wrong and what to do.
        detail: String,
    },
    /// A field names what is not there.
    #[error("{field}: {detail}")]
    Wrong {
        /// Which.
        field: &'static str,
        /// What is wrong and what to do.
        detail: String,
    },
}

/// How an object stands with an app, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Its account is followed.
    Linked,
    /// A creation got no answer.
    InDoubt,
    /// Its account is followed, and switched off.
    Deactivated,
    /// The app no longer has the account, and a person is asked.
    Lost,
    /// It is left alone because somebody said so.
    Released,
    /// It is never touched.
    Protected,
    /// Several objects could be it, or the one that is belongs to another.
    Disputed,
    /// No account is known.
    None,
}

/// One person or group in an app.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Its id.
    pub resource: ResourceId,
    /// `User` or `Group`.
    pub kind: &'static str,
    /// Its name; none where it is gone from the directory.
    pub name: Option<String>,
    /// In one word.
    pub state: State,
    /// What is known of its account, in one sentence.
    pub sentence: String,
    /// How the account came to be known, or how it would be looked for.
    pub matching: String,
    /// What would be done now, in one sentence.
    pub verdict: String,
    /// Ids of the app's objects that it could be.
    pub candidates: Vec<String>,
    /// What can be done by hand.
    pub actions: Vec<Action>,
    /// What becomes of the account when its person leaves.
    pub events: Vec<Event>,
    /// What is remembered; none where no account was ever known.
    #[serde(skip)]
    pub link: Option<LinkRow>,
    /// What is still to be done.
    #[serde(skip)]
    pub job: Option<JobState>,
}

/// One object with everything that its actions depend on.
struct Subject {
    id: ResourceId,
    kind: Kind,
    reading: Reading,
    now: Situation,
    job: Option<JobState>,
    parked: Option<Parked>,
}

impl Subject {
    async fn read(
        engine: &Engine,
        application: &Application,
        id: ResourceId,
    ) -> Result<Self, Error> {
        let app = application.row.id;
        let (kind, job) = engine
            .store()
            .read(application.organization, move |reader| {
                let kind = match reader.resource_any(id)? {
                    Some(stored) => Some(stored.kind),
                    None => reader.link(app, id)?.map(|link| link.kind),
                };
                let job = reader.job_states(app, Some(&[id]), None, 1)?.into_iter().next();
                Ok((kind, job))
            })
            .await?;
        let kind = kind.as_deref().and_then(Kind::named);
        let kind =
            kind.ok_or_else(|| Error::Unknown(format!("no user or group has the id {id}")))?;
        let terms = std::slice::from_ref(&application.terms);
        let beside = Beside { groups: false, members: MEMBERS };
        let reading = situation::read(engine, application, terms, kind, id, beside).await?;
        let now_us = engine.clock().now_us();
        let now = situation::judge(application, &application.terms, kind, &reading, now_us);
        let parked = job
            .as_ref()
            .filter(|job| job.state == "parked")
            .and_then(|job| serde_json::from_str(job.error.as_deref()?).ok());
        Ok(Self { id, kind, reading, now, job, parked })
    }

    fn name(&self) -> Option<String> {
        self.reading.present.as_ref().map(|present| name(&present.resource))
    }

    /// What people call it in a sentence.
    fn called(&self) -> String {
        self.name().unwrap_or_else(|| format!("the {} {}", self.kind.as_str(), self.id))
    }

    fn is_gone(&self) -> bool {
        self.now.standing == Standing::Deleted
    }

    fn remote(&self) -> Option<&str> {
        self.reading.link.as_ref()?.remote_id.as_deref()
    }

    /// Whether an account is known that is kept equal to its person.
    fn is_followed(&self) -> bool {
        let link = self.reading.link.as_ref();
        link.is_some_and(|link| {
            link.remote_id.is_some()
                && ![LinkRow::LOST, LinkRow::RELEASED].contains(&link.state.as_str())
        })
    }

    fn state(&self) -> State {
        if plan::next(&self.now) == Next::Done(Verdict::Protected) {
            return State::Protected;
        }
        if self.disputed().is_some() {
            return State::Disputed;
        }
        let Some(link) = &self.reading.link else { return State::None };
        match link.state.as_str() {
            LinkRow::RELEASED => State::Released,
            LinkRow::LOST => State::Lost,
            "in_doubt" => State::InDoubt,
            "deactivated" => State::Deactivated,
            _ => State::Linked,
        }
    }

    /// Why it is parked, where a look found what is not clearly its own.
    fn disputed(&self) -> Option<&Parked> {
        let disputed = |parked: &&Parked| [Cause::Disputed, Cause::Taken].contains(&parked.cause);
        self.parked.as_ref().filter(disputed)
    }

    fn candidates(&self) -> Vec<String> {
        self.parked.as_ref().map(|parked| parked.candidates.clone()).unwrap_or_default()
    }
}

/// How a person or group stands with an app, and what can be done about it. Sends nothing.
///
/// # Errors
/// See [`Error`].
pub async fn show(
    engine: &Engine,
    application: &Application,
    id: ResourceId,
) -> Result<Shown, Error> {
    let subject = Subject::read(engine, application, id).await?;
    let actions = actions::all(application, &subject).await;
    let events = actions::events(application, &subject).await;
    let link = subject.reading.link.as_ref();
    let sentence = match subject.state() {
        State::Disputed => {
            let reason = subject.parked.as_ref().map(|parked| parked.reason.detail.clone());
            reason.unwrap_or_default()
        }
        _ => words::remembered(subject.kind, link),
    };
    Ok(Shown {
        resource: id,
        kind: subject.kind.as_str(),
        name: subject.name(),
        state: subject.state(),
        sentence,
        matching: words::matched(&application.match_fields(subject.kind), link),
        verdict: match &subject.parked {
            Some(parked) => nothing_is_sent(&parked.reason),
            None => rehearse(subject.now.clone()).sentence,
        },
        candidates: subject.candidates(),
        actions,
        events,
        link: subject.reading.link,
        job: subject.job,
    })
}
