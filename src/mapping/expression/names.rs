//! What names mean: variables of macros, attributes of the profile, and their parts.

use super::lower::{Known, Lowered, Lowering, written};
use crate::mapping::form::Form;
use crate::mapping::selector::Selector;
use crate::mapping::suggest;
use crate::scim::path::AttributePath;
use crate::scim::schema::{Attribute, Place, ResourceType, Type};
use cel::IdedExpr;
use cel::common::ast::operators as words;
use cel::common::ast::{Expr, LiteralValue};

/// A name, and where it stands.
#[derive(Debug)]
struct Step<'t> {
    name: &'t str,
    at: usize,
}

impl<'k> Lowering<'k> {
    /// A name, or a part of something.
    pub(super) fn named(&mut self, tree: &IdedExpr) -> Option<Lowered<'k>> {
        match &tree.expr {
            Expr::Select(select) if select.test => {
                let at = self.asked_at(select.operand.id, &select.field);
                let (form, _) = self.part(&select.operand, &select.field, at)?;
                Some((Form::Present(Box::new(form)), Known::Value(Type::Boolean)))
            }
            Expr::Select(select) => {
                let at = self.part_at(tree.id);
                self.part(&select.operand, &select.field, at)
            }
            Expr::Ident(name) => {
                let at = self.at(tree.id);
                match self.variable(name) {
                    Some(found) => Some(found),
                    None => self.profile(&[Step { name: name.trim_start_matches('.'), at }]),
                }
            }
            _ => None,
        }
    }

    fn variable(&self, name: &str) -> Option<Lowered<'k>> {
        let slot = self.variables.iter().rposition(|(known, _)| known == name)?;
        let (_, known) = self.variables.get(slot)?;
        Some((Form::Variable(slot), known.clone()))
    }

    /// A part of something, by its name.
    pub(super) fn part(&mut self, of: &IdedExpr, name: &str, at: usize) -> Option<Lowered<'k>> {
        let mut steps = Vec::new();
        if self.steps(of, &mut steps) {
            steps.push(Step { name, at });
            return self.profile(&steps);
        }
        let (form, known) = self.lower(of)?;
        let written = written(of);
        let (name, known) = match known {
            Known::Any | Known::Nothing | Known::Table => (name.to_owned(), Known::Any),
            Known::Entries(entries) => {
                let value = entries.into_iter().find(|(key, _)| key == name);
                (name.to_owned(), value.map_or(Known::Any, |(_, known)| known))
            }
            Known::Parts(attributes) => self.part_of(&attributes, &Step { name, at })?,
            Known::List(_) => return self.fault(at, several(&written, name)),
            Known::Value(_) => {
                let detail =
                    format!("{written} is one value and has no part {name}; leave it out.");
                return self.fault(at, detail);
            }
        };
        Some((Form::Part(Box::new(form), name), known))
    }

    /// The names of a path that begins at the profile; false where it does not, or is no path.
    fn steps<'t>(&self, tree: &'t IdedExpr, steps: &mut Vec<Step<'t>>) -> bool {
        match &tree.expr {
            Expr::Ident(name) if self.variable(name).is_none() => {
                steps.push(Step { name: name.trim_start_matches('.'), at: self.at(tree.id) });
                true
            }
            Expr::Select(select) if !select.test => {
                let begun = self.steps(&select.operand, steps);
                steps.push(Step { name: &select.field, at: self.part_at(tree.id) });
                begun
            }
            Expr::Call(call) if call.target.is_none() && call.func_name == words::INDEX => {
                let [of, at] = call.args.as_slice() else { return false };
                let Expr::Literal(LiteralValue::String(name)) = &at.expr else { return false };
                let begun = self.steps(of, steps);
                steps.push(Step { name: name.inner(), at: self.at(at.id) });
                begun
            }
            _ => false,
        }
    }

    /// What a path through the profile means.
    fn profile(&mut self, steps: &[Step<'_>]) -> Option<Lowered<'k>> {
        let kind = self.kind;
        let (root, rest) = steps.split_first()?;
        let whole = root.name.eq_ignore_ascii_case(&kind.name);
        let (schema, steps) = match (whole, rest.split_first()) {
            (false, _) => (None, steps),
            (true, Some((urn, rest))) if is_schema(kind, urn.name) => (Some(urn), rest),
            (true, _) => (None, rest),
        };
        let Some((first, parts)) = steps.split_first() else {
            let detail = match schema {
                Some(urn) => format!("{} is a whole schema; name one of its attributes.", urn.name),
                None => format!(
                    "{} is the whole profile; name one of its fields, as in {}.id.",
                    root.name, root.name
                ),
            };
            return self.fault(schema.map_or(root.at, |urn| urn.at), detail);
        };
        let path = AttributePath {
            schema: schema.map(|urn| urn.name.to_owned()),
            attribute: first.name.to_owned(),
            sub: None,
        };
        let Some(place) = kind.place(&path) else {
            return self.fault(first.at, unknown(kind, first.name));
        };
        let attribute = place.attribute;
        self.open(attribute, first)?;
        if kind.has_members() && attribute.name == "members" {
            let detail = "members are kept equal without a rule; remove them from the expression.";
            return self.fault(first.at, detail.to_owned());
        }
        self.within(place, first, parts)
    }

    /// What is meant within an attribute.
    fn within(
        &mut self,
        place: Place<'k>,
        first: &Step<'_>,
        parts: &[Step<'_>],
    ) -> Option<Lowered<'k>> {
        let attribute = place.attribute;
        let whole = || Form::Attribute {
            extension: place.extension.map(|schema| schema.id.clone()),
            name: attribute.name.clone(),
        };
        let Some((part, beyond)) = parts.split_first() else {
            let form = if attribute.multi_valued || attribute.kind == Type::Complex {
                whole()
            } else {
                Form::Read(Box::new(Selector::of(&place)))
            };
            return Some((form, Known::of(attribute)));
        };
        if attribute.multi_valued {
            return self.fault(part.at, several(first.name, part.name));
        }
        if attribute.kind != Type::Complex {
            let (of, part_name) = (first.name, part.name);
            let detail = format!("{of} is one value and has no part {part_name}; leave it out.");
            return self.fault(part.at, detail);
        }
        let sub = self.sub(attribute, part)?;
        if let Some(beyond) = beyond.first() {
            let detail = if sub.multi_valued {
                several(part.name, beyond.name)
            } else {
                format!("{} is one value and has no part {}; leave it out.", part.name, beyond.name)
            };
            return self.fault(beyond.at, detail);
        }
        let form = if sub.multi_valued {
            Form::Part(Box::new(whole()), sub.name.clone())
        } else {
            Form::Read(Box::new(Selector::of(&Place { sub: Some(sub), ..place })))
        };
        Some((form, Known::of(sub)))
    }

    /// A part of a value of one of several attributes: those that have none of that name have no
    /// value there.
    fn part_of(
        &mut self,
        attributes: &[&'k Attribute],
        part: &Step<'_>,
    ) -> Option<(String, Known<'k>)> {
        let mut found: Option<(String, Known<'k>)> = None;
        for attribute in attributes {
            if attribute.sub(part.name).is_none() {
                continue;
            }
            let sub = self.sub(attribute, part)?;
            let known = Known::of(sub);
            found = Some(match found {
                None => (sub.name.clone(), known),
                Some((name, before)) => (name, before.or(&known)),
            });
        }
        match (found, attributes.first()) {
            (None, Some(attribute)) => {
                let sub = self.sub(attribute, part)?;
                Some((sub.name.clone(), Known::of(sub)))
            }
            (found, _) => found,
        }
    }

    /// A part of an attribute, in any case.
    fn sub(&mut self, attribute: &'k Attribute, part: &Step<'_>) -> Option<&'k Attribute> {
        let Some(sub) = attribute.sub(part.name) else {
            let known = attribute.sub_attributes.iter().map(|sub| sub.name.as_str());
            let near = suggest::nearest(part.name, known);
            let detail = format!("{} has no part {}.{near}", attribute.name, part.name);
            return self.fault(part.at, detail);
        };
        self.open(sub, part)?;
        Some(sub)
    }

    fn open(&mut self, attribute: &Attribute, step: &Step<'_>) -> Option<()> {
        if attribute.is_secret() {
            let detail = format!("{} is never read back, so it cannot be mapped.", attribute.name);
            return self.fault(step.at, detail);
        }
        Some(())
    }
}

fn is_schema(kind: &ResourceType, urn: &str) -> bool {
    kind.schema.id.eq_ignore_ascii_case(urn) || kind.extension(urn).is_some()
}

fn several(of: &str, part: &str) -> String {
    format!(
        "{of} has several values: write {of}.map(e, e.{part}) for all of them, or {of}[0].{part} for \
         the first."
    )
}

/// Why a name means nothing, and which was meant.
fn unknown(kind: &ResourceType, name: &str) -> String {
    let whole = kind.name.to_ascii_lowercase();
    let in_several: Vec<&str> = kind
        .extensions
        .iter()
        .filter(|(schema, _)| schema.attribute(name).is_some())
        .map(|(schema, _)| schema.id.as_str())
        .collect();
    if let [first, _, ..] = in_several.as_slice() {
        return format!(
            "several schemas have {name}; name one of them, as in {whole}[\"{first}\"].{name}."
        );
    }
    let base = kind.schema.attributes.iter().chain(&kind.common);
    let extensions = kind.extensions.iter().flat_map(|(schema, _)| &schema.attributes);
    let mut known: Vec<(String, &str)> = vec![(whole.clone(), "")];
    for attribute in base.chain(extensions).filter(|attribute| !attribute.is_secret()) {
        known.push((attribute.name.clone(), attribute.name.as_str()));
        // `givenName` is meant to be found although it is a part of `name`.
        if attribute.kind == Type::Complex && !attribute.multi_valued {
            for sub in &attribute.sub_attributes {
                known.push((format!("{}.{}", attribute.name, sub.name), sub.name.as_str()));
            }
        }
    }
    let near = suggest::nearest_spelling(
        name,
        known.iter().map(|(whole, short)| (whole.clone(), vec![whole.as_str(), short])),
    );
    format!("the profile has no field {name}.{near}")
}
