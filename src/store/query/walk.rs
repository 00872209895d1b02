//! Pages that the database makes from a place on, or merges of several types.
//!
//! A list is walked in segments, each with an order that an index can serve: one resource type after
//! the other, or first what has a value and then what has none. What is deleted or added between two
//! pages moves nothing else, as a page begins at a key and not at a number.

use super::branch::Branch;
use super::order::{By, Expression, Order};
use super::page::{COLUMNS, StoredTypes, number};
use super::residual::scan;
use crate::id::ResourceId;
use crate::scim::cursor::{Bound, Key};
use crate::scim::error::Fault;
use crate::store::resources::{Stored, StoredColumns, stored};
use crate::store::sql::Sql;
use crate::store::{Error, Reader, Result};
use std::ops::ControlFlow;

/// A part of a list with an order of its own.
enum Segment<'b, 'q> {
    /// A type of an unsorted list, in the order of creation.
    Type(&'b Branch<'q>),
    /// All types, by id.
    Ids,
    /// What has a value, by value.
    Present,
    /// What has none, in the order of creation.
    Absent,
}

/// Which of a branch's rows, and in which order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// All of them, by id.
    Ids,
    /// Those with a value, by value.
    Present,
    /// Those without, in the order of creation.
    Absent,
    /// All of them, by value.
    All,
}

/// Which of the rows in that order.
#[derive(Clone, Copy)]
struct Range<'r> {
    from: Option<&'r Bound>,
    backward: bool,
    skipped: usize,
    count: usize,
}

