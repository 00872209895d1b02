//! Turning rules of a document into rules that can be applied, with every problem on the way.

use super::super::document::{self, Apply, Normaliser};
use super::super::field::{AppField, AppSchema, Kind};
use super::selector::Selector;
use super::source::{self, Source};
use super::template::Template;
use super::{OnEmpty, Problem, Rule, Rules, fit, suggest};
use crate::scim::schema::{Registry, ResourceType};
use crate::scim::value::fold;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Checks the rules of one kind of object.
pub(super) fn rules(
    kind: Kind,
    rules: &[document::Rule],
    app: &AppSchema,
    directory: &Registry,
    problems: &mut Vec<Problem>,
) -> Rules {
    let fields = app.fields(kind);
    let mut compiled = Vec::new();
    let mut mapped = BTreeSet::new();
    let mut report = |field: &str, detail: String| {
        problems.push(Problem { field: format!("{}/{field}", place(kind)), detail });
    };
    for rule in rules {
        let Some(field) = fields.iter().find(|field| field.name == rule.field) else {
            report(&rule.field, unknown(&rule.field, kind, fields));
            continue;
        };
        if !mapped.insert(field.name.as_str()) {
            report(&field.name, "the field has two rules; remove one.".to_owned());
            continue;
        }
        let Some(resource) = directory.named(kind.as_str()) else {
            report(
                &field.name,
                format!("the directory has no resource type {}; remove the rule.", kind.as_str()),
            );
            continue;
        };
        match compile(resource, field, rule) {
            Ok(rule) => compiled.push(rule),
            Err(details) => details.into_iter().for_each(|detail| report(&field.name, detail)),
        }
    }
    for (field, detail) in halves(fields, &mapped) {
        report(field, detail);
    }
    let unmapped_mandatory = fields
        .iter()
        .filter(|field| field.mandatory && !mapped.contains(field.name.as_str()))
        .map(|field| field.name.clone())
        .collect();
    Rules { rules: compiled, unmapped_mandatory }
}

const fn place(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "users",
        Kind::Group => "groups",
    }
}

fn unknown(name: &str, kind: Kind, fields: &[AppField]) -> String {
    if fields.is_empty() {
        return format!("the app has no {}; remove the rule.", place(kind));
    }
    let near = suggest::nearest(name, fields.iter().map(|field| field.name.as_str()));
    format!("the app has no field {name}; correct or remove the rule.{near}")
}

/// Fields that are missing from a dependent group of which others are mapped.
fn halves<'a>(
    fields: &'a [AppField],
    mapped: &BTreeSet<&str>,
) -> impl Iterator<Item = (&'a str, String)> {
    let mut groups: BTreeMap<&str, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for field in fields {
        if let Some(group) = &field.depends {
            let (there, missing) = groups.entry(group).or_default();
            if mapped.contains(field.name.as_str()) { there } else { missing }.push(&field.name);
        }
    }
    groups.into_iter().filter(|(_, (there, _))| !there.is_empty()).flat_map(
        |(group, (there, missing))| {
            let there = there.join(", ");
            missing.into_iter().map(move |name| {
                let detail = format!(
                    "{name} goes together with {there} (group {group}); map it too, or leave all \
                     of them unmapped."
                );
                (name, detail)
            })
        },
    )
}

fn compile(
    kind: &ResourceType,
    field: &AppField,
    rule: &document::Rule,
) -> Result<Rule, Vec<String>> {
    let mut problems = Vec::new();
    if field.create_only && rule.apply == Apply::Always {
        problems.push(format!(
            "{} can be given only when the account is made; set \"apply\" to \"create\".",
            field.name
        ));
    }
    let on_empty = match &rule.on_empty {
        document::OnEmpty::Clear => Ok(OnEmpty::Clear),
        document::OnEmpty::Skip => Ok(OnEmpty::Skip),
        document::OnEmpty::Default(value) => {
            fixed(field, &rule.normalise, value, "the value for an empty source")
                .map(OnEmpty::Default)
        }
    };
    let on_empty = on_empty.map_err(|problem| problems.push(problem));
    let source = source(kind, field, rule).map_err(|found| problems.extend(found));
    match (source, on_empty) {
        (Ok(source), Ok(on_empty)) if problems.is_empty() => Ok(Rule {
            field: field.clone(),
            source,
            described: source::described(&rule.source),
            apply: rule.apply,
            on_empty,
            normalise: rule.normalise.clone(),
        }),
        _ => Err(problems),
    }
}

