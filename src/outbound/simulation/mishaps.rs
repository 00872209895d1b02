//! What befalls work and apps from outside: workers and instances die, clocks jump, accounts are
//! lost or changed by somebody else.

use super::app::Origin;
use super::directory::Standing;
use super::scene::Side;
use super::task::Place;
use super::world::{INSTANCES, World};
use crate::clock::Clock;
use crate::id::ResourceId;
use crate::mapping::field::Kind;
use crate::outbound::queue::JOB_LEASE;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl World {
    /// A worker dies where it stands, or an instance, or everything and the only process starts
    /// again.
    pub(super) fn kill(&mut self) {
        let (what, instance) = {
            let mut scene = self.scene();
            (scene.dice.weighed(&[(80, 0), (15, 1), (5, 2)]), scene.dice.below(INSTANCES))
        };
        match what {
            0 if !self.tasks.is_empty() => {
                let at = self.scene().dice.below(self.tasks.len());
                let task = self.tasks.remove(at);
                let label = self.scene().actors[task.actor].label.clone();
                self.scene().say(&format!("{label} dies: {:?}", task.place));
            }
            1 => {
                self.scene().say(&format!("instance {instance} dies"));
                self.tasks.retain(|task| task.instance != instance);
            }
            2 => {
                self.scene().say("everything dies, and starts again");
                self.tasks.clear();
                let now_us = self.clock.now_us();
                self.write(move |transaction| transaction.recover_alone(now_us));
            }
            _ => {}
        }
    }

    /// The clock jumps: back a little, or so far that every lease has run out, or over days.
    pub(super) fn jump(&mut self) {
        if self.scene().dice.chance(300) {
            let back = self.scene().dice.below(5_000_000);
            self.scene().say(&format!("the clock goes back by {back} microseconds"));
            if let Clock::Held(micros) = &self.clock {
                micros.fetch_sub(i64::try_from(back).unwrap(), Ordering::SeqCst);
            }
            return;
        }
        self.let_requests_end();
        if self.scene().dice.chance(250) {
            let days = 1 + u64::try_from(self.scene().dice.below(3)).unwrap();
            self.scene().say(&format!("the clock jumps by {days} days"));
            return self.clock.advance(Duration::from_hours(24 * days));
        }
        self.scene().say("the clock jumps: every lease has run out");
        self.clock.advance(JOB_LEASE + Duration::from_mins(1));
    }

    /// No request is under way for longer than a lease: each arrives now, or never.
    fn let_requests_end(&mut self) {
        self.scene().resolve_late(None);
        for at in (0..self.tasks.len()).rev() {
            if self.tasks[at].place != Place::Gate(Side::Before) {
                continue;
            }
            let actor = self.tasks[at].actor;
            if self.scene().dice.chance(500) {
                self.scene().actors[actor].cut = true;
            }
            self.step(at);
            self.scene().actors[actor].cut = false;
        }
    }

    /// Somebody does something in an app itself.
    pub(super) fn meddle(&mut self) {
        let app = {
            let mut scene = self.scene();
            let apps = scene.apps.len();
            scene.dice.below(apps)
        };
        let holders = self.holders(app);
        let mut scene = self.scene();
        let scene = &mut *scene;
        let terms = scene.apps[app].terms.clone();
        let mut held: Vec<(ResourceId, String)> = Vec::new();
        let people = scene.directory.people.iter().map(|person| person.id);
        for id in people.chain(scene.directory.groups.iter().map(|group| group.id)) {
            let standing = scene.directory.standing(id, &terms);
            let object = holders.of(id).filter(|_| standing == Standing::Member);
            held.extend(
                object
                    .filter(|object| scene.apps[app].accounts.contains_key(*object))
                    .map(|object| (id, object.clone())),
            );
        }
        if held.is_empty() {
            return;
        }
        let (holder, object) = held[scene.dice.below(held.len())].clone();
        let label = scene.directory.label(holder);
        let kind = scene.apps[app].accounts[&object].kind;
        let told = match scene.dice.below(4) {
            0 if kind == Kind::User => {
                let account = scene.apps[app].accounts.get_mut(&object).unwrap();
                account.active = false;
                scene.apps[app].switched_off.insert(object.clone(), holder);
                "is switched off"
            }
            1 | 2 if kind == Kind::User => {
                let field = if scene.dice.chance(500) { "jobTitle" } else { "lastName" };
                let value = format!("E{}", scene.step);
                let account = scene.apps[app].accounts.get_mut(&object).unwrap();
                account.record.0.insert(field.to_owned(), value.into());
                "is edited"
            }
            _ => {
                scene.apps[app].take(&object);
                "is lost"
            }
        };
        scene.apps[app].meddled.insert(holder);
        scene.say(&format!("{object} of {label} {told} in app{app}"));
    }

    /// Accounts of nobody are as they were.
    pub(super) fn check_strangers(&self) {
        let apps = self.scene().apps.len();
        for app in 0..apps {
            let holders = self.holders(app);
            let mut scene = self.scene();
            let odd: Vec<String> = scene.apps[app]
                .accounts
                .values()
                .filter(|account| account.origin == Origin::There)
                .filter(|account| holders.last(&account.id).is_none() && account.is_changed())
                .map(|account| account.id.clone())
                .collect();
            for id in odd {
                scene.broken(format!("{id} of app{app} is nobody's and was changed"));
            }
        }
    }
}
