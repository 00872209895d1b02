//! A mapping while it is translated: every rule comes out as a rule, perhaps with notes,
//! or as a sentence.

use super::recipe::recipe;
use super::term::{Obstacle, Term};
use super::{Import, Untranslated, target};
use crate::mapping::document::{Apply, OnEmpty, Rule};
use crate::mapping::field::{AppSchema, FieldType, Kind, Mutability};

/// Longest quotation of what was not translated, in characters.
const QUOTED: usize = 1_000;

/// What a rule of the other product comes to.
pub(super) struct Wanted {
    pub(super) term: Term,
    pub(super) apply: Apply,
    pub(super) on_empty: OnEmpty,
    pub(super) notes: Vec<Note>,
}

/// A difference that a rule has although it was translated.
pub(super) struct Note {
    /// Whether there is none while the account is made.
    pub(super) later: bool,
    pub(super) difference: Obstacle,
}

/// A mapping on the way.
pub(super) struct Draft<'a> {
    app: &'a AppSchema,
    import: Import,
}

impl<'a> Draft<'a> {
    pub(super) fn new(app: &'a AppSchema) -> Self {
        Self { app, import: Import::default() }
    }

    pub(super) fn finished(self) -> Import {
        self.import
    }

    /// Takes a rule for a field; `written` is its source as it stood there.
    pub(super) fn rule(
        &mut self,
        kind: Kind,
        field: &str,
        written: &str,
        wanted: impl FnOnce() -> Result<Wanted, Obstacle>,
    ) {
        match self.made(kind, field, wanted) {
            Ok((rule, notes)) => {
                let once = rule.apply == Apply::Create;
                self.rules(kind).push(rule);
                for note in notes.into_iter().filter(|note| !(once && note.later)) {
                    self.note(&format!("{}/{field}", kind.place()), written, note.difference);
                }
            }
            Err(obstacle) => {
                self.note(&format!("{}/{field}", kind.place()), written, obstacle);
            }
        }
    }

    /// Names what was left out, or is not quite the same.
    pub(super) fn note(&mut self, field: &str, written: &str, obstacle: Obstacle) {
        let quoted = |text: &str| match text.char_indices().nth(QUOTED) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text.to_owned(),
        };
        self.import.untranslated.push(Untranslated {
            field: quoted(field),
            source: quoted(written),
            detail: obstacle.detail,
            remedy: obstacle.remedy,
        });
    }

    fn made(
        &mut self,
        kind: Kind,
        name: &str,
        wanted: impl FnOnce() -> Result<Wanted, Obstacle>,
    ) -> Result<(Rule, Vec<Note>), Obstacle> {
        if kind == Kind::User && target::means(name, "active") {
            return Err(Obstacle::active());
        }
        if kind == Kind::Group && name.eq_ignore_ascii_case("members") {
            return Err(Obstacle::new(
                "The members of a group are kept equal without a rule.",
                "Nothing is to be done.",
            ));
        }
        let fields = self.app.fields(kind);
        if fields.is_empty() {
            return Err(Obstacle::new(
                format!("The app has no {}.", kind.place()),
                "Leave the rule out.",
            ));
        }
        let field = target::field(name, fields).ok_or_else(|| {
            Obstacle::new(
                format!("The app has no field {name}."),
                "Add the field to the app, or map one of its own fields.",
            )
        })?;
        if field.mutability == Mutability::Locked {
            return Err(Obstacle::new(
                format!("{} identifies the account, so its rule cannot be changed.", field.name),
                "Nothing is to be done: the app's default rule for it stays.",
            ));
        }
        let earlier = match kind {
            Kind::User => &self.import.document.users,
            Kind::Group => &self.import.document.groups,
        };
        if earlier.iter().any(|rule| rule.field == field.name) {
            return Err(Obstacle::new(
                format!("Another rule has been made for the field {} already.", field.name),
                "Decide which of them is right, and change the rule.",
            ));
        }
        let Wanted { term, apply, on_empty, notes } = wanted()?;
        let truths = field.kind == FieldType::Boolean;
        let term = if truths { term.truths() } else { term };
        let on_empty = match on_empty {
            OnEmpty::Default(value) if truths => OnEmpty::Default(truth(value)),
            on_empty => on_empty,
        };
        let recipe = recipe(&term, on_empty)?;
        let rule = Rule {
            field: field.name.clone(),
            source: recipe.source,
            apply: if field.mutability == Mutability::CreateOnly { Apply::Create } else { apply },
            on_empty: recipe.on_empty,
            normalise: recipe.normalise,
        };
        Ok((rule, notes))
    }

    fn rules(&mut self, kind: Kind) -> &mut Vec<Rule> {
        match kind {
            Kind::User => &mut self.import.document.users,
            Kind::Group => &mut self.import.document.groups,
        }
    }
}

/// `True` as true.
fn truth(value: serde_json::Value) -> serde_json::Value {
    match value.as_str() {
        Some(text) if text.eq_ignore_ascii_case("true") => true.into(),
        Some(text) if text.eq_ignore_ascii_case("false") => false.into(),
        _ => value,
    }
}
