//! Who is assigned to an app: people by name, and people through groups.
//!
//! An assignment goes with its app and with its user or group. Who was below a group that is
//! deleted must be asked for before it is.

use super::connection::Id;
use super::members::list;
use super::sql::Sql;
use super::{Error, Reader, Result, Transaction};
use crate::id::{AppId, ResourceId};
use diesel::sql_types::{BigInt, Text};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// A user or a group that is assigned to an app.
#[derive(Debug, Clone, PartialEq)]
pub struct AssignmentRow {
    /// The app.
    pub app: AppId,
    /// The user or group.
    pub resource: ResourceId,
    /// `User` or `Group`.
    pub kind: String,
    /// Values that the assignment brings, by app field.
    pub fields: Map<String, Value>,
    /// Who assigned it, or last changed what it brings.
    pub author: String,
    /// When it was assigned.
    pub assigned_us: i64,
    /// When it last changed.
    pub modified_us: i64,
}

impl Reader<'_> {
    fn assignments_where(&self, app: AppId) -> Sql {
        let mut sql = Sql::new(
            "SELECT app_id, resource_id, kind, fields, author, assigned_us, modified_us \
             FROM assignment WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql
    }

    fn load_assignments(&mut self, sql: Sql) -> Result<Vec<AssignmentRow>> {
        type Row = (AppId, ResourceId, String, String, String, i64, i64);
        type Types = (Id, Id, Text, Text, Text, BigInt, BigInt);
        let rows: Vec<Row> = sql.load::<Types, _>(self.conn)?;
        rows.into_iter()
            .map(|(app, resource, kind, fields, author, assigned_us, modified_us)| {
                let fields = serde_json::from_str(&fields)
                    .map_err(|error| Error::Corrupt(error.to_string()))?;
                Ok(AssignmentRow { app, resource, kind, fields, author, assigned_us, modified_us })
            })
            .collect()
    }

    /// An app's assignments in order of resource, after one, at most `limit`; of one kind, or all.
    pub fn assignments(
        &mut self,
        app: AppId,
        kind: Option<&str>,
        after: Option<ResourceId>,
        limit: i64,
    ) -> Result<Vec<AssignmentRow>> {
        let mut sql = self.assignments_where(app);
        if let Some(kind) = kind {
            sql.push(" AND kind = ").bind(kind);
        }
        if let Some(after) = after {
            sql.push(" AND resource_id > ").bind(after);
        }
        sql.push(" ORDER BY resource_id LIMIT ").bind(limit);
        self.load_assignments(sql)
    }

    /// The assignment of one user or group by itself.
    pub fn assignment(
        &mut self,
        app: AppId,
        resource: ResourceId,
    ) -> Result<Option<AssignmentRow>> {
        let mut sql = self.assignments_where(app);
        sql.push(" AND resource_id = ").bind(resource);
        Ok(self.load_assignments(sql)?.into_iter().next())
    }

    /// The assignments of several users and groups, each by itself, by resource.
    pub fn assignments_of(
        &mut self,
        app: AppId,
        resources: &[ResourceId],
    ) -> Result<HashMap<ResourceId, AssignmentRow>> {
        let mut assignments = HashMap::with_capacity(resources.len());
        for chunk in resources.chunks(500) {
            let mut sql = self.assignments_where(app);
            sql.push(" AND resource_id IN ");
            list(&mut sql, chunk);
            let rows = self.load_assignments(sql)?;
            assignments.extend(rows.into_iter().map(|row| (row.resource, row)));
        }
        Ok(assignments)
    }
}

impl Transaction<'_> {
    /// Assigns a user or group, or changes what its assignment brings. It stays assigned since it
    /// was first.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the app or the resource is not there.
    pub fn put_assignment(&mut self, row: &AssignmentRow) -> Result<()> {
        let fields = serde_json::to_string(&row.fields)
            .map_err(|error| Error::Corrupt(error.to_string()))?;
        let mut sql = Sql::new(
            "INSERT INTO assignment (organization, app_id, resource_id, kind, fields, author, \
             assigned_us, modified_us) VALUES (",
        );
        sql.bind(self.organization).push(", ").bind(row.app).push(", ").bind(row.resource);
        sql.push(", ").bind(row.kind.as_str()).push(", ").bind(fields);
        sql.push(", ").bind(row.author.as_str()).push(", ").bind(row.assigned_us);
        sql.push(", ").bind(row.modified_us);
        sql.push(
            ") ON CONFLICT (organization, app_id, resource_id) DO UPDATE SET \
             fields = excluded.fields, author = excluded.author, \
             modified_us = excluded.modified_us",
        );
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Takes an assignment away; answers whether there was one.
    pub fn remove_assignment(&mut self, app: AppId, resource: ResourceId) -> Result<bool> {
        let mut sql = Sql::new("DELETE FROM assignment WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND resource_id = ").bind(resource);
        Ok(sql.execute(self.conn)? == 1)
    }
}
