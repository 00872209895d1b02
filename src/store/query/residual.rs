//! Rows that must be looked at: conditions and orders that no index knows.

use super::branch::Branch;
use super::lower::{Related, mentions};
use super::page::{COLUMNS, StoredTypes};
use super::{Page, RESIDUAL_BOUND};
use crate::id::ResourceId;
use crate::scim::cursor::Bound;
use crate::scim::filter::{Condition, eval};
use crate::scim::schema::ResourceType;
use crate::store::members::{Membership, element, list};
use crate::store::resources::{Stored, StoredColumns, stored};
use crate::store::sql::Sql;
use crate::store::{Error, Reader, Result};
use diesel::sql_types::BigInt;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Rows looked at together.
const BATCH: i64 = 500;

/// Looks at what passes a branch's selection, in the order of creation or backward, from a place on,
/// and shows what meets its condition. `examined` counts over the whole of a request.
pub(super) fn scan(
    reader: &mut Reader<'_>,
    branch: &Branch<'_>,
    from: Option<&Bound>,
    backward: bool,
    examined: &mut i64,
    mut visit: impl FnMut(Stored, &Map<String, Value>) -> ControlFlow<()>,
) -> Result<()> {
    let mut from = from.map(|bound| (ResourceId(bound.position.id), bound.inclusive));
    loop {
        let rows = batch(reader, branch, from, backward)?;
        let Some(last) = rows.last() else { return Ok(()) };
        from = Some((last.0, false));
        let resources: Vec<Stored> = rows.into_iter().map(stored).collect::<Result<_>>()?;
        let read = i64::try_from(resources.len()).unwrap_or(BATCH);
        *examined += read;
        if !branch.exact && mentions(branch.condition, Related::Members) {
            *examined += members(reader, &resources)?;
        }
        if *examined > RESIDUAL_BOUND {
            return Err(Error::TooMany);
        }
        for (resource, document) in complete(reader, branch.kind, resources, branch.condition)? {
            let meets = branch.exact || eval::matches(branch.condition, &document);
            if meets && visit(resource, &document).is_break() {
                return Ok(());
            }
        }
        if read < BATCH {
            return Ok(());
        }
    }
}

/// How many meet a branch's condition.
pub(super) fn count(
    reader: &mut Reader<'_>,
    branch: &Branch<'_>,
    examined: &mut i64,
) -> Result<usize> {
    let mut count = 0;
    scan(reader, branch, None, false, examined, |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

/// A page, in the order of creation, and how many there are.
pub(super) fn page(
    reader: &mut Reader<'_>,
    branch: &Branch<'_>,
    start_index: usize,
    count: usize,
) -> Result<Page> {
    let skipped = start_index.saturating_sub(1);
    let (mut total, mut resources) = (0, Vec::new());
    scan(reader, branch, None, false, &mut 0, |resource, _| {
        total += 1;
        if total > skipped && resources.len() < count {
            resources.push(resource);
        }
        ControlFlow::Continue(())
    })?;
    Ok(Page { total, resources })
}

fn batch(
    reader: &mut Reader<'_>,
    branch: &Branch<'_>,
    from: Option<(ResourceId, bool)>,
    backward: bool,
) -> Result<Vec<StoredColumns>> {
    let Some(condition) = branch.selection.condition() else { return Ok(Vec::new()) };
    let mut sql = Sql::new("SELECT ");
    sql.push(COLUMNS).push(" FROM resource r WHERE ").append(condition.clone());
    if let Some((id, inclusive)) = from {
        sql.push(" AND r.id ").push(if backward { "<" } else { ">" });
        sql.push(if inclusive { "= " } else { " " }).bind(id);
    }
    sql.push(if backward { " ORDER BY r.id DESC" } else { " ORDER BY r.id" });
    sql.push(" LIMIT ").bind(BATCH);
    sql.load::<StoredTypes, _>(reader.conn)
}

/// Resources with their complete documents, with `members` and `groups` where the condition asks
/// for them.
pub(super) fn complete(
    reader: &mut Reader<'_>,
    kind: &ResourceType,
    resources: Vec<Stored>,
    condition: &Condition,
) -> Result<Vec<(Stored, Map<String, Value>)>> {
    let ids: Vec<ResourceId> = resources.iter().map(|resource| resource.id).collect();
    let mut members = HashMap::new();
    let mut groups = HashMap::new();
    if mentions(condition, Related::Members) {
        members = reader.members_of(&ids)?;
    }
    if mentions(condition, Related::Groups) {
        groups = reader.groups_of(&ids)?;
    }
    let mut complete = Vec::with_capacity(resources.len());
    for resource in resources {
        let mut document = resource.complete(kind, "");
        if let Some(members) = members.remove(&resource.id) {
            document.insert("members".into(), members.iter().map(element).collect());
        }
        if let Some(groups) = groups.remove(&resource.id) {
            document.insert("groups".into(), groups.iter().map(group).collect());
        }
        complete.push((resource, document));
    }
    Ok(complete)
}

/// A group as an element of `groups`.
fn group(membership: &Membership) -> Value {
    let mut element = json!({
        "value": membership.group,
        "$ref": format!("/Groups/{}", membership.group),
        "type": if membership.indirect { "indirect" } else { "direct" },
    });
    if let (Some(display), Some(element)) = (&membership.display, element.as_object_mut()) {
        element.insert("display".into(), display.clone().into());
    }
    element
}

/// How many members these groups have together.
fn members(reader: &mut Reader<'_>, groups: &[Stored]) -> Result<i64> {
    let ids: Vec<ResourceId> = groups.iter().map(|group| group.id).collect();
    let mut sql = Sql::new("SELECT count(*) FROM member WHERE organization = ");
    sql.bind(reader.organization).push(" AND group_id IN ");
    list(&mut sql, &ids);
    let rows: Vec<(i64,)> = sql.load::<(BigInt,), _>(reader.conn)?;
    Ok(rows.first().map_or(0, |(count,)| *count))
}

/// Resources by id, in the order of the ids.
pub(super) fn by_ids(reader: &mut Reader<'_>, ids: &[ResourceId]) -> Result<Vec<Stored>> {
    let mut found: HashMap<ResourceId, Stored> = HashMap::new();
    for ids in ids.chunks(500) {
        let mut sql = Sql::new("SELECT ");
        sql.push(COLUMNS).push(" FROM resource r WHERE r.organization = ");
        sql.bind(reader.organization).push(" AND r.id IN ");
        list(&mut sql, ids);
        let rows: Vec<StoredColumns> = sql.load::<StoredTypes, _>(reader.conn)?;
        for row in rows {
            found.insert(row.0, stored(row)?);
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}
