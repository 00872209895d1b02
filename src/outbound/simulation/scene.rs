//! What the harness, the apps and the workers share: everything on one thread, one after the other.

use super::app::App;
use super::dice::Dice;
use super::directory::Directory;
use super::terms::Leave;
use crate::clock::Clock;
use crate::id::ResourceId;
use std::collections::{BTreeSet, HashMap};

/// On which side of a call's effect a worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The request is on its way.
    Before,
    /// The answer is on its way.
    After,
}

/// A worker, or another piece of work that goes on step by step.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) label: String,
    /// For whom it works; nil where for nobody.
    pub(super) resource: ResourceId,
    /// At which step it began.
    pub(super) since: usize,
    /// When the last answer that it got was a failure: what and when.
    pub(super) failed: Option<(String, i64)>,
    /// Its request no longer arrives.
    pub(super) cut: bool,
}

/// What is to become of an account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// At which step it was decided.
    pub(super) step: usize,
    /// Nothing, for those who should have one.
    pub(super) wish: Option<Leave>,
    /// When its holder first left.
    pub(super) since_us: i64,
}

/// Everything that is not in the database.
pub(super) struct Scene {
    pub(super) dice: Dice,
    pub(super) clock: Clock,
    pub(super) directory: Directory,
    pub(super) apps: Vec<App>,
    pub(super) actors: Vec<Actor>,
    /// Who is at work at this instant.
    pub(super) actor: usize,
    /// At which gate that worker has just come to stand.
    pub(super) side: Option<Side>,
    /// Whether apps answer truly and at once.
    pub(super) calm: bool,
    /// How many calls of a thousand go wrong.
    pub(super) troubles: usize,
    /// Whether administrators leave alone what only a Quick Sync brings to everybody.
    pub(super) quiet: bool,
    pub(super) step: usize,
    /// Whoever changed last.
    pub(super) last: usize,
    /// Of whom it is not known whether an app did what it was told last.
    pub(super) unanswered: Option<ResourceId>,
    /// What was to become of somebody's account, one after the other.
    pub(super) wishes: HashMap<(usize, ResourceId), Vec<Held>>,
    /// For whom an app was told to make something, which nobody has looked for since.
    pub(super) doubtful: BTreeSet<(usize, ResourceId)>,
    /// Objects that an app said not to have.
    pub(super) denied: BTreeSet<(usize, String)>,
    /// Creations that an app will carry out although nobody waits for the answer any more.
    pub(super) late: Vec<super::script::Late>,
    /// Objects about which an app just lied; it tells the truth about them next.
    pub(super) lied: Vec<(usize, String)>,
    log: Vec<String>,
    broken: Option<String>,
}

impl Scene {
    pub(super) fn new(seed: u64, clock: Clock) -> Self {
        let nobody = Actor {
            label: "harness".into(),
            resource: ResourceId(uuid::Uuid::nil()),
            since: 0,
            failed: None,
            cut: false,
        };
        Self {
            dice: Dice::new(seed),
            clock,
            directory: Directory::default(),
            apps: Vec::new(),
            actors: vec![nobody],
            actor: 0,
            side: None,
            calm: false,
            troubles: 0,
            quiet: false,
            step: 0,
            last: 0,
            unanswered: None,
            wishes: HashMap::new(),
            doubtful: BTreeSet::new(),
            denied: BTreeSet::new(),
            late: Vec::new(),
            lied: Vec::new(),
            log: Vec::new(),
            broken: None,
        }
    }

    /// People of whom some app was told to make an account without its being known what became of it.
    pub(super) fn in_doubt(&self) -> Vec<usize> {
        let people = self.directory.people.iter().enumerate();
        let doubted = people.filter(|(_, person)| {
            person.there && self.doubtful.iter().any(|(_, resource)| *resource == person.id)
        });
        doubted.map(|(at, _)| at).collect()
    }

    /// Somebody new who is at work.
    pub(super) fn enter(&mut self, label: String, resource: ResourceId, since: usize) -> usize {
        self.actors.push(Actor { label, resource, since, failed: None, cut: false });
        self.actors.len() - 1
    }

    /// Notes an event.
    pub(super) fn say(&mut self, event: &str) {
        let now = self.clock.now_us() / 1_000 % 1_000_000_000;
        self.log.push(format!("{:4} {:>7}.{:03} {event}", self.step, now / 1_000, now % 1_000));
    }

    /// Notes that an invariant is broken; the first one is what the run is about.
    pub(super) fn broken(&mut self, what: String) {
        self.say(&format!("BROKEN: {what}"));
        self.broken.get_or_insert(what);
    }

    pub(super) fn whole(&self) -> Result<(), String> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    pub(super) fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    /// Notes what is to become of everybody's accounts now, where that differs from before.
    pub(super) fn note_wishes(&mut self) {
        let people = self.directory.people.iter().map(|person| person.id);
        let all: Vec<ResourceId> =
            people.chain(self.directory.groups.iter().map(|group| group.id)).collect();
        for (at, app) in self.apps.iter().enumerate() {
            for id in &all {
                let wish = self.directory.wish(*id, &app.terms);
                let history = self.wishes.entry((at, *id)).or_default();
                if history.last().is_some_and(|last| last.wish == wish) {
                    continue;
                }
                let left = history.iter().find(|held| held.wish.is_some());
                let since_us = left.map_or(self.clock.now_us(), |held| held.since_us);
                history.push(Held { step: self.step, wish, since_us });
            }
        }
    }
}
