//! An app as the engine talks to it: every call waits at a gate before it has its effect and at
//! another before its answer is delivered, and dice decide what goes wrong in between.

use super::scene::{Scene, Side};
use crate::adapters::adapter::{
    AccountPage, Adapter, Capabilities, Change, Failure, Key, MemberChange, Observed, Reason,
    RemoteId, Report, Step, Told, WireRequest,
};
use crate::id::ResourceId;
use crate::mapping::field::Kind;
use crate::mapping::record::Record;
use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// Accounts on one page of a list.
const PAGE: usize = 4;

/// An app, as an adapter.
pub(super) struct Scripted {
    pub(super) scene: Arc<Mutex<Scene>>,
    pub(super) app: usize,
}

/// A creation that the app carries out after the caller has given up.
#[derive(Debug, Clone)]
pub(super) struct Late {
    pub(super) app: usize,
    pub(super) kind: Kind,
    pub(super) record: Record,
    pub(super) once: String,
    pub(super) actor: usize,
}

/// What is asked.
pub(super) struct Call<'a> {
    pub(super) verb: Verb,
    /// Of which object, where that is known.
    pub(super) id: Option<&'a RemoteId>,
    pub(super) text: String,
    /// What is to be made.
    creation: Option<(Kind, Record, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Ask,
    Find,
    Read,
    Create,
    Update,
    Switch,
    Delete,
    Members,
}

impl Verb {
    /// Whether it changes something in the app.
    const fn has_effect(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Switch | Self::Delete | Self::Members)
    }
}

impl<'a> Call<'a> {
    fn new(verb: Verb, id: Option<&'a RemoteId>, text: impl Into<String>) -> Self {
        Self { verb, id, text: text.into(), creation: None }
    }
}

impl Scripted {
    /// Stands at a gate until the harness lets this worker go on.
    async fn gate(&self, side: Side) {
        let mut stood = false;
        poll_fn(|_| {
            if std::mem::replace(&mut stood, true) {
                return Poll::Ready(());
            }
            self.scene.lock().side = Some(side);
            Poll::Pending
        })
        .await;
    }

    async fn ask<T>(
        &self,
        call: Call<'_>,
        effect: impl Fn(&mut Scene) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.gate(Side::Before).await;
        let answer = self.scene.lock().serve(self.app, &call, &effect);
        self.gate(Side::After).await;
        self.scene.lock().delivered(self.app, call.verb, answer.as_ref().err());
        answer
    }
}

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// 5xx, and nothing is done.
    Away,
    /// It is done, and then 5xx.
    DoneAndAway,
    /// 429.
    Throttled,
    /// 400.
    Refused,
    /// 401.
    Unauthorized,
    /// 409 although nothing is in the way.
    Conflict,
    /// 404 although it is there.
    Missing,
    /// The request does not arrive.
    Dropped,
    /// The answer does not arrive.
    Unanswered,
    /// The request arrives twice; the second answer is the one that is seen.
    Twice,
    /// Nobody waits any more when it is done.
    Late,
}

