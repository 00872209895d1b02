//! What an app was seen to hold: of accounts that are linked, and of accounts that belong to nobody.

use super::connection::{Backend, Id};
use super::links::LinkRow;
use super::sql::Sql;
use super::{Error, Reader, Result, Transaction};
use crate::id::{AppId, ResourceId};
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// An account that belongs to nobody here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrayRow {
    /// `User` or `Group`.
    pub kind: String,
    /// The app's id.
    pub remote_id: String,
    /// What it is recognised by, as the app shows it.
    pub label: String,
    /// The same, folded.
    pub match_key: String,
    /// Whether it is switched on; none where the app does not say.
    pub active: Option<bool>,
    /// When the app last showed it.
    pub seen_us: i64,
}

/// What the app was seen to hold otherwise than a link says.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// Whose account it is.
    pub resource: ResourceId,
    /// What it holds otherwise, by field.
    pub drift: Map<String, Value>,
    /// What it held otherwise and was put right, by field: should it come back, the app does not keep
    /// what it is told.
    pub righted: Map<String, Value>,
}

fn text(map: &Map<String, Value>) -> Result<Option<String>> {
    let text = (!map.is_empty()).then(|| serde_json::to_string(map));
    text.transpose().map_err(|error| Error::Corrupt(error.to_string()))
}

impl Reader<'_> {
    /// The links of an app's objects of a kind, by the app's ids.
    pub fn links_by_remote(
        &mut self,
        app: AppId,
        kind: &str,
        remote_ids: &[String],
    ) -> Result<HashMap<String, LinkRow>> {
        let mut links = HashMap::with_capacity(remote_ids.len());
        for chunk in remote_ids.chunks(500) {
            let mut sql = self.links_where(app);
            sql.push(" AND l.kind = ").bind(kind);
            sql.push(" AND l.remote_id IN (").binds(chunk.iter().cloned()).push(")");
            for link in self.load_links(sql)? {
                if let Some(remote) = &link.remote_id {
                    links.insert(remote.clone(), link);
                }
            }
        }
        Ok(links)
    }

    fn unseen_where(&self, sql: &mut Sql, app: AppId, kind: &str, since_us: i64) {
        sql.push(" WHERE l.organization = ").bind(self.organization);
        sql.push(" AND l.app_id = ").bind(app).push(" AND l.kind = ").bind(kind);
        sql.push(" AND l.remote_id IS NOT NULL AND l.state IN ('linked', 'deactivated')");
        sql.push(" AND (l.seen_us IS NULL OR l.seen_us < ").bind(since_us).push(")");
        // What was made or changed while the list was read need not be in it.
        sql.push(" AND COALESCE(l.pushed_us, 0) < ").bind(since_us);
    }

    /// How many linked objects of a kind the app did not show since then, and how many there are.
    pub fn count_unseen(&mut self, app: AppId, kind: &str, since_us: i64) -> Result<(u64, u64)> {
        let mut unseen = Sql::new("SELECT COUNT(*) FROM link l");
        self.unseen_where(&mut unseen, app, kind, since_us);
        let mut all = Sql::new("SELECT COUNT(*) FROM link l WHERE l.organization = ");
        all.bind(self.organization).push(" AND l.app_id = ").bind(app);
        all.push(" AND l.kind = ").bind(kind).push(" AND l.remote_id IS NOT NULL");
        let mut count = |sql: Sql| -> Result<u64> {
            let rows: Vec<(i64,)> = sql.load::<(BigInt,), _>(self.conn)?;
            Ok(rows.first().and_then(|row| u64::try_from(row.0).ok()).unwrap_or_default())
        };
        Ok((count(unseen)?, count(all)?))
    }

    /// Linked objects of a kind that the app did not show since then, in order of resource, after one,
    /// at most `limit`.
    pub fn unseen_links(
        &mut self,
        app: AppId,
        kind: &str,
        since_us: i64,
        (after, limit): (Option<ResourceId>, i64),
    ) -> Result<Vec<LinkRow>> {
        let mut sql = Sql::new(super::links::COLUMNS);
        self.unseen_where(&mut sql, app, kind, since_us);
        if let Some(after) = after {
            sql.push(" AND l.resource_id > ").bind(after);
        }
        sql.push(" ORDER BY l.resource_id LIMIT ").bind(limit);
        self.load_links(sql)
    }

    /// What the app held otherwise and was put right, of objects of a kind by the app's ids; those
    /// without are left out.
    pub fn righted_of(
        &mut self,
        app: AppId,
        kind: &str,
        remote_ids: &[String],
    ) -> Result<HashMap<ResourceId, Map<String, Value>>> {
        let mut found = HashMap::new();
        for chunk in remote_ids.chunks(500) {
            let mut sql = Sql::new("SELECT resource_id, righted FROM link WHERE organization = ");
            sql.bind(self.organization).push(" AND app_id = ").bind(app);
            sql.push(" AND kind = ").bind(kind).push(" AND righted IS NOT NULL");
            sql.push(" AND remote_id IN (").binds(chunk.iter().cloned()).push(")");
            let rows: Vec<(ResourceId, String)> = sql.load::<(Id, Text), _>(self.conn)?;
            for (resource, text) in rows {
                let map = serde_json::from_str(&text);
                found.insert(resource, map.map_err(|error| Error::Corrupt(error.to_string()))?);
            }
        }
        Ok(found)
    }

    /// Links that are followed, with something that the app holds otherwise, in order of resource,
    /// after one, at most `limit`.
    pub fn drifting_links(
        &mut self,
        app: AppId,
        after: Option<ResourceId>,
        limit: i64,
    ) -> Result<Vec<LinkRow>> {
        let mut sql = self.links_where(app);
        sql.push(" AND l.drift IS NOT NULL AND l.state IN ('linked', 'deactivated')");
        if let Some(after) = after {
            sql.push(" AND l.resource_id > ").bind(after);
        }
        sql.push(" ORDER BY l.resource_id LIMIT ").bind(limit);
        self.load_links(sql)
    }

    fn load_strays(&mut self, sql: Sql) -> Result<Vec<StrayRow>> {
        type Row = (String, String, String, String, Option<bool>, i64);
        let rows: Vec<Row> =
            sql.load::<(Text, Text, Text, Text, Nullable<Bool>, BigInt), _>(self.conn)?;
        Ok(rows
            .into_iter()
            .map(|(kind, remote_id, label, match_key, active, seen_us)| StrayRow {
                kind,
                remote_id,
                label,
                match_key,
                active,
                seen_us,
            })
            .collect())
    }

    fn strays_where(&self, app: AppId, kind: &str) -> Sql {
        let mut sql = Sql::new(
            "SELECT kind, remote_id, label, match_key, active, seen_us FROM stray_account \
             WHERE organization = ",
        );
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND kind = ").bind(kind);
        sql
    }

    /// Accounts of a kind that belong to nobody, in order of the app's id, after one, at most `limit`.
    pub fn strays(
        &mut self,
        app: AppId,
        kind: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<StrayRow>> {
        let mut sql = self.strays_where(app, kind);
        if let Some(after) = after {
            sql.push(" AND remote_id > ").bind(after);
        }
        sql.push(" ORDER BY remote_id LIMIT ").bind(limit);
        self.load_strays(sql)
    }

    /// How many accounts that belong to nobody have each of these keys; those without are left out.
    pub fn strays_matching(
        &mut self,
        app: AppId,
        kind: &str,
        keys: &[String],
    ) -> Result<HashMap<String, usize>> {
        let mut found: HashMap<String, usize> = HashMap::new();
        for chunk in keys.chunks(500) {
            let mut sql = self.strays_where(app, kind);
            sql.push(" AND match_key IN (").binds(chunk.iter().cloned()).push(")");
            for stray in self.load_strays(sql)? {
                *found.entry(stray.match_key).or_default() += 1;
            }
        }
        Ok(found)
    }
}