fn source(
    kind: &ResourceType,
    field: &AppField,
    rule: &document::Rule,
) -> Result<Source, Vec<String>> {
    match &rule.source {
        document::Source::Profile { path } => {
            selector(kind, field, path).map(|one| Source::First(vec![one])).map_err(|one| vec![one])
        }
        document::Source::First { paths } if paths.is_empty() => {
            Err(vec!["there is no profile field to take the first of; name some.".to_owned()])
        }
        document::Source::First { paths } => {
            all(paths.iter().map(|path| selector(kind, field, path))).map(Source::First)
        }
        document::Source::Constant { value } => {
            fixed(field, &rule.normalise, value, "the hardcoded value")
                .map(Source::Constant)
                .map_err(|one| vec![one])
        }
        document::Source::Join { template } => Template::compile(kind, template)
            .map(|compiled| Source::Join(template.clone(), compiled)),
        document::Source::Table { path, entries, default } => {
            table(kind, field, rule, path, entries, default.as_ref())
        }
    }
}

fn table(
    kind: &ResourceType,
    field: &AppField,
    rule: &document::Rule,
    path: &str,
    entries: &BTreeMap<String, Value>,
    default: Option<&Value>,
) -> Result<Source, Vec<String>> {
    let mut problems = Vec::new();
    let selector = Selector::compile(kind, path).map_err(|problem| problems.push(problem));
    if entries.is_empty() {
        problems.push("the table is empty; add an entry, or use a hardcoded value.".to_owned());
    }
    let mut folded = BTreeMap::new();
    for (key, value) in entries {
        if folded.contains_key(&fold(key.trim())) {
            problems
                .push(format!("the table has {key:?} twice, as case does not matter; remove one."));
        }
        match fixed(field, &rule.normalise, value, &format!("the table's value for {key:?}")) {
            Ok(value) => {
                folded.insert(fold(key.trim()), value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    let default = default
        .map(|value| fixed(field, &rule.normalise, value, "the table's default"))
        .transpose()
        .map_err(|problem| problems.push(problem));
    match (selector, default) {
        (Ok(selector), Ok(default)) if problems.is_empty() => {
            Ok(Source::Table { selector: Box::new(selector), entries: folded, default })
        }
        _ => Err(problems),
    }
}

fn selector(kind: &ResourceType, field: &AppField, path: &str) -> Result<Selector, String> {
    let selector = Selector::compile(kind, path)?;
    if fit::never_fits(selector.kind, field.kind) {
        return Err(format!(
            "{} takes {}, which {path} never is; map another profile field, or translate it with a \
             table.",
            field.name,
            fit::noun(field.kind)
        ));
    }
    Ok(selector)
}

/// A value of the document itself, as the field takes it.
fn fixed(
    field: &AppField,
    normalise: &[Normaliser],
    value: &Value,
    what: &str,
) -> Result<Value, String> {
    if value.is_null() {
        return Err(format!("{what} is null; give a value, or remove it."));
    }
    let Some(value) = fit::normalised(normalise, value.clone()) else {
        return Err(format!("{what} is empty; give a value, or remove it."));
    };
    fit::fit(field, value)
        .map_err(|misfit| format!("{what} does not fit: {} {}", misfit.detail, misfit.remedy))
}

fn all<T>(results: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, Vec<String>> {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(one) => good.push(one),
            Err(problem) => bad.push(problem),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(bad) }
}
