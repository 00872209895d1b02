//! Field mappings: every version is kept.

use super::schema::mapping;
use super::{Error, Reader, Result, Transaction};
use crate::id::AppId;
use diesel::prelude::*;
use serde_json::Value;

/// One version of an app's mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct MappingRow {
    /// From 1.
    pub version: i64,
    /// The document.
    pub document: Value,
    /// Who saved it.
    pub author: String,
    /// Why, where they said so.
    pub note: Option<String>,
    /// When.
    pub at_us: i64,
}

type Row = (i64, String, String, Option<String>, i64);

fn row((version, document, author, note, at_us): Row) -> Result<MappingRow> {
    let document =
        serde_json::from_str(&document).map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(MappingRow { version, document, author, note, at_us })
}

impl Reader<'_> {
    /// One version.
    pub fn mapping(&mut self, app: AppId, version: i64) -> Result<Option<MappingRow>> {
        let found: Option<Row> = mapping::table
            .find((self.organization, app, version))
            .select((
                mapping::version,
                mapping::document,
                mapping::author,
                mapping::note,
                mapping::at_us,
            ))
            .first(self.conn)
            .optional()?;
        found.map(row).transpose()
    }

    /// The newest version; 0 where there is none.
    pub fn newest_mapping(&mut self, app: AppId) -> Result<i64> {
        let newest: Option<i64> = mapping::table
            .filter(mapping::organization.eq(self.organization).and(mapping::app_id.eq(app)))
            .order(mapping::version.desc())
            .select(mapping::version)
            .first(self.conn)
            .optional()?;
        Ok(newest.unwrap_or(0))
    }

    /// Versions before one, newest first, at most `limit`.
    pub fn mappings(&mut self, app: AppId, before: i64, limit: i64) -> Result<Vec<MappingRow>> {
        let rows: Vec<Row> = mapping::table
            .filter(mapping::organization.eq(self.organization).and(mapping::app_id.eq(app)))
            .filter(mapping::version.lt(before))
            .order(mapping::version.desc())
            .limit(limit)
            .select((
                mapping::version,
                mapping::document,
                mapping::author,
                mapping::note,
                mapping::at_us,
            ))
            .load(self.conn)?;
        rows.into_iter().map(row).collect()
    }
}

impl Transaction<'_> {
    /// Saves a version.
    ///
    /// # Errors
    /// [`Error::Taken`] when that version is there already: somebody else saved meanwhile.
    pub fn insert_mapping(&mut self, app: AppId, new: &MappingRow) -> Result<()> {
        diesel::insert_into(mapping::table)
            .values((
                mapping::organization.eq(self.organization),
                mapping::app_id.eq(app),
                mapping::version.eq(new.version),
                mapping::document.eq(new.document.to_string()),
                mapping::author.eq(&new.author),
                mapping::note.eq(&new.note),
                mapping::at_us.eq(new.at_us),
            ))
            .execute(self.reader.conn)?;
        Ok(())
    }
}
