//! What becomes of one account, now and in the end, with what is in force and with a change: pure.

use crate::adapters::adapter::{Change, Step};
use crate::mapping::field::Kind;
use crate::outbound::application::Application;
use crate::outbound::plan::{Situation, Standing};
use crate::outbound::policy::{Leaving, Policy};
use crate::outbound::preview::{Rehearsal, rehearse};
use crate::outbound::situation::{self, Both, Reading, Terms};
use serde_json::Value;
use std::sync::Arc;

/// What a change takes away of one account beyond what is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing.
    Nothing,
    /// It gets another name by which it is recognised.
    Renamed,
    /// It is switched off.
    Off,
    /// It is deleted, at once or when its days of grace are over.
    Gone,
}

/// What becomes of an account; the later the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Stays,
    Off,
    Gone,
}

impl Fate {
    fn of(rehearsal: &Rehearsal) -> Self {
        let steps = || rehearsal.steps.iter();
        if steps().any(|step| matches!(step, Step::Delete(_))) {
            Self::Gone
        } else if steps().any(|step| matches!(step, Step::Deactivate(_))) {
            Self::Off
        } else {
            Self::Stays
        }
    }
}

/// Terms, and the policy that they come to when all days of grace are over.
struct Side {
    terms: Terms,
    at_last: Arc<Policy>,
    has_groups: bool,
}

impl Side {
    fn new(application: &Application, terms: &Terms) -> Self {
        let mut at_last = Policy::clone(&terms.policy);
        for leaving in [
            &mut at_last.deactivated,
            &mut at_last.deleted,
            &mut at_last.out_of_scope,
            &mut at_last.unassigned,
            &mut at_last.group_deleted,
        ] {
            *leaving = Leaving::now(leaving.action);
        }
        let has_groups = terms.policy.groups && !application.entry.schema.groups.is_empty();
        Self { terms: terms.clone(), at_last: Arc::new(at_last), has_groups }
    }
}

/// What comes of one account on one side.
struct Outcome {
    /// At the next look.
    soon: Fate,
    /// When all days of grace are over.
    at_last: Fate,
    /// What it is told, where it stays.
    told: Option<Change>,
}

/// Judges accounts by what is in force and by a change.
pub(super) struct Judge {
    application: Arc<Application>,
    terms: [Terms; 2],
    in_force: Side,
    then: Side,
    now_us: i64,
}

impl Judge {
    /// A judge of a change at a time.
    pub(super) fn new(application: &Arc<Application>, terms: [Terms; 2], now_us: i64) -> Self {
        let [now, then] = &terms;
        Self {
            in_force: Side::new(application, now),
            then: Side::new(application, then),
            application: Arc::clone(application),
            terms,
            now_us,
        }
    }

    /// What is in force, and what would be.
    pub(super) const fn terms(&self) -> &[Terms; 2] {
        &self.terms
    }

    /// What the change takes away of one account beyond what is in force.
    pub(super) fn see(&self, both: &Both) -> Seen {
        let after = both.then.as_ref().unwrap_or(&both.now);
        let now = self.outcome(&self.in_force, both.kind, &both.now);
        let then = self.outcome(&self.then, both.kind, after);
        let worst = if then.at_last > now.at_last {
            then.at_last
        } else if then.soon > now.soon {
            then.soon
        } else {
            Fate::Stays
        };
        match worst {
            Fate::Gone => Seen::Gone,
            Fate::Off => Seen::Off,
            Fate::Stays if self.is_renamed(both.kind, &now, &then) => Seen::Renamed,
            Fate::Stays => Seen::Nothing,
        }
    }

    fn outcome(&self, side: &Side, kind: Kind, reading: &Reading) -> Outcome {
        let mut outcome = Outcome { soon: Fate::Stays, at_last: Fate::Stays, told: None };
        if kind == Kind::Group && !side.has_groups {
            return outcome;
        }
        let situation =
            situation::judge(&self.application, &side.terms, kind, reading, self.now_us);
        if situation.standing == Standing::Member {
            let rehearsal = rehearse(situation);
            outcome.told = rehearsal.steps.into_iter().find_map(|step| match step {
                Step::Update(_, change, _) => Some(change),
                _ => None,
            });
            return outcome;
        }
        let at_last = Situation { policy: Arc::clone(&side.at_last), ..situation.clone() };
        outcome.soon = Fate::of(&rehearse(situation));
        outcome.at_last = Fate::of(&rehearse(at_last));
        outcome
    }

    /// Whether the change gives a field by which the account is recognised another value than it has,
    /// and another than it would get anyway.
    fn is_renamed(&self, kind: Kind, now: &Outcome, then: &Outcome) -> bool {
        let Some(told) = &then.told else { return false };
        let fields = self.application.match_fields_by(&self.then.terms.policy, kind);
        fields.iter().any(|field| {
            let new = renamed(told, field);
            new.is_some() && new != now.told.as_ref().and_then(|told| renamed(told, field))
        })
    }
}

/// The value that replaces another; null where the field is emptied.
fn renamed<'c>(change: &'c Change, field: &str) -> Option<&'c Value> {
    if change.cleared.iter().any(|cleared| cleared == field) {
        return Some(&Value::Null);
    }
    change.set.get(field).filter(|_| !change.added.contains(field))
}