impl Transaction<'_> {
    /// Notes that the app showed these accounts.
    pub fn note_seen(
        &mut self,
        app: AppId,
        kind: &str,
        remote_ids: &[String],
        now_us: i64,
    ) -> Result<()> {
        for chunk in remote_ids.chunks(500) {
            let mut sql = Sql::new("UPDATE link SET seen_us = ");
            sql.bind(now_us).push(" WHERE organization = ").bind(self.organization);
            sql.push(" AND app_id = ").bind(app).push(" AND kind = ").bind(kind);
            sql.push(" AND remote_id IN (").binds(chunk.iter().cloned()).push(")");
            sql.execute(self.conn)?;
            let mut sql = Sql::new("DELETE FROM stray_account WHERE organization = ");
            sql.bind(self.organization).push(" AND app_id = ").bind(app);
            sql.push(" AND kind = ").bind(kind);
            sql.push(" AND remote_id IN (").binds(chunk.iter().cloned()).push(")");
            sql.push(
                " AND EXISTS (SELECT 1 FROM link l WHERE l.organization = stray_account.organization \
                 AND l.app_id = stray_account.app_id AND l.kind = stray_account.kind \
                 AND l.remote_id = stray_account.remote_id)",
            );
            sql.execute(self.conn)?;
        }
        Ok(())
    }

    /// Notes what the app was seen to hold, unless something was pushed to the account since `before_us`
    /// or is being pushed: what was seen is older then. Answers whether it was noted.
    pub fn note_observed(&mut self, app: AppId, noted: &Noted, before_us: i64) -> Result<bool> {
        let mut sql = Sql::new("UPDATE link SET drift = ");
        sql.bind(text(&noted.drift)?).push(", righted = ").bind(text(&noted.righted)?);
        sql.push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app).push(" AND resource_id = ").bind(noted.resource);
        sql.push(" AND state IN ('linked', 'deactivated') AND COALESCE(pushed_us, 0) < ");
        sql.bind(before_us);
        sql.push(
            " AND NOT EXISTS (SELECT 1 FROM job j WHERE j.organization = link.organization \
             AND j.app_id = link.app_id AND j.resource_id = link.resource_id AND j.state = 'running')",
        );
        Ok(sql.execute(self.conn)? == 1)
    }

    /// The link of one resource, which nobody else writes until this transaction ends.
    pub fn lock_link(&mut self, app: AppId, resource: ResourceId) -> Result<Option<LinkRow>> {
        let mut sql = self.links_where(app);
        sql.push(" AND l.resource_id = ").bind(resource);
        if self.conn.backend() == Backend::Postgres {
            sql.push(" FOR UPDATE");
        }
        Ok(self.load_links(sql)?.into_iter().next())
    }

    /// Writes what a person decided about what the app holds otherwise. The link must be locked.
    pub fn put_drift(
        &mut self,
        app: AppId,
        resource: ResourceId,
        drift: &Map<String, Value>,
    ) -> Result<()> {
        let mut sql = Sql::new("UPDATE link SET drift = ");
        sql.bind(text(drift)?).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app).push(" AND resource_id = ").bind(resource);
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Writes what is left of what the app held otherwise, after something was pushed, and adds what
    /// was put right. The link must be locked.
    pub fn settle_drift(&mut self, app: AppId, noted: &Noted) -> Result<()> {
        let mut sql = Sql::new("SELECT righted FROM link WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND resource_id = ").bind(noted.resource);
        let rows: Vec<(Option<String>,)> = sql.load::<(Nullable<Text>,), _>(self.conn)?;
        let before = rows.into_iter().next().and_then(|(text,)| text);
        let mut righted: Map<String, Value> = before
            .map_or_else(|| Ok(Map::new()), |text| serde_json::from_str(&text))
            .map_err(|error| Error::Corrupt(error.to_string()))?;
        righted.extend(noted.righted.clone());
        let mut sql = Sql::new("UPDATE link SET drift = ");
        sql.bind(text(&noted.drift)?).push(", righted = ").bind(text(&righted)?);
        sql.push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND app_id = ").bind(app).push(" AND resource_id = ").bind(noted.resource);
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Notes accounts that belong to nobody.
    pub fn put_strays(&mut self, app: AppId, strays: &[StrayRow]) -> Result<()> {
        for chunk in strays.chunks(100) {
            let mut sql = Sql::new(
                "INSERT INTO stray_account (organization, app_id, kind, remote_id, label, match_key, \
                 active, seen_us) VALUES ",
            );
            for (at, stray) in chunk.iter().enumerate() {
                sql.push(if at == 0 { "(" } else { ", (" });
                sql.bind(self.organization).push(", ").bind(app);
                sql.push(", ").bind(stray.kind.as_str()).push(", ").bind(stray.remote_id.as_str());
                sql.push(", ").bind(stray.label.as_str()).push(", ").bind(stray.match_key.as_str());
                match stray.active {
                    Some(active) => sql.push(", ").bind(active),
                    None => sql.push(", NULL"),
                };
                sql.push(", ").bind(stray.seen_us).push(")");
            }
            sql.push(
                " ON CONFLICT (organization, app_id, kind, remote_id) DO UPDATE SET \
                 label = excluded.label, match_key = excluded.match_key, active = excluded.active, \
                 seen_us = excluded.seen_us",
            );
            sql.execute(self.conn)?;
        }
        Ok(())
    }

    /// Forgets accounts of nobody that the app did not show since then.
    pub fn forget_strays(&mut self, app: AppId, kind: &str, since_us: i64) -> Result<()> {
        let mut sql = Sql::new("DELETE FROM stray_account WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND kind = ").bind(kind).push(" AND seen_us < ").bind(since_us);
        sql.execute(self.conn)?;
        Ok(())
    }

    /// Notes when the app's own accounts were last read and compared, and that what they show is
    /// believed. The app's revision stays.
    pub fn note_reconciled(&mut self, app: AppId, now_us: i64) -> Result<()> {
        let mut sql = Sql::new("UPDATE app SET doubt = NULL, reconciled_us = ");
        sql.bind(now_us).push(" WHERE organization = ").bind(self.organization);
        sql.push(" AND id = ").bind(app);
        sql.execute(self.conn)?;
        Ok(())
    }
}
