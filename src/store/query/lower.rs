//! Conditions lowered to SQL.
//!
//! | condition | becomes |
//! |---|---|
//! | `userName`, `externalId`, `displayName`, `active`, `id`, `meta.created`, `meta.lastModified` | a column of `resource` |
//! | any other indexed attribute | `id IN (SELECT resource_id FROM attribute …)` |
//! | `emails[…]` | the same, the other comparisons checked on the same element |
//! | `members…`, `groups…` | rows of `member`, nested groups by a recursive query |
//! | `schemas`, `meta.resourceType` | a constant, where all resources of the type agree |
//! | what is not indexed | every row, looked at again in memory |
//!
//! The expression tests one row `r` of `resource`. Negation is pushed down to the comparisons, so
//! that it never has to be taken of something inexact. Sub-queries are never correlated with `r`
//! where they can be sets: `IN (SELECT …)` is a look-up on both databases.

use super::predicate::{Lowered, Test};
use super::text::{self, Text};
use crate::id::OrganizationId;
use crate::scim::filter::{Condition, Field, Operator, eval};
use crate::scim::schema::{Attribute, ResourceType, Type};
use crate::store::connection::Backend;
use crate::store::index::{Column, indexed_parts, is_indexed};
use crate::store::members::as_id;
use crate::store::sql::Sql;
use jiff::civil::DateTime;
use serde_json::{Map, Value, json};

/// Most extensions of a type whose combinations are tried one by one.
const FEW_EXTENSIONS: usize = 4;

/// What the lowering of a condition depends on.
pub(super) struct Lowering<'k> {
    pub(super) kind: &'k ResourceType,
    pub(super) organization: OrganizationId,
    pub(super) backend: Backend,
}