impl Scene {
    /// One call: what it does, and what is answered.
    fn serve<T>(
        &mut self,
        app: usize,
        call: &Call<'_>,
        effect: &dyn Fn(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let who = self.actors[self.actor].label.clone();
        let id = call.id.map_or("", |id| id.0.as_str());
        let fault = self.fault(app, call);
        let trouble = fault.map(|fault| format!("  ({fault:?})")).unwrap_or_default();
        self.say(&format!("{who}: {:?} {id} {}{trouble}", call.verb, call.text));
        let answer = match fault {
            None => effect(self),
            Some(fault) => self.trouble(app, call, fault, effect),
        };
        if let Err(failure) = &answer {
            self.say(&format!("  is answered: {failure}"));
            if let (Failure::Gone, Some(id)) = (failure, call.id) {
                self.denied.insert((app, id.0.clone()));
            }
        }
        answer
    }

    fn fault(&mut self, app: usize, call: &Call<'_>) -> Option<Fault> {
        if self.actors[self.actor].cut {
            return Some(Fault::Dropped);
        }
        if self.calm || !self.dice.chance(self.troubles) {
            return None;
        }
        let mut weights = vec![
            (20, Fault::Away),
            (10, Fault::Throttled),
            (15, Fault::Dropped),
            (5, Fault::Refused),
            (3, Fault::Unauthorized),
        ];
        if call.verb.has_effect() {
            weights.extend([(25, Fault::Unanswered), (8, Fault::Twice), (10, Fault::DoneAndAway)]);
        }
        if matches!(call.verb, Verb::Create | Verb::Update) {
            weights.push((6, Fault::Conflict));
        }
        if call.verb == Verb::Create {
            weights.push((10, Fault::Late));
        }
        let object = call.id.map(|id| (app, id.0.clone()));
        if let Some(object) = object {
            let is_there = self.apps[app].accounts.contains_key(&object.1);
            // Nobody lies twice in a row about the same thing.
            let before = self.lied.len();
            self.lied.retain(|lie| *lie != object);
            // A deletion that is said to be done is believed.
            if is_there && self.lied.len() == before && call.verb != Verb::Delete {
                weights.push((8, Fault::Missing));
            }
        }
        let fault = self.dice.weighed(&weights);
        if let (Fault::Missing, Some(id)) = (fault, call.id) {
            self.lied.push((app, id.0.clone()));
        }
        Some(fault)
    }

    fn trouble<T>(
        &mut self,
        app: usize,
        call: &Call<'_>,
        fault: Fault,
        effect: &dyn Fn(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let wish = self.dice.chance(300).then(|| Duration::from_secs(90));
        let away = Failure::Again { after: wish, detail: "The app answered 500.".into() };
        let silence = if call.verb.has_effect() {
            Failure::InDoubt { detail: "The app did not answer in time.".into() }
        } else {
            Failure::Again { after: None, detail: "The app did not answer in time.".into() }
        };
        match fault {
            Fault::Away => Err(away),
            // Adapters do not say of a creation that nothing was done unless they know.
            Fault::DoneAndAway if call.verb == Verb::Create => effect(self).and(Err(silence)),
            Fault::DoneAndAway => effect(self).and(Err(away)),
            Fault::Throttled => Err(Failure::Throttled { after: wish }),
            Fault::Refused => Err(Failure::Refused(Reason {
                field: None,
                detail: "The app does not like it.".into(),
                remedy: "Ask the app.".into(),
            })),
            Fault::Unauthorized => Err(Failure::Unauthorized("The app answered 401.".into())),
            Fault::Conflict => Err(Failure::Conflict { detail: "The app answered 409.".into() }),
            Fault::Missing => Err(Failure::Gone),
            Fault::Dropped => Err(silence),
            Fault::Unanswered => effect(self).and(Err(silence)),
            Fault::Twice => {
                let first = effect(self);
                self.say("  arrives again");
                first.and_then(|_| effect(self))
            }
            Fault::Late => {
                if let Some((kind, record, once)) = &call.creation {
                    let actor = self.actor;
                    let (kind, record, once) = (*kind, record.clone(), once.clone());
                    self.late.push(Late { app, kind, record, once, actor });
                }
                Err(silence)
            }
        }
    }

    /// Creations for which nobody waits any more are carried out, or never will be: those of one
    /// resource, or all.
    pub(super) fn resolve_late(&mut self, only: Option<ResourceId>) {
        let waiting = std::mem::take(&mut self.late);
        for late in waiting {
            let resource = self.actors[late.actor].resource;
            if only.is_some_and(|only| only != resource) {
                self.late.push(late);
                continue;
            }
            if self.dice.chance(700) {
                let label = self.directory.label(resource);
                self.say(&format!("the creation of {label} comes late to app{}", late.app));
                self.actor = late.actor;
                let done = self.create(late.app, late.kind, &late.record, &late.once);
                if let Err(failure) = done {
                    self.say(&format!("  too late: {failure}"));
                }
            }
        }
    }

    /// The answer has reached the worker.
    fn delivered(&mut self, app: usize, verb: Verb, failure: Option<&Failure>) {
        let now_us = self.clock.now_us();
        let is_known = match verb {
            // Whoever is told for certain, or finds out, may have it made anew.
            Verb::Create => !matches!(failure, Some(Failure::InDoubt { .. })),
            Verb::Find => failure.is_none(),
            _ => false,
        };
        if is_known {
            let resource = self.actors[self.actor].resource;
            self.doubtful.remove(&(app, resource));
        }
        if verb.has_effect() && failure.is_some() {
            self.unanswered = Some(self.actors[self.actor].resource);
        }
        let actor = &mut self.actors[self.actor];
        actor.failed = failure.map(|failure| (failure.to_string(), now_us));
    }
}

fn shown(record: &Record) -> String {
    serde_json::to_string(record).unwrap_or_default()
}

#[async_trait]
impl Adapter for Scripted {
    async fn capabilities(&self) -> Result<Capabilities, Failure> {
        let call = Call::new(Verb::Ask, None, "what it can do");
        self.ask(call, |scene| {
            Ok(Capabilities {
                deactivate: true,
                delete: true,
                groups: true,
                list: true,
                find_by: vec!["loginName".into()],
                members_per_request: scene.apps[self.app].chunk,
            })
        })
        .await
    }

    async fn find(&self, kind: Kind, key: &Key) -> Result<Vec<Observed>, Failure> {
        let text = key.value.as_str().unwrap_or_default();
        let call = Call::new(Verb::Find, None, format!("{} {text:?}", key.field));
        self.ask(call, |scene| Ok(scene.find(self.app, kind, text))).await
    }

    async fn read(&self, kind: Kind, id: &RemoteId) -> Result<Observed, Failure> {
        let call = Call::new(Verb::Read, Some(id), "");
        self.ask(call, |scene| scene.read(self.app, kind, id)).await
    }

    async fn create(&self, kind: Kind, record: &Record, once: &str) -> Result<Observed, Failure> {
        let mut call = Call::new(Verb::Create, None, shown(record));
        call.creation = Some((kind, record.clone(), once.to_owned()));
        self.ask(call, |scene| scene.create(self.app, kind, record, once)).await
    }

    async fn update(
        &self,
        kind: Kind,
        id: &RemoteId,
        change: &Change,
        _whole: &Record,
    ) -> Result<(), Failure> {
        let text = format!("{} without {:?}", shown(&Record(change.set.clone())), change.cleared);
        let call = Call::new(Verb::Update, Some(id), text);
        self.ask(call, |scene| scene.update(self.app, kind, id, change)).await
    }

    async fn set_active(&self, kind: Kind, id: &RemoteId, active: bool) -> Result<(), Failure> {
        let text = if active { "on" } else { "off" };
        let call = Call::new(Verb::Switch, Some(id), text);
        self.ask(call, |scene| scene.set_active(self.app, kind, id, active)).await
    }

    async fn delete(&self, kind: Kind, id: &RemoteId) -> Result<(), Failure> {
        let call = Call::new(Verb::Delete, Some(id), "");
        let gone = |done| if matches!(done, Err(Failure::Gone)) { Ok(()) } else { done };
        self.ask(call, |scene| gone(scene.delete(self.app, kind, id))).await
    }

    async fn members(
        &self,
        group: &RemoteId,
        change: &MemberChange,
        _told: &dyn Told,
    ) -> Result<(), Failure> {
        let ids = |ids: &[RemoteId]| -> Vec<String> { ids.iter().map(|id| id.0.clone()).collect() };
        let text = format!("+{:?} -{:?}", ids(&change.add), ids(&change.remove));
        let call = Call::new(Verb::Members, Some(group), text);
        self.ask(call, |scene| scene.members(self.app, group, change)).await
    }

    async fn list(&self, kind: Kind, from: Option<&str>) -> Result<AccountPage, Failure> {
        let call = Call::new(Verb::Ask, None, format!("a page from {from:?}"));
        self.ask(call, |scene| {
            let all = scene.apps[self.app].accounts.values().filter(|one| one.kind == kind);
            let mut rest = all.filter(|one| from.is_none_or(|from| one.id.as_str() > from));
            let accounts: Vec<Observed> =
                rest.by_ref().take(PAGE).map(|one| one.observed()).collect();
            let next = rest.next().and(accounts.last()).map(|last| last.id.0.clone());
            Ok(AccountPage { accounts, next, total: None })
        })
        .await
    }

    async fn requests(&self, _kind: Kind, steps: &[Step]) -> Result<Vec<WireRequest>, Failure> {
        let request = |step: &Step| WireRequest {
            method: format!("{step:?}"),
            url: String::new(),
            body: Some(Value::Null),
            note: None,
        };
        Ok(steps.iter().map(request).collect())
    }

    async fn check(&self) -> Result<Report, Failure> {
        Ok(Report { summary: "It is there.".into(), findings: Vec::new() })
    }
}