/// Up to `count` resources from a place on, in the direction in which it lies. An unsorted list may
/// hold branches that are not exact, a sorted one may not.
pub(super) fn from(
    reader: &mut Reader<'_>,
    branches: &[Branch<'_>],
    sorted: bool,
    from: Option<&Bound>,
    count: usize,
) -> Result<Vec<Stored>> {
    let backward = from.is_some_and(|bound| bound.backward);
    let mut segments = segments(branches, sorted);
    if backward {
        segments.reverse();
    }
    let start = match from {
        None => 0,
        Some(bound) => {
            segments.iter().position(|segment| segment.holds(bound)).ok_or_else(foreign)?
        }
    };
    let (mut found, mut examined) = (Vec::new(), 0);
    for (at, segment) in segments.iter().enumerate().skip(start) {
        let count = count.saturating_sub(found.len());
        if count == 0 {
            break;
        }
        let from = from.filter(|_| at == start);
        let range = Range { from, backward, skipped: 0, count };
        if let Segment::Type(branch) = segment
            && !branch.exact
        {
            let most = found.len() + count;
            scan(reader, branch, from, backward, &mut examined, |resource, _| {
                found.push(resource);
                let more = found.len() < most;
                if more { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        } else {
            let (branches, rows) = segment.rows(branches);
            found.extend(load(reader, &branches, rows, range)?);
        }
    }
    Ok(found)
}

/// How the database finds the first rows from a place on.
pub(super) fn explain(
    reader: &mut Reader<'_>,
    branches: &[Branch<'_>],
    sorted: bool,
    from: Option<&Bound>,
    count: usize,
) -> Result<String> {
    let backward = from.is_some_and(|bound| bound.backward);
    let segments = segments(branches, sorted);
    let holds = |segment: &&Segment<'_, '_>| from.is_none_or(|bound| segment.holds(bound));
    let segment = segments.iter().find(holds).ok_or_else(foreign)?;
    let (branches, rows) = segment.rows(branches);
    let range = Range { from, backward, skipped: 0, count };
    match statement(reader, &branches, rows, range)? {
        Some(sql) => super::page::explain(reader, sql),
        None => Ok(String::new()),
    }
}

/// A page of a sorted list by its number.
pub(super) fn at(
    reader: &mut Reader<'_>,
    branches: &[Branch<'_>],
    skipped: usize,
    count: usize,
) -> Result<Vec<Stored>> {
    let by_id = |branch: &Branch<'_>| branch.order.as_ref().is_some_and(Order::is_by_id);
    let rows = if branches.iter().all(by_id) { Rows::Ids } else { Rows::All };
    let branches: Vec<&Branch<'_>> = branches.iter().collect();
    load(reader, &branches, rows, Range { from: None, backward: false, skipped, count })
}

fn segments<'b, 'q>(branches: &'b [Branch<'q>], sorted: bool) -> Vec<Segment<'b, 'q>> {
    if !sorted {
        return branches.iter().map(Segment::Type).collect();
    }
    let orders = || branches.iter().filter_map(|branch| branch.order.as_ref());
    if orders().all(Order::is_by_id) {
        return vec![Segment::Ids];
    }
    let mut segments = vec![Segment::Present];
    if orders().any(Order::has_gaps) {
        segments.push(Segment::Absent);
    }
    if orders().any(|order| order.descending) {
        segments.reverse();
    }
    segments
}

impl<'b, 'q> Segment<'b, 'q> {
    /// Whose rows it holds, and which of them.
    fn rows(&self, all: &'b [Branch<'q>]) -> (Vec<&'b Branch<'q>>, Rows) {
        let with = |wanted: fn(&Order) -> bool| {
            all.iter().filter(|branch| branch.order.as_ref().is_some_and(wanted)).collect()
        };
        match self {
            Self::Type(branch) => (vec![*branch], Rows::Ids),
            Self::Ids => (with(|_| true), Rows::Ids),
            Self::Present => (with(Order::has_values), Rows::Present),
            Self::Absent => (with(Order::has_gaps), Rows::Absent),
        }
    }

    /// Whether a place is in this segment.
    fn holds(&self, bound: &Bound) -> bool {
        match (self, &bound.position.key) {
            (Self::Type(branch), Key::Unsorted) => branch.kind.name == bound.position.kind,
            (Self::Ids, Key::Unsorted)
            | (Self::Present, Key::Text(_) | Key::Number(_))
            | (Self::Absent, Key::Absent) => true,
            _ => false,
        }
    }
}

impl Order {
    fn is_by_id(&self) -> bool {
        matches!(self.by, By::Id)
    }

    /// Whether some rows may have a value.
    fn has_values(&self) -> bool {
        matches!(self.by, By::Required(_) | By::Optional(_))
    }

    /// Whether some rows may have none.
    fn has_gaps(&self) -> bool {
        matches!(self.by, By::Optional(_) | By::Missing)
    }

    fn expression(&self) -> Option<&Expression> {
        match &self.by {
            By::Required(expression) | By::Optional(expression) => Some(expression),
            By::Id | By::Missing => None,
        }
    }
}

fn load(
    reader: &mut Reader<'_>,
    branches: &[&Branch<'_>],
    rows: Rows,
    range: Range<'_>,
) -> Result<Vec<Stored>> {
    let Some(sql) = statement(reader, branches, rows, range)? else { return Ok(Vec::new()) };
    let rows: Vec<StoredColumns> = sql.load::<StoredTypes, _>(reader.conn)?;
    rows.into_iter().map(stored).collect()
}

/// The query for rows of one branch, or of several merged; none where there can be none.
fn statement(
    reader: &Reader<'_>,
    branches: &[&Branch<'_>],
    rows: Rows,
    range: Range<'_>,
) -> Result<Option<Sql>> {
    let mut each = Vec::with_capacity(branches.len());
    for branch in branches {
        if let (Some(condition), Some(order)) = (branch.selection.condition(), &branch.order) {
            each.push((condition, order));
        }
    }
    let mut sql = Sql::new("SELECT ");
    match each.as_slice() {
        [] => return Ok(None),
        [(condition, order)] => {
            sql.push(COLUMNS).append(rest(condition, order, rows, range)?);
        }
        [(_, first), ..] => {
            let union = union(&each, rows, range)?;
            sql.push(COLUMNS).push(" FROM (").append(union).push(") u JOIN resource r ON ");
            sql.push("r.id = u.id AND r.organization = ").bind(reader.organization);
            let terms = terms(first.descending, rows, "u.x", "u.id", range.backward);
            sql.push(" ORDER BY ").push(&terms);
        }
    }
    sql.push(" LIMIT ").bind(number(range.count)).push(" OFFSET ").bind(number(range.skipped));
    Ok(Some(sql))
}

/// The first rows of each, with what they are sorted by.
fn union(each: &[(&Sql, &Order)], rows: Rows, range: Range<'_>) -> Result<Sql> {
    let most = number(range.count.saturating_add(range.skipped));
    let by_value = matches!(rows, Rows::Present | Rows::All);
    let mut union = Sql::default();
    for (condition, order) in each {
        union.push(if union.is_empty() { "" } else { " UNION ALL " });
        union.push("SELECT * FROM (SELECT r.id AS id, ");
        let key = order.expression().filter(|_| by_value);
        union.push(key.map_or("CAST(NULL AS TEXT)", |key| &key.sql)).push(" AS x");
        union.append(rest(condition, order, rows, range)?).push(" LIMIT ").bind(most).push(") b");
    }
    union.dynamic();
    Ok(union)
}

/// From `FROM` to the end of `ORDER BY`.
fn rest(condition: &Sql, order: &Order, rows: Rows, range: Range<'_>) -> Result<Sql> {
    let mut sql = Sql::new(" FROM resource r");
    sql.append(order.join.clone()).push(" WHERE ").append(condition.clone());
    if let (By::Optional(key), Rows::Present | Rows::Absent) = (&order.by, rows) {
        sql.push(" AND ").push(&key.sql);
        sql.push(if rows == Rows::Present { " IS NOT NULL" } else { " IS NULL" });
    }
    if let Some(bound) = range.from {
        begin(&mut sql, order, rows, bound)?;
    }
    let (rows, x) = match (order.expression(), rows) {
        (Some(key), rows) => (rows, key.sql.as_str()),
        // Nothing has a value.
        (None, Rows::Present | Rows::All) => (Rows::Absent, ""),
        (None, rows) => (rows, ""),
    };
    let terms = terms(order.descending, rows, x, "r.id", range.backward);
    sql.push(" ORDER BY ").push(&terms);
    Ok(sql)
}

/// The test that a row is not before a place.
fn begin(sql: &mut Sql, order: &Order, rows: Rows, bound: &Bound) -> Result<()> {
    let id = ResourceId(bound.position.id);
    let up = |descending: bool| descending == bound.backward;
    // What is equal is in the order of creation, whichever way the rest goes.
    let ids = match (up(rows == Rows::Ids && order.descending), bound.inclusive) {
        (true, true) => "r.id >= ",
        (true, false) => "r.id > ",
        (false, true) => "r.id <= ",
        (false, false) => "r.id < ",
    };
    let Some(key) = order.expression().filter(|_| rows == Rows::Present) else {
        sql.push(" AND ").push(ids).bind(id);
        return Ok(());
    };
    let sign = if up(order.descending) { " >" } else { " <" };
    let mut value = Sql::default();
    match &bound.position.key {
        Key::Text(text) if !key.number => value.bind(text.as_str()),
        Key::Number(number) if key.number => value.bind(*number),
        _ => return Err(foreign()),
    };
    // The first half is what an index can seek.
    sql.push(" AND ").push(&key.sql).push(sign).push("= ").append(value.clone());
    sql.push(" AND (").push(&key.sql).push(sign).push(" ").append(value);
    sql.push(" OR ").push(ids).bind(id).push(")");
    Ok(())
}

/// What stands behind `ORDER BY`.
fn terms(descending: bool, rows: Rows, x: &str, id: &str, backward: bool) -> String {
    let direction = |descending: bool| if descending == backward { "ASC" } else { "DESC" };
    let (by_value, by_creation) = (direction(descending), direction(false));
    match rows {
        Rows::Ids => format!("{id} {by_value}"),
        Rows::Absent => format!("{id} {by_creation}"),
        Rows::Present => format!("{x} {by_value}, {id} {by_creation}"),
        Rows::All => format!("{x} IS NULL {by_value}, {x} {by_value}, {id} {by_creation}"),
    }
}

/// A place that is in none of this list's segments: the schemas have changed since.
fn foreign() -> Error {
    Error::Refused(Fault::InvalidCursor.into())
}