impl Lowering<'_> {
    /// The condition, or its negation.
    pub(super) fn lower(&self, condition: &Condition, not: bool) -> Lowered {
        match condition {
            Condition::Always => Lowered::truth(!not),
            Condition::Never => Lowered::truth(not),
            Condition::All(parts) => {
                self.combine(!not, parts.iter().map(|part| self.lower(part, not)).collect())
            }
            Condition::Any(parts) => {
                self.combine(not, parts.iter().map(|part| self.lower(part, not)).collect())
            }
            Condition::Not(inner) => self.lower(inner, !not),
            Condition::Present(field) => self.present(field).denied_if(not),
            Condition::Compare(field, operator, operand) => {
                self.compare(condition, field, *operator, operand, not)
            }
            Condition::Element(field, inner) => match related(field) {
                Some(Related::Members) => self.any_member(inner).denied_if(not),
                Some(Related::Groups) => self.any_group(inner).denied_if(not),
                None => self.element(field, inner, not),
            },
        }
    }

    /// All or any of them. Where each of several finds its rows by an index, so do they together:
    /// neither database would see that in an `OR`.
    pub(super) fn combine(&self, all: bool, parts: Vec<Lowered>) -> Lowered {
        let several = parts.iter().filter(|part| matches!(part.test, Test::Sql(_))).count() > 1;
        let found = |part: &Lowered| part.narrow || matches!(part.test, Test::False);
        if all || !several || !parts.iter().all(found) {
            return Lowered::combine(all, parts);
        }
        let exact = parts.iter().all(|part| part.exact);
        let mut union = Sql::default();
        for part in parts {
            let Test::Sql(test) = part.test else { continue };
            union.push(if union.is_empty() { "" } else { " UNION " });
            union.push("SELECT r.id FROM resource r WHERE r.organization = ");
            union.bind(self.organization).push(" AND r.kind = ").bind(self.kind.name.as_str());
            union.push(" AND ").append(test);
        }
        Lowered { test: Test::Sql(among(false, union)), exact, narrow: true }
    }

    fn present(&self, field: &Field) -> Lowered {
        match related(field) {
            Some(Related::Members) => return self.any_member(&Condition::Present(field.clone())),
            Some(Related::Groups) => return self.any_group(&Condition::Present(field.clone())),
            None => {}
        }
        if field.extension.is_none() {
            if ["id", "meta", "schemas"].contains(&field.attribute.as_str()) {
                return Lowered::truth(true);
            }
            if let Some(column) = Column::of(self.kind, &field.key) {
                let mut sql = Sql::new("r.");
                sql.push(column.name()).push(" IS NOT NULL");
                return Lowered::exact(Test::Sql(sql));
            }
        }
        match self.paths(field) {
            Some(paths) => Lowered::exact(Test::Sql(among(false, self.rows(&paths)))),
            None => Lowered::unknown(),
        }
    }

    fn compare(
        &self,
        condition: &Condition,
        field: &Field,
        operator: Operator,
        operand: &str,
        not: bool,
    ) -> Lowered {
        match related(field) {
            Some(Related::Members) => return self.member(condition, operator, not),
            Some(Related::Groups) => return self.group(condition, operator, not),
            None => {}
        }
        if field.extension.is_none() {
            match field.key.as_str() {
                "schemas" | "meta.resourceType" => return self.fixed(condition).denied_if(not),
                "id" => return id(operator, operand).denied_if(not),
                "meta.created" => return instant("r.created_us", operator, operand).denied_if(not),
                "meta.lastModified" => {
                    return instant("r.modified_us", operator, operand).denied_if(not);
                }
                _ => {}
            }
            if let Some(column) = Column::of(self.kind, &field.key) {
                return self.column(column, operator, operand).denied_if(not);
            }
        }
        if field.kind == Type::Complex {
            return Lowered::unknown();
        }
        let Some(paths) = self.paths(field) else { return Lowered::unknown() };
        let rows = |operator| {
            let test = text::compare(self.backend, Text::Cut("a"), operator, operand);
            limited(self.rows(&paths), test)
        };
        if operator != Operator::NotEqual {
            return Lowered::exact(Test::Sql(among(not, rows(operator))))
                .narrow_if(!not && text::is_narrow(operator, operand));
        }
        // `ne` holds for what has no value.
        if !field.multi_valued {
            return Lowered::exact(Test::Sql(among(!not, rows(Operator::Equal)))).narrow_if(not);
        }
        let differs = Lowered::exact(Test::Sql(among(not, rows(Operator::NotEqual))));
        let absent = Lowered::exact(Test::Sql(among(!not, self.rows(&paths))));
        Lowered::combine(not, vec![differs, absent])
    }

    fn column(&self, column: Column, operator: Operator, operand: &str) -> Lowered {
        let name = format!("r.{}", column.name());
        if column != Column::Active {
            let test = text::compare(self.backend, Text::Whole(&name), operator, operand);
            return Lowered::exact(test).narrow_if(text::is_narrow(operator, operand));
        }
        let mut sql = Sql::new(&name);
        sql.push(" = ").bind(operand == "true");
        match operator {
            Operator::Equal => Lowered::exact(Test::Sql(sql)),
            Operator::NotEqual => Lowered::exact(Test::Sql(sql)).denied(),
            _ => Lowered::unknown(),
        }
    }

    /// A condition on what every resource of the type has alike, or alike but for its extensions.
    fn fixed(&self, condition: &Condition) -> Lowered {
        let extensions: Vec<&str> =
            self.kind.extensions.iter().map(|(schema, _)| schema.id.as_str()).collect();
        if extensions.len() > FEW_EXTENSIONS {
            return Lowered::unknown();
        }
        let mut answers = (0..1_usize << extensions.len()).map(|chosen| {
            let mut schemas = vec![self.kind.schema.id.as_str()];
            let held = extensions.iter().enumerate();
            schemas.extend(held.filter(|(at, _)| chosen >> at & 1 == 1).map(|(_, urn)| urn));
            let document = json!({"schemas": schemas, "meta": {"resourceType": self.kind.name}});
            document.as_object().is_some_and(|document| eval::matches(condition, document))
        });
        let first = answers.next().unwrap_or_default();
        if answers.all(|answer| answer == first) {
            Lowered::truth(first)
        } else {
            Lowered::unknown()
        }
    }

    /// The definition behind a field: the attribute, and the part.
    fn definition(&self, field: &Field) -> Option<(&Attribute, Option<&Attribute>)> {
        let attribute = match &field.extension {
            None => self.kind.base_attribute(&field.attribute)?,
            Some(urn) => self.kind.extension(urn)?.attribute(&field.attribute)?,
        };
        match &field.sub {
            None => Some((attribute, None)),
            Some(sub) => Some((attribute, Some(attribute.sub(sub)?))),
        }
    }

    /// The paths whose rows are all that there is of a field; none where it is not indexed.
    pub(super) fn paths(&self, field: &Field) -> Option<Vec<String>> {
        let (attribute, part) = self.definition(field)?;
        if attribute.building {
            return None;
        }
        match part {
            Some(part) => {
                let indexed = indexed_parts(attribute).any(|indexed| indexed.name == part.name);
                indexed.then(|| vec![field.key.clone()])
            }
            None if !is_indexed(attribute) => None,
            None => {
                let parts = indexed_parts(attribute).filter(|_| attribute.kind == Type::Complex);
                let mut paths: Vec<String> =
                    parts.map(|part| format!("{}.{}", field.key, part.name)).collect();
                paths.push(field.key.clone());
                Some(paths)
            }
        }
    }

    /// The resources that have a row of these paths; the row's alias is `a`.
    pub(super) fn rows(&self, paths: &[String]) -> Sql {
        let mut sql = Sql::new("SELECT a.resource_id FROM attribute a WHERE a.organization = ");
        sql.bind(self.organization).push(" AND a.kind = ").bind(self.kind.name.as_str());
        match paths {
            [path] => sql.push(" AND a.path = ").bind(path.as_str()),
            paths => sql.push(" AND a.path IN (").binds(paths.iter().map(String::as_str)).push(")"),
        };
        sql
    }
}

