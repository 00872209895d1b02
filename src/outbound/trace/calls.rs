//! An adapter that tells a trace what it is asked and what it answers.

use super::{Answer, Step, Trace};
use crate::adapters::adapter::{
    AccountPage, Adapter, Capabilities, Change, Failure, Key, MemberChange, Observed, RemoteId,
    Report, Step as Asked, Told, WireRequest,
};
use crate::clock::Stopwatch;
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use async_trait::async_trait;
use std::sync::Arc;

/// Most members of one request that a trace shows.
const MOST_MEMBERS: usize = 100;

pub(super) struct Heard {
    inner: Arc<dyn Adapter>,
    trace: Trace,
}

impl Heard {
    pub(super) fn new(inner: Arc<dyn Adapter>, trace: Trace) -> Self {
        Self { inner, trace }
    }

    /// Notes what is about to be asked.
    async fn asks(
        &self,
        step: &'static str,
        sentence: String,
        kind: Kind,
        asked: Option<Asked>,
    ) -> Asking<'_> {
        let requests = match asked.filter(|_| self.trace.shows_requests()) {
            Some(asked) => self.inner.requests(kind, &[asked]).await.unwrap_or_default(),
            None => Vec::new(),
        };
        self.begun(step, sentence, requests)
    }

    fn begun(
        &self,
        step: &'static str,
        sentence: String,
        requests: Vec<WireRequest>,
    ) -> Asking<'_> {
        let at = self.trace.add(Step { requests, ..self.trace.step(step, sentence) });
        Asking { trace: &self.trace, at, watch: Stopwatch::start() }
    }
}

/// Something that was asked and is not answered yet.
struct Asking<'a> {
    trace: &'a Trace,
    at: Option<usize>,
    watch: Stopwatch,
}

impl Asking<'_> {
    fn answered<T>(self, answer: &Result<T, Failure>, done: impl FnOnce(&T) -> String) {
        let (class, detail) = match answer {
            Ok(value) => ("done", done(value)),
            Err(failure) => (class(failure), failure.to_string()),
        };
        let took_ms = u64::try_from(self.watch.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.trace.answered(self.at, Answer { class, detail, took_ms });
    }
}

const fn class(failure: &Failure) -> &'static str {
    match failure {
        Failure::Again { .. } => "again",
        Failure::Throttled { .. } => "throttled",
        Failure::InDoubt { .. } => "inDoubt",
        Failure::Conflict { .. } => "conflict",
        Failure::Gone => "gone",
        Failure::Refused(_) => "refused",
        Failure::Unauthorized(_) => "unauthorized",
        Failure::Misconfigured(_) => "misconfigured",
        Failure::Unsupported(_) => "unsupported",
    }
}

fn found(all: &[Observed]) -> String {
    let ids: Vec<&str> = all.iter().map(|one| one.id.0.as_str()).collect();
    match ids.as_slice() {
        [] => "Nothing was found.".to_owned(),
        [one] => format!("One was found: {one}."),
        several => format!("{} were found: {}.", several.len(), several.join(", ")),
    }
}

#[async_trait]
impl Adapter for Heard {
    async fn capabilities(&self) -> Result<Capabilities, Failure> {
        self.inner.capabilities().await
    }

    async fn find(&self, kind: Kind, key: &Key) -> Result<Vec<Observed>, Failure> {
        let sentence = format!("The app is searched by {}.", key.field);
        let asking = self.asks("find", sentence, kind, Some(Asked::Find(key.clone()))).await;
        let answer = self.inner.find(kind, key).await;
        asking.answered(&answer, |all| found(all));
        answer
    }

    async fn read(&self, kind: Kind, id: &RemoteId) -> Result<Observed, Failure> {
        let asking = self.asks("get", format!("The app is asked for {}.", id.0), kind, None).await;
        let answer = self.inner.read(kind, id).await;
        asking.answered(&answer, |_| "It is there.".to_owned());
        answer
    }

    async fn create(&self, kind: Kind, record: &Record, once: &str) -> Result<Observed, Failure> {
        let asked = Asked::Create(record.clone());
        let asking = self.asks("create", "It is made.".to_owned(), kind, Some(asked)).await;
        let answer = self.inner.create(kind, record, once).await;
        asking.answered(&answer, |made| format!("The app made it: {}.", made.id.0));
        answer
    }

    async fn update(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
        whole: &Record,
    ) -> Result<(), Failure> {
        let asked = Asked::Update(id.clone(), change.clone(), whole.clone());
        let asking = self.asks("update", format!("{} is changed.", id.0), kind, Some(asked)).await;
        let answer = self.inner.update(kind, id, change, whole).await;
        asking.answered(&answer, |()| "The app took it.".to_owned());
        answer
    }

    async fn set_active(&self, kind: Kind, id: &RemoteId, active: bool) -> Result<(), Failure> {
        let (step, how, asked) = if active {
            ("activate", "on", Asked::Reactivate(id.clone()))
        } else {
            ("deactivate", "off", Asked::Deactivate(id.clone()))
        };
        let sentence = format!("{} is switched {how}.", id.0);
        let asking = self.asks(step, sentence, kind, Some(asked)).await;
        let answer = self.inner.set_active(kind, id, active).await;
        asking.answered(&answer, |()| "The app took it.".to_owned());
        answer
    }

    async fn delete(&self, kind: Kind, id: &RemoteId) -> Result<(), Failure> {
        let sentence = format!("{} is deleted.", id.0);
        let asking = self.asks("delete", sentence, kind, Some(Asked::Delete(id.clone()))).await;
        let answer = self.inner.delete(kind, id).await;
        asking.answered(&answer, |()| "The app no longer has it.".to_owned());
        answer
    }

    async fn members(
        &self,
        group: &RemoteId,
        change: &MemberChange,
        told: &dyn Told,
    ) -> Result<(), Failure> {
        let (joins, leaves) = (change.add.len(), change.remove.len());
        let sentence = format!("The group is told of its members: {joins} join, {leaves} leave.");
        let mut requests = Vec::new();
        if self.trace.shows_requests() {
            let mut few = change.clone();
            few.add.truncate(MOST_MEMBERS);
            few.remove.truncate(MOST_MEMBERS.saturating_sub(few.add.len()));
            let shown = few.add.len() + few.remove.len();
            let asked = [Asked::Members(group.clone(), few)];
            requests = self.inner.requests(Kind::Group, &asked).await.unwrap_or_default();
            if shown < joins + leaves
                && let Some(last) = requests.last_mut()
            {
                last.note = Some(format!("{shown} of {} members are shown.", joins + leaves));
            }
        }
        let asking = self.begun("members", sentence, requests);
        let answer = self.inner.members(group, change, told).await;
        asking.answered(&answer, |()| "The app took it.".to_owned());
        answer
    }

    async fn list(&self, kind: Kind, from: Option<&str>) -> Result<AccountPage, Failure> {
        self.inner.list(kind, from).await
    }

    async fn requests(&self, kind: Kind, steps: &[Asked]) -> Result<Vec<WireRequest>, Failure> {
        self.inner.requests(kind, steps).await
    }

    async fn check(&self) -> Result<Report, Failure> {
        self.inner.check().await
    }
}
