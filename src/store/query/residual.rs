//! Pages for which documents must be looked at: conditions and orders that no index knows.

use super::lower::{Related, mentions};
use super::page::{COLUMNS, Selection, StoredTypes};
use super::{Page, RESIDUAL_BOUND};
use crate::id::ResourceId;
use crate::scim::filter::{Condition, eval};
use crate::scim::list::{Query, Sort};
use crate::scim::schema::ResourceType;
use crate::store::index::sorting_key;
use crate::store::members::{Membership, element, list};
use crate::store::resources::{Stored, StoredColumns, stored};
use crate::store::sql::Sql;
use crate::store::{Error, Reader, Result};
use diesel::sql_types::BigInt;
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::collections::HashMap;
use uuid::Uuid;

/// Rows looked at together.
const BATCH: i64 = 500;

/// A page of what passes the selection and, unless that was exact, meets the condition.
pub(super) fn page(
    reader: &mut Reader<'_>,
    kind: &ResourceType,
    selection: &Selection,
    query: &Query,
    exact: bool,
) -> Result<Page> {
    let skipped = query.start_index.saturating_sub(1);
    let mut matches = Matches { keys: Vec::new(), total: 0, resources: Vec::new() };
    let mut examined = 0;
    let mut after = ResourceId(Uuid::nil());
    loop {
        let rows = selection.batch(reader, after, BATCH)?;
        let Some(last) = rows.last() else { break };
        after = last.0;
        let resources: Vec<Stored> = rows.into_iter().map(stored).collect::<Result<_>>()?;
        let read = i64::try_from(resources.len()).unwrap_or(BATCH);
        examined += read;
        if !exact && mentions(&query.condition, Related::Members) {
            examined += members(reader, &resources)?;
        }
        if examined > RESIDUAL_BOUND {
            return Err(Error::TooMany);
        }
        for (resource, document) in complete(reader, kind, resources, &query.condition)? {
            if exact || eval::matches(&query.condition, &document) {
                matches.add(resource, &document, query, skipped);
            }
        }
        if read < BATCH {
            break;
        }
    }
    let Matches { mut keys, total, mut resources } = matches;
    if let Some(sort) = &query.sort {
        keys.sort_unstable_by(|a, b| order(sort, a, b));
        let ids: Vec<ResourceId> =
            keys.into_iter().skip(skipped).take(query.count).map(|(_, id)| id).collect();
        resources = by_ids(reader, &ids)?;
    }
    Ok(Page { total, resources })
}

struct Matches {
    keys: Vec<(Option<String>, ResourceId)>,
    total: usize,
    resources: Vec<Stored>,
}

impl Matches {
    fn add(
        &mut self,
        resource: Stored,
        document: &Map<String, Value>,
        query: &Query,
        skipped: usize,
    ) {
        self.total += 1;
        if let Some(sort) = &query.sort {
            self.keys.push((sorting_key(&sort.field, document), resource.id));
        } else if self.total > skipped && self.resources.len() < query.count {
            self.resources.push(resource);
        }
    }
}

fn order(
    sort: &Sort,
    (a, a_id): &(Option<String>, ResourceId),
    (b, b_id): &(Option<String>, ResourceId),
) -> Ordering {
    let by_key = (a.is_none(), a).cmp(&(b.is_none(), b));
    let by_key = if sort.descending { by_key.reverse() } else { by_key };
    by_key.then(a_id.cmp(b_id))
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
fn by_ids(reader: &mut Reader<'_>, ids: &[ResourceId]) -> Result<Vec<Stored>> {
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