/// An attribute whose values are rows of `member`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Related {
    Members,
    Groups,
}

/// Whether a field is such an attribute, or a part of one.
pub(super) fn related(field: &Field) -> Option<Related> {
    match (&field.extension, field.attribute.as_str()) {
        (None, "members") => Some(Related::Members),
        (None, "groups") => Some(Related::Groups),
        _ => None,
    }
}

/// `r` is among them, or not.
pub(super) fn among(not: bool, set: Sql) -> Sql {
    let mut sql = Sql::new(if not { "r.id NOT IN (" } else { "r.id IN (" });
    sql.append(set).push(")");
    sql
}

/// A selection with one more test.
pub(super) fn limited(mut selection: Sql, test: Test) -> Sql {
    match test {
        Test::True => {}
        Test::False => {
            selection.push(" AND FALSE");
        }
        Test::Sql(test) => {
            selection.push(" AND ").append(test);
        }
    }
    selection
}

/// A comparison of the id. Ids are compared as the text that we write, whose order is the order of
/// their bytes; other texts can only be told apart in memory.
fn id(operator: Operator, operand: &str) -> Lowered {
    let sign = match operator {
        Operator::Equal => " = ",
        Operator::NotEqual => " <> ",
        Operator::Greater => " > ",
        Operator::GreaterOrEqual => " >= ",
        Operator::Less => " < ",
        Operator::LessOrEqual => " <= ",
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => {
            return Lowered::unknown();
        }
    };
    match (as_id(operand), operator) {
        (Some(id), _) => {
            let mut sql = Sql::new("r.id");
            sql.push(sign).bind(id);
            Lowered::exact(Test::Sql(sql)).narrow_if(operator == Operator::Equal)
        }
        (None, Operator::Equal) => Lowered::truth(false),
        (None, Operator::NotEqual) => Lowered::truth(true),
        (None, _) => Lowered::unknown(),
    }
}

/// A comparison of an instant. Columns hold microseconds, answers show milliseconds, and what is
/// shown is what is compared.
fn instant(column: &str, operator: Operator, operand: &str) -> Lowered {
    const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    let Ok(at) = operand.trim_end_matches('Z').parse::<DateTime>() else {
        return Lowered::unknown();
    };
    let nanos = at.duration_since(EPOCH).as_nanos();
    let floor = nanos.div_euclid(1_000_000);
    let whole = nanos.rem_euclid(1_000_000) == 0;
    let micros = |millis: i128| i64::try_from(millis * 1_000).unwrap_or(i64::MAX);
    let from = if whole { micros(floor) } else { micros(floor + 1) };
    let after = micros(floor + 1);
    let bounded = |sign: &str, bound: i64| {
        let mut sql = Sql::new(column);
        sql.push(sign).bind(bound);
        Lowered::exact(Test::Sql(sql))
    };
    let equal = || {
        if whole {
            Lowered::all(vec![bounded(" >= ", from), bounded(" < ", after)])
        } else {
            Lowered::truth(false)
        }
    };
    match operator {
        Operator::Equal => equal(),
        Operator::NotEqual => equal().denied(),
        Operator::Greater => bounded(" >= ", after),
        Operator::GreaterOrEqual => bounded(" >= ", from),
        Operator::Less => bounded(" < ", from),
        Operator::LessOrEqual => bounded(" < ", after),
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => Lowered::unknown(),
    }
}

/// Whether a condition reads an attribute.
pub(super) fn mentions(condition: &Condition, wanted: Related) -> bool {
    match condition {
        Condition::Always | Condition::Never => false,
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().any(|part| mentions(part, wanted))
        }
        Condition::Not(inner) => mentions(inner, wanted),
        Condition::Present(field)
        | Condition::Compare(field, _, _)
        | Condition::Element(field, _) => related(field) == Some(wanted),
    }
}

/// How many comparisons a condition has.
pub(super) fn size(condition: &Condition) -> usize {
    match condition {
        Condition::Always | Condition::Never => 0,
        Condition::All(parts) | Condition::Any(parts) => parts.iter().map(size).sum(),
        Condition::Not(inner) | Condition::Element(_, inner) => size(inner),
        Condition::Present(_) | Condition::Compare(..) => 1,
    }
}

/// A document that has only this.
pub(super) fn document(name: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value)])
}
